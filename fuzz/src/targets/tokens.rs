//! Bearer tokens.

use crate::edits;
use aceso_audit::{LogKeys, Origin, Sequencer};
use aceso_base::{Region, Role, RoleSet, TenantId, UserId};
use aceso_identity::{
    Actor, ClientKind, DocumentSeal, Identity, IdentityConfig, NewClient, PasswordHashing, SealError, SigningKeys,
    TokenRequest,
};
use aceso_store_sqlite::{Options, SqliteStore};
use aceso_testkit::{PlannedRandomness, SetClock, folder};
use data_encoding::BASE64URL_NOPAD;
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

pub(super) const WORDS: &[&str] = &[".", "..", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9", "AAAA", "=", "-", "_"];

pub(super) const ISSUER: &str = "https://aceso.example";
pub(super) const AUDIENCE: &str = "https://aceso.example/fhir/R4";
pub(super) const SERVICE: &str = "lab-feed";

/// A server with one account, its signing key and one token that it has signed.
pub(super) struct Server {
    pub(super) identity: Identity,
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
    pub(super) clock: SetClock,
    genuine: String,
}

pub(super) static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let clock = SetClock::default();
    let random = Arc::new(PlannedRandomness::default());
    let origin = Origin::parse("aceso.example/us").unwrap();
    let sequencer = Sequencer::create(&LogKeys::generate(&*random), &origin).unwrap();
    let path = folder("fuzz-tokens").join("records.db");
    let store = SqliteStore::start(&path, sequencer, Arc::new(clock.clone()), Options::default()).unwrap();
    let mut config = IdentityConfig::new(ISSUER, AUDIENCE, Region::parse("us").unwrap());
    config.hashing = PasswordHashing { memory_kib: 64, passes: 1, ..PasswordHashing::default() };
    let pkcs8 = SigningKeys::generate().unwrap();
    let signing = SigningKeys::new(&pkcs8).unwrap();
    let identity =
        Identity::open(Arc::new(store), Arc::new(Clear), config, signing, Arc::new(clock.clone()), random).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let genuine = runtime.block_on(token_of(&identity));
    assert!(identity.verify(&genuine).is_ok(), "the genuine token is not taken");
    Server { identity, pkcs8, clock, genuine }
});

async fn token_of(identity: &Identity) -> String {
    let service = NewClient {
        id: UserId::parse(SERVICE).unwrap(),
        kind: ClientKind::Service,
        tenant: Some(TenantId::parse("clinic").unwrap()),
        roles: RoleSet::NONE.with(Role::Integration),
        scopes: vec!["fhir".to_owned()],
    };
    let secret = identity.add_client(Actor::Installation, service).await.unwrap().1;
    let request = TokenRequest {
        grant_type: "client_credentials".to_owned(),
        client_id: Some(SERVICE.to_owned()),
        client_secret: secret,
        ..TokenRequest::default()
    };
    identity.token(request).await.unwrap().access_token.reveal().to_owned()
}

/// Before edits of the genuine token; no token begins like this.
const EDITED: u8 = 0xfe;

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let claims = "{\"iss\":\"https://aceso.example\",\"aud\":\"https://aceso.example/fhir/R4\",\"sub\":\"ann\",\"exp\":4000000000,\"iat\":1772366400,\
                  \"nbf\":1772366400,\"jti\":\"00112233445566778899aabbccddeeff\",\"roles\":[\"physician\"],\"tenant\":\"clinic\"}";
    let jwks = SERVER.identity.jwks();
    let kid = jwks["keys"][0]["kid"].as_str().unwrap_or_default().to_owned();
    let foreign = ["RS256", "none", "HS256"].map(|alg| {
        let header = format!("{{\"alg\":\"{alg}\",\"typ\":\"at+jwt\",\"kid\":\"{kid}\"}}");
        let parts = [header.as_bytes(), claims.as_bytes(), &[7; 256]].map(|part| BASE64URL_NOPAD.encode(part));
        parts.join(".").into_bytes()
    });
    let mut seeds = edits::seeds(EDITED);
    seeds.push(SERVER.genuine.clone().into_bytes());
    seeds.extend(foreign);
    seeds
}

/// Edits of the genuine token, or a token as it is.
pub(super) fn target(bytes: &[u8]) {
    let edited = match bytes {
        [EDITED, edits @ ..] => edits::apply(SERVER.genuine.as_bytes(), edits),
        bytes => bytes.to_vec(),
    };
    if let Ok(text) = std::str::from_utf8(&edited) {
        let taken = SERVER.identity.verify(text).is_ok();
        assert!(taken == (text == SERVER.genuine), "a token was taken that nobody signed, or the signed one was not");
    }
}

/// Nothing secret is stored here.
struct Clear;

impl DocumentSeal for Clear {
    fn seal(&self, _: &str, _: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(plain.to_vec())
    }

    fn open(&self, _: &str, _: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        Ok(Zeroizing::new(sealed.to_vec()))
    }
}
