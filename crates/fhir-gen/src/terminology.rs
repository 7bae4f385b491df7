//! Code systems and value sets as the binary table of `aceso_fhir::terminology`.

#[path = "../../fhir/src/terminology/source/mod.rs"]
mod source;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use source::model::Sources;
use source::read::{Json, ReadError};

use crate::{Error, load, resources, text};

/// Where the content is from.
const SOURCE: &str = "FHIR 4.0.1 build 9346c8cc45";

/// The files, in the order in which a faulty one is reported.
const FILES: [&str; 3] = ["valuesets", "v3-codesystems", "v2-tables"];

/// Code systems whose texts have a licence of their own. FHIR's value sets list codes of them; the codes are kept, because they decide
/// membership, the texts are not.
const LICENSED: [&str; 4] = [
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.ama-assn.org/go/cpt",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
];

/// The table of everything that FHIR 4.0.1 publishes.
///
/// # Errors
/// A file that cannot be read, or a resource that lacks what identifies it.
pub fn generate(definitions: &Path) -> Result<Vec<u8>, Error> {
    let kept = read(definitions, &mut BTreeSet::new())?;
    let mut sources = Sources { source: SOURCE.to_owned(), ..Sources::default() };
    let named = |error: ReadError, resource: &Value| format!("{}: {}", text(&resource["url"]), error.0);
    for resource in &kept {
        match text(&resource["resourceType"]) {
            "CodeSystem" => sources.systems.push(source::read::system(resource).map_err(|e| named(e, resource))?),
            "ValueSet" => sources.sets.push(source::read::set(resource).map_err(|e| named(e, resource))?),
            other => return Err(format!("{other} among the code systems and value sets").into()),
        }
    }
    for system in sources.systems.iter_mut().filter(|system| LICENSED.contains(&&*system.url)) {
        system.concepts.clear();
    }
    for clause in sources.sets.iter_mut().flat_map(|set| &mut set.clauses) {
        if LICENSED.contains(&&*clause.system) {
            for listed in clause.listed.iter_mut().flatten() {
                listed.display = Cow::Borrowed("");
                listed.designations.clear();
            }
        }
    }
    source::write::write(&sources).map_err(|_| "the table is too large".into())
}

/// What belongs to another version of FHIR is left out and listed.
pub(crate) fn read(folder: &Path, left_out: &mut BTreeSet<String>) -> Result<Vec<Value>, Error> {
    let mut kept = Vec::new();
    for file in FILES {
        for resource in resources(&load(folder, file)?) {
            let (url, version) = (text(&resource["url"]), text(&resource["version"]));
            if url.starts_with("http://hl7.org/fhir/") && version != "4.0.1" {
                left_out.insert(format!("{} {url}: FHIR {version}", text(&resource["resourceType"])));
            } else {
                kept.push(resource);
            }
        }
    }
    Ok(kept)
}

impl<'a> Json<'a> for &'a Value {
    fn member(self, name: &str) -> Option<Self> {
        self.get(name)
    }

    fn list(self) -> impl Iterator<Item = Self> {
        self.as_array().into_iter().flatten()
    }

    fn string(self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn scalar(self) -> Option<Cow<'a, str>> {
        match self {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(self.to_string())),
            _ => None,
        }
    }
}
