//! The port of a cache that several processes share.
//!
//! It may lose anything at any time, and nobody who uses it may be wrong for that. It knows no plaintext: names are keyed hashes,
//! values are sealed, and what is neither is the random id of who holds a lease. Every adapter passes `suite::cache`.

use aceso_base::Token16;
use aceso_phi::Sealed;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The name of a value or a lease: a keyed hash, so that it tells nothing of what it is the name of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheName([u8; 32]);

impl CacheName {
    /// A name from a keyed hash. Never from a plain hash: names can be tried out.
    #[must_use]
    pub const fn of_keyed(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for CacheName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CacheName(…)")
    }
}

/// Why the cache did not do it. No message holds a value, a name or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// It cannot be reached, or did not answer in time.
    #[error("the shared cache cannot be reached")]
    Lost,
    /// It answers, and refuses: credentials, rights or memory.
    #[error("the shared cache refuses; check its password, the rights of its user and its memory limit")]
    Refused,
}

impl CacheError {
    /// A fixed word for logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lost => "cache-lost",
            Self::Refused => "cache-refused",
        }
    }
}

/// An answer on its way.
pub type Caching<'a, T> = Pin<Box<dyn Future<Output = Result<T, CacheError>> + Send + 'a>>;

/// Largest value that is given back, in bytes; a larger one counts as lost.
pub const LARGEST_VALUE: usize = 1 << 20;

/// How a cache is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheHealth {
    /// The last call was answered.
    pub reached: bool,
    /// How often it was lost after it had been reached.
    pub losses: u64,
    /// Calls that failed, and calls that were not made because the one before had just failed.
    pub failures: u64,
}

/// A cache of sealed values and short leases.
///
/// # Errors
/// Every call fails with [`CacheError`]; a failed call may have been carried out. None takes long: an adapter bounds the time of
/// a call, and does not try again at once what has just failed.
pub trait SharedCache: Send + Sync {
    /// The value; `None` when there is none, or its life is over.
    fn get(&self, name: &CacheName) -> Caching<'_, Option<Sealed>>;

    /// Keeps a value for at most so long (a millisecond at least), in the place of an earlier one.
    fn set(&self, name: &CacheName, value: &Sealed, life: Duration) -> Caching<'_, ()>;

    /// Takes a value away, if there is one.
    fn delete(&self, name: &CacheName) -> Caching<'_, ()>;

    /// Takes a lease that nobody holds. True: it is this holder's until it is released or its life is over. Nobody renews it,
    /// so whoever works longer than its life works beside the next holder.
    fn lease(&self, name: &CacheName, holder: Token16, life: Duration) -> Caching<'_, bool>;

    /// Gives a lease back. False, and nothing happens, when it is not this holder's any more.
    fn release(&self, name: &CacheName, holder: Token16) -> Caching<'_, bool>;

    /// How it is, from what the calls so far have told.
    fn health(&self) -> CacheHealth;
}
