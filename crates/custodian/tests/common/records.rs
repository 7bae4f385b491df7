//! Synthetic patients of Synthea with their references resolved, and records of an awkward kind.

use serde_json::{Value, json};
use std::collections::HashMap;

/// One record, and whose it is.
pub struct Record {
    pub body: Value,
    /// The patient's id; `None` for records about no patient.
    pub subject: Option<String>,
}

impl Record {
    pub fn kind(&self) -> &str {
        self.body["resourceType"].as_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap()
    }
}

/// The hospitals, practitioners and the patients at these places of the list.
pub fn synthea(patients: &[usize]) -> Vec<Record> {
    let bundles = aceso_testkit::bundles();
    let (shared, of_patients): (Vec<_>, Vec<_>) =
        bundles.iter().partition(|bundle| bundle.name.contains("Information"));
    let mut places = HashMap::new();
    let mut records = Vec::new();
    for bundle in shared {
        records.extend(resources(&bundle.json, &mut places).into_iter().map(|body| Record { body, subject: None }));
    }
    for &at in patients {
        let bundle = of_patients[at];
        let all = resources(&bundle.json, &mut places);
        let patient = all.iter().find(|body| body["resourceType"] == "Patient").unwrap()["id"].clone();
        let patient = patient.as_str().unwrap().to_owned();
        let reference = format!("Patient/{patient}");
        records.extend(all.into_iter().map(|body| {
            let own = body["resourceType"] == "Patient" || body.to_string().contains(&reference);
            Record { body, subject: own.then(|| patient.clone()) }
        }));
    }
    records
}

/// A bundle's resources, references by `urn:uuid` and by identifier made into `Type/id`, as a server does when it takes them in.
fn resources(text: &[u8], places: &mut HashMap<String, String>) -> Vec<Value> {
    let bundle: Value = serde_json::from_slice(text).unwrap();
    let mut all: Vec<Value> =
        bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()).collect();
    for (entry, resource) in bundle["entry"].as_array().unwrap().iter().zip(&all) {
        let kind = resource["resourceType"].as_str().unwrap();
        let place = format!("{kind}/{}", resource["id"].as_str().unwrap());
        places.insert(entry["fullUrl"].as_str().unwrap().to_owned(), place.clone());
        for identifier in resource["identifier"].as_array().into_iter().flatten() {
            let (Some(system), Some(value)) = (identifier["system"].as_str(), identifier["value"].as_str()) else {
                continue;
            };
            places.insert(format!("{kind}?identifier={system}|{value}"), place.clone());
        }
    }
    all.iter_mut().for_each(|resource| resolve(resource, places));
    all
}

fn resolve(node: &mut Value, places: &HashMap<String, String>) {
    match node {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str().and_then(|text| places.get(text)) {
                    Some(place) if name == "reference" => *value = Value::String(place.clone()),
                    _ => resolve(value, places),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, places)),
        _ => {}
    }
}

pub const ANN: &str = "a0000000-0000-4000-8000-000000000001";
pub const BOB: &str = "b0000000-0000-4000-8000-000000000002";
pub const NIL: &str = "c0000000-0000-4000-8000-000000000003";

/// What synthetic patients lack: several names, accents, partial dates, open periods, ranges, comparators, records without values.
pub fn awkward() -> Vec<Record> {
    let ann = format!("Patient/{ANN}");
    let bob = format!("Patient/{BOB}");
    let of_ann = |body| Record { body, subject: Some(ANN.to_owned()) };
    let of_bob = |body| Record { body, subject: Some(BOB.to_owned()) };
    let of_none = |body| Record { body, subject: None };
    let loinc = "http://loinc.org";
    vec![
        of_ann(
            json!({"resourceType": "Patient", "id": ANN, "active": true, "gender": "female", "birthDate": "1979-05",
            "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.1.1"], "tag": [{"code": "plain"}]},
            "name": [{"family": "Müller-Ñandú", "given": ["Ann", "É\u{301}va"], "prefix": ["Dr"]}, {"text": "Annie"}],
            "telecom": [{"system": "phone", "value": "+1 (555) 123-4567"}, {"system": "email", "value": "Ann@Example.org"}],
            "address": [{"line": ["1 Main St"], "city": "Århus", "postalCode": "02139", "use": "home"}],
            "identifier": [{"system": "http://mrn", "value": "A-1", "type": {"text": "Record", "coding": [{"system": "http://t", "code": "MR"}]}},
                {"value": "bare"}],
            "generalPractitioner": [{"reference": "Practitioner/p1", "display": "Dr Who"}]}),
        ),
        of_bob(json!({"resourceType": "Patient", "id": BOB, "gender": "other", "birthDate": "1980",
            "identifier": [{"system": "http://mrn", "value": "a1"}],
            "name": [{"family": "Ng", "given": ["B"]}, {"family": "O'Neil-Smith"}],
            "telecom": [{"system": "phone", "value": "5551234567"}, {"system": "phone", "value": "911"}],
            "link": [{"type": "seealso", "other": {"reference": ann}}],
            "generalPractitioner": [{"identifier": {"system": "http://npi", "value": "99"}, "type": "Practitioner"}]})),
        Record { body: json!({"resourceType": "Patient", "id": NIL}), subject: Some(NIL.to_owned()) },
        of_ann(
            json!({"resourceType": "Observation", "id": "o1", "status": "final", "effectivePeriod": {"start": "2020-01-15", "end": "2020-02"},
            "code": {"coding": [{"system": loinc, "code": "85354-9", "display": "Blood pressure"}], "text": "BP"},
            "subject": {"reference": ann}, "valueQuantity": {"value": 5.40, "comparator": "<", "unit": "mg/dL", "code": "mg/dL",
                "system": "http://unitsofmeasure.org"},
            "component": [
                {"code": {"coding": [{"system": loinc, "code": "8480-6"}]}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
                {"code": {"coding": [{"system": loinc, "code": "8462-4"}]}, "valueQuantity": {"value": 80, "unit": "mmHg"}}]}),
        ),
        of_ann(
            json!({"resourceType": "Observation", "id": "o2", "status": "amended", "effectivePeriod": {"start": "2019-12-31T23:59:59.500Z"},
            "code": {"text": "Free text"}, "subject": {"reference": ann},
            "valueCodeableConcept": {"coding": [{"code": "no-system"}], "text": "positive"}}),
        ),
        of_ann(
            json!({"resourceType": "Observation", "id": "o3", "status": "final", "effectiveInstant": "2020-01-31T00:00:00.123Z",
            "code": {"coding": [{"system": loinc, "code": "85354-9"}, {"system": "http://other", "code": "a|b"}]}, "subject": {"reference": ann},
            "performer": [{"reference": "Practitioner/p1", "display": "Dr Who"}, {"identifier": {"system": "http://npi", "value": "99"}}],
            "valueString": "Some words"}),
        ),
        of_ann(
            json!({"resourceType": "Observation", "id": "o4", "status": "final", "code": {"coding": []}, "focus": [{"reference": "urn:uuid:x-1"}],
            "subject": {"reference": ann},
            "effectiveTiming": {"event": ["2020-01-01", "2020-03-01T10:00:00Z"]}, "valueDateTime": "2020-05-05T10:10:10Z"}),
        ),
        of_bob(json!({"resourceType": "Observation", "id": "o5", "status": "final", "effectiveDateTime": "2020-01-31",
            "code": {"coding": [{"system": loinc, "code": "85354-9"}]}, "subject": {"reference": bob}, "focus": [{"reference": ann}],
            "valueQuantity": {"value": 5.4, "unit": "mg/dL", "code": "mg/dL", "system": "http://unitsofmeasure.org"}})),
        of_none(
            json!({"resourceType": "Condition", "id": "c1", "subject": {"reference": "Group/g1"}, "onsetRange": {"low": {"value": 3, "unit": "a"},
            "high": {"value": 7.5, "unit": "a"}}, "abatementString": "slowly"}),
        ),
        of_bob(
            json!({"resourceType": "Condition", "id": "c2", "subject": {"reference": bob}, "onsetAge": {"value": 41, "code": "a",
            "system": "http://unitsofmeasure.org"}}),
        ),
        of_bob(
            json!({"resourceType": "Condition", "id": "c3", "subject": {"reference": bob}, "onsetRange": {"low": {"value": 12, "unit": "a"}},
            "abatementString": "Slowly, but surely"}),
        ),
        of_ann(json!({"resourceType": "RiskAssessment", "id": "r1", "subject": {"reference": ann}, "status": "final",
            "prediction": [{"probabilityDecimal": 0.025}, {"probabilityRange": {"low": {"value": 0.1}, "high": {"value": 0.2}}}]})),
        of_ann(
            json!({"resourceType": "RiskAssessment", "id": "r2", "subject": {"reference": ann}, "prediction": [{"probabilityDecimal": 1e-3}]}),
        ),
        of_ann(
            json!({"resourceType": "RiskAssessment", "id": "r3", "subject": {"reference": ann}, "prediction": [{"probabilityDecimal": 0.0250}]}),
        ),
        of_bob(
            json!({"resourceType": "RiskAssessment", "id": "r4", "subject": {"reference": bob}, "prediction": [{"probabilityDecimal": 100}]}),
        ),
        of_ann(
            json!({"resourceType": "ServiceRequest", "id": "s1", "subject": {"reference": ann}, "instantiatesCanonical":
            ["http://plans.example/PlanDefinition/1|2.0"], "instantiatesUri": ["http://u.example/a/b/c"], "occurrenceTiming":
            {"repeat": {"boundsPeriod": {"start": "2021-06", "end": "2021-07"}}}}),
        ),
        of_ann(
            json!({"resourceType": "ServiceRequest", "id": "s2", "subject": {"reference": ann}, "instantiatesCanonical":
            ["http://plans.example/PlanDefinition/1"], "instantiatesUri": ["http://u.example/a"], "occurrenceDateTime": "2021-06-15"}),
        ),
        of_ann(
            json!({"resourceType": "ServiceRequest", "id": "s3", "subject": {"reference": ann}, "instantiatesUri": ["http://u.example/a/b", "urn:x:y"]}),
        ),
        of_none(
            json!({"resourceType": "ValueSet", "id": "v1", "url": "http://u.example/vs/1", "status": "active", "date": "2022"}),
        ),
        of_none(
            json!({"resourceType": "ValueSet", "id": "v2", "url": "http://u.example/vs", "status": "draft", "date": "2022-03-03"}),
        ),
        of_none(
            json!({"resourceType": "Practitioner", "id": "p1", "name": [{"family": "Who", "given": ["Doctor"]}], "gender": "unknown"}),
        ),
    ]
}
