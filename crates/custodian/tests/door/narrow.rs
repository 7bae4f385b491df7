//! Asking for less than one may see, the stored form, and questions to the log.

use crate::common::*;
use aceso_base::{Interaction, Role};
use aceso_custodian::{DoorError, LogQuestion, SearchRequest, SearchScope, Shape};
use aceso_fhir::search::Query;
use aceso_labels::{ClassSet, DataClass};
use serde_json::json;

const PERSON: &str = "d0000000-0000-4000-8000-000000000009";
const FINDING: &str = "f0000000-0000-4000-8000-000000000009";

async fn house() -> House {
    let house = House::new().await;
    let person = json!({"resourceType": "Patient", "id": PERSON, "birthDate": "1970-01-01", "name": [{"family": "Secretname"}],
        "telecom": [{"system": "phone", "value": "555-0100"}]});
    let finding = json!({"resourceType": "Observation", "id": FINDING, "status": "final", "code": {"text": "pulse"},
        "subject": {"reference": format!("Patient/{PERSON}")}, "valueQuantity": {"value": 72, "unit": "/min"}});
    house.put(&integration(), &person).await.unwrap();
    house.put(&integration(), &finding).await.unwrap();
    house
}

#[tokio::test]
async fn a_reader_who_wants_less_gets_a_narrower_grant_and_the_log_says_so() {
    let house = house().await;
    let identity = ClassSet::STRUCTURE.with(DataClass::Identity);
    for (wanted, name, phone) in [
        (ClassSet::STRUCTURE, false, false),
        (identity, true, false),
        (ClassSet::STRUCTURE.with(DataClass::Contact), false, true),
        (ClassSet::ALL, true, true),
    ] {
        let before = house.log_size();
        let shape = Shape { reason: Some("a-reason"), ..Shape::of_classes(wanted) };
        let (view, _) = house.door.read(&physician(), rtype("Patient"), &id(PERSON), None, &shape).await.unwrap();
        let text = String::from_utf8(view.json().to_vec()).unwrap();
        assert_eq!((text.contains("Secretname"), text.contains("555-0100")), (name, phone), "{wanted:?}");
        let [logged] = &house.log_since(before)[..] else { panic!("one entry") };
        assert!(logged.entry.classes().is_subset_of(wanted));
        assert_eq!(logged.entry.classes().contains(DataClass::Identity), name);
        assert_eq!(logged.entry.detail().unwrap().as_str(), "a-reason");
    }
    // Who may not see a class does not get it by wanting it, and wanting nothing that he may see is a denial.
    let shape = Shape::of_classes(ClassSet::ALL);
    let (view, _) =
        house.door.read(&caller(Role::Researcher), rtype("Patient"), &id(PERSON), None, &shape).await.unwrap();
    assert!(!String::from_utf8(view.json().to_vec()).unwrap().contains("Secretname"));
    let shape = Shape::of_classes(ClassSet::NONE.with(DataClass::Identity));
    let refused = house.door.read(&caller(Role::Researcher), rtype("Patient"), &id(PERSON), None, &shape).await;
    assert!(matches!(refused, Err(DoorError::Forbidden { .. })));
}

#[tokio::test]
async fn a_search_reads_what_it_is_asked_by_and_shows_what_is_wanted() {
    let house = house().await;
    let pairs = [pair("family", "secretname")];
    let query = Query::parse(rtype("Patient"), &pairs).unwrap();
    let shape = Shape::of_classes(ClassSet::STRUCTURE);
    let request = SearchRequest {
        scope: SearchScope::Population,
        types: &[rtype("Patient")],
        filters: &query.filters,
        sort: &[],
        count: 10,
        after: None,
        include: &[],
        shape: &shape,
        interaction: Interaction::Search,
    };
    let before = house.log_size();
    let page = house.door.search(&physician(), &request).await.unwrap();
    assert_eq!(page.total, 1);
    let text = String::from_utf8(page.matches[0].json().to_vec()).unwrap();
    assert!(!text.contains("Secretname") && page.matches[0].is_redacted());
    let entries = house.log_since(before);
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].entry.classes(), ClassSet::STRUCTURE);
    // What a role may not see, it may not search by, however little it wants to be shown.
    let refused = house.door.search(&caller(Role::Researcher), &request).await;
    assert!(matches!(refused, Err(DoorError::ParameterForbidden { parameter: "family", .. })));
}

#[tokio::test]
async fn the_stored_form_shows_classes_and_lengths_to_readers_and_no_value_to_anybody() {
    let house = house().await;
    let before = house.log_size();
    let form = house.door.stored_form(&caller(Role::Auditor), rtype("Patient"), &id(PERSON)).await.unwrap();
    let classes: Vec<DataClass> = form.facts.parts.iter().map(|part| part.class).collect();
    assert_eq!(classes, [DataClass::Structure, DataClass::Identity, DataClass::Contact]);
    assert!(form.facts.parts.iter().all(|part| part.sample.len() == 16 && part.bytes > 16));
    assert_eq!((form.facts.format, form.facts.tenant_key_version, form.facts.subject_key_version), (1, 1, 1));
    let [logged] = &house.log_since(before)[..] else { panic!("one entry") };
    assert!(logged.entry.classes().is_empty());
    assert_eq!(logged.entry.detail().unwrap().as_str(), "stored-form");
    let refused = house.door.stored_form(&caller(Role::Operator), rtype("Patient"), &id(PERSON)).await;
    assert!(matches!(refused, Err(DoorError::Forbidden { .. })));
    let absent = house.door.stored_form(&physician(), rtype("Patient"), &id("no-such-record")).await;
    assert!(matches!(absent, Err(DoorError::Absent { .. })));
}

#[tokio::test]
async fn the_log_answers_auditors_about_patients_actors_and_denials_and_others_about_themselves() {
    let house = house().await;
    let (nurse, auditor) = (caller(Role::Nurse), caller(Role::Auditor));
    house.read(&nurse, "Patient", PERSON).await.unwrap();
    house.read(&physician(), "Observation", FINDING).await.unwrap();
    house.read(&caller(Role::Operator), "Patient", PERSON).await.unwrap_err();
    let ask = async |question: LogQuestion| house.door.log_about(&auditor, &question, 50).await.unwrap();
    let about = ask(LogQuestion::Patient(subject(PERSON))).await;
    assert!(about.entries.iter().all(|logged| logged.entry.subjects().contains(&subject(PERSON))));
    assert!(about.entries.windows(2).all(|pair| pair[0].index > pair[1].index), "newest first");
    // Two writes, two reads, a denied one, and the question itself.
    assert_eq!(about.entries.len(), 6);
    let denied = ask(LogQuestion::Denied).await;
    assert!(!denied.entries.is_empty());
    assert!(denied.entries.iter().all(|logged| logged.entry.outcome().as_str() == "denied"));
    let of = ask(LogQuestion::Actor(nurse.user.clone())).await;
    assert!(of.entries.iter().all(|logged| logged.entry.user() == Some(&nurse.user)));
    assert_eq!(house.door.log_about(&auditor, &LogQuestion::Newest, 2).await.unwrap().entries.len(), 2);
    let before = house.log_size();
    let refused = house.door.log_about(&nurse, &LogQuestion::Newest, 5).await;
    assert!(matches!(refused, Err(DoorError::Forbidden { .. })));
    assert_eq!(house.log_since(before).len(), 1, "a denial is an entry");
    let own = house.door.own_entries(&nurse, Some(subject(PERSON)), 10).await.unwrap();
    assert!(own.entries.iter().all(|logged| logged.entry.user() == Some(&nurse.user)));
    assert!(own.entries.len() >= 2);
}

#[tokio::test]
async fn a_proof_is_for_auditors_and_of_ones_own_entries() {
    let house = house().await;
    let (_, receipt) = house.door.read(&physician(), rtype("Patient"), &id(PERSON), None, &Shape::WHOLE).await.unwrap();
    let proof = house.door.prove_entry(&physician(), receipt.index(), Some(2)).await.unwrap();
    assert_eq!(proof.logged.index, receipt.index());
    assert!(proof.consistency.is_some());
    house.door.prove_entry(&caller(Role::Auditor), receipt.index(), None).await.unwrap();
    for (who, index) in [(caller(Role::Nurse), receipt.index()), (physician(), 0), (physician(), 1 << 40)] {
        let refused = house.door.prove_entry(&who, index, None).await;
        assert!(matches!(refused, Err(DoorError::Absent { .. })), "{:?} {index}", who.roles);
    }
}

#[tokio::test]
async fn a_linked_record_is_shown_under_a_narrower_grant_too() {
    const ONE: &str = "aaaa1111-0000-4000-8000-000000000011";
    const TWO: &str = "bbbb2222-0000-4000-8000-000000000012";
    const TALK: &str = "d0000000-0000-4000-8000-000000000013";
    let house = House::new().await;
    for name in [ONE, TWO] {
        house.put(&integration(), &json!({"resourceType": "Patient", "id": name})).await.unwrap();
    }
    let actor = |of: &str| json!({"actor": {"reference": format!("Patient/{of}")}, "status": "accepted"});
    let talk = json!({"resourceType": "Appointment", "id": TALK, "status": "booked", "participant": [actor(ONE), actor(TWO)],
        "specialty": [{"coding": [{"system": "http://s", "code": "couple"}]}], "comment": "together"});
    house.put(&integration(), &talk).await.unwrap();
    let pairs = [pair("specialty", "couple")];
    let query = Query::parse(rtype("Appointment"), &pairs).unwrap();
    for (wanted, shown) in [(ClassSet::STRUCTURE, false), (ClassSet::ALL, true)] {
        let shape = Shape::of_classes(wanted);
        let request = SearchRequest {
            scope: SearchScope::Compartment(subject(TWO)),
            types: &[rtype("Appointment")],
            filters: &query.filters,
            sort: &[],
            count: 10,
            after: None,
            include: &[],
            shape: &shape,
            interaction: Interaction::Search,
        };
        let before = house.log_size();
        let page = house.door.search(&physician(), &request).await.unwrap();
        assert_eq!(page.matches.len(), 1);
        let text = String::from_utf8(page.matches[0].json().to_vec()).unwrap();
        assert_eq!((text.contains("couple"), text.contains("together")), (shown, shown), "{text}");
        assert!(house.log_since(before).iter().all(|logged| logged.entry.classes().is_subset_of(wanted)));
    }
}
