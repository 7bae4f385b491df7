//! The log: what each access leaves in it, and what it must never hold.

use crate::common::*;
use aceso_audit::{Action, Entry};
use aceso_base::{Caller, Role};
use aceso_custodian::{Change, Expected, SearchScope, Shape};
use aceso_labels::{ClassSet, DataClass};
use aceso_testkit::Canary;
use serde_json::{Value, json};

const NOTE: &str = "cccc1111-0000-4000-8000-000000000001";

fn observation() -> Value {
    let mut body = Canary::observation();
    body["id"] = json!(NOTE);
    body
}

async fn house() -> House {
    let house = House::new().await;
    house.put(&physician(), &Canary::patient()).await.unwrap();
    house.put(&physician(), &observation()).await.unwrap();
    house
}

/// The entries that an act leaves.
async fn left_by<T>(house: &House, act: impl Future<Output = T>) -> (T, Vec<Entry>) {
    let size = house.log_size();
    let answer = act.await;
    (answer, house.log_since(size).into_iter().map(|logged| logged.entry).collect())
}

fn assert_by(entry: &Entry, who: &Caller) {
    assert_eq!(entry.tenant(), Some(&who.tenant));
    assert_eq!(entry.region(), &who.region);
    assert_eq!(entry.user(), Some(&who.user));
    assert_eq!(entry.client(), Some(&who.client));
    assert_eq!(entry.session(), Some(who.session));
    assert_eq!(entry.request(), Some(who.request));
    assert_eq!(entry.roles(), who.roles);
    assert_eq!(entry.purpose(), Some(who.purpose));
    assert!(entry.policy().is_some_and(|version| version.len() == 12), "which rules decided");
}

fn named(entry: &Entry) -> Vec<(String, String, u32)> {
    entry.records().iter().map(|r| (r.rtype.name().to_owned(), r.id.to_string(), r.version.0)).collect()
}

fn is_about(entry: &Entry, kind: &str, name: &str, version: u32) {
    assert_eq!(named(entry), [(kind.to_owned(), name.to_owned(), version)]);
    assert_eq!(entry.subjects(), [subject(Canary::ID)]);
}

#[tokio::test]
async fn a_read_says_who_saw_which_classes_of_what_and_why() {
    let house = house().await;
    let clinical = ClassSet::STRUCTURE.with(DataClass::Clinical);
    for (who, classes) in [
        (physician(), ClassSet::ALL.without(DataClass::Financial)),
        (caller(Role::Nurse), ClassSet::ALL.without(DataClass::Financial).without(DataClass::Sensitive)),
        (caller(Role::Researcher), clinical),
        (caller(Role::Auditor), ClassSet::STRUCTURE),
        (patient(Canary::ID), ClassSet::ALL),
    ] {
        let (view, entries) = left_by(&house, house.read(&who, "Observation", NOTE)).await;
        view.unwrap();
        let [entry] = entries.as_slice() else { panic!("one entry for one read, not {}", entries.len()) };
        assert_eq!((entry.action(), entry.outcome().as_str()), (Action::Read, "granted"));
        assert_by(entry, &who);
        assert_eq!(entry.classes(), classes);
        assert!(entry.grant().is_some());
        is_about(entry, "Observation", NOTE, 1);
    }
    let shape = Shape { elements: Some(vec!["code".into()]), ..Shape::WHOLE };
    let name = id(NOTE);
    let who = physician();
    let (_, entries) = left_by(&house, house.door.read(&who, rtype("Observation"), &name, None, &shape)).await;
    let shown = ["Observation.id", "Observation.meta", "Observation.status", "Observation.code"];
    assert_eq!(entries[0].elements(), shown, "what was asked for, and what comes with every answer");
    let (_, entries) = left_by(&house, house.vread(&who, "Observation", NOTE, 1)).await;
    assert_eq!(entries[0].action(), Action::Vread);
    is_about(&entries[0], "Observation", NOTE, 1);
    let (_, entries) = left_by(&house, house.door.history(&who, rtype("Observation"), &name, None, 9)).await;
    assert_eq!((entries.len(), entries[0].action()), (1, Action::History));
    is_about(&entries[0], "Observation", NOTE, 1);
}

#[tokio::test]
async fn a_search_says_what_was_asked_by_and_what_was_shown() {
    let house = house().await;
    let who = physician();
    let pairs = [pair("code", "8867-4"), pair("date", "ge2020")];
    let ask = Ask { scope: in_compartment(Canary::ID), kind: "Observation", pairs: &pairs, count: 10 };
    let (found, entries) = left_by(&house, house.search(&who, &ask)).await;
    assert_eq!(found.unwrap().1, 1);
    let [asked, shown] = entries.as_slice() else { panic!("two entries for one page, not {}", entries.len()) };
    for entry in [asked, shown] {
        assert_eq!((entry.action(), entry.outcome().as_str()), (Action::Search, "granted"));
        assert_by(entry, &who);
        assert!(entry.grant().is_some());
        assert_eq!(entry.grant(), asked.grant());
        assert_eq!(entry.subjects(), [subject(Canary::ID)]);
    }
    assert_eq!(asked.parameters(), ["code", "date"]);
    is_about(shown, "Observation", NOTE, 1);
    assert_eq!(shown.count(), Some(1));
    assert_eq!(shown.classes(), ClassSet::ALL.without(DataClass::Financial));
    // Across patients.
    let pairs = [pair("family", Canary::FAMILY)];
    let ask = Ask { scope: SearchScope::Population, kind: "Patient", pairs: &pairs, count: 10 };
    let (_, entries) = left_by(&house, house.search(&who, &ask)).await;
    assert_eq!(entries[0].parameters(), ["family"]);
    assert!(entries[0].subjects().is_empty());
    is_about(&entries[1], "Patient", Canary::ID, 1);
    // A search that shows nothing says so too.
    let pairs = [pair("family", "Nobody")];
    let ask = Ask { scope: SearchScope::Population, kind: "Patient", pairs: &pairs, count: 10 };
    let (_, entries) = left_by(&house, house.search(&who, &ask)).await;
    assert_eq!((entries.len(), entries[1].count(), entries[1].records().len()), (2, Some(0), 0));
}

#[tokio::test]
async fn a_search_of_what_is_open_already_has_one_entry_that_says_both() {
    let house = house().await;
    let who = physician();
    let scope = in_compartment(Canary::ID);
    let all = Ask { scope, kind: "Observation", pairs: &[], count: 10 };
    let (_, entries) = left_by(&house, house.search(&who, &all)).await;
    assert_eq!(entries.len(), 2, "search parts are opened for the first time");
    let pairs = [pair("code", "8867-4"), pair("date", "ge2020")];
    let ask = Ask { pairs: &pairs, ..all };
    let (found, entries) = left_by(&house, house.search(&who, &ask)).await;
    assert_eq!(found.unwrap().1, 1);
    let [entry] = entries.as_slice() else { panic!("one entry, not {}", entries.len()) };
    assert_eq!((entry.action(), entry.outcome().as_str()), (Action::Search, "granted"));
    assert_by(entry, &who);
    assert!(entry.grant().is_some());
    assert_eq!(entry.parameters(), ["code", "date"]);
    is_about(entry, "Observation", NOTE, 1);
    assert_eq!((entry.count(), entry.classes()), (Some(1), ClassSet::ALL.without(DataClass::Financial)));
    // What shows nothing says inside whom.
    let pairs = [pair("code", "nothing")];
    let (found, entries) = left_by(&house, house.search(&who, &Ask { pairs: &pairs, ..all })).await;
    assert_eq!((found.unwrap().1, entries.len()), (0, 1));
    assert_eq!(entries[0].subjects(), [subject(Canary::ID)]);
    assert_eq!((entries[0].parameters(), entries[0].count()), (&["code".into()][..], Some(0)));
    // The rules are asked all the same.
    let hidden = [pair("value-string", "x")];
    for (who, pairs, expected) in [
        (caller(Role::Operator), &pairs, "forbidden"),
        (patient("dddd1111-0000-4000-8000-000000000009"), &pairs, "absent"),
        (caller(Role::Researcher), &pairs, "ok"),
        (caller(Role::FrontDesk), &hidden, "parameter-forbidden"),
    ] {
        let (found, entries) = left_by(&house, house.search(&who, &Ask { pairs, ..all })).await;
        assert_eq!(outcome(&found), expected, "{:?}", who.roles);
        assert_eq!(entries.len(), 1);
    }
    // A write puts an end to it.
    house.put(&who, &observation()).await.unwrap();
    let (_, entries) = left_by(&house, house.search(&who, &ask)).await;
    assert_eq!(entries.len(), 2);
}

#[tokio::test]
async fn a_write_says_what_was_changed() {
    let house = house().await;
    let who = physician();
    let (_, entries) = left_by(&house, house.put(&who, &observation())).await;
    let [entry] = entries.as_slice() else { panic!() };
    assert_eq!((entry.action(), entry.outcome().as_str()), (Action::Update, "granted"));
    assert_by(entry, &who);
    is_about(entry, "Observation", NOTE, 2);
    let classes = ClassSet::STRUCTURE.with(DataClass::Clinical).with(DataClass::Narrative).with(DataClass::Identity);
    assert_eq!(entry.classes(), classes);
    assert!(entry.elements().iter().any(|name| name == "Observation.value[x]"), "{:?}", entry.elements());
    assert!(entry.elements().iter().any(|name| name == "Observation.note"));
    let mut fresh = observation();
    fresh["id"] = json!("fresh");
    let (_, entries) = left_by(&house, house.put(&who, &fresh)).await;
    assert_eq!(entries[0].action(), Action::Create);
    let (_, entries) = left_by(&house, house.delete(&who, "Observation", "fresh")).await;
    assert_eq!(entries[0].action(), Action::Delete);
    assert_by(&entries[0], &who);
    is_about(&entries[0], "Observation", "fresh", 2);
    // One entry for each change of a unit; each has its receipt.
    let changes: Vec<Change> = (0..3)
        .map(|number| {
            let mut body = observation();
            body["id"] = json!(format!("many{number}"));
            change(&body, Expected::Any)
        })
        .collect();
    let size = house.log_size() as u64;
    let (written, entries) = left_by(&house, house.door.write(&who, &changes, &[], &[])).await;
    assert_eq!(entries.len(), 3);
    for (at, written) in (size..).zip(written.unwrap()) {
        assert_eq!(written.receipt.index(), at);
    }
}

#[tokio::test]
async fn a_denial_says_to_whom_what_was_denied_and_by_which_gate() {
    let house = house().await;
    for (who, reason) in [(caller(Role::Operator), "interaction"), (patient(NOTE), "not-own-record")] {
        let (_, entries) = left_by(&house, house.read(&who, "Patient", Canary::ID)).await;
        let [entry] = entries.as_slice() else { panic!() };
        assert_eq!((entry.action(), entry.outcome().as_str()), (Action::Read, "denied"));
        assert_eq!(entry.outcome().reason().unwrap().as_str(), reason);
        assert_by(entry, &who);
        assert!(entry.grant().is_none());
        is_about(entry, "Patient", Canary::ID, 1);
        let ask = Ask { scope: in_compartment(Canary::ID), kind: "Observation", pairs: &[], count: 10 };
        let (_, entries) = left_by(&house, house.search(&who, &ask)).await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].outcome().reason().unwrap().as_str(), reason);
        assert_eq!(entries[0].subjects(), [subject(Canary::ID)]);
        let (_, entries) = left_by(&house, house.put(&who, &Canary::patient())).await;
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].action(), entries[0].outcome().as_str()), (Action::Update, "denied"));
        assert_by(&entries[0], &who);
    }
    let wrong_purpose = Caller { purpose: aceso_base::Purpose::Research, ..physician() };
    let (_, entries) = left_by(&house, house.read(&wrong_purpose, "Patient", Canary::ID)).await;
    assert_eq!(entries[0].outcome().reason().unwrap().as_str(), "purpose");
    let (_, entries) = left_by(&house, house.read(&physician(), "Patient", NOTE)).await;
    assert_eq!(entries[0].outcome().reason().unwrap().as_str(), "absent");
}

#[tokio::test]
async fn keys_and_administration_are_in_the_log() {
    let house = house().await;
    let made: Vec<Entry> =
        house.log().into_iter().map(|l| l.entry).filter(|e| e.action() == Action::KeyCreated).collect();
    let details: Vec<_> = made.iter().map(|entry| entry.detail().unwrap().as_str().to_owned()).collect();
    assert!(details.contains(&"system".to_owned()) && details.contains(&"tenant".to_owned()), "{details:?}");
    let (_, entries) = left_by(&house, house.door.rotate_tenant_key(&tenant(), &operator())).await;
    assert_eq!((entries.len(), entries[0].action(), entries[0].user()), (1, Action::KeyRotated, Some(&operator())));
    let (_, entries) = left_by(&house, async {
        house.sweep().await;
    })
    .await;
    assert!(entries.iter().all(|entry| entry.action() == Action::KeyRewrapped && entry.user() == Some(&operator())));
    assert_eq!(entries.iter().filter_map(Entry::count).sum::<u64>(), 4, "a patient, the directory, two records");
    for (who, allowed) in [(caller(Role::Auditor), true), (physician(), false)] {
        let (answer, entries) =
            left_by(&house, house.door.admit_admin(&who, aceso_policy::AdminAction::ReadAudit, "export")).await;
        assert_eq!(answer.is_ok(), allowed);
        assert_eq!((entries.len(), entries[0].action()), (1, Action::LogRead));
        assert_eq!(entries[0].outcome().as_str(), if allowed { "granted" } else { "denied" });
        assert_by(&entries[0], &who);
    }
}

/// Entries as people read them, tiles and bundles as everybody may, and every file of the store: no planted value.
#[tokio::test]
async fn neither_the_log_nor_the_disk_holds_a_value() {
    let house = house().await;
    let who = physician();
    for (name, value) in [
        ("family", Canary::FAMILY),
        ("birthdate", Canary::BIRTH_DATE),
        ("identifier", Canary::MRN),
        ("phone", Canary::PHONE),
    ] {
        let pairs = [pair(name, value)];
        let ask = Ask { scope: SearchScope::Population, kind: "Patient", pairs: &pairs, count: 10 };
        assert_eq!(house.search(&who, &ask).await.unwrap().0, [Canary::ID], "{name}");
    }
    house.read(&who, "Patient", Canary::ID).await.unwrap();
    house.put(&who, &Canary::patient()).await.unwrap();
    let folder = house.folder.path().join("export");
    house.door.export_log(&folder, &mut |_, _| {}).unwrap();
    Canary::new().assert_absent(house.folder.path());
    let house = house.restart(|_| {}).await;
    Canary::new().assert_absent(house.folder.path());
    let text: String = house.log().iter().map(|logged| logged.entry.to_json(logged.time).unwrap()).collect();
    assert!(Canary::new().search_bytes("entries", text.as_bytes()).is_empty());
}

/// No receipt, no bytes: what cannot be recorded is not opened, and nothing is changed.
#[tokio::test]
async fn a_store_that_cannot_commit_gives_nothing_out() {
    let house = house().await;
    let ask = Ask { scope: in_compartment(Canary::ID), kind: "Observation", pairs: &[], count: 10 };
    // Search parts that are open are no way around the log.
    house.search(&physician(), &ask).await.unwrap();
    // Fill what the database has left of its last pages, then allow no more.
    house.store.set_quota(Some(4096));
    let who = physician();
    let size = house.log_size();
    let mut answers = Vec::new();
    for _ in 0..300 {
        answers = vec![
            outcome(&house.read(&caller(Role::Operator), "Patient", Canary::ID).await),
            outcome(&house.read(&who, "Patient", NOTE).await),
            outcome(&house.read(&who, "Patient", Canary::ID).await),
        ];
        if answers == ["unavailable"; 3] {
            break;
        }
    }
    answers.push(outcome(&house.vread(&who, "Observation", NOTE, 1).await));
    answers.push(outcome(&house.door.history(&who, rtype("Observation"), &id(NOTE), None, 9).await));
    answers.push(outcome(&house.search(&who, &ask).await));
    answers.push(outcome(&house.put(&who, &observation()).await));
    answers.push(outcome(&house.delete(&who, "Observation", NOTE).await));
    answers.push(outcome(&house.door.shred(&tenant(), subject(Canary::ID), &operator()).await));
    answers.push(outcome(&house.door.rotate_tenant_key(&tenant(), &operator()).await));
    assert_eq!(answers, vec!["unavailable"; answers.len()]);
    let after = house.log_size();
    house.store.set_quota(None);
    // Everything that was answered before is there; nothing of what was refused is.
    assert!(after >= size);
    let (view, entries) = left_by(&house, house.read(&who, "Observation", NOTE)).await;
    assert_eq!((view.unwrap().version().0, entries.len()), (1, 1));
    assert_eq!(house.log_size(), after + 1);
    assert_eq!(house.door.key_status(&tenant()).unwrap().primary, 1);
}
