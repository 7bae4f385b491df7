//! Reading. Every call sees one consistent snapshot and all units committed before it.

use crate::document::Document;
use crate::error::StoreError;
use crate::event::Event;
use crate::keys::{KeyUsage, SubjectKeyRow, TenantKeyRow};
use crate::record::{Head, RecordKey, RecordRow, SealedCursor, SealedUnder, Updated};
use crate::search::{Candidates, IndexRow, SearchRow, SearchRowRef, TokenStats};
use aceso_base::{LogicalId, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::IndexToken;
use std::ops::ControlFlow;

/// Reads sealed rows. Synchronous: a point read takes microseconds.
///
/// # Errors
/// Every call fails with [`StoreError`] when the engine fails or a row breaks the format; none answers with less than there is.
pub trait Reader: Send + Sync {
    /// The current version's head; a deleted record has one too.
    fn head(&self, key: &RecordKey) -> Result<Option<Head>, StoreError>;

    /// The current version; a deletion is a row with empty bytes.
    fn current(&self, key: &RecordKey) -> Result<Option<RecordRow>, StoreError>;

    /// One version, current or past.
    fn version(&self, key: &RecordKey, version: Version) -> Result<Option<RecordRow>, StoreError>;

    /// Versions, newest first, the current one included; with `before`, only those below it. At most `limit`.
    fn history(&self, key: &RecordKey, before: Option<Version>, limit: usize) -> Result<Vec<RecordRow>, StoreError>;

    /// The current versions of several records, in the order asked, `None` where there is none.
    fn currents(
        &self,
        tenant: &TenantId,
        records: &[(ResourceType, LogicalId)],
    ) -> Result<Vec<Option<RecordRow>>, StoreError>;

    /// Visits the search parts of a compartment: the subject's own live records of these types (none given: all types), by type
    /// and id, then records of others that are linked to it. Each record once. Bytes are borrowed: nothing is allocated per row.
    ///
    /// The visitor runs while the snapshot is open: keep it short, and do not call the store from it.
    fn scan_search(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        types: &[ResourceType],
        visit: &mut dyn FnMut(SearchRowRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Visits the search parts of all live records of one type, across subjects, in an order of the store's own. As for
    /// [`Reader::scan_search`], the visitor must be short.
    fn scan_type(
        &self,
        tenant: &TenantId,
        rtype: ResourceType,
        visit: &mut dyn FnMut(SearchRowRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// The search parts of given records, in the order asked. With a subject, only records of its compartment (own or linked);
    /// `None` where there is no such live record.
    fn search_rows(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        records: &[(ResourceType, LogicalId)],
    ) -> Result<Vec<Option<SearchRow>>, StoreError>;

    /// The live records of other subjects that are linked to this one, of these types (none given: all types), by type and id. At
    /// most `limit`. Clear names only: nothing of a record.
    fn linked(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        types: &[ResourceType],
        limit: usize,
    ) -> Result<Vec<(ResourceType, LogicalId)>, StoreError>;

    /// Live records of a type that have at least one of the tokens.
    fn by_tokens(
        &self,
        tenant: &TenantId,
        rtype: ResourceType,
        tokens: &[IndexToken],
        limit: usize,
    ) -> Result<Candidates, StoreError>;

    /// Live records of a type last changed in `from..to`, by time and id, after the given place. At most `limit`.
    fn updated_between(
        &self,
        tenant: &TenantId,
        rtype: ResourceType,
        from: Timestamp,
        to: Timestamp,
        after: Option<(Timestamp, &LogicalId)>,
        limit: usize,
    ) -> Result<Vec<Updated>, StoreError>;

    /// Live records with their index rows, in an order of the store's own, after the given number. At most `limit`. For a walk that
    /// checks the index, not for requests.
    fn index_rows(&self, tenant: &TenantId, after: Option<u64>, limit: usize) -> Result<Vec<IndexRow>, StoreError>;

    /// Every tenant that has rows, by name.
    fn tenants(&self) -> Result<Vec<TenantId>, StoreError>;

    /// The tenant's keys by ascending version; empty for a tenant that does not exist yet.
    fn tenant_keys(&self, tenant: &TenantId) -> Result<Vec<TenantKeyRow>, StoreError>;

    /// The wrapped root of the tenant's index keys.
    fn index_root(&self, tenant: &TenantId) -> Result<Option<Vec<u8>>, StoreError>;

    /// The subject's keys by ascending version; empty before the first write and after the shred.
    fn subject_keys(&self, tenant: &TenantId, subject: SubjectId) -> Result<Vec<SubjectKeyRow>, StoreError>;

    /// Whether the subject's keys were destroyed.
    fn shredded(&self, tenant: &TenantId, subject: SubjectId) -> Result<bool, StoreError>;

    /// How many rows name each tenant key version. Walks indexes: for operators, not for requests.
    fn key_usage(&self, tenant: &TenantId) -> Result<KeyUsage, StoreError>;

    /// Subjects with a key row wrapped by a tenant key below the version, ascending, after the given one. At most `limit`.
    fn subjects_wrapped_by(
        &self,
        tenant: &TenantId,
        below_version: u32,
        after: Option<SubjectId>,
        limit: usize,
    ) -> Result<Vec<SubjectId>, StoreError>;

    /// Sealed rows, current and past, that name a tenant key below the version, after the given place. At most `limit`.
    fn records_sealed_under(
        &self,
        tenant: &TenantId,
        below_version: u32,
        after: Option<SealedCursor>,
        limit: usize,
    ) -> Result<Vec<SealedUnder>, StoreError>;

    /// One document.
    fn document(&self, space: &str, key: &str) -> Result<Option<Document>, StoreError>;

    /// Documents of a space by key, after the given one. At most `limit`.
    fn documents(&self, space: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Document)>, StoreError>;

    /// Live records per type, types without any left out.
    fn counts(&self, tenant: &TenantId) -> Result<Vec<(ResourceType, u64)>, StoreError>;

    /// What each token index gives away. Walks the whole index: for operators, not for requests.
    fn token_stats(&self, tenant: &TenantId) -> Result<Vec<TokenStats>, StoreError>;

    /// The outbox after a position, oldest first. At most `limit`.
    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError>;
}
