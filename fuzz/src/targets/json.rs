//! The JSON reader against serde_json, and validation.

use aceso_fhir::json::{Doc, JsonProblem, Kind, Limits, Node};
use aceso_fhir::{ValidateOptions, validate};
use aceso_testkit::{Canary, first_patients};
use serde_json::Value;

pub(super) const WORDS: &[&str] = &[
    "null",
    "true",
    "false",
    "1e999",
    "-0.0",
    "1.10",
    "\\u0000",
    "\\ud834\\udd1e",
    "\\ud800",
    "\u{e9}",
    "{}",
    "[]",
    "\"id\":",
    "\"resourceType\":\"Patient\"",
    "\"extension\":[{\"url\":\"a\",\"valueString\":\"b\"}]",
    "\"_birthDate\":{}",
    "\"contained\":[]",
    "\"meta\":{\"versionId\":\"1\"}",
];

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Canary::patient().to_string().into_bytes(), Canary::observation().to_string().into_bytes()];
    let bundle: Value = serde_json::from_slice(&first_patients(1).last().unwrap().json).unwrap();
    let mut seen = Vec::new();
    for entry in bundle["entry"].as_array().into_iter().flatten() {
        let resource = &entry["resource"];
        if !seen.contains(&resource["resourceType"]) {
            seen.push(resource["resourceType"].clone());
            seeds.push(resource.to_string().into_bytes());
        }
    }
    seeds.push(br#" {"a":[1,-2.50e+3,"\u00e9\n",true,null,{}],"b":{"c":[]}} "#.to_vec());
    seeds.retain(|seed| seed.len() < 16_384);
    seeds
}

pub(super) fn target(bytes: &[u8]) {
    let theirs: Result<Value, _> = serde_json::from_slice(bytes);
    match (Doc::parse(bytes.to_vec(), &Limits::default()), theirs) {
        (Ok(doc), Ok(value)) => assert!(same(doc.root(), &value), "the same text reads differently"),
        (Ok(doc), Err(error)) => {
            assert!(is_out_of_range(&error) || deeper_than_serde(doc.root(), 0), "accepted what serde_json refuses")
        }
        (Err(error), Ok(_)) => {
            let stricter = [JsonProblem::DuplicateName, JsonProblem::TooDeep, JsonProblem::NulCharacter];
            assert!(stricter.contains(&error.problem), "refused what serde_json accepts: {:?}", error.problem);
        }
        (Err(error), Err(_)) => assert!(error.offset <= bytes.len(), "an offset beyond the text"),
    }
}

pub(super) fn validate_target(bytes: &[u8]) {
    let Ok(doc) = Doc::parse(bytes.to_vec(), &Limits::default()) else { return };
    for issue in validate(&doc, &ValidateOptions::default()).err().into_iter().flatten() {
        for (what, value) in Canary::VALUES {
            assert!(!issue.expression.contains(value) && !issue.message.contains(value), "an issue quotes {what}");
        }
    }
}

fn same(node: Node<'_>, value: &Value) -> bool {
    match (node.kind(), value) {
        (Kind::Null, Value::Null) => true,
        (Kind::Bool, Value::Bool(flag)) => node.as_bool() == Some(*flag),
        (Kind::Number, Value::Number(number)) => {
            close(node.number_text().and_then(|text| text.parse().ok()), number.as_f64())
        }
        (Kind::String, Value::String(text)) => node.as_str().is_some_and(|own| own == text.as_str()),
        (Kind::Array, Value::Array(items)) => {
            node.len() == items.len() && node.items().zip(items).all(|(own, their)| same(own, their))
        }
        (Kind::Object, Value::Object(members)) => {
            node.len() == members.len()
                && node.members().all(|own| members.get(own.key.as_ref()).is_some_and(|their| same(own.value, their)))
        }
        _ => false,
    }
}

/// serde_json may be off by a rounding; the text itself is what the product keeps.
fn close(own: Option<f64>, their: Option<f64>) -> bool {
    own.zip(their).is_some_and(|(own, their)| own == their || (own - their).abs() <= own.abs() * 1e-14)
}

fn is_out_of_range(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

/// serde_json stops at 128 levels.
fn deeper_than_serde(node: Node<'_>, level: usize) -> bool {
    level >= 127
        || node.items().any(|item| deeper_than_serde(item, level + 1))
        || node.members().any(|m| deeper_than_serde(m.value, level + 1))
}
