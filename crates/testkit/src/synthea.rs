//! The synthetic patients that the repository carries (Synthea, `testdata/synthea`).

use bzip2::read::MultiBzDecoder;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A transaction or batch bundle.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// File name without endings: for patients, the patient's id.
    pub name: String,
    /// The JSON.
    pub json: Vec<u8>,
}

/// Every bundle in the order of an import: hospitals, practitioners, then patients by name. `ACESO_SYNTHEA` names another folder.
#[must_use]
pub fn bundles() -> Vec<Bundle> {
    names().iter().map(load).collect()
}

/// The hospital and practitioner bundles and the first `count` patients.
#[must_use]
pub fn first_patients(count: usize) -> Vec<Bundle> {
    let names = names();
    let (shared, patients): (Vec<_>, Vec<_>) = names.iter().partition(|path| is_shared(path));
    assert!(patients.len() >= count, "there are only {} synthetic patients", patients.len());
    shared.into_iter().chain(patients.into_iter().take(count)).map(load).collect()
}

fn folder() -> PathBuf {
    let carried = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/synthea");
    std::env::var_os("ACESO_SYNTHEA").map_or_else(|| PathBuf::from(carried), PathBuf::from)
}

fn names() -> Vec<PathBuf> {
    let folder = folder();
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("no synthetic patients in {}", folder.display()));
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().contains(".json")).collect();
    names.sort_by_key(|path| (!is_shared(path), path.clone()));
    assert!(!names.is_empty(), "no synthetic patients in {}", folder.display());
    names
}

fn is_shared(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.contains("hospitalInformation") || name.contains("practitionerInformation")
}

fn load(path: impl AsRef<Path>) -> Bundle {
    let path = path.as_ref();
    let stored = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let json = if name.ends_with(".bz2") {
        let mut json = Vec::new();
        MultiBzDecoder::new(stored.as_slice()).read_to_end(&mut json).unwrap();
        json
    } else {
        stored
    };
    Bundle { name: name.split(".json").next().unwrap_or_default().to_owned(), json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_bundles_come_before_patients() {
        let found = first_patients(2);
        assert!(found.first().unwrap().name.contains("hospitalInformation"));
        let last: serde_json::Value = serde_json::from_slice(&found.last().unwrap().json).unwrap();
        assert_eq!(last["resourceType"], "Bundle");
    }
}
