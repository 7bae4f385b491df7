//! Writes `crates/fhir/src/generated/` and `crates/fhir/src/search/generated/`: `cargo run -p aceso-fhir-gen`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::write(root.join("definitions/r4/left-out.txt"), aceso_fhir_gen::left_out(&root.join("definitions/r4"))?)?;
    for (name, text) in aceso_fhir_gen::generate(&root.join("definitions/r4"))? {
        std::fs::write(root.join("crates/fhir/src/generated").join(name), text)?;
    }
    for (name, text) in aceso_fhir_gen::search::generate(&root.join("definitions/r4"))? {
        std::fs::write(root.join("crates/fhir/src/search/generated").join(name), text)?;
    }
    let table = aceso_fhir_gen::terminology::generate(&root.join("definitions/r4"))?;
    std::fs::write(root.join("crates/fhir/src/generated/terminology.bin"), table)?;
    Ok(())
}
