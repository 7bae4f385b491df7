//! The simulated EHR as a program of its own: for the benchmark, and for trying a connection by hand.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that reports to a terminal")]

use aceso_emr_sim::{Options, RateLimit, Simulator};
use serde_json::json;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "emr-sim [--listen ADDRESS] [--patients N] [--seed N] [--per-second N]\n\
                     Prints its address and the credentials of the application that may sync; ends by SIGINT or SIGTERM.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = options(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match serve(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("emr-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let (mut interrupted, mut ended) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let simulator = Simulator::start(options).await?;
    let credentials = simulator.credentials();
    println!(
        "{}",
        json!({ "url": simulator.base_url(), "client_id": credentials.client_id, "client_secret": credentials.client_secret })
    );
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = ended.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}

/// `None` for anything that is not understood.
fn options(arguments: &[String]) -> Option<Options> {
    let mut options = Options::default();
    let pairs = arguments.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    for pair in pairs {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--listen" => options.listen = value.parse().ok()?,
            "--patients" => options.patients = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            "--per-second" => {
                let requests: u32 = value.parse().ok().filter(|requests| *requests > 0)?;
                options.rate = Some(RateLimit { per_second: requests.into(), burst: requests, retry_after: true });
            }
            _ => return None,
        }
    }
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Option<Options> {
        options(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_strict() {
        let taken = parsed(&["--patients", "10000", "--seed", "7", "--per-second", "50"]).unwrap();
        assert_eq!((taken.patients, taken.seed, taken.rate.unwrap().burst), (10_000, 7, 50));
        for wrong in [&["--patients"][..], &["--patients", "many"], &["--per-second", "0"], &["--fast", "1"]] {
            assert!(parsed(wrong).is_none(), "{wrong:?}");
        }
    }
}
