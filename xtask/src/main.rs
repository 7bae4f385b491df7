//! `cargo xtask`: checks, tests, benchmark and fuzzing of the workspace.

mod bench;
mod check;
mod command;
mod fuzz;
mod parts;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  check [--quick] format, lints, ranks, reserved edges, shrinking lists, house rules, licences, advisories where reachable;
                  --quick leaves out format, lints and advisories
  test [FILTER…]  installs the parts that tests need, builds the binary, runs every test, a minute for each fuzz target
                  among them; the last line is the runner's summary
  definitions     writes the tables of `crates/fhir` anew from `definitions/r4`
  parts           only installs the parts (into target/parts)
  bench [--seconds 10] [--rounds 2] [--connections 64] [--patients 12] [--import DIR] [--hfs FILE] [--only WORD]
        [--ehr-patients 100] [--ehr-per-second N]
        [--binary FILE --control FILE]
                  the benchmark: the server and its control build side by side, Helios HFS beside them when its binary is
                  given, machine and sync figures with the results
  fuzz MINUTES [TARGET] [--seed N]
                  every fuzz target for that time, or one; --list names them, --input TARGET FILE tries one input
  fuzz --guided MINUTES TARGET [--seed N]
                  one target under libFuzzer, which follows coverage; goes on from what earlier runs found
  help            this text

Exit codes: 0 done, 1 something failed, 2 usage.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("check") if rest.is_empty() => check::run(check::Depth::Full),
        Some("check") if rest == ["--quick"] => check::run(check::Depth::Quick),
        Some("test") => test::run_all(rest),
        Some("definitions") if rest.is_empty() => {
            // The profiles are compiled by the crate itself, with the tables that were just written.
            let profiles = ["run", "--quiet", "-p", "aceso-fhir", "--example", "embedded_profiles"];
            command::run(&mut command::command("cargo", &["run", "--quiet", "-p", "aceso-fhir-gen"]))
                .and_then(|()| command::run(&mut command::command("cargo", &profiles)))
        }
        Some("parts") if rest.is_empty() => parts::install().map(|_| ()),
        Some("bench") => bench::run(rest),
        Some("fuzz") => fuzz::run(rest),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_empty() {
                eprintln!("xtask: {failure}");
            }
            ExitCode::FAILURE
        }
    }
}
