//! The four EHRs.

use crate::fakes::quirks::{ATHENA, ECW, EPIC, ORACLE, Quirks};
use crate::rig::Rig;
use aceso_connect::keeper::Algorithm;
use aceso_connect::sync::{Leg, Retried};
use aceso_connect::vendor_named;
use serde_json::json;
use std::sync::atomic::Ordering;

async fn rig(quirks: Quirks, algorithm: Algorithm, options: &[(&str, &str)]) -> Rig {
    let rig = Rig::new(quirks, algorithm, options).await;
    rig.fake.populate(4);
    rig
}

async fn epic() -> Rig {
    rig(EPIC, Algorithm::Rs384, &[("group", "g1")]).await
}

async fn oracle() -> Rig {
    let patients = [("patient", "p1"), ("patient", "p2"), ("patient", "p3"), ("patient", "p4")];
    rig(ORACLE, Algorithm::Es384, &patients).await
}

const PRACTICE: (&str, &str) = ("parameter.ah-practice", "Organization/a-1.Practice-195900");

/// Whatever the EHR demands, everything comes in, changes come with the next run, a deletion with the sweep, and nothing is written twice.
async fn follows(rig: &Rig) {
    rig.run(Leg::Changes).await;
    rig.compare();
    let writes = rig.writes();
    rig.run(Leg::Changes).await;
    rig.run(Leg::Everything).await;
    assert_eq!(rig.writes(), writes);
    rig.fake.edit("Observation", "p1-vital-signs-0", |body| body["valueQuantity"]["value"] = json!(99));
    rig.fake.edit("Patient", "p3", |body| body["birthDate"] = json!("1971-03-04"));
    rig.run(Leg::Changes).await;
    rig.compare();
    rig.fake.edit("Practitioner", "doc1", |body| body["active"] = json!(false));
    rig.fake.delete("Condition", "p2-con");
    rig.run(Leg::Everything).await;
    rig.compare();
    assert_eq!(rig.writes(), writes + 4);
    assert!(rig.sync().letters(None, 10).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epic_is_followed_through_a_group_by_patient_category_and_name() {
    let rig = epic().await;
    follows(&rig).await;
    assert!(rig.fake.asked("/Patient?").is_empty() && rig.fake.asked("/Practitioner?").is_empty());
    assert!(rig.fake.asked("_lastUpdated").is_empty());
    let observations = rig.fake.asked("/Observation?");
    assert!(observations.iter().all(|list| list.contains("patient=") && list.contains("category=")));
    assert!(rig.fake.state().scopes.contains(&"system/Group.rs".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_epic_whose_session_has_expired_is_begun_anew() {
    let rig = epic().await;
    rig.fake.state().expire_pages = 3;
    rig.run(Leg::Changes).await;
    rig.compare();
    assert_eq!(rig.fake.state().expire_pages, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_whom_epic_protects_is_asked_for_once_and_again_when_somebody_says_so() {
    let rig = epic().await;
    rig.run(Leg::Changes).await;
    rig.fake.state().protected.insert("p2".to_owned());
    rig.run(Leg::Everything).await;
    rig.fake.forget_requests();
    for leg in [Leg::Changes, Leg::Everything, Leg::Changes] {
        rig.run(leg).await;
    }
    assert_eq!(rig.fake.asked("p2"), Vec::<String>::new());
    assert!(!rig.fake.asked("p3").is_empty());
    let sync = rig.sync();
    let letters = sync.letters(None, 100).unwrap();
    assert!(letters.iter().all(|(_, letter)| letter.reason == "restricted"), "{letters:?}");
    let (name, _) = letters.iter().find(|(_, letter)| letter.kind == "Patient").unwrap();
    assert_eq!(sync.retry_letter(name).await.unwrap(), Retried::Still);
    rig.fake.state().protected.clear();
    for (name, _) in &letters {
        assert_eq!(sync.retry_letter(name).await.unwrap(), Retried::Taken);
    }
    rig.run(Leg::Everything).await;
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_beyond_the_days_number_come_on_another_day() {
    let rig = epic().await;
    rig.fake.state().documents_left = Some(2);
    let sync = rig.sync();
    sync.run(Leg::Changes, &|_| {}).await.unwrap();
    assert_eq!(sync.tally().refused_lists.load(Ordering::SeqCst), 2);
    let documents = |rig: &Rig| {
        rig.place.state.lock().unwrap().records.keys().filter(|name| name.starts_with("DocumentReference")).count()
    };
    assert_eq!(documents(&rig), 2);
    rig.fake.state().documents_left = None;
    rig.run(Leg::Changes).await;
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_who_joins_the_group_comes_with_his_history() {
    for incomplete in [false, true] {
        let rig = rig(Quirks { last_updated: true, ..EPIC }, Algorithm::Es384, &[("group", "g1")]).await;
        if incomplete {
            rig.fake.state().incomplete.insert("Condition".to_owned());
        }
        // His chart is older than what the others' lists have shown last.
        rig.fake.add_patient("p9");
        for _ in 0..700 {
            rig.fake.edit("Condition", "p1-con", |body| body["recordedDate"] = json!("2026-01-01"));
        }
        rig.fake.delete("Patient", "p9");
        rig.run(Leg::Changes).await;
        let conditions = rig.fake.asked("/Condition?");
        assert!(conditions.iter().all(|list| !list.contains("_lastUpdated")), "{conditions:?}");
        rig.fake.put(json!({ "resourceType": "Patient", "id": "p9", "birthDate": "1990-01-01" }));
        rig.fake.edit("Group", "g1", |body| {
            body["member"].as_array_mut().unwrap().push(json!({ "entity": { "reference": "Patient/p9" } }));
        });
        rig.fake.forget_requests();
        rig.run(Leg::Changes).await;
        rig.compare();
        let since = |patient: &str| {
            let lists = rig.fake.asked(&format!("/Condition?patient={patient}&"));
            lists.iter().filter(|list| list.contains("_lastUpdated=ge")).count()
        };
        // A list that may not be whole moves no cursor.
        assert_eq!((since("p1"), since("p9")), (usize::from(!incomplete), 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oracle_health_is_followed_with_closed_ranges() {
    let rig = oracle().await;
    follows(&rig).await;
    let ranges = rig.fake.asked("_lastUpdated");
    assert!(!ranges.is_empty());
    assert!(
        ranges.iter().all(|list| list.contains("_lastUpdated=ge") && list.contains("_lastUpdated=lt")),
        "{ranges:?}"
    );
    assert!(rig.fake.asked("/Group/").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_object_on_several_pages_the_newest_state_is_taken() {
    let rig = oracle().await;
    rig.fake.state().restless = Some(("Observation".to_owned(), "p1-laboratory-0".to_owned()));
    rig.run(Leg::Changes).await;
    assert_eq!(rig.fake.state().restless, None, "it was not shown");
    assert_eq!(rig.record("Observation", "p1-laboratory-0").unwrap()["language"], "en");
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_tenant_stops_the_run_and_deletes_nothing() {
    let mut rig = oracle().await;
    rig.run(Leg::Changes).await;
    let right = std::mem::replace(&mut rig.base, rig.fake.base.replace("ec2458f2", "ffffffff"));
    let error = rig.try_run(Leg::Everything).await.unwrap_err();
    assert_eq!(error.code(), "token-discovery");
    rig.base = right;
    rig.compare();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn athenahealth_is_told_the_practice_in_every_search() {
    let rig = rig(ATHENA, Algorithm::Rs384, &[PRACTICE]).await;
    follows(&rig).await;
    let searches = rig.fake.asked("?");
    assert!(!searches.is_empty());
    assert!(searches.iter().all(|list| list.contains("ah-practice=Organization%2Fa-1.Practice-195900")));
    let refused = vendor_named("athenahealth", &rig.base, &[]).err().unwrap();
    assert!(refused.to_string().contains("ah-practice"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eclinicalworks_takes_one_algorithm_and_every_request_is_in_its_budget() {
    let rig = Rig::new(ECW, Algorithm::Rs384, &[]).await;
    rig.fake.populate(2);
    let sync = rig.sync();
    sync.run(Leg::Changes, &|_| {}).await.unwrap();
    rig.compare();
    // The endpoint, tokens, and what was sent again with another one.
    rig.fake.state().faults = vec![(10, crate::fakes::Fault::Expired)];
    sync.run(Leg::Changes, &|_| {}).await.unwrap();
    assert!(rig.fake.asked("/oauth2/token").len() > 2);
    assert_eq!(sync.source().limiter().lately(), rig.fake.asked("").len());
    assert_eq!(sync.source().vendor().capabilities().limits.requests_per_minute, Some(250));
    assert!(!rig.fake.state().scopes.iter().any(|scope| scope.contains("Group")));
    assert!(!sync.source().vendor().takes_proof(Some(Algorithm::Es384)) && !sync.source().vendor().takes_proof(None));
}

#[test]
fn options_that_a_vendor_cannot_follow_are_refused_with_what_it_wants() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (vendor, options, word) in [
        ("epic", vec![], "group=ID or patient=ID"),
        ("oracle-health", vec![pair("group", "g1")], "patient=ID"),
        ("eclinicalworks", vec![pair("group", "g1")], "patient=ID"),
        ("fhir", vec![pair("header.Authorization", "x")], "header"),
        ("fhir", vec![pair("patient", "a/b")], "ids"),
        ("fhir", vec![pair("speed", "high")], "parameter.NAME=VALUE"),
        ("elation", vec![pair("patient", "1")], "no options"),
        ("cerner", vec![], "no such vendor"),
    ] {
        let error = vendor_named(vendor, "https://ehr.example/r4", &options).err().unwrap().to_string();
        assert!(error.contains(word), "{vendor}: {error}");
    }
}
