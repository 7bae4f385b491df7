//! `aceso doctor`.

use super::{AsJson, ConfigFile, write_json};
use crate::config::Config;
use crate::doctor::{Finding, State, examine, of_configuration};
use crate::exit::{Exit, Failure};
use aceso_base::SystemClock;
use std::io::Write;

/// What to examine.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the configuration is.
    #[command(flatten)]
    pub file: ConfigFile,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

/// Runs it: exit 0 when nothing failed (warnings are told), 1 when something did, 3 when already the configuration is wrong.
///
/// # Errors
/// Only when the answer cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (findings, broken) = match Config::load(&arguments.file.config) {
        Ok(config) => (examine(&config, &SystemClock), Exit::NotSo),
        Err(problems) => (of_configuration(&problems), Exit::Configuration),
    };
    let failed = findings.iter().any(|finding| finding.state == State::Failed);
    if arguments.form.json {
        let listed: Vec<_> = findings.iter().map(Finding::to_json).collect();
        write_json(out, &serde_json::json!({ "ok": !failed, "checks": listed }))?;
    } else {
        for finding in &findings {
            writeln!(out, "{finding}")?;
        }
    }
    Ok(if failed { broken } else { Exit::Done })
}
