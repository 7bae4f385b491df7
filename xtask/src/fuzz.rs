//! `cargo xtask fuzz`: the runner in `fuzz/`, built and started.

use crate::command::{Failure, command, run as run_command};

/// Passes everything on; the runner prints the seed, so that a run can be repeated.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    run_command(command("cargo", &["run", "--quiet", "--package", "aceso-fuzz", "--"]).args(arguments))
}
