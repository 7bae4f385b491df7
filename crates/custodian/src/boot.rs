//! How a process comes to its door: the system's own keys, the log's keys, then the tenants.

use crate::door::{Custodian, LogSide, Parts};
use crate::keyring::{Keyring, KeyringError, open_tenant};
use crate::log_index::LogIndex;
use aceso_audit::{Action, Entry, LogKeys};
use aceso_base::{Clock, Randomness, Region, SubjectId, TenantId};
use aceso_phi::Sealed;
use aceso_seal::{KeyProvider, TenantKeys, open_document, seal_document};
use aceso_store::{CommitError, DocumentWrite, KeyWrite, Reader, StoreError, SubjectKeyRow, TenantKeyRow, Unit};
use std::sync::Arc;

/// The tenant whose keys seal the system's own secrets. Holds no records.
pub(crate) const SYSTEM: &str = "system";
/// Where sealed secrets lie.
pub(crate) const SECRETS: &str = "secrets";
const AUDIT_LOG: &str = "audit-log";

/// Why the door cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The store cannot be read or written.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// The key service does not open the system's keys: another root key, or a service that cannot be reached.
    #[error("the key service does not open the system's keys: {0}")]
    Keys(&'static str),
    /// A sealed secret of the system does not open or has the wrong form.
    #[error("the system's sealed secret `{0}` does not open")]
    Secret(&'static str),
    /// The first unit of work was refused: another process set the system up at the same time.
    #[error("another process uses this data directory")]
    Contended,
    /// The rows were written for another population, so they have other index tokens than a search would ask for.
    #[error("the data was indexed for a population of {stored} patients; set search.population back to it")]
    IndexPlan {
        /// The population that the rows were written for.
        stored: u64,
    },
    /// The audit log does not read back: changed, cut or sealed with other keys.
    #[error("the audit log does not read back; `aceso audit verify` names the place")]
    Log,
}

/// What is needed before the store can run: the log's keys. Made from the raw rows, or anew on a fresh directory.
pub struct Prepared {
    /// The keys of the audit log.
    pub log_keys: LogKeys,
    first: Option<Unit>,
}

impl Prepared {
    /// Whether this is a fresh data directory.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.first.is_some()
    }
}

/// Opens the system's keys, or makes them on a fresh data directory. Nothing is written yet.
///
/// # Errors
/// [`BootError`].
pub fn prepare(
    reader: &dyn Reader,
    provider: &dyn KeyProvider,
    region: &Region,
    clock: &dyn Clock,
    rng: &dyn Randomness,
) -> Result<Prepared, BootError> {
    let system = system_tenant()?;
    match open_tenant(reader, provider, region, &system) {
        Ok(keys) => {
            let document = reader.document(SECRETS, AUDIT_LOG)?.ok_or(BootError::Secret(AUDIT_LOG))?;
            let bytes = open_document(&keys, SECRETS, AUDIT_LOG, &Sealed::from_store(document.bytes))
                .map_err(|_| BootError::Secret(AUDIT_LOG))?;
            let log_keys = LogKeys::from_secret_bytes(&bytes).map_err(|_| BootError::Secret(AUDIT_LOG))?;
            Ok(Prepared { log_keys, first: None })
        }
        Err(KeyringError::NoTenant) => {
            let log_keys = LogKeys::generate(rng);
            let (keys, mut unit) = new_tenant(provider, region, &system, clock, rng)?;
            let sealed = seal_document(&keys, SECRETS, AUDIT_LOG, &log_keys.to_secret_bytes())
                .map_err(|_| BootError::Secret(AUDIT_LOG))?;
            unit.documents.push(DocumentWrite {
                space: SECRETS.to_owned(),
                key: AUDIT_LOG.to_owned(),
                bytes: Some(sealed.as_bytes().to_vec()),
            });
            Ok(Prepared { log_keys, first: Some(unit) })
        }
        Err(error) => Err(boot_error(error)),
    }
}

impl Custodian {
    /// Sets the door up on a running store.
    ///
    /// # Errors
    /// [`BootError`].
    pub async fn open(prepared: Prepared, parts: Parts) -> Result<Self, BootError> {
        let keyring = Keyring::new(
            Arc::clone(&parts.store),
            Arc::clone(&parts.provider),
            parts.region.clone(),
            parts.cached_subjects,
        );
        if let Some(mut unit) = prepared.first {
            unit.entries.push(Entry::system(&parts.region, Action::KeyCreated).with_detail("system"));
            commit(&*parts.store, unit).await?;
        }
        let log = LogSide { keys: prepared.log_keys, origin: parts.origin.clone(), index: LogIndex::default() };
        let learned = crate::snapshots::learn(&*parts.store, &keyring, &log, &*parts.rng)?;
        Ok(Self::assemble(parts, keyring, learned, log))
    }

    /// The start-up guard of the indexes: they are chosen once by the configured population, and checked at every start.
    ///
    /// # Errors
    /// [`BootError::IndexPlan`] when the data was written for another population.
    pub async fn check_index_plan(&self, population: u64) -> Result<(), BootError> {
        let (space, key) = ("settings", "search-population");
        if let Some(document) = self.inner.store.document(space, key)? {
            let stored = std::str::from_utf8(&document.bytes).ok().and_then(|text| text.parse().ok());
            let stored: u64 = stored.ok_or(BootError::Secret("search-population"))?;
            return if stored == population { Ok(()) } else { Err(BootError::IndexPlan { stored }) };
        }
        let document = DocumentWrite {
            space: space.to_owned(),
            key: key.to_owned(),
            bytes: Some(population.to_string().into_bytes()),
        };
        let entry = Entry::system(&self.inner.region, Action::PolicyChanged).with_detail("search-population");
        let unit = Unit { documents: vec![document], entries: vec![entry.with_count(population)], ..Unit::default() };
        commit(&*self.inner.store, unit).await
    }

    /// Makes the tenant's keys, unless they exist. True when they were made now.
    ///
    /// # Errors
    /// [`BootError`].
    pub async fn ensure_tenant(&self, tenant: &TenantId) -> Result<bool, BootError> {
        match self.inner.keyring.tenant(tenant) {
            Ok(_) => return Ok(false),
            Err(KeyringError::NoTenant) => {}
            Err(error) => return Err(boot_error(error)),
        }
        let inner = &self.inner;
        let (keys, mut unit) = new_tenant(inner.keyring.provider(), &inner.region, tenant, &*inner.clock, &*inner.rng)?;
        unit.entries.push(Entry::system(&inner.region, Action::KeyCreated).with_tenant(tenant).with_detail("tenant"));
        commit(&*inner.store, unit).await?;
        inner.keyring.put_tenant(tenant, Arc::new(keys));
        Ok(true)
    }
}

fn new_tenant(
    provider: &dyn KeyProvider,
    region: &Region,
    tenant: &TenantId,
    clock: &dyn Clock,
    rng: &dyn Randomness,
) -> Result<(TenantKeys, Unit), BootError> {
    let (key, root, keys) =
        TenantKeys::create(provider, region, tenant, rng).map_err(|_| BootError::Keys("it did not wrap a new key"))?;
    let directory = SubjectId::DIRECTORY;
    let subject =
        keys.new_subject_key(directory, 1, rng).map_err(|_| BootError::Keys("a new key could not be wrapped"))?;
    let row = TenantKeyRow { version: key.version, wrapped: key.bytes, created: clock.now(), retired: None };
    let subject_row =
        SubjectKeyRow { version: 1, tenant_key_version: subject.tenant_key_version, wrapped: subject.bytes };
    let unit = Unit {
        keys: vec![
            KeyWrite::AddTenantKey { tenant: tenant.clone(), row },
            KeyWrite::SetIndexRoot { tenant: tenant.clone(), replaces: None, wrapped: root.bytes },
            KeyWrite::AddSubjectKey { tenant: tenant.clone(), subject: directory, row: subject_row },
        ],
        ..Unit::default()
    };
    Ok((keys, unit))
}

async fn commit(store: &dyn aceso_store::Store, unit: Unit) -> Result<(), BootError> {
    match store.commit(unit).await {
        Ok(_) => Ok(()),
        Err(CommitError::Unavailable(error)) => Err(BootError::Store(error)),
        Err(CommitError::Refused { .. }) => Err(BootError::Contended),
    }
}

pub(crate) fn system_tenant() -> Result<TenantId, BootError> {
    TenantId::parse(SYSTEM).map_err(|_| BootError::Secret(SYSTEM))
}

pub(crate) fn boot_error(error: KeyringError) -> BootError {
    match error {
        KeyringError::Store(error) => BootError::Store(error),
        KeyringError::NoTenant => BootError::Keys("there is no such tenant"),
        KeyringError::Key(_) => BootError::Keys("a wrapped key was refused or the service cannot be used"),
    }
}
