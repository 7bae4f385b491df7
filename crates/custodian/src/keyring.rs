//! Opened keys in memory: tenants for as long as the process lives or until a flush, patients in a bounded cache.
//!
//! The key service is asked once per tenant, never per record. Keys are wiped when they leave the cache.

use aceso_base::{Region, SubjectId, TenantId};
use aceso_seal::{
    KeyError, KeyProvider, SubjectKey, TenantKeys, WrappedIndexRoot, WrappedSubjectKey, WrappedTenantKey,
};
use aceso_store::{Reader, Store, StoreError};
use quick_cache::sync::Cache;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Why a key is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyringError {
    /// There is no such tenant.
    #[error("no such tenant")]
    NoTenant,
    /// The key did not open or the service cannot be asked.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The rows cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeyringError {
    /// The stored bytes are at fault, not the service: asking again does not help.
    pub(crate) const fn is_damage(self) -> bool {
        matches!(self, Self::Key(KeyError::Refused | KeyError::UnknownVersion(_)))
    }
}

pub(crate) struct Keyring {
    store: Arc<dyn Store>,
    provider: Arc<dyn KeyProvider>,
    region: Region,
    tenants: RwLock<BTreeMap<TenantId, Arc<TenantKeys>>>,
    /// Opened patient keys by version.
    subjects: Cache<(TenantId, SubjectId, u32), Arc<SubjectKey>>,
    /// The version that new records of a patient are sealed under.
    latest: Cache<(TenantId, SubjectId), u32>,
    /// Grows with every shred and flush: what was loaded before must not enter the cache after.
    epoch: AtomicU64,
}

impl Keyring {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        provider: Arc<dyn KeyProvider>,
        region: Region,
        cached_subjects: usize,
    ) -> Self {
        Self {
            store,
            provider,
            region,
            tenants: RwLock::new(BTreeMap::new()),
            subjects: Cache::new(cached_subjects),
            latest: Cache::new(cached_subjects),
            epoch: AtomicU64::new(0),
        }
    }

    pub(crate) fn provider(&self) -> &dyn KeyProvider {
        &*self.provider
    }

    /// The tenant's keys, opened on first use.
    pub(crate) fn tenant(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, KeyringError> {
        if let Some(keys) = self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return Ok(Arc::clone(keys));
        }
        let epoch = self.epoch.load(Ordering::Acquire);
        let keys = Arc::new(open_tenant(&*self.store, &*self.provider, &self.region, tenant)?);
        if self.epoch.load(Ordering::Acquire) == epoch {
            self.put_tenant(tenant, Arc::clone(&keys));
        }
        Ok(keys)
    }

    /// Puts new keys in the place of the old ones, after their rows are durable.
    pub(crate) fn put_tenant(&self, tenant: &TenantId, keys: Arc<TenantKeys>) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(tenant.clone(), keys);
    }

    /// A patient's key of this version; `None` when its row is gone: shredded, or never made.
    pub(crate) fn subject(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        version: u32,
    ) -> Result<Option<Arc<SubjectKey>>, KeyringError> {
        let name = (tenant.clone(), subject, version);
        if let Some(key) = self.subjects.get(&name) {
            return Ok(Some(key));
        }
        self.load(tenant, subject)?;
        match self.subjects.get(&name) {
            Some(key) => Ok(Some(key)),
            // A key that was evicted at once, or a shred in between: ask the rows again, without the cache.
            None => Ok(self
                .open_rows(tenant, subject)?
                .into_iter()
                .find(|(found, _)| *found == version)
                .map(|(_, key)| key)),
        }
    }

    /// The key that new records of the subject are sealed under, with its version.
    pub(crate) fn latest_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Option<(u32, Arc<SubjectKey>)>, KeyringError> {
        let known = self.latest.get(&(tenant.clone(), subject));
        let version = match known {
            Some(version) => Some(version),
            None => self.load(tenant, subject)?,
        };
        match version {
            None => Ok(None),
            Some(version) => Ok(self.subject(tenant, subject, version)?.map(|key| (version, key))),
        }
    }

    /// Forgets a patient's keys: the memory side of a shred.
    pub(crate) fn forget_subject(&self, tenant: &TenantId, subject: SubjectId) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.latest.remove(&(tenant.clone(), subject));
        self.subjects.retain(|(of, whose, _), _| !(of == tenant && *whose == subject));
    }

    /// Forgets everything: the next use asks the key service again.
    pub(crate) fn flush(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.subjects.clear();
        self.latest.clear();
    }

    fn load(&self, tenant: &TenantId, subject: SubjectId) -> Result<Option<u32>, KeyringError> {
        let epoch = self.epoch.load(Ordering::Acquire);
        let opened = self.open_rows(tenant, subject)?;
        let latest = opened.last().map(|(version, _)| *version);
        if self.epoch.load(Ordering::Acquire) == epoch {
            for (version, key) in opened {
                self.subjects.insert((tenant.clone(), subject, version), key);
            }
            if let Some(version) = latest {
                self.latest.insert((tenant.clone(), subject), version);
            }
            // A shred that came between the check and the insert removes again what it finds; one that came before
            // the insert and after its own removal is caught here.
            if self.epoch.load(Ordering::Acquire) != epoch {
                self.subjects.retain(|(of, whose, _), _| !(of == tenant && *whose == subject));
                self.latest.remove(&(tenant.clone(), subject));
            }
        }
        Ok(latest)
    }

    fn open_rows(&self, tenant: &TenantId, subject: SubjectId) -> Result<Vec<(u32, Arc<SubjectKey>)>, KeyringError> {
        let rows = self.store.subject_keys(tenant, subject)?;
        // The tombstone counts, also when somebody has put an old key row back.
        if rows.is_empty() || self.store.shredded(tenant, subject)? {
            return Ok(Vec::new());
        }
        let keys = self.tenant(tenant)?;
        rows.into_iter()
            .map(|row| {
                let wrapped = WrappedSubjectKey { tenant_key_version: row.tenant_key_version, bytes: row.wrapped };
                Ok((row.version, Arc::new(keys.open_subject(subject, row.version, &wrapped)?)))
            })
            .collect()
    }
}

/// Opens a tenant's rows with the key service.
pub(crate) fn open_tenant(
    reader: &(impl Reader + ?Sized),
    provider: &dyn KeyProvider,
    region: &Region,
    tenant: &TenantId,
) -> Result<TenantKeys, KeyringError> {
    let rows: Vec<WrappedTenantKey> = reader
        .tenant_keys(tenant)?
        .into_iter()
        .filter(|row| !row.wrapped.is_empty())
        .map(|row| WrappedTenantKey { version: row.version, bytes: row.wrapped })
        .collect();
    let Some(root) = reader.index_root(tenant)? else { return Err(KeyringError::NoTenant) };
    Ok(TenantKeys::open(provider, region, tenant, &rows, &WrappedIndexRoot { bytes: root })?)
}
