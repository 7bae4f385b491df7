use crate::hazard::{AeadKey, MacKey, Prk, Refused, random_key};
use crate::place::push;
use crate::provider::{KeyContext, KeyKind, KeyProvider, ProviderError, unwrap_bound, wrap_bound};
use aceso_base::{Randomness, Region, SubjectId, TenantId};
use std::sync::Arc;

/// One version of a tenant key as it is stored: wrapped by the key service. Row of `tenant_keys`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedTenantKey {
    /// From 1, without gaps; the highest is the primary.
    pub version: u32,
    /// What the key service returned.
    pub bytes: Vec<u8>,
}

/// The root of a tenant's index keys as it is stored. A branch of its own: an index key that got out opens nothing,
/// and rotating one does not force the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedIndexRoot {
    /// What the key service returned.
    pub bytes: Vec<u8>,
}

/// One version of a subject's key as it is stored, wrapped under a tenant key. **Deleting all of a subject's rows is
/// the crypto-shred**: nothing else leads to that key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedSubjectKey {
    /// Which tenant key opens it.
    pub tenant_key_version: u32,
    /// Format 1: `1, suite 1, nonce[12], ciphertext[32], tag[16]`.
    pub bytes: Vec<u8>,
}

/// Why a key could not be made, opened or rewrapped. Carries no key and no subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The key service did not do it.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The key names a tenant key version that is not open here.
    #[error("tenant key version {0} is not open")]
    UnknownVersion(u32),
    /// No version, version 0, or the same version twice.
    #[error("the list of tenant key versions is empty or has a version twice")]
    Versions,
    /// Not this subject's key, or changed bytes, or an unknown format.
    #[error("the wrapped subject key does not open")]
    Refused,
}

impl From<Refused> for KeyError {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

/// All open key versions of one tenant in one region, ready for use. Share it as `Arc`; a rotation makes a new one.
/// Shows no bytes; wiped when dropped.
pub struct TenantKeys {
    region: Region,
    tenant: TenantId,
    /// Sorted by version; never empty.
    versions: Vec<Arc<TenantVersion>>,
    primary: Arc<TenantVersion>,
    index: Arc<IndexKeys>,
}

/// The ready keys of one tenant key version.
pub(crate) struct TenantVersion {
    pub(crate) version: u32,
    /// Derives the structure part's key of each record version.
    pub(crate) structure: Prk,
    wrap: AeadKey,
    pub(crate) document: AeadKey,
    /// What a sealed document says of the key that it is under.
    pub(crate) document_commitment: [u8; COMMITMENT],
}

/// The tenant's token key.
pub(crate) struct IndexKeys {
    pub(crate) mac: MacKey,
}

impl TenantKeys {
    /// A new tenant: version 1 of its key and its index root. Store both rows before sealing anything.
    ///
    /// # Errors
    /// [`KeyError::Provider`].
    pub fn create(
        provider: &dyn KeyProvider,
        region: &Region,
        tenant: &TenantId,
        rng: &dyn Randomness,
    ) -> Result<(WrappedTenantKey, WrappedIndexRoot, Self), KeyError> {
        let key = random_key(rng);
        let root = random_key(rng);
        let wrapped =
            WrappedTenantKey { version: 1, bytes: wrap_bound(provider, &tenant_context(region, tenant, 1), &key)? };
        let wrapped_root = WrappedIndexRoot { bytes: wrap_bound(provider, &index_context(region, tenant), &root)? };
        let salt = salt(region, tenant);
        let primary = Arc::new(TenantVersion::derive(1, &salt, &key)?);
        let index = Arc::new(IndexKeys::derive(&salt, &root)?);
        let keys = Self {
            region: region.clone(),
            tenant: tenant.clone(),
            versions: vec![Arc::clone(&primary)],
            primary,
            index,
        };
        Ok((wrapped, wrapped_root, keys))
    }

    /// Opens a tenant: asks the key service once per row and once for the index root.
    ///
    /// # Errors
    /// [`KeyError::Provider`]; [`KeyError::Versions`] when there is no row or one twice.
    pub fn open(
        provider: &dyn KeyProvider,
        region: &Region,
        tenant: &TenantId,
        rows: &[WrappedTenantKey],
        index_root: &WrappedIndexRoot,
    ) -> Result<Self, KeyError> {
        let salt = salt(region, tenant);
        let mut versions = Vec::with_capacity(rows.len());
        for row in rows {
            let key = unwrap_bound(provider, &tenant_context(region, tenant, row.version), &row.bytes)?;
            versions.push(Arc::new(TenantVersion::derive(row.version, &salt, &key)?));
        }
        versions.sort_by_key(|v| v.version);
        let twice = versions.windows(2).any(|pair| matches!(pair, [a, b] if a.version == b.version));
        let zero = versions.first().is_some_and(|v| v.version == 0);
        let Some(primary) = versions.last().map(Arc::clone).filter(|_| !twice && !zero) else {
            return Err(KeyError::Versions);
        };
        let root = unwrap_bound(provider, &index_context(region, tenant), &index_root.bytes)?;
        let index = Arc::new(IndexKeys::derive(&salt, &root)?);
        Ok(Self { region: region.clone(), tenant: tenant.clone(), versions, primary, index })
    }

    /// The next version of the tenant key, and these keys with it as the primary. Store the row first, then put the
    /// new keys in the place of these: what is sealed under a version that was never stored is lost.
    ///
    /// # Errors
    /// [`KeyError::Provider`].
    pub fn add_version(
        &self,
        provider: &dyn KeyProvider,
        rng: &dyn Randomness,
    ) -> Result<(WrappedTenantKey, Self), KeyError> {
        let version = self.primary().checked_add(1).ok_or(KeyError::Versions)?;
        let key = random_key(rng);
        let bytes = wrap_bound(provider, &tenant_context(&self.region, &self.tenant, version), &key)?;
        let primary = Arc::new(TenantVersion::derive(version, &salt(&self.region, &self.tenant), &key)?);
        let mut versions = self.versions.clone();
        versions.push(Arc::clone(&primary));
        let keys = Self {
            region: self.region.clone(),
            tenant: self.tenant.clone(),
            versions,
            primary,
            index: Arc::clone(&self.index),
        };
        Ok((WrappedTenantKey { version, bytes }, keys))
    }

    /// Moves a wrapped tenant key to another root key, or to the primary version of the same one. The tenant key
    /// itself stays, so nothing else has to move.
    ///
    /// # Errors
    /// [`KeyError::Provider`].
    pub fn rewrap(
        from: &dyn KeyProvider,
        to: &dyn KeyProvider,
        region: &Region,
        tenant: &TenantId,
        row: &WrappedTenantKey,
    ) -> Result<WrappedTenantKey, KeyError> {
        let context = tenant_context(region, tenant, row.version);
        let key = unwrap_bound(from, &context, &row.bytes)?;
        Ok(WrappedTenantKey { version: row.version, bytes: wrap_bound(to, &context, &key)? })
    }

    /// The same for the index root.
    ///
    /// # Errors
    /// [`KeyError::Provider`].
    pub fn rewrap_index_root(
        from: &dyn KeyProvider,
        to: &dyn KeyProvider,
        region: &Region,
        tenant: &TenantId,
        row: &WrappedIndexRoot,
    ) -> Result<WrappedIndexRoot, KeyError> {
        let context = index_context(region, tenant);
        let root = unwrap_bound(from, &context, &row.bytes)?;
        Ok(WrappedIndexRoot { bytes: wrap_bound(to, &context, &root)? })
    }

    /// The version that new things are sealed under.
    #[must_use]
    pub fn primary(&self) -> u32 {
        self.primary.version
    }

    /// The open versions, lowest first.
    pub fn versions(&self) -> impl Iterator<Item = u32> {
        self.versions.iter().map(|v| v.version)
    }

    /// The region of these keys.
    #[must_use]
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// The tenant of these keys.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// A fresh random key for a subject, wrapped under the primary. Store the row, then open it.
    ///
    /// # Errors
    /// [`KeyError::Refused`] when the module failed to seal.
    pub fn new_subject_key(
        &self,
        subject: SubjectId,
        key_version: u32,
        rng: &dyn Randomness,
    ) -> Result<WrappedSubjectKey, KeyError> {
        self.wrap_subject(subject, key_version, &random_key(rng))
    }

    /// Opens a subject's key.
    ///
    /// # Errors
    /// [`KeyError::UnknownVersion`] or [`KeyError::Refused`].
    pub fn open_subject(
        &self,
        subject: SubjectId,
        key_version: u32,
        wrapped: &WrappedSubjectKey,
    ) -> Result<SubjectKey, KeyError> {
        let key = self.unwrap_subject(subject, key_version, wrapped)?;
        SubjectKey::derive(subject, key_version, &salt(&self.region, &self.tenant), &key)
    }

    /// Wraps a subject's key anew under the primary, as a rotation of the tenant key asks. About a microsecond.
    ///
    /// # Errors
    /// [`KeyError::UnknownVersion`] or [`KeyError::Refused`].
    pub fn rewrap_subject(
        &self,
        subject: SubjectId,
        key_version: u32,
        wrapped: &WrappedSubjectKey,
    ) -> Result<WrappedSubjectKey, KeyError> {
        let key = self.unwrap_subject(subject, key_version, wrapped)?;
        self.wrap_subject(subject, key_version, &key)
    }

    pub(crate) fn version(&self, version: u32) -> Option<&TenantVersion> {
        if self.primary.version == version {
            return Some(&self.primary);
        }
        let at = self.versions.binary_search_by_key(&version, |v| v.version).ok()?;
        self.versions.get(at).map(Arc::as_ref)
    }

    pub(crate) fn primary_version(&self) -> &TenantVersion {
        &self.primary
    }

    pub(crate) fn index(&self) -> &IndexKeys {
        &self.index
    }

    fn wrap_subject(
        &self,
        subject: SubjectId,
        key_version: u32,
        key: &[u8; 32],
    ) -> Result<WrappedSubjectKey, KeyError> {
        let mut bytes = vec![FORMAT, SUITE];
        let aad = self.subject_aad(subject, key_version, self.primary.version);
        self.primary.wrap.seal(&aad, key, &mut bytes)?;
        Ok(WrappedSubjectKey { tenant_key_version: self.primary.version, bytes })
    }

    fn unwrap_subject(
        &self,
        subject: SubjectId,
        key_version: u32,
        wrapped: &WrappedSubjectKey,
    ) -> Result<zeroize::Zeroizing<[u8; 32]>, KeyError> {
        let tenant_version = wrapped.tenant_key_version;
        let opener = self.version(tenant_version).ok_or(KeyError::UnknownVersion(tenant_version))?;
        let Some((&[FORMAT, SUITE], sealed)) = wrapped.bytes.split_first_chunk::<2>() else {
            return Err(KeyError::Refused);
        };
        let mut room = zeroize::Zeroizing::new(Vec::with_capacity(sealed.len()));
        opener.wrap.open(&self.subject_aad(subject, key_version, tenant_version), sealed, &mut room)?;
        let key: &[u8; 32] = room.as_slice().try_into().map_err(|_| KeyError::Refused)?;
        Ok(zeroize::Zeroizing::new(*key))
    }

    fn subject_aad(&self, subject: SubjectId, key_version: u32, tenant_version: u32) -> Vec<u8> {
        let mut aad = Vec::with_capacity(160);
        push(&mut aad, b"aceso/1/subject-key");
        push(&mut aad, &[FORMAT, SUITE]);
        push(&mut aad, self.region.as_str().as_bytes());
        push(&mut aad, self.tenant.as_str().as_bytes());
        push(&mut aad, &subject.0);
        push(&mut aad, &key_version.to_be_bytes());
        push(&mut aad, &tenant_version.to_be_bytes());
        aad
    }
}

impl std::fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantKeys({}/{}, version {})", self.region, self.tenant, self.primary())
    }
}

/// One open version of a subject's key: a patient's, or the directory's. Holds what a read needs ready (some 3 kB);
/// wiped when dropped, so a cache of these is safe to evict from.
pub struct SubjectKey {
    subject: SubjectId,
    version: u32,
    /// Derives the part keys of each record version.
    pub(crate) record: Prk,
    /// Seals and opens all search parts of the subject.
    pub(crate) search: AeadKey,
    /// What a search part says of the key that it is under.
    pub(crate) search_commitment: [u8; COMMITMENT],
    /// Tokens inside the subject's compartment.
    pub(crate) token: MacKey,
}

impl SubjectKey {
    /// Whose key.
    #[must_use]
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }

    /// Which version of it; from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    fn derive(subject: SubjectId, version: u32, salt: &[u8], key: &[u8; 32]) -> Result<Self, KeyError> {
        let root = Prk::extract(salt, key)?;
        Ok(Self {
            subject,
            version,
            search: root.aead_for("aceso/1/subject/search")?,
            search_commitment: root.commitment("aceso/2/subject/search-commitment")?,
            token: root.mac("aceso/1/subject/token")?,
            record: root,
        })
    }
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectKey({}, version {})", self.subject, self.version)
    }
}

impl TenantVersion {
    fn derive(version: u32, salt: &[u8], key: &[u8; 32]) -> Result<Self, KeyError> {
        let root = Prk::extract(salt, key)?;
        Ok(Self {
            version,
            wrap: root.aead_for("aceso/1/tenant/subject-key")?,
            document: root.aead_for("aceso/1/tenant/document")?,
            document_commitment: root.commitment("aceso/2/tenant/document-commitment")?,
            structure: root,
        })
    }
}

impl IndexKeys {
    fn derive(salt: &[u8], root: &[u8; 32]) -> Result<Self, KeyError> {
        Ok(Self { mac: Prk::extract(salt, root)?.mac("aceso/1/tenant/index")? })
    }
}

/// Bytes of a key commitment.
pub(crate) const COMMITMENT: usize = 32;
const FORMAT: u8 = 1;
const SUITE: u8 = 1;

/// The HKDF salt of every key of a tenant: a process of another region or tenant derives other keys from the same
/// bytes.
fn salt(region: &Region, tenant: &TenantId) -> Vec<u8> {
    let mut salt = Vec::with_capacity(96);
    push(&mut salt, b"aceso/1/salt");
    push(&mut salt, region.as_str().as_bytes());
    push(&mut salt, tenant.as_str().as_bytes());
    salt
}

const fn tenant_context<'a>(region: &'a Region, tenant: &'a TenantId, version: u32) -> KeyContext<'a> {
    KeyContext { region, tenant, kind: KeyKind::TenantKey, version }
}

const fn index_context<'a>(region: &'a Region, tenant: &'a TenantId) -> KeyContext<'a> {
    KeyContext { region, tenant, kind: KeyKind::IndexRoot, version: 1 }
}
