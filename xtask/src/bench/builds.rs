//! The two builds that are compared: the product, and its control, in which nothing is protected.

use super::Options;
use crate::check::control::FEATURE;
use crate::command::{Failure, command, run, target};
use std::path::{Path, PathBuf};

/// What only a control build contains.
const MARK: &[u8] = b"INSECURE BENCHMARK CONTROL BUILD";

/// The binaries.
#[derive(Debug)]
pub(crate) struct Builds {
    pub product: PathBuf,
    pub control: PathBuf,
}

/// Builds both into `folder`, unless they are given, and proves which is which.
pub(crate) fn make(options: &Options, folder: &Path) -> Result<Builds, Failure> {
    let builds = match (&options.binary, &options.control) {
        (Some(product), Some(control)) => Builds { product: product.clone(), control: control.clone() },
        (None, None) => {
            // The control first: what is left in the target directory afterwards is the product.
            let control = build(&["--features", FEATURE], &folder.join("aceso-control"))?;
            Builds { product: build(&[], &folder.join("aceso"))?, control }
        }
        _ => return Err("give both --binary and --control, or none".to_owned()),
    };
    match (is_control(&builds.product)?, is_control(&builds.control)?) {
        (false, true) => Ok(builds),
        (true, _) => Err("the binary to measure is a control build".to_owned()),
        (_, false) => Err("the control binary is not a control build".to_owned()),
    }
}

fn build(more: &[&str], to: &Path) -> Result<PathBuf, Failure> {
    let arguments = [&["build", "--release", "--package", "aceso-server", "--bin", "aceso"], more].concat();
    run(&mut command("cargo", &arguments))?;
    let from = target().join("release/aceso");
    let moved =
        std::fs::copy(&from, to).and_then(|_| if more.is_empty() { Ok(()) } else { std::fs::remove_file(&from) });
    moved.map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(to.to_owned())
}

fn is_control(binary: &Path) -> Result<bool, Failure> {
    let bytes = std::fs::read(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    Ok(bytes.windows(MARK.len()).any(|window| window == MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_build_is_told_by_its_mark() {
        let file = std::env::temp_dir().join(format!("aceso-mark-{}", std::process::id()));
        std::fs::write(&file, b"nothing").unwrap();
        assert!(!is_control(&file).unwrap());
        std::fs::write(&file, [b"...", MARK, b"..."].concat()).unwrap();
        assert!(is_control(&file).unwrap());
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn the_mark_is_what_the_control_says_at_its_start() {
        let source = crate::command::root().join("crates/server/src/benchmark_control.rs");
        let source = std::fs::read_to_string(source).unwrap();
        assert!(source.contains(std::str::from_utf8(MARK).unwrap()));
    }
}
