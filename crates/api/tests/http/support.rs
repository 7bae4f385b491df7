//! A clinic with one person per role, two patients and a few records.

use aceso_api::Api;
use aceso_audit::{LoggedEntry, Origin, Sequencer};
use aceso_base::{Clock, LogicalId, Randomness, Region, Role, RoleSet, TenantId, UserId};
use aceso_custodian::{Custodian, Parts, Plan, prepare};
use aceso_identity::{
    Actor, ClientKind, DocumentSeal, Identity, IdentityConfig, NewClient, NewPerson, PasswordHashing, SealError,
    Secret, SigningKeys, TokenRequest, Ttl,
};
use aceso_kms::LocalProvider;
use aceso_policy::Engine;
use aceso_repository::{Repository, Settings};
use aceso_store::Store;
use aceso_store_sqlite::{Options, SqliteStore};
use aceso_testkit::{PlannedRandomness, SetClock};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

pub(crate) const URL: &str = "https://aceso.example";
pub(crate) const BASE: &str = "https://aceso.example/fhir/R4";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CONSOLE: &str = "console";
pub(crate) const FEED: &str = "lab-feed";
pub(crate) const ANNA: &str = "057aa36e-b892-4964-b5b9-ffb46b097e34";
pub(crate) const BERTA: &str = "9b1c2d3e-4f50-4a61-8b72-c3d4e5f60718";
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
pub(crate) const DEPTH_LIMIT: usize = 32;
pub(crate) const PAGE: usize = 5;
pub(crate) const MAX_PAGE: usize = 50;

static KEY: LazyLock<Zeroizing<Vec<u8>>> = LazyLock::new(|| SigningKeys::generate().unwrap());
static NEXT: AtomicU32 = AtomicU32::new(0);

struct TestDir(PathBuf);

impl TestDir {
    fn new(number: u32) -> Self {
        let path = std::env::temp_dir().join(format!("aceso-http-{}-{number}", std::process::id()));
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

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn text_lossy(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text()))
    }

    /// The first issue of an OperationOutcome: its code and where it is.
    #[track_caller]
    pub(crate) fn issue(&self) -> (String, String) {
        let outcome = self.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", self.text());
        let issue = &outcome["issue"][0];
        let place = issue["expression"][0].as_str().unwrap_or_default();
        (issue["code"].as_str().unwrap().to_owned(), place.to_owned())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The resources of a Bundle's entries.
    #[track_caller]
    pub(crate) fn resources(&self) -> Vec<Value> {
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|entry| entry["resource"].clone()).collect()
    }

    /// `Type/id` of a Bundle's entries.
    #[track_caller]
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |r: &Value| format!("{}/{}", r["resourceType"].as_str().unwrap(), r["id"].as_str().unwrap());
        self.resources().iter().map(name).collect()
    }

    /// The path of the link of this relation, as the router knows it.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let bundle = self.json();
        let links = bundle["link"].as_array().cloned().unwrap_or_default();
        let found = links.iter().find(|link| link["relation"] == relation)?;
        Some(found["url"].as_str().unwrap().strip_prefix(BASE).unwrap().to_owned())
    }
}

/// A request that is being put together.
pub(crate) struct Call<'a> {
    house: &'a House,
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn body(mut self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/fhir+json", body.to_string())
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name.as_str(), value.as_slice());
        }
        self.house.send(request.body(Body::from(self.body)).unwrap()).await
    }
}

pub(crate) struct House {
    pub(crate) app: Router,
    pub(crate) repository: Repository,
    pub(crate) clock: SetClock,
    pub(crate) feed_secret: Secret,
    tokens: BTreeMap<&'static str, String>,
    // Last, so that the store is closed before its folder goes.
    _dir: TestDir,
}

impl House {
    /// Nothing in it but people.
    pub(crate) async fn empty() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = TestDir::new(number);
        let clock = SetClock::default();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let rng: Arc<dyn Randomness> = Arc::new(PlannedRandomness::seeded(u64::from(number)));
        let door = door(&dir.0, &shared, &rng).await;
        let identity = identity(&door, &shared, &rng);
        let feed_secret = people(&identity).await;
        let settings = Settings {
            base_url: BASE.to_owned(),
            body_bytes: BODY_LIMIT,
            json_depth: DEPTH_LIMIT,
            default_page: PAGE,
            max_page: MAX_PAGE,
        };
        let repository = Repository::new(door, settings, Arc::clone(&rng));
        let identity = Arc::new(identity);
        let app = Api::new(repository.clone(), Arc::clone(&identity), rng, URL).router();
        let mut tokens = BTreeMap::new();
        for role in Role::ALL {
            let request = TokenRequest {
                grant_type: "password".to_owned(),
                username: Some(role.as_str().to_owned()),
                password: Some(Secret::from(PASSWORD.to_owned())),
                client_id: Some(CONSOLE.to_owned()),
                ..TokenRequest::default()
            };
            let token = identity.token(request).await.unwrap();
            tokens.insert(role.as_str(), token.access_token.reveal().to_owned());
        }
        Self { app, repository, clock, feed_secret, tokens, _dir: dir }
    }

    /// With two patients and some records.
    pub(crate) async fn open() -> Self {
        let house = Self::empty().await;
        for record in records() {
            let path = format!("/{}/{}", record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
            house.put("physician", &path, &record).await.expect(201);
        }
        house
    }

    pub(crate) fn token(&self, role: &str) -> &str {
        &self.tokens[role]
    }

    /// A FHIR request; `path` is below the FHIR base. With an empty role nobody signs it.
    pub(crate) fn call(&self, role: &str, method: &str, path: &str) -> Call<'_> {
        self.raw(role, method, &format!("/fhir/R4{path}"))
    }

    /// A request to any path.
    pub(crate) fn raw(&self, role: &str, method: &str, path: &str) -> Call<'_> {
        let mut headers = Vec::new();
        if !role.is_empty() {
            headers.push(("authorization".to_owned(), format!("Bearer {}", self.token(role)).into_bytes()));
        }
        Call { house: self, method: method.to_owned(), path: path.to_owned(), headers, body: Vec::new() }
    }

    pub(crate) async fn get(&self, role: &str, path: &str) -> Answer {
        self.call(role, "GET", path).send().await
    }

    pub(crate) async fn put(&self, role: &str, path: &str, body: &Value) -> Answer {
        self.call(role, "PUT", path).json(body).send().await
    }

    pub(crate) async fn post(&self, role: &str, path: &str, body: &Value) -> Answer {
        self.call(role, "POST", path).json(body).send().await
    }

    pub(crate) async fn delete(&self, role: &str, path: &str) -> Answer {
        self.call(role, "DELETE", path).send().await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let status: StatusCode = parts.status;
        Answer { status: status.as_u16(), headers: parts.headers, body }
    }

    /// How many entries the log has.
    pub(crate) fn log_size(&self) -> u64 {
        self.repository.door().store().log().size().unwrap()
    }

    /// The entries from this one on.
    pub(crate) fn log_since(&self, from: u64) -> Vec<LoggedEntry> {
        self.repository.door().log_entries(from..self.log_size()).unwrap()
    }

    /// Everything that is stored, counted: changes when anything is written.
    pub(crate) async fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        for rtype in ["Patient", "Observation", "Condition", "Organization", "Practitioner", "Coverage"] {
            let path = if matches!(rtype, "Patient" | "Organization" | "Practitioner") {
                format!("/{rtype}?_count=50")
            } else {
                format!("/Patient/{ANNA}/{rtype}?_count=50")
            };
            let page = self.get("physician", &path).await.expect(200);
            state.extend(page.resources().iter().map(|r| format!("{rtype}/{} {}", r["id"], r["meta"]["versionId"])));
        }
        state
    }
}

pub(crate) fn records() -> Vec<Value> {
    vec![
        json!({ "resourceType": "Organization", "id": "ward", "name": "Ward seven", "active": true }),
        json!({ "resourceType": "Practitioner", "id": "dr-weiss", "active": true,
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }],
            "name": [{ "family": "Weiss", "given": ["Jonas"] }] }),
        patient(ANNA, "Keller", "Anna", "1971-05-09", "MRN-1"),
        patient(BERTA, "Kellermann", "Berta", "1983-11-21", "MRN-2"),
        observation("11111111-0000-4000-8000-000000000001", ANNA, "8867-4", 72.0, "2024-01-05"),
        observation("11111111-0000-4000-8000-000000000002", ANNA, "8867-4", 88.5, "2024-03-05"),
        observation("11111111-0000-4000-8000-000000000003", ANNA, "8310-5", 36.6, "2024-02-05"),
        observation("11111111-0000-4000-8000-000000000004", BERTA, "8867-4", 64.0, "2024-01-07"),
        json!({ "resourceType": "Condition", "id": "22222222-0000-4000-8000-000000000001",
            "subject": { "reference": format!("Patient/{ANNA}") },
            "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertension" }] } }),
        json!({ "resourceType": "Coverage", "id": "33333333-0000-4000-8000-000000000001", "status": "active",
            "costToBeneficiary": [{ "valueMoney": { "value": 4711.25, "currency": "USD" } }], "beneficiary": { "reference": format!("Patient/{ANNA}") },
            "payor": [{ "reference": "Organization/ward" }] }),
    ]
}

pub(crate) fn patient(id: &str, family: &str, given: &str, born: &str, number: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "active": true, "gender": "female", "birthDate": born,
        "identifier": [{ "system": "http://clinic.example/mrn", "value": number }],
        "name": [{ "family": family, "given": [given] }],
        "telecom": [{ "system": "phone", "value": format!("+1 555 {number}") }],
        "generalPractitioner": [{ "reference": "Practitioner/dr-weiss" }],
        "managingOrganization": { "reference": "Organization/ward" } })
}

pub(crate) fn observation(id: &str, patient: &str, code: &str, value: f64, day: &str) -> Value {
    json!({ "resourceType": "Observation", "id": id, "status": "final",
        "subject": { "reference": format!("Patient/{patient}") },
        "performer": [{ "reference": "Practitioner/dr-weiss" }],
        "effectiveDateTime": day,
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "valueQuantity": { "value": value, "unit": "u", "system": "http://unitsofmeasure.org", "code": "u" } })
}

/// The same without its id, for a create.
pub(crate) fn without_id(mut record: Value) -> Value {
    record.as_object_mut().unwrap().remove("id");
    record
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("clinic").unwrap()
}

async fn door(dir: &std::path::Path, clock: &Arc<dyn Clock>, rng: &Arc<dyn Randomness>) -> Custodian {
    let region = Region::parse("us").unwrap();
    let provider = Arc::new(LocalProvider::create(&dir.join("root.key"), &dir.join("data"), &**rng).unwrap());
    let path = dir.join("data").join("records.db");
    let found = SqliteStore::inspect(&path, clock.now()).unwrap();
    let prepared = prepare(&found, &*provider, &region, &**clock, &**rng).unwrap();
    let origin = Origin::parse("aceso.example/us").unwrap();
    let sequencer = Sequencer::create(&prepared.log_keys, &origin).unwrap();
    let options = Options { disk_reserve: 0, ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::start(&path, sequencer, Arc::clone(clock), options).unwrap());
    let parts = Parts {
        store,
        provider,
        engine: Arc::new(Engine::load().unwrap().serving(region.clone())),
        region,
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

fn identity(door: &Custodian, clock: &Arc<dyn Clock>, rng: &Arc<dyn Randomness>) -> Identity {
    let config = IdentityConfig {
        ttl: Ttl { access: 3600, refresh_idle: 7200, refresh_absolute: 86_400 },
        hashing: PasswordHashing { memory_kib: 64, passes: 1, ..PasswordHashing::default() },
        ..IdentityConfig::new(URL, BASE, Region::parse("us").unwrap())
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
