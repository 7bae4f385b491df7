//! The official definitions, out of `definitions/r4`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use aceso_fhir::json::{Doc, Limits, write};

/// Every resource of one file (`profiles-types`).
pub(crate) fn resources(file: &str) -> Vec<Doc> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../definitions/r4/{file}.json.gz"));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    let limits = Limits { max_bytes: 256 << 20, max_nodes: 50_000_000, ..Limits::default() };
    let bundle = Doc::parse(text, &limits).ok().unwrap();
    let entries = bundle.root().get("entry").unwrap();
    let resource = |entry: aceso_fhir::json::Node<'_>| {
        let mut out = Vec::new();
        write(entry.get("resource").unwrap(), &mut out);
        Doc::parse(out, &limits).ok().unwrap()
    };
    entries.items().map(resource).collect()
}

/// The profiles and extensions that are published with the specification.
pub(crate) fn profiles() -> Vec<Doc> {
    let files = ["profiles-types", "profiles-resources", "profiles-others", "extension-definitions"];
    let is = |doc: &Doc, name: &str, text: &str| {
        doc.root().get(name).and_then(|value| value.as_str()).as_deref() == Some(text)
    };
    let mut all: Vec<Doc> = files.into_iter().flat_map(resources).collect();
    all.retain(|doc| is(doc, "resourceType", "StructureDefinition") && is(doc, "derivation", "constraint"));
    all
}
