//! The element definitions, as far as expressions walk them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{Error, load, official, resources};

pub(super) struct ElementDef {
    pub(super) types: Vec<String>,
    pub(super) content: Option<String>,
    pub(super) choice: bool,
    pub(super) system: Option<String>,
}

/// The element definitions by path, as far as expressions walk them.
pub(super) struct Elements {
    pub(super) by_path: BTreeMap<String, ElementDef>,
    pub(super) types: Vec<String>,
    pub(super) domain: BTreeSet<String>,
}

pub(super) fn read(definitions: &Path) -> Result<Elements, Error> {
    let mut systems: BTreeMap<String, String> = BTreeMap::new();
    for set in resources(&load(definitions, "valuesets")?) {
        if let (Some("ValueSet"), Some(url)) = (set["resourceType"].as_str(), set["url"].as_str()) {
            let includes = set["compose"]["include"].as_array().cloned().unwrap_or_default();
            let named: BTreeSet<&str> = includes.iter().map(|i| i["system"].as_str().unwrap_or("")).collect();
            let imports = includes.iter().any(|i| i.get("valueSet").is_some());
            if let (1, false, Some(system)) = (named.len(), imports, named.first())
                && !system.is_empty()
            {
                systems.insert(url.to_owned(), (*system).to_owned());
            }
        }
    }
    let mut elements = Elements { by_path: BTreeMap::new(), types: Vec::new(), domain: BTreeSet::new() };
    let found = official::read(definitions)?;
    {
        for definition in found.types.iter().chain(&found.profiles) {
            if definition["derivation"] == "constraint" {
                continue;
            }
            let name = definition["type"].as_str().unwrap_or("").to_owned();
            if definition["kind"] == "resource" && definition["abstract"] != true {
                elements.types.push(name.clone());
                if definition["baseDefinition"].as_str().is_some_and(|b| b.ends_with("/DomainResource")) {
                    elements.domain.insert(name.clone());
                }
            }
            for element in definition["snapshot"]["element"].as_array().into_iter().flatten() {
                let path = element["path"].as_str().unwrap_or("");
                let types = element["type"].as_array().into_iter().flatten().filter_map(|t| t["code"].as_str());
                let types = types.map(|t| if t.starts_with("http://hl7.org/fhirpath/") { "id" } else { t }.to_owned());
                let set = element["binding"]["valueSet"].as_str().map(|s| s.split('|').next().unwrap_or(s));
                elements.by_path.insert(
                    path.trim_end_matches("[x]").to_owned(),
                    ElementDef {
                        types: types.collect(),
                        content: element["contentReference"].as_str().map(|c| c.trim_start_matches('#').to_owned()),
                        choice: path.ends_with("[x]"),
                        system: set.and_then(|s| systems.get(s).cloned()),
                    },
                );
            }
        }
    }
    elements.types.sort();
    elements.types.dedup();
    Ok(elements)
}
