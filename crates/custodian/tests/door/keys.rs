//! Keys: rotation beside writers, the sweep that finishes it, the shred, and secrets.

use crate::common::*;
use aceso_audit::Action;
use aceso_base::{Caller, SubjectId, TenantId};
use aceso_custodian::{BootError, DoorError, SearchRequest, SearchScope, Shape};
use serde_json::{Value, json};
use std::sync::Arc;

const ONE: &str = "aaaa1111-0000-4000-8000-000000000001";
const TWO: &str = "bbbb2222-0000-4000-8000-000000000002";

fn person(name: &str) -> Value {
    json!({"resourceType": "Patient", "id": name, "name": [{"family": "Roe"}], "identifier": [{"system": "urn:mrn", "value": name}]})
}

fn pulse(name: &str, of: &str, value: usize) -> Value {
    json!({"resourceType": "Observation", "id": name, "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/{of}")}, "valueQuantity": {"value": value, "unit": "/min"}})
}

async fn value_of(house: &House, name: &str) -> Value {
    json(&house.read(&physician(), "Observation", name).await.unwrap())["valueQuantity"]["value"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_beside_a_writer_loses_nothing_and_its_sweep_ends() {
    let house = Arc::new(House::new().await);
    let tenant = tenant();
    for of in [ONE, TWO] {
        house.put(&physician(), &person(of)).await.unwrap();
    }
    for number in 0..100 {
        house.put(&physician(), &pulse(&format!("old{number}"), ONE, number)).await.unwrap();
    }
    // Past versions move too.
    house.put(&physician(), &pulse("old0", ONE, 1000)).await.unwrap();
    house.delete(&physician(), "Observation", "old1").await.unwrap();
    assert_eq!(house.door.key_status(&tenant).unwrap().left(), 0);

    let writer = {
        let house = house.clone();
        tokio::spawn(async move {
            for number in 0..150 {
                house.put(&physician(), &pulse(&format!("new{number}"), TWO, number)).await.unwrap();
                // An old record gets a new version while the sweep may be at it.
                house
                    .put(&physician(), &pulse(&format!("old{}", 50 + number % 20), ONE, 50 + number % 20))
                    .await
                    .unwrap();
            }
        })
    };
    assert_eq!(house.door.rotate_tenant_key(&tenant, &operator()).await.unwrap(), 2);
    let left = house.door.key_status(&tenant).unwrap().left();
    assert!(left >= 100, "{left}");
    assert_eq!(value_of(&house, "old7").await, 7);
    let mut moved = (0, 0);
    let mut lows = vec![left];
    loop {
        assert!(lows.len() < 2000, "the sweep does not come to its end");
        let Some(step) = house.door.rewrap_step(&tenant, &operator()).await.unwrap() else {
            if writer.is_finished() && house.door.key_status(&tenant).unwrap().left() == 0 {
                break;
            }
            tokio::task::yield_now().await;
            continue;
        };
        assert_eq!(step.failed, 0);
        moved.0 += step.subject_keys;
        moved.1 += step.records;
        lows.push(house.door.key_status(&tenant).unwrap().left());
        assert_eq!(value_of(&house, "old9").await, 9);
    }
    writer.await.unwrap();
    let status = house.door.key_status(&tenant).unwrap();
    assert_eq!((status.primary, status.versions.len(), status.left()), (2, 2, 0));
    assert!(status.versions[0].2.is_some() && status.versions[1].2.is_none());
    assert_eq!(moved.0, 3, "two patients and the directory");
    assert!(moved.1 >= 100, "{moved:?}");
    assert!(lows.windows(2).all(|pair| pair[1] <= pair[0] + 8), "the rest shrinks, but for late writers: {lows:?}");
    println!("rewrapped {} patient keys and {} record versions beside a writer", moved.0, moved.1);

    let house = Arc::try_unwrap(house).ok().unwrap().restart(|_| {}).await;
    for number in (2..100).filter(|number| !(50..70).contains(number)) {
        assert_eq!(value_of(&house, &format!("old{number}")).await, number);
    }
    for number in 0..150 {
        assert_eq!(value_of(&house, &format!("new{number}")).await, number);
    }
    assert_eq!(json(&house.vread(&physician(), "Observation", "old0", 1).await.unwrap())["valueQuantity"]["value"], 0);
    assert_eq!(outcome(&house.read(&physician(), "Observation", "old1").await), "gone");
    assert_eq!(json(&house.vread(&physician(), "Observation", "old1", 1).await.unwrap())["valueQuantity"]["value"], 1);
    // Once more, so that two old versions exist.
    assert_eq!(house.door.rotate_tenant_key(&tenant, &operator()).await.unwrap(), 3);
    house.door.flush_keys();
    assert_eq!(value_of(&house, "old7").await, 7);
    house.sweep().await;
    assert_eq!(house.door.key_status(&tenant).unwrap().left(), 0);
    assert_eq!(value_of(&house, "new7").await, 7);
    let tenants = aceso_store::Reader::tenant_keys(&*house.store, &tenant).unwrap();
    assert_eq!(tenants.len(), 3);
}

#[tokio::test]
async fn a_row_that_does_not_open_is_left_and_told_and_the_sweep_goes_on() {
    let house = House::new().await;
    house.put(&physician(), &person(ONE)).await.unwrap();
    for number in 0..5 {
        house.put(&physician(), &pulse(&format!("o{number}"), ONE, number)).await.unwrap();
    }
    house.sql().execute("UPDATE record SET body = zeroblob(length(body)) WHERE id = 'o2'", []).unwrap();
    house.door.rotate_tenant_key(&tenant(), &operator()).await.unwrap();
    let size = house.log_size();
    assert!(house.sweep().await >= 1);
    assert!(house.logged(size, Action::OpenFailed, "Observation", "o2"));
    assert_eq!(house.door.key_status(&tenant()).unwrap().left(), 1);
    assert_eq!(value_of(&house, "o3").await, 3);
}

async fn everything(house: &House, who: &Caller, of: &str) -> Result<usize, DoorError> {
    let request = SearchRequest {
        scope: SearchScope::Compartment(subject(of)),
        types: &[],
        filters: &[],
        sort: &[],
        count: 100,
        after: None,
        include: &[],
        shape: &Shape::WHOLE,
        interaction: aceso_base::Interaction::Everything,
    };
    house.door.search(who, &request).await.map(|page| page.matches.len())
}

#[tokio::test]
async fn a_shredded_patient_is_unreadable_at_once_and_for_good() {
    let house = House::new().await;
    for of in [ONE, TWO] {
        house.put(&physician(), &person(of)).await.unwrap();
        house.put(&physician(), &pulse(&format!("o{of}"), of, 70)).await.unwrap();
        house.put(&physician(), &pulse(&format!("o{of}"), of, 71)).await.unwrap();
        assert_eq!(everything(&house, &physician(), of).await.unwrap(), 2);
    }
    let record = format!("o{ONE}");
    let size = house.log_size();
    let receipt = house.door.shred(&tenant(), subject(ONE), &operator()).await.unwrap();
    assert_eq!(receipt.subject, subject(ONE));
    let entry = &house.log_since(size)[0].entry;
    assert_eq!(
        (entry.action(), entry.user(), entry.subjects()),
        (Action::KeyShredded, Some(&operator()), [subject(ONE)].as_slice())
    );

    let check = async |house: &House| {
        for who in [physician(), caller(aceso_base::Role::Nurse), caller(aceso_base::Role::Billing), patient(ONE)] {
            assert_eq!(outcome(&house.read(&who, "Patient", ONE).await), "absent", "{:?}", who.roles);
            assert_eq!(outcome(&house.read(&who, "Observation", &record).await), "absent");
            assert_eq!(outcome(&house.vread(&who, "Observation", &record, 1).await), "absent");
            let history = house.door.history(&who, rtype("Observation"), &id(&record), None, 10).await;
            assert_eq!(outcome(&history), "absent");
            assert_eq!(everything(house, &who, ONE).await.unwrap(), 0);
        }
        // Also what shows no class of the patient is as if it had never been.
        assert_eq!(outcome(&house.read(&caller(aceso_base::Role::Auditor), "Patient", ONE).await), "absent");
        for name in ["_id", "identifier"] {
            let pairs = [pair(name, ONE)];
            let ask = Ask { scope: SearchScope::Population, kind: "Patient", pairs: &pairs, count: 10 };
            assert_eq!(house.search(&physician(), &ask).await.unwrap().1, 0);
        }
        let ask = Ask { scope: SearchScope::Population, kind: "Patient", pairs: &[], count: 10 };
        assert_eq!(house.search(&physician(), &ask).await.unwrap().0, [TWO]);
        for body in [person(ONE), pulse(&record, ONE, 1), pulse("fresh", ONE, 1)] {
            assert_eq!(outcome(&house.put(&physician(), &body).await), "unknown-subject");
        }
        assert_eq!(outcome(&house.door.shred(&tenant(), subject(ONE), &operator()).await), "unknown-subject");
        assert_eq!(everything(house, &physician(), TWO).await.unwrap(), 2);
        assert_eq!(value_of(house, &format!("o{TWO}")).await, 71);
    };
    check(&house).await;
    house.door.flush_keys();
    check(&house).await;
    let house = house.restart(|_| {}).await;
    check(&house).await;
    // The sweep of a rotation passes by what nobody can open.
    house.door.rotate_tenant_key(&tenant(), &operator()).await.unwrap();
    house.sweep().await;
    assert_eq!(house.door.key_status(&tenant()).unwrap().left(), 0);
    check(&house).await;

    let folder = house.folder.path().join("export");
    let size = house.log_size() as u64;
    house.door.export_log(&folder, &mut |_, _| {}).unwrap();
    let key = aceso_audit::exported_key(&folder).unwrap();
    assert_eq!(aceso_audit::verify(&folder, &key, None, &mut |_, _| {}).unwrap().size, size);
    assert_eq!(outcome(&house.door.shred(&tenant(), SubjectId::DIRECTORY, &operator()).await), "unknown-subject");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_a_patient_opens_after_his_shred_was_acknowledged() {
    for _ in 0..5 {
        let house = Arc::new(House::new().await);
        house.put(&physician(), &person(ONE)).await.unwrap();
        house.put(&physician(), &pulse("o", ONE, 1)).await.unwrap();
        let tasks: Vec<_> = (0..4)
            .map(|number| {
                let house = house.clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        if number == 0 {
                            let _ = house.put(&physician(), &pulse("o", ONE, 2)).await;
                        } else {
                            let _ = house.read(&physician(), "Observation", "o").await;
                        }
                    }
                })
            })
            .collect();
        house.door.shred(&tenant(), subject(ONE), &operator()).await.unwrap();
        assert_eq!(outcome(&house.read(&physician(), "Observation", "o").await), "absent");
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(outcome(&house.read(&physician(), "Observation", "o").await), "absent");
        assert!(aceso_store::Reader::subject_keys(&*house.store, &tenant(), subject(ONE)).unwrap().is_empty());
    }
}

#[tokio::test]
async fn secrets_come_back_under_their_name_only() {
    let house = House::new().await;
    assert!(house.door.secret("token-key").unwrap().is_none());
    house.door.add_secret("token-key", b"a secret").await.unwrap();
    assert!(matches!(house.door.add_secret("token-key", b"another").await, Err(BootError::Contended)));
    assert_eq!(house.door.secret("token-key").unwrap().unwrap().as_slice(), b"a secret");
    let sealed = house.door.seal_document("people", "ann", b"ann's row").unwrap();
    assert_eq!(house.door.open_document("people", "ann", sealed.clone()).unwrap().as_slice(), b"ann's row");
    assert!(house.door.open_document("people", "bob", sealed.clone()).is_err());
    assert!(house.door.open_document("clients", "ann", sealed.clone()).is_err());
    house.sql().execute("UPDATE document SET name = 'other-key' WHERE name = 'token-key'", []).unwrap();
    assert!(matches!(house.door.secret("other-key"), Err(BootError::Secret("other-key"))));
    assert!(house.door.secret("token-key").unwrap().is_none());
    house.sql().execute("UPDATE document SET name = 'token-key' WHERE name = 'other-key'", []).unwrap();
    let house = house.restart(|_| {}).await;
    assert_eq!(house.door.secret("token-key").unwrap().unwrap().as_slice(), b"a secret");
    assert_eq!(house.door.open_document("people", "ann", sealed).unwrap().as_slice(), b"ann's row");
    let added: Vec<_> =
        house.log().into_iter().filter(|l| l.entry.detail().is_some_and(|d| d.as_str() == "token-key")).collect();
    assert_eq!(added.len(), 1);
}

#[tokio::test]
async fn a_tenant_that_was_never_made_has_no_keys() {
    let house = House::new().await;
    let stranger = Caller { tenant: TenantId::parse("stranger").unwrap(), ..physician() };
    assert_eq!(outcome(&house.put(&stranger, &person(ONE)).await), "unavailable");
    assert_eq!(outcome(&house.read(&stranger, "Patient", ONE).await), "absent");
    assert!(!house.door.ensure_tenant(&tenant()).await.unwrap());
}

#[tokio::test]
async fn what_does_not_open_is_told_once_and_counted() {
    let house = House::new().await;
    house.put(&physician(), &person(ONE)).await.unwrap();
    house.put(&physician(), &person(TWO)).await.unwrap();
    for number in 0..3 {
        house.put(&physician(), &pulse(&format!("o{number}"), ONE, number)).await.unwrap();
    }
    let sql = house.sql();
    sql.execute("UPDATE record SET body = zeroblob(length(body)) WHERE id = 'o1'", []).unwrap();
    sql.execute("UPDATE subject_key SET wrapped = zeroblob(60) WHERE subject = ?1", [subject(TWO).0]).unwrap();
    house.door.flush_keys();
    house.door.rotate_tenant_key(&tenant(), &operator()).await.unwrap();
    let size = house.log_size();
    for _ in 0..3 {
        house.sweep().await;
    }
    let failures = house.log_since(size).iter().filter(|logged| logged.entry.action() == Action::OpenFailed).count();
    // The row, the patient's key; and his record, which needs that key.
    let status = house.door.key_status(&tenant()).unwrap();
    assert_eq!((failures as u64, status.unreadable), (status.unreadable, 3));
    let again = house.log_size();
    house.sweep().await;
    assert_eq!(house.log_size(), again, "a sweep that moves nothing writes nothing");
    assert_eq!(value_of(&house, "o2").await, 2);
    house.put(&physician(), &pulse("after", ONE, 3)).await.unwrap();
}

async fn walk(house: &House) -> aceso_custodian::IndexProgress {
    let mut sum = aceso_custodian::IndexProgress::default();
    let mut after = None;
    loop {
        let (step, next) = house.door.index_step(&tenant(), &operator(), after).await.unwrap();
        sum.checked += step.checked;
        sum.renewed += step.renewed;
        sum.repaired += step.repaired;
        sum.broken += step.broken;
        let Some(next) = next else { return sum };
        after = Some(next);
    }
}

async fn by_identifier(house: &House, name: &str) -> usize {
    let pairs = [pair("identifier", &format!("urn:mrn|{name}"))];
    let ask = Ask { scope: SearchScope::Population, kind: "Patient", pairs: &pairs, count: 10 };
    house.search(&physician(), &ask).await.unwrap().1
}

#[tokio::test]
async fn lost_tokens_and_links_are_found_and_put_back() {
    let house = House::new().await;
    for of in [ONE, TWO] {
        house.put(&physician(), &person(of)).await.unwrap();
    }
    for number in 0..150 {
        house.put(&physician(), &pulse(&format!("o{number}"), ONE, number)).await.unwrap();
    }
    let fine = walk(&house).await;
    assert_eq!((fine.checked, fine.renewed, fine.repaired, fine.broken), (152, 0, 0, 0));
    let size = house.log_size();
    assert_eq!(by_identifier(&house, ONE).await, 1);
    let sql = house.sql();
    assert!(sql.execute("DELETE FROM token WHERE id = ?1 OR id = 'o7'", [ONE]).unwrap() > 1);
    assert_eq!(by_identifier(&house, ONE).await, 0, "nobody can tell from the outside");
    let repaired = walk(&house).await;
    assert_eq!((repaired.repaired, repaired.broken), (2, 0));
    assert_eq!(by_identifier(&house, ONE).await, 1);
    let told = |house: &House, what: &str| {
        house.log_since(size).iter().any(|l| l.entry.detail().is_some_and(|detail| detail.as_str() == what))
    };
    assert!(told(&house, "index-rows"));
    assert_eq!(value_of(&house, "o7").await, 7);

    // The list in the record's row changed with the tokens, or the search part gone: seen, and not believed.
    sql.execute("UPDATE record SET tokens = x'01' WHERE id = 'o8'", []).unwrap();
    sql.execute("DELETE FROM token WHERE id = 'o8'", []).unwrap();
    sql.execute("DELETE FROM search WHERE id = 'o9'", []).unwrap();
    let size = house.log_size();
    for _ in 0..2 {
        assert_eq!(walk(&house).await.broken, 2);
    }
    for name in ["o8", "o9"] {
        assert!(house.logged(size, Action::OpenFailed, "Observation", name), "{name}");
    }
    let entries = house.log_since(size).iter().filter(|logged| logged.entry.action() == Action::OpenFailed).count();
    assert_eq!((entries, house.door.key_status(&tenant()).unwrap().unreadable), (2, 2));
    // A new version makes both whole.
    for name in ["o8", "o9"] {
        house.put(&physician(), &pulse(name, ONE, 1)).await.unwrap();
    }
    assert_eq!(walk(&house).await.broken, 0);
}

#[tokio::test]
async fn the_root_key_turns_over_while_requests_run_and_the_old_one_can_go() {
    let house = House::new().await;
    let other = TenantId::parse("branch").unwrap();
    house.door.ensure_tenant(&other).await.unwrap();
    house.put(&physician(), &person(ONE)).await.unwrap();
    house.put(&physician(), &pulse("o", ONE, 7)).await.unwrap();
    house.door.rotate_tenant_key(&tenant(), &operator()).await.unwrap();
    let status = house.door.root_status().unwrap();
    assert_eq!((status.primary, status.left), (Some(1), 0));
    let size = house.log_size();
    assert_eq!(house.door.rotate_root(&operator()).await.unwrap(), 2);
    // Three tenants with an index root each, one of them with two keys.
    let status = house.door.root_status().unwrap();
    assert_eq!((status.primary, status.left), (Some(2), 7));
    assert!(house.door.remove_old_roots(&operator()).await.is_err(), "they are still needed");
    assert_eq!(house.door.key_status(&tenant()).unwrap().roots, [(1, Some(1)), (2, Some(1))]);
    assert_eq!(value_of(&house, "o").await, 7);
    let house = house.restart(|_| {}).await;
    assert_eq!(value_of(&house, "o").await, 7);
    assert_eq!(house.door.rewrap_root(&operator()).await.unwrap(), 7);
    assert_eq!(house.door.rewrap_root(&operator()).await.unwrap(), 0);
    assert_eq!(house.door.root_status().unwrap().left, 0);
    assert_eq!(house.door.key_status(&tenant()).unwrap().roots, [(1, Some(2)), (2, Some(2))]);
    house.door.remove_old_roots(&operator()).await.unwrap();
    let file = std::fs::read_to_string(house.folder.path().join("root.key")).unwrap();
    assert_eq!(file.lines().count(), 2, "a header and one key");
    house.door.flush_keys();
    assert_eq!(value_of(&house, "o").await, 7);
    let house = house.restart(|_| {}).await;
    assert_eq!(value_of(&house, "o").await, 7);
    house.put(&physician(), &pulse("o", ONE, 8)).await.unwrap();
    let told: Vec<_> =
        house.log_since(size).iter().filter_map(|l| l.entry.detail().map(|d| d.as_str().to_owned())).collect();
    assert_eq!(told.iter().filter(|what| *what == "root-key").count(), 4, "one rotation, and a rewrap of each tenant");
    assert!(told.contains(&"old-root-keys-removed".to_owned()));
}
