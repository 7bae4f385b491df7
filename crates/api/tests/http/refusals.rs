//! Every refusal of somebody known is an entry of the log, with its code and its record, and the answer carries the receipt.

use super::support::{ANNA, Answer, BASE, BERTA, House, observation, patient, tenant, without_id};
use aceso_base::{SubjectId, UserId};
use serde_json::{Value, json};

const PULSE: &str = "11111111-0000-4000-8000-000000000001";
const OTHER: &str = "11111111-0000-4000-8000-000000000003";
const NOBODY: &str = "77777777-0000-4000-8000-000000000001";

fn pulse() -> Value {
    observation(PULSE, ANNA, "8867-4", 72.0, "2024-01-05")
}

fn with(mut record: Value, name: &str, value: Value) -> Value {
    record[name] = value;
    record
}

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

/// One refused request: what it is, and what the answer and the last entry of the log have to say.
struct Refused {
    what: &'static str,
    request: (&'static str, String),
    header: Option<(&'static str, &'static str)>,
    body: Option<Value>,
    status: u16,
    action: &'static str,
    code: &'static str,
    /// `Type/id` that the entry names.
    record: Option<String>,
}

fn refused(
    what: &'static str,
    method: &'static str,
    path: &str,
    status: u16,
    (action, code): (&'static str, &'static str),
) -> Refused {
    Refused { what, request: (method, path.to_owned()), header: None, body: None, status, action, code, record: None }
}

impl Refused {
    fn header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn of(self, record: &str) -> Self {
        Self { record: Some(record.to_owned()), ..self }
    }
}

fn changes() -> Vec<Refused> {
    let at = format!("/Observation/{PULSE}");
    let record = format!("Observation/{PULSE}");
    let dangling = json!([{ "reference": format!("Patient/{NOBODY}") }]);
    let new = || without_id(pulse());
    vec![
        refused("stale update", "PUT", &at, 412, ("update", "version-mismatch")).header("if-match", "W/\"8\"").body(pulse()).of(&record),
        refused("stale delete", "DELETE", &at, 412, ("delete", "version-mismatch")).header("if-match", "W/\"8\"").of(&record),
        refused("reference to nobody", "PUT", &at, 422, ("update", "unresolved-reference"))
            .body(with(pulse(), "performer", dangling.clone())).of(&record),
        refused("new record of nobody", "POST", "/Observation", 422, ("create", "unresolved-reference"))
            .body(with(new(), "performer", dangling)),
        refused("foreign patient", "PUT", &at, 422, ("update", "foreign-subject"))
            .body(with(pulse(), "subject", json!({ "reference": format!("https://other.example/Patient/{ANNA}") }))).of(&record),
        refused("redacted copy", "PUT", &at, 422, ("update", "redacted-base"))
            .body(with(pulse(), "meta", json!({ "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED" }] })))
            .of(&record),
        refused("shredded patient", "POST", "/Observation", 422, ("create", "unknown-subject"))
            .body(with(new(), "subject", json!({ "reference": format!("Patient/{BERTA}") }))),
        refused("many to delete", "DELETE", &format!("/Observation?patient={ANNA}"), 412, ("delete", "multiple-matches")),
        refused("many to update", "PUT", &format!("/Observation?patient={ANNA}"), 412, ("update", "multiple-matches")).body(new()),
        refused("many like it", "POST", "/Observation", 412, ("create", "multiple-matches"))
            .header("if-none-exist", "patient=057aa36e-b892-4964-b5b9-ffb46b097e34").body(new()),
        refused("id of another", "PUT", &format!("/Observation?patient={ANNA}&code=none"), 409, ("update", "version-mismatch"))
            .body(pulse()).of(&record),
        refused("no condition", "DELETE", "/Observation?", 412, ("delete", "required")),
        refused("not a resource", "POST", "/Observation", 422, ("create", "required")).body(json!({ "resourceType": "Observation" })),
        refused("not its id", "PUT", &at, 400, ("update", "value")).body(with(pulse(), "id", json!(OTHER))).of(&record),
        refused("id that may be a name", "PUT", "/Patient/jane-doe", 422, ("update", "business-rule"))
            .body(patient("jane-doe", "Roe", "Jane", "1990-01-01", "MRN-9")),
        refused("id of a patient's device that may be a name", "PUT", "/Device/jane-doe", 422, ("update", "business-rule"))
            .body(json!({ "resourceType": "Device", "id": "jane-doe", "patient": { "reference": format!("Patient/{ANNA}") } })),
        refused("not there to delete", "DELETE", &format!("/Observation/{NOBODY}"), 404, ("delete", "absent")),
    ]
}

fn reads_and_bundles() -> Vec<Refused> {
    let twice = [
        entry("PUT", &format!("Observation/{PULSE}"), Some(pulse())),
        entry("PUT", &format!("Observation/{PULSE}"), Some(pulse())),
    ];
    let look =
        [entry("POST", "Observation", Some(without_id(pulse()))), entry("GET", &format!("Observation/{NOBODY}"), None)];
    let query =
        [entry("POST", "Observation", Some(without_id(pulse()))), entry("GET", "Observation?colour=blue", None)];
    vec![
        refused("not there", "GET", &format!("/Observation/{NOBODY}"), 404, ("read", "absent")),
        refused("no such parameter", "GET", "/Observation?colour=blue", 400, ("search", "not-found")),
        refused("no such element", "GET", &format!("/Patient/{ANNA}?_elements=colour"), 400, ("read", "value")),
        refused("emergency", "GET", &format!("/Patient/{ANNA}"), 400, ("read", "not-supported"))
            .header("x-break-glass-reason", "unconscious"),
        refused("one record twice", "POST", "", 400, ("update", "invariant"))
            .body(bundle("transaction", &twice))
            .of(&format!("Observation/{PULSE}")),
        refused("a read that fails", "POST", "", 404, ("read", "absent")).body(bundle("transaction", &look)),
        refused("a search that fails", "POST", "", 400, ("search", "not-found")).body(bundle("transaction", &query)),
    ]
}

#[tokio::test]
async fn every_refusal_is_an_entry_with_its_code_and_the_answer_has_its_receipt() {
    let house = House::open().await;
    let shredder = UserId::parse("olga").unwrap();
    let berta = SubjectId::of_patient(BERTA).unwrap();
    let _ = house.repository.door().shred(&tenant(), berta, &shredder).await.unwrap();
    let state = house.state().await;
    for row in changes().into_iter().chain(reads_and_bundles()) {
        let before = house.log_size();
        let (method, path) = &row.request;
        let mut call = house.call("physician", method, path);
        if let Some((name, value)) = row.header {
            call = call.header(name, value);
        }
        if let Some(body) = &row.body {
            call = call.json(body);
        }
        let answer = call.send().await;
        let what = format!("{}: {}", row.what, answer.text_lossy());
        assert_eq!(answer.status, row.status, "{what}");
        let entries = house.log_since(before);
        let last = entries.last().unwrap_or_else(|| panic!("no entry: {what}"));
        assert_eq!(last.entry.action().as_str(), row.action, "{what}");
        assert_eq!(last.entry.outcome().as_str(), "failed", "{what}");
        assert_eq!(last.entry.outcome().reason().map(|code| code.as_str()), Some(row.code), "{what}");
        assert_eq!(last.entry.user().map(|user| user.as_str().is_empty()), Some(false), "{what}");
        if let Some(record) = &row.record {
            let named: Vec<_> = last.entry.records().iter().map(|r| format!("{}/{}", r.rtype.name(), r.id)).collect();
            assert_eq!(named, std::slice::from_ref(record), "{what}");
        }
        assert!(last.entry.records().iter().all(|record| record.id.as_str() != "jane-doe"), "{what}");
        let receipt = answer.header("x-audit-receipt").unwrap_or_else(|| panic!("no receipt: {what}"));
        assert_eq!(receipt.split('/').next(), Some(last.index.to_string().as_str()), "{what}");
    }
    assert_eq!(house.state().await, state, "nothing was stored");
}

#[tokio::test]
async fn every_refused_entry_of_a_batch_is_in_the_log() {
    let house = House::open().await;
    let stale = {
        let mut entry = entry("PUT", &format!("Observation/{PULSE}"), Some(pulse()));
        entry["request"]["ifMatch"] = json!("W/\"7\"");
        entry
    };
    let entries = [
        stale,
        entry("POST", "Observation", Some(json!({ "resourceType": "Observation" }))),
        entry("GET", &format!("Observation/{NOBODY}"), None),
        entry("GET", "Observation?colour=blue", None),
        json!({ "request": { "method": "GET" } }),
    ];
    let before = house.log_size();
    let answer = house.post("physician", "", &bundle("batch", &entries)).await.expect(200);
    let log = house.log_since(before);
    let codes: Vec<_> =
        log.iter().map(|logged| logged.entry.outcome().reason().map_or("", |code| code.as_str())).collect();
    assert_eq!(codes, ["version-mismatch", "required", "absent", "not-found", "required"]);
    assert!(answer.header("x-audit-receipt").unwrap().starts_with(&log.last().unwrap().index.to_string()));
}

#[tokio::test]
async fn a_transaction_that_changes_a_record_twice_names_both_entries() {
    let house = House::open().await;
    let put = |value: f64| {
        let record = observation(PULSE, ANNA, "8867-4", value, "2024-01-05");
        entry("PUT", &format!("Observation/{PULSE}"), Some(record))
    };
    let by_condition = entry("DELETE", &format!("Observation?patient={ANNA}&_id={PULSE}"), None);
    let other = entry("POST", "Observation", Some(without_id(pulse())));
    for entries in [[put(1.0), other.clone(), put(2.0)], [put(1.0), other.clone(), by_condition.clone()]] {
        let answer = house.post("physician", "", &bundle("transaction", &entries)).await.expect(400);
        let outcome = answer.json();
        let issues = outcome["issue"].as_array().unwrap();
        let mut places: Vec<_> = issues.iter().map(|issue| issue["expression"][0].as_str().unwrap()).collect();
        places.sort_unstable();
        assert_eq!(places, ["Bundle.entry[0]", "Bundle.entry[2]"]);
        assert!(issues.iter().all(|issue| issue["code"] == "invariant"));
    }
    let read = house.get("physician", &format!("/Observation/{PULSE}")).await.expect(200);
    assert_eq!(read.header("etag"), Some("W/\"1\""));
}

#[tokio::test]
async fn a_read_that_would_fail_fails_the_whole_transaction() {
    let house = House::open().await;
    let state = house.state().await;
    let post = || entry("POST", "Observation", Some(without_id(pulse())));
    let put =
        |id: &str| entry("PUT", &format!("Observation/{id}"), Some(observation(id, ANNA, "8867-4", 1.0, "2024-01-05")));
    let get = |url: &str| entry("GET", url, None);
    let own = format!("Observation/{PULSE}");
    let new = format!("Observation/{NOBODY}");
    let send = |role: &'static str, entries: Vec<Value>| {
        let house = &house;
        async move { house.post(role, "", &bundle("transaction", &entries)).await }
    };
    for (what, role, status, entries) in [
        ("absent", "physician", 404, vec![post(), get(&new)]),
        ("deleted here", "physician", 410, vec![post(), get(&own), entry("DELETE", &own, None)]),
        ("no such version", "physician", 404, vec![post(), get(&format!("{own}/_history/9"))]),
        ("parameter", "physician", 400, vec![post(), get("Patient?colour=blue")]),
        ("no compartment", "physician", 400, vec![post(), get("Observation?status=final")]),
        ("may not read", "integration", 403, vec![post(), get(&own)]),
        ("may not read what it makes", "integration", 403, vec![put(NOBODY), get(&new)]),
        ("may not search", "integration", 403, vec![post(), get("Patient?_id=x")]),
    ] {
        let answer = send(role, entries).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert!(answer.issue().1.starts_with("Bundle.entry[1]"), "{what}: {}", answer.text());
        assert!(answer.header("x-audit-receipt").is_some(), "{what}");
    }
    assert_eq!(house.state().await, state, "nothing was stored");
    // A record that the same bundle makes can be read in it.
    let made = send("physician", vec![get(&new), put(NOBODY)]).await.expect(200).json();
    assert_eq!(made["entry"][0]["resource"]["id"], NOBODY);
}

#[tokio::test]
async fn who_may_not_write_does_not_learn_by_a_reference_what_is_there() {
    let house = House::open().await;
    for role in ["researcher", "billing", "auditor", "operator", "patient", "front-desk"] {
        let mut answers = Vec::new();
        for name in [
            "Practitioner/dr-weiss".to_owned(),
            "Practitioner/nobody".to_owned(),
            format!("Patient/{BERTA}"),
            format!("Patient/{NOBODY}"),
        ] {
            let body = with(pulse(), "performer", json!([{ "reference": name }]));
            let single = house.put(role, &format!("/Observation/{PULSE}"), &body).await;
            let new = house.post(role, "/Observation", &without_id(body.clone())).await;
            let entries = [entry("PUT", &format!("Observation/{PULSE}"), Some(body.clone()))];
            let several = house.post(role, "", &bundle("transaction", &entries)).await;
            answers.push([single, new, several].map(|answer: Answer| (answer.status, answer.text())));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{role}: {answers:?}");
        assert!(answers[0].iter().all(|(status, _)| *status == 403), "{role}: {answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn equal_conditional_creates_at_once_make_one_record() {
    let house = House::open().await;
    let practitioner = json!({ "resourceType": "Practitioner", "name": [{ "family": "Neu" }], "active": true });
    let reading = |code: &str| without_id(observation("x", ANNA, code, 55.0, "2024-05-05"));
    let both = |code: &str| [format!("patient={ANNA}&code={code}"), format!("patient={ANNA}&code={code}&status=final")];
    for (path, conditions, body) in [
        // No index keeps these; the second pair has two conditions that lead to the same record.
        ("/Observation", vec![both("55555-5")[0].clone()], reading("55555-5")),
        ("/Observation", both("66666-6").to_vec(), reading("66666-6")),
        ("/Practitioner", vec!["family=Neu".to_owned()], practitioner),
    ] {
        let mut sent = tokio::task::JoinSet::new();
        for number in 0..32 {
            let request = axum::http::Request::builder()
                .method("POST")
                .uri(format!("/fhir/R4{path}"))
                .header("authorization", format!("Bearer {}", house.token("physician")))
                .header("content-type", "application/fhir+json")
                .header("if-none-exist", &conditions[number % conditions.len()])
                .body(axum::body::Body::from(body.to_string()))
                .unwrap();
            let app = house.app.clone();
            sent.spawn(async move { tower::ServiceExt::oneshot(app, request).await.unwrap() });
        }
        let answers = sent.join_all().await;
        let created = answers.iter().filter(|answer| answer.status() == 201).count();
        let found = answers.iter().filter(|answer| answer.status() == 200).count();
        assert_eq!((created, found), (1, 31), "{path} {conditions:?}");
        let places: std::collections::BTreeSet<_> = answers
            .iter()
            .map(|answer| answer.headers()["location"].to_str().unwrap().strip_prefix(BASE).unwrap().to_owned())
            .collect();
        assert_eq!(places.len(), 1, "{places:?}");
        let total = house.get("physician", &format!("{path}?{}", conditions[0])).await.expect(200).json();
        assert_eq!(total["total"], 1);
    }
}
