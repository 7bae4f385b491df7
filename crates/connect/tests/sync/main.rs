//! Sync jobs against the simulated EHR, over real HTTP: whatever goes wrong on the way, the end is what the source holds.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod course;
mod place;

use aceso_base::Clock;
use aceso_connect::elation::{CAPABILITIES, Elation};
use aceso_connect::http::{Bounds, Http};
use aceso_connect::keeper::{Credentials, Keeper, Proof};
use aceso_connect::limiter::{Budget, Limiter};
use aceso_connect::pattern::{ConnectionId, MapContext, ResourceCapability};
use aceso_connect::source::Source;
use aceso_connect::sync::{Delivery, Leg, Retried, Sync};
use aceso_connect::vendor::Vendor;
use aceso_emr_sim::{Fault, FaultPlan, Kind, Options, Simulator, WebhookPlan};
use aceso_testkit::{PlannedRandomness, SetClock};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use place::{NoVault, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::Zeroizing;

pub(crate) struct Rig {
    pub(crate) simulator: Simulator,
    pub(crate) place: Arc<Place>,
    clock: Arc<dyn Clock>,
}

/// A source, and a place for its records; both go by the clock of the source.
pub(crate) async fn rig(options: Options) -> Rig {
    let clock = Arc::clone(&options.clock);
    Rig { simulator: Simulator::start(options).await.unwrap(), place: Arc::new(Place::new()), clock }
}

impl Rig {
    /// A sync as after a start of the process: it knows what the place knows.
    pub(crate) fn sync(&self) -> Sync {
        let clock = Arc::clone(&self.clock);
        let rng = Arc::new(PlannedRandomness::seeded(3));
        let http = Http::new(Bounds { time: Duration::from_secs(5), body: 8 << 20 }).unwrap();
        let keeper = Keeper::new(http, Arc::new(NoVault), Arc::clone(&clock), Arc::clone(&rng) as Arc<_>);
        let base = self.simulator.base_url();
        let credentials = self.simulator.credentials();
        keeper.register(
            "clinic",
            &base,
            Credentials {
                token_address: format!("{base}/oauth2/token/"),
                client_id: credentials.client_id.clone(),
                scopes: Vec::new(),
                proof: Proof::Secret(Zeroizing::new(credentials.client_secret.clone())),
            },
        );
        let budget = Budget { concurrency: 8, per_second: 0, longest_pause: Duration::from_millis(200) };
        let id = ConnectionId::parse("clinic").unwrap();
        let source = Source::new(Arc::new(Elation), id, &base, keeper, Limiter::new(budget, rng));
        Sync::new(source, Arc::clone(&self.place) as Arc<_>, clock)
    }

    pub(crate) async fn run(&self, leg: Leg) {
        let sync = self.sync();
        sync.run(leg, &|_| {}).await.unwrap();
        assert_eq!(sync.letters_open().unwrap(), sync.letters(None, 1000).unwrap().len() as u64);
    }

    /// What the place must hold: the mapping of everything that the source holds and has not deleted.
    fn expected(&self, gone_too: bool, of: fn(&ResourceCapability) -> bool) -> BTreeMap<String, Value> {
        let truth = self.simulator.truth();
        let held = self.place.state.lock().unwrap();
        let known = |rtype: aceso_fhir::definitions::ResourceType, id: &aceso_base::LogicalId| {
            let name = format!("{}/{id}", rtype.name());
            if gone_too { held.versions.contains_key(&name) } else { held.records.contains_key(&name) }
        };
        let connection = ConnectionId::parse("clinic").unwrap();
        let context =
            MapContext { connection: &connection, ids: &*self.place, received: self.clock.now(), is_known: &known };
        let mut expected = BTreeMap::new();
        for resource in CAPABILITIES.resources.iter().filter(|resource| of(resource)) {
            let Some(kind) = Kind::from_path(resource.kind) else { continue };
            for entry in truth.entries(kind).filter(|entry| !entry.deleted) {
                let body = truth.body(kind, entry.id).unwrap().to_string();
                let mapped = Elation.map(resource.kind, body.as_bytes(), &context);
                let mapped = mapped.unwrap_or_else(|error| panic!("{} {error}", resource.kind));
                assert!(mapped.unknown.is_empty(), "no table knows {:?}", mapped.unknown);
                for record in mapped.records {
                    let value: Value = serde_json::from_slice(&record.json).unwrap();
                    expected.insert(format!("{}/{}", record.rtype.name(), record.id), value);
                }
            }
        }
        expected
    }

    pub(crate) fn compare(&self) {
        let surplus = self.compare_of(|_| true);
        assert!(surplus.is_empty(), "surplus {surplus:?}");
    }

    /// Compares what objects of some kinds became, and gives what else is there.
    fn compare_of(&self, of: fn(&ResourceCapability) -> bool) -> Vec<String> {
        let mut expected = self.expected(false, of);
        // A reference to what was there when it was written and has gone since.
        let mut earlier = self.expected(true, of);
        let mut found = self.place.state.lock().unwrap().records.clone();
        for value in expected.values_mut().chain(earlier.values_mut()).chain(found.values_mut()) {
            if value["resourceType"] == "Provenance" {
                value["recorded"] = Value::Null;
            }
        }
        let missing: Vec<_> = expected.keys().filter(|key| !found.contains_key(*key)).collect();
        let surplus = found.keys().filter(|key| !expected.contains_key(*key)).cloned().collect();
        let different: Vec<_> = expected
            .iter()
            .filter(|(key, value)| found.get(*key).is_some_and(|f| f != *value && f != &earlier[*key]))
            .collect();
        assert!(missing.is_empty(), "missing {missing:?}");
        if let Some((key, wanted)) = different.first() {
            panic!("{} differ, the first {key}:\n{wanted}\n{}", different.len(), found[*key]);
        }
        assert!(expected.len() > 100, "too little to compare");
        surplus
    }
}

pub(crate) fn small() -> Options {
    Options { patients: 12, ..Options::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_run_brings_everything_and_the_next_writes_nothing() {
    let rig = rig(small()).await;
    rig.run(Leg::Changes).await;
    rig.compare();
    let writes = rig.place.writes.load(Ordering::SeqCst);
    rig.run(Leg::Everything).await;
    rig.run(Leg::Changes).await;
    assert_eq!(rig.place.writes.load(Ordering::SeqCst), writes);
    let versions = rig.place.state.lock().unwrap().versions.clone();
    assert!(versions.values().all(|times| *times == 1), "a record was written twice");
    rig.simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_deletions_and_merges_at_the_source_arrive() {
    let rig = rig(small()).await;
    rig.run(Leg::Changes).await;
    for _ in 0..5 {
        rig.simulator.change(40);
        rig.run(Leg::Everything).await;
        rig.compare();
    }
    rig.simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_is_undone_is_undone_here_and_records_of_others_stay() {
    let clock = SetClock::default();
    let rig = rig(Options { clock: Arc::new(clock.clone()), ..small() }).await;
    let foreign = "Condition/of-somebody-else".to_owned();
    rig.place.state.lock().unwrap().records.insert(foreign.clone(), Value::Null);
    rig.run(Leg::Changes).await;
    let held = || rig.place.state.lock().unwrap().records.len();
    let before = held();
    let truth = rig.simulator.truth();
    let patient = truth.entries(Kind::Patients).next().unwrap().id;
    for kind in Kind::ALL.into_iter().rev() {
        for entry in truth.entries(kind).filter(|entry| entry.patient == Some(patient)) {
            assert!(rig.simulator.delete(kind, entry.id));
        }
    }
    clock.advance(60);
    rig.run(Leg::Everything).await;
    assert_eq!(rig.compare_of(|_| true), std::slice::from_ref(&foreign));
    assert!(held() + 20 < before, "nothing was deleted");
    assert!(rig.simulator.restore(Kind::Patients, patient));
    clock.advance(60);
    rig.run(Leg::Everything).await;
    assert_eq!(rig.compare_of(|_| true), [foreign]);
    assert_eq!((held(), rig.sync().letters_open().unwrap()), (before, 0));
    rig.simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_found_is_gone_only_where_the_source_has_no_other_way_to_say_so() {
    let rig = rig(small()).await;
    rig.run(Leg::Changes).await;
    for kind in [Kind::PrescriptionFills, Kind::Problems] {
        let id = rig.simulator.truth().entries(kind).next().unwrap().id;
        assert!(rig.simulator.delete(kind, id));
        rig.simulator.faults().script(&format!("/{}/{id}/", kind.path()), [Fault::Error { status: 404 }]);
    }
    rig.run(Leg::Everything).await;
    let letters = rig.sync().letters(None, 10).unwrap();
    let found: Vec<_> = letters.iter().map(|(_, letter)| (letter.kind.as_str(), letter.reason.as_str())).collect();
    assert_eq!(found, [("problems", "not-found")]);
    // Now it answers that the object is gone.
    rig.run(Leg::Everything).await;
    assert_eq!(rig.sync().letters_open().unwrap(), 0);
    rig.compare();
    rig.simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_the_source_stand_in_no_key() {
    let rig = rig(small()).await;
    rig.run(Leg::Changes).await;
    let truth = rig.simulator.truth();
    let ids: Vec<String> = [Kind::Patients, Kind::Reports]
        .iter()
        .flat_map(|kind| truth.entries(*kind))
        .map(|e| e.id.to_string())
        .collect();
    let keys = rig.place.keys();
    assert!(keys.len() > 100);
    assert!(keys.iter().all(|key| ids.iter().all(|id| !key.contains(id.as_str()))));
    rig.simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_all_faults_and_killed_again_and_again_the_end_is_what_the_source_holds() {
    let rig = rig(Options { faults: FaultPlan::everything(), ..small() }).await;
    for kill in 0..40_u64 {
        rig.simulator.change(3);
        let sync = rig.sync();
        let leg = if kill % 3 == 0 { Leg::Everything } else { Leg::Changes };
        let run = tokio::spawn(async move { sync.run(leg, &|_| {}).await });
        tokio::time::sleep(Duration::from_millis(5 + (kill * 37) % 230)).await;
        // The task is gone in the middle of whatever it did, like a process that is killed.
        run.abort();
        let _ = run.await;
    }
    let mut done = false;
    for _ in 0..60 {
        done = rig.sync().run(Leg::Everything, &|_| {}).await.is_ok();
        if done {
            break;
        }
    }
    assert!(done, "no run came to its end");
    rig.simulator.faults().heal();
    rig.run(Leg::Everything).await;
    rig.compare();
    rig.simulator.stop().await;
}

async fn hook(State(sync): State<Sync>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match sync.deliver(&headers, &body).await {
        Ok(Delivery::Taken | Delivery::Known | Delivery::Ignored) => StatusCode::OK,
        Ok(Delivery::Refused(_)) => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_bring_changes_and_forged_ones_change_nothing() {
    let mut options = small();
    options.retry.first_seconds = 1;
    let rig = rig(options).await;
    rig.run(Leg::Changes).await;
    let sync = rig.sync();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/hooks/clinic", listener.local_addr().unwrap());
    let app = Router::new().route("/hooks/clinic", post(hook)).with_state(sync.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    sync.subscribe(&target).await.unwrap();
    rig.simulator.change(30);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        sync.drain().await.unwrap();
        if rig.simulator.deliveries().iter().all(|delivery| delivery.status == Some(200)) {
            break;
        }
    }
    sync.drain().await.unwrap();
    assert!(sync.tally().webhooks.load(Ordering::SeqCst) > 0);
    rig.compare_of(|resource| resource.webhook);

    let writes = rig.place.writes.load(Ordering::SeqCst);
    let plan = WebhookPlan { wrong_key: 0.5, tamper: 1.0, ..WebhookPlan::default() };
    rig.simulator.faults().set_plan(FaultPlan { webhooks: plan, ..FaultPlan::default() });
    rig.simulator.change(5);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(sync.tally().refused_webhooks.load(Ordering::SeqCst) > 0);
    assert_eq!(sync.drain().await.unwrap(), 0);
    assert_eq!(rig.place.writes.load(Ordering::SeqCst), writes);
    rig.simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_is_a_letter_until_it_can() {
    let rig = rig(small()).await;
    rig.run(Leg::Changes).await;
    let problem = rig.simulator.truth().entries(Kind::Problems).find(|entry| !entry.deleted).unwrap().id;
    rig.simulator.edit(Kind::Problems, problem, |body| {
        body.insert("patient".to_owned(), Value::from(1));
    });
    rig.run(Leg::Everything).await;
    let sync = rig.sync();
    let letters = sync.letters(None, 10).unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let (name, letter) = &letters[0];
    assert_eq!((letter.kind.as_str(), letter.reason.as_str()), ("problems", "unknown-patient"));
    assert_eq!(letter.place.as_deref(), Some("patient"));
    assert_eq!(sync.retry_letter(name).await.unwrap(), Retried::Still);
    assert_eq!(sync.letters(None, 10).unwrap()[0].1.tries, letter.tries + 1);
    let patient = rig.simulator.truth().entries(Kind::Patients).find(|entry| !entry.deleted).unwrap().id;
    rig.simulator.edit(Kind::Problems, problem, |body| {
        body.insert("patient".to_owned(), Value::from(patient));
    });
    assert_eq!(sync.retry_letter(name).await.unwrap(), Retried::Taken);
    assert!(sync.letters(None, 10).unwrap().is_empty());
    assert_eq!(sync.retry_letter(name).await.unwrap(), Retried::NoLetter);
    rig.compare();
    rig.simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_down_ends_the_run_and_nothing_is_lost() {
    let rig = rig(small()).await;
    rig.place.down.store(true, Ordering::SeqCst);
    assert_eq!(rig.sync().run(Leg::Changes, &|_| {}).await.unwrap_err().code(), "store-unavailable");
    rig.place.down.store(false, Ordering::SeqCst);
    rig.run(Leg::Changes).await;
    rig.compare();
    rig.simulator.stop().await;
}
