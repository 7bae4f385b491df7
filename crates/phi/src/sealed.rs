//! What the store may hold.

use std::fmt;

/// Ciphertext with its header, as `seal` made it. Storage ports take nothing else for a body.
///
/// Adapters must rebuild it from a row, so [`Sealed::from_store`] is public; `cargo xtask check` refuses it outside the adapters
/// and `seal`, and the header is checked before a row is written.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Sealed bytes as they came from a row, or as `seal` has just made them.
    #[must_use]
    pub const fn from_store(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The stored bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A keyed token of an index: namespace bytes, then a (possibly truncated) HMAC. At most 24 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexToken(Vec<u8>);

impl IndexToken {
    /// A token as `seal` made it or as a row gave it back; under the same rule as [`Sealed::from_store`].
    #[must_use]
    pub const fn from_store(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The stored bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for IndexToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexToken(…)")
    }
}
