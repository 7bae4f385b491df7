//! `$validate`, and profiles on write.

use super::support::{ANNA, BERTA, House, observation, patient, without_id};
use aceso_repository::{Definitions, InForce, ProfilesOnWrite};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const PULSE: &str = "11111111-0000-4000-8000-000000000001";

/// Severity, code and place of every finding but that a narrative is missing.
fn findings(outcome: &Value) -> Vec<String> {
    let issues = outcome["issue"].as_array().unwrap().iter();
    let no_narrative = |issue: &&Value| !issue["diagnostics"].as_str().unwrap().starts_with("dom-6");
    let text = |issue: &Value| {
        let place = issue["expression"][0].as_str().unwrap_or_default();
        format!("{} {} {place}", issue["severity"].as_str().unwrap(), issue["code"].as_str().unwrap())
    };
    issues.filter(no_narrative).map(text).collect()
}

fn parameters(parts: &[Value]) -> Value {
    json!({ "resourceType": "Parameters", "parameter": parts })
}

#[tokio::test]
async fn a_resource_is_judged_and_nothing_is_stored() {
    let house = House::open().await;
    let before = house.state().await;
    let good = observation(PULSE, ANNA, "8867-4", 72.0, "2024-01-05");
    let answer = house.post("physician", "/Observation/$validate", &good).await.expect(200);
    assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    assert_eq!(findings(&answer.json()), [""; 0]);
    let mut bad = without_id(good.clone());
    bad["status"] = json!("Secret");
    bad["Secret"] = json!("Secret");
    let answer = house.post("billing", "/Observation/$validate", &bad).await.expect(200);
    let mut found = findings(&answer.json());
    found.sort();
    assert_eq!(found, ["error code-invalid Observation.status", "error structure Observation"]);
    assert!(!answer.text().contains("Secret"));
    let organization = json!({ "resourceType": "Organization", "active": true });
    let answer = house.post("nurse", "/Organization/$validate", &organization).await.expect(200);
    assert_eq!(findings(&answer.json()), ["error invariant Organization"]);
    let answer = house.post("nurse", "/Patient/$validate", &organization).await.expect(200);
    assert_eq!(findings(&answer.json()), ["error structure Organization"]);
    // Beside the operations that only value sets have.
    let set = json!({ "resourceType": "ValueSet", "status": "active" });
    house.post("nurse", "/ValueSet/$validate", &set).await.expect(200);
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn parameters_name_a_mode_and_a_profile() {
    let house = House::open().await;
    let pulse = observation(PULSE, ANNA, "8867-4", 72.0, "2024-01-05");
    let resource = json!({ "name": "resource", "resource": pulse });
    let vital = "http://hl7.org/fhir/StructureDefinition/heartrate";
    let profile = json!({ "name": "profile", "valueUri": vital });
    let asked = parameters(&[resource.clone(), profile, json!({ "name": "mode", "valueCode": "create" })]);
    let answer = house.post("physician", "/Observation/$validate", &asked).await.expect(200);
    let found = findings(&answer.json());
    assert!(found.contains(&"error required Observation.category".to_owned()), "{found:?}");
    assert!(answer.text().contains(vital));
    let by_query =
        house.post("physician", &format!("/Observation/$validate?profile={vital}"), &pulse).await.expect(200);
    assert_eq!(findings(&by_query.json()), found);
    let unknown = parameters(&[resource.clone(), json!({ "name": "profile", "valueUri": "http://x/none" })]);
    let answer = house.post("physician", "/Observation/$validate", &unknown).await.expect(200);
    assert_eq!(findings(&answer.json()), ["error not-found Observation"]);
    for part in [
        json!({ "name": "mode", "valueCode": "delete" }),
        json!({ "name": "other", "valueCode": "x" }),
        resource.clone(),
    ] {
        house.post("physician", "/Observation/$validate", &parameters(&[resource.clone(), part])).await.expect(400);
    }
    house.post("physician", "/Observation/$validate?x=1", &pulse).await.expect(400);
    house
        .call("physician", "POST", "/Observation/$validate")
        .body("application/fhir+json", "{")
        .send()
        .await
        .expect(400);
}

#[tokio::test]
async fn a_stored_record_is_judged_for_who_sees_all_of_it_and_for_nobody_else() {
    let house = House::open().await;
    let path = format!("/Observation/{PULSE}/$validate");
    let answer = house.get("physician", &path).await.expect(200);
    assert_eq!(findings(&answer.json()), [""; 0]);
    assert!(answer.header("x-audit-receipt").is_some());
    // Two patients, one with a fault in what the reader may not see: both are answered alike.
    let mut berta = house.get("physician", &format!("/Patient/{BERTA}")).await.expect(200).json();
    berta["contact"] = json!([{ "gender": "male" }]);
    house.put("physician", &format!("/Patient/{BERTA}"), &berta).await.expect(200);
    let whole = house.get("physician", &format!("/Patient/{BERTA}/$validate")).await.expect(200);
    assert_eq!(findings(&whole.json()), ["error invariant Patient.contact[0]"]);
    let anna = house.get("researcher", &format!("/Patient/{ANNA}/$validate")).await.expect(200);
    let berta = house.get("researcher", &format!("/Patient/{BERTA}/$validate")).await.expect(200);
    assert_eq!(findings(&anna.json()), ["error suppressed Patient"]);
    assert_eq!(anna.json(), berta.json());
    // Who does not see the record does not learn of it.
    let hidden = house.get("patient", &format!("/Patient/{BERTA}/$validate")).await.expect(404);
    let none = house.get("patient", "/Patient/9b1c2d3e-4f50-4a61-8b72-c3d4e5f60799/$validate").await.expect(404);
    assert_eq!(hidden.json(), none.json());
    house.get("operator", &path).await.expect(403);
}

#[tokio::test]
async fn a_resource_beside_an_id_is_judged_as_its_update_without_a_look_at_the_record() {
    let house = House::open().await;
    let pulse = observation(PULSE, ANNA, "8867-4", 72.0, "2024-01-05");
    let own = house.post("physician", &format!("/Observation/{PULSE}/$validate"), &pulse).await.expect(200);
    assert_eq!(findings(&own.json()), [""; 0]);
    // The same for who may not see that record, and for a record that is not there.
    let stranger = house.post("operator", &format!("/Observation/{PULSE}/$validate"), &pulse).await.expect(200);
    assert_eq!(stranger.json(), own.json());
    let other = house
        .post("physician", "/Observation/11111111-0000-4000-8000-000000000099/$validate", &pulse)
        .await
        .expect(200);
    assert_eq!(findings(&other.json()), ["error value Observation.id"]);
    let by_post = house.call("physician", "POST", &format!("/Observation/{PULSE}/$validate")).send().await.expect(200);
    assert_eq!(findings(&by_post.json()), [""; 0]);
}

#[tokio::test]
async fn the_statement_lists_the_operation_for_every_type() {
    let house = House::empty().await;
    let statement = house.call("", "GET", "/metadata").send().await.expect(200).json();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let operations = resource["operation"].as_array().unwrap();
        assert!(operations.iter().any(|operation| operation["name"] == "validate"), "{}", resource["type"]);
    }
}

/// A patient, with a contact that has nothing but a gender (pat-1) and a profile that nobody knows.
fn faulty() -> Value {
    let mut record = patient(ANNA, "Keller", "Anna", "1971-05-09", "MRN-1");
    record["contact"] = json!([{ "gender": "male" }]);
    record["meta"] = json!({ "profile": ["http://p/unknown"] });
    for outside in ["generalPractitioner", "managingOrganization"] {
        record.as_object_mut().unwrap().remove(outside);
    }
    record
}

async fn house(on_write: ProfilesOnWrite) -> House {
    let in_force = InForce { on_write, ..InForce::default() };
    House::with_definitions(Definitions::new(Arc::new(in_force), BTreeMap::new())).await
}

async fn put(house: &House, record: &Value) -> super::support::Answer {
    let path = format!("/Patient/{ANNA}");
    house.call("physician", "PUT", &path).header("prefer", "return=OperationOutcome").json(record).send().await
}

#[tokio::test]
async fn profiles_on_write_are_off_unless_configured() {
    let house = house(ProfilesOnWrite::Off).await;
    let answer = put(&house, &faulty()).await.expect(201);
    assert_eq!(findings(&answer.json()), ["information informational "]);
    let counts = house.inside.repository.write_counts();
    assert_eq!((counts.warned, counts.refused), (0, 0));
}

#[tokio::test]
async fn a_warning_is_for_who_asks_for_an_outcome() {
    let house = house(ProfilesOnWrite::Warn).await;
    let answer = put(&house, &faulty()).await.expect(201);
    let expected = [
        "information informational ",
        "warning invariant Patient.contact[0]",
        "warning not-found Patient.meta.profile[0]",
    ];
    assert_eq!(findings(&answer.json()), expected);
    let plain = house.put("physician", &format!("/Patient/{ANNA}"), &faulty()).await.expect(200);
    assert!(plain.body.is_empty());
}

#[tokio::test]
async fn enforced_profiles_refuse_what_is_an_error() {
    let house = house(ProfilesOnWrite::Enforce).await;
    let refused = put(&house, &faulty()).await.expect(422);
    assert_eq!(findings(&refused.json()), ["error invariant Patient.contact[0]"]);
    assert!(refused.header("x-audit-receipt").is_some());
    house.get("physician", &format!("/Patient/{ANNA}")).await.expect(404);
    let entry = json!({ "request": { "method": "PUT", "url": format!("Patient/{ANNA}") }, "resource": faulty() });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
    house.post("physician", "", &bundle).await.expect(422);
    // A warning refuses nothing.
    let mut sound = faulty();
    sound.as_object_mut().unwrap().remove("contact");
    put(&house, &sound).await.expect(201);
    let patch = json!([{ "op": "add", "path": "/contact", "value": [{ "gender": "male" }] }]);
    let call = house.call("physician", "PATCH", &format!("/Patient/{ANNA}"));
    call.body("application/json-patch+json", patch.to_string()).send().await.expect(422);
}
