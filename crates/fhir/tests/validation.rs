//! Whole validation, over the synthetic patients and over the definitions themselves. The lists beside this file say what is found and are
//! explained in docs/conformance.md.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use aceso_fhir::Validation;
use aceso_fhir::json::Doc;
use aceso_fhir::profiles::{Profiles, embedded_table};

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

#[test]
fn the_embedded_profiles_are_up_to_date() {
    let table = embedded_table(&definitions::profiles()).unwrap();
    let checked_in = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/profiles/embedded.bin")).unwrap();
    assert!(checked_in == table, "embedded.bin is stale: run `cargo xtask definitions`");
}

#[test]
fn every_profile_of_the_specification_is_found_by_its_url_with_and_without_version() {
    let profiles = Profiles::default();
    let urls: Vec<&str> = Profiles::of_the_specification().collect();
    assert!(urls.len() >= 393 + 44, "{}", urls.len());
    for url in urls {
        let found = profiles.find(url).unwrap();
        assert_eq!((found.url(), found.version()), (url, "4.0.1"));
        assert!(profiles.find(&format!("{url}|4.0.1")).is_some());
        assert!(profiles.find(&format!("{url}|4.0.2")).is_none());
    }
    assert_eq!(
        profiles.find("http://hl7.org/fhir/StructureDefinition/bp").unwrap().constrained().name(),
        "Observation"
    );
    assert!(profiles.find("http://hl7.org/fhir/StructureDefinition/Patient").is_none());
}
