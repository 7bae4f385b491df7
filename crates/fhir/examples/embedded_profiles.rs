//! Writes the profiles and extensions of the specification in their compiled form (a part of `cargo xtask definitions`).
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool of the repository")]

use std::path::Path;

#[path = "../tests/support/definitions.rs"]
mod definitions;

fn main() {
    let profiles = definitions::profiles();
    let table = aceso_fhir::profiles::embedded_table(&profiles).unwrap();
    println!("{} profiles, {} bytes", profiles.len(), table.len());
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/profiles/embedded.bin"), table).unwrap();
}
