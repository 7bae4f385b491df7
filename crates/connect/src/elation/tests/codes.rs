//! Every row of every table, through the mapping.

use serde_json::{Value, json};

use super::harness::{at, check_valid, coded, example, leaves, map};

fn alive(kind: &str, name: &str) -> Value {
    let mut object = example(name);
    if kind == "prescription_fills" || object.get("deleted_date").is_some() {
        object["deleted_date"] = Value::Null;
    }
    object
}

/// An example in which the code has its effect.
fn example_for(kind: &str, path: &str) -> Value {
    let mut object = alive(kind, kind);
    if path.ends_with("value_type") {
        *at(&mut object, "grids.0.results.0.value") = json!("1.50");
    }
    object
}

#[test]
fn each_row_of_each_table_gives_its_codes_and_counts_nothing() {
    for (kind, path, table) in coded() {
        for row in table.rows() {
            let mut object = example_for(kind, path);
            *at(&mut object, path) = json!(row.source());
            let what = format!("{kind}: {path} = {}", row.source());
            let mapped = map(kind, &object).unwrap();
            check_valid(&mapped, &what);
            assert!(mapped.unknown.is_empty(), "{what}: {:?}", mapped.unknown);
            let texts = leaves(&mapped);
            let columns = (1..5).filter_map(|column| row.cell(column)).filter(|cell| *cell != "keep");
            for cell in columns.filter(|_| table.name != "value-type" && table.name != "result-status") {
                let found = texts.iter().any(|(path, text)| text == cell && !path.starts_with("kept"));
                assert!(found || only_words(table.name, cell), "{what}: {cell} is not there");
            }
            if row.keeps_source() {
                let kept = texts.iter().any(|(path, text)| path.starts_with("kept") && text == row.source());
                assert!(kept, "{what}: the word of the source is not kept");
            }
        }
    }
}

/// Displays that only stand where there is no code, and words for people.
fn only_words(table: &str, cell: &str) -> bool {
    match table {
        "fill-status" => cell == "Dispensed",
        // `false` and `true` of patient-status are looked at in the examples.
        "patient-status" | "practice-status" => matches!(cell, "true" | "false"),
        _ => false,
    }
}

#[test]
fn a_code_that_no_table_knows_is_counted_once_and_kept_as_text() {
    for (kind, path, table) in coded() {
        let mut object = example_for(kind, path);
        *at(&mut object, path) = json!("Zanzibar");
        let mapped = map(kind, &object).unwrap();
        check_valid(&mapped, path);
        let counted = mapped.unknown.iter().filter(|unknown| unknown.table == table.name).count();
        assert_eq!(counted, 1, "{kind}: {path}");
        assert_eq!(mapped.unknown.len(), 1, "{kind}: {path}");
        assert!(leaves(&mapped).iter().any(|(_, text)| text.contains("Zanzibar")), "{kind}: {path}");
    }
}

#[test]
fn every_table_of_codes_is_walked() {
    let walked: Vec<&str> = coded().iter().map(|(_, _, table)| table.name).collect();
    let missing: Vec<&str> = crate::table::all()
        .iter()
        .map(|table| table.name)
        .filter(|name| !walked.contains(name) && *name != "vital")
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn result_with(value: Value, value_type: Value) -> Vec<(String, String)> {
    let mut object = alive("reports", "reports");
    object["grids"] = json!([object["grids"][0]]);
    let first = object["grids"][0]["results"][0].clone();
    object["grids"][0]["results"] = json!([first]);
    *at(&mut object, "grids.0.results.0.value") = value;
    *at(&mut object, "grids.0.results.0.value_type") = value_type;
    let mapped = map("reports", &object).unwrap();
    check_valid(&mapped, "a result");
    leaves(&mapped).into_iter().filter(|(path, _)| path.starts_with("Observation")).collect()
}

fn has(leaves: &[(String, String)], path: &str, text: &str) -> bool {
    leaves.iter().any(|(at, found)| at == path && found == text)
}

#[test]
fn a_result_becomes_the_value_that_its_type_says() {
    let number = result_with(json!("101.50"), json!("Numeric"));
    assert!(has(&number, "Observation.valueQuantity.value", "101.50"));
    assert!(has(&number, "Observation.valueQuantity.code", "mg/dL"));
    let below = result_with(json!("<5"), json!("Numeric"));
    assert!(has(&below, "Observation.valueQuantity.comparator", "<"));
    assert!(has(&below, "Observation.valueQuantity.value", "5"));
    let above = result_with(json!(">= 10"), json!("Numeric"));
    assert!(has(&above, "Observation.valueQuantity.comparator", ">="));
    let words = result_with(json!("see note"), json!("Numeric"));
    assert!(has(&words, "Observation.valueString", "see note"));
    assert!(!words.iter().any(|(path, _)| path.contains("valueQuantity")));
    assert!(has(
        &result_with(json!("E. coli"), json!("Coded Entry")),
        "Observation.valueCodeableConcept.text",
        "E. coli"
    ));
    assert!(has(&result_with(json!("12"), json!("String Data")), "Observation.valueString", "12"));
    assert!(has(&result_with(json!("12"), json!("Text")), "Observation.valueString", "12"));
    let data = result_with(json!("iVBORw0K"), json!("Encapsulated Data"));
    assert!(has(&data, "Observation.extension(encapsulated-value).valueString", "iVBORw0K"));
    assert!(has(&result_with(json!("x"), Value::Null), "Observation.valueString", "x"));
}

#[test]
fn the_statuses_of_results_and_grids_follow_their_columns() {
    for row in crate::table::RESULT_STATUS.rows() {
        let mut object = alive("reports", "reports");
        *at(&mut object, "grids.0.status") = json!(row.source());
        *at(&mut object, "grids.0.results.0.status") = json!(row.source());
        let mapped = map("reports", &object).unwrap();
        let values = super::harness::values(&mapped);
        assert_eq!(super::harness::first(&values, "DiagnosticReport")["status"], row.cell(2).unwrap());
        assert_eq!(super::harness::first(&values, "Observation")["status"], row.cell(1).unwrap());
    }
}
