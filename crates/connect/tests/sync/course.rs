//! What changes by time alone.

use super::{rig, small};
use aceso_connect::sync::Leg;
use aceso_emr_sim::{Kind, Options};
use aceso_testkit::SetClock;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_course_that_ends_on_a_day_to_come_is_stopped_when_it_has_come_and_nothing_else_is_written() {
    for leg in [Leg::Changes, Leg::Everything] {
        let clock = SetClock::default();
        let rig = rig(Options { clock: Arc::new(clock.clone()), ..small() }).await;
        let truth = rig.simulator.truth();
        let live = |body: &serde_json::Value| body["thread"]["dc_date"].is_null() && body["signed_date"].is_string();
        let mut orders = truth.entries(Kind::Medications).map(|entry| entry.id);
        let order = orders.find(|id| live(&truth.body(Kind::Medications, *id).unwrap())).unwrap();
        // The clock stands at noon of the 1st.
        let ends = |day: &str| {
            rig.simulator.edit(Kind::Medications, order, |body| {
                body.insert("thread".to_owned(), json!({ "id": 7, "is_permanent": false, "dc_date": day }));
            })
        };
        let status = || {
            let held = rig.place.state.lock().unwrap();
            let of_order = |record: &&serde_json::Value| {
                record["resourceType"] == "MedicationRequest"
                    && record["identifier"][0]["value"] == json!(order.to_string())
            };
            held.records.values().find(of_order).unwrap()["status"].as_str().unwrap().to_owned()
        };
        let writes = || rig.place.writes.load(Ordering::SeqCst);
        assert!(ends("2026-03-21"));
        rig.run(Leg::Everything).await;
        assert_eq!(status(), "active");
        // The end comes nearer: the day of before is forgotten.
        assert!(ends("2026-03-11"));
        rig.run(Leg::Everything).await;
        let before = writes();
        clock.advance(9 * DAY);
        rig.run(leg).await;
        assert_eq!((status().as_str(), writes()), ("active", before));
        clock.advance(DAY / 2);
        rig.run(leg).await;
        assert_eq!((status().as_str(), writes()), ("stopped", before + 1), "{leg:?}");
        clock.advance(30 * DAY);
        rig.run(leg).await;
        assert_eq!((status().as_str(), writes()), ("stopped", before + 1), "{leg:?}");
        rig.run(Leg::Everything).await;
        assert_eq!(writes(), before + 1);
        rig.compare();
        rig.simulator.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_deleted_before_its_course_ends_is_not_asked_for_again() {
    let clock = SetClock::default();
    let rig = rig(Options { clock: Arc::new(clock.clone()), ..small() }).await;
    let order = rig.simulator.truth().entries(Kind::Medications).next().unwrap().id;
    assert!(rig.simulator.edit(Kind::Medications, order, |body| {
        body.insert("thread".to_owned(), json!({ "id": 7, "is_permanent": false, "dc_date": "2026-03-11" }));
    }));
    rig.run(Leg::Everything).await;
    assert!(rig.simulator.delete(Kind::Medications, order));
    clock.advance(60);
    rig.run(Leg::Everything).await;
    clock.advance(20 * DAY);
    let asked =
        || rig.simulator.counts().iter().filter(|count| count.status == 410).map(|count| count.times).sum::<u64>();
    let before = asked();
    rig.run(Leg::Changes).await;
    assert_eq!((asked(), rig.sync().letters_open().unwrap()), (before, 0));
    rig.simulator.stop().await;
}
