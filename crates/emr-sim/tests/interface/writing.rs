//! Writing patients.

use crate::support::{Source, id, json};
use aceso_emr_sim::{Fault, Kind};
use serde_json::{Value, json};

fn somebody(source: &Source) -> Value {
    json!({
        "first_name": "Odessa", "last_name": "Written", "dob": "1980-02-03", "sex": "Female",
        "primary_physician": source.ids(Kind::Physicians)[0], "caregiver_practice": source.ids(Kind::Practices)[0],
    })
}

#[test]
fn a_patient_is_created_changed_and_found() {
    let source = Source::plain();
    let created = json(&source.api, "POST", "/patients/", &somebody(&source)).expect(201).json();
    assert_eq!((&created["last_name"], &created["created_date"]), (&json!("Written"), &json!("2026-03-01T12:00:00Z")));
    assert_eq!((&created["suffix"], &created["insurances"]), (&Value::Null, &json!([])));
    let at = format!("/patients/{}/", id(&created));
    assert_eq!(source.api.get(&at).expect(200).json(), created);
    assert_eq!(source.ids(Kind::Patients).last(), Some(&id(&created)));

    source.clock.advance(5);
    let sent = json!({ "notes": "n", "id": 1, "unknown": 2, "created_date": "1999-01-01T00:00:00Z" });
    let changed = json(&source.api, "PATCH", &at, &sent).expect(200).json();
    assert_eq!((&changed["notes"], &changed["id"]), (&json!("n"), &created["id"]));
    assert_eq!((&changed["created_date"], changed.get("unknown")), (&created["created_date"], None));
    assert_eq!(changed["last_modified"], "2026-03-01T12:00:05Z");

    let found = source.api.get("/patients/?last_name=Written&first_name=Odessa&dob=1980-02-03&sex=Female").expect(200);
    assert_eq!(found.json()["results"], json!([changed]));
}

#[test]
fn a_duplicate_is_refused_with_the_id_of_the_one_that_is_there() {
    let source = Source::plain();
    let created = json(&source.api, "POST", "/patients/", &somebody(&source)).expect(201).json();
    let refused = json(&source.api, "POST", "/patients/", &somebody(&source)).expect(409).json();
    assert_eq!(refused, json!({ "detail": "Duplicated object", "redirect": created["id"] }));

    let known = source.crawl(Kind::Patients, 100)[13].clone();
    let mut same = somebody(&source);
    for member in ["first_name", "last_name", "dob", "sex"] {
        same[member] = known[member].clone();
    }
    let refused = json(&source.api, "POST", "/patients/", &same).expect(409).json();
    assert_eq!(refused["redirect"], known["id"]);
}

#[test]
fn what_is_missing_or_wrong_is_named_by_field() {
    let source = Source::plain();
    let errors = json(&source.api, "POST", "/patients/", &json!({ "dob": "yesterday", "sex": "?" })).expect(400).json();
    assert_eq!(errors["first_name"], json!(["This field is required."]));
    assert!(errors["dob"][0].as_str().unwrap().starts_with("Date has wrong format."));
    assert!(errors["sex"].is_array() && errors["primary_physician"].is_array());
    let patient = source.ids(Kind::Patients)[0];
    let at = format!("/patients/{patient}/");
    let _ = json(&source.api, "PUT", &at, &json!({ "notes": "n" })).expect(400);
    let _ = json(&source.api, "PATCH", &at, &json!({ "dob": null })).expect(400);
    let _ = json(&source.api, "PATCH", &at, &json!([])).expect(400);
    let _ = json(&source.api, "PUT", &at, &somebody(&source)).expect(200);
    assert!(source.simulator.delete(Kind::Patients, patient));
    let _ = json(&source.api, "PATCH", &at, &json!({})).expect(410);
}

#[test]
fn a_write_whose_answer_is_lost_has_happened_or_not() {
    let source = Source::plain();
    let body = somebody(&source).to_string().into_bytes();
    let header = [("content-type", "application/json")];
    source.simulator.faults().script("/patients/", [Fault::DropBefore]);
    assert!(source.api.try_send("POST", "/patients/", &header, body.clone()).is_err());
    assert_eq!(source.ids(Kind::Patients).len(), 24);
    source.simulator.faults().script("/patients/", [Fault::DropAfter]);
    assert!(source.api.try_send("POST", "/patients/", &header, body.clone()).is_err());
    assert_eq!(source.ids(Kind::Patients).len(), 25);
    let _ = source.api.send("POST", "/patients/", &header, body).expect(409);
}
