//! A fake, a place for its records, and a sync between them.

use crate::expected::expected;
use crate::fakes::Fake;
use crate::fakes::keys::Pair;
use crate::fakes::quirks::Quirks;
use crate::place::{NoVault, Place};
use aceso_base::{Clock, SystemClock};
use aceso_connect::http::{Bounds, Http};
use aceso_connect::keeper::{Algorithm, Credentials, Keeper, Proof};
use aceso_connect::limiter::{Budget, Limiter};
use aceso_connect::pattern::ConnectionId;
use aceso_connect::source::Source;
use aceso_connect::sync::{Leg, RunError, Sync};
use aceso_connect::{usual_scopes, usual_token_address, vendor_named};
use aceso_testkit::PlannedRandomness;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) struct Rig {
    pub(crate) fake: Fake,
    pub(crate) place: Arc<Place>,
    pub(crate) profile: &'static str,
    pub(crate) base: String,
    pub(crate) key: &'static Pair,
    options: Vec<(String, String)>,
    starts: AtomicU64,
}

impl Rig {
    /// A connection to a fake by the profile of its name.
    pub(crate) async fn new(quirks: Quirks, algorithm: Algorithm, options: &[(&str, &str)]) -> Self {
        let key = Pair::of(algorithm);
        let fake = Fake::start(quirks, key).await;
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let base = fake.base.clone();
        let starts = AtomicU64::new(1);
        Self { fake, place: Arc::new(Place::new()), profile: quirks.name, base, key, options, starts }
    }

    /// A sync as after a start of the process: it knows what the place knows.
    pub(crate) fn sync(&self) -> Sync {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        // Ids of assertions are not those of an earlier start.
        let rng = Arc::new(PlannedRandomness::seeded(self.starts.fetch_add(1, Ordering::SeqCst)));
        let http = Http::new(Bounds { time: Duration::from_secs(5), body: 8 << 20 }).unwrap();
        let keeper = Keeper::new(http, Arc::new(NoVault), Arc::clone(&clock), Arc::clone(&rng) as Arc<_>);
        let credentials = Credentials {
            token_address: usual_token_address(self.profile, &self.base).unwrap(),
            client_id: "aceso".to_owned(),
            scopes: usual_scopes(self.profile, &self.options).unwrap(),
            proof: Proof::Assertion(Arc::new(self.key.assertion())),
        };
        let vendor = vendor_named(self.profile, &self.base, &self.options).unwrap();
        assert!(vendor.takes_proof(credentials.proof.algorithm()));
        keeper.register("clinic", &self.base, credentials);
        let budget = Budget { concurrency: 8, per_second: 0, longest_pause: Duration::from_millis(200) };
        let published = vendor.capabilities().limits.requests_per_minute;
        let limiter = Limiter::with_minute(budget, published, rng);
        let source = Source::new(vendor, ConnectionId::parse("clinic").unwrap(), &self.base, keeper, limiter);
        Sync::new(source, Arc::clone(&self.place) as Arc<_>, clock)
    }

    pub(crate) async fn run(&self, leg: Leg) {
        self.sync().run(leg, &|_| {}).await.unwrap();
    }

    pub(crate) async fn try_run(&self, leg: Leg) -> Result<(), RunError> {
        self.sync().run(leg, &|_| {}).await
    }

    /// Whether the place holds exactly what the source does, each resource as it has to be here, with its Provenance.
    pub(crate) fn compare(&self) {
        let wanted = expected(&self.fake.truth(), &*self.place, self.profile, &self.base);
        let held = self.place.state.lock().unwrap().records.clone();
        let (provenances, found): (Vec<_>, Vec<_>) =
            held.iter().partition(|(_, value)| value["resourceType"] == "Provenance");
        for (name, value) in &wanted {
            match found.iter().find(|(other, _)| *other == name) {
                Some((_, record)) => assert_eq!(*record, value, "{name}"),
                None => panic!("{name} is not here: {value}"),
            }
        }
        let surplus: Vec<_> = found.iter().map(|(name, _)| name).filter(|name| !wanted.contains_key(**name)).collect();
        assert!(surplus.is_empty(), "{surplus:?}");
        assert!(wanted.len() > 20, "too little to compare");
        for (name, _) in &found {
            let of = |(_, value): &&(&String, &Value)| value["target"][0]["reference"] == name.as_str();
            assert_eq!(provenances.iter().filter(of).count(), 1, "{name}");
        }
        assert_eq!(provenances.len(), found.len());
    }

    /// How often something was put since the beginning.
    pub(crate) fn writes(&self) -> u64 {
        self.place.writes.load(Ordering::SeqCst)
    }

    /// The record that a resource of the source became.
    pub(crate) fn record(&self, kind: &str, id: &str) -> Option<Value> {
        let name = format!("{kind}/{}", crate::expected::minted(&*self.place, kind, id));
        self.place.state.lock().unwrap().records.get(&name).cloned()
    }
}
