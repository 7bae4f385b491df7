use std::sync::Arc;

use super::{Table, Terminology};
use crate::packages::{Package, PackageLimits};

pub(super) fn core() -> Terminology {
    Terminology::default()
}

pub(super) fn loaded(resources: &[&str]) -> Terminology {
    let table = |text: &&str| {
        let package = Package::read_resource(text.as_bytes().to_vec(), &PackageLimits::default()).unwrap();
        Arc::new(Table::of_package(&package).unwrap())
    };
    Terminology::new(resources.iter().map(table).collect())
}

pub(super) fn of_us_core() -> Terminology {
    let path = format!("{}/../../testdata/us-core/us-core-6.1.0.tgz", env!("CARGO_MANIFEST_DIR"));
    let package = Package::read(&std::fs::read(path).unwrap(), &PackageLimits::default()).unwrap();
    Terminology::new(vec![Arc::new(Table::of_package(&package).unwrap())])
}

pub(super) const GENDER: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";
pub(super) const ENCOUNTER: &str = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode";
pub(super) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

mod expansion;
mod membership;
mod operations;
