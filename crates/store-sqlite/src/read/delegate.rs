//! The same reading from the types that hold the readers.

use super::Readers;
use crate::store::{Inspection, SqliteStore};
use aceso_base::{LogicalId, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::IndexToken;
use aceso_store::{
    Candidates, Document, Event, Head, IndexRow, KeyUsage, Reader, RecordKey, RecordRow, SealedCursor, SealedUnder,
    SearchRow, SearchRowRef, StoreError, SubjectKeyRow, TenantKeyRow, TokenStats, Updated,
};
use std::ops::ControlFlow;

macro_rules! reads_through {
    ($holder:ty, $field:ident: $(fn $name:ident($($arg:ident: $kind:ty),*) -> $result:ty;)+) => {
        impl Reader for $holder {
            $(fn $name(&self, $($arg: $kind),*) -> Result<$result, StoreError> {
                Readers::$name(&self.$field, $($arg),*)
            })+
        }
    };
}

macro_rules! all_reads_through {
    ($holder:ty, $field:ident) => {
        reads_through! { $holder, $field:
            fn head(key: &RecordKey) -> Option<Head>;
            fn current(key: &RecordKey) -> Option<RecordRow>;
            fn version(key: &RecordKey, version: Version) -> Option<RecordRow>;
            fn history(key: &RecordKey, before: Option<Version>, limit: usize) -> Vec<RecordRow>;
            fn currents(tenant: &TenantId, records: &[(ResourceType, LogicalId)]) -> Vec<Option<RecordRow>>;
            fn scan_search(tenant: &TenantId, subject: SubjectId, types: &[ResourceType], visit: &mut dyn FnMut(SearchRowRef<'_>) -> ControlFlow<()>) -> ();
            fn scan_type(tenant: &TenantId, rtype: ResourceType, visit: &mut dyn FnMut(SearchRowRef<'_>) -> ControlFlow<()>) -> ();
            fn search_rows(tenant: &TenantId, subject: Option<SubjectId>, records: &[(ResourceType, LogicalId)]) -> Vec<Option<SearchRow>>;
            fn linked(tenant: &TenantId, subject: SubjectId, types: &[ResourceType], limit: usize) -> Vec<(ResourceType, LogicalId)>;
            fn by_tokens(tenant: &TenantId, rtype: ResourceType, tokens: &[IndexToken], limit: usize) -> Candidates;
            fn updated_between(tenant: &TenantId, rtype: ResourceType, from: Timestamp, to: Timestamp, after: Option<(Timestamp, &LogicalId)>, limit: usize) -> Vec<Updated>;
            fn index_rows(tenant: &TenantId, after: Option<u64>, limit: usize) -> Vec<IndexRow>;
            fn tenants() -> Vec<TenantId>;
            fn tenant_keys(tenant: &TenantId) -> Vec<TenantKeyRow>;
            fn index_root(tenant: &TenantId) -> Option<Vec<u8>>;
            fn subject_keys(tenant: &TenantId, subject: SubjectId) -> Vec<SubjectKeyRow>;
            fn shredded(tenant: &TenantId, subject: SubjectId) -> bool;
            fn key_usage(tenant: &TenantId) -> KeyUsage;
            fn subjects_wrapped_by(tenant: &TenantId, below_version: u32, after: Option<SubjectId>, limit: usize) -> Vec<SubjectId>;
            fn records_sealed_under(tenant: &TenantId, below_version: u32, after: Option<SealedCursor>, limit: usize) -> Vec<SealedUnder>;
            fn document(space: &str, key: &str) -> Option<Document>;
            fn documents(space: &str, after: Option<&str>, limit: usize) -> Vec<(String, Document)>;
            fn counts(tenant: &TenantId) -> Vec<(ResourceType, u64)>;
            fn token_stats(tenant: &TenantId) -> Vec<TokenStats>;
            fn changes(after: u64, limit: usize) -> Vec<Event>;
        }
    };
}

all_reads_through!(SqliteStore, readers);
all_reads_through!(Inspection, readers);
