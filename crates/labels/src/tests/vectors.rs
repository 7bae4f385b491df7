//! Permanent vectors of the stored form. What version 1 wrote must be read for ever: never change a vector, add one.

use serde_json::Value;

use super::{ID, parse, rtype_of, split_stamped};
use crate::{ClassSet, DataClass, splice};

fn vectors() -> Vec<Value> {
    let text = include_str!("../../vectors/split-v1.json");
    serde_json::from_str::<Value>(text).unwrap().as_array().unwrap().clone()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn what_version_1_wrote_is_read() {
    for vector in vectors() {
        let structure = unhex(&vector["structure"]);
        let parts = DataClass::ALL.map(|class| unhex(&vector["parts"][usize::from(class.code())]));
        for (classes, expected) in vector["shown"].as_object().unwrap() {
            let open = ClassSet::from_bits(classes.parse().unwrap()).unwrap();
            let given =
                DataClass::ALL.map(|class| open.contains(class).then(|| parts[usize::from(class.code())].as_slice()));
            let mut out = Vec::new();
            splice(&structure, &given, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected.as_str().unwrap(), "{open}");
        }
    }
}

#[test]
fn version_1_is_what_is_written() {
    for vector in vectors() {
        let resource = vector["resource"].as_str().unwrap();
        let split = split_stamped(&parse(resource.as_bytes()), rtype_of(&serde_json::from_str(resource).unwrap()), ID);
        assert_eq!(split.structure(), unhex(&vector["structure"]));
        for class in DataClass::ALL {
            assert_eq!(split.part(class), unhex(&vector["parts"][usize::from(class.code())]), "{class}");
        }
    }
}

#[test]
#[ignore = "writes the vectors"]
fn write() {
    let resources = [
        r#"{"resourceType":"Patient","active":true,"name":[{"family":"Vance","given":["Ada","B."]}],"birthDate":"1970-01-01","_birthDate":{"id":"b"},"deceasedBoolean":false,"telecom":[{"value":"+1 555 0100"}],"managingOrganization":{"reference":"Organization/1","display":"Clinic"},"link":[{"extension":[{"url":"http://example.org/x","valueCode":"y"}]}]}"#,
        r#"{"resourceType":"Observation","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}],"lastUpdated":"2000-01-01T00:00:00Z"},"status":"final","code":{"text":"Glucose"},"subject":{"reference":"Patient/057aa36e-b892-9964-75b9-ffb46b097e34"},"issued":"2020-01-01T00:00:00Z","valueQuantity":{"value":6.30,"unit":"mmol/l"},"note":[{"authorReference":{"display":"Dr. W"},"text":"fasting"}],"component":[{"code":{"text":"k"},"valueString":"free"}]}"#,
        r#"{"resourceType":"MedicationRequest","contained":[{"resourceType":"Medication","id":"m","code":{"text":"Ibuprofen"}}],"status":"active","intent":"order","medicationReference":{"reference":"\u0023m"},"identifier":[{"value":"rx-1"}],"dosageInstruction":[{"text":"one a day","sequence":1}],"instantiatesUri":["urn:x"]}"#,
        r#"{"resourceType":"Practitioner","name":[{"family":"Vance"}],"birthDate":"1970-01-01","qualification":[{"code":{"text":"MD"},"issuer":{"display":"Board"}}]}"#,
    ];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let vectors: Vec<Value> = resources
        .iter()
        .map(|resource| {
            let split = split_stamped(&parse(resource.as_bytes()), rtype_of(&serde_json::from_str(resource).unwrap()), ID);
            let shown: serde_json::Map<String, Value> = [1_u8, 3, 9, 63, 127]
                .into_iter()
                .map(|bits| {
                    let seen = super::see(&split, ClassSet::from_bits(bits).unwrap()).0;
                    (bits.to_string(), String::from_utf8(seen).unwrap().into())
                })
                .collect();
            let parts: Vec<String> = DataClass::ALL.map(|class| hex(split.part(class))).to_vec();
            serde_json::json!({"resource": resource, "structure": hex(split.structure()), "parts": parts, "shown": shown})
        })
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/split-v1.json");
    assert!(std::fs::read_to_string(path).is_ok_and(|text| text.trim() == "[]"), "a vector is permanent");
    std::fs::write(path, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
}
