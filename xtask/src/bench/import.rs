//! The rate and the memory of `aceso import`, into a fresh data directory.

use super::process::{Server, high_water};
use crate::command::Failure;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Imported {
    /// Records made.
    pub records: u64,
    /// Entries and bundles that were refused.
    pub refused: u64,
    /// Records a second, start of the process to its end.
    pub per_second: f64,
    /// The most resident memory, in bytes.
    pub peak: u64,
}

/// Imports `bundles` with a configuration of its own in `folder`.
pub(crate) fn run(binary: &Path, bundles: &Path, folder: &Path) -> Result<Imported, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let config = "mode = \"development\"\nregion = \"us\"\ntenants = [\"bench\"]\n[store]\ndir = \"data\"\n\
                  [keys]\nprovider = \"local\"\nfile = \"root.key\"\n";
    std::fs::write(folder.join("aceso.toml"), config).map_err(failed)?;
    let bundles = bundles.canonicalize().map_err(|error| format!("{}: {error}", bundles.display()))?;
    let bundles = bundles.to_string_lossy();
    let mut process = Server::start(binary, &["import", "--config", "aceso.toml", "--json", &bundles], &[], folder)?;
    let (id, mut peak) = (process.id(), 0);
    let ended = process.wait_for_end(Duration::from_secs(3600), || peak = high_water(id).unwrap_or(0).max(peak))?;
    let told = std::fs::read_to_string(folder.join("server.log")).map_err(failed)?;
    // Something refused is exit code 1 and a full summary.
    summary(&told, peak).ok_or_else(|| format!("the import ended with {ended}: {told}"))
}

fn summary(told: &str, peak: u64) -> Option<Imported> {
    let value: Value = serde_json::from_str(told.get(told.find('{')?..)?).ok()?;
    let number = |name: &str| value.get(name)?.as_u64();
    let (records, seconds) = (number("records")?, value.get("seconds")?.as_f64()?);
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let per_second = records as f64 / seconds.max(0.001);
    Some(Imported { records, refused: number("refused")?, per_second, peak })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_an_import_is_read() {
        let told = "warning\n{ \"records\": 100, \"refused\": 2, \"seconds\": 0.5, \"bytes\": 1 }\n";
        assert_eq!(summary(told, 7), Some(Imported { records: 100, refused: 2, per_second: 200.0, peak: 7 }));
        assert_eq!(summary("nothing", 7), None);
    }
}
