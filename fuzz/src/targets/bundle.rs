//! Batches and transactions.

use super::clinic::{self, assert_refused_well};
use aceso_base::Role;
use aceso_repository::operation_outcome;
use aceso_testkit::Canary;
use serde_json::{Value, json};

pub(super) const WORDS: &[&str] = &[
    "\"type\":\"transaction\"",
    "\"type\":\"batch\"",
    "\"fullUrl\":\"urn:uuid:057aa36e-b892-4964-b5b9-ffb46b097e34\"",
    "\"method\":\"PUT\"",
    "\"method\":\"POST\"",
    "\"method\":\"GET\"",
    "\"method\":\"DELETE\"",
    "\"url\":\"Patient\"",
    "Patient/11111111-0000-4000-8000-000000000001",
    "Patient?identifier=urn:example:mrn|",
    "Patient/11111111-0000-4000-8000-000000000001/_history/1",
    "\"ifMatch\":\"W/\\\"1\\\"\"",
    "\"ifNoneExist\":\"identifier=a|b\"",
    "\"reference\":\"urn:uuid:057aa36e-b892-4964-b5b9-ffb46b097e34\"",
    "\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"p\"}]",
    "\"request\":{}",
    "null",
    "[]",
    "#p",
];

const URN: &str = "urn:uuid:057aa36e-b892-4964-b5b9-ffb46b097e34";

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let patient = Canary::patient();
    let mut seen = Canary::observation();
    seen["subject"] = json!({ "reference": URN });
    let post = |resource: &Value, url: &str| json!({ "fullUrl": URN, "resource": resource, "request": { "method": "POST", "url": url } });
    let bundle = |kind: &str, entries: &[Value]| json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
    let mut conditional = post(&patient, "Patient");
    conditional["request"]["ifNoneExist"] = json!("identifier=urn:example:mrn|other");
    let update = json!({ "resource": patient, "request": { "method": "PUT", "url": format!("Patient/{}", Canary::ID), "ifMatch": "W/\"1\"" } });
    let observation = json!({ "resource": seen, "request": { "method": "POST", "url": "Observation" } });
    let read = json!({ "request": { "method": "GET", "url": "Patient/11111111-0000-4000-8000-000000000001" } });
    let search = json!({ "request": { "method": "GET", "url": "Patient?family=Zyxelquist&_count=1" } });
    let delete = json!({ "request": { "method": "DELETE", "url": "Patient?identifier=urn:example:mrn|none" } });
    [
        bundle("transaction", &[post(&patient, "Patient"), observation.clone()]),
        bundle("transaction", &[conditional, observation, read.clone()]),
        bundle("batch", &[read, search, delete, update.clone()]),
        bundle("transaction", &[update]),
        bundle("batch", &[]),
    ]
    .map(|bundle| bundle.to_string().into_bytes())
    .to_vec()
}

pub(super) fn target(bytes: &[u8]) {
    clinic::with("bundle", |clinic| {
        let who = clinic.caller(Role::Integration);
        clinic.new_events();
        match clinic.runtime.block_on(clinic.app.repository.bundle(&who, bytes.to_vec())) {
            Ok(answer) => {
                let given: Value = serde_json::from_slice(&answer.json).expect("the answer is JSON");
                let entries = |bundle: &Value| bundle["entry"].as_array().map_or(0, Vec::len);
                // serde_json refuses numbers that are out of its range and in order all the same.
                if let Ok(asked) = serde_json::from_slice::<Value>(bytes) {
                    assert!(entries(&asked) == entries(&given), "an entry without an answer");
                }
                answer.refused.iter().for_each(|(_, fault)| assert_refused_well(fault));
                assert!(only_the_clients_faults(&given), "an entry failed by no fault of the client");
            }
            Err(fault) => {
                assert_refused_well(&fault);
                let outcome: Value = serde_json::from_slice(&operation_outcome(&fault)).expect("an outcome is JSON");
                assert!(outcome["resourceType"] == "OperationOutcome");
                assert!(clinic.new_events() == 0, "a refused bundle has left something");
            }
        }
    });
}

fn only_the_clients_faults(answer: &Value) -> bool {
    let entries = answer["entry"].as_array().into_iter().flatten();
    entries.into_iter().all(|entry| !entry["response"]["status"].as_str().unwrap_or_default().starts_with('5'))
}
