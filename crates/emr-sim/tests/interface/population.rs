//! The population as a whole: determinism, changes, the truth, and many patients.

use crate::support::{Source, id, until};
use aceso_emr_sim::{Changed, Kind, Simulator};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

fn everything(simulator: &Simulator) -> BTreeMap<(Kind, i64), (bool, Value)> {
    let truth = simulator.truth();
    let of = |kind: Kind| {
        let truth = truth.clone();
        let entries: Vec<_> = truth.entries(kind).collect();
        entries.into_iter().map(move |entry| ((kind, entry.id), (entry.deleted, truth.body(kind, entry.id).unwrap())))
    };
    Kind::ALL.into_iter().flat_map(of).collect()
}

#[test]
fn the_same_seed_gives_the_same_source_and_the_same_changes_and_another_does_not() {
    let run = |seed| {
        let source = Source::start(|options| options.seed = seed);
        let changed = source.simulator.change(200);
        (changed, everything(&source.simulator))
    };
    let (first, again, other) = (run(5), run(5), run(6));
    assert!(first == again);
    assert!(first.0 != other.0 && first.1 != other.1);
}

#[test]
fn the_truth_is_what_a_full_crawl_gives_also_after_many_changes() {
    let source = Source::plain();
    for _ in 0..6 {
        source.clock.advance(3600);
        source.simulator.change(100);
    }
    let truth = source.simulator.truth();
    for kind in Kind::ALL {
        let crawled: BTreeMap<i64, Value> =
            source.crawl(kind, 37).into_iter().map(|object| (id(&object), object)).collect();
        let mut live = 0;
        for entry in truth.entries(kind) {
            let body = truth.body(kind, entry.id).unwrap();
            assert_eq!(body.get("deleted_date").is_some_and(|date| !date.is_null()), entry.deleted, "{kind:?}");
            if entry.deleted {
                let _ = source.api.get(&format!("/{}/{}/", kind.path(), entry.id)).expect(410);
            } else {
                live += 1;
                assert_eq!(crawled.get(&entry.id), Some(&body), "{kind:?}");
            }
        }
        assert_eq!((crawled.len(), truth.count(kind)), (live, live), "{kind:?}");
    }
    // A snapshot stays as it was.
    let before: Vec<_> = truth.entries(Kind::Patients).collect();
    source.simulator.change(50);
    assert_eq!(truth.entries(Kind::Patients).collect::<Vec<_>>(), before);
}

#[test]
fn every_sort_of_change_happens_and_says_what_it_touched() {
    let source = Source::start(|options| options.patients = 60);
    let before = everything(&source.simulator);
    let mut changed: Vec<Changed> = Vec::new();
    for _ in 0..40 {
        source.clock.advance(60);
        changed.extend(source.simulator.change(20));
    }
    let after = everything(&source.simulator);
    let differs: BTreeSet<(Kind, i64)> =
        after.iter().filter(|(key, value)| before.get(key) != Some(value)).map(|(key, _)| *key).collect();
    let told: BTreeSet<(Kind, i64)> = changed.iter().map(|changed| (changed.kind, changed.id)).collect();
    assert!(differs.is_subset(&told));
    let deleted_once = |key: &(Kind, i64)| changed.iter().any(|c| (c.kind, c.id, c.deleted) == (key.0, key.1, true));
    assert!(told.difference(&differs).all(deleted_once), "nothing but an undone deletion leaves no difference");

    let any = |kind: Kind, pass: &dyn Fn(&Value) -> bool| {
        after
            .range((kind, 0)..(kind, i64::MAX))
            .any(|(key, (_, body))| before.get(key).map(|(_, body)| body) != Some(body) && pass(body))
    };
    assert!(any(Kind::Reports, &|body| body["order_status"] == "CORRECTED"));
    assert!(any(Kind::Reports, &|body| body["order_status"] == "FINAL" && body["grids"][0]["results"].is_array()));
    assert!(any(Kind::LabOrders, &|body| body["resolution"].is_null()));
    assert!(any(Kind::LabOrders, &|body| body["resolution"]["state"] == "fulfilled"));
    assert!(any(Kind::Medications, &|body| body["order_type"] == "Refill"));
    assert!(any(Kind::Medications, &|body| body["order_type"] == "DoseChange"));
    assert!(any(Kind::Medications, &|body| !body["thread"]["dc_date"].is_null()));
    assert!(any(Kind::DiscontinuedMedications, &|body| body["reason"].is_string()));
    assert!(any(Kind::PrescriptionFills, &|_| true));
    assert!(any(Kind::Appointments, &|body| body["status"]["status"] == "Cancelled"));
    assert!(any(Kind::Appointments, &|body| body["status"]["status"] == "Checked In"));
    assert!(any(Kind::Patients, &|body| !body["previous_address"].is_null()));
    assert!(any(Kind::Patients, &|body| !body["merged_into_chart"].is_null()
        && body["master_patient"] == body["merged_into_chart"]));
    assert!(any(Kind::Patients, &|body| body["deleted_insurances"].as_array().is_some_and(|gone| !gone.is_empty())));
    assert!(any(Kind::Problems, &|body| body["status"] == "Resolved"));
    assert!(any(Kind::Allergies, &|_| true) && any(Kind::Vitals, &|_| true));
    let deleted = |kind: Kind| changed.iter().any(|changed| changed.kind == kind && changed.deleted);
    assert!(deleted(Kind::Patients) && deleted(Kind::Reports) && deleted(Kind::Vitals));
    assert!(any(Kind::DrugIntolerances, &|body| body["status"] == 1));
    let undone = |(at, gone): (usize, &Changed)| {
        gone.deleted
            && changed.iter().skip(at).any(|later| (later.kind, later.id, later.deleted) == (gone.kind, gone.id, false))
    };
    assert!(changed.iter().enumerate().any(undone), "no deletion was undone");
    assert!(after.keys().filter(|(kind, _)| *kind == Kind::Patients).count() > 60, "nobody was registered");
}

#[test]
fn the_chart_of_a_deleted_patient_is_deleted_with_him() {
    let source = Source::start(|options| options.patients = 40);
    let mut gone = None;
    while gone.is_none() {
        gone = source.simulator.change(1).into_iter().find(|changed| changed.kind == Kind::Patients && changed.deleted);
    }
    let patient = gone.unwrap().id;
    let truth = source.simulator.truth();
    let mut count = 0;
    for kind in Kind::ALL {
        for entry in truth.entries(kind).filter(|entry| entry.patient == Some(patient)) {
            assert!(entry.deleted, "{kind:?}");
            count += 1;
        }
    }
    assert!(count > 1);
}

#[test]
fn a_deletion_can_be_undone_and_a_patient_comes_back_with_his_chart() {
    let source = Source::plain();
    let before = everything(&source.simulator);
    let patient = source.ids(Kind::Patients)[1];
    let truth = source.simulator.truth();
    let problems: Vec<i64> =
        truth.entries(Kind::Problems).filter(|entry| entry.patient == Some(patient)).map(|entry| entry.id).collect();
    assert!(!source.simulator.restore(Kind::Patients, patient), "it is not deleted");
    source.clock.advance(60);
    assert!(source.simulator.delete(Kind::Problems, problems[0]));
    source.clock.advance(60);
    for problem in &problems[1..] {
        assert!(source.simulator.delete(Kind::Problems, *problem));
    }
    assert!(source.simulator.delete(Kind::Patients, patient));
    assert!(!source.simulator.restore(Kind::Problems, problems[0]), "its patient is deleted");
    assert!(source.simulator.restore(Kind::Patients, patient));
    let after = everything(&source.simulator);
    assert!(after[&(Kind::Problems, problems[0])].0, "deleted before he was");
    assert!(
        problems[1..].iter().all(|problem| after[&(Kind::Problems, *problem)] == before[&(Kind::Problems, *problem)])
    );
    assert!(source.simulator.restore(Kind::Problems, problems[0]));
    assert_eq!(source.ids(Kind::Problems).len(), truth.count(Kind::Problems));
}

#[test]
fn it_changes_by_itself_as_its_clock_goes() {
    let source = Source::start(|options| options.change_every = Some(Duration::from_secs(10)));
    let before = everything(&source.simulator);
    source.clock.advance(9);
    std::thread::sleep(Duration::from_millis(80));
    assert!(everything(&source.simulator) == before);
    source.clock.advance(200);
    until("it has changed", || everything(&source.simulator) != before);
}

#[test]
fn one_that_goes_on_has_what_the_earlier_one_had_and_makes_the_same_next_change() {
    let every = Duration::from_secs(10);
    let source = Source::start(|options| options.change_every = Some(every));
    for _ in 0..200 {
        source.clock.advance(10);
        let before = source.simulator.so_far().changes;
        until("a change", || source.simulator.so_far().changes > before);
    }
    let (earlier, had, now) = (source.simulator.so_far(), everything(&source.simulator), source.clock.clone());
    assert_eq!(earlier.changes, 200);
    let next = source.simulator.change(1);
    let later = Source::start(|options| {
        now.advance(3600);
        options.clock = Arc::new(now);
        options.change_every = Some(every);
        options.earlier = Some(earlier);
    });
    assert!(everything(&later.simulator) == had);
    assert_eq!(later.simulator.change(1), next);
}

#[test]
fn ten_thousand_patients_start_and_can_be_crawled() {
    let source = Source::start(|options| options.patients = 10_000);
    let patients = source.crawl(Kind::Patients, 100);
    assert_eq!(patients.len(), 10_000);
    let ids: BTreeSet<i64> = patients.iter().map(id).collect();
    assert_eq!(ids.len(), 10_000);
    let persons: BTreeSet<String> = patients
        .iter()
        .map(|body| ["first_name", "last_name", "dob", "sex"].map(|name| body[name].to_string()).concat())
        .collect();
    assert!(persons.len() > 9_990, "{} different persons", persons.len());
    let truth = source.simulator.truth();
    for kind in [Kind::Problems, Kind::Allergies, Kind::LabOrders] {
        let objects = source.crawl(kind, 100);
        assert_eq!(objects.len(), truth.count(kind), "{kind:?}");
        assert!(objects.iter().all(|object| ids.contains(&object["patient"].as_i64().unwrap())));
    }
    // The rest by its count and its last page.
    for kind in Kind::ALL {
        let count = truth.count(kind);
        let last = source.api.get(&format!("/{}/?limit=100&offset={}", kind.path(), count - 1)).expect(200).json();
        assert_eq!((&last["count"], &last["next"]), (&serde_json::json!(count), &Value::Null), "{kind:?}");
        assert_eq!(id(&last["results"][0]), truth.entries(kind).last().unwrap().id);
    }
}

#[test]
fn the_handle_may_be_dropped_and_a_source_without_patients_does_not_start() {
    let source = Source::plain();
    let url = source.simulator.base_url();
    drop(source);
    assert!(aceso_testkit::Client::new(&url).try_send("GET", "/patients/", &[], Vec::new()).is_err());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = aceso_emr_sim::Options { patients: 0, ..Default::default() };
    let refused = runtime.block_on(Simulator::start(options)).unwrap_err();
    assert_eq!(refused.to_string(), "a simulator needs at least one patient");
}
