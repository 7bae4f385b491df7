//! Turning the root key over: tenant keys and index roots stay what they are and are wrapped anew.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::keys::{RootStatus, commit_error};
use aceso_audit::Action;
use aceso_base::{TenantId, UserId};
use aceso_seal::{KeyProvider, TenantKeys, WrappedIndexRoot, WrappedTenantKey};
use aceso_store::{KeyWrite, Unit};

impl Custodian {
    /// The root key's version, and how many wrapped keys name an older one, in the whole data directory.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub fn root_status(&self) -> Result<RootStatus, DoorError> {
        let provider = self.inner.keyring.provider();
        let primary = provider.primary_root();
        let mut left = 0;
        for tenant in self.inner.store.tenants().map_err(unavailable)? {
            let keys = self.inner.store.tenant_keys(&tenant).map_err(unavailable)?;
            let root = self.inner.store.index_root(&tenant).map_err(unavailable)?;
            let wrapped = keys.iter().map(|row| &row.wrapped).chain(&root).filter(|wrapped| !wrapped.is_empty());
            left += wrapped.filter(|wrapped| is_old(provider, wrapped)).count() as u64;
        }
        Ok(RootStatus { primary, left })
    }

    /// Makes a new version of the root key where the key service can; new rows are wrapped under it. Old ones open as before,
    /// until [`Custodian::rewrap_root`] has moved them.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`], also when root keys are made elsewhere.
    pub async fn rotate_root(&self, by: &UserId) -> Result<u32, DoorError> {
        let system = self.system()?;
        // Before the key is made: a version that the log does not know must not exist.
        let entry = self.key_entry(Action::KeyRotated, &system, by).with_detail("root-key");
        let _ = self.record_one(entry).await?;
        self.inner.keyring.provider().add_root(&*self.inner.rng).map_err(provider_error)
    }

    /// Wraps every tenant key and index root that names an older root key anew, tenant by tenant, each in one unit of work with
    /// its entry. How many were wrapped. Nothing that is sealed changes, and requests go on.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`]. What was wrapped before stays so; the next call goes on.
    pub async fn rewrap_root(&self, by: &UserId) -> Result<u64, DoorError> {
        let mut wrapped = 0;
        for tenant in self.inner.store.tenants().map_err(unavailable)? {
            let unit = self.rewrap_of(&tenant)?;
            let count = unit.keys.len() as u64;
            if count > 0 {
                let entry = self.key_entry(Action::KeyRewrapped, &tenant, by).with_count(count).with_detail("root-key");
                let unit = Unit { entries: vec![entry], ..unit };
                self.commit(unit).await.map_err(commit_error)?;
                wrapped += count;
            }
        }
        Ok(wrapped)
    }

    /// Takes all root keys away but the newest, where the key service can. Refused while a wrapped key names one of them: it would
    /// be lost, and everything under it.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub async fn remove_old_roots(&self, by: &UserId) -> Result<(), DoorError> {
        if self.root_status()?.left > 0 {
            return Err(DoorError::Unavailable("wrapped keys still name an older root key; rewrap them first"));
        }
        let entry = self.key_entry(Action::KeyRotated, &self.system()?, by).with_detail("old-root-keys-removed");
        let _ = self.record_one(entry).await?;
        self.inner.keyring.provider().remove_old_roots().map_err(provider_error)
    }

    fn rewrap_of(&self, tenant: &TenantId) -> Result<Unit, DoorError> {
        let (provider, region) = (self.inner.keyring.provider(), &self.inner.region);
        let mut unit = Unit::default();
        let failed = |_| DoorError::Unavailable("a wrapped key was refused or the key service cannot be used");
        for row in self.inner.store.tenant_keys(tenant).map_err(unavailable)? {
            if row.wrapped.is_empty() || !is_old(provider, &row.wrapped) {
                continue;
            }
            let old = WrappedTenantKey { version: row.version, bytes: row.wrapped };
            let new = TenantKeys::rewrap(provider, provider, region, tenant, &old).map_err(failed)?;
            let (tenant, version) = (tenant.clone(), new.version);
            unit.keys.push(KeyWrite::RewrapTenantKey { tenant, version, wrapped: new.bytes });
        }
        let root = self.inner.store.index_root(tenant).map_err(unavailable)?;
        if let Some(bytes) = root.filter(|bytes| is_old(provider, bytes)) {
            let old = WrappedIndexRoot { bytes };
            let new = TenantKeys::rewrap_index_root(provider, provider, region, tenant, &old).map_err(failed)?;
            let (tenant, replaces) = (tenant.clone(), Some(old.bytes));
            unit.keys.push(KeyWrite::SetIndexRoot { tenant, replaces, wrapped: new.bytes });
        }
        Ok(unit)
    }

    fn system(&self) -> Result<TenantId, DoorError> {
        crate::boot::system_tenant().map_err(|_| DoorError::Unavailable("keys"))
    }
}

fn is_old(provider: &dyn KeyProvider, wrapped: &[u8]) -> bool {
    match (provider.primary_root(), provider.root_version(wrapped)) {
        (Some(primary), Some(version)) => version != primary,
        // What names no version is not of this provider: wrapping it anew finds out.
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn provider_error(error: aceso_seal::ProviderError) -> DoorError {
    match error {
        aceso_seal::ProviderError::Refused => DoorError::Unavailable("the key service refused"),
        aceso_seal::ProviderError::Unavailable(why) => DoorError::Unavailable(why),
    }
}
