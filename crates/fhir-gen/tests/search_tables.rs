//! The checked-in search tables are what the generator writes from the definitions, with nothing left out.

use std::path::Path;

#[test]
fn search_tables_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, text) in aceso_fhir_gen::search::generate(&root.join("definitions/r4")).unwrap() {
        let checked_in = std::fs::read_to_string(root.join("crates/fhir/src/search/generated").join(&name)).unwrap();
        assert!(checked_in == text, "{name} is stale: run `cargo run -p aceso-fhir-gen`");
    }
}
