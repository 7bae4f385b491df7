//! Logical ids of mapped records: the same for the same source object, and telling nothing about it.

use std::fmt;
use std::sync::Arc;

use aceso_base::{LogicalId, SubjectId};

/// One configured connection to one installation of a vendor.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(Arc<str>);

/// The text is not 1 to 32 of a-z, 0-9 and '-'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid connection id: 1 to 32 of a-z, 0-9 and '-'")]
pub struct InvalidConnectionId;

impl ConnectionId {
    /// Checks the shape.
    ///
    /// # Errors
    /// [`InvalidConnectionId`] unless it is 1 to 32 of a-z, 0-9 and '-'.
    pub fn parse(text: &str) -> Result<Self, InvalidConnectionId> {
        let shape = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if shape && (1..=32).contains(&text.len()) { Ok(Self(Arc::from(text))) } else { Err(InvalidConnectionId) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({})", self.0)
    }
}

/// What a logical id is derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceKey<'a> {
    /// The connection: two installations may use the same ids.
    pub connection: &'a ConnectionId,
    /// The vendor's kind of object.
    pub kind: &'a str,
    /// The vendor's id.
    pub id: &'a str,
    /// Which of the records that are made of the object; empty for the main one.
    pub part: &'a str,
}

impl SourceKey<'_> {
    /// The bytes that are hashed: a version byte, then each member with its length (four bytes, big-endian) before it,
    /// so that no two keys give the same bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let members = [self.connection.as_str(), self.kind, self.id, self.part];
        let mut out = vec![1];
        for member in members {
            let length = u32::try_from(member.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(member.as_bytes());
        }
        out
    }
}

/// A keyed function that the caller brings: whoever lacks the key can neither invert an id nor try source ids out.
///
/// The key must never change for a connection: ids would change with it.
pub trait IdMinter: Send + Sync {
    /// The first 16 bytes of a pseudorandom function (HMAC-SHA-256) over `input`.
    fn keyed(&self, input: &[u8]) -> [u8; 16];
}

/// The logical id of a source object: a version 8 UUID (RFC 9562 section 5.8) in lower case, of the keyed function over
/// [`SourceKey::encode`]. A patient's is a valid [`SubjectId`].
#[must_use]
pub fn mint(ids: &dyn IdMinter, key: &SourceKey<'_>) -> SubjectId {
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8, rest @ ..] = ids.keyed(&key.encode());
    let [b9, b10, b11, b12, b13, b14, b15] = rest;
    let version = (b6 & 0x0f) | 0x80;
    let variant = (b8 & 0x3f) | 0x80;
    SubjectId([b0, b1, b2, b3, b4, b5, version, b7, variant, b9, b10, b11, b12, b13, b14, b15])
}

/// [`mint`] as the logical id of a resource.
pub(crate) fn mint_id(ids: &dyn IdMinter, key: &SourceKey<'_>) -> LogicalId {
    mint(ids, key).into()
}
