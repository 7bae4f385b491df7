//! Wrapped keys: rows that are worthless without the key service.

use aceso_base::{SubjectId, TenantId, Timestamp};

/// One version of a tenant's key, wrapped by the key service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantKeyRow {
    /// Which version; 1 for the first.
    pub version: u32,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// Since when.
    pub created: Timestamp,
    /// When it stopped to seal new rows.
    pub retired: Option<Timestamp>,
}

/// One version of a subject's key, wrapped by a tenant key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectKeyRow {
    /// Which version; 1 for the first.
    pub version: u32,
    /// The tenant key that wraps it.
    pub tenant_key_version: u32,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

/// A change of key rows, part of a [`crate::Unit`]. A change that does not fit the stored rows refuses the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyWrite {
    /// A new version of the tenant's key. Refused when the version exists.
    AddTenantKey {
        /// Whose.
        tenant: TenantId,
        /// The new row.
        row: TenantKeyRow,
    },
    /// The same tenant key wrapped anew. Refused unless the version exists.
    RewrapTenantKey {
        /// Whose.
        tenant: TenantId,
        /// Which version.
        version: u32,
        /// The key, wrapped anew.
        wrapped: Vec<u8>,
    },
    /// A tenant key seals no new rows from now on. Refused unless the version exists.
    RetireTenantKey {
        /// Whose.
        tenant: TenantId,
        /// Which version.
        version: u32,
        /// Since when.
        at: Timestamp,
    },
    /// A tenant key's wrapped bytes are destroyed. Refused unless the version exists and no row names it any more.
    DestroyTenantKey {
        /// Whose.
        tenant: TenantId,
        /// Which version.
        version: u32,
    },
    /// The root of the tenant's index keys. Refused unless the stored one is `replaces` (`None`: there is none).
    SetIndexRoot {
        /// Whose.
        tenant: TenantId,
        /// The wrapped root that is there now.
        replaces: Option<Vec<u8>>,
        /// The new wrapped root.
        wrapped: Vec<u8>,
    },
    /// A new version of a subject's key. Refused when the version exists or the subject was shredded.
    AddSubjectKey {
        /// Whose data.
        tenant: TenantId,
        /// Whose key.
        subject: SubjectId,
        /// The new row.
        row: SubjectKeyRow,
    },
    /// The same subject key wrapped by another tenant key. Refused unless the stored row names `from`.
    RewrapSubjectKey {
        /// Whose data.
        tenant: TenantId,
        /// Whose key.
        subject: SubjectId,
        /// The tenant key version that wraps it now.
        from: u32,
        /// The row as it shall be.
        row: SubjectKeyRow,
    },
    /// The crypto-shred: every key row, search part and token of the subject is destroyed for good, and no key can be
    /// added later. Sealed record rows stay, unreadable. Refused when the subject was shredded before.
    ShredSubject {
        /// Whose data.
        tenant: TenantId,
        /// Whose keys.
        subject: SubjectId,
        /// When.
        at: Timestamp,
    },
}

/// How many rows name each tenant key version.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeyUsage {
    /// By ascending version; versions that no row names are left out.
    pub versions: Vec<KeyUse>,
}

/// The rows that name one tenant key version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The tenant key version.
    pub tenant_key_version: u32,
    /// Subject key rows wrapped by it.
    pub subject_keys: u64,
    /// Sealed record rows, current and past. Deletions hold nothing sealed and are not counted.
    pub records: u64,
}
