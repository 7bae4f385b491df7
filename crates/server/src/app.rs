//! The wiring: from a configuration to a running door. The one place that knows every room.

use crate::config::{Config, Problem, RootKey};
use crate::exit::Failure;
use crate::ops::{Readiness, ReadyCheck};
use aceso_audit::{Action, Entry, Origin, Sequencer};
use aceso_base::{Caller, Clock, Purpose, Randomness, Role, RoleSet, SystemClock, TenantId, UserId};
use aceso_connect::admin::By;
use aceso_console::{Check, Health};
use aceso_custodian::{BootError, Custodian, KeyProvider, Parts, Plan, SystemRandomness, prepare};
use aceso_identity::{
    Actor, ClientKind, DocumentSeal, Identity, IdentityConfig, NewClient, SealError, SigningKeys, Ttl,
};
use aceso_kms::{EnvProvider, LocalProvider};
use aceso_policy::Engine;
use aceso_repository::{Repository, Settings};
use aceso_store::{Store, Unit};
use aceso_store_sqlite::{Options, SqliteStore};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The parts of a running process.
#[derive(Clone)]
pub struct App {
    /// The configuration.
    pub config: Arc<Config>,
    /// FHIR interactions, and behind them the door.
    pub repository: Repository,
    /// People, clients, tokens.
    pub identity: Arc<Identity>,
    /// The store, for health.
    pub store: Arc<SqliteStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Randomness>,
}

/// The OAuth client of the console and the demo: public, signs people in by password.
pub const CONSOLE_CLIENT: &str = "console";
const SIGNING_KEY: &str = "token-signing";
/// Where the FHIR endpoint is below the public URL.
pub const FHIR_PATH: &str = "/fhir/R4";

impl App {
    /// Opens the data directory (made when it is not there) and everything on it.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] with a remedy, [`Failure::Configuration`] for keys that cannot be used.
    pub async fn open(config: Config) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let rng: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        make_data_dir(&config.data_dir)?;
        let definitions = crate::packages::in_force(&config).map_err(Failure::Configuration)?;
        let provider = key_provider(&config, &*rng)?;
        let origin = Origin::parse(&config.audit_origin).map_err(|_| problem("audit.origin", "not a log name"))?;
        let path = database(&config.data_dir);
        let (prepared, sequencer) = prepare_log(&config, &path, &*provider, &origin, &*clock, &*rng)?;
        let options = Options { disk_reserve: config.reserve_bytes, ..Options::default() };
        let store =
            SqliteStore::start(&path, sequencer, Arc::clone(&clock), options).map_err(|error| store_failure(&error))?;
        let store = Arc::new(store);
        let engine = Engine::load().map_err(|_| unreachable("the policies", "this build's policies do not load"))?;
        let parts = Parts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            provider,
            engine: Arc::new(engine.serving(config.region.clone())),
            region: config.region.clone(),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            search_budget: config.limits.scan,
            plan: Plan::for_population(config.population),
            origin,
            cached_subjects: (config.limits.cache_bytes / SUBJECT_BYTES).max(16),
            opened_search_bytes: config.limits.search_cache_bytes,
            shared: crate::cache::open(&config)?,
        };
        let door = Custodian::open(prepared, parts).await.map_err(boot_failure)?;
        tell_start(&door);
        door.check_index_plan(config.population).await.map_err(boot_failure)?;
        for tenant in &config.tenants {
            door.ensure_tenant(tenant).await.map_err(boot_failure)?;
        }
        let identity = Arc::new(open_identity(&config, &door, &store, &clock, &rng).await?);
        let settings = Settings {
            base_url: format!("{}{FHIR_PATH}", config.public_url),
            body_bytes: config.limits.body_bytes,
            json_depth: config.limits.json_depth,
            default_page: 50,
            max_page: config.limits.page_entries as usize,
        };
        let repository = Repository::new(door, settings, Arc::clone(&rng)).with_definitions(definitions);
        Ok(Self { config: Arc::new(config), repository, identity, store, clock, rng })
    }

    /// The door.
    #[must_use]
    pub fn door(&self) -> &Custodian {
        self.repository.door()
    }

    /// Puts an event of the system itself into the log.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when it cannot be made durable.
    pub async fn note(&self, action: Action) -> Result<(), Failure> {
        self.record(Entry::system(&self.config.region, action)).await
    }

    /// Puts an order about the system into the log, where the door has not done so already: `what` is a fixed word.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when it cannot be made durable.
    pub async fn note_order(&self, by: &By, action: Action, what: &'static str) -> Result<(), Failure> {
        match by {
            By::Machine => self.record(self.order_by(by, action).with_detail(what)).await,
            // The door has admitted him to this order, and that is an entry.
            By::Caller(_) => Ok(()),
        }
    }

    /// The beginning of an entry about an order.
    pub(crate) fn order_by(&self, by: &By, action: Action) -> Entry {
        match by {
            By::Machine => Entry::system(&self.config.region, action).with_user(&local_operator()),
            By::Caller(caller) => Entry::by(caller, action),
        }
    }

    async fn record(&self, entry: Entry) -> Result<(), Failure> {
        let unit = Unit { entries: vec![entry], ..Unit::default() };
        self.store.commit(unit).await.map(|_| ()).map_err(|error| log_failure(&error))
    }

    /// A caller for work that an operator starts on this machine.
    #[must_use]
    pub fn local_caller(&self, tenant: &TenantId, role: Role, purpose: Purpose) -> Caller {
        Caller {
            tenant: tenant.clone(),
            region: self.config.region.clone(),
            user: local_operator(),
            client: local_operator(),
            session: self.rng.token16(),
            roles: RoleSet::NONE.with(role),
            own_patient: None,
            purpose,
            request: self.rng.token16(),
        }
    }
}

/// What an opened patient key takes in memory, roughly.
const SUBJECT_BYTES: usize = 4096;

/// Who acts when a command is run on the machine itself.
#[must_use]
#[expect(clippy::expect_used, reason = "a constant of the right form")]
pub fn local_operator() -> UserId {
    UserId::parse("local-operator").expect("a constant of the right form")
}

/// The database file.
#[must_use]
pub fn database(data_dir: &Path) -> PathBuf {
    data_dir.join("records.db")
}

fn make_data_dir(path: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| {
        unreachable("the data directory", format!("cannot be made ({:?}); see store.dir", error.kind()))
    })?;
    let mode = std::fs::metadata(path).map(|meta| meta.permissions().mode());
    match mode {
        Ok(mode) if mode & 0o077 == 0 => Ok(()),
        Ok(_) => Err(unreachable("the data directory", "others may look into it; run: chmod 700 on store.dir")),
        Err(error) => Err(unreachable("the data directory", format!("cannot be read ({:?})", error.kind()))),
    }
}

fn key_provider(config: &Config, rng: &dyn Randomness) -> Result<Arc<dyn KeyProvider>, Failure> {
    match &config.root_key {
        RootKey::Local(file) => {
            let fresh = !file.exists() && !database(&config.data_dir).exists();
            let provider = if fresh {
                LocalProvider::create(file, &config.data_dir, rng)
            } else {
                LocalProvider::open(file, &config.data_dir)
            };
            Ok(Arc::new(provider.map_err(|error| problem("keys.file", error.to_string()))?))
        }
        RootKey::Env(secret) => {
            let bytes = secret.read().map_err(|error| problem("keys.key", error.to_string()))?;
            let text = std::str::from_utf8(&bytes).map_err(|_| problem("keys.key", "it is not text"))?;
            Ok(Arc::new(EnvProvider::new(text.trim()).map_err(|error| problem("keys.key", error.to_string()))?))
        }
    }
}

fn prepare_log(
    config: &Config,
    path: &Path,
    provider: &dyn KeyProvider,
    origin: &Origin,
    clock: &dyn Clock,
    rng: &dyn Randomness,
) -> Result<(aceso_custodian::Prepared, Sequencer), Failure> {
    let found = SqliteStore::inspect(path, clock.now()).map_err(|error| store_failure(&error))?;
    let prepared = prepare(&found, provider, &config.region, clock, rng).map_err(boot_failure)?;
    let damaged = |error: String| unreachable("the audit log", format!("cannot be continued: {error}"));
    let sequencer = match found.log_state() {
        None => Sequencer::create(&prepared.log_keys, origin).map_err(|error| damaged(error.to_string()))?,
        Some(state) => Sequencer::resume(&prepared.log_keys, origin, state, found.log())
            .map_err(|error| damaged(error.to_string()))?,
    };
    Ok((prepared, sequencer))
}

async fn open_identity(
    config: &Config,
    door: &Custodian,
    store: &Arc<SqliteStore>,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Randomness>,
) -> Result<Identity, Failure> {
    let broken = |what: &'static str| unreachable("the token service", what);
    let pkcs8 = match door.secret(SIGNING_KEY).map_err(boot_failure)? {
        Some(key) => key,
        None => {
            let fresh = tokio::task::spawn_blocking(SigningKeys::generate).await;
            let fresh = fresh.map_err(|_| broken("the key could not be made"))?;
            let fresh = fresh.map_err(|_| broken("the key could not be made"))?;
            door.add_secret(SIGNING_KEY, &fresh).await.map_err(boot_failure)?;
            fresh
        }
    };
    let signing = SigningKeys::new(&pkcs8).map_err(|_| broken("the stored signing key cannot be used"))?;
    let audience = format!("{}{FHIR_PATH}", config.public_url);
    let idle = i64::try_from(config.refresh_token.as_secs()).unwrap_or(i64::MAX);
    let settings = IdentityConfig {
        ttl: Ttl {
            access: i64::try_from(config.access_token.as_secs()).unwrap_or(i64::MAX),
            refresh_idle: idle,
            refresh_absolute: idle.saturating_mul(3),
        },
        ..IdentityConfig::new(&config.public_url, &audience, config.region.clone())
    };
    let seal = Arc::new(SealedAccounts(door.clone()));
    let store = Arc::clone(store) as Arc<dyn Store>;
    let identity = Identity::open(store, seal, settings, signing, Arc::clone(clock), Arc::clone(rng))
        .map_err(|error| unreachable("the token service", error.to_string()))?;
    ensure_console(&identity).await?;
    Ok(identity)
}

async fn ensure_console(identity: &Identity) -> Result<(), Failure> {
    let failed = |error: aceso_identity::IdentityError| unreachable("the token service", error.to_string());
    let id = UserId::parse(CONSOLE_CLIENT).map_err(|_| unreachable("the token service", "bad client id"))?;
    if identity.clients(Actor::Installation).map_err(failed)?.iter().any(|client| client.id == id) {
        return Ok(());
    }
    let console = NewClient {
        id,
        kind: ClientKind::Console,
        tenant: None,
        roles: RoleSet::NONE,
        scopes: vec!["fhir".to_owned()],
    };
    identity.add_client(Actor::Installation, console).await.map(|_| ()).map_err(failed)
}

/// Accounts are sealed by the door like everything else at rest.
struct SealedAccounts(Custodian);

impl DocumentSeal for SealedAccounts {
    fn seal(&self, space: &str, key: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal_document(space, key, plain).map_err(|_| SealError)
    }

    fn open(&self, space: &str, key: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.0.open_document(space, key, sealed.to_vec()).map_err(|_| SealError)
    }
}

impl Readiness for App {
    fn checks(&self) -> Vec<ReadyCheck> {
        let health = self.store.health();
        let store = health.failed.map_or(Ok(()), |_| Err("the last commit failed; see the log and the disk"));
        let disk = if health.disk_free >= health.disk_reserve { Ok(()) } else { Err("free some disk space") };
        vec![ReadyCheck { name: "store", state: store }, ReadyCheck { name: "disk", state: disk }]
    }
}

impl Health for App {
    fn checks(&self) -> Vec<Check> {
        Readiness::checks(self).into_iter().map(|check| Check { name: check.name, state: check.state }).collect()
    }

    fn queue_depth(&self) -> usize {
        self.store.health().queue_depth
    }

    fn disk_free(&self) -> u64 {
        self.store.health().disk_free
    }
}

fn tell_start(door: &Custodian) {
    use aceso_custodian::SnapshotUse;
    let report = door.start_report();
    let reason = report.snapshot.as_str();
    match report.snapshot {
        SnapshotUse::Used | SnapshotUse::Absent => {
            tracing::info!(reason, count = report.replayed, "the newest versions are known");
        }
        SnapshotUse::Damaged | SnapshotUse::OtherLog => {
            tracing::warn!(reason, count = report.replayed, "the whole log was read: the snapshot could not be used");
        }
    }
}

pub(crate) fn unreachable(what: &'static str, remedy: impl Into<String>) -> Failure {
    Failure::Unreachable { what, remedy: remedy.into() }
}

fn problem(at: &str, text: impl Into<String>) -> Failure {
    Failure::Configuration(vec![Problem { at: at.to_owned(), text: text.into() }])
}

fn store_failure(error: &aceso_store::StoreError) -> Failure {
    unreachable("the store", format!("{error}; run aceso doctor"))
}

fn log_failure(error: &aceso_store::CommitError) -> Failure {
    unreachable("the audit log", format!("takes no entry: {error}; run aceso doctor"))
}

fn boot_failure(error: BootError) -> Failure {
    unreachable("the data directory", error.to_string())
}
