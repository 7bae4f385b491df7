//! Compact JWS (RFC 7515) of exactly the shape that this service writes.
//!
//! The header may hold `alg`, `typ` and `kid` and nothing else: `jku`, `jwk`, `x5u`, `x5c`, `crit`, `b64` and whatever comes next are
//! refused by not being known, so nothing in a token can name a key or change how it is read.

use crate::error::AuthError;
use crate::keys::{Key, KeyError};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};

/// Longest token that is looked at, in bytes.
pub(crate) const MAX_BYTES: usize = 8 * 1024;
const ALG: &str = "RS256";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<String>,
}

/// A token taken apart, its signature not yet checked.
pub(crate) struct Parsed<'a> {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    signed: &'a str,
    signature: &'a str,
}

/// Takes a token apart. Base64url must be canonical, without padding, in all three parts.
pub(crate) fn parse(token: &str) -> Result<Parsed<'_>, AuthError> {
    if token.len() > MAX_BYTES {
        return Err(AuthError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(AuthError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(AuthError::Malformed)?;
    if payload.contains('.') {
        return Err(AuthError::Malformed);
    }
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| AuthError::Malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| AuthError::Malformed)?;
    if header.alg != ALG {
        return Err(AuthError::Algorithm);
    }
    decode(signature)?;
    Ok(Parsed { header, payload: decode(payload)?, signed, signature })
}

impl Parsed<'_> {
    /// Checks the signature as RS256, whatever the token says.
    pub(crate) fn check(&self, key: &DecodingKey) -> Result<(), AuthError> {
        match jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, Algorithm::RS256) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(AuthError::Signature),
        }
    }
}

/// Signs a payload.
pub(crate) fn sign(key: &Key, typ: &str, payload: &[u8]) -> Result<String, KeyError> {
    let header = Header { alg: ALG.to_owned(), typ: Some(typ.to_owned()), kid: Some((*key.kid).to_owned()) };
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Module)?;
    let mut token = BASE64URL_NOPAD.encode(&header);
    token.push('.');
    BASE64URL_NOPAD.encode_append(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    BASE64URL_NOPAD.encode_append(&signature, &mut token);
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn holds(jws: &str, n: &str, e: &str) -> bool {
        let key = DecodingKey::from_rsa_components(n, e).unwrap();
        parse(jws).is_ok_and(|token| token.check(&key).is_ok())
    }

    /// Correct RS256 signatures under keys that are declared for something else (PS256, encryption). This service has keys of its
    /// own only, all for RS256, so it never holds such a key.
    const OTHER_USE: [i64; 3] = [332, 353, 355];

    /// C2SP Wycheproof, `json_web_signature_test.json`, the groups with RSA keys.
    #[test]
    fn wycheproof_signatures_pass_exactly_where_they_are_valid_rs256() {
        let file: Value = serde_json::from_str(include_str!("../vectors/wycheproof-jws-rsa.json")).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in file["testGroups"].as_array().unwrap() {
            let (n, e) = (group["public"]["n"].as_str().unwrap(), group["public"]["e"].as_str().unwrap());
            let ours = group["public"]["alg"] == "RS256";
            for test in group["tests"].as_array().unwrap() {
                let other_use = OTHER_USE.contains(&test["tcId"].as_i64().unwrap());
                let expected = other_use || ours && test["result"] == "valid";
                let passes = holds(test["jws"].as_str().unwrap_or_default(), n, e);
                assert_eq!(passes, expected, "test {}: {}", test["tcId"], test["comment"]);
                if expected { valid += 1 } else { invalid += 1 }
            }
        }
        assert_eq!((valid, valid + invalid), (11, 318));
    }
}
