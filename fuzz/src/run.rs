//! The plain runner: seeds, then changed seeds, until the time is over.

use crate::{Target, mutate};
use aceso_testkit::PlannedRandomness;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A property that did not hold.
#[derive(Debug)]
pub struct Broken {
    /// How many inputs had been tried before.
    pub runs: u64,
    /// The input that breaks it.
    pub input: Vec<u8>,
    /// What the target said.
    pub message: String,
}

/// Runs a target on its seeds once and on changed ones until `time` is over. The same seed number makes the same inputs.
///
/// # Errors
/// [`Broken`], at the first input that breaks the property.
pub fn hold(target: &Target, time: Duration, seed: u64) -> Result<u64, Broken> {
    let seeds = (target.seeds)();
    let chance = PlannedRandomness::seeded(seed);
    let end = Instant::now() + time;
    let mut runs = 0;
    for input in &seeds {
        attempt(target, input, runs)?;
        runs += 1;
    }
    while Instant::now() < end {
        for _ in 0..16 {
            attempt(target, &mutate::next(&chance, &seeds, target.words), runs)?;
            runs += 1;
        }
    }
    Ok(runs)
}

fn attempt(target: &Target, input: &[u8], runs: u64) -> Result<(), Broken> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        Broken { runs, input: input.to_vec(), message: text.unwrap_or("a panic without a message").to_owned() }
    })
}

/// Writes an input that breaks a property below `target/fuzz` and gives the path.
///
/// # Errors
/// When the folder cannot be written.
pub fn keep(target: &Target, input: &[u8]) -> std::io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    let path = folder.join(format!("{}-{}.bin", target.name, input.len()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(&path, input)?;
    Ok(path)
}

/// The inputs that once broke this target, in order of their names.
///
/// # Errors
/// When one cannot be read.
pub fn regressions(target: &Target) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target.name);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    paths.into_iter().map(|path| Ok((path.clone(), std::fs::read(path)?))).collect()
}

/// Runs a target on one input.
///
/// # Errors
/// [`Broken`].
pub fn replay(target: &Target, input: &[u8]) -> Result<(), Broken> {
    attempt(target, input, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_property_is_reported_with_its_input() {
        let broken = Target {
            name: "broken",
            about: "",
            words: &[],
            seeds: || vec![b"good".to_vec()],
            run: |bytes| assert!(bytes == b"good", "changed"),
        };
        let found = hold(&broken, Duration::from_secs(5), 1).unwrap_err();
        assert!(found.input != b"good" && found.message == "changed");
    }
}
