//! Nothing is lost: every leaf of every model gets a value of its own, and each value is found again in what was made.

use serde_json::{Value, json};

use super::harness::{Canary, CanaryKind, at, check_valid, coded, filled, leaves, map, minted, shape_of, structure_of};
use crate::pattern::Mapped;

const KINDS: &[&str] = &[
    "practices",
    "physicians",
    "patients",
    "problems",
    "allergies",
    "drug_intolerances",
    "medications",
    "discontinued_medications",
    "prescription_fills",
    "lab_orders",
    "reports",
    "vitals",
    "appointments",
];

/// Kinds of objects that references name, for ids that come out as logical ids.
const REFERRED: &[&str] = &["patients", "physicians", "practices", "service_locations", "medications", "reports"];

/// One way in which the other members may stand while each leaf is looked for.
struct Variant {
    name: &'static str,
    kind: &'static str,
    set: Vec<(String, Value)>,
}

fn variants(kind: &'static str) -> Vec<Variant> {
    let alive: Vec<(String, Value)> = vec![("deleted_date".into(), Value::Null)];
    let known: Vec<(String, Value)> = coded()
        .into_iter()
        .filter(|(of, _, _)| *of == kind)
        .map(|(_, path, table)| (path.to_owned(), json!(table.rows()[0].source())))
        .collect();
    let mut out = vec![
        Variant { name: "deleted, unknown codes", kind, set: Vec::new() },
        Variant { name: "alive, unknown codes", kind, set: alive.clone() },
        Variant { name: "alive, known codes", kind, set: [alive.clone(), known.clone()].concat() },
        Variant { name: "deleted, known codes", kind, set: known },
    ];
    let with = |name, set: Vec<(&str, Value)>| Variant {
        name,
        kind,
        set: alive.iter().cloned().chain(set.into_iter().map(|(path, value)| (path.to_owned(), value))).collect(),
    };
    match kind {
        "reports" => {
            for variant in &mut out {
                variant.set.push(("report_type".into(), json!("Lab")));
            }
            out.push(with("not a laboratory", vec![]));
            let result = "grids.0.results.0";
            for (value_type, value) in [
                ("Numeric", json!("<7.0420")),
                ("Numeric", json!("no number at all")),
                ("Coded Entry", json!("coded canary")),
                ("Text", json!("text canary")),
                ("Encapsulated Data", json!("encapsulated canary")),
                ("Numeric", Value::Null),
            ] {
                out.push(with(
                    value_type,
                    vec![
                        ("report_type", json!("Lab")),
                        (&format!("{result}.value_type"), json!(value_type)),
                        (&format!("{result}.value"), value),
                    ],
                ));
            }
            out.push(with("no grids", vec![("report_type", json!("Lab")), ("grids", json!([]))]));
        }
        "appointments" => {
            out.push(with("a block", vec![("patient", Value::Null)]));
            out.push(with("a place by its id", vec![("service_location", json!(900_000_000_999_999_u64))]));
        }
        "lab_orders" => out.push(with("no tests", vec![("content.tests", json!([]))])),
        "vitals" => {
            let custom = json!({ "x": { "label": "canary label", "value": "4.2", "units": "canary unit", "note": "canary note" }, "y": "bare canary" });
            out.push(with("measurements of the practice", vec![("custom_observations", custom)]));
            let nothing = ["bp", "height", "weight", "hr", "rr", "temperature", "oxygen", "pain", "hc", "bmi"];
            let nothing = nothing.iter().chain(&["bmi_percentile", "length_for_weight_percentile"]);
            out.push(with("no measurements", nothing.map(|name| (*name, Value::Null)).collect()));
        }
        "prescription_fills" => out.push(with("not dispensed", vec![("fill_status", json!("AK"))])),
        "patients" => {
            out.push(with("no insurance id", vec![("insurances.0.id", Value::Null)]));
            out.push(with("contacts without anything", vec![("emergency_contact", json!({ "relationship": "Aunt" }))]));
        }
        _ => {}
    }
    out
}

fn object_of(variant: &Variant) -> (Value, Vec<Canary>) {
    let mut canaries = Vec::new();
    let mut object = filled(&shape_of(variant.kind), "", &mut canaries);
    for (path, value) in &variant.set {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        let there = if parent.is_empty() { object.is_object() } else { !at(&mut object, parent).is_null() };
        assert!(there, "{path}");
        if path == "deleted_date" && object.get("deleted_date").is_none() {
            continue;
        }
        *at(&mut object, path) = value.clone();
    }
    canaries.retain(|canary| {
        !variant.set.iter().any(|(path, _)| canary.path == *path || canary.path.starts_with(&format!("{path}.")))
    });
    (object, canaries)
}

fn is_there(canary: &Canary, texts: &[(String, String)]) -> bool {
    match canary.kind {
        CanaryKind::Id => {
            let ids: Vec<String> = REFERRED.iter().map(|kind| minted(kind, &canary.text)).collect();
            texts.iter().any(|(_, text)| text.contains(&canary.text) || ids.iter().any(|id| text.contains(id.as_str())))
        }
        _ => texts.iter().any(|(_, text)| text.contains(&canary.text)),
    }
}

#[test]
fn every_member_of_every_model_is_found_again() {
    let mut looked_for = 0;
    for kind in KINDS {
        for variant in variants(kind) {
            let what = format!("{kind} ({})", variant.name);
            let (object, canaries) = object_of(&variant);
            let mapped = map(kind, &object).unwrap_or_else(|error| panic!("{what}: {error}"));
            check_valid(&mapped, &what);
            let texts = leaves(&mapped);
            let lost: Vec<&str> = canaries
                .iter()
                .filter(|canary| canary.kind != CanaryKind::Flag && !is_there(canary, &texts))
                .map(|canary| canary.path.as_str())
                .collect();
            assert!(lost.is_empty(), "{what}: lost {lost:?}");
            looked_for += canaries.len();
            for (path, value) in &variant.set {
                let is_code = coded().iter().any(|(of, coded, _)| of == kind && coded == path);
                for text in texts_of(value).filter(|_| !is_code && path != "report_type") {
                    let found = texts.iter().any(|(_, found)| found.contains(text.trim_start_matches('<')));
                    assert!(found || path.ends_with("value_type"), "{what}: lost {path}");
                }
            }
        }
    }
    assert!(looked_for > 1500, "{looked_for} values were looked for");
}

fn texts_of(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Object(members) => Box::new(members.values().flat_map(texts_of)),
        Value::Array(items) => Box::new(items.iter().flat_map(texts_of)),
        _ => Box::new(std::iter::empty()),
    }
}

/// What is kept is sealed as sensitive, and no text of a patient is in the structure, which anybody may read who may read
/// his records at all.
#[test]
fn no_text_of_a_patient_is_in_the_structure_of_his_records() {
    let mut looked_at = 0;
    for kind in KINDS {
        for variant in variants(kind) {
            let (object, canaries) = object_of(&variant);
            let mapped = map(kind, &object).unwrap();
            for record in mapped.records.iter().filter(|record| !record.subject.is_directory()) {
                let structure = structure_of(record);
                for canary in canaries.iter().filter(|canary| canary.kind != CanaryKind::Flag) {
                    let path = &canary.path;
                    assert!(!structure.contains(&canary.text), "{kind} ({}): {path} in {structure}", variant.name);
                }
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 100);
}

/// A flag has no value of its own: turned round, something else must come out.
#[test]
fn every_flag_makes_a_difference() {
    let mut flags = 0;
    for kind in KINDS {
        for variant in variants(kind) {
            let (object, canaries) = object_of(&variant);
            let before = leaves(&map(kind, &object).unwrap());
            for canary in canaries.iter().filter(|canary| canary.kind == CanaryKind::Flag) {
                let mut turned = object.clone();
                *at(&mut turned, &canary.path) = json!(false);
                let after = map(kind, &turned).unwrap();
                check_valid(&after, &canary.path);
                assert_ne!(before, leaves(&after), "{kind} ({}): {}", variant.name, canary.path);
                flags += 1;
            }
        }
    }
    assert!(flags > 60, "{flags} flags were turned");
}

/// Whatever the vendor adds tomorrow is kept.
#[test]
fn members_that_no_model_knows_are_kept_at_every_level() {
    fn add(value: &mut Value, path: &str, added: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members.iter_mut() {
                    add(inner, &format!("{path}.{name}"), added);
                }
                for odd in ["added_member", "added member: odd \u{7} name"] {
                    let text = format!("added{:04}", added.len());
                    members.insert(odd.to_owned(), json!({ "deep": [text.clone()] }));
                    added.push(text);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| add(item, path, added)),
            _ => {}
        }
    }
    for kind in KINDS {
        for variant in variants(kind).into_iter().take(2) {
            let (mut object, _) = object_of(&variant);
            let mut added = Vec::new();
            add(&mut object, "", &mut added);
            let mapped = map(kind, &object).unwrap();
            check_valid(&mapped, kind);
            let texts = leaves(&mapped);
            for text in &added {
                assert!(texts.iter().any(|(_, found)| found.contains(text)), "{kind}: lost {text} of {object:#}");
            }
        }
    }
}

/// Texts with control characters cannot stand in FHIR; they are kept as JSON text and counted.
#[test]
fn texts_with_control_characters_are_kept() {
    for kind in KINDS {
        let (object, canaries) = object_of(&variants(kind).remove(1));
        for canary in canaries.iter().filter(|canary| canary.kind == CanaryKind::Text) {
            let mut odd = object.clone();
            if !at(&mut odd, &canary.path).is_string() {
                continue;
            }
            *at(&mut odd, &canary.path) = json!(format!("bell\u{7}{}", canary.text));
            match map(kind, &odd) {
                Ok(mapped) => {
                    check_valid(&mapped, &canary.path);
                    let texts = leaves(&mapped);
                    assert!(is_there(canary, &texts), "{kind}: lost {}", canary.path);
                    assert!(count(&mapped, "control-characters") == 1, "{kind}: {} is not counted", canary.path);
                }
                Err(error) => panic!("{kind}: {}: {error}", canary.path),
            }
        }
    }
}

fn count(mapped: &Mapped, table: &str) -> usize {
    mapped.unknown.iter().filter(|unknown| unknown.table == table).count()
}

/// A date that no calendar has is kept and counted; the rest of the object is mapped.
#[test]
fn dates_that_are_none_are_kept() {
    for kind in KINDS {
        let (object, canaries) = object_of(&variants(kind).remove(1));
        let dated = canaries.iter().filter(|canary| matches!(canary.kind, CanaryKind::Day | CanaryKind::Time));
        for canary in dated {
            for wrong in ["sometime in May, canary", "2023-02-30", "2024-05-06T07:08:09"] {
                let mut odd = object.clone();
                *at(&mut odd, &canary.path) = json!(wrong);
                let mapped = map(kind, &odd).unwrap();
                check_valid(&mapped, &canary.path);
                let texts = leaves(&mapped);
                assert!(texts.iter().any(|(_, text)| text.contains(wrong)), "{kind}: lost {} {wrong}", canary.path);
            }
        }
    }
}
