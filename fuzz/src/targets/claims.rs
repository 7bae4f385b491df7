//! Claims under a good signature: what is left of the checks when somebody has the key of an old or foreign signer.

use super::tokens::{AUDIENCE, ISSUER, SERVER, SERVICE};
use aceso_base::{Clock as _, Role};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(super) const WORDS: &[&str] = &[
    "\"aud\":[\"https://aceso.example/fhir/R4\"]",
    "\"crit\":[\"exp\"]",
    "\"jku\":\"https://x\"",
    "\"b64\":false",
    "\"exp\":1e99",
    "\"exp\":-1",
    "9223372036854775807",
    "\"epoch\":0",
    "\"roles\":[\"physician\"]",
    "\"own_patient\":\"1\"",
    "null",
    "\"lab-feed\"",
    "\n",
];

static PAIR: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::from_pkcs8(&SERVER.pkcs8).unwrap());

/// Header, a line feed, payload; `KID` stands for the id of the key, which is new in every run.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": "KID" }).to_string();
    let now = SERVER.clock.now().as_seconds();
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": SERVICE, "client_id": SERVICE, "scope": "fhir",
        "jti": "00112233445566778899aabbccddeeff", "sid": "ffeeddccbbaa99887766554433221100",
        "tenant": "clinic", "region": "us", "roles": ["integration"],
        "iat": now, "nbf": now, "exp": now + 300, "auth_time": now, "epoch": 0,
    });
    let mut expired = claims.clone();
    expired["exp"] = json!(now - 61);
    let mut person = claims.clone();
    person["sub"] = json!("ann");
    [claims, expired, person].map(|claims| format!("{header}\n{claims}").into_bytes()).to_vec()
}

pub(super) fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((header, payload)) = text.split_once('\n') else { return };
    let jwks = SERVER.identity.jwks();
    let header = header.replace("KID", jwks["keys"][0]["kid"].as_str().unwrap());
    if SERVER.identity.verify(&signed(&header, payload)).is_err() {
        return;
    }
    let header: Value = serde_json::from_str(&header).expect("the header of a token that is taken is JSON");
    assert!(header["alg"] == "RS256" && header["typ"] == "at+jwt", "another kind of token was taken");
    let claims: Value = serde_json::from_str(payload).expect("the payload of a token that is taken is JSON");
    let number = |name: &str| claims[name].as_i64().expect("times are integers");
    let now = SERVER.clock.now().as_seconds();
    assert!(claims["iss"] == ISSUER && claims["aud"] == AUDIENCE && claims["region"] == "us", "for another server");
    assert!(number("exp") > now - 60 && number("iat") <= now + 60 && number("nbf") <= now + 60, "not of this time");
    assert!(claims["sub"] == SERVICE && claims["client_id"] == SERVICE, "of an account that is not there");
    let roles = claims["roles"].as_array().expect("roles are a list");
    assert!(roles.iter().all(|role| role.as_str().and_then(Role::parse).is_some()), "a role that is not known");
}

fn signed(header: &str, payload: &str) -> String {
    let text = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(payload.as_bytes()));
    let mut signature = vec![0; PAIR.public_modulus_len()];
    PAIR.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_seed_is_taken_and_the_others_are_not() {
        let jwks = SERVER.identity.jwks();
        let taken = |seed: &[u8]| {
            let (header, payload) = std::str::from_utf8(seed).unwrap().split_once('\n').unwrap();
            let header = header.replace("KID", jwks["keys"][0]["kid"].as_str().unwrap());
            SERVER.identity.verify(&signed(&header, payload)).is_ok()
        };
        assert_eq!(seeds().iter().map(|seed| taken(seed)).collect::<Vec<_>>(), [true, false, false]);
    }
}
