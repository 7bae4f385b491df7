//! The command line. A command stands here only when it works.

pub mod audit;
pub mod audit_report;
pub mod config;
pub mod connections;
pub mod doctor;
pub mod fhir;
pub mod import;
pub mod keys;
pub mod leakage;
pub mod order;
pub mod people;
pub mod policy;
pub mod serve;

use crate::exit::{Exit, Failure};
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;

/// A self-hosted health-data platform: sealed records, redacted reads, a log that nobody can rewrite unnoticed.
#[derive(Debug, Parser)]
#[command(name = "aceso", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 the thing asked about is not so, 2 usage, 3 configuration, 4 cannot reach a dependency."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything with synthetic patients and one person per role
    Demo(crate::demo::Arguments),
    /// Run the server: FHIR, console, hooks and administration; SIGTERM and Ctrl-C end it in order
    Serve(ConfigFile),
    /// Take FHIR bundles in; started again after an interruption, it goes on where it was
    Import(import::Arguments),
    /// Keys: status, rotation, crypto-shred
    #[command(subcommand)]
    Keys(keys::Command),
    /// What the indexes give away to somebody who holds the database
    Leakage(order::OfTenant),
    /// Export the audit log; verify an exported one offline, and report from it
    #[command(subcommand)]
    Audit(audit::Command),
    /// Connected systems: add, run, look after
    #[command(subcommand)]
    Connections(connections::Command),
    /// Accounts of people
    #[command(subcommand)]
    People(people::People),
    /// OAuth clients
    #[command(subcommand)]
    Clients(people::Clients),
    /// FHIR's definitions: packages of profiles, value sets and code systems
    #[command(subcommand)]
    Fhir(fhir::Command),
    /// The rules: check them, print the permission matrix
    #[command(subcommand)]
    Policy(policy::Command),
    /// Validate the configuration, or show what is in effect
    #[command(subcommand)]
    Config(config::Command),
    /// Check everything the server depends on, with a remedy for each failure
    Doctor(doctor::Arguments),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub struct ConfigFile {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "ACESO_CONFIG", default_value = "aceso.toml")]
    pub config: PathBuf,
}

/// The form of the answer, for every command that reads.
#[derive(Debug, Clone, Copy, Args)]
pub struct AsJson {
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs a command and writes its answer to `out`.
///
/// # Errors
/// [`Failure`], with its exit code and a text for standard error.
pub fn run(cli: Cli, out: &mut dyn Write) -> Result<Exit, Failure> {
    #[cfg(feature = "insecure-benchmark-control")]
    crate::benchmark_control::admit(&cli.command, out)?;
    match cli.command {
        Command::Demo(arguments) => crate::demo::run(&arguments, out).map(|()| Exit::Done),
        Command::Serve(file) => serve::run(&file),
        Command::Import(arguments) => import::run(&arguments, out),
        Command::Keys(command) => keys::run(command, out),
        Command::Leakage(of) => leakage::run(&of, out),
        Command::Audit(command) => audit::run(&command, out),
        Command::Connections(command) => connections::run(command, out),
        Command::People(command) => people::run(command, out),
        Command::Clients(command) => people::run_clients(command, out),
        Command::Fhir(command) => fhir::run(&command, out),
        Command::Policy(command) => policy::run(&command, out),
        Command::Config(command) => config::run(&command, out),
        Command::Doctor(arguments) => doctor::run(&arguments, out),
    }
}

/// Writes a JSON document and a line end.
pub(crate) fn write_json(out: &mut dyn Write, value: &serde_json::Value) -> Result<(), Failure> {
    Ok(writeln!(out, "{value:#}")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
