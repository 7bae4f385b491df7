//! A whole server below HTTP, with three patients of one name in it; made anew when its store has grown.

use aceso_base::{Caller, Purpose, Role, TenantId};
use aceso_fhir::definitions::ResourceType;
use aceso_repository::{Fault, SearchCall};
use aceso_server::app::App;
use aceso_server::config::Config;
use aceso_store::Reader as _;
use aceso_testkit::Canary;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::Runtime;

/// The ids of the three.
const PATIENTS: [&str; 3] = [
    "11111111-0000-4000-8000-000000000001",
    "11111111-0000-4000-8000-000000000002",
    "11111111-0000-4000-8000-000000000003",
];

/// Calls after which the store is thrown away: every one of them writes to the log.
const CALLS: u32 = 4096;

/// A running server and the runtime that drives it.
pub(super) struct Clinic {
    pub(super) app: App,
    pub(super) runtime: Runtime,
    /// The last event of a written record that was looked at.
    seen: AtomicU64,
    link: OnceLock<String>,
    folder: PathBuf,
    calls: u32,
}

/// Lends the clinic of this process. `what` keeps the clinics of different targets apart.
pub(super) fn with<T>(what: &'static str, use_it: impl FnOnce(&Clinic) -> T) -> T {
    static CLINICS: Mutex<Vec<(&'static str, Clinic)>> = Mutex::new(Vec::new());
    let mut clinics = CLINICS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = clinics.iter().position(|(name, clinic)| *name == what && clinic.calls >= CALLS) {
        drop(clinics.remove(at));
    }
    let at = clinics.iter().position(|(name, _)| *name == what).unwrap_or_else(|| {
        clinics.push((what, Clinic::open(what)));
        clinics.len() - 1
    });
    clinics[at].1.calls += 1;
    use_it(&clinics[at].1)
}

impl Clinic {
    fn open(what: &str) -> Self {
        static NUMBER: Mutex<u32> = Mutex::new(0);
        let number = {
            let mut number = NUMBER.lock().unwrap_or_else(PoisonError::into_inner);
            *number += 1;
            *number
        };
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        sweep(&base);
        let folder = base.join(format!("{PREFIX}{}-{what}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let text = "mode = \"development\"\nregion = \"us\"\ntenants = [\"clinic\"]\nstore = { dir = \"data\", reserve_bytes = 1048576 }\n\
                    keys = { provider = \"local\", file = \"root.key\" }\n";
        let config = Config::from_layers(text, &folder, []).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let app = runtime.block_on(App::open(config)).unwrap();
        let clinic = Self { app, runtime, seen: AtomicU64::new(0), link: OnceLock::new(), folder, calls: 0 };
        clinic.fill();
        clinic
    }

    fn fill(&self) {
        let entries: Vec<Value> = PATIENTS
            .iter()
            .map(|id| {
                let mut patient = Canary::patient();
                patient["id"] = json!(id);
                json!({ "resource": patient, "request": { "method": "PUT", "url": format!("Patient/{id}") } })
            })
            .collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let writer = self.caller(Role::Integration);
        let done = self.runtime.block_on(self.app.repository.bundle(&writer, bundle.to_string().into_bytes()));
        assert!(done.is_ok(), "the patients are taken");
    }

    /// Somebody of this role, with a purpose that it may act for.
    pub(super) fn caller(&self, role: Role) -> Caller {
        let purpose = if role == Role::Integration { Purpose::Operations } else { Purpose::Treatment };
        self.app.local_caller(&TenantId::parse("clinic").unwrap(), role, purpose)
    }

    /// How many records have been written since the last call.
    pub(super) fn new_events(&self) -> usize {
        let mut new = 0;
        loop {
            let events = self.app.store.changes(self.seen.load(Ordering::Relaxed), 100).unwrap();
            let Some(last) = events.last() else { return new };
            new += events.len();
            self.seen.store(last.seq, Ordering::Relaxed);
        }
    }

    /// The link from the first page of three to the second, for this caller.
    pub(super) fn link(&self, who: &Caller) -> &str {
        self.link.get_or_init(|| {
            let pairs = [("family", Canary::FAMILY), ("_count", "1")].map(|(n, v)| (n.to_owned(), v.to_owned()));
            let page = self.search(who, "Patient", pairs.to_vec()).expect("the first page");
            let mut links = page["link"].as_array().expect("links").iter();
            let next = links.find(|link| link["relation"] == "next").expect("a next page");
            next["url"].as_str().unwrap().split_once("_cursor=").expect("a cursor").1.to_owned()
        })
    }

    /// A search by this caller.
    pub(super) fn search(&self, who: &Caller, rtype: &str, pairs: Vec<(String, String)>) -> Result<Value, Fault> {
        let call = SearchCall { rtype: ResourceType::parse(rtype).unwrap(), compartment: None, pairs, by_url: true };
        let answer = self.runtime.block_on(self.app.repository.search(who, &call))?;
        Ok(serde_json::from_slice(&answer.json).expect("an answer is JSON"))
    }
}

const PREFIX: &str = "aceso-fuzz-";

/// Takes away what processes left that are gone: a static is not dropped.
fn sweep(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Clinic {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A refusal is the client's fault, and quotes nothing that is planted.
pub(super) fn assert_refused_well(fault: &Fault) {
    let issues = &fault.issues;
    assert!((400..500).contains(&fault.status), "status {}: {}", fault.status, issues[0].diagnostics);
    for (what, value) in Canary::VALUES {
        let quoted = issues.iter().any(|issue| {
            issue.diagnostics.contains(value) || issue.expression.as_ref().is_some_and(|place| place.contains(value))
        });
        assert!(!quoted, "a refusal quotes {what}");
    }
}
