//! Whole validation, over the synthetic patients and over the definitions themselves. The lists beside this file say what is found and are
//! explained in docs/conformance.md.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use aceso_fhir::Validation;
use aceso_fhir::json::Doc;

#[path = "support/definitions.rs"]
mod definitions;
#[path = "support/synthetic.rs"]
mod synthetic;

use synthetic::{Known, Tally};

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn us_core() -> Known {
    Known::load(std::iter::once(in_repository("testdata/us-core/us-core-6.1.0.tgz")))
}

/// Compares with a checked-in list; where they differ, the new one is left beside it for a look.
fn is_as_listed(name: &str, found: &str) {
    let path = in_repository("crates/fhir/tests/support").join(name);
    let listed = std::fs::read_to_string(&path).unwrap_or_default();
    if listed != found {
        std::fs::write(path.with_extension("new"), found).unwrap();
    }
    assert!(listed == found, "{name} lists something else: see {name} with the ending .new");
}

#[test]
fn the_synthetic_patients_have_the_findings_that_are_listed() {
    let known = us_core();
    let mut tally = Tally::default();
    let mut resources = 0;
    for path in synthetic::bundles(&in_repository("testdata/synthea")) {
        for doc in synthetic::resources(&path) {
            tally.add(&known.validation().run(&doc));
            resources += 1;
        }
    }
    assert_eq!(resources, 2751);
    is_as_listed("synthea-findings.txt", &tally.to_string());
}

#[test]
fn the_definitions_themselves_have_the_findings_that_are_listed() {
    let known = us_core();
    let mut tally = Tally::default();
    let files = [
        "profiles-types",
        "profiles-resources",
        "profiles-others",
        "extension-definitions",
        "valuesets",
        "search-parameters",
        "v3-codesystems",
        "v2-tables",
    ];
    for file in files {
        for doc in definitions::resources(file) {
            tally.add(&judged(&known, &doc));
        }
    }
    is_as_listed("definitions-findings.txt", &tally.to_string());
}

fn judged(known: &Known, doc: &Doc) -> aceso_fhir::Report {
    let validation = known.validation();
    Validation { claimed: false, ..validation }.run(doc)
}
