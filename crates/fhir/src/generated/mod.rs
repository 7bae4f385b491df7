// Written by `cargo run -p aceso-fhir-gen` from definitions/r4. Do not edit.

pub(crate) mod codes;
pub(crate) mod elements;
pub(crate) mod resources;
pub(crate) mod rules;
