//! The benchmark's control build: says what it is, and does nothing but a demo on a folder that is its own.

use crate::commands::Command;
use crate::exit::Failure;
use std::io::Write;
use std::path::Path;

/// Also how `cargo xtask bench` tells the two binaries apart.
const WARNING: &str = "\
INSECURE BENCHMARK CONTROL BUILD
Nothing is sealed, nobody is refused, nothing is in a log. For comparison in a benchmark, on synthetic records.
Never give it a record of anybody.
";

/// Lets a demo on a new or empty folder pass.
///
/// # Errors
/// [`Failure::Usage`] for everything else.
pub(crate) fn admit(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    out.write_all(WARNING.as_bytes())?;
    match command {
        Command::Demo(arguments) if arguments.data.as_deref().is_none_or(is_new) => Ok(()),
        Command::Demo(_) => Err(Failure::Usage("the control build takes a new or empty folder only".to_owned())),
        _ => Err(Failure::Usage("the control build can do nothing but `demo`".to_owned())),
    }
}

fn is_new(folder: &Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Cli;
    use clap::Parser as _;

    fn admitted(line: &[&str]) -> bool {
        let mut said = Vec::new();
        let admitted = admit(&Cli::parse_from(line).command, &mut said).is_ok();
        assert!(String::from_utf8(said).unwrap().contains("INSECURE"));
        admitted
    }

    #[test]
    fn nothing_but_a_demo_on_a_new_folder_is_admitted() {
        let new = std::env::temp_dir().join(format!("aceso-control-{}", std::process::id()));
        let new = new.to_string_lossy();
        assert!(admitted(&["aceso", "demo"]) && admitted(&["aceso", "demo", "--data", &new]));
        assert!(!admitted(&["aceso", "demo", "--data", env!("CARGO_MANIFEST_DIR")]));
        assert!(!admitted(&["aceso", "serve"]) && !admitted(&["aceso", "doctor"]));
        assert!(!admitted(&["aceso", "import", "x.json"]));
    }
}
