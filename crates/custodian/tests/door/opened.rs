//! Search parts that are kept open: never older than the store, never beyond a grant, gone with the keys.

use crate::common::*;
use aceso_base::Role;
use aceso_custodian::Plan;
use serde_json::{Value, json};
use std::sync::Arc;

const ONE: &str = "aaaa1111-0000-4000-8000-000000000001";
const TWO: &str = "bbbb2222-0000-4000-8000-000000000002";

fn person(name: &str) -> Value {
    json!({"resourceType": "Patient", "id": name, "name": [{"family": "Roe"}]})
}

fn pulse(name: &str, of: &str, status: &str) -> Value {
    json!({"resourceType": "Observation", "id": name, "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/{of}")}})
}

async fn house(kept: usize) -> House {
    let house = House::keeping(Plan::STRICT, kept).await;
    for name in [ONE, TWO] {
        house.put(&integration(), &person(name)).await.unwrap();
        for number in 0..3 {
            house.put(&integration(), &pulse(&format!("o{number}{name}"), name, "final")).await.unwrap();
        }
    }
    house
}

async fn found(house: &House, who: &aceso_base::Caller, home: &str, pairs: &[(String, String)]) -> Vec<String> {
    let ask = Ask { scope: in_compartment(home), kind: "Observation", pairs, count: 100 };
    house.search(who, &ask).await.unwrap().0
}

#[tokio::test]
async fn every_write_is_in_the_next_answer() {
    for kept in [0, 16 << 20] {
        let house = house(kept).await;
        let all = async |home| found(&house, &physician(), home, &[]).await;
        let by = |status| [pair("status", status)];
        let coded = [pair("code", "http://loinc.org|8867-4")];
        assert_eq!(all(ONE).await.len(), 3);
        // A new record, a changed one, a deleted one, one that comes back, one that moves to another patient.
        house.put(&physician(), &pulse("new", ONE, "final")).await.unwrap();
        assert_eq!(all(ONE).await.len(), 4);
        assert_eq!(found(&house, &physician(), ONE, &coded).await.len(), 4);
        house.put(&physician(), &pulse("new", ONE, "amended")).await.unwrap();
        assert_eq!(found(&house, &physician(), ONE, &by("amended")).await, ["new"]);
        assert_eq!(found(&house, &physician(), ONE, &by("final")).await.len(), 3);
        house.delete(&physician(), "Observation", "new").await.unwrap();
        assert_eq!(all(ONE).await.len(), 3);
        house.put(&physician(), &pulse("new", ONE, "final")).await.unwrap();
        assert_eq!(all(ONE).await.len(), 4);
        assert_eq!(all(TWO).await.len(), 3);
        house.put(&physician(), &pulse("new", TWO, "final")).await.unwrap();
        assert_eq!((all(ONE).await.len(), all(TWO).await.len()), (3, 4));
        assert_eq!(found(&house, &physician(), TWO, &coded).await.len(), 4);
    }
}

#[tokio::test]
async fn kept_parts_of_one_role_open_nothing_more_to_another() {
    let house = house(16 << 20).await;
    assert_eq!(found(&house, &physician(), ONE, &[]).await.len(), 3);
    let ask = |pairs| Ask { scope: in_compartment(ONE), kind: "Observation", pairs, count: 100 };
    let by_code = [pair("code", "8867-4")];
    assert_eq!(outcome(&house.search(&caller(Role::FrontDesk), &ask(&by_code)).await), "parameter-forbidden");
    assert_eq!(outcome(&house.search(&patient(TWO), &ask(&[])).await), "absent");
    assert_eq!(outcome(&house.search(&caller(Role::Operator), &ask(&[])).await), "forbidden");
    assert_eq!(house.search(&patient(ONE), &ask(&[])).await.unwrap().1, 3);
    // What is found among kept parts is in the log, by one entry: nothing had to be opened to find it.
    let size = house.log_size();
    found(&house, &physician(), ONE, &[]).await;
    assert_eq!(house.log_size(), size + 1);
    assert_eq!(house.log_since(size)[0].entry.records().len(), 3);
}

#[tokio::test]
async fn nothing_kept_survives_a_shred() {
    let house = house(16 << 20).await;
    assert_eq!(found(&house, &physician(), ONE, &[]).await.len(), 3);
    house.door.shred(&tenant(), subject(ONE), &operator()).await.unwrap();
    assert!(found(&house, &physician(), ONE, &[]).await.is_empty());
    assert_eq!(found(&house, &physician(), TWO, &[]).await.len(), 3);
    // Nor when somebody has seen to it that the keys are still in memory.
    house.door.flush_keys();
    assert!(found(&house, &physician(), ONE, &[]).await.is_empty());
}

#[tokio::test]
async fn answers_are_the_same_after_a_rotation() {
    let house = house(16 << 20).await;
    assert_eq!(found(&house, &physician(), ONE, &[]).await.len(), 3);
    house.door.rotate_tenant_key(&tenant(), &operator()).await.unwrap();
    assert_eq!(found(&house, &physician(), ONE, &[]).await.len(), 3);
    assert_eq!(house.sweep().await, 0);
    assert_eq!(found(&house, &physician(), ONE, &[]).await.len(), 3);
}

/// Room for less than one type of one patient: what does not fit is opened from the disk each time.
#[tokio::test]
async fn a_small_room_changes_no_answer() {
    for kept in [1, 600, 4000, 40_000] {
        let house = house(kept).await;
        for number in 0..200 {
            house.put(&integration(), &pulse(&format!("many{number}"), ONE, "final")).await.unwrap();
        }
        for _ in 0..2 {
            assert_eq!(found(&house, &physician(), ONE, &[]).await.len(), 203, "{kept}");
            assert_eq!(found(&house, &physician(), TWO, &[]).await.len(), 3, "{kept}");
        }
    }
}

/// Writers and searchers at once: whoever was told that his record is stored finds it, every time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_acknowledged_write_is_found_while_others_search() {
    let house = Arc::new(house(16 << 20).await);
    let searching: Vec<_> = (0..3)
        .map(|_| {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                let mut least = 0;
                for _ in 0..150 {
                    let now = found(&house, &physician(), ONE, &[]).await.len();
                    assert!(now >= least, "a record that was found is gone");
                    least = now;
                }
            })
        })
        .collect();
    for number in 0..80 {
        let name = format!("busy{number}");
        house.put(&integration(), &pulse(&name, ONE, "final")).await.unwrap();
        assert!(found(&house, &physician(), ONE, &[]).await.contains(&name), "{name}");
    }
    for search in searching {
        search.await.unwrap();
    }
}

/// Every reading of the clock takes it on: a walk over many rows spends the time of a search.
#[tokio::test]
async fn a_search_over_its_time_is_refused_and_recorded() {
    for kept in [0, 16 << 20] {
        let house = house(kept).await;
        for number in 0..80 {
            house.put(&integration(), &pulse(&format!("many{number}"), ONE, "final")).await.unwrap();
        }
        let ask = |scope, kind, pairs| Ask { scope, kind, pairs, count: 100 };
        let status = [pair("status", "final")];
        let family = [pair("family", "Roe")];
        // Kept now, where something is kept.
        assert_eq!(house.search(&physician(), &ask(in_compartment(ONE), "Observation", &status)).await.unwrap().1, 83);
        // The budget is ten seconds, a grant lasts sixty.
        for (step, scope, kind, pairs) in [
            (2_100, in_compartment(ONE), "Observation", &status),
            (11_000, aceso_custodian::SearchScope::Population, "Patient", &family),
        ] {
            let size = house.log_size();
            house.clock.step_each_reading(step);
            let answer = house.search(&physician(), &ask(scope, kind, pairs)).await;
            house.clock.step_each_reading(0);
            assert_eq!(outcome(&answer), "too-costly", "{kind}, {kept}");
            let entries = house.log_since(size);
            let last = entries.last().unwrap();
            assert_eq!((last.entry.outcome().as_str(), last.entry.records().len()), ("failed", 0));
            assert_eq!(last.entry.outcome().reason().unwrap().as_str(), "too-costly");
        }
        // With time standing still the same search is answered.
        assert_eq!(house.search(&physician(), &ask(in_compartment(ONE), "Observation", &status)).await.unwrap().1, 83);
    }
}
