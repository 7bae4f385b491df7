//! Throws changed inputs at the targets for a set time, each target in a process of its own, on as many cores as there are.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that reports to a terminal")]

use aceso_fuzz::{TARGETS, Target, find, hold, keep, replay, write_seeds};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const USAGE: &str = "aceso-fuzz MINUTES [TARGET] [--seed N] | --list | --input TARGET FILE | --seeds TARGET FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            TARGETS.iter().for_each(|target| println!("{:10} {}", target.name, target.about));
            ExitCode::SUCCESS
        }
        ["--input", name, file] => match (find(name), std::fs::read(file)) {
            (Some(target), Ok(bytes)) => one_input(target, &bytes),
            _ => usage(),
        },
        ["--seeds", name, folder] => match find(name).map(|target| write_seeds(target, Path::new(folder))) {
            Some(Ok(())) => ExitCode::SUCCESS,
            Some(Err(error)) => {
                eprintln!("the folder cannot be written ({:?})", error.kind());
                ExitCode::FAILURE
            }
            None => usage(),
        },
        [minutes, rest @ ..] => match (minutes.parse::<f64>(), chosen(rest)) {
            (Ok(minutes), Some((target, seed))) if minutes > 0.0 => match target {
                Some(target) => one(target, minutes, seed),
                None => all(minutes, seed),
            },
            _ => usage(),
        },
        [] => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn chosen(words: &[&str]) -> Option<(Option<&'static Target>, u64)> {
    match words {
        [] => Some((None, 1)),
        ["--seed", seed] => Some((None, seed.parse().ok()?)),
        [name] => Some((Some(find(name)?), 1)),
        [name, "--seed", seed] => Some((Some(find(name)?), seed.parse().ok()?)),
        _ => None,
    }
}

fn one_input(target: &Target, bytes: &[u8]) -> ExitCode {
    match replay(target, bytes) {
        Ok(()) => {
            println!("ok   {}: the property holds on this input", target.name);
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("FAIL {}: {}", target.name, broken.message);
            ExitCode::FAILURE
        }
    }
}

fn one(target: &Target, minutes: f64, seed: u64) -> ExitCode {
    // The report names what is needed; the hook would print the message of each panic beside it.
    std::panic::set_hook(Box::new(|_| {}));
    let time = Duration::from_secs_f64(minutes * 60.0);
    match hold(target, time, seed) {
        Ok(runs) => {
            println!("ok   {:10} {runs} inputs in {} s, seed {seed}", target.name, time.as_secs());
            ExitCode::SUCCESS
        }
        Err(broken) => {
            let kept = keep(target, &broken.input).map_or("nowhere".to_owned(), |path| path.display().to_string());
            let (name, runs, message) = (target.name, broken.runs, broken.message);
            println!("FAIL {name:10} after {runs} inputs, seed {seed}: {message}; input kept in {kept}");
            ExitCode::FAILURE
        }
    }
}

/// A target that ends its process (stack, memory) must not hide the others.
fn all(minutes: f64, seed: u64) -> ExitCode {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !process_of(target, minutes, seed) {
                failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner();
    println!("fuzz: {} targets, {failed} failed", TARGETS.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn process_of(target: &Target, minutes: f64, seed: u64) -> bool {
    let arguments = [minutes.to_string(), target.name.to_owned(), "--seed".to_owned(), seed.to_string()];
    let run = std::env::current_exe()
        .and_then(|own| Command::new(own).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).output());
    match run {
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            if output.status.code().is_none() {
                println!("FAIL {:10} the process was ended ({}), seed {seed}", target.name, output.status);
            }
            output.status.success()
        }
        Err(error) => {
            println!("FAIL {:10} does not start ({:?})", target.name, error.kind());
            false
        }
    }
}
