//! `cargo xtask test`: every test, with everything it needs.

use crate::command::{Failure, command, exists, run, target};
use crate::parts;

/// Installs parts, builds the binary once, runs doc tests and then all other tests, so that the last line is the runner's summary.
pub(crate) fn run_all(filters: &[String]) -> Result<(), Failure> {
    let parts = parts::install()?;
    run(&mut command("cargo", &["build", "--quiet", "--package", "aceso-server", "--bin", "aceso"]))?;
    let binary = target().join("debug/aceso");
    let nextest = exists("cargo-nextest", "--version");
    if nextest && filters.is_empty() {
        run(&mut command("cargo", &["test", "--quiet", "--workspace", "--doc"]))?;
    }
    let arguments: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        println!("note cargo-nextest is not installed; the tests run with cargo test");
        &["test", "--workspace", "--no-fail-fast"]
    };
    // Whoever names the tests that he wants is trying something out: then the fuzz targets run for a moment only.
    let minute = filters.is_empty().then_some(("ACESO_FUZZ_SECONDS", "60"));
    let status = command("cargo", arguments)
        .args(filters)
        .envs(minute)
        .env("ACESO_BIN", &binary)
        .envs(parts.variables())
        .status()
        .map_err(|error| format!("the test runner does not start: {error}"))?;
    // The runner's summary is the last word, also when tests failed.
    if status.success() { Ok(()) } else { Err(String::new()) }
}
