//! `cargo xtask bench`: the server as a release build, driven over HTTP by wrk, with what the figures depend on beside them.

mod client;
mod machine;
mod process;
mod scenarios;
mod table;
mod wrk;

use crate::command::{Failure, command, run as run_command, target};
use crate::parts;
use std::path::PathBuf;

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Duration of each scenario, after a warm-up of a third of it.
    pub seconds: u32,
    /// Open connections, kept alive.
    pub connections: u32,
    /// Synthetic patients to load.
    pub patients: u32,
    /// The binary; built when not given.
    pub binary: Option<PathBuf>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self { seconds: 10, connections: 64, patients: 12, binary: None };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} needs a value; {USAGE}"))?;
            let number =
                || value.parse::<u32>().ok().filter(|n| *n > 0).ok_or(format!("{word} needs a number above 0"));
            match word.as_str() {
                "--seconds" => options.seconds = number()?,
                "--connections" => options.connections = number()?,
                "--patients" => options.patients = number()?,
                "--binary" => options.binary = Some(PathBuf::from(value)),
                _ => return Err(format!("unknown option {word}; {USAGE}")),
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "cargo xtask bench [--seconds 10] [--connections 64] [--patients 12] [--binary FILE]";

/// Builds, loads, measures, prints.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    parts::debian("wrk", "--version", &["wrk"])?;
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => {
            run_command(&mut command("cargo", &["build", "--release", "--package", "aceso-server", "--bin", "aceso"]))?;
            target().join("release/aceso")
        }
    };
    let folder = target().join("bench");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("{}", machine::describe(&folder)?);
    let rows = scenarios::run(&binary, &folder, &options)?;
    println!(
        "{}",
        table::markdown(&["scenario", "requests/s", "p50 ms", "p99 ms", "refused", "failed", "peak RSS MB"], &rows)
    );
    println!("{}", machine::load());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_strict() {
        let parse = |words: &[&str]| Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&["--seconds", "3"]).unwrap().seconds, 3);
        assert!(
            parse(&["--seconds"]).is_err() && parse(&["--seconds", "0"]).is_err() && parse(&["--fast", "1"]).is_err()
        );
    }
}
