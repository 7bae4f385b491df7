//! `aceso serve`.

use super::ConfigFile;
use crate::config::Config;
use crate::exit::{Exit, Failure};

/// Runs it until the process is told to stop.
///
/// # Errors
/// [`Failure`].
pub fn run(file: &ConfigFile) -> Result<Exit, Failure> {
    let config = Config::load(&file.config).map_err(Failure::Configuration)?;
    crate::serve::run(config)?;
    Ok(Exit::Done)
}
