//! How a token is asked for: by client secret (RFC 6749 section 4.4) or by a signed assertion (SMART Backend Services, RFC 7523).

use crate::http::Request;
use aceso_base::{Randomness, Timestamp};
use jsonwebtoken::{EncodingKey, Header};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Who we are to the other system.
#[derive(Clone)]
pub struct Credentials {
    /// The token endpoint, or the document that names it: an address that ends with [`super::DISCOVERY`].
    pub token_address: String,
    /// Our client id there.
    pub client_id: String,
    /// The scopes to ask for; empty: what the other system gives by default.
    pub scopes: Vec<String>,
    /// How we prove it.
    pub proof: Proof,
}

/// How a client proves who it is.
#[derive(Clone)]
pub enum Proof {
    /// A shared secret, sent as `client_secret` in the form.
    Secret(Zeroizing<String>),
    /// A signed assertion.
    Assertion(Arc<Assertion>),
}

impl Proof {
    /// The algorithm that signs; `None` for a secret.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Secret(_) => None,
            Self::Assertion(assertion) => Some(assertion.algorithm),
        }
    }
}

/// The signing algorithms of SMART App Launch 2.2, "Asymmetric (public key) client authentication".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

/// A key that signs assertions.
pub struct Assertion {
    key: EncodingKey,
    algorithm: Algorithm,
    key_id: String,
}

/// The key is none of its algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is not a PEM private key of this algorithm, or it does not sign")]
pub struct AssertionError;

impl Assertion {
    /// Reads a private key: PEM, PKCS#8 (either) or PKCS#1 (RSA).
    ///
    /// # Errors
    /// [`AssertionError`] for anything else.
    pub fn new(algorithm: Algorithm, key_id: &str, pem: &[u8]) -> Result<Self, AssertionError> {
        let key = match algorithm {
            Algorithm::Rs384 => EncodingKey::from_rsa_pem(pem),
            Algorithm::Es384 => EncodingKey::from_ec_pem(pem),
        };
        Ok(Self { key: key.map_err(|_| AssertionError)?, algorithm, key_id: key_id.to_owned() })
    }

    /// An assertion for one request: it lives four minutes (the specification allows five) and has an id of its own.
    fn sign(
        &self,
        client_id: &str,
        audience: &str,
        now: Timestamp,
        rng: &dyn Randomness,
    ) -> Result<String, AssertionError> {
        let mut header = Header::new(match self.algorithm {
            Algorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
            Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        });
        header.kid = Some(self.key_id.clone());
        let claims = Claims {
            iss: client_id,
            sub: client_id,
            aud: audience,
            exp: now.plus_seconds(240).as_seconds(),
            iat: now.as_seconds(),
            jti: rng.uuid(),
        };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| AssertionError)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    jti: String,
}

impl Credentials {
    /// Tells credentials apart, so that a token kept under others is not used: a hash that says nothing worth having.
    pub(super) fn fingerprint(&self) -> [u8; 8] {
        let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in [&self.token_address, &self.client_id, &self.scopes.join(" ")] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finish();
        digest.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

pub(super) fn token_request(
    credentials: &Credentials,
    endpoint: &str,
    now: Timestamp,
    rng: &dyn Randomness,
) -> Result<Request, AssertionError> {
    let Credentials { token_address: _, client_id, scopes, proof } = credentials;
    let scope = scopes.join(" ");
    let mut fields = vec![("grant_type", "client_credentials")];
    if !scope.is_empty() {
        fields.push(("scope", &scope));
    }
    let assertion;
    match proof {
        Proof::Secret(secret) => fields.extend([("client_id", client_id.as_str()), ("client_secret", secret.as_str())]),
        Proof::Assertion(signer) => {
            assertion = Zeroizing::new(signer.sign(client_id, endpoint, now, rng)?);
            fields.extend([
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.as_str()),
            ]);
        }
    }
    Ok(Request::form(endpoint, &fields))
}

/// A token answer (RFC 6749 section 5.1).
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    #[serde(deserialize_with = "veiled")]
    pub(super) access_token: Zeroizing<String>,
    token_type: String,
    /// Seconds; five minutes when it is not told.
    #[serde(default = "five_minutes")]
    pub(super) expires_in: i64,
}

const fn five_minutes() -> i64 {
    300
}

fn veiled<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl TokenAnswer {
    /// `None` for anything that is not a bearer token with a life ahead.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let told: Self = serde_json::from_slice(body).ok()?;
        let good =
            told.token_type.eq_ignore_ascii_case("bearer") && !told.access_token.is_empty() && told.expires_in > 0;
        good.then_some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_with_a_life_ahead_is_taken() {
        let good = br#"{"access_token":"t","token_type":"bearer","expires_in":36000,"refresh_token":"r","scope":"x"}"#;
        assert_eq!(TokenAnswer::parse(good).unwrap().expires_in, 36000);
        let bad: [&[u8]; 5] = [
            b"",
            br#"{"access_token":"","token_type":"Bearer"}"#,
            br#"{"access_token":"t","token_type":"mac"}"#,
            br#"{"access_token":"t","token_type":"Bearer","expires_in":0}"#,
            br#"{"error":"invalid_client"}"#,
        ];
        for body in bad {
            assert!(TokenAnswer::parse(body).is_none());
        }
    }
}
