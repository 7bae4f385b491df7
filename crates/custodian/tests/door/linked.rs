//! Records that name several patients: found under each of them by who may see them, and left out without a trace for who may not.

use crate::common::*;
use aceso_audit::Action;
use aceso_base::{Caller, Interaction, Role};
use aceso_custodian::{DoorError, Inclusion, Page, SearchRequest, SearchScope, Shape};
use aceso_fhir::search::param;
use aceso_labels::DataClass;
use serde_json::{Value, json};

const ONE: &str = "aaaa1111-0000-4000-8000-000000000001";
const TWO: &str = "bbbb2222-0000-4000-8000-000000000002";
const THREE: &str = "cccc3333-0000-4000-8000-000000000003";
const TALK: &str = "d0000000-0000-4000-8000-000000000001";
const ALONE: &str = "d0000000-0000-4000-8000-000000000002";

fn appointment(name: &str, patients: &[&str]) -> Value {
    let participants: Vec<Value> = patients
        .iter()
        .map(|of| json!({"actor": {"reference": format!("Patient/{of}")}, "status": "accepted"}))
        .collect();
    json!({"resourceType": "Appointment", "id": name, "status": "booked", "participant": participants,
        "specialty": [{"coding": [{"system": "http://s", "code": "couple"}]}], "comment": "together"})
}

async fn house() -> House {
    let house = House::new().await;
    for (name, family) in [(ONE, "Roe"), (TWO, "Doe"), (THREE, "Poe")] {
        let body = json!({"resourceType": "Patient", "id": name, "name": [{"family": family}]});
        house.put(&integration(), &body).await.unwrap();
    }
    house.put(&integration(), &appointment(TALK, &[ONE, TWO])).await.unwrap();
    house.put(&integration(), &appointment(ALONE, &[TWO])).await.unwrap();
    house
}

async fn found(house: &House, who: &Caller, of: &str, kind: &str, pairs: &[(String, String)]) -> Vec<String> {
    let ask = Ask { scope: in_compartment(of), kind, pairs, count: 1 };
    let (names, total) = house.search(who, &ask).await.unwrap();
    assert_eq!(names.len(), total);
    names
}

async fn page(
    house: &House,
    who: &Caller,
    of: &str,
    interaction: Interaction,
    include: &[Inclusion],
) -> Result<Page, DoorError> {
    let appointments = [rtype("Appointment")];
    let types: &[_] = if interaction == Interaction::Everything { &[] } else { &appointments };
    let request = SearchRequest {
        scope: SearchScope::Compartment(subject(of)),
        types,
        filters: &[],
        sort: &[],
        count: 50,
        after: None,
        include,
        shape: &Shape::WHOLE,
        interaction,
    };
    house.door.search(who, &request).await
}

fn names(page: &Page) -> Vec<&str> {
    page.matches.iter().map(|view| view.id().as_str()).collect()
}

#[tokio::test]
async fn a_clinician_finds_the_record_of_two_patients_under_both() {
    let house = house().await;
    for role in [Role::Physician, Role::Nurse, Role::FrontDesk] {
        let who = caller(role);
        assert_eq!(found(&house, &who, ONE, "Appointment", &[]).await, [TALK], "{role}");
        assert_eq!(found(&house, &who, TWO, "Appointment", &[]).await, [TALK, ALONE], "{role}");
        assert!(found(&house, &who, THREE, "Appointment", &[]).await.is_empty(), "{role}");
        let all = page(&house, &who, TWO, Interaction::Everything, &[]).await.unwrap();
        assert_eq!(names(&all), [TALK, ALONE, TWO], "{role}");
    }
    // Exactly by what is asked: by tokens of the other patient's key, by sort, by what does not match.
    let who = physician();
    for (asked, expected) in [
        (vec![pair("specialty", "couple")], vec![TALK, ALONE]),
        (vec![pair("specialty", "couple"), pair("actor", &format!("Patient/{ONE}"))], vec![TALK]),
        (vec![pair("actor", &format!("Patient/{TWO}")), pair("_sort", "-_id")], vec![ALONE, TALK]),
        (vec![pair("specialty", "single")], vec![]),
        (vec![pair("status", "cancelled")], vec![]),
        (vec![pair("_id", TALK)], vec![TALK]),
    ] {
        assert_eq!(found(&house, &who, TWO, "Appointment", &asked).await, expected, "{asked:?}");
    }
}

#[tokio::test]
async fn other_ways_to_name_a_second_patient_lead_to_the_record_too() {
    let house = house().await;
    let group = json!({"resourceType": "Group", "id": "d0000000-0000-4000-8000-000000000003", "type": "person", "actual": true,
        "member": [{"entity": {"reference": format!("Patient/{ONE}")}}, {"entity": {"reference": format!("Patient/{THREE}")}}]});
    let told = json!({"resourceType": "Observation", "id": "d0000000-0000-4000-8000-000000000004", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/{ONE}")}, "performer": [{"reference": format!("Patient/{THREE}")}]});
    let note = json!({"resourceType": "DocumentReference", "id": "d0000000-0000-4000-8000-000000000005", "status": "current",
        "subject": {"reference": format!("Patient/{ONE}")}, "author": [{"reference": format!("Patient/{THREE}")}]});
    for body in [&group, &told, &note] {
        house.put(&integration(), body).await.unwrap();
        let (kind, name) = (body["resourceType"].as_str().unwrap(), body["id"].as_str().unwrap());
        assert_eq!(found(&house, &physician(), ONE, kind, &[]).await, [name]);
        assert_eq!(found(&house, &physician(), THREE, kind, &[]).await, [name]);
        assert!(found(&house, &patient(THREE), THREE, kind, &[]).await.is_empty(), "{kind}");
    }
    // By a token that is under the key of the record's own patient.
    let code = [pair("code", "8867-4")];
    assert_eq!(found(&house, &physician(), THREE, "Observation", &code).await.len(), 1);
    assert!(found(&house, &physician(), THREE, "Observation", &[pair("code", "1-1")]).await.is_empty());
    // By FHIR, `patient` reads whom it is about, not who said it.
    let about = [pair("patient", THREE)];
    assert!(found(&house, &physician(), THREE, "Observation", &about).await.is_empty());
}

#[tokio::test]
async fn a_patient_sees_his_own_records_only_and_nothing_tells_him_of_others() {
    let house = house().await;
    assert_eq!(found(&house, &patient(ONE), ONE, "Appointment", &[]).await, [TALK]);
    assert_eq!(found(&house, &patient(TWO), TWO, "Appointment", &[]).await, [ALONE]);
    let mut left = Vec::new();
    for (who, of) in [(patient(TWO), TWO), (patient(THREE), THREE)] {
        for interaction in [Interaction::Search, Interaction::Everything] {
            let before = house.log_size();
            let shown = page(&house, &who, of, interaction, &[]).await.unwrap();
            assert!(!names(&shown).contains(&TALK));
            assert_eq!(shown.total, shown.matches.len());
            let entries = house.log_since(before);
            left.push(entries.last().unwrap().entry.detail().map(|code| code.as_str().to_owned()));
            // As many entries as for somebody whom no other record names: the number of a receipt tells nothing.
            assert_eq!(entries.len(), 2);
        }
    }
    let out = Some("linked-left-out".to_owned());
    assert_eq!(left, [out.clone(), out, None, None]);
}

#[tokio::test]
async fn a_linked_record_is_decided_and_recorded_before_it_is_opened_and_again_when_it_is_shown() {
    let house = house().await;
    let before = house.log_size();
    let shown = page(&house, &physician(), TWO, Interaction::Search, &[]).await.unwrap();
    assert_eq!(names(&shown), [TALK, ALONE]);
    let log = house.log_since(before);
    let entries: Vec<_> = log.iter().map(|logged| &logged.entry).collect();
    assert_eq!(entries.len(), 4);
    assert!(entries.iter().all(|entry| entry.action() == Action::Search && entry.grant().is_some()));
    let about = |at: usize| {
        let records: Vec<_> = entries[at].records().iter().map(|record| record.id.as_str()).collect();
        (entries[at].subjects().to_vec(), records)
    };
    assert_eq!(about(0), (vec![subject(TWO)], vec![]));
    assert_eq!(about(1), (vec![subject(ONE)], vec![TALK]));
    assert_eq!(entries[1].detail().map(|code| code.as_str()), Some("linked"));
    assert_eq!(about(2), (vec![subject(TWO)], vec![ALONE]));
    assert_eq!(about(3), (vec![subject(ONE)], vec![TALK]));
    assert_eq!(entries[1].grant(), entries[3].grant());
    assert_ne!(entries[0].grant(), entries[1].grant());
    assert!(entries[3].classes().contains(DataClass::Clinical));
    // Redacted as any record of its patient is for this role.
    let desk = page(&house, &caller(Role::Auditor), TWO, Interaction::Search, &[]).await.unwrap();
    assert!(desk.matches.iter().all(|view| view.is_redacted() && !json(view).to_string().contains("together")));
}

#[tokio::test]
async fn links_follow_the_record() {
    let house = house().await;
    house.put(&integration(), &appointment(TALK, &[ONE, THREE])).await.unwrap();
    assert_eq!(found(&house, &physician(), TWO, "Appointment", &[]).await, [ALONE]);
    assert_eq!(found(&house, &physician(), THREE, "Appointment", &[]).await, [TALK]);
    // The first patient changes: the record moves to his compartment, with links to the others.
    house.put(&integration(), &appointment(TALK, &[THREE, ONE, TWO])).await.unwrap();
    for of in [ONE, TWO, THREE] {
        assert!(found(&house, &physician(), of, "Appointment", &[]).await.contains(&TALK.to_owned()));
    }
    assert_eq!(found(&house, &patient(THREE), THREE, "Appointment", &[]).await, [TALK]);
    assert!(found(&house, &patient(ONE), ONE, "Appointment", &[]).await.is_empty());
    house.delete(&physician(), "Appointment", TALK).await.unwrap();
    for of in [ONE, THREE] {
        assert!(found(&house, &physician(), of, "Appointment", &[]).await.is_empty());
    }
    // With the patient whose key seals it, the record is gone for the others too.
    house.put(&integration(), &appointment(TALK, &[ONE, TWO])).await.unwrap();
    let _ = house.door.shred(&tenant(), subject(ONE), &operator()).await.unwrap();
    assert_eq!(found(&house, &physician(), TWO, "Appointment", &[]).await, [ALONE]);
}

#[tokio::test]
async fn what_a_linked_record_refers_to_comes_along_by_its_own_decision() {
    let house = house().await;
    let actor = Inclusion {
        source: rtype("Appointment"),
        param: param(rtype("Appointment"), "actor").unwrap(),
        target: None,
        reverse: false,
    };
    let shown = page(&house, &physician(), TWO, Interaction::Search, &[actor]).await.unwrap();
    assert_eq!(names(&shown), [TALK, ALONE]);
    let brought: Vec<_> = shown.included.iter().map(|view| view.id().as_str()).collect();
    assert_eq!(brought, [ONE, TWO]);
}

#[tokio::test]
async fn a_linked_record_that_was_tampered_with_is_a_failure_and_not_a_shorter_answer() {
    let house = house().await;
    house.sql().execute("UPDATE search SET body = zeroblob(length(body)) WHERE id = ?1", [TALK]).unwrap();
    let failed = page(&house, &physician(), TWO, Interaction::Search, &[]).await;
    assert!(matches!(failed, Err(DoorError::Unreadable { .. })), "{}", outcome(&failed));
    assert!(house.log().last().unwrap().entry.action() == Action::OpenFailed);
    // Who may not know of it is not told either.
    assert_eq!(names(&page(&house, &patient(TWO), TWO, Interaction::Search, &[]).await.unwrap()), [ALONE]);
}
