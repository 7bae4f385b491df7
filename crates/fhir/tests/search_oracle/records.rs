//! The records that both opinions judge: synthetic patients, and hand-written ones with what those lack.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

/// A bundle's resources, references by `urn:uuid` made into `Type/id`, as a server does when it takes them in.
pub(crate) fn synthea(file: &Path) -> Vec<Value> {
    let mut text = String::new();
    bzip2::read::BzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let places: HashMap<&str, String> = entries
        .iter()
        .filter_map(|e| {
            let (rtype, id) = (e["resource"]["resourceType"].as_str()?, e["resource"]["id"].as_str()?);
            Some((e["fullUrl"].as_str()?, format!("{rtype}/{id}")))
        })
        .collect();
    entries
        .iter()
        .map(|entry| {
            let mut resource = entry["resource"].clone();
            resolve(&mut resource, &places);
            resource
        })
        .collect()
}

fn resolve(node: &mut Value, places: &HashMap<&str, String>) {
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

pub(crate) fn by_hand() -> Vec<Value> {
    vec![
        json!({"resourceType": "Patient", "id": "h1", "active": true, "gender": "female", "birthDate": "1979-05",
            "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.1.1"], "tag": [{"code": "plain"}],
                "security": [{"system": "http://s", "code": "R"}], "source": "http://src.example/a/b"},
            "name": [{"family": "Müller-Ñandú", "given": ["Ann", "É\u{301}va"], "prefix": ["Dr"]}, {"text": "Annie"}],
            "telecom": [{"system": "phone", "value": "+1 (555) 123-4567"}, {"system": "email", "value": "Ann@Example.org"}],
            "address": [{"line": ["1 Main St"], "city": "Århus", "postalCode": "02139", "use": "home"}],
            "identifier": [{"system": "http://mrn", "value": "A1", "type": {"text": "Record", "coding": [{"system": "http://t", "code": "MR"}]}},
                {"value": "bare"}],
            "deceasedBoolean": false, "generalPractitioner": [{"reference": "Practitioner/p1", "display": "Dr Who"}]}),
        json!({"resourceType": "Patient", "id": "h2", "deceasedDateTime": "2020-02-29T10:00:00+02:00", "gender": "other",
            "birthDate": "1980", "link": [{"type": "seealso", "other": {"reference": "Patient/h1/_history/3"}}],
            "generalPractitioner": [{"identifier": {"system": "http://npi", "value": "99"}, "type": "Practitioner"}]}),
        json!({"resourceType": "Patient", "id": "h3"}),
        json!({"resourceType": "Observation", "id": "o1", "status": "final", "effectivePeriod": {"start": "2020-01-15", "end": "2020-02"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure"}], "text": "BP"},
            "subject": {"reference": "Patient/h1"}, "valueQuantity": {"value": 5.40, "comparator": "<", "unit": "mg/dL", "code": "mg/dL",
                "system": "http://unitsofmeasure.org"},
            "component": [
                {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
                {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueQuantity": {"value": 80, "unit": "mmHg"}}]}),
        json!({"resourceType": "Observation", "id": "o2", "status": "amended", "effectivePeriod": {"start": "2019-12-31T23:59:59.500Z"},
            "code": {"text": "Free text"}, "subject": {"reference": "#dev"}, "contained": [{"resourceType": "Device", "id": "dev"}],
            "valueCodeableConcept": {"coding": [{"code": "no-system"}], "text": "positive"}}),
        json!({"resourceType": "Observation", "id": "o3", "status": "final", "effectiveInstant": "2020-01-31T00:00:00.123Z",
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}, "subject": {"reference": "http://other.example/fhir/Patient/h1"},
            "valueString": "Some words", "effectiveTiming": null}),
        json!({"resourceType": "Observation", "id": "o4", "status": "final", "code": {"coding": []}, "focus": [{"reference": "urn:uuid:x-1"}],
            "effectiveTiming": {"event": ["2020-01-01", "2020-03-01T10:00:00Z"]}, "valueDateTime": "2020-05-05T10:10:10Z"}),
        json!({"resourceType": "Condition", "id": "c1", "subject": {"reference": "Group/g1"}, "onsetRange": {"low": {"value": 3, "unit": "a"},
            "high": {"value": 7.5, "unit": "a"}}, "abatementString": "slowly"}),
        json!({"resourceType": "Condition", "id": "c2", "subject": {"reference": "Patient/h2"}, "onsetAge": {"value": 41, "code": "a",
            "system": "http://unitsofmeasure.org"}, "onsetPeriod": {"end": "2001"}}),
        json!({"resourceType": "Condition", "id": "c3", "subject": {"display": "Somebody"}, "onsetRange": {"low": {"value": 12, "unit": "a"}}}),
        json!({"resourceType": "RiskAssessment", "id": "r1", "subject": {"reference": "Patient/h1"}, "status": "final",
            "prediction": [{"probabilityDecimal": 0.025}, {"probabilityRange": {"low": {"value": 0.1}, "high": {"value": 0.2}}}]}),
        json!({"resourceType": "RiskAssessment", "id": "r2", "subject": {"reference": "Patient/h2"}, "prediction": [{"probabilityDecimal": 1e-3}]}),
        json!({"resourceType": "ImmunizationRecommendation", "id": "i1", "patient": {"reference": "Patient/h1"}, "date": "2021-01-01"}),
        json!({"resourceType": "ServiceRequest", "id": "s1", "subject": {"reference": "Patient/h1"}, "instantiatesCanonical":
            ["http://plans.example/PlanDefinition/1|2.0"], "instantiatesUri": ["http://u.example/a/b/c"], "occurrenceTiming":
            {"repeat": {"boundsPeriod": {"start": "2021-06", "end": "2021-07"}}}}),
        json!({"resourceType": "ServiceRequest", "id": "s2", "subject": {"reference": "Patient/h2"}, "instantiatesCanonical":
            ["http://plans.example/PlanDefinition/1"], "instantiatesUri": ["http://u.example/a"], "occurrenceDateTime": "2021-06-15"}),
        json!({"resourceType": "ValueSet", "id": "v1", "url": "http://u.example/vs/1", "status": "active", "date": "2022"}),
        json!({"resourceType": "ValueSet", "id": "v2", "url": "http://u.example/vs", "status": "draft", "date": "2022-03-03"}),
        json!({"resourceType": "Invoice", "id": "m1", "totalGross": {"value": 48.00, "currency": "USD"}, "totalNet": {"value": 40}}),
    ]
}
