//! The token service: its parts, how it starts, and how it writes.

use crate::config::IdentityConfig;
use crate::error::{IdentityError, OAuthError};
use crate::keys::SigningKeys;
use crate::limiter::Limiter;
use crate::live::Live;
use crate::password::Hasher;
use crate::records::{
    CLIENTS, ClientRecord, DocumentSeal, PEOPLE, PersonRecord, REVOCATIONS, RevocationRecord, decode, encode,
};
use crate::secret::Secret;
use crate::verify::Verified;
use crate::{account, claims};
use aceso_audit::Entry;
use aceso_base::{Clock, Randomness, Token16, UserId};
use aceso_store::{CommitError, DocumentWrite, Precondition, Store, StoreError, Unit};
use data_encoding::BASE64URL_NOPAD;
use quick_cache::sync::Cache;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{Mutex, OwnedMutexGuard};
use zeroize::Zeroizing;

/// How many documents are read at a time when the service starts.
const PAGE: usize = 512;

/// People, clients and tokens of one installation. Cheap to clone.
///
/// Holds accounts and revocations in memory, so one process at a time may write to a store.
#[derive(Clone)]
pub struct Identity {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) seal: Arc<dyn DocumentSeal>,
    pub(crate) config: IdentityConfig,
    keys: RwLock<SigningKeys>,
    live: RwLock<Live>,
    pub(crate) hasher: Hasher,
    pub(crate) limiter: Limiter,
    /// By SHA-256 of the token.
    pub(crate) verified: Cache<[u8; 32], Arc<Verified>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Randomness>,
    /// One change of people, clients or keys at a time.
    changes: Arc<Mutex<()>>,
}

impl Identity {
    /// Starts the service: reads accounts and revocations from the store.
    ///
    /// # Errors
    /// [`IdentityError`] when the store fails, a document does not open, or the configuration cannot be used.
    pub fn open(
        store: Arc<dyn Store>,
        seal: Arc<dyn DocumentSeal>,
        config: IdentityConfig,
        signing: SigningKeys,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
    ) -> Result<Self, IdentityError> {
        let ttl = config.ttl;
        if !(0 < ttl.access && ttl.access <= ttl.refresh_idle && ttl.refresh_idle <= ttl.refresh_absolute) {
            return Err(IdentityError::Invalid("life times must grow from access over idle to absolute"));
        }
        let hasher = Hasher::new(config.hashing, &*rng)?;
        let verified = Cache::new(config.cached_tokens);
        let inner = Inner {
            store,
            seal,
            config,
            keys: RwLock::new(signing),
            live: RwLock::new(Live::default()),
            hasher,
            limiter: Limiter::new(),
            verified,
            clock,
            rng,
            changes: Arc::new(Mutex::new(())),
        };
        inner.load()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The public signing keys as a JWK set (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.inner.keys().jwks()
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &IdentityConfig {
        &self.inner.config
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// Why something was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// A precondition did not hold.
    Refused,
    Store(StoreError),
    /// The process is shutting down.
    Stopping,
}

impl From<WriteError> for IdentityError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused => Self::Contended,
            WriteError::Store(error) => Self::Store(error),
            WriteError::Stopping => Self::Stopping,
        }
    }
}

impl From<WriteError> for OAuthError {
    fn from(_: WriteError) -> Self {
        Self::unavailable()
    }
}

/// A document as it was read.
pub(crate) struct Stored<T> {
    pub(crate) record: T,
    pub(crate) revision: u64,
}

impl Inner {
    fn load(&self) -> Result<(), IdentityError> {
        let mut live = self.live_mut();
        self.each(PEOPLE, |key, record: PersonRecord| {
            let id = UserId::parse(key).map_err(|_| IdentityError::Damaged { space: PEOPLE })?;
            account::Person::of(&id, &record)?;
            live.put_person(id, record);
            Ok(())
        })?;
        self.each(CLIENTS, |key, record: ClientRecord| {
            let id = UserId::parse(key).map_err(|_| IdentityError::Damaged { space: CLIENTS })?;
            account::Client::of(&id, &record)?;
            live.put_client(id, record);
            Ok(())
        })?;
        let now = self.now_seconds();
        self.each(REVOCATIONS, |key, record: RevocationRecord| {
            let id = key.split_once(':').and_then(|(_, id)| claims::token16(id));
            live.revoke(id.ok_or(IdentityError::Damaged { space: REVOCATIONS })?, record.until, now);
            Ok(())
        })
    }

    /// Visits all documents of a space.
    pub(crate) fn each<T: DeserializeOwned>(
        &self,
        space: &'static str,
        mut visit: impl FnMut(&str, T) -> Result<(), IdentityError>,
    ) -> Result<(), IdentityError> {
        let mut after: Option<String> = None;
        loop {
            let page = self.store.documents(space, after.as_deref(), PAGE)?;
            for (key, document) in &page {
                let plain = self.seal.open(space, key, &document.bytes)?;
                visit(key, decode(space, &plain)?)?;
            }
            match page.into_iter().next_back() {
                Some((last, _)) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        space: &'static str,
        key: &str,
    ) -> Result<Option<Stored<T>>, IdentityError> {
        let Some(document) = self.store.document(space, key)? else { return Ok(None) };
        let plain = self.seal.open(space, key, &document.bytes)?;
        Ok(Some(Stored { record: decode(space, &plain)?, revision: document.revision }))
    }

    /// Adds a sealed document to a unit, to be written over this revision only (`None`: it must not exist).
    pub(crate) fn put(
        &self,
        unit: &mut Unit,
        space: &'static str,
        key: &str,
        expected: Option<u64>,
        record: &impl Serialize,
    ) -> Result<(), IdentityError> {
        let bytes = self.seal.seal(space, key, &encode(record)?)?;
        let (space, key) = (space.to_owned(), key.to_owned());
        unit.preconditions.push(Precondition::DocumentRevision { space: space.clone(), key: key.clone(), expected });
        unit.documents.push(DocumentWrite { space, key, bytes: Some(bytes) });
        Ok(())
    }

    /// Makes a unit durable, then shows it to verifications. Runs to its end even when the asker goes away: what is on
    /// disk is in memory too.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        unit: Unit,
        turn: Option<OwnedMutexGuard<()>>,
        effect: impl FnOnce(&mut Live) + Send + 'static,
    ) -> Result<(), WriteError> {
        let inner = Arc::clone(self);
        let done = tokio::spawn(async move {
            let result = inner.store.commit(unit).await;
            if result.is_ok() {
                effect(&mut inner.live_mut());
            }
            drop(turn);
            result
        });
        match done.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(CommitError::Refused { .. })) => Err(WriteError::Refused),
            Ok(Err(CommitError::Unavailable(error))) => Err(WriteError::Store(error)),
            Err(_) => Err(WriteError::Stopping),
        }
    }

    /// Writes entries that go with no change.
    pub(crate) async fn log(self: &Arc<Self>, entries: Vec<Entry>) -> Result<(), WriteError> {
        self.commit(Unit { entries, ..Unit::default() }, None, |_| ()).await
    }

    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.changes).lock_owned().await
    }

    pub(crate) fn keys(&self) -> RwLockReadGuard<'_, SigningKeys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_keys(&self, keys: SigningKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    pub(crate) fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_mut(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_seconds(&self) -> i64 {
        self.clock.now().as_seconds()
    }

    /// 256 random bits as text.
    pub(crate) fn random_secret(&self) -> Secret {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        self.rng.fill(&mut *bytes);
        Secret::from(BASE64URL_NOPAD.encode(&*bytes))
    }

    pub(crate) fn random_id(&self) -> Token16 {
        self.rng.token16()
    }
}
