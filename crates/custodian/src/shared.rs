//! The door's side of a cache that several processes share: values are sealed, names are keyed hashes.
//!
//! What does not open is lost, as if it had never been there: it is counted, and an entry of the log says so, at most one a minute.
//! No answer depends on what the cache has, only its cost. What is kept: lookups of patients ([`crate::search`]) and secrets of
//! other rooms ([`SharedSecrets`]).

use crate::boot::system_tenant;
use crate::door::Custodian;
use crate::open::OpenFailure;
use aceso_audit::{Action, Entry, Outcome};
use aceso_base::Token16;
use aceso_phi::Sealed;
use aceso_seal::{TenantKeys, cache_name, open_document, seal_document};
use aceso_store::{CacheError, CacheHealth, CacheName, SharedCache};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// A shared cache, and what it is used for.
#[derive(Clone)]
pub struct SharedParts {
    /// The cache.
    pub cache: Arc<dyn SharedCache>,
    /// How long a lookup of patients is kept at most; zero keeps none.
    pub lookups: Duration,
}

/// What became of the cache in this process, for operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedCounts {
    /// Lookups of patients that were answered from it.
    pub hits: u64,
    /// Lookups of patients that were not.
    pub misses: u64,
    /// Values that did not open.
    pub unreadable: u64,
    /// How it is.
    pub health: CacheHealth,
}

/// A value of the shared cache cannot be had or put there. Whoever asked goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedError {
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The keys that seal it are not at hand.
    #[error("the keys of the shared cache cannot be used")]
    Keys,
}

pub(crate) struct SharedRoom {
    pub(crate) cache: Arc<dyn SharedCache>,
    pub(crate) lookups: Duration,
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    unreadable: AtomicU64,
    /// Of those, not yet in the log.
    untold: AtomicU64,
    /// When the log was told last, in milliseconds.
    told: AtomicI64,
}

/// Somebody who writes rubbish into the cache must not fill the log: an entry at most so often, in milliseconds.
const TELL_EVERY: i64 = 60_000;

impl SharedRoom {
    pub(crate) fn new(parts: SharedParts) -> Self {
        Self {
            cache: parts.cache,
            lookups: parts.lookups,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            untold: AtomicU64::new(0),
            told: AtomicI64::new(i64::MIN),
        }
    }
}

impl Custodian {
    /// What became of the shared cache; `None` without one.
    #[must_use]
    pub fn shared_counts(&self) -> Option<SharedCounts> {
        let room = self.inner.shared.as_ref()?;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (hits, misses, unreadable) = (count(&room.hits), count(&room.misses), count(&room.unreadable));
        Some(SharedCounts { hits, misses, unreadable, health: room.cache.health() })
    }

    /// The shared cache for secrets of other rooms; `None` without one.
    #[must_use]
    pub fn shared_secrets(&self) -> Option<SharedSecrets> {
        let room = Arc::clone(self.inner.shared.as_ref()?);
        Some(SharedSecrets { door: self.clone(), room })
    }

    /// What stands under a name, opened. `None` also for what does not open.
    pub(crate) async fn shared_value(
        &self,
        room: &SharedRoom,
        keys: &TenantKeys,
        space: &str,
        name: &CacheName,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, CacheError> {
        let Some(sealed) = room.cache.get(name).await? else { return Ok(None) };
        let opened = open_document(keys, &namespace(space), &text(name), &sealed);
        if opened.is_err() {
            self.tell_unreadable(room).await;
        }
        Ok(opened.ok())
    }

    /// Seals a value and puts it there.
    pub(crate) async fn share_value(
        &self,
        room: &SharedRoom,
        keys: &TenantKeys,
        (space, name): (&str, &CacheName),
        plain: &[u8],
        life: Duration,
    ) -> Result<(), SharedError> {
        let sealed: Sealed =
            seal_document(keys, &namespace(space), &text(name), plain).map_err(|_| SharedError::Keys)?;
        Ok(room.cache.set(name, &sealed, life).await?)
    }

    async fn tell_unreadable(&self, room: &SharedRoom) {
        room.unreadable.fetch_add(1, Ordering::Relaxed);
        room.untold.fetch_add(1, Ordering::Relaxed);
        let (now, told) = (self.now().0, room.told.load(Ordering::Relaxed));
        let due = now.saturating_sub(told) >= TELL_EVERY;
        if !due || room.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let count = room.untold.swap(0, Ordering::Relaxed);
        let entry = Entry::system(&self.inner.region, Action::OpenFailed)
            .with_detail("shared-cache")
            .with_outcome(Outcome::failed(OpenFailure::Sealed.code()))
            .with_count(count);
        if self.record_one(entry).await.is_err() {
            room.untold.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// Documents, secrets and what is in the cache are namespaces of their own: a row does not open as a value of the cache, nor the other
/// way round.
fn namespace(space: &str) -> String {
    format!("cache/{space}")
}

/// The name as part of the associated data.
fn text(name: &CacheName) -> String {
    use std::fmt::Write as _;
    name.as_bytes().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Secrets of other rooms (upstream tokens) in the shared cache, sealed under the system's own keys. Nothing of a patient's record
/// may be in one: no grant is asked. Cheap to clone.
#[derive(Clone)]
pub struct SharedSecrets {
    door: Custodian,
    room: Arc<SharedRoom>,
}

impl SharedSecrets {
    /// A secret, opened; `None` when there is none, its life is over, or it does not open.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn get(&self, space: &str, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SharedError> {
        let keys = self.keys()?;
        Ok(self.door.shared_value(&self.room, &keys, space, &name(&keys, "value", space, key)).await?)
    }

    /// Seals a secret and puts it there, for at most so long.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn set(&self, space: &str, key: &str, plain: &[u8], life: Duration) -> Result<(), SharedError> {
        let keys = self.keys()?;
        let name = name(&keys, "value", space, key);
        self.door.share_value(&self.room, &keys, (space, &name), plain, life).await
    }

    /// Takes a secret away.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn delete(&self, space: &str, key: &str) -> Result<(), SharedError> {
        let keys = self.keys()?;
        Ok(self.room.cache.delete(&name(&keys, "value", space, key)).await?)
    }

    /// Takes the lease of this name, for at most so long. False: somebody else has it.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn lease(&self, space: &str, key: &str, holder: Token16, life: Duration) -> Result<bool, SharedError> {
        let keys = self.keys()?;
        Ok(self.room.cache.lease(&name(&keys, "lease", space, key), holder, life).await?)
    }

    /// Gives the lease back, if it still is this holder's.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn release(&self, space: &str, key: &str, holder: Token16) -> Result<(), SharedError> {
        let keys = self.keys()?;
        let _ = self.room.cache.release(&name(&keys, "lease", space, key), holder).await?;
        Ok(())
    }

    fn keys(&self) -> Result<Arc<TenantKeys>, SharedError> {
        let system = system_tenant().map_err(|_| SharedError::Keys)?;
        self.door.inner.keyring.tenant(&system).map_err(|_| SharedError::Keys)
    }
}

fn name(keys: &TenantKeys, kind: &str, space: &str, key: &str) -> CacheName {
    CacheName::of_keyed(cache_name(keys, kind, &[space.as_bytes(), key.as_bytes()]))
}
