//! `aceso config check|dump`.

use super::{AsJson, ConfigFile, write_json};
use crate::config::{Config, Origin, Problem, Value};
use crate::exit::{Exit, Failure};
use std::io::Write;

/// Validate the configuration, or show what is in effect.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Validate file and environment; secrets are fetched once and thrown away
    Check {
        /// Where it is.
        #[command(flatten)]
        file: ConfigFile,
        /// The form of the answer.
        #[command(flatten)]
        form: AsJson,
    },
    /// Print the effective configuration; secrets appear only as references
    Dump {
        /// Where it is.
        #[command(flatten)]
        file: ConfigFile,
        /// The form of the answer.
        #[command(flatten)]
        form: AsJson,
    },
}

/// Runs it.
///
/// # Errors
/// [`Failure::Configuration`] with every problem.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Check { file, form } => check(file, *form, out),
        Command::Dump { file, form } => dump(file, *form, out),
    }
}

fn check(file: &ConfigFile, form: AsJson, out: &mut dyn Write) -> Result<Exit, Failure> {
    let problems = match Config::load(&file.config) {
        Ok(config) => {
            let packages = crate::packages::in_force(&config).err().unwrap_or_default();
            config.unusable_secrets().into_iter().chain(packages).collect()
        }
        Err(problems) => problems,
    };
    if form.json {
        write_json(out, &serde_json::json!({ "valid": problems.is_empty(), "problems": listed(&problems) }))?;
        return Ok(if problems.is_empty() { Exit::Done } else { Exit::Configuration });
    }
    if !problems.is_empty() {
        return Err(Failure::Configuration(problems));
    }
    writeln!(out, "The configuration is valid.")?;
    Ok(Exit::Done)
}

fn dump(file: &ConfigFile, form: AsJson, out: &mut dyn Write) -> Result<Exit, Failure> {
    let config = Config::load(&file.config).map_err(Failure::Configuration)?;
    if !form.json {
        out.write_all(config.effective.to_toml().as_bytes())?;
        return Ok(Exit::Done);
    }
    let keys: serde_json::Map<_, _> = config
        .effective
        .iter()
        .map(|(path, value, origin)| {
            let origin = match origin {
                Origin::Default => "default",
                Origin::File => "file",
                Origin::Variable => "environment",
            };
            (path.to_owned(), serde_json::json!({ "value": as_json(value), "from": origin }))
        })
        .collect();
    write_json(out, &serde_json::Value::Object(keys))?;
    Ok(Exit::Done)
}

fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::List(list) => list.clone().into(),
        Value::Integer(number) => (*number).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Path(path) => path.to_string_lossy().into(),
        Value::Secret(reference) => format!("{reference:?}").into(),
    }
}

fn listed(problems: &[Problem]) -> Vec<serde_json::Value> {
    problems.iter().map(|problem| serde_json::json!({ "at": problem.at, "problem": problem.text })).collect()
}
