//! The custodian itself: what it is made of.

use crate::freshness::Freshness;
use crate::keyring::Keyring;
use crate::log_index::LogIndex;
use crate::search::OpenedTypes;
use crate::shared::{SharedParts, SharedRoom};
use crate::snapshots::StartReport;
use crate::sweep::Told;
use crate::write::Turns;
use aceso_audit::{LogKeys, Origin};
use aceso_base::{Clock, Randomness, Region, Timestamp};
use aceso_policy::Engine;
use aceso_seal::KeyProvider;
use aceso_seal::index::Plan;
use aceso_store::Store;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What the door is built from; made once by the wiring.
pub struct Parts {
    /// Where sealed rows and the log live.
    pub store: Arc<dyn Store>,
    /// The service that wraps tenant keys.
    pub provider: Arc<dyn KeyProvider>,
    /// The rules.
    pub engine: Arc<Engine>,
    /// The region that this process serves.
    pub region: Region,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Randomness>,
    /// How long one search may work before it is refused as too costly.
    pub search_budget: Duration,
    /// The tenant-wide indexes that new rows get and searches use. A larger plan than the one that the rows were written under
    /// would miss them: it is chosen once, by the configured population.
    pub plan: Plan,
    /// The audit log's name, as its checkpoints carry it.
    pub origin: Origin,
    /// How many patients' opened keys are kept in memory.
    pub cached_subjects: usize,
    /// How many bytes of opened search parts are kept in memory; 0: none.
    pub opened_search_bytes: usize,
    /// A cache that other processes may share; `None`: everything is in this process.
    pub shared: Option<SharedParts>,
}

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Custodian {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) region: Region,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Randomness>,
    pub(crate) keyring: Keyring,
    pub(crate) freshness: Freshness,
    /// One snapshot at a time.
    pub(crate) snapshots: tokio::sync::Mutex<()>,
    /// The size of the log that the stored snapshot is of; 0 without one.
    pub(crate) snapshot_size: AtomicU64,
    pub(crate) started: StartReport,
    /// What did not open in the background.
    pub(crate) told: Told,
    pub(crate) log: LogSide,
    pub(crate) plan: Plan,
    pub(crate) search_budget: Duration,
    pub(crate) turns: Turns,
    pub(crate) opened: OpenedTypes,
    pub(crate) shared: Option<Arc<SharedRoom>>,
}

/// What reading the log back takes.
pub(crate) struct LogSide {
    pub(crate) keys: LogKeys,
    pub(crate) origin: Origin,
    pub(crate) index: LogIndex,
}

impl Custodian {
    pub(crate) fn assemble(
        parts: Parts,
        keyring: Keyring,
        (freshness, snapshot_size, started): (Freshness, u64, StartReport),
        log: LogSide,
    ) -> Self {
        let Parts { store, engine, region, clock, rng, search_budget, plan, opened_search_bytes, shared, .. } = parts;
        let inner = Inner {
            store,
            engine,
            region,
            clock,
            rng,
            keyring,
            freshness,
            snapshots: tokio::sync::Mutex::new(()),
            snapshot_size: AtomicU64::new(snapshot_size),
            started,
            told: Told::default(),
            log,
            plan,
            search_budget,
            turns: Turns::default(),
            opened: OpenedTypes::new(opened_search_bytes),
            shared: shared.map(|parts| Arc::new(SharedRoom::new(parts))),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store behind the door: heads, counts and health, which are no secrets; bodies stay sealed.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The rules.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The region that this process serves.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.inner.region
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}
