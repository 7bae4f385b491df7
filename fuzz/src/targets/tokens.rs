//! Bearer tokens.

use aceso_audit::{LogKeys, Origin, Sequencer};
use aceso_base::Region;
use aceso_identity::{DocumentSeal, Identity, IdentityConfig, SealError, SigningKeys};
use aceso_store_sqlite::{Options, SqliteStore};
use aceso_testkit::{PlannedRandomness, SetClock, folder};
use data_encoding::BASE64URL_NOPAD;
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

pub(super) const WORDS: &[&str] = &[".", "..", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9", "AAAA", "=", "-", "_"];

/// A server that has signed nothing.
static SERVER: LazyLock<Identity> = LazyLock::new(|| {
    let (clock, random) = (Arc::new(SetClock::default()), Arc::new(PlannedRandomness::default()));
    let origin = Origin::parse("aceso.example/us").unwrap();
    let sequencer = Sequencer::create(&LogKeys::generate(&*random), &origin).unwrap();
    let store =
        SqliteStore::start(&folder("fuzz-tokens").join("records.db"), sequencer, clock.clone(), Options::default())
            .unwrap();
    let config =
        IdentityConfig::new("https://aceso.example", "https://aceso.example/fhir/R4", Region::parse("us").unwrap());
    let signing = SigningKeys::new(&SigningKeys::generate().unwrap()).unwrap();
    Identity::open(Arc::new(store), Arc::new(Clear), config, signing, clock, random).unwrap()
});

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let claims = "{\"iss\":\"https://aceso.example\",\"aud\":\"https://aceso.example/fhir/R4\",\"sub\":\"ann\",\"exp\":4000000000,\"iat\":1772366400,\
                  \"nbf\":1772366400,\"jti\":\"00112233445566778899aabbccddeeff\",\"roles\":[\"physician\"],\"tenant\":\"clinic\"}";
    let jwks = SERVER.jwks();
    let kid = jwks["keys"][0]["kid"].as_str().unwrap_or_default().to_owned();
    ["RS256", "none", "HS256"]
        .map(|alg| {
            let header = format!("{{\"alg\":\"{alg}\",\"typ\":\"at+jwt\",\"kid\":\"{kid}\"}}");
            let parts = [header.as_bytes(), claims.as_bytes(), &[7; 256]].map(|part| BASE64URL_NOPAD.encode(part));
            parts.join(".").into_bytes()
        })
        .to_vec()
}

pub(super) fn target(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(SERVER.verify(text).is_err(), "a token was taken that nobody signed");
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
