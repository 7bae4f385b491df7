//! The FHIR view of an entry says what the entry says.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use aceso_audit::{read_entries, to_audit_event};
use common::Log;
use serde_json::{Value, json};

fn events(count: u64) -> Vec<Value> {
    let log = Log::of_size(count);
    let entries = read_entries(&log.stored, &log.keys, &log.origin, 0..count).unwrap();
    entries.iter().map(to_audit_event).collect()
}

#[test]
fn every_event_has_what_r4_requires_and_exactly_one_requestor() {
    for (index, event) in events(10).iter().enumerate() {
        assert_eq!(event["id"], index.to_string());
        for path in
            ["/type/system", "/type/code", "/recorded", "/source/observer", "/agent/0/requestor", "/subtype/0/code"]
        {
            assert!(event.pointer(path).is_some(), "{index}: {path}");
        }
        let requestors = event["agent"].as_array().unwrap().iter().filter(|agent| agent["requestor"] == true);
        assert_eq!(requestors.count(), 1);
    }
}

#[test]
fn a_read_names_reader_client_patient_record_and_purpose() {
    let event = events(1).remove(0);
    assert_eq!((&event["action"], &event["outcome"]), (&json!("R"), &json!("0")));
    assert_eq!(event["agent"][0]["type"]["coding"][0]["code"], "110152");
    assert_eq!(event["agent"][1]["who"]["identifier"]["value"], "u-4711");
    assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "TREAT");
    assert_eq!(event["entity"][1]["what"]["reference"], "Patient/057aa36e-b892-9964-75b9-000000000000");
    assert_eq!(event["entity"][2]["what"]["reference"], "Patient/057aa36e-b892-9964-75b9-000000000000/_history/1");
}

#[test]
fn denials_and_failures_say_why() {
    let events = events(4);
    let said = |n: usize| events.get(n).map(|event| (event["outcome"].clone(), event["outcomeDesc"].clone()));
    assert_eq!(said(2), Some((json!("4"), json!("not-own-record"))));
    assert_eq!(said(3), Some((json!("8"), json!("wrong-password"))));
}
