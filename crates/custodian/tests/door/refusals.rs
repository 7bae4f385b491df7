//! What is refused after the rules have allowed it, what a writer may know of, and who may administer: each an entry of the log.

use crate::common::*;
use aceso_audit::{Action, Disclosures};
use aceso_base::{Caller, Role};
use aceso_custodian::{Change, DoorError, Expected, Referred, Shape};
use aceso_policy::AdminAction;
use serde_json::{Value, json};

const ONE: &str = "aaaa1111-0000-4000-8000-000000000001";
const TWO: &str = "bbbb2222-0000-4000-8000-000000000002";
const ABSENT: &str = "eeee5555-0000-4000-8000-000000000005";
const NOTE: &str = "d0000000-0000-4000-8000-00000000000a";

fn person(name: &str) -> Value {
    json!({"resourceType": "Patient", "id": name, "active": true, "name": [{"family": "Roe"}], "birthDate": "1980-02-03",
        "telecom": [{"system": "phone", "value": "555-0101"}]})
}

fn note(of: &str) -> Value {
    json!({"resourceType": "Observation", "id": NOTE, "status": "final", "code": {"text": "x"},
        "subject": {"reference": format!("Patient/{of}")}})
}

async fn filled(house: House) -> House {
    for name in [ONE, TWO] {
        house.put(&integration(), &person(name)).await.unwrap();
    }
    house.put(&integration(), &json!({"resourceType": "Practitioner", "id": "p1"})).await.unwrap();
    house
}

fn last(house: &House) -> (Action, String, Vec<String>) {
    let log = house.log();
    let entry = &log.last().unwrap().entry;
    let reason = entry.outcome().reason().map_or_else(String::new, |code| code.as_str().to_owned());
    (entry.action(), reason, entry.records().iter().map(aceso_audit::RecordRef::reference).collect())
}

async fn write_referring(house: &House, who: &Caller, names: &[(&str, &str)]) -> Result<(), DoorError> {
    let refers = names.iter().enumerate().map(|(at, (kind, name))| Referred { at, rtype: rtype(kind), id: id(name) });
    let change = Change::Put {
        rtype: rtype("Observation"),
        id: id(NOTE),
        doc: doc(&note(ONE)),
        expected: Expected::Any,
        refers: refers.collect(),
        patched: false,
    };
    house.door.write(who, &[change], &[], &[]).await.map(|_| ())
}

#[tokio::test]
async fn a_unit_changes_a_record_once() {
    let house = filled(House::new().await).await;
    let size = house.log_size();
    let changes = [
        change(&note(ONE), Expected::Any),
        change(&person(TWO), Expected::Any),
        Change::Delete { rtype: rtype("Observation"), id: id(NOTE), expected: Expected::Any },
    ];
    let refused = house.door.write(&physician(), &changes, &[], &[]).await;
    assert!(matches!(refused, Err(DoorError::SameRecord { change: 2, first: 0, .. })), "{}", outcome(&refused));
    assert_eq!(house.log_size(), size + 1);
    let (action, reason, records) = last(&house);
    assert_eq!((action, reason.as_str()), (Action::Delete, "same-record-twice"));
    assert_eq!(records, [format!("Observation/{NOTE}/_history/1")]);
    assert_eq!(outcome(&house.read(&physician(), "Observation", NOTE).await), "absent");
}

#[tokio::test]
async fn references_are_looked_up_when_the_rules_have_allowed_the_change_and_not_before() {
    let house = filled(House::new().await).await;
    for name in ["p1", "p2"] {
        let refused = write_referring(&house, &caller(Role::Researcher), &[("Practitioner", name)]).await;
        assert_eq!(outcome(&refused), "forbidden", "{name}");
    }
    let refused = write_referring(&house, &physician(), &[("Practitioner", "p1"), ("Practitioner", "p2")]).await;
    assert!(matches!(refused, Err(DoorError::Unresolved { change: 0, at: 1, .. })), "{}", outcome(&refused));
    assert_eq!(last(&house).1, "unresolved-reference");
    write_referring(&house, &physician(), &[("Practitioner", "p1"), ("Patient", TWO)]).await.unwrap();
    // A system that delivers sees nothing, and may refer to what is there.
    write_referring(&house, &integration(), &[("Practitioner", "p1"), ("Patient", TWO)]).await.unwrap();
    // A record of the same unit is there as soon as the unit is.
    let changes = [
        Change::Put {
            rtype: rtype("Observation"),
            id: id(NOTE),
            doc: doc(&note(ONE)),
            expected: Expected::Any,
            refers: vec![Referred { at: 0, rtype: rtype("Practitioner"), id: id("p3") }],
            patched: false,
        },
        change(&json!({"resourceType": "Practitioner", "id": "p3"}), Expected::Any),
    ];
    assert_eq!(house.door.write(&physician(), &changes, &[], &[]).await.unwrap().len(), 2);
}

/// Stock policies let nobody write who may see only some patients. These let a patient write about himself.
#[tokio::test]
async fn a_writer_gets_one_answer_for_a_reference_to_an_absent_and_to_a_hidden_record() {
    const OWN_NOTES: &str = r#"@id("patient-writes-own") permit (
        principal in Role::"patient", action in [Action::"create", Action::"update"], resource is PatientData
    ) when { context.purpose == Purpose::"PATRQT" && resource.own };"#;
    let house = filled(House::ruled_by(&[("own-notes.cedar", OWN_NOTES)]).await).await;
    let who = patient(ONE);
    write_referring(&house, &who, &[("Patient", ONE), ("Practitioner", "p1")]).await.unwrap();
    let mut answers = Vec::new();
    for name in [TWO, ABSENT] {
        let size = house.log_size();
        let refused = write_referring(&house, &who, &[("Patient", ONE), ("Patient", name)]).await.unwrap_err();
        answers.push((name_of(&refused), refused.to_string(), house.log_size() - size, last(&house)));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, "unresolved");
    // Whose record it would be is a matter of the rules: for another patient, there or not, the answer is the same too.
    let mut answers = Vec::new();
    for name in [TWO, ABSENT] {
        answers.push(outcome(&house.put(&who, &note(name)).await));
    }
    assert_eq!(answers, ["absent", "absent"]);
}

#[tokio::test]
async fn administration_is_decided_by_role_and_each_attempt_is_an_entry() {
    let house = House::new().await;
    // What each role may do to the installation.
    let table: [(AdminAction, &[Role]); 6] = [
        (AdminAction::ReadAudit, &[Role::Auditor]),
        (AdminAction::ReadPolicy, &[Role::Auditor, Role::Operator]),
        (AdminAction::ManageKeys, &[Role::Operator]),
        (AdminAction::ManageJobs, &[Role::Operator]),
        (AdminAction::ManagePeople, &[Role::Operator]),
        (AdminAction::ManageConnections, &[Role::Operator]),
    ];
    assert_eq!(table.map(|row| row.0), AdminAction::ALL);
    for (action, roles) in table {
        for role in Role::ALL {
            let size = house.log_size();
            let answer = house.door.admit_admin(&caller(*role), action, "test").await;
            let allowed = roles.contains(role);
            assert_eq!(outcome(&answer), if allowed { "ok" } else { "forbidden" }, "{role} {}", action.as_str());
            let log = house.log_since(size);
            assert_eq!(log.len(), 1);
            let logged = if action == AdminAction::ReadAudit { Action::LogRead } else { Action::Administered };
            assert_eq!(log[0].entry.action(), logged);
            assert_eq!(log[0].entry.outcome().as_str(), if allowed { "granted" } else { "denied" });
        }
    }
}

#[tokio::test]
async fn a_shred_of_nobody_is_an_entry_too() {
    let house = House::new().await;
    let refused = house.door.shred(&tenant(), subject(ABSENT), &operator()).await;
    assert!(matches!(refused, Err(DoorError::UnknownSubject { .. })));
    assert_eq!((last(&house).0, last(&house).1.as_str()), (Action::KeyShredded, "unknown-subject"));
}

#[tokio::test]
async fn the_log_says_which_elements_each_reader_was_shown() {
    let house = filled(House::new().await).await;
    let shown = |house: &House| {
        let mut log = Disclosures::default();
        let mut all = Vec::new();
        for logged in house.log() {
            all.extend(log.take(&logged.entry));
        }
        let last: aceso_audit::Disclosed = all.pop().unwrap();
        (last.record.reference(), last.elements.unwrap().iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let version = |number: u32| format!("Patient/{ONE}/_history/{number}");
    let whole =
        ["Patient.id", "Patient.active", "Patient.name", "Patient.birthDate", "Patient.telecom"].map(str::to_owned);
    let structure = ["Patient.id", "Patient.active"].map(str::to_owned);
    let (_, written) = (house.read(&physician(), "Patient", ONE).await.unwrap(), shown(&house));
    assert_eq!(written, (version(1), whole.to_vec()));
    let _ = house.read(&caller(Role::Auditor), "Patient", ONE).await.unwrap();
    assert_eq!(shown(&house), (version(1), structure.to_vec()));
    // Another version has other elements; the old one keeps its own.
    house.put(&integration(), &json!({"resourceType": "Patient", "id": ONE, "birthDate": "1980-02-03"})).await.unwrap();
    let _ = house.read(&physician(), "Patient", ONE).await.unwrap();
    assert_eq!(shown(&house), (version(2), vec!["Patient.id".to_owned(), "Patient.birthDate".to_owned()]));
    let _ = house.vread(&physician(), "Patient", ONE, 1).await.unwrap();
    assert_eq!(shown(&house), (version(1), whole.to_vec()));
    // Asked for less: what was asked for, and what comes with every answer.
    let shape = Shape { elements: Some(vec!["birthDate".to_owned()]), ..Shape::WHOLE };
    let _ = house.door.read(&physician(), rtype("Patient"), &id(ONE), None, &shape).await.unwrap();
    assert_eq!(shown(&house), (version(2), vec!["Patient.id".to_owned(), "Patient.birthDate".to_owned()]));
    // New keys, the same versions.
    let _ = house.door.rotate_tenant_key(&tenant(), &operator()).await.unwrap();
    assert_eq!(house.sweep().await, 0);
    let _ = house.vread(&physician(), "Patient", ONE, 1).await.unwrap();
    assert_eq!(shown(&house), (version(1), whole.to_vec()));
}
