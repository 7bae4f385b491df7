//! From JSON to XML and back, from XML to JSON and back: all of the synthetic patients, the official examples, and
//! resources made up from the definitions.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod canonical;
mod made_up;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use aceso_fhir::definitions::{ResourceType, TypeRef};
use aceso_fhir::json::{Doc, Limits, minify, write};
use aceso_fhir::xml::XmlProblem;
use aceso_fhir::{ValidateOptions, validate, xml};
use proptest::prelude::*;

const LIMITS: Limits = Limits { max_bytes: 64 << 20, max_depth: 64, max_nodes: 2_000_000 };

fn parse(text: Vec<u8>) -> Doc {
    Doc::parse(text, &LIMITS).unwrap_or_else(|error| panic!("{error}"))
}

fn canonical(doc: &Doc) -> String {
    let mut out = Vec::new();
    canonical::json(doc.root(), &mut out);
    String::from_utf8(out).unwrap()
}

/// There and back: the same JSON, and the second time the same XML.
#[track_caller]
fn comes_back(doc: &Doc) {
    let there = xml::from_json(doc).unwrap_or_else(|error| panic!("{error} {}", error.path));
    let back = parse(xml::to_json(&there, &LIMITS).unwrap_or_else(|error| panic!("{error} {}", error.path)));
    assert_eq!(canonical(&back), canonical(doc));
    assert_eq!(xml::from_json(&back).unwrap(), there);
    // What is written is in the order of the definitions already.
    assert_eq!(minify(&back), back.text());
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

#[test]
fn the_canonical_form_tells_apart_what_differs() {
    let form = |text: &str| canonical(&parse(text.as_bytes().to_vec()));
    assert_eq!(form(r#"{"b":[null,null],"c":{"e":1.0,"d":"\u00e9"},"a":[]}"#), r#"{"c":{"d":"é","e":1.0}}"#);
    for (one, other) in [
        (r#"{"a":{}}"#, "{}"),
        (r#"{"a":null}"#, "{}"),
        (r#"{"a":[null,{"b":1}]}"#, r#"{"a":[{"b":1}]}"#),
        (r#"{"a":1.0}"#, r#"{"a":1.00}"#),
        (r#"{"a":["x","y"]}"#, r#"{"a":["y","x"]}"#),
    ] {
        assert_ne!(form(one), form(other));
    }
    let lines = |text: &str| canonical::xml(text).unwrap();
    assert_eq!(lines("<a b='1' c=\"&lt;\"> <!-- d --><e/></a>"), "start a b=\"1\" c=\"<\"\nstart e\nend e\nend a\n");
    assert_ne!(lines("<div> <b/></div>"), lines("<div><b/></div>"));
    assert_ne!(lines("<a b='x y'/>"), lines("<a b='x&#10;y'/>"));
}

#[test]
fn every_synthetic_resource_and_bundle_comes_back_the_same() {
    let mut resources = 0;
    for path in files("../../testdata/synthea", "bz2") {
        let mut text = Vec::new();
        bzip2::read::BzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
        let bundle = parse(text);
        comes_back(&bundle);
        for entry in bundle.root().get("entry").unwrap().items() {
            let mut text = Vec::new();
            write(entry.get("resource").unwrap(), &mut text);
            comes_back(&parse(text));
            resources += 1;
        }
    }
    assert_eq!(resources, 2751);
}

#[test]
fn every_official_example_in_xml_comes_back_the_same_and_is_valid() {
    let paths = files("vectors/xml", "xml");
    assert_eq!(paths.len(), 14);
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let given = std::fs::read(&path).unwrap();
        if name == "observation-example.xml" {
            assert_eq!(xml::to_json(&given, &LIMITS).unwrap_err().problem, XmlProblem::OutOfOrder);
            comes_back(&parse(xml::to_json_in_any_order(&given, &LIMITS).unwrap()));
            continue;
        }
        let doc = parse(xml::to_json(&given, &LIMITS).unwrap_or_else(|error| panic!("{name}: {error} {}", error.path)));
        let written = xml::from_json(&doc).unwrap_or_else(|error| panic!("{name}: {error} {}", error.path));
        let given = std::str::from_utf8(&given).unwrap();
        assert_eq!(
            canonical::xml(std::str::from_utf8(&written).unwrap()).unwrap(),
            canonical::xml(given).unwrap(),
            "{name}"
        );
        comes_back(&doc);
        if let Err(issues) = validate(&doc, &ValidateOptions { allow_conditional: true, expected: None }) {
            panic!("{name}: {issues:?}");
        }
    }
}

#[test]
fn every_element_of_every_resource_type_has_its_place_in_xml() {
    for rtype in ResourceType::all() {
        for element in TypeRef::of_resource(rtype).elements() {
            comes_back(&parse(made_up::with_element(rtype, element).into_bytes()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_resource_of_the_definitions_comes_back_the_same(seed in any::<u64>()) {
        comes_back(&parse(made_up::resource(seed).into_bytes()));
    }
}
