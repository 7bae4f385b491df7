//! Records: a current row each, and the rows that it replaced.

use aceso_base::{LogicalId, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::Sealed;

/// Names one record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// Whose data.
    pub tenant: TenantId,
    /// The resource type.
    pub rtype: ResourceType,
    /// The FHIR logical id.
    pub id: LogicalId,
}

/// What the store knows of one version of a record without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which version.
    pub version: Version,
    /// Whose keys seal it: the home compartment.
    pub subject: SubjectId,
    /// Version of the subject's key.
    pub subject_key_version: u32,
    /// Version of the tenant's key.
    pub tenant_key_version: u32,
    /// When the version came into being (`meta.lastUpdated`).
    pub updated: Timestamp,
    /// The version is a deletion.
    pub deleted: bool,
}

/// One version of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// What is known without opening.
    pub head: Head,
    /// The sealed resource; empty for a deletion.
    pub sealed: Sealed,
}

/// A live record found by the time of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// The FHIR logical id.
    pub id: LogicalId,
    /// Its current version.
    pub head: Head,
}

/// A sealed row that names an old tenant key: one piece of work for a re-seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedUnder {
    /// The record.
    pub key: RecordKey,
    /// The version, current or past.
    pub version: Version,
    /// Where to go on after this row.
    pub cursor: SealedCursor,
}

/// A place in the walk over rows that name old tenant keys; valid as long as the store lives, also across restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SealedCursor {
    /// The tenant key version that the row names.
    pub tenant_key_version: u32,
    /// The row is a past version; past versions come after the current ones.
    pub past: bool,
    /// The store's own number of the row.
    pub number: u64,
}
