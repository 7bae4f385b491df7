//! What is stored: sealed documents, each one version byte and JSON.

use crate::error::IdentityError;
use aceso_base::{Role, RoleSet};
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// People, by user id.
pub(crate) const PEOPLE: &str = "people";
/// OAuth clients, by client id.
pub(crate) const CLIENTS: &str = "clients";
/// Sessions, by session id.
pub(crate) const SESSIONS: &str = "sessions";
/// Refresh tokens, by SHA-256 of the token.
pub(crate) const REFRESH: &str = "refresh";
/// Ended access tokens (`jti:`) and sessions (`sid:`).
pub(crate) const REVOCATIONS: &str = "revocations";

const FORMAT: u8 = 1;

/// A document could not be sealed or does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a document could not be sealed or opened")]
pub struct SealError;

/// Seals documents before they are stored, bound to their space and key. The keys stay with whoever implements it.
pub trait DocumentSeal: Send + Sync {
    /// Seals.
    ///
    /// # Errors
    /// [`SealError`] when there is no key.
    fn seal(&self, space: &str, key: &str, plain: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Opens what was sealed for this space and key.
    ///
    /// # Errors
    /// [`SealError`] for other bytes or another place.
    fn open(&self, space: &str, key: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError>;
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonRecord {
    pub(crate) username: String,
    pub(crate) tenant: String,
    pub(crate) roles: Vec<String>,
    pub(crate) own_patient: Option<String>,
    /// Argon2id in PHC form.
    pub(crate) password: Option<String>,
    pub(crate) disabled: bool,
    /// Grows with every change that ends the sessions.
    pub(crate) epoch: u64,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientRecord {
    /// `None`: serves the people of every tenant.
    pub(crate) tenant: Option<String>,
    /// Of a service: lower-case hexadecimal SHA-256 of the secret. `None`: the public console client.
    pub(crate) secret: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) disabled: bool,
    pub(crate) epoch: u64,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
}

/// A session: one login and all refresh tokens that followed from it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionRecord {
    pub(crate) user: String,
    pub(crate) client: String,
    pub(crate) scope: String,
    /// Seconds since the epoch.
    pub(crate) auth_time: i64,
    /// The epoch of the account at login.
    pub(crate) epoch: u64,
    /// The end, however often it is refreshed; seconds since the epoch.
    pub(crate) expires: i64,
    pub(crate) ended: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRecord {
    /// Lower-case hexadecimal session id.
    pub(crate) session: String,
    pub(crate) used: bool,
    /// Seconds since the epoch.
    pub(crate) expires: i64,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationRecord {
    /// When the last token that it concerns has expired by itself; seconds since the epoch.
    pub(crate) until: i64,
}

/// The bytes of a record, before sealing.
pub(crate) fn encode(record: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let mut bytes = Zeroizing::new(vec![FORMAT]);
    serde_json::to_writer(&mut *bytes, record).map_err(|_| IdentityError::Seal(SealError))?;
    Ok(bytes)
}

/// The record in opened bytes. Unknown formats and members are refused.
pub(crate) fn decode<T: DeserializeOwned>(space: &'static str, bytes: &[u8]) -> Result<T, IdentityError> {
    match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(|_| IdentityError::Damaged { space }),
        _ => Err(IdentityError::Damaged { space }),
    }
}

pub(crate) fn role_names(roles: RoleSet) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

pub(crate) fn role_set(names: &[String]) -> Option<RoleSet> {
    names.iter().map(|name| Role::parse(name)).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let hash = digest::digest(&digest::SHA256, bytes);
    for (to, from) in out.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! permanent {
        ($name:literal, $type:ty) => {
            let bytes = include_bytes!(concat!("../vectors/", $name));
            let record: $type = decode("test", bytes).unwrap();
            assert_eq!(encode(&record).unwrap().as_slice(), bytes, $name);
        };
    }

    #[test]
    fn records_written_by_the_first_version_are_read_and_written_alike() {
        permanent!("person-1.bin", PersonRecord);
        permanent!("client-1.bin", ClientRecord);
        permanent!("session-1.bin", SessionRecord);
        permanent!("refresh-1.bin", RefreshRecord);
        permanent!("revocation-1.bin", RevocationRecord);
    }

    #[test]
    fn unknown_formats_and_members_are_refused() {
        for bytes in
            [&b""[..], b"\x00{\"until\":1}", b"\x02{\"until\":1}", b"\x01{\"until\":1,\"x\":1}", b"\x01{}", b"\x01"]
        {
            assert!(matches!(decode::<RevocationRecord>("test", bytes), Err(IdentityError::Damaged { space: "test" })));
        }
        assert!(decode::<RevocationRecord>("test", b"\x01{\"until\":1}").is_ok());
    }
}
