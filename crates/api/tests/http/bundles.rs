//! batch and transaction (R4 http.html, section 3.1.0.11).

use super::support::{ANNA, Answer, House, observation, patient, without_id};
use serde_json::{Value, json};

const URN: &str = "urn:uuid:66666666-0000-4000-8000-00000000000";

fn bundle(kind: &str, entries: &[Value]) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

fn entry(method: &str, url: &str, resource: Option<Value>) -> Value {
    let mut entry = json!({ "request": { "method": method, "url": url } });
    if let Some(resource) = resource {
        entry["resource"] = resource;
    }
    entry
}

fn made(number: u8, url: &str, resource: Value) -> Value {
    let mut entry = entry("POST", url, Some(without_id(resource)));
    entry["fullUrl"] = json!(format!("{URN}{number}"));
    entry
}

async fn send(house: &House, kind: &str, entries: &[Value]) -> Answer {
    house.post("physician", "", &bundle(kind, entries)).await
}

fn statuses(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_owned()).collect()
}

fn location(answer: &Answer, at: usize) -> String {
    let text = answer.json()["entry"][at]["response"]["location"].as_str().unwrap().to_owned();
    text.split("/_history").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_transaction_does_every_kind_of_entry_whatever_their_order() {
    let house = House::open().await;
    let mut pulse = observation("11111111-0000-4000-8000-000000000001", ANNA, "8867-4", 99.0, "2024-01-05");
    pulse["note"] = json!([{ "text": "changed" }]);
    let new = observation("x", ANNA, "8867-4", 55.0, "2024-05-05");
    let entries = [
        entry("GET", "Observation/11111111-0000-4000-8000-000000000001", None),
        entry("GET", &format!("Observation?patient={ANNA}&_count=20"), None),
        entry("PUT", "Observation/11111111-0000-4000-8000-000000000001", Some(pulse)),
        entry("POST", "Observation", Some(without_id(new))),
        entry("DELETE", "Observation/11111111-0000-4000-8000-000000000002", None),
    ];
    let answer = send(&house, "transaction", &entries).await.expect(200);
    assert_eq!(answer.json()["type"], "transaction-response");
    assert_eq!(statuses(&answer), ["200", "200", "200", "201", "204"]);
    assert!(answer.header("x-audit-receipt").is_some());
    let shown = answer.json();
    assert_eq!(shown["entry"][0]["resource"]["valueQuantity"]["value"], 99.0, "reads see what the others have done");
    assert_eq!(shown["entry"][1]["resource"]["total"], 3);
    assert_eq!(shown["entry"][2]["response"]["etag"], "W/\"2\"");
    assert!(shown["entry"][3]["response"]["lastModified"].is_string());
    house.get("physician", "/Observation/11111111-0000-4000-8000-000000000002").await.expect(410);
}

#[tokio::test]
async fn entries_may_refer_to_each_other_before_they_have_ids() {
    let house = House::open().await;
    let mut pulse = observation("x", ANNA, "8867-4", 55.0, "2024-05-05");
    pulse["subject"] = json!({ "reference": format!("{URN}2") });
    pulse["performer"] = json!([{ "reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1234567893" }]);
    let carla = patient("x", "Carl", "Carla", "1990-01-01", "MRN-3");
    // The record of the patient comes after the one that refers to it.
    let entries = [made(1, "Observation", pulse), made(2, "Patient", carla)];
    let answer = send(&house, "transaction", &entries).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "201"]);
    let shown = house.get("physician", &format!("/{}", location(&answer, 0))).await.expect(200).json();
    assert_eq!(shown["subject"]["reference"], location(&answer, 1));
    assert_eq!(shown["performer"][0]["reference"], "Practitioner/dr-weiss");
    let dangling = made(1, "Observation", {
        let mut pulse = observation("x", ANNA, "8867-4", 55.0, "2024-05-05");
        pulse["performer"] = json!([{ "reference": format!("{URN}9") }]);
        pulse
    });
    let refused = send(&house, "transaction", &[dangling]).await.expect(422);
    assert!(refused.issue().1.starts_with("Bundle.entry[0]"));
}

#[tokio::test]
async fn conditional_references_find_records_of_the_same_transaction() {
    let house = House::open().await;
    let mut pulse = observation("x", ANNA, "8867-4", 55.0, "2024-05-05");
    let doctor = json!({ "resourceType": "Practitioner",
        "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "9999999995" }] });
    pulse["performer"] = json!([{ "reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999995" }]);
    let alone = send(&house, "transaction", &[made(1, "Observation", pulse.clone())]).await.expect(412);
    assert!(alone.issue().1.starts_with("Bundle.entry[0]"));
    assert!(alone.header("x-audit-receipt").is_some());
    let entries = [made(1, "Observation", pulse.clone()), made(2, "Practitioner", doctor.clone())];
    let answer = send(&house, "transaction", &entries).await.expect(200);
    let shown = house.get("physician", &format!("/{}", location(&answer, 0))).await.json();
    assert_eq!(shown["performer"][0]["reference"], location(&answer, 1));
    // One stored and one in the bundle are two.
    send(&house, "transaction", &[made(1, "Observation", pulse), made(2, "Practitioner", doctor)]).await.expect(412);
}

#[tokio::test]
async fn a_transaction_stores_all_or_nothing_and_names_the_entry_at_fault() {
    let house = House::open().await;
    let before = house.state().await;
    let good = || made(1, "Observation", observation("x", ANNA, "8867-4", 55.0, "2024-05-05"));
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut entry = made(2, "Observation", observation("x", ANNA, "8867-4", 56.0, "2024-05-05"));
        change(&mut entry);
        entry
    };
    let faults: Vec<(&str, u16, Value)> = vec![
        ("status missing", 422, wrong(&|e| drop(e["resource"].as_object_mut().unwrap().remove("status")))),
        ("bad date", 422, wrong(&|e| e["resource"]["effectiveDateTime"] = json!("5 May"))),
        ("unknown element", 422, wrong(&|e| e["resource"]["colour"] = json!("blue"))),
        (
            "missing target",
            422,
            wrong(&|e| {
                e["resource"]["subject"] = json!({ "reference": "Patient/44444444-0000-4000-8000-000000000001" })
            }),
        ),
        ("no request", 400, wrong(&|e| drop(e.as_object_mut().unwrap().remove("request")))),
        ("no method", 400, wrong(&|e| drop(e["request"].as_object_mut().unwrap().remove("method")))),
        ("patch", 400, wrong(&|e| e["request"]["method"] = json!("PATCH"))),
        ("no such type", 400, wrong(&|e| e["request"]["url"] = json!("Nothing"))),
        ("other type", 422, wrong(&|e| e["request"]["url"] = json!("Patient"))),
        ("same fullUrl", 400, wrong(&|e| e["fullUrl"] = json!(format!("{URN}1")))),
        ("condition of no meaning", 400, wrong(&|e| e["request"]["ifMatch"] = json!("W/\"1\""))),
        ("condition that is no text", 400, wrong(&|e| e["request"]["ifNoneExist"] = json!(1))),
        ("unknown member", 400, wrong(&|e| e["colour"] = json!("blue"))),
        ("stale", 412, {
            let mut entry = entry(
                "PUT",
                "Observation/11111111-0000-4000-8000-000000000001",
                Some(observation("11111111-0000-4000-8000-000000000001", ANNA, "8867-4", 1.0, "2024-01-01")),
            );
            entry["request"]["ifMatch"] = json!("W/\"7\"");
            entry
        }),
        (
            "other id",
            400,
            entry(
                "PUT",
                "Observation/11111111-0000-4000-8000-000000000001",
                Some(observation("11111111-0000-4000-8000-000000000003", ANNA, "8867-4", 1.0, "2024-01-01")),
            ),
        ),
        ("never was", 404, entry("DELETE", "Observation/44444444-0000-4000-8000-000000000001", None)),
        ("many", 412, entry("DELETE", &format!("Observation?patient={ANNA}"), None)),
    ];
    for (name, status, fault) in faults {
        let answer = send(&house, "transaction", &[good(), fault]).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert!(answer.issue().1.starts_with("Bundle.entry[1]"), "{name}: {}", answer.text());
        assert!(answer.header("x-audit-receipt").is_some(), "{name}");
    }
    let twice = entry("DELETE", "Observation/11111111-0000-4000-8000-000000000001", None);
    send(&house, "transaction", &[twice.clone(), twice]).await.expect(400);
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn conditional_entries_of_a_transaction() {
    let house = House::open().await;
    let condition = "identifier=http://clinic.example/mrn|MRN-3";
    let carla = |number: u8| {
        let mut entry = made(number, "Patient", patient("x", "Carl", "Carla", "1990-01-01", "MRN-3"));
        entry["request"]["ifNoneExist"] = json!(condition);
        entry
    };
    let mut pulse = observation("x", ANNA, "8867-4", 55.0, "2024-05-05");
    pulse["subject"] = json!({ "reference": format!("{URN}2") });
    // The second finds what the first makes: there is one Carla, and references to either lead to her.
    let answer =
        send(&house, "transaction", &[carla(1), carla(2), made(3, "Observation", pulse.clone())]).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "200", "201"]);
    assert_eq!(location(&answer, 0), location(&answer, 1));
    let again = send(&house, "transaction", &[carla(2), made(3, "Observation", pulse)]).await.expect(200);
    assert_eq!(statuses(&again), ["200", "201"]);
    assert_eq!(location(&again, 0), location(&answer, 0));
    assert_eq!(house.get("physician", "/Patient").await.json()["total"], 3);

    let by_number = format!("Patient?{condition}");
    let changed = without_id(patient("x", "Carl", "Carla Maria", "1990-01-01", "MRN-3"));
    let answer = send(&house, "transaction", &[entry("PUT", &by_number, Some(changed))]).await.expect(200);
    assert_eq!(statuses(&answer), ["200"]);
    let none = entry("DELETE", &format!("Observation?patient={ANNA}&code=none"), None);
    assert_eq!(statuses(&send(&house, "transaction", &[none]).await.expect(200)), ["204"]);
    let gone = entry("DELETE", "Observation/11111111-0000-4000-8000-000000000002", None);
    assert_eq!(statuses(&send(&house, "transaction", std::slice::from_ref(&gone)).await.expect(200)), ["204"]);
    assert_eq!(
        statuses(&send(&house, "transaction", &[gone]).await.expect(200)),
        ["204"],
        "deleting again changes nothing"
    );
}

#[tokio::test]
async fn a_batch_answers_every_entry_for_itself() {
    let house = House::open().await;
    let mut bad = observation("x", ANNA, "8867-4", 1.0, "2024-05-05");
    bad["status"] = json!("perhaps");
    let entries = [
        entry("POST", "Observation", Some(without_id(bad))),
        entry("POST", "Observation", Some(without_id(observation("x", ANNA, "8867-4", 2.0, "2024-05-05")))),
        entry("GET", "Observation/44444444-0000-4000-8000-000000000001", None),
        entry("GET", &format!("Patient/{ANNA}"), None),
        entry("DELETE", "Observation/11111111-0000-4000-8000-000000000002", None),
        entry("DELETE", "Observation/11111111-0000-4000-8000-000000000002", None),
        json!({ "request": { "method": "GET" } }),
        entry("GET", "Observation?colour=blue", None),
    ];
    let answer = send(&house, "batch", &entries).await.expect(200);
    assert_eq!(answer.json()["type"], "batch-response");
    assert_eq!(statuses(&answer), ["422", "201", "404", "200", "204", "204", "400", "400"]);
    let shown = answer.json();
    let outcome = &shown["entry"][0]["response"]["outcome"];
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    assert_eq!(outcome["issue"][0]["expression"][0], "Bundle.entry[0].resource.status");
    assert_eq!(shown["entry"][3]["resource"]["id"], ANNA);
    assert!(answer.header("x-audit-receipt").is_some());
    let before = house.log_size();
    assert!(send(&house, "batch", &[json!({})]).await.expect(200).header("x-audit-receipt").is_some());
    assert_eq!(house.log_size(), before + 1);
}

#[tokio::test]
async fn a_bundle_of_another_kind_is_refused() {
    let house = House::open().await;
    for (body, place) in [
        (bundle("collection", &[]), "Bundle.type"),
        (json!({ "resourceType": "Bundle" }), "Bundle.type"),
        (json!({ "resourceType": "Patient" }), "resourceType"),
        (json!({ "resourceType": "Bundle", "type": "batch", "entry": {} }), "Bundle.entry"),
    ] {
        assert_eq!(house.post("physician", "", &body).await.expect(400).issue().1, place);
    }
    house.post("physician", "", &json!({ "resourceType": "Bundle", "type": "batch", "colour": 1 })).await.expect(400);
    house.post("physician", "?_format=json", &bundle("batch", &[])).await.expect(200);
    house.post("physician", "?x=1", &bundle("batch", &[])).await.expect(400);
}
