//! Nulls, absences, other shapes and other spellings of ids.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::harness::{EXAMPLES, at, check_valid, example, example_text, leaves, map, map_with};
use crate::pattern::MapCode;

/// Every place in a value, itself not counted.
fn places(value: &Value, path: &str, out: &mut Vec<String>) {
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                out.push(below(name));
                places(inner, &below(name), out);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                out.push(below(&index.to_string()));
                places(inner, &below(&index.to_string()), out);
            }
        }
        _ => {}
    }
}

/// Without these no record can be made.
fn is_needed(kind: &str, path: &str) -> bool {
    path == "id" || (path == "patient" && kind != "appointments") || (path == "medication" && kind == "medications")
}

#[test]
fn any_member_may_be_null_or_absent() {
    for (kind, name) in EXAMPLES {
        let whole = example(name);
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        for path in all {
            let mut odd = whole.clone();
            *at(&mut odd, &path) = Value::Null;
            let what = format!("{name}: {path} is null");
            match map(kind, &odd) {
                Ok(mapped) => check_valid(&mapped, &what),
                Err(error) => {
                    assert!(is_needed(kind, &path), "{what}: {error}");
                    assert_eq!(error.code, MapCode::Missing, "{what}");
                    assert_eq!(error.path, path, "{what}");
                }
            }
            let (parent, last) = path.rsplit_once('.').unwrap_or(("", &path));
            let mut odd = whole.clone();
            let parent = if parent.is_empty() { &mut odd } else { at(&mut odd, parent) };
            match parent {
                Value::Object(members) => drop(members.remove(last)),
                Value::Array(items) => drop(items.remove(last.parse::<usize>().unwrap())),
                _ => panic!("{path} is inside a leaf"),
            }
            match map(kind, &odd) {
                Ok(mapped) => check_valid(&mapped, &path),
                Err(error) => assert!(is_needed(kind, &path), "{name}: {path} is absent: {error}"),
            }
        }
    }
}

#[test]
fn an_object_with_nothing_but_its_ids_is_mapped() {
    for (kind, name) in EXAMPLES {
        let whole = example(name);
        let mut bare = json!({ "id": whole["id"] });
        if whole.get("patient").is_some() {
            bare["patient"] = whole["patient"].clone();
        }
        if *kind == "medications" {
            bare["medication"] = json!({ "name": "Something" });
        }
        check_valid(&map(kind, &bare).unwrap(), name);
    }
}

#[test]
fn another_shape_is_an_error_that_names_the_place_and_nothing_else() {
    let mut refused = 0;
    for (kind, name) in EXAMPLES {
        let whole = example(name);
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        for path in all {
            for odd_value in
                [json!({ "secret": "canary" }), json!(["canary"]), json!("canary"), json!(true), json!(1.5)]
            {
                let mut odd = whole.clone();
                *at(&mut odd, &path) = odd_value;
                if let Err(error) = map(kind, &odd) {
                    let told = error.to_string();
                    assert!(!told.contains("canary") && !told.contains("secret"), "{told}");
                    if error.code == MapCode::Shape {
                        let spelled = error.path.replace('[', ".").replace(']', "");
                        assert!(path.starts_with(&spelled) || spelled.starts_with(&path), "{name}: {path}: {told}");
                        refused += 1;
                    }
                } else {
                    check_valid(&map(kind, &odd).unwrap(), &format!("{name}: {path}"));
                }
            }
        }
    }
    assert!(refused > 1000, "{refused} shapes were refused");
}

#[test]
fn text_that_is_no_json_object_is_refused() {
    for text in ["", "{", "[]", "null", "\"x\"", "{\"id\":1}x", "{\"id\":1,\"id\":2}"] {
        let error = map_with("patients", text.as_bytes().to_vec(), &|_, _| true).unwrap_err();
        assert_eq!(error.code, MapCode::Shape, "{text}");
    }
    assert_eq!(map_with("letters", b"{}".to_vec(), &|_, _| true).unwrap_err().code, MapCode::Shape);
}

#[test]
fn ids_as_numbers_and_as_texts_are_the_same_ids() {
    fn texts(value: &mut Value) {
        match value {
            Value::Object(members) => members.values_mut().for_each(texts),
            Value::Array(items) => items.iter_mut().for_each(texts),
            Value::Number(number) if number.as_u64().is_some_and(|n| n > 1_000_000_000_000) => {
                *value = Value::String(number.to_string());
            }
            _ => {}
        }
    }
    for (kind, name) in EXAMPLES {
        let numbers = example(name);
        let mut spelled = numbers.clone();
        texts(&mut spelled);
        let (one, two) = (map(kind, &numbers).unwrap(), map(kind, &spelled).unwrap());
        let ids = |mapped: &crate::pattern::Mapped| -> Vec<String> {
            mapped.records.iter().map(|record| format!("{}/{}", record.rtype, record.id)).collect()
        };
        assert_eq!(ids(&one), ids(&two), "{name}");
        assert_eq!(leaves(&one).len(), leaves(&two).len(), "{name}");
    }
}

#[test]
fn the_same_text_gives_the_same_records() {
    for (kind, name) in EXAMPLES {
        let once = map_with(kind, example_text(name), &|_, _| true).unwrap();
        let twice = map_with(kind, example_text(name), &|_, _| true).unwrap();
        assert_eq!(once.records.len(), twice.records.len());
        for (one, two) in once.records.iter().zip(&twice.records) {
            assert_eq!((one.rtype, &one.id, &one.json), (two.rtype, &two.id, &two.json), "{name}");
        }
    }
}

#[test]
fn what_a_list_names_twice_becomes_two_records() {
    for (kind, list) in [("patients", "insurances"), ("patients", "consents"), ("practices", "service_locations")] {
        let mut object = example(kind);
        let count = map(kind, &object).unwrap().records.len();
        let items = object[list].as_array_mut().unwrap();
        items.push(items[0].clone());
        items.push(items[0].clone());
        let mapped = map(kind, &object).unwrap();
        check_valid(&mapped, list);
        assert_eq!(mapped.records.len(), count + 2, "{list}");
    }
    let mut report = example("reports");
    let grid = report["grids"][0].clone();
    report["grids"].as_array_mut().unwrap().push(grid);
    let result = report["grids"][0]["results"][0].clone();
    report["grids"][0]["results"].as_array_mut().unwrap().push(result);
    check_valid(&map("reports", &report).unwrap(), "reports");
}

#[test]
fn a_record_of_a_patient_who_is_not_known_waits() {
    for (kind, name) in EXAMPLES {
        let whole = example(name);
        let waits = whole.get("patient").is_some_and(|patient| !patient.is_null());
        let mapped = map_with(kind, example_text(name), &|_, _| false);
        match mapped {
            Err(error) => {
                assert!(waits, "{name}: {error}");
                assert_eq!((error.path.as_str(), error.code), ("patient", MapCode::UnknownPatient));
                assert!(!error.to_string().chars().any(|c| c.is_ascii_digit()), "{error}");
            }
            Ok(mapped) => {
                assert!(!waits, "{name}");
                check_valid(&mapped, name);
            }
        }
    }
}

#[test]
fn what_is_not_known_is_referred_to_by_the_id_of_the_source() {
    let only_patients =
        |rtype: aceso_fhir::definitions::ResourceType, _: &aceso_base::LogicalId| rtype.name() == "Patient";
    for (kind, name) in EXAMPLES {
        let mapped = map_with(kind, example_text(name), &only_patients).unwrap();
        check_valid(&mapped, name);
        let own: Vec<String> = mapped.records.iter().map(|record| format!("{}/{}", record.rtype, record.id)).collect();
        for (path, text) in leaves(&mapped) {
            if path.ends_with(".reference") && !text.starts_with('#') && !text.starts_with("Patient/") {
                assert!(own.contains(&text), "{name}: {path} = {text} leads nowhere");
            }
        }
    }
}

/// Texts as people and programs leave them: odd spaces, empty ends, other scripts, line breaks, quotes, numbers.
fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ \t\n\r\u{a0}]{0,3}[a-z]{0,3}[ \t]{0,3}[A-Z0-9.<>=+-]{0,6}[ \n]{0,2}",
        "\\PC{0,12}",
        "[<>=≤≥+-]{0,2}[0-9]{0,12}[.,]?[0-9]{0,3}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{0,9}[Z+-]?[0-9:]{0,5})?",
        Just("\u{7}\u{0085}".to_owned()),
        Just("\"\\</x>".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_texts_say_the_records_are_valid(which in 0..EXAMPLES.len(), texts in prop::collection::vec(odd_text(), 1..9)) {
        let (kind, name) = EXAMPLES[which];
        let mut object = example(name);
        let mut all = Vec::new();
        places(&object, "", &mut all);
        let mut number = 0;
        for path in all {
            let place = at(&mut object, &path);
            if place.is_string() {
                *place = json!(texts[number % texts.len()]);
                number += 1;
            }
        }
        match map(kind, &object) {
            Ok(mapped) => check_valid(&mapped, name),
            Err(error) => prop_assert!(is_needed(kind, &error.path), "{}", error),
        }
    }
}
