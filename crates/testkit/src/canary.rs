//! One planted patient whose every value is a string found nowhere else, and the search for it.

use crate::needles::{Needle, encodings};
use memchr::memmem::Finder;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The planted patient.
#[derive(Debug)]
pub struct Canary {
    needles: Vec<(&'static str, Needle)>,
}

/// A value that stands where it must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which value: `family`, `birthDate`, …
    pub what: &'static str,
    /// In which encoding.
    pub encoding: String,
    /// Where: a name given by the caller, or the file.
    pub place: String,
    /// Offset in bytes.
    pub offset: usize,
}

impl Canary {
    /// Logical id of the patient.
    pub const ID: &'static str = "ca9a71e5-0b1d-4b1d-8b1d-c0ffee0ca9a7";
    /// Family name.
    pub const FAMILY: &'static str = "Zyxelquist";
    /// Given name.
    pub const GIVEN: &'static str = "Quorlanda";
    /// Birth date.
    pub const BIRTH_DATE: &'static str = "1903-05-29";
    /// Medical record number.
    pub const MRN: &'static str = "MRN-QX-7719034452";
    /// Phone number.
    pub const PHONE: &'static str = "+1-404-555-7731-902";
    /// Street.
    pub const STREET: &'static str = "7719 Xanthorrhoea Crossing";
    /// City.
    pub const CITY: &'static str = "Vurblehaven";
    /// A clinical note.
    pub const NOTE: &'static str = "remembers a heron called Pimlicoberry";

    /// All planted values, named.
    pub const VALUES: &'static [(&'static str, &'static str)] = &[
        ("family", Self::FAMILY),
        ("given", Self::GIVEN),
        ("birthDate", Self::BIRTH_DATE),
        ("identifier", Self::MRN),
        ("phone", Self::PHONE),
        ("street", Self::STREET),
        ("city", Self::CITY),
        ("note", Self::NOTE),
    ];

    /// Prepares the search.
    #[must_use]
    pub fn new() -> Self {
        let needles = Self::VALUES
            .iter()
            .flat_map(|(what, text)| encodings(text).into_iter().map(|needle| (*what, needle)))
            .collect();
        Self { needles }
    }

    /// The `Patient`.
    #[must_use]
    pub fn patient() -> Value {
        json!({
            "resourceType": "Patient",
            "id": Self::ID,
            "identifier": [{ "system": "urn:example:mrn", "value": Self::MRN }],
            "name": [{ "use": "official", "family": Self::FAMILY, "given": [Self::GIVEN] }],
            "telecom": [{ "system": "phone", "value": Self::PHONE }],
            "gender": "female",
            "birthDate": Self::BIRTH_DATE,
            "address": [{ "line": [Self::STREET], "city": Self::CITY }],
            "text": { "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", Self::NOTE) }
        })
    }

    /// An `Observation` of the patient with the note in it.
    #[must_use]
    pub fn observation() -> Value {
        json!({
            "resourceType": "Observation",
            "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
            "subject": { "reference": format!("Patient/{}", Self::ID), "display": format!("{} {}", Self::GIVEN, Self::FAMILY) },
            "effectiveDateTime": "2026-01-01T10:00:00Z",
            "valueQuantity": { "value": 72, "unit": "/min" },
            "note": [{ "text": Self::NOTE }]
        })
    }

    /// Looks through bytes; `place` names them in the hits.
    #[must_use]
    pub fn search_bytes(&self, place: &str, bytes: &[u8]) -> Vec<Hit> {
        let hit = |(what, needle): &(&'static str, Needle)| {
            let offset = Finder::new(&needle.bytes).find(bytes)?;
            Some(Hit { what, encoding: needle.encoding.clone(), place: place.to_owned(), offset })
        };
        self.needles.iter().filter_map(hit).collect()
    }

    /// Looks through every file below a folder, and through the names of files.
    #[must_use]
    pub fn search_dir(&self, dir: &Path) -> Vec<Hit> {
        let mut hits = Vec::new();
        for path in files_below(dir) {
            let place = path.display().to_string();
            hits.extend(self.search_bytes(&format!("name of {place}"), place.as_bytes()));
            // A file that goes away while it is looked for (a WAL at a checkpoint) holds nothing any more.
            if let Ok(bytes) = std::fs::read(&path) {
                hits.extend(self.search_bytes(&place, &bytes));
            }
        }
        hits
    }

    /// Panics with the list of hits, if there are any.
    pub fn assert_absent(&self, dir: &Path) {
        let hits = self.search_dir(dir);
        assert!(hits.is_empty(), "planted values were found: {hits:#?}");
    }
}

impl Default for Canary {
    fn default() -> Self {
        Self::new()
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planted_value_is_found_in_the_plain_resources() {
        let canary = Canary::new();
        let text = format!("{}{}", Canary::patient(), Canary::observation());
        let hits = canary.search_bytes("control", text.as_bytes());
        for (what, _) in Canary::VALUES {
            assert!(hits.iter().any(|hit| hit.what == *what && hit.encoding == "utf-8"), "{what}");
        }
    }

    #[test]
    fn a_folder_is_searched_to_its_depth_and_by_name() {
        let dir = crate::folder("canary-search");
        std::fs::create_dir_all(dir.join("a/b")).unwrap();
        std::fs::write(dir.join("a/b/page"), format!("\0\0{}\0", Canary::MRN)).unwrap();
        std::fs::write(dir.join(Canary::CITY), b"").unwrap();
        let hits = Canary::new().search_dir(&dir);
        assert!(hits.iter().any(|hit| hit.what == "identifier" && hit.offset == 2));
        assert!(hits.iter().any(|hit| hit.what == "city" && hit.place.starts_with("name of")));
    }

    #[test]
    fn ordinary_bytes_have_no_hit() {
        let noise: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        assert!(Canary::new().search_bytes("noise", &noise).is_empty());
    }
}
