//! Every expression that the R4 definitions carry is understood: invariants and search parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use aceso_fhir::definitions::TypeRef;
use aceso_fhir::fhirpath::{CheckOptions, Expression};
use flate2::read::GzDecoder;
use serde_json::Value;

pub(crate) fn resources(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../definitions/r4/{name}.json.gz"));
    let bundle: Value = serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap();
    bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()).collect()
}

/// Expression and the path of the element whose invariant it is.
pub(crate) fn invariants() -> BTreeSet<(String, String)> {
    let definitions = resources("profiles-resources").into_iter().chain(resources("profiles-types"));
    let mut found = BTreeSet::new();
    for definition in definitions.filter(|found| found["resourceType"] == "StructureDefinition") {
        for element in definition["snapshot"]["element"].as_array().unwrap() {
            for constraint in element["constraint"].as_array().into_iter().flatten() {
                if let Some(text) = constraint["expression"].as_str() {
                    found.insert((text.to_owned(), element["path"].as_str().unwrap().to_owned()));
                }
            }
        }
    }
    found
}

#[test]
fn every_invariant_compiles_and_names_elements_that_exist() {
    let scopes: BTreeMap<&str, TypeRef> = TypeRef::all().map(|scope| (scope.name(), scope)).collect();
    let mut wrong = BTreeSet::new();
    let all = invariants();
    for (text, path) in &all {
        let outcome = Expression::compile(text);
        let checked = outcome.and_then(|expression| match scopes.get(path.as_str()) {
            Some(scope) => expression.check(*scope, CheckOptions::default()),
            None => Ok(()),
        });
        wrong.extend(checked.err().map(|error| format!("{path}: {error}")));
    }
    assert!(all.len() > 2000, "{}", all.len());
    // Faults of the definitions: R4 gives cid-0 a name that ChargeItemDefinition has not, and the file brings an invariant
    // of R5's EvidenceVariable.
    let known = [
        "ChargeItemDefinition: no such element in ChargeItemDefinition at line 1 column 1",
        "EvidenceVariable.characteristic: no such element in EvidenceVariable.characteristic at line 1 column 2",
    ];
    assert_eq!(wrong.iter().map(String::as_str).collect::<Vec<_>>(), known);
}

#[test]
fn every_search_parameter_compiles() {
    let mut count = 0;
    for parameter in resources("search-parameters") {
        if let Some(text) = parameter["expression"].as_str() {
            let outcome = Expression::compile(text);
            assert!(outcome.is_ok(), "{text}: {outcome:?}");
            count += 1;
        }
    }
    assert!(count > 1000, "{count}");
}
