//! `aceso policy`.

use crate::app::unreachable;
use crate::exit::{Exit, Failure};
use aceso_policy::Engine;
use std::io::Write;

/// What to ask of the rules.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check that the policies of this build load and fit their schema
    Check,
    /// Print the permission matrix: role, purpose, interaction, data class
    Matrix,
}

/// Runs it.
///
/// # Errors
/// [`Failure`] when the policies do not load.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    let engine = Engine::load().map_err(|error| unreachable("the policies", error.to_string()))?;
    match command {
        Command::Check => writeln!(out, "the policies load and fit their schema; version {}", engine.version())?,
        Command::Matrix => write!(out, "{}", engine.matrix())?,
    }
    Ok(Exit::Done)
}
