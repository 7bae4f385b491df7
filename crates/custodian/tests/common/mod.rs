//! A door on a real store in a folder of its own, callers of every role, and records to put behind it.
#![allow(
    dead_code,
    unused_imports,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "each test uses its part"
)]

mod records;

pub use records::{Record, awkward, synthea};

use aceso_audit::{Action, LoggedEntry, Origin, Sequencer};
use aceso_base::{
    Caller, Clock as _, LogicalId, Purpose, Randomness as _, Region, Role, RoleSet, SubjectId, TenantId, Token16,
    UserId, Version,
};
use aceso_custodian::{
    Change, Custodian, DoorError, Expected, KeyProvider, Parts, Plan, Position, SearchRequest, SearchScope, Shape,
    SharedParts, SortRule, SystemRandomness, View, Written, prepare,
};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::search::Query;
use aceso_kms::LocalProvider;
use aceso_policy::Engine;
use aceso_store_sqlite::{Options, SqliteStore};
use aceso_testkit::SetClock;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::load().unwrap().serving(region())));

const SCHEMA: &str = include_str!("../../../../policies/aceso.cedarschema");
/// The product's policies that these tests need beside their own.
const POLICIES: [(&str, &str); 4] = [
    ("bounds.cedar", include_str!("../../../../policies/bounds.cedar")),
    ("physician.cedar", include_str!("../../../../policies/physician.cedar")),
    ("patient.cedar", include_str!("../../../../policies/patient.cedar")),
    ("integration.cedar", include_str!("../../../../policies/integration.cedar")),
];

pub fn region() -> Region {
    Region::parse("us").unwrap()
}

pub fn tenant() -> TenantId {
    TenantId::parse("clinic").unwrap()
}

pub fn origin() -> Origin {
    Origin::parse("aceso.example/log").unwrap()
}

pub fn rtype(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

pub fn id(text: &str) -> LogicalId {
    LogicalId::parse(text).unwrap()
}

pub fn operator() -> UserId {
    UserId::parse("olga-operator").unwrap()
}

/// Somebody of one role, with that role's own purpose.
pub fn caller(role: Role) -> Caller {
    let roles = RoleSet::NONE.with(role);
    Caller {
        tenant: tenant(),
        region: region(),
        user: UserId::parse(&format!("a-{role}")).unwrap(),
        client: UserId::parse("test-client").unwrap(),
        session: Token16([role as u8; 16]),
        roles,
        own_patient: None,
        purpose: ENGINE.default_purpose(roles).unwrap(),
        request: Token16([7; 16]),
    }
}

pub fn with_purpose(role: Role, purpose: Purpose) -> Caller {
    Caller { purpose, ..caller(role) }
}

pub fn physician() -> Caller {
    caller(Role::Physician)
}

pub fn integration() -> Caller {
    caller(Role::Integration)
}

/// The patient himself.
pub fn patient(own: &str) -> Caller {
    Caller { own_patient: Some(id(own)), ..caller(Role::Patient) }
}

/// A folder that goes away with the test, in memory where the machine has such a place: most tests are not about the disk.
pub struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("aceso-door-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("data")).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// As many bytes of opened search parts as the product keeps by itself.
const KEPT: usize = 16 << 20;

/// A running system.
pub struct House {
    pub door: Custodian,
    pub store: Arc<SqliteStore>,
    pub clock: SetClock,
    pub plan: Plan,
    pub folder: Folder,
    /// How many bytes of opened search parts the door keeps.
    pub kept: usize,
    /// A cache that the door shares.
    pub shared: Option<SharedParts>,
}

impl House {
    pub async fn new() -> Self {
        Self::with_plan(Plan::STRICT).await
    }

    /// With the product's policies and these.
    pub async fn ruled_by(more: &[(&str, &str)]) -> Self {
        let mut files = POLICIES.to_vec();
        files.extend(more);
        let engine = Arc::new(Engine::from_text(SCHEMA, &files).unwrap().serving(region()));
        Self::of(Plan::STRICT, engine, KEPT, None).await
    }

    pub async fn with_plan(plan: Plan) -> Self {
        Self::of(plan, ENGINE.clone(), KEPT, None).await
    }

    /// A door that shares a cache with others.
    pub async fn sharing(plan: Plan, shared: SharedParts) -> Self {
        Self::of(plan, ENGINE.clone(), KEPT, Some(shared)).await
    }

    /// Another door on the same store, with the same keys: what another instance is.
    pub async fn second_door(&self) -> Custodian {
        let (provider, path) = places(&self.folder);
        let found = SqliteStore::inspect(&path, self.clock.now()).unwrap();
        let prepared = prepare(&found, &*provider, &region(), &self.clock, &SystemRandomness).unwrap();
        let parts =
            parts(&self.store, provider, &self.clock, self.plan, ENGINE.clone(), (self.kept, self.shared.clone()));
        Custodian::open(prepared, parts).await.unwrap()
    }

    /// A door that keeps at most so many bytes of opened search parts; 0: every search opens them from the disk.
    pub async fn keeping(plan: Plan, kept: usize) -> Self {
        Self::of(plan, ENGINE.clone(), kept, None).await
    }

    async fn of(plan: Plan, engine: Arc<Engine>, kept: usize, shared: Option<SharedParts>) -> Self {
        let folder = Folder::new();
        let clock = SetClock::default();
        let (store, door) = start(&folder, &clock, plan, engine, (kept, shared.clone())).await.unwrap();
        assert!(door.ensure_tenant(&tenant()).await.unwrap());
        Self { door, store, clock, plan, folder, kept, shared }
    }

    /// Lets somebody work on the database, stops and starts again.
    pub async fn restart(self, between: impl FnOnce(&rusqlite::Connection)) -> Self {
        between(&self.sql());
        self.try_restart().await.unwrap()
    }

    /// Stops and starts again, for starts that may fail.
    pub async fn try_restart(self) -> Result<Self, aceso_custodian::BootError> {
        let Self { door, store, clock, plan, folder, kept, shared } = self;
        drop(door);
        Arc::try_unwrap(store).ok().expect("nobody else holds the store").close();
        let (store, door) = start(&folder, &clock, plan, ENGINE.clone(), (kept, shared.clone())).await?;
        Ok(Self { door, store, clock, plan, folder, kept, shared })
    }

    /// Stops, lets somebody work on the folder while nothing runs, and starts again.
    pub async fn restart_on(self, between: impl FnOnce(&Path)) -> Self {
        let Self { door, store, clock, plan, folder, kept, shared } = self;
        drop(door);
        Arc::try_unwrap(store).ok().expect("nobody else holds the store").close();
        between(&folder.path().join("data/records.db"));
        let (store, door) = start(&folder, &clock, plan, ENGINE.clone(), (kept, shared.clone())).await.unwrap();
        Self { door, store, clock, plan, folder, kept, shared }
    }

    /// A second connection to the database that is running: what an attacker on the machine has.
    pub fn sql(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.folder.path().join("data/records.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }

    pub async fn put(&self, who: &Caller, body: &Value) -> Result<Written, DoorError> {
        self.put_expecting(who, body, Expected::Any).await
    }

    pub async fn put_expecting(&self, who: &Caller, body: &Value, expected: Expected) -> Result<Written, DoorError> {
        Ok(self.door.write(who, &[change(body, expected)], &[], &[]).await?.pop().unwrap())
    }

    pub async fn delete(&self, who: &Caller, kind: &str, name: &str) -> Result<Written, DoorError> {
        let change = Change::Delete { rtype: rtype(kind), id: id(name), expected: Expected::Any };
        Ok(self.door.write(who, &[change], &[], &[]).await?.pop().unwrap())
    }

    /// Puts many records in, patients first, a hundred to a unit of work.
    pub async fn load<'r>(&self, records: impl IntoIterator<Item = &'r Record>) {
        let mut records: Vec<&Record> = records.into_iter().collect();
        records.sort_by_key(|record| record.kind() != "Patient");
        for block in records.chunks(100) {
            let changes: Vec<Change> = block.iter().map(|record| change(&record.body, Expected::Any)).collect();
            self.door.write(&integration(), &changes, &[], &[]).await.unwrap();
        }
    }

    pub async fn read(&self, who: &Caller, kind: &str, name: &str) -> Result<View, DoorError> {
        Ok(self.door.read(who, rtype(kind), &id(name), None, &Shape::WHOLE).await?.0)
    }

    pub async fn vread(&self, who: &Caller, kind: &str, name: &str, version: u32) -> Result<View, DoorError> {
        Ok(self.door.read(who, rtype(kind), &id(name), Some(Version(version)), &Shape::WHOLE).await?.0)
    }

    /// Searches and walks through all pages: names in order, and the total that the first page told.
    pub async fn search(&self, who: &Caller, ask: &Ask<'_>) -> Result<(Vec<String>, usize), DoorError> {
        let kind = rtype(ask.kind);
        let query = Query::parse(kind, &pairs(ask.pairs)).unwrap_or_else(|error| panic!("{error} {:?}", ask.pairs));
        let sort: Vec<SortRule> =
            query.controls.sort.iter().map(|(param, descending)| SortRule { param, descending: *descending }).collect();
        let mut found = Vec::new();
        let mut after: Option<Position> = None;
        let mut total = None;
        loop {
            let request = SearchRequest {
                scope: ask.scope,
                types: &[kind],
                filters: &query.filters,
                sort: &sort,
                count: ask.count,
                after: after.as_ref(),
                include: &[],
                shape: &Shape::WHOLE,
                interaction: aceso_base::Interaction::Search,
            };
            let page = self.door.search(who, &request).await?;
            assert!(page.matches.len() <= ask.count);
            assert_eq!(*total.get_or_insert(page.total), page.total);
            found.extend(page.matches.iter().map(|view| view.id().as_str().to_owned()));
            after = page.next;
            if after.is_none() {
                return Ok((found, page.total));
            }
        }
    }

    /// Runs the sweep to its end. Rows that did not open.
    pub async fn sweep(&self) -> u64 {
        let mut failed = 0;
        for _ in 0..1000 {
            match self.door.rewrap_step(&tenant(), &operator()).await.unwrap() {
                Some(step) => failed += step.failed,
                None => return failed,
            }
        }
        panic!("the sweep does not come to its end");
    }

    pub fn log(&self) -> Vec<LoggedEntry> {
        let size = aceso_store::Store::log(&*self.store).size().unwrap();
        self.door.log_entries(0..size).unwrap()
    }

    /// What the log says since it had this many entries.
    pub fn log_since(&self, size: usize) -> Vec<LoggedEntry> {
        self.log().split_off(size)
    }

    pub fn log_size(&self) -> usize {
        self.log().len()
    }

    /// Whether the log has an entry of this action since then, about this record.
    pub fn logged(&self, since: usize, action: Action, kind: &str, name: &str) -> bool {
        self.log_since(since).iter().any(|logged| {
            logged.entry.action() == action
                && logged.entry.records().iter().any(|r| r.rtype == rtype(kind) && r.id == id(name))
        })
    }
}

/// One search as a test asks it.
pub struct Ask<'a> {
    pub scope: SearchScope,
    pub kind: &'a str,
    pub pairs: &'a [(String, String)],
    pub count: usize,
}

pub fn pairs(of: &[(String, String)]) -> Vec<(String, String)> {
    of.to_vec()
}

pub fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

pub fn in_compartment(of: &str) -> SearchScope {
    SearchScope::Compartment(subject(of))
}

pub fn subject(of: &str) -> SubjectId {
    SubjectId::of_patient(of).unwrap()
}

pub fn doc(body: &Value) -> Doc {
    Doc::parse(body.to_string().into_bytes(), &Limits::default()).unwrap()
}

pub fn change(body: &Value, expected: Expected) -> Change {
    let kind = rtype(body["resourceType"].as_str().unwrap());
    Change::Put {
        rtype: kind,
        id: id(body["id"].as_str().unwrap()),
        doc: doc(body),
        expected,
        refers: Vec::new(),
        patched: false,
    }
}

pub fn json(view: &View) -> Value {
    serde_json::from_slice(view.json()).unwrap()
}

/// The name of the answer, for comparisons.
pub fn name_of(error: &DoorError) -> &'static str {
    match error {
        DoorError::Absent { .. } => "absent",
        DoorError::Gone { .. } => "gone",
        DoorError::Forbidden { .. } => "forbidden",
        DoorError::ParameterForbidden { .. } => "parameter-forbidden",
        DoorError::VersionMismatch { .. } => "version-mismatch",
        DoorError::Duplicate { .. } => "duplicate",
        DoorError::UnknownSubject { .. } => "unknown-subject",
        DoorError::ForeignSubject { .. } => "foreign-subject",
        DoorError::Unresolved { .. } => "unresolved",
        DoorError::SameRecord { .. } => "same-record",
        DoorError::RedactedBase { .. } => "redacted-base",
        DoorError::ClassesForbidden { .. } => "classes-forbidden",
        DoorError::Unreadable { .. } => "unreadable",
        DoorError::TooCostly { .. } => "too-costly",
        DoorError::Unavailable(_) => "unavailable",
    }
}

pub fn outcome<T>(result: &Result<T, DoorError>) -> &'static str {
    result.as_ref().map_or_else(name_of, |_| "ok")
}

async fn start(
    folder: &Folder,
    clock: &SetClock,
    plan: Plan,
    engine: Arc<Engine>,
    kept: (usize, Option<SharedParts>),
) -> Result<(Arc<SqliteStore>, Custodian), aceso_custodian::BootError> {
    let rng = SystemRandomness;
    let (provider, path) = places(folder);
    let found = SqliteStore::inspect(&path, clock.now()).unwrap();
    let prepared = prepare(&found, &*provider, &region(), clock, &rng)?;
    let sequencer = match found.log_state() {
        None => Sequencer::create(&prepared.log_keys, &origin()).unwrap(),
        Some(state) => Sequencer::resume(&prepared.log_keys, &origin(), state, found.log()).unwrap(),
    };
    drop(found);
    let options = Options { disk_reserve: 0, ..Options::default() };
    let store = Arc::new(SqliteStore::start(&path, sequencer, Arc::new(clock.clone()), options).unwrap());
    let parts = parts(&store, provider, clock, plan, engine, kept);
    Ok((store, Custodian::open(prepared, parts).await?))
}

fn places(folder: &Folder) -> (Arc<dyn KeyProvider>, PathBuf) {
    let (key, data) = (folder.path().join("root.key"), folder.path().join("data"));
    let provider = match LocalProvider::open(&key, &data) {
        Ok(provider) => provider,
        Err(_) => LocalProvider::create(&key, &data, &SystemRandomness).unwrap(),
    };
    (Arc::new(provider), data.join("records.db"))
}

fn parts(
    store: &Arc<SqliteStore>,
    provider: Arc<dyn KeyProvider>,
    clock: &SetClock,
    plan: Plan,
    engine: Arc<Engine>,
    (kept, shared): (usize, Option<SharedParts>),
) -> Parts {
    Parts {
        store: store.clone(),
        provider,
        engine,
        region: region(),
        clock: Arc::new(clock.clone()),
        rng: Arc::new(SystemRandomness),
        search_budget: Duration::from_secs(10),
        plan,
        origin: origin(),
        cached_subjects: 100,
        opened_search_bytes: kept,
        shared,
    }
}
