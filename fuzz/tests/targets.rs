//! Every target in a test of its own: on what once broke it, on its seeds, and on changed seeds for `ACESO_FUZZ_SECONDS` (a third of a
//! second when it is not set; `cargo xtask test` gives a minute).
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use aceso_fuzz::{TARGETS, find, hold, keep, regressions, replay};
use std::time::Duration;

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        const NAMES: &[&str] = &[$($name),*];
        $(#[test] fn $test() { holds($name); })*
    };
}

targets! {
    the_json_reader_holds "json"
    validation_holds "validate"
    packages_hold "package"
    fhir_xml_holds "xml"
    fhirpath_holds "fhirpath"
    search_strings_hold "search"
    query_strings_hold "query"
    apart_and_together_holds "splice"
    the_envelope_holds "envelope"
    cursors_hold "cursor"
    the_audit_log_holds "audit"
    tokens_hold "token"
    claims_hold "claims"
    bundles_hold "bundle"
    configuration_holds "config"
}

#[test]
fn every_target_has_a_test() {
    let mut listed: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    let mut tested = NAMES.to_vec();
    listed.sort_unstable();
    tested.sort_unstable();
    assert_eq!(listed, tested);
}

fn holds(name: &str) {
    let target = find(name).unwrap();
    for (path, input) in regressions(target).unwrap() {
        if let Err(broken) = replay(target, &input) {
            panic!("{} again: {}", path.display(), broken.message);
        }
    }
    let seconds = std::env::var("ACESO_FUZZ_SECONDS").map_or(0.3, |text| text.parse().unwrap());
    match hold(target, Duration::from_secs_f64(seconds), 7) {
        Ok(runs) => assert!(runs > 0),
        Err(broken) => panic!("{name}: {} (input kept: {:?})", broken.message, keep(target, &broken.input)),
    }
}
