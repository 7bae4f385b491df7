//! Turns the official FHIR R4 definitions into the tables of `aceso-fhir`.

#![expect(
    clippy::indexing_slicing,
    reason = "an absent member of a serde_json::Value is null; the tool is no part of the product"
)]

mod codes;
mod emit;
#[path = "../../fhir/src/definitions/keyhash.rs"]
mod keyhash;
mod model;
mod names;
mod official;
pub mod search;
pub mod terminology;

use std::fs::File;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

/// The definitions are not what the generator knows how to read.
pub type Error = Box<dyn std::error::Error>;

/// The generated files as pairs of name and text, from the folder that holds the `*.json.gz` definitions.
///
/// # Errors
/// A file that cannot be read, or a definition with a shape that has no table for it: nothing is left out in silence.
pub fn generate(definitions: &Path) -> Result<Vec<(&'static str, String)>, Error> {
    let official::Definitions { types, profiles, .. } = official::read(definitions)?;
    let terminology = resources(&load(definitions, "valuesets")?);
    let compartment = load(definitions, "compartmentdefinition-patient")?;
    let model = model::build(&types, &profiles, &codes::ValueSets::index(&terminology))?;
    Ok(vec![
        ("codes.rs", emit::codes(&model)),
        ("elements.rs", emit::elements(&model)?),
        ("mod.rs", emit::root()),
        ("resources.rs", emit::resources(&model, &compartment)?),
        ("rules.rs", emit::rules(&model)?),
    ])
}

/// What the files hold beside FHIR 4.0.1 and the tables therefore leave out, or put back: one thing a line, sorted.
///
/// # Errors
/// As for [`generate`].
pub fn left_out(definitions: &Path) -> Result<String, Error> {
    let official::Definitions { mut left_out, .. } = official::read(definitions)?;
    official::parameters(definitions, &mut left_out)?;
    terminology::read(definitions, &mut left_out)?;
    Ok(left_out.into_iter().map(|line| line + "\n").collect())
}

fn load(folder: &Path, name: &str) -> Result<Value, Error> {
    Ok(serde_json::from_reader(GzDecoder::new(File::open(folder.join(format!("{name}.json.gz")))?))?)
}

fn resources(bundle: &Value) -> Vec<Value> {
    list(&bundle["entry"]).iter().map(|entry| entry["resource"].clone()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
