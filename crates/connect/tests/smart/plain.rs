//! A plain FHIR R4 server.

use crate::fakes::Fault;
use crate::fakes::keys::Pair;
use crate::fakes::quirks::PLAIN;
use crate::rig::Rig;
use aceso_connect::keeper::Algorithm;
use aceso_connect::sync::{Leg, Retried};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn rig() -> Rig {
    let rig = Rig::new(PLAIN, Algorithm::Es384, &[]).await;
    rig.fake.populate(5);
    rig
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_comes_in_whole_and_the_next_run_writes_nothing() {
    for algorithm in [Algorithm::Es384, Algorithm::Rs384] {
        let rig = Rig::new(PLAIN, algorithm, &[]).await;
        rig.fake.populate(5);
        let sync = rig.sync();
        sync.run(Leg::Changes, &|_| {}).await.unwrap();
        rig.compare();
        let writes = rig.writes();
        sync.run(Leg::Everything, &|_| {}).await.unwrap();
        sync.run(Leg::Changes, &|_| {}).await.unwrap();
        rig.run(Leg::Changes).await;
        assert_eq!(rig.writes(), writes);
        let versions = rig.place.state.lock().unwrap().versions.clone();
        assert!(versions.values().all(|times| *times == 1), "a record was written twice");
        // Once for each start.
        assert_eq!(rig.fake.asked("smart-configuration").len(), 2);
        assert_eq!(rig.fake.state().scopes, ["system/*.rs"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_asked_for_by_time_and_deletions_arrive_with_the_sweep() {
    let rig = rig().await;
    rig.run(Leg::Changes).await;
    let writes = rig.writes();
    rig.fake.forget_requests();
    // Later than the overlap before what was seen last.
    for _ in 0..700 {
        rig.fake.edit("Condition", "p1-con", |body| body["recordedDate"] = json!("2026-01-01"));
    }
    rig.fake.edit("Patient", "p2", |body| body["birthDate"] = json!("1971-03-04"));
    rig.run(Leg::Changes).await;
    rig.compare();
    assert_eq!(rig.writes(), writes + 2);
    let lists = rig.fake.asked("_count=100");
    assert!(lists.iter().all(|list| list.contains("_lastUpdated=ge")), "{lists:?}");
    assert!(!rig.fake.asked("/Observation?_lastUpdated=ge").is_empty());
    // The sources' version of a record is what its Provenance names.
    let held = rig.place.state.lock().unwrap().records.clone();
    let about = held.values().find(|value| value["entity"][0]["what"]["identifier"]["value"] == "p1-con").unwrap();
    assert!(about["entity"][0]["what"]["display"].as_str().unwrap().starts_with("701 20"), "{about}");
    assert!(about["occurredDateTime"].is_string());

    rig.fake.delete("Observation", "p1-laboratory-3");
    rig.fake.delete("AllergyIntolerance", "p4-all");
    rig.run(Leg::Everything).await;
    rig.compare();
    assert!(rig.record("AllergyIntolerance", "p4-all").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_drops_throttling_and_garbage_the_end_is_what_the_source_holds() {
    let rig = rig().await;
    rig.fake.state().faults = vec![
        (7, Fault::TooMany(0)),
        (11, Fault::Broken),
        (13, Fault::Truncated),
        (17, Fault::Cut),
        (19, Fault::Expired),
    ];
    for round in 0..8_u64 {
        rig.fake.edit("Patient", "p1", |body| body["birthDate"] = json!(format!("1980-01-{:02}", round + 1)));
        let sync = rig.sync();
        let run = tokio::spawn(async move { sync.run(Leg::Everything, &|_| {}).await });
        tokio::time::sleep(Duration::from_millis(40 + (round * 53) % 200)).await;
        // The task is gone in the middle of whatever it did, like a process that is killed.
        run.abort();
        let _ = run.await;
    }
    let mut done = false;
    for _ in 0..20 {
        done = rig.try_run(Leg::Everything).await.is_ok();
        if done {
            break;
        }
    }
    assert!(done, "no run came to its end");
    rig.fake.state().faults.clear();
    rig.run(Leg::Everything).await;
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_valid_r4_is_a_letter_with_its_place_and_comes_in_when_it_is_mended() {
    let rig = rig().await;
    rig.fake.edit("Observation", "p1-laboratory-0", |body| body["status"] = json!("made-up"));
    rig.fake.edit("Condition", "p2-con", |body| body["subject"] = json!({ "reference": "Patient/nobody" }));
    let sync = rig.sync();
    sync.run(Leg::Changes, &|_| {}).await.unwrap();
    let mut letters = sync.letters(None, 10).unwrap();
    letters.sort_by(|a, b| a.1.kind.cmp(&b.1.kind));
    let said: Vec<_> = letters
        .iter()
        .map(|(_, letter)| (letter.kind.as_str(), letter.reason.as_str(), letter.place.as_deref()))
        .collect();
    assert_eq!(
        said,
        [
            ("Condition", "unknown-patient", Some("Condition.subject")),
            ("Observation", "invalid", Some("Observation.status")),
        ]
    );
    rig.fake.edit("Observation", "p1-laboratory-0", |body| body["status"] = json!("final"));
    assert_eq!(sync.retry_letter(&letters[1].0).await.unwrap(), Retried::Taken);
    rig.fake.edit("Condition", "p2-con", |body| body["subject"] = json!({ "reference": "Patient/p2" }));
    rig.run(Leg::Changes).await;
    assert!(sync.letters(None, 10).unwrap().is_empty());
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_without_its_description_is_not_read_and_nothing_is_deleted() {
    let rig = rig().await;
    rig.run(Leg::Changes).await;
    rig.fake.state().without_description = true;
    let resources = std::mem::take(&mut rig.fake.state().resources);
    assert_eq!(rig.try_run(Leg::Everything).await.unwrap_err().code(), "no-description");
    rig.fake.state().resources = resources;
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_registered_key_gets_a_token_and_an_endpoint_that_is_not_told_is_an_error() {
    let mut rig = rig().await;
    rig.fake.state().without_configuration = true;
    assert_eq!(rig.try_run(Leg::Changes).await.unwrap_err().code(), "token-discovery");
    rig.fake.state().without_configuration = false;
    rig.key = Box::leak(Box::new(Pair::ec()));
    assert_eq!(rig.try_run(Leg::Changes).await.unwrap_err().code(), "token-refused");
    assert_eq!(rig.writes(), 0);
    rig.key = Pair::of(Algorithm::Es384);
    rig.run(Leg::Changes).await;
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_the_source_stand_in_no_key() {
    let rig = Rig::new(PLAIN, Algorithm::Es384, &[("group", "g1")]).await;
    rig.fake.populate(2);
    rig.run(Leg::Changes).await;
    let keys = rig.place.keys();
    assert!(keys.len() > 50);
    for value in rig.fake.truth() {
        let id = value["id"].as_str().unwrap();
        // Two characters would be found in anything.
        assert!(id.len() < 4 || keys.iter().all(|key| !key.contains(id)), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_patients_alone_come_in_with_all_that_is_theirs() {
    let rig = Rig::new(PLAIN, Algorithm::Es384, &[("patient", "p2"), ("patient", "p3")]).await;
    rig.fake.populate(5);
    let sync = rig.sync();
    sync.run(Leg::Changes, &|_| {}).await.unwrap();
    let held = rig.place.state.lock().unwrap().records.clone();
    let of = |kind: &str| held.values().filter(|value| value["resourceType"] == kind).count();
    assert_eq!((of("Patient"), of("Condition"), of("Observation"), of("Organization")), (2, 2, 24, 1));
    assert_eq!(sync.tally().aside.load(Ordering::SeqCst), 0);
}
