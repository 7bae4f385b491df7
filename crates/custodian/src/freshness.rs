//! Which version of each record is the newest, as the audit log tells it: a row that somebody set back to an older state
//! opens nothing.
//!
//! Ciphertext is bound to its version, but an attacker who can write the database could put a whole older row back. Every
//! write is an entry of the log, so the log knows the newest version of every record. The map of them is built from the
//! whole log at start and kept up to date by every write of this process. Setting the *whole* database back, log included,
//! shows only against a checkpoint that somebody kept outside.

use aceso_audit::{Action, Entry, LogKeys, LogReader, Origin, Outcome, read_entries};
use aceso_base::{LogicalId, TenantId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_store::{Head, RecordKey};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

const SHARDS: usize = 16;
/// Entries of the log that are read at once.
const BLOCK: u64 = 8192;

/// What the log says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Newest {
    /// Its newest version.
    pub(crate) version: Version,
    /// That version is a deletion.
    pub(crate) deleted: bool,
}

impl Newest {
    /// Whether a row that was read after this was asked is neither older nor of another kind.
    pub(crate) fn allows(newest: Option<Self>, head: &Head) -> bool {
        newest.is_none_or(|newest| match head.version.cmp(&newest.version) {
            Ordering::Less => false,
            Ordering::Equal => head.deleted == newest.deleted,
            Ordering::Greater => true,
        })
    }
}

/// The newest version of every record, by a hash of its name. Two records of one hash share the higher version: one in
/// 2^64 pairs would be called stale, none fresh.
pub(crate) struct Freshness {
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Newest>>; SHARDS],
}

/// The log could not be read back.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be read back: {0}")]
pub(crate) struct FreshnessError(String);

impl Freshness {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Replays the log.
    pub(crate) fn replay(&self, log: &dyn LogReader, keys: &LogKeys, origin: &Origin) -> Result<u64, FreshnessError> {
        let size = log.size().map_err(|error| FreshnessError(error.to_string()))?;
        let mut next = 0;
        while next < size {
            let end = size.min(next.saturating_add(BLOCK));
            let entries =
                read_entries(log, keys, origin, next..end).map_err(|error| FreshnessError(error.to_string()))?;
            for logged in &entries {
                self.note_entry(&logged.entry);
            }
            next = end;
        }
        Ok(size)
    }

    fn note_entry(&self, entry: &Entry) {
        let write = matches!(entry.action(), Action::Create | Action::Update | Action::Delete);
        let deleted = entry.action() == Action::Delete;
        let (true, Outcome::Granted, Some(tenant)) = (write, entry.outcome(), entry.tenant()) else { return };
        for record in entry.records() {
            self.note_parts(tenant, record.rtype, &record.id, Newest { version: record.version, deleted });
        }
    }

    /// A write became durable.
    pub(crate) fn note(&self, key: &RecordKey, newest: Newest) {
        self.note_parts(&key.tenant, key.rtype, &key.id, newest);
    }

    fn note_parts(&self, tenant: &TenantId, rtype: ResourceType, id: &LogicalId, newest: Newest) {
        let (hash, shard) = self.place(tenant, rtype, id);
        if let Some(shard) = shard {
            let mut known = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let known = known.entry(hash).or_insert(newest);
            *known = (*known).max(newest);
        }
    }

    /// The newest version that was acknowledged; `None` for a record that the log does not know.
    ///
    /// A row is compared with what was asked here *before* the row was read: a writer that comes in between makes the row
    /// newer than the answer, never older.
    pub(crate) fn newest(&self, key: &RecordKey) -> Option<Newest> {
        self.newest_of(&key.tenant, key.rtype, &key.id)
    }

    /// As [`Freshness::newest`].
    pub(crate) fn newest_of(&self, tenant: &TenantId, rtype: ResourceType, id: &LogicalId) -> Option<Newest> {
        let (hash, shard) = self.place(tenant, rtype, id);
        shard?.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied()
    }

    fn place(
        &self,
        tenant: &TenantId,
        rtype: ResourceType,
        id: &LogicalId,
    ) -> (u64, Option<&Mutex<HashMap<u64, Newest>>>) {
        let hash = self.hasher.hash_one((tenant.as_str(), rtype.code(), id.as_str()));
        (hash, self.shards.get(usize::try_from(hash >> 60).unwrap_or_default()))
    }
}
