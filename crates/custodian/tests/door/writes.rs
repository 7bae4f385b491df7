//! Writing: who may, over what, and what happens when two write at once.

use crate::common::*;
use aceso_base::{Interaction, Role, Version};
use aceso_custodian::{Change, DoorError, Expected, Guard, SearchRequest, SearchScope, Shape};
use aceso_fhir::search::Query;
use serde_json::{Value, json};

const ONE: &str = "11111111-0000-4000-8000-000000000001";
const TWO: &str = "22222222-0000-4000-8000-000000000002";
const NOTE: &str = "33333333-0000-4000-8000-000000000003";

fn patient_with(name: &str, extra: Value) -> Value {
    let mut body = json!({"resourceType": "Patient", "id": name, "name": [{"family": "Doe"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn pulse(of: &str) -> Value {
    json!({"resourceType": "Observation", "id": NOTE, "status": "final", "code": {"text": "pulse"},
        "subject": {"reference": format!("Patient/{of}")}})
}

fn race() -> Value {
    json!({"extension": [{"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "extension": [{"url": "text", "valueString": "raceword"}]}]})
}

#[tokio::test]
async fn nobody_overwrites_what_he_may_not_see() {
    let house = House::new().await;
    house.put(&physician(), &patient_with(ONE, race())).await.unwrap();
    let nurse = caller(Role::Nurse);
    let size = house.log_size();
    assert_eq!(outcome(&house.put(&nurse, &patient_with(ONE, json!({}))).await), "classes-forbidden");
    assert_eq!(outcome(&house.put(&nurse, &patient_with(TWO, race())).await), "classes-forbidden");
    let entries = house.log_since(size);
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|logged| logged.entry.outcome().as_str() == "denied"));
    let kept = house.read(&physician(), "Patient", ONE).await.unwrap();
    assert!(String::from_utf8_lossy(kept.json()).contains("raceword"));
    // Without the hidden class he may.
    house.put(&nurse, &patient_with(TWO, json!({}))).await.unwrap();
    house.put(&nurse, &patient_with(TWO, json!({"gender": "male"}))).await.unwrap();
    assert_eq!(outcome(&house.delete(&nurse, "Patient", TWO).await), "forbidden");
}

#[tokio::test]
async fn a_redacted_copy_may_not_come_back() {
    let house = House::new().await;
    house.put(&physician(), &patient_with(ONE, race())).await.unwrap();
    let mut copy = json(&house.read(&caller(Role::Nurse), "Patient", ONE).await.unwrap());
    assert_eq!(outcome(&house.put(&physician(), &copy).await), "redacted-base");
    copy["id"] = json!(TWO);
    assert_eq!(outcome(&house.put(&physician(), &copy).await), "redacted-base");
}

#[tokio::test]
async fn a_record_of_a_patient_whom_nobody_knows_or_who_lives_elsewhere_is_refused() {
    let house = House::new().await;
    assert_eq!(outcome(&house.put(&physician(), &pulse(ONE)).await), "unknown-subject");
    for reference in
        ["http://other.example/fhir/Patient/1", "Patient/MRN-12", "urn:uuid:11111111-0000-4000-8000-000000000001"]
    {
        let mut body = pulse(ONE);
        body["subject"]["reference"] = json!(reference);
        assert_eq!(outcome(&house.put(&physician(), &body).await), "foreign-subject", "{reference}");
    }
    assert_eq!(
        outcome(&house.put(&physician(), &json!({"resourceType": "Patient", "id": "MRN-12"})).await),
        "foreign-subject"
    );
    house.put(&physician(), &patient_with(ONE, json!({}))).await.unwrap();
    house.put(&physician(), &pulse(ONE)).await.unwrap();
}

#[tokio::test]
async fn all_changes_of_a_unit_land_or_none() {
    let house = House::new().await;
    let changes = [
        change(&patient_with(ONE, json!({})), Expected::Absent),
        change(&patient_with(TWO, json!({})), Expected::At(Version(3))),
    ];
    let written = house.door.write(&physician(), &changes, &[], &[]).await;
    assert!(matches!(written, Err(DoorError::VersionMismatch { change: 1, .. })));
    assert_eq!(outcome(&house.read(&physician(), "Patient", ONE).await), "absent");
}

#[tokio::test]
async fn a_writer_who_names_a_version_gets_it_or_nothing() {
    let house = House::new().await;
    let body = patient_with(ONE, json!({}));
    let put =
        |expected| house.put_expecting(Box::leak(Box::new(physician())), Box::leak(Box::new(body.clone())), expected);
    assert_eq!(outcome(&put(Expected::At(Version(1))).await), "version-mismatch");
    assert_eq!(outcome(&put(Expected::Present).await), "version-mismatch");
    put(Expected::Absent).await.unwrap();
    assert_eq!(outcome(&put(Expected::Absent).await), "version-mismatch");
    assert_eq!(put(Expected::At(Version(1))).await.unwrap().version, Version(2));
    assert_eq!(outcome(&put(Expected::At(Version(1))).await), "version-mismatch");
    assert_eq!(put(Expected::Present).await.unwrap().version, Version(3));
    house.delete(&physician(), "Patient", ONE).await.unwrap();
    assert_eq!(outcome(&house.delete(&physician(), "Patient", ONE).await), "gone");
    assert_eq!(outcome(&put(Expected::At(Version(4))).await), "version-mismatch");
    assert_eq!(put(Expected::Absent).await.unwrap().version, Version(5));
    let change = Change::Delete { rtype: rtype("Patient"), id: id(ONE), expected: Expected::At(Version(4)) };
    assert_eq!(outcome(&house.door.write(&physician(), &[change], &[], &[]).await), "version-mismatch");
}

/// Guesses about a record that a caller may not know of must not be answered by way of its version.
#[tokio::test]
async fn a_precondition_tells_nothing_to_who_may_not_write() {
    let house = House::new().await;
    house.put(&physician(), &patient_with(ONE, json!({}))).await.unwrap();
    for who in [patient(TWO), caller(Role::Auditor), caller(Role::Researcher)] {
        let mut answers = Vec::new();
        let size = house.log_size();
        for name in [ONE, TWO] {
            for expected in [Expected::Absent, Expected::Present, Expected::At(Version(1)), Expected::At(Version(2))] {
                answers.push(outcome(&house.put_expecting(&who, &patient_with(name, json!({})), expected).await));
                let delete = Change::Delete { rtype: rtype("Patient"), id: id(name), expected };
                answers.push(outcome(&house.door.write(&who, &[delete], &[], &[]).await));
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{:?}: {answers:?}", who.roles);
        assert_eq!(house.log_since(size).len(), answers.len(), "each attempt is in the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_at_once_one_wins_by_version_and_all_land_without() {
    let house = std::sync::Arc::new(House::new().await);
    house.put(&physician(), &patient_with(ONE, json!({}))).await.unwrap();
    let at_once = |expected: Expected| {
        let tasks: Vec<_> = (0..6)
            .map(|number| {
                let house = house.clone();
                let body = patient_with(ONE, json!({"multipleBirthInteger": number}));
                tokio::spawn(async move { outcome(&house.put_expecting(&physician(), &body, expected).await) })
            })
            .collect();
        async move {
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap());
            }
            answers.sort_unstable();
            answers
        }
    };
    assert_eq!(
        at_once(Expected::At(Version(1))).await,
        ["ok", "version-mismatch", "version-mismatch", "version-mismatch", "version-mismatch", "version-mismatch"]
    );
    assert_eq!(at_once(Expected::Any).await, ["ok"; 6]);
    let view = house.read(&physician(), "Patient", ONE).await.unwrap();
    assert_eq!(view.version(), Version(8));
    for version in 1..=8 {
        house.vread(&physician(), "Patient", ONE, version).await.unwrap();
    }
}

/// A reader beside a writer sees one version or the other, never an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_beside_a_writer_never_takes_news_for_tampering() {
    let house = std::sync::Arc::new(House::new().await);
    house.put(&physician(), &patient_with(ONE, json!({}))).await.unwrap();
    house.put(&physician(), &pulse(ONE)).await.unwrap();
    let writer = {
        let house = house.clone();
        tokio::spawn(async move {
            for number in 0..60 {
                house.put(&physician(), &patient_with(ONE, json!({"multipleBirthInteger": number}))).await.unwrap();
                house.put(&physician(), &pulse(ONE)).await.unwrap();
            }
        })
    };
    let mut readers = Vec::new();
    for reader in 0..3 {
        let house = house.clone();
        readers.push(tokio::spawn(async move {
            let mut reads = 0;
            for _ in 0..60 {
                let answer = match reader {
                    0 => outcome(&house.read(&physician(), "Patient", ONE).await),
                    1 => outcome(&house.door.history(&physician(), rtype("Patient"), &id(ONE), None, 3).await),
                    _ => {
                        let pairs = [pair("status", "final")];
                        let ask = Ask { scope: in_compartment(ONE), kind: "Observation", pairs: &pairs, count: 10 };
                        let found = house.search(&physician(), &ask).await;
                        if let Ok((names, _)) = &found {
                            assert_eq!(names, &[NOTE]);
                        }
                        outcome(&found)
                    }
                };
                assert_eq!(answer, "ok", "reader {reader}");
                reads += 1;
            }
            reads
        }));
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), 60);
    }
    writer.await.unwrap();
    assert!(house.log().iter().all(|logged| logged.entry.action() != aceso_audit::Action::OpenFailed));
}

fn identified(name: &str, value: &str) -> Value {
    patient_with(name, json!({"identifier": [{"system": "http://mrn", "value": value}]}))
}

/// A conditional create as the layer above makes it: look, then write under the guard.
async fn create_unless_there(house: &House, name: &str, value: &str) -> &'static str {
    let query = Query::parse(rtype("Patient"), &[pair("identifier", &format!("http://mrn|{value}"))]).unwrap();
    let request = SearchRequest {
        scope: SearchScope::Population,
        types: &[rtype("Patient")],
        filters: &query.filters,
        sort: &[],
        count: 2,
        after: None,
        include: &[],
        shape: &Shape::WHOLE,
        interaction: Interaction::Create,
    };
    match house.door.find(&integration(), &request).await {
        Ok(found) if found.is_empty() => {}
        Ok(_) => return "there",
        Err(error) => return name_of(&error),
    }
    let scope = aceso_custodian::SearchScope::Population;
    let guard = [Guard { change: 0, rtype: rtype("Patient"), filters: &query.filters, scope }];
    let changes = [change(&identified(name, value), Expected::Absent)];
    outcome(&house.door.write(&integration(), &changes, &guard, &[]).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_conditional_creates_at_once_exactly_one_creates() {
    let house = std::sync::Arc::new(House::new().await);
    for round in 0..5 {
        let tasks: Vec<_> = (0..4)
            .map(|number| {
                let house = house.clone();
                tokio::spawn(async move {
                    let name = format!("{round}{number}111111-0000-4000-8000-000000000001");
                    create_unless_there(&house, &name, &format!("M{round}")).await
                })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        assert_eq!(answers.iter().filter(|answer| **answer == "ok").count(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| ["ok", "duplicate", "there"].contains(answer)), "{answers:?}");
    }
}

/// Index tokens fold case and separators, the search does not: a record that only looks alike is no match.
#[tokio::test]
async fn a_guard_is_not_tripped_by_an_identifier_that_only_looks_alike() {
    let house = House::new().await;
    house.put(&integration(), &identified(ONE, "A-1")).await.unwrap();
    assert_eq!(create_unless_there(&house, TWO, "a1").await, "ok");
    assert_eq!(create_unless_there(&house, NOTE, "a1").await, "there");
}
