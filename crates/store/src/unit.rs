//! Writing: one unit of work, all or nothing, with its audit entries.

use crate::document::DocumentWrite;
use crate::error::{CommitError, StoreError};
use crate::keys::KeyWrite;
use crate::reader::Reader;
use crate::record::{RecordKey, RecordRow};
use crate::search::TokenMark;
use aceso_audit::{Entry, LogReader, Receipt};
use aceso_base::{LogicalId, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::{IndexToken, Sealed};
use std::future::Future;
use std::pin::Pin;

/// What must become true together. Steps are checked and applied in the order of the fields.
///
/// A read is a unit with one entry and nothing else.
#[derive(Debug, Default)]
pub struct Unit {
    /// What must hold, else nothing is applied.
    pub preconditions: Vec<Precondition>,
    /// Versions of records.
    pub puts: Vec<Put>,
    /// Changes of wrapped keys.
    pub keys: Vec<KeyWrite>,
    /// Documents.
    pub documents: Vec<DocumentWrite>,
    /// Takes events of the outbox away, from the oldest on up to the first that is not older than this. Positions go on; none is
    /// given twice.
    pub forget_events_before: Option<Timestamp>,
    /// Written to the log when the unit is applied.
    pub entries: Vec<Entry>,
    /// Written to the log instead when it is refused.
    pub on_refused: Vec<Entry>,
}

/// What a unit demands of the stored rows, units before it included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The record's current version is this one; `None`: there never was such a record.
    Version {
        /// Which record.
        key: RecordKey,
        /// Its version, deletions included.
        expected: Option<Version>,
    },
    /// No live record of the type has the token, other than these: guards a conditional create against a race.
    NoRowWithToken {
        /// Whose data.
        tenant: TenantId,
        /// The resource type.
        rtype: ResourceType,
        /// The token.
        token: IndexToken,
        /// Records that were opened and found not to match (truncated tokens collide).
        but: Vec<LogicalId>,
    },
    /// The subject's keys were not destroyed.
    SubjectNotShredded {
        /// Whose data.
        tenant: TenantId,
        /// Whose keys.
        subject: SubjectId,
    },
    /// The document has this revision; `None`: it does not exist.
    DocumentRevision {
        /// The kind of document.
        space: String,
        /// Its name.
        key: String,
        /// Its revision.
        expected: Option<u64>,
    },
}

/// One version of a record to store.
///
/// A new version must follow the current one (the first is [`Version::FIRST`]), else the unit is refused. The replaced row goes to
/// the history; tokens, search part and links are those of the new version only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Which record.
    pub key: RecordKey,
    /// The version. Empty bytes exactly when it is a deletion.
    pub row: RecordRow,
    /// The search part; `None` for a deletion.
    pub search: Option<Sealed>,
    /// The tokens, at most 24 bytes each.
    pub tokens: Vec<IndexToken>,
    /// Further compartments that the record belongs to, besides `row.head.subject`.
    pub links: Vec<SubjectId>,
    /// The same version under a new key: the stored bytes and key versions of that version, current or past, are replaced in
    /// place; no history, no event. Refused unless the version exists and its row names no newer tenant key. With a search
    /// part, search part, tokens and links of the current version are put as they should be, also where their rows were lost;
    /// without, they stay.
    pub reseal: bool,
    /// Whether the change is announced in the outbox.
    pub event: bool,
}

/// One step of a unit, by position in its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// In `preconditions`.
    Precondition(usize),
    /// In `puts`: the version does not follow the stored one, or (re-seal) does not exist.
    Put(usize),
    /// In `keys`: the change does not fit the stored rows.
    Key(usize),
    /// In `documents`.
    Document(usize),
}

impl Unit {
    /// The step that [`CommitError::Refused`] names by `failed`.
    #[must_use]
    pub const fn step(&self, failed: usize) -> Step {
        let (conditions, puts, keys) = (self.preconditions.len(), self.puts.len(), self.keys.len());
        if failed < conditions {
            Step::Precondition(failed)
        } else if failed < conditions + puts {
            Step::Put(failed - conditions)
        } else if failed < conditions + puts + keys {
            Step::Key(failed - conditions - puts)
        } else {
            Step::Document(failed - conditions - puts - keys)
        }
    }
}

/// A commit on its way.
pub type Committing<'a> = Pin<Box<dyn Future<Output = Result<Vec<Receipt>, CommitError>> + Send + 'a>>;

/// How the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Free bytes on the disk, as last measured.
    pub disk_free: u64,
    /// Below this many free bytes every unit is refused as [`StoreError::Full`].
    pub disk_reserve: u64,
    /// When the last unit became durable in this process.
    pub last_commit: Option<Timestamp>,
    /// Units that wait.
    pub queue_depth: usize,
    /// Why the last batch failed; `None` after a batch that went well.
    pub failed: Option<StoreError>,
}

/// Reads and writes, and owns the audit log's place on disk.
pub trait Store: Reader {
    /// Applies the unit and makes it durable. One receipt for each of `entries`, in order, exists only after that. Units become
    /// visible in the order in which they were handed over.
    ///
    /// The unit is handed over by this call, not by polling; a future that is dropped does not take it back.
    fn commit(&self, unit: Unit) -> Committing<'_>;

    /// A number that has grown once a unit that changes this compartment (search parts, links or keys of the subject) is
    /// acknowledged. It may grow without cause: several subjects share one.
    ///
    /// Ask *before* reading: what was read is still what is stored for as long as the number is the same.
    fn changes_of(&self, subject: SubjectId) -> u64;

    /// A mark that is another one once a unit that gives one of these tokens to a record of this type is acknowledged. It may change
    /// without cause. No other opening of the store, in this process or another, gives the same, unless it counts the same units.
    ///
    /// Ask *before* reading: for as long as the mark is the same, no record has come to what [`Reader::by_tokens`] found.
    fn mark_of_tokens(&self, rtype: ResourceType, tokens: &[IndexToken]) -> TokenMark;

    /// How the store is.
    fn health(&self) -> Health;

    /// The audit log as it is on disk.
    fn log(&self) -> &(dyn LogReader + Send + Sync);
}
