//! Throws damaged input at everything that reads bytes from outside, for a set time.
//!
//! Coverage is not measured (that needs a nightly compiler), so inputs come from good seeds by many small changes, and each target
//! checks a property beyond "does not panic". Every target is a plain function of bytes and can be called from a libFuzzer harness.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that reports to a terminal")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken property is a panic, which the runner reports"
)]

mod mutate;
mod targets;

use aceso_testkit::PlannedRandomness;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};

const USAGE: &str = "aceso-fuzz MINUTES [TARGET] [--seed N] | --list | --input TARGET FILE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            TARGETS.iter().for_each(|target| println!("{:10} {}", target.name, target.about));
            ExitCode::SUCCESS
        }
        ["--input", name, file] => match (find(name), std::fs::read(file)) {
            (Some(target), Ok(bytes)) => {
                (target.run)(&bytes);
                println!("{name}: the input does no harm");
                ExitCode::SUCCESS
            }
            _ => usage(),
        },
        [minutes, rest @ ..] => match (minutes.parse::<f64>(), chosen(rest)) {
            (Ok(minutes), Some((targets, seed))) if minutes > 0.0 => all(minutes, &targets, seed),
            _ => usage(),
        },
        [] => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

fn chosen(words: &[&str]) -> Option<(Vec<&'static Target>, u64)> {
    match words {
        [] => Some((TARGETS.iter().collect(), 1)),
        ["--seed", seed] => Some((TARGETS.iter().collect(), seed.parse().ok()?)),
        [name] => Some((vec![find(name)?], 1)),
        [name, "--seed", seed] => Some((vec![find(name)?], seed.parse().ok()?)),
        _ => None,
    }
}

fn all(minutes: f64, targets: &[&'static Target], seed: u64) -> ExitCode {
    let share = Duration::from_secs_f64(minutes * 60.0 / targets.len() as f64);
    // The report below names what is needed; the hook would print the message of each panic beside it.
    std::panic::set_hook(Box::new(|_| {}));
    let mut failed = 0_usize;
    for target in targets {
        match one(target, share, seed) {
            Ok(runs) => println!("ok   {:10} {runs} inputs in {} s, seed {seed}", target.name, share.as_secs()),
            Err((runs, input, message)) => {
                failed += 1;
                println!(
                    "FAIL {:10} after {runs} inputs, seed {seed}: {message}; input kept in {}",
                    target.name,
                    keep(target, &input)
                );
            }
        }
    }
    println!("fuzz: {} targets, {failed} failed", targets.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Broken = (u64, Vec<u8>, String);

fn one(target: &Target, time: Duration, seed: u64) -> Result<u64, Broken> {
    let seeds = (target.seeds)();
    let chance = PlannedRandomness::seeded(seed);
    let end = Instant::now() + time;
    let mut runs = 0;
    for input in &seeds {
        attempt(target, input).map_err(|message| (runs, input.clone(), message))?;
        runs += 1;
    }
    while Instant::now() < end {
        for _ in 0..64 {
            let input = mutate::next(&chance, &seeds, target.words);
            attempt(target, &input).map_err(|message| (runs, input, message))?;
            runs += 1;
        }
    }
    Ok(runs)
}

fn attempt(target: &Target, input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        text.unwrap_or("a panic without a message").to_owned()
    })
}

fn keep(target: &Target, input: &[u8]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    let path = folder.join(format!("{}-{}.bin", target.name, input.len()));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    written.map_or("nowhere (the folder cannot be written)".to_owned(), |()| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_holds_on_its_seeds_and_on_a_few_thousand_changes() {
        for target in TARGETS {
            let outcome = one(target, Duration::from_millis(300), 7);
            assert!(outcome.is_ok(), "{}: {}", target.name, outcome.unwrap_err().2);
        }
    }

    #[test]
    fn a_broken_property_is_reported_with_its_input() {
        let broken = Target {
            name: "broken",
            about: "",
            words: &[],
            seeds: || vec![b"good".to_vec()],
            run: |bytes| assert!(bytes == b"good", "changed"),
        };
        let (_, input, message) = one(&broken, Duration::from_secs(5), 1).unwrap_err();
        assert!(input != b"good" && message == "changed");
    }
}
