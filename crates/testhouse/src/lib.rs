//! A clinic inside the process of a test: a real store in a folder, real keys, one person per role, and connections that need no
//! other system. What speaks HTTP is put on top by the test.
//!
//! Fails by panicking, as tests do. Never a dependency of anything but tests (`cargo xtask check`).

#![expect(clippy::unwrap_used, reason = "a test kit fails by panicking")]

mod connections;

pub use connections::{LETTER, NORTH, PlannedConnections};

use aceso_audit::{LoggedEntry, Origin, Sequencer};
use aceso_base::{Clock, LogicalId, Randomness, Region, Role, RoleSet, TenantId, UserId};
use aceso_custodian::{Custodian, Parts, Plan, prepare};
use aceso_identity::{
    Actor, ClientKind, DocumentSeal, Identity, IdentityConfig, NewClient, NewPerson, PasswordHashing, SealError,
    Secret, SigningKeys, Ttl,
};
use aceso_kms::LocalProvider;
use aceso_policy::Engine;
use aceso_repository::{Repository, Settings};
use aceso_store::Store;
use aceso_store_sqlite::{Options, SqliteStore};
use aceso_testkit::{PlannedRandomness, SetClock};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use zeroize::Zeroizing;

/// Where the clinic is reached.
pub const URL: &str = "https://aceso.example";
/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";
/// The OAuth client of people.
pub const CONSOLE: &str = "console";
/// A service that may write.
pub const FEED: &str = "lab-feed";
/// The patient whose own record it is.
pub const ANNA: &str = "057aa36e-b892-4964-b5b9-ffb46b097e34";
/// Somebody else.
pub const BERTA: &str = "9b1c2d3e-4f50-4a61-8b72-c3d4e5f60718";

static KEY: LazyLock<Zeroizing<Vec<u8>>> = LazyLock::new(|| SigningKeys::generate().unwrap());
static NEXT: AtomicU32 = AtomicU32::new(0);

/// What a test decides about its house.
#[derive(Debug, Clone)]
pub struct Plans {
    /// Limits and pages of the FHIR interactions.
    pub settings: Settings,
    /// Life of an access token, in seconds.
    pub access_seconds: i64,
}

/// The house.
pub struct House {
    /// FHIR interactions, and behind them the door.
    pub repository: Repository,
    /// People and clients.
    pub identity: Arc<Identity>,
    /// The time, which the test sets.
    pub clock: SetClock,
    /// Randomness that is the same in every run.
    pub rng: Arc<dyn Randomness>,
    /// Connections that are there for a test.
    pub connections: Arc<PlannedConnections>,
    /// The secret of [`FEED`].
    pub feed_secret: Secret,
    // Last, so that the store is closed before its folder goes.
    _dir: TestDir,
}

impl House {
    /// Nothing in it but people.
    pub async fn open(plans: Plans) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = TestDir::new(number);
        let clock = SetClock::default();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let rng: Arc<dyn Randomness> = Arc::new(PlannedRandomness::seeded(u64::from(number)));
        let door = door(&dir.0, &shared, &rng).await;
        let identity = Arc::new(identity(&door, plans.access_seconds, &shared, &rng));
        let feed_secret = people(&identity).await;
        let repository = Repository::new(door, plans.settings, Arc::clone(&rng));
        let connections = Arc::new(PlannedConnections::new(tenant(), shared));
        Self { repository, identity, clock, rng, connections, feed_secret, _dir: dir }
    }

    /// How many entries the log has.
    #[must_use]
    pub fn log_size(&self) -> u64 {
        self.repository.door().store().log().size().unwrap()
    }

    /// The entries from this one on.
    #[must_use]
    pub fn log_since(&self, from: u64) -> Vec<LoggedEntry> {
        self.repository.door().log_entries(from..self.log_size()).unwrap()
    }
}

/// Whose house it is.
#[must_use]
pub fn tenant() -> TenantId {
    TenantId::parse("clinic").unwrap()
}

/// Where it is.
#[must_use]
pub fn region() -> Region {
    Region::parse("us").unwrap()
}

struct TestDir(PathBuf);

impl TestDir {
    fn new(number: u32) -> Self {
        let path = std::env::temp_dir().join(format!("aceso-house-{}-{number}", std::process::id()));
        std::fs::create_dir_all(path.join("data")).unwrap();
        Self(path)
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

struct Sealed(Custodian);

impl DocumentSeal for Sealed {
    fn seal(&self, space: &str, key: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal_document(space, key, plain).map_err(|_| SealError)
    }

    fn open(&self, space: &str, key: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.0.open_document(space, key, sealed.to_vec()).map_err(|_| SealError)
    }
}

async fn door(dir: &Path, clock: &Arc<dyn Clock>, rng: &Arc<dyn Randomness>) -> Custodian {
    let provider = Arc::new(LocalProvider::create(&dir.join("root.key"), &dir.join("data"), &**rng).unwrap());
    let path = dir.join("data").join("records.db");
    let found = SqliteStore::inspect(&path, clock.now()).unwrap();
    let prepared = prepare(&found, &*provider, &region(), &**clock, &**rng).unwrap();
    let origin = Origin::parse("aceso.example/us").unwrap();
    let sequencer = Sequencer::create(&prepared.log_keys, &origin).unwrap();
    let options = Options { disk_reserve: 0, ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::start(&path, sequencer, Arc::clone(clock), options).unwrap());
    let parts = Parts {
        store,
        provider,
        engine: Arc::new(Engine::load().unwrap().serving(region())),
        region: region(),
        clock: Arc::clone(clock),
        rng: Arc::clone(rng),
        search_budget: Duration::from_secs(10),
        plan: Plan::for_population(1000),
        origin,
        cached_subjects: 64,
        opened_search_bytes: 1 << 20,
        shared: None,
    };
    let door = Custodian::open(prepared, parts).await.unwrap();
    door.ensure_tenant(&tenant()).await.unwrap();
    door
}

fn identity(door: &Custodian, access: i64, clock: &Arc<dyn Clock>, rng: &Arc<dyn Randomness>) -> Identity {
    let config = IdentityConfig {
        ttl: Ttl { access, refresh_idle: 7200, refresh_absolute: 86_400 },
        hashing: PasswordHashing { memory_kib: 64, passes: 1, ..PasswordHashing::default() },
        ..IdentityConfig::new(URL, &format!("{URL}/fhir/R4"), region())
    };
    let seal = Arc::new(Sealed(door.clone()));
    let signing = SigningKeys::new(&KEY).unwrap();
    Identity::open(Arc::clone(door.store()), seal, config, signing, Arc::clone(clock), Arc::clone(rng)).unwrap()
}

/// One person per role, named like it; the console; one service, whose secret comes back.
async fn people(identity: &Identity) -> Secret {
    let console = NewClient {
        id: UserId::parse(CONSOLE).unwrap(),
        kind: ClientKind::Console,
        tenant: None,
        roles: RoleSet::NONE,
        scopes: vec!["fhir".to_owned()],
    };
    identity.add_client(Actor::Installation, console).await.unwrap();
    let feed = NewClient {
        id: UserId::parse(FEED).unwrap(),
        kind: ClientKind::Service,
        tenant: Some(tenant()),
        roles: RoleSet::NONE.with(Role::Integration),
        scopes: vec!["system/*.c".to_owned()],
    };
    let (_, secret) = identity.add_client(Actor::Installation, feed).await.unwrap();
    for role in Role::ALL {
        let person = NewPerson {
            username: role.as_str().to_owned(),
            tenant: tenant(),
            roles: RoleSet::NONE.with(*role),
            own_patient: (*role == Role::Patient).then(|| LogicalId::parse(ANNA).unwrap()),
            password: Some(Secret::from(PASSWORD.to_owned())),
        };
        identity.add_person(Actor::Installation, person).await.unwrap();
    }
    secret.unwrap()
}
