//! `cargo xtask fuzz`: the runner in `fuzz/`, built and started; with `--guided`, the same targets under libFuzzer.

use crate::command::{Failure, command, output, run as run_command, target};

/// What libFuzzer needs to know of the code that it runs: which edges were taken, how often, and what was compared. These are the passes of
/// LLVM that the stable compiler carries; the sanitizers, which only a nightly one has, are for memory errors, and the code is safe Rust.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// The plain runner gets everything passed on; it prints the seed, so that a run can be repeated.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--guided", minutes, name] => guided(minutes, name, "1"),
        ["--guided", minutes, name, "--seed", seed] => guided(minutes, name, seed),
        ["--guided", ..] => Err("fuzz --guided MINUTES TARGET [--seed N]".to_owned()),
        _ => plain(&words),
    }
}

fn plain(words: &[&str]) -> Result<(), Failure> {
    run_command(
        command("cargo", &["run", "--quiet", "--package", "aceso-fuzz", "--bin", "aceso-fuzz", "--"]).args(words),
    )
}

/// What a run has found stays in `target/fuzz/TARGET/found`, and the next run goes on from there.
fn guided(minutes: &str, name: &str, seed: &str) -> Result<(), Failure> {
    let minutes: f64 = minutes.parse().map_err(|_| "MINUTES is a number".to_owned())?;
    let folder = target().join("fuzz").join(name);
    let found = folder.join("found");
    std::fs::create_dir_all(&found).map_err(|error| format!("target/fuzz cannot be written: {error}"))?;
    plain(&["--seeds", name, &folder.to_string_lossy()])?;
    let host = host()?;
    let build = ["build", "--quiet", "--package", "aceso-fuzz", "--features", "guided", "--bin", "aceso-fuzz-guided"];
    // The target is named so that build scripts and macros stay without instrumentation.
    let place = ["--profile", "guided", "--target", &host];
    run_command(command("cargo", &build).args(place).env("RUSTFLAGS", INSTRUMENTATION))?;
    let binary = target().join(&host).join("guided/aceso-fuzz-guided");
    let limits = [
        format!("-max_total_time={:.0}", minutes * 60.0),
        format!("-seed={seed}"),
        format!("-artifact_prefix={}/broken-", folder.display()),
        "-max_len=65536".to_owned(),
        "-rss_limit_mb=1024".to_owned(),
        "-timeout=60".to_owned(),
        "-print_final_stats=1".to_owned(),
    ];
    let mut fuzzer = command(&binary.to_string_lossy(), &[]);
    let words = folder.join("words");
    let words = words.exists().then(|| format!("-dict={}", words.display()));
    fuzzer.env("ACESO_FUZZ_TARGET", name).args(limits).args(words).arg(found).arg(folder.join("seeds"));
    run_command(&mut fuzzer)
}

fn host() -> Result<String, Failure> {
    let version = output(&mut command("rustc", &["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not name its host".to_owned())
}
