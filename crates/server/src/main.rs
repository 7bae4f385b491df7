//! `aceso`: a self-hosted health-data platform in one binary.

use aceso_server::commands::Cli;
use aceso_server::exit::{Exit, Failure};
use aceso_server::{commands, hardening, telemetry};
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

/// The system's allocator took an eighth of the time of a search. What must be wiped is wiped by its owner, whatever holds the
/// memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    telemetry::quiet_panics();
    let cli = Cli::parse();
    let mut errors = std::io::stderr();
    if hardening::protect_memory().is_err() {
        let _ = errors
            .write_all(b"aceso: the system refuses to protect this process's memory (prctl, setrlimit); allow both\n");
        return Exit::Unreachable.into();
    }
    match commands::run(cli, &mut std::io::stdout().lock()) {
        Ok(exit) => exit.into(),
        // Who reads no further (`| head`) wants no complaint.
        Err(failure @ Failure::Output(_)) if failure.reader_is_gone() => failure.exit().into(),
        Err(failure) => {
            let _ = errors.write_all(failure.report().as_bytes());
            failure.exit().into()
        }
    }
}
