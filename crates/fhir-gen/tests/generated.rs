//! The checked-in tables are what the generator writes from the definitions.

use std::path::Path;

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, text) in aceso_fhir_gen::generate(&root.join("definitions/r4")).unwrap() {
        let checked_in = std::fs::read_to_string(root.join("crates/fhir/src/generated").join(name)).unwrap();
        assert!(checked_in == text, "{name} is stale: run `cargo run -p aceso-fhir-gen`");
    }
}

#[test]
fn the_terminology_table_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = aceso_fhir_gen::terminology::generate(&root.join("definitions/r4")).unwrap();
    let checked_in = std::fs::read(root.join("crates/fhir/src/generated/terminology.bin")).unwrap();
    assert!(checked_in == table, "terminology.bin is stale: run `cargo xtask definitions`");
    let reaches = |text: &str| table.windows(text.len()).any(|window| window == text.as_bytes());
    // A code of LOINC that FHIR's value sets list is there, and its text, which has a licence of its own, is not.
    assert!(reaches("14647-2") && !reaches("Cholesterol [Moles/Volume]"));
}

#[test]
fn what_is_not_of_fhir_4_0_1_is_left_out_and_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../definitions/r4");
    let listed = aceso_fhir_gen::left_out(&folder).unwrap();
    let checked_in = std::fs::read_to_string(folder.join("left-out.txt")).unwrap();
    assert!(checked_in == listed, "left-out.txt is stale: run `cargo run -p aceso-fhir-gen`");
    for known in ["element Meta.project", "type SubscriptionStatus: FHIR 4.3.0", "element ResearchStudy.recruitment"] {
        assert!(listed.lines().any(|line| line == known), "{known}");
    }
}
