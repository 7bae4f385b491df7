//! The definitions of FHIR 4.0.1 alone, out of a package that mixes elements of other versions and of its own into them.
//!
//! The package changes snapshots, while the differentials beside them are HL7's. So the elements that a type declares itself are
//! taken from its differential, and the snapshot gives only those that it inherits. The one exception is [`ADDED`]. What was dropped
//! or put back is listed, and the list is checked in beside the definitions (`left-out.txt`).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::{Error, list, load, resources, text};

/// Elements that stand in a differential and that FHIR 4.0.1 does not have: `studyDesign` came with FHIR 4.3.
const ADDED: &[&str] = &["ResearchStudy.studyDesign"];

/// StructureDefinitions of FHIR 4.0.1, their snapshots repaired.
pub(crate) struct Definitions {
    /// Of data types.
    pub(crate) types: Vec<Value>,
    /// Of resource types.
    pub(crate) profiles: Vec<Value>,
    /// What was dropped, one thing a line.
    pub(crate) left_out: BTreeSet<String>,
}

/// Reads both files and repairs every snapshot.
pub(crate) fn read(folder: &Path) -> Result<Definitions, Error> {
    let mut left_out = BTreeSet::new();
    let mut of = |file: &str| -> Result<Vec<Value>, Error> {
        let mut kept = Vec::new();
        for mut definition in resources(&load(folder, file)?) {
            if text(&definition["resourceType"]) != "StructureDefinition" {
                continue;
            }
            if text(&definition["fhirVersion"]) != "4.0.1" {
                left_out.insert(format!(
                    "type {}: FHIR {}",
                    text(&definition["type"]),
                    text(&definition["fhirVersion"])
                ));
                continue;
            }
            if text(&definition["derivation"]) == "specialization" && text(&definition["kind"]) != "primitive-type" {
                let rows = repaired(&definition, &mut left_out)?;
                definition["snapshot"]["element"] = Value::Array(rows);
            }
            kept.push(definition);
        }
        Ok(kept)
    };
    Ok(Definitions { types: of("profiles-types")?, profiles: of("profiles-resources")?, left_out })
}

/// The search parameters of FHIR 4.0.1.
pub(crate) fn parameters(folder: &Path, left_out: &mut BTreeSet<String>) -> Result<Vec<Value>, Error> {
    let all = resources(&load(folder, "search-parameters")?);
    let (kept, dropped) = all.into_iter().partition(|parameter| text(&parameter["version"]) == "4.0.1");
    let dropped: Vec<Value> = dropped;
    left_out.extend(dropped.iter().map(|parameter| {
        let bases: Vec<&str> = list(&parameter["base"]).iter().map(text).collect();
        format!("parameter {}.{}: FHIR {}", bases.join(","), text(&parameter["code"]), text(&parameter["version"]))
    }));
    Ok(kept)
}

/// Inherited rows of the snapshot and the type's own rows of the differential, in the order of both.
fn repaired(definition: &Value, left_out: &mut BTreeSet<String>) -> Result<Vec<Value>, Error> {
    let own: Vec<&Value> = list(&definition["differential"]["element"])
        .iter()
        .filter(|row| text(&row["path"]).contains('.') && !ADDED.contains(&text(&row["path"])))
        .collect();
    let mut rows: Vec<Value> = Vec::new();
    for row in list(&definition["snapshot"]["element"]) {
        let path = text(&row["path"]);
        let Some((parent, _)) = path.rsplit_once('.') else {
            rows.push(row.clone());
            continue;
        };
        if text(&row["base"]["path"]) != path {
            // What a dropped backbone element inherits goes with it.
            rows.extend(rows.iter().any(|kept| text(&kept["path"]) == parent).then(|| row.clone()));
        } else if let Some(found) = own.iter().find(|own| text(&own["path"]) == path) {
            rows.push(merged(row, found, left_out)?);
        } else {
            left_out.insert(format!("element {path}"));
        }
    }
    let mut before = text(&definition["type"]).to_owned();
    for row in own {
        let path = text(&row["path"]);
        if !rows.iter().any(|kept| text(&kept["path"]) == path) {
            let inside = format!("{before}.");
            let last =
                rows.iter().rposition(|kept| text(&kept["path"]) == before || text(&kept["path"]).starts_with(&inside));
            rows.insert(last.ok_or_else(|| format!("{path}: nothing comes before it"))? + 1, row.clone());
            left_out.insert(format!("absence of {path}"));
        }
        path.clone_into(&mut before);
    }
    Ok(rows)
}

/// The row of the differential; a binding to codes of another version of FHIR is replaced by that of the snapshot.
fn merged(snapshot: &Value, own: &Value, left_out: &mut BTreeSet<String>) -> Result<Value, Error> {
    let path = text(&own["path"]);
    let mut row = own.clone();
    let foreign = |row: &Value| {
        let set = text(&row["binding"]["valueSet"]).strip_prefix("http://hl7.org/fhir/ValueSet/");
        set.and_then(|set| set.split_once('|')).is_some_and(|(_, version)| version != "4.0.1")
    };
    if foreign(own) {
        if foreign(snapshot) {
            return Err(format!("{path}: bound to codes of another version of FHIR").into());
        }
        row["binding"] = snapshot["binding"].clone();
        left_out.insert(format!("binding of {path} to {}", text(&own["binding"]["valueSet"])));
    }
    for part in ["min", "max", "type", "contentReference"] {
        if snapshot[part] != row[part] {
            left_out.insert(format!("other {part} of {path}"));
        }
    }
    if snapshot["binding"]["valueSet"] != row["binding"]["valueSet"] {
        left_out.insert(format!("binding of {path} to {}", text(&snapshot["binding"]["valueSet"])));
    }
    Ok(row)
}
