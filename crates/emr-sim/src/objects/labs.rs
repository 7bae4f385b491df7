//! Lab orders, and reports: of type `Lab` with grids of results, and of type `Imaging` without.

use super::Chart;
use super::clinical::reasons;
use crate::facts::{DAY, Imaging, Lab, LabResult, LabValue, Panel};
use crate::kind::Kind;
use crate::random::{mix, within};
use serde_json::{Value, json};

/// Reference ranges of adults: LOINC, lowest, highest. Round numbers of common use, for flags in a simulator and for nothing else.
const RANGES: &[(&str, f64, f64)] = &[
    ("718-7", 12.0, 17.5),
    ("787-2", 80.0, 100.0),
    ("785-6", 27.0, 33.0),
    ("786-4", 32.0, 36.0),
    ("777-3", 150.0, 400.0),
    ("32207-3", 9.0, 17.0),
    ("32623-1", 7.5, 12.5),
    ("6690-2", 4.0, 11.0),
    ("789-8", 4.2, 5.9),
    ("4544-3", 36.0, 50.0),
    ("20570-8", 36.0, 50.0),
    ("21000-5", 39.0, 46.0),
    ("2093-3", 0.0, 200.0),
    ("2571-8", 0.0, 150.0),
    ("18262-6", 0.0, 130.0),
    ("2085-9", 40.0, 90.0),
    ("4548-4", 4.0, 5.7),
    ("59032-3", 0.5, 2.2),
    ("2339-0", 70.0, 100.0),
    ("6299-2", 7.0, 20.0),
    ("38483-4", 0.6, 1.3),
    ("49765-1", 8.6, 10.3),
    ("2947-0", 136.0, 145.0),
    ("6298-4", 3.5, 5.1),
    ("2069-3", 98.0, 107.0),
    ("20565-8", 22.0, 29.0),
];

pub(super) fn order(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let lab = chart.facts.labs.get(index)?;
    let (physician, practice) = chart.staff(lab.visit)?;
    let tests: Vec<Value> = lab.panels.iter().map(|panel| test(&panel.name, &panel.loinc)).collect();
    let signed = chart.unless_null(1, 6, chart.time(lab.at));
    Some(json!({
        "id": chart.id(),
        "ordering_physician": physician,
        "content": {
            "tests": tests,
            "icd10_codes": reasons(chart, lab.visit),
            "fasting_method": chart.unless_null(2, 2, "fasting_12_hour"),
            "stat_method": null,
            "collection_datetime": chart.unless_null(3, 3, chart.time(lab.at)),
            "patient_instructions": null,
            "test_center_notes": null,
            "standing_order_frequency": null,
            "standing_order_end_date": null,
        },
        "requisition": chart.id(),
        "vendor": null,
        "site": null,
        "facility": null,
        "resolution": { "state": "fulfilled", "resolving_document": chart.sibling(Kind::Reports, index) },
        "specimens": [],
        "submissions": [],
        "answers": [],
        "bill_type": chart.unless_null(6, 2, "thirdparty"),
        "ccs": [],
        "tags": [],
        "test_date": null,
        "follow_up_method": null,
        "special_insurance": null,
        "confidential": within(chart.hash(7), 20) == 0,
        "practice": practice,
        "patient": chart.patient_id(),
        "document_date": chart.time(lab.at),
        "chart_date": chart.time(lab.at),
        "signed_by": signed.as_ref().map(|_| physician),
        "signed_date": signed,
        "created_date": chart.created(),
        "last_modified": chart.changed(),
        "deleted_date": null,
    }))
}

/// One test of an order.
pub(crate) fn test(name: &str, code: &str) -> Value {
    json!({
        "name": name, "code": code, "cpts": [], "icd10_codes": [], "questions": [], "synonyms": [], "lab_vendor": null,
        "compendium": null, "procedure_class": null,
    })
}

fn requisition(chart: &Chart<'_>, index: usize) -> String {
    format!("R{:09}", within(mix(&[chart.world.seed, chart.patient, index as u64, 0x9e]), 1_000_000_000))
}

pub(super) fn report(chart: &Chart<'_>, index: usize) -> Option<Value> {
    match chart.facts.labs.get(index) {
        Some(lab) => lab_report(chart, index, lab),
        None => imaging_report(chart, chart.facts.imaging.get(index.checked_sub(chart.facts.labs.len())?)?),
    }
}

fn lab_report(chart: &Chart<'_>, index: usize, lab: &Lab) -> Option<Value> {
    let panels = lab.panels.iter().enumerate();
    let grids: Vec<Value> = panels.map(|(at, panel)| grid(chart, index, at, lab, panel)).collect();
    let reported = lab.at + DAY;
    let mut body = shell(chart, lab.visit, lab.at, reported, "Lab")?;
    let members = body.as_object_mut()?;
    members.insert("grids".to_owned(), Value::Array(grids));
    members.insert("requisition_number".to_owned(), json!(chart.unless_null(5, 4, requisition(chart, index))));
    members.insert("order_status".to_owned(), json!("FINAL"));
    members.insert("lab_order".to_owned(), json!(chart.sibling(Kind::LabOrders, index)));
    Some(body)
}

fn imaging_report(chart: &Chart<'_>, study: &Imaging) -> Option<Value> {
    let mut body = shell(chart, study.visit, study.at, study.at + DAY, "Imaging")?;
    let files = json!([{ "id": chart.id(), "original_filename": format!("{}.pdf", study.title), "content_type": "application/pdf" }]);
    body.as_object_mut()?.insert("files".to_owned(), files);
    Some(body)
}

fn shell(chart: &Chart<'_>, visit: usize, at: i64, reported: i64, report_type: &str) -> Option<Value> {
    let (physician, practice) = chart.staff(visit)?;
    Some(json!({
        "id": chart.id(),
        "report_type": report_type,
        "custom_title": null,
        "grids": [],
        "files": [],
        "requisition_number": null,
        "order_status": null,
        "lab_order": null,
        "is_urgent": within(chart.hash(8), 30) == 0,
        "caregiver": null,
        "physician": physician,
        "practice": practice,
        "patient": chart.patient_id(),
        "reported_date": chart.time(reported),
        "document_date": chart.time(at),
        "chart_date": chart.time(reported),
        "signed_date": chart.unless_null(9, 4, chart.time(reported + 3600)),
        "signed_by": chart.unless_null(9, 4, physician),
        "created_date": chart.created(),
        "last_modified": chart.changed(),
        "deleted_date": null,
    }))
}

fn grid(chart: &Chart<'_>, report: usize, at: usize, lab: &Lab, panel: &Panel) -> Value {
    let results: Vec<Value> = panel
        .results
        .iter()
        .enumerate()
        .map(|(place, result)| {
            let number = match result.value {
                LabValue::Number(number) => number * spread(chart, place),
                LabValue::Coded(_) => 0.0,
            };
            grid_result(result, &panel.name, number, "FINAL")
        })
        .collect();
    json!({
        "accession_number": format!("A{:08}-{report}-{at}", within(chart.hash(10), 100_000_000)),
        "collected_date": chart.time(lab.at),
        "resulted_date": chart.time(lab.at + DAY),
        "status": "FINAL",
        "note": chart.unless_null(11, 2, "Specimen received in good condition."),
        "results": results,
    })
}

/// Another patient's values differ by up to a tenth.
fn spread(chart: &Chart<'_>, place: usize) -> f64 {
    if chart.world.round_of(chart.patient) == 0 {
        return 1.0;
    }
    let thousandth = within(chart.hash(100 + place as u64), 200);
    0.9 + f64::from(u32::try_from(thousandth).unwrap_or(0)) / 1000.0
}

/// One line of a grid: the result with another number, where it has one, and another status.
pub(crate) fn grid_result(result: &LabResult, category: &str, number: f64, status: &str) -> Value {
    let (value, value_type) = match &result.value {
        LabValue::Number(_) => (number_text(number), "Numeric"),
        LabValue::Coded(text) => (text.clone(), "Coded Entry"),
    };
    let range = RANGES.iter().find(|(loinc, ..)| *loinc == result.loinc);
    let flag = match (&result.value, range) {
        (LabValue::Number(_), Some((_, low, _))) if number < *low => Some("Below low normal"),
        (LabValue::Number(_), Some((_, _, high))) if number > *high => Some("Above high normal"),
        (LabValue::Coded(text), _)
            if text.contains("Positive") || text.contains("Detected") && !text.contains("Not") =>
        {
            Some("Abnormal (applies to non-numeric results)")
        }
        _ => None,
    };
    json!({
        "test": { "code": result.loinc, "name": result.name, "loinc": result.loinc },
        "test_category": { "value": category, "description": null },
        "value": value,
        "value_type": value_type,
        "units": result.unit,
        "reference_min": range.map(|(_, low, _)| number_text(*low)),
        "reference_max": range.map(|(_, _, high)| number_text(*high)),
        "abnormal_flag": flag,
        "is_abnormal": flag.is_some(),
        "status": status,
        "text": null,
        "note": null,
    })
}

/// A number as laboratories write it: one decimal from 100 on, two below.
pub(crate) fn number_text(number: f64) -> String {
    if number.abs() >= 100.0 { format!("{number:.1}") } else { format!("{number:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_its_range_is_flagged_and_stays_text() {
        let hemoglobin = LabResult {
            name: "Hemoglobin".into(),
            loinc: "718-7".into(),
            unit: Some("g/dL".into()),
            value: LabValue::Number(0.0),
        };
        let line = grid_result(&hemoglobin, "CBC", 9.1, "FINAL");
        assert_eq!(line["value"], "9.10");
        assert_eq!((&line["abnormal_flag"], &line["is_abnormal"]), (&json!("Below low normal"), &json!(true)));
        assert_eq!(grid_result(&hemoglobin, "CBC", 14.0, "FINAL")["abnormal_flag"], Value::Null);
    }
}
