//! The embedded profiles are what the definitions compile to.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use aceso_fhir::profiles::{Profiles, embedded_table};

#[path = "support/definitions.rs"]
mod definitions;

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
