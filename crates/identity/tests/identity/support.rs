//! A small clinic with its people, on a real store, with a clock that can be set.

use aceso_audit::{Action, Entry, LogKeys, Origin, Sequencer, read_entries};
use aceso_base::{LogicalId, Region, Role, RoleSet, TenantId, UserId};
use aceso_identity::{
    Actor, ClientKind, DocumentSeal, Identity, IdentityConfig, IdentityError, NewClient, NewPerson, OAuthError,
    PasswordHashing, SealError, Secret, SigningKeys, TokenRequest, TokenResponse,
};
use aceso_store::Store;
use aceso_store_sqlite::{Options, SqliteStore};
use aceso_testkit::{PlannedRandomness, SetClock};
use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

pub(crate) const ISSUER: &str = "https://aceso.example";
pub(crate) const AUDIENCE: &str = "https://aceso.example/fhir/R4";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CONSOLE: &str = "aceso-console";
pub(crate) const SERVICE: &str = "lab-feed";
pub(crate) const PATIENT: &str = "057aa36e-b892-4964-b5b9-ffb46b097e34";

/// Two keys for all tests: making one takes a while.
pub(crate) static KEYS: LazyLock<[Zeroizing<Vec<u8>>; 2]> =
    LazyLock::new(|| [SigningKeys::generate().unwrap(), SigningKeys::generate().unwrap()]);

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct TestDir(PathBuf);

impl TestDir {
    fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("aceso-identity-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Not secret, but bound to its place, and no plain text appears in what it makes.
pub(crate) struct Masked;

impl Masked {
    fn place(space: &str, key: &str) -> Vec<u8> {
        digest::digest(&digest::SHA256, format!("{space}/{key}").as_bytes()).as_ref().to_vec()
    }
}

impl DocumentSeal for Masked {
    fn seal(&self, space: &str, key: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok([Self::place(space, key), plain.iter().map(|byte| byte ^ 0x5a).collect()].concat())
    }

    fn open(&self, space: &str, key: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (place, body) = sealed.split_at_checked(32).ok_or(SealError)?;
        if place != Self::place(space, key) {
            return Err(SealError);
        }
        Ok(Zeroizing::new(body.iter().map(|byte| byte ^ 0x5a).collect()))
    }
}

pub(crate) struct House {
    pub(crate) identity: Identity,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: SetClock,
    pub(crate) service_secret: Secret,
    pub(crate) log_keys: Vec<u8>,
    pub(crate) origin: Origin,
    // Last, so that the store is closed before its folder goes.
    _dir: TestDir,
}

pub(crate) fn config() -> IdentityConfig {
    let mut config = IdentityConfig::new(ISSUER, AUDIENCE, Region::parse("us").unwrap());
    config.hashing = PasswordHashing { memory_kib: 64, passes: 1, ..PasswordHashing::default() };
    config
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("clinic").unwrap()
}

pub(crate) fn id(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

impl House {
    pub(crate) async fn open() -> Self {
        let dir = TestDir::new();
        let clock = SetClock::default();
        let random = PlannedRandomness::seeded(u64::from(NEXT.fetch_add(1, Ordering::Relaxed)));
        let log_keys = LogKeys::generate(&random);
        let origin = Origin::parse("aceso.example/us").unwrap();
        let sequencer = Sequencer::create(&log_keys, &origin).unwrap();
        let log_keys = log_keys.to_secret_bytes().to_vec();
        let store =
            SqliteStore::start(&dir.0.join("records.db"), sequencer, Arc::new(clock.clone()), Options::default());
        let store = Arc::new(store.unwrap());
        let signing = SigningKeys::new(&KEYS[0]).unwrap();
        let identity = Identity::open(
            store.clone(),
            Arc::new(Masked),
            config(),
            signing,
            Arc::new(clock.clone()),
            Arc::new(random),
        )
        .unwrap();
        let service_secret = people_and_clients(&identity).await;
        Self { identity, store, clock, service_secret, log_keys, origin, _dir: dir }
    }

    /// The same store after a restart of the service.
    pub(crate) fn reopened(&self, config: IdentityConfig) -> Result<Identity, IdentityError> {
        Identity::open(
            self.store.clone(),
            Arc::new(Masked),
            config,
            SigningKeys::new(&KEYS[0]).unwrap(),
            Arc::new(self.clock.clone()),
            Arc::new(PlannedRandomness::seeded(u64::from(NEXT.fetch_add(1, Ordering::Relaxed)) + 1_000_000)),
        )
    }

    pub(crate) async fn try_log_in(&self, username: &str, password: &str) -> Result<TokenResponse, OAuthError> {
        self.identity.token(password_grant(username, password)).await
    }

    pub(crate) async fn log_in(&self, username: &str) -> TokenResponse {
        self.try_log_in(username, PASSWORD).await.unwrap()
    }

    pub(crate) async fn refresh(&self, token: &Secret) -> Result<TokenResponse, OAuthError> {
        self.identity.token(refresh_grant(token, CONSOLE)).await
    }

    pub(crate) fn person(&self, username: &str) -> UserId {
        self.identity.person_named(Actor::Installation, username).unwrap().id
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let keys = LogKeys::from_secret_bytes(&self.log_keys).unwrap();
        let log = self.store.log();
        let all = 0..log.size().unwrap();
        read_entries(log, &keys, &self.origin, all).unwrap().into_iter().map(|logged| logged.entry).collect()
    }

    pub(crate) fn entries_of(&self, action: Action) -> Vec<Entry> {
        self.entries().into_iter().filter(|entry| entry.action() == action).collect()
    }

    pub(crate) fn now(&self) -> i64 {
        aceso_base::Clock::now(&self.clock).as_seconds()
    }
}

async fn people_and_clients(identity: &Identity) -> Secret {
    for (username, role) in
        [("nora.nurse", Role::Nurse), ("otto.operator", Role::Operator), ("paula.patient", Role::Patient)]
    {
        let person = NewPerson {
            username: username.to_owned(),
            tenant: tenant(),
            roles: RoleSet::NONE.with(role),
            own_patient: (role == Role::Patient).then(|| LogicalId::parse(PATIENT).unwrap()),
            password: Some(Secret::from(PASSWORD)),
        };
        identity.add_person(Actor::Installation, person).await.unwrap();
    }
    for name in [CONSOLE, "other-console"] {
        let console = NewClient {
            id: id(name),
            kind: ClientKind::Console,
            tenant: None,
            roles: RoleSet::NONE,
            scopes: vec!["openid".to_owned(), "fhir".to_owned()],
        };
        identity.add_client(Actor::Installation, console).await.unwrap();
    }
    let service = NewClient {
        id: id(SERVICE),
        kind: ClientKind::Service,
        tenant: Some(tenant()),
        roles: RoleSet::NONE.with(Role::Integration),
        scopes: vec!["fhir".to_owned()],
    };
    identity.add_client(Actor::Installation, service).await.unwrap().1.unwrap()
}

pub(crate) fn password_grant(username: &str, password: &str) -> TokenRequest {
    TokenRequest {
        grant_type: "password".to_owned(),
        username: Some(username.to_owned()),
        password: Some(Secret::from(password)),
        client_id: Some(CONSOLE.to_owned()),
        ..TokenRequest::default()
    }
}

pub(crate) fn refresh_grant(token: &Secret, client: &str) -> TokenRequest {
    TokenRequest {
        grant_type: "refresh_token".to_owned(),
        refresh_token: Some(token.clone()),
        client_id: Some(client.to_owned()),
        ..TokenRequest::default()
    }
}

/// The three parts of a token, decoded.
pub(crate) fn parts(token: &Secret) -> (Value, Value, Vec<u8>) {
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
    let parts: Vec<&str> = token.reveal().split('.').collect();
    let json = |part: &str| serde_json::from_slice(&decode(part)).unwrap();
    (json(parts[0]), json(parts[1]), decode(parts[2]))
}

/// A token of any header and payload text, signed with the real key.
pub(crate) fn forge(header: &str, payload: &str) -> String {
    forge_with(&KEYS[0], header, payload)
}

pub(crate) fn forge_with(pkcs8: &[u8], header: &str, payload: &str) -> String {
    let signed =
        format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(payload.as_bytes()));
    let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

pub(crate) fn kid() -> String {
    SigningKeys::new(&KEYS[0]).unwrap().ids().next().unwrap().to_owned()
}

pub(crate) fn header() -> Value {
    json!({ "alg": "RS256", "typ": "at+jwt", "kid": kid() })
}
