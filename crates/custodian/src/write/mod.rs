//! Writing through the door: decide, split, seal, and one unit of work.
//!
//! [`Custodian::write`] drafts all changes ([`draft`]), judges them ([`checks`]), adds the conditions of conditional interactions
//! ([`guard`]) and commits. What is refused on the way is an entry of the log before it is an answer ([`refusal`]).

mod checks;
mod draft;
mod guard;
mod patch;
mod refusal;

pub use guard::Guard;
pub(crate) use guard::Turns;

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use aceso_audit::Receipt;
use aceso_base::{Caller, LogicalId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Doc;
use aceso_store::{CommitError, DocumentWrite, Precondition, StoreError, Unit};
use draft::{Done, Draft, WriteSession};
use refusal::Why;

/// What the writer knows of the record's present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There is none yet.
    Absent,
    /// It is at this version (`If-Match`).
    At(Version),
    /// There is one, or there was.
    Present,
    /// Whatever there is.
    Any,
}

/// One change of one record.
pub enum Change {
    /// A new version. The document is valid FHIR of this type; its `id` and `meta` are stamped here.
    Put {
        /// The type.
        rtype: ResourceType,
        /// The logical id.
        id: LogicalId,
        /// The content.
        doc: Doc,
        /// What must hold.
        expected: Expected,
        /// The records of this server that it refers to: each must be there, or come with the same unit, and be one that the writer
        /// may know of. Looked up only after the rules have allowed the change.
        refers: Vec<Referred>,
        /// The content is that of the record, opened by [`Custodian::open_for_patch`], and changed: decided and recorded as a patch.
        patched: bool,
    },
    /// The end of the record.
    Delete {
        /// The type.
        rtype: ResourceType,
        /// The logical id.
        id: LogicalId,
        /// What must hold.
        expected: Expected,
    },
}

/// A record that a resource refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// Which of the references of the resource, in written order from 0.
    pub at: usize,
    /// The type.
    pub rtype: ResourceType,
    /// The logical id.
    pub id: LogicalId,
}

impl Change {
    /// Which record it is about.
    #[must_use]
    pub const fn record(&self) -> (ResourceType, &LogicalId) {
        let (Self::Put { rtype, id, .. } | Self::Delete { rtype, id, .. }) = self;
        (*rtype, id)
    }

    const fn demands_a_version(&self) -> bool {
        let (Self::Put { expected, .. } | Self::Delete { expected, .. }) = self;
        matches!(expected, Expected::Absent | Expected::At(_))
    }
}

/// What became of a change.
#[derive(Debug)]
pub struct Written {
    /// The type.
    pub rtype: ResourceType,
    /// The logical id.
    pub id: LogicalId,
    /// The new version.
    pub version: Version,
    /// When.
    pub updated: Timestamp,
    /// The record came into being (or back from deletion).
    pub created: bool,
    /// The entry of the log.
    pub receipt: Receipt,
}

/// How often a write is made anew when another writer came first and no version was demanded.
const ATTEMPTS: usize = 16;
/// After so many records, a long unit lets other tasks run.
const YIELD_EVERY: usize = 32;

impl Custodian {
    /// Makes all changes in one unit of work, with `documents` beside them: all or none.
    ///
    /// # Errors
    /// [`DoorError::Forbidden`] or [`DoorError::Absent`] by the rules, [`DoorError::VersionMismatch`], [`DoorError::Duplicate`],
    /// [`DoorError::SameRecord`], [`DoorError::UnknownSubject`], [`DoorError::ForeignSubject`], [`DoorError::Unresolved`],
    /// [`DoorError::RedactedBase`], [`DoorError::ClassesForbidden`], [`DoorError::Unavailable`]. Nothing is stored then, and the log
    /// has an entry of each of these but the last.
    pub async fn write(
        &self,
        caller: &Caller,
        changes: &[Change],
        guards: &[Guard<'_>],
        documents: &[DocumentWrite],
    ) -> Result<Vec<Written>, DoorError> {
        if let Some((first, change)) = checks::same_record(changes) {
            return Err(self.refused(caller, changes, change, Why::SameRecord { first }).await);
        }
        // Held until the unit is committed: of equal conditions without an index, one at a time is looked at and acted on.
        let _turns = self.turns(caller, guards).await?;
        for _ in 0..ATTEMPTS {
            let mut draft = self.draft(caller, changes).await?;
            for guard in guards {
                let condition = self.guard_condition(caller, changes, guard).await?;
                draft.guards.extend(condition.map(|condition| (guard.change, condition)));
            }
            let Draft { conditions, guards: guarding, puts, keys, entries, outcome } = draft;
            let demanded: Vec<Option<usize>> = conditions.iter().map(checks::demanded_version).collect();
            let mut preconditions: Vec<Precondition> = conditions.into_iter().map(|(_, condition)| condition).collect();
            let versions = preconditions.len();
            let (guard_of, guard_conditions): (Vec<usize>, Vec<Precondition>) = guarding.into_iter().unzip();
            preconditions.extend(guard_conditions);
            let documents = documents.to_vec();
            let unit = Unit { preconditions, puts, keys, documents, entries, ..Unit::default() };
            let steps = unit.preconditions.len();
            let flight = self.inner.freshness.begin(outcome.iter().map(|done| (&done.key, done.subject)));
            match self.commit(unit).await {
                Ok(receipts) => {
                    let written = self.written(outcome, receipts);
                    flight.land();
                    return Ok(written);
                }
                Err(CommitError::Unavailable(error)) => {
                    // After other failures it may be done or not: the flight is lost until the log has told.
                    if matches!(error, StoreError::Busy | StoreError::Full) {
                        flight.land();
                    }
                    return Err(unavailable(error));
                }
                Err(CommitError::Refused { failed, .. }) => {
                    flight.land();
                    if let Some(at) = failed.checked_sub(versions).filter(|_| failed < steps) {
                        let change = guard_of.get(at).copied().unwrap_or_default();
                        return Err(self.refused(caller, changes, change, Why::Duplicate).await);
                    }
                    let demands = |change: &usize| changes.get(*change).is_some_and(Change::demands_a_version);
                    if let Some(change) = demanded.get(failed).copied().flatten().filter(demands) {
                        return Err(self.refused(caller, changes, change, Why::VersionMismatch).await);
                    }
                }
            }
        }
        Err(DoorError::Unavailable("too many writers of one record"))
    }

    fn written(&self, outcome: Vec<Done>, receipts: Vec<Receipt>) -> Vec<Written> {
        let mut done = Vec::with_capacity(outcome.len());
        for (item, receipt) in outcome.into_iter().zip(receipts) {
            let Done { key, subject, version, updated, created, deleted } = item;
            self.inner.freshness.note(&key, subject, Newest { version, deleted });
            done.push(Written { rtype: key.rtype, id: key.id, version, updated, created, receipt });
        }
        done
    }

    async fn draft(&self, caller: &Caller, changes: &[Change]) -> Result<Draft, DoorError> {
        let mut draft = Draft::default();
        let mut session = WriteSession::new(caller, changes);
        for (at, change) in changes.iter().enumerate() {
            if at % YIELD_EVERY == YIELD_EVERY - 1 {
                tokio::task::yield_now().await;
            }
            if let Err(stop) = self.draft_change(&mut session, &mut draft, at, change) {
                return Err(self.stopped(caller, changes, at, stop).await);
            }
        }
        Ok(draft)
    }
}
