//! Problems, allergies, vitals, immunizations and visit notes.

use super::{Chart, date, number_text};
use crate::facts::DAY;
use crate::kind::Kind;
use crate::random::within;
use serde_json::{Value, json};

/// ICD-10-CM for the SNOMED CT conditions of the bundles; the rest goes without, as it does in the field.
const ICD10: &[(&str, &str)] = &[
    ("444814009", "J01.90"),
    ("195662009", "J02.8"),
    ("386661006", "R50.9"),
    ("840544004", "Z20.822"),
    ("840539006", "U07.1"),
    ("10509002", "J20.9"),
    ("162864005", "E66.9"),
    ("15777000", "R73.03"),
    ("91302008", "A41.9"),
    ("271737000", "D64.9"),
    ("40055000", "J32.9"),
    ("43878008", "J02.0"),
];

const INCHES_PER_CM: f64 = 1.0 / 2.54;
const POUNDS_PER_KG: f64 = 2.204_622_62;

/// What an order was made for, as orders say it: the code and its text.
pub(super) fn reasons(chart: &Chart<'_>, visit: usize) -> Value {
    let problems = chart.facts.problems.iter().filter(|problem| problem.visit == visit);
    let coded = problems.filter_map(|problem| {
        let (_, icd10) = ICD10.iter().find(|(snomed, _)| *snomed == problem.snomed)?;
        Some(json!({ "code": icd10, "description": problem.name }))
    });
    Value::Array(coded.collect())
}

pub(super) fn problem(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let problem = chart.facts.problems.get(index)?;
    let (_, practice) = chart.staff(problem.visit)?;
    let icd10: Vec<&str> =
        ICD10.iter().filter(|(snomed, _)| *snomed == problem.snomed).map(|(_, icd10)| *icd10).collect();
    let status = match (problem.active, within(chart.hash(1), 4)) {
        (false, _) => "Resolved",
        (true, 0) => "Controlled",
        (true, _) => "Active",
    };
    Some(json!({
        "id": chart.id(),
        "rank": index + 1,
        "description": problem.name,
        "status": status,
        "synopsis": chart.unless_null(2, 2, "Discussed with patient."),
        "verification_status": chart.unless_null(3, 2, "confirmed"),
        "start_date": chart.unless_null(4, 8, chart.date(problem.onset)),
        "resolved_date": problem.resolved.map(|at| chart.date(at)),
        "dx": [{ "icd9": [], "icd10": icd10, "snomed": problem.snomed }],
        "patient": chart.patient_id(),
        "practice": practice,
        "created_date": chart.created(),
        "deleted_date": null,
    }))
}

pub(super) fn allergy(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let allergy = chart.facts.allergies.get(index)?;
    let severity = ["mild", "moderate", "severe", "unknown"];
    Some(json!({
        "id": chart.id(),
        "name": allergy.name,
        "status": if allergy.active { "Active" } else { "Inactive" },
        "reaction": chart.unless_null(1, 2, "Hives"),
        "severity": chart.unless_null(2, 3, crate::random::choose(chart.hash(3), &severity)),
        "start_date": chart.unless_null(4, 3, chart.date(allergy.at)),
        "medispanid": null,
        "medispandnid": null,
        "patient": chart.patient_id(),
        "created_date": chart.created(),
        "deleted_date": null,
    }))
}

/// State and severity are codes here, unlike those of an allergy; an empty severity is an unknown one.
pub(super) fn drug_intolerance(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let intolerance = chart.facts.intolerances.get(index)?;
    let severity = ["", "255604002", "6736007", "24484000"];
    Some(json!({
        "id": chart.id(),
        "name": intolerance.drug,
        "status": 1 + within(chart.hash(1), 2),
        "reaction": chart.unless_null(2, 2, "Nausea"),
        "severity": crate::random::choose(chart.hash(3), &severity),
        "start_date": chart.unless_null(4, 2, chart.date(intolerance.at)),
        "patient": chart.patient_id(),
        "created_date": chart.created(),
        "deleted_date": null,
    }))
}

pub(super) fn vitals(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let place = *chart.facts.measured.get(index)?;
    let visit = chart.facts.visits.get(place)?;
    let (physician, practice) = chart.staff(place)?;
    let taken = &visit.vitals;
    let measured = |value: Option<f64>, units: Option<&str>| match value {
        Some(value) => json!([{ "value": number_text(value), "units": units, "note": null }]),
        None => json!([]),
    };
    let celsius = within(chart.hash(1), 2) == 0;
    let temperature = taken.temperature.map(|degrees| if celsius { degrees } else { degrees.mul_add(1.8, 32.0) });
    let pressure = match taken.pressure {
        Some((systolic, diastolic)) => {
            json!([{ "systolic": format!("{systolic:.0}"), "diastolic": format!("{diastolic:.0}"), "note": null }])
        }
        None => json!([]),
    };
    let pain = taken.pain.map_or(json!([]), |pain| json!([{ "value": format!("{pain:.0}"), "note": null }]));
    let signed = chart.unless_null(2, 5, chart.time(visit.at));
    Some(json!({
        "id": chart.id(),
        "bmi": taken.bmi,
        "bmi_percentile": taken.bmi_percentile.map(|percentile| percentile.round() as i64),
        "length_for_weight_percentile": null,
        "height": measured(taken.height.map(|cm| cm * INCHES_PER_CM), Some("inches")),
        "weight": measured(taken.weight.map(|kg| kg * POUNDS_PER_KG), Some("lbs")),
        "oxygen": measured(taken.oxygen, Some("%")),
        "rr": measured(taken.breath, Some("bpm")),
        "hr": measured(taken.heart, Some("bpm")),
        "hc": measured(taken.head, Some("cm")),
        "temperature": measured(temperature, Some(if celsius { "celsius" } else { "fahrenheit" })),
        "bp": pressure,
        "pain": pain,
        "custom_observations": {},
        "patient": chart.patient_id(),
        "practice": practice,
        "visit_note": chart.unless_null(3, 3, chart.sibling(Kind::VisitNotes, place)),
        "non_visit_note": null,
        "document_date": chart.time(visit.at),
        "chart_date": chart.time(visit.at),
        "signed_by": signed.as_ref().map(|_| physician),
        "signed_date": signed,
        "created_date": chart.created(),
        "deleted_date": null,
    }))
}

pub(super) fn immunization(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let given = chart.facts.immunizations.get(index)?;
    let (physician, practice) = chart.staff(given.visit)?;
    Some(json!({
        "id": chart.id(),
        "vaccine": { "cvx": given.cvx.parse::<u32>().ok(), "name": given.name, "cdc_name": null, "cdc_type": null },
        "description": given.name,
        "administered_date": chart.time(given.at),
        "administering_physician": chart.unless_null(1, 4, physician),
        "ordering_physician": physician,
        "qty": "0.50",
        "qty_units": chart.unless_null(2, 2, "ml"),
        "lot_number": chart.unless_null(3, 3, format!("L{:05}", within(chart.hash(4), 100_000))),
        "manufacturer_name": null,
        "manufacturer_code": null,
        "ndc": null,
        "expiration_date": chart.unless_null(5, 2, date(given.at + chart.shift + 400 * DAY)),
        "method": chart.unless_null(6, 2, "Intramuscular"),
        "site": null,
        "reason": null,
        "notes": null,
        "dose_in_series": null,
        "info_source": chart.unless_null(7, 2, "New immunization record"),
        "funding_source": null,
        "vfc_eligibility": null,
        "publicity_code": null,
        "priority_population": null,
        "allowed_sharing": null,
        "patient_consent": null,
        "service_location_id": null,
        "vis": null,
        "vis_given_date": null,
        "patient": chart.patient_id(),
        "practice": chart.unless_null(8, 6, practice),
        "created_date": chart.created(),
        "deleted_date": null,
    }))
}

pub(super) fn visit_note(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let visit = chart.facts.visits.get(index)?;
    let (physician, practice) = chart.staff(index)?;
    let signed = chart.unless_null(1, 6, chart.time(visit.at + 1800));
    let text = visit.note.as_deref().filter(|_| chart.world.round_of(chart.patient) == 0).unwrap_or(&visit.title);
    Some(json!({
        "id": chart.id(),
        "template": "Simple",
        "type": visit.title,
        "bullets": { "Reason": [{ "text": visit.reason }], "Narrative": [{ "text": text }] },
        "physician": physician,
        "practice": practice,
        "patient": chart.patient_id(),
        "document_date": chart.time(visit.at),
        "chart_date": chart.time(visit.at),
        "signed_by": signed.as_ref().map(|_| physician),
        "signed_date": signed,
        "created_date": chart.created(),
        "last_modified": chart.changed(),
        "deleted_date": null,
    }))
}
