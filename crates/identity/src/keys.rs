//! The keys that sign access tokens.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A signing key cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Not an unencrypted PKCS #8 RSA key.
    #[error("not a PKCS #8 RSA key")]
    Format,
    /// RSA below 2048 bits, or a public exponent that is even or below 65537 (RFC 8725 section 3.5).
    #[error("an RSA key of at least 2048 bits with an odd exponent of at least 65537 is needed")]
    Weak,
    /// The same key stands twice.
    #[error("the key is already there")]
    Duplicate,
    /// No key has this id, or it is the one in use.
    #[error("there is no such key that could be removed")]
    Unknown,
    /// The module could not make a key or a signature.
    #[error("the cryptographic module failed")]
    Module,
}

pub(crate) struct Key {
    /// RFC 7638 thumbprint, SHA-256, base64url.
    pub(crate) kid: Arc<str>,
    pair: RsaKeyPair,
    pub(crate) verifying: DecodingKey,
    modulus: String,
    exponent: String,
}

/// The signing keys of this installation: the first signs, all verify, all stand in the JWKS.
#[derive(Clone)]
pub struct SigningKeys(Vec<Arc<Key>>);

impl SigningKeys {
    /// A new RSA key of 2048 bits as PKCS #8 DER, to be sealed and kept by the caller.
    ///
    /// # Errors
    /// [`KeyError::Module`].
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Module)?;
        let der = pair.as_der().map_err(|_| KeyError::Module)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// Keys with this one in use.
    ///
    /// # Errors
    /// [`KeyError`] when it is not an RSA key that is strong enough.
    pub fn new(active_pkcs8: &[u8]) -> Result<Self, KeyError> {
        Ok(Self(vec![Arc::new(Key::read(active_pkcs8)?)]))
    }

    /// The same keys and one that only verifies: retired, but tokens signed with it may still live.
    ///
    /// # Errors
    /// As for [`SigningKeys::new`], and [`KeyError::Duplicate`].
    pub fn with_retired(mut self, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let key = Key::read(pkcs8)?;
        if self.find(&key.kid).is_some() {
            return Err(KeyError::Duplicate);
        }
        self.0.push(Arc::new(key));
        Ok(self)
    }

    /// The ids of all keys, the one in use first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.kid)
    }

    pub(crate) fn rotated(&self, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let key = Key::read(pkcs8)?;
        if self.find(&key.kid).is_some() {
            return Err(KeyError::Duplicate);
        }
        Ok(Self(std::iter::once(Arc::new(key)).chain(self.0.iter().cloned()).collect()))
    }

    pub(crate) fn without(&self, kid: &str) -> Result<Self, KeyError> {
        let at = self.0.iter().position(|key| &*key.kid == kid).filter(|at| *at > 0).ok_or(KeyError::Unknown)?;
        let mut keys = self.0.clone();
        keys.remove(at);
        Ok(Self(keys))
    }

    pub(crate) fn active(&self) -> Option<&Arc<Key>> {
        self.0.first()
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.iter().find(|key| &*key.kid == kid)
    }

    /// RFC 7517 section 5. Public members only.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self
            .0
            .iter()
            .map(|key| {
                serde_json::json!({
                    "kty": "RSA", "use": "sig", "alg": "RS256", "kid": &*key.kid, "n": key.modulus, "e": key.exponent,
                })
            })
            .collect();
        serde_json::json!({ "keys": keys })
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Key {
    fn read(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Format)?;
        let public = pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
        if !strong(n, e) {
            return Err(KeyError::Weak);
        }
        let (modulus, exponent) = (BASE64URL_NOPAD.encode(n), BASE64URL_NOPAD.encode(e));
        let canonical = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
        let kid = BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let verifying = DecodingKey::from_rsa_der(public.as_ref());
        Ok(Self { kid: Arc::from(kid), verifying, modulus, exponent, pair })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RS256, RFC 7518 section 3.3).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyError::Module)?;
        Ok(signature)
    }
}

/// Big-endian modulus and exponent without leading zeros.
pub(crate) fn strong(n: &[u8], e: &[u8]) -> bool {
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let exponent = e.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    bits >= 2048 && exponent.is_some_and(|exponent| exponent % 2 == 1 && exponent >= 65_537)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_the_thumbprint_of_rfc_7638() {
        // RFC 7638 section 3.1, the example's canonical form through the same two steps.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let canonical = format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#);
        let kid = BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        assert_eq!(kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn weak_keys_are_not_admitted() {
        let n = [0x80_u8; 256];
        assert!(strong(&n, &[1, 0, 1]));
        assert!(!strong(&n[1..], &[1, 0, 1]));
        assert!(!strong(&[&[0x01], &n[1..]].concat(), &[1, 0, 1]));
        for exponent in [&[3_u8][..], &[1], &[], &[1, 0, 0], &[0xff; 9]] {
            assert!(!strong(&n, exponent));
        }
        assert_eq!(SigningKeys::new(b"not a key").unwrap_err(), KeyError::Format);
    }

    #[test]
    fn a_jwks_has_public_members_only() {
        let keys = SigningKeys::new(&SigningKeys::generate().unwrap()).unwrap();
        let jwks = keys.jwks();
        let mut members: Vec<_> = jwks["keys"][0].as_object().unwrap().keys().cloned().collect();
        members.sort();
        assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    }
}
