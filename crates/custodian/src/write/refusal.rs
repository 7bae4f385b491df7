//! Refused changes: each is an entry of the log, then the caller's answer.

use super::Change;
use super::draft::put_action;
use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use crate::open::OpenFailure;
use aceso_audit::{Entry, Outcome, Receipt};
use aceso_base::{Caller, Interaction, LogicalId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{SubjectFound, subject_of};
use aceso_policy::Denial;
use aceso_store::{Head, RecordKey};

/// Why a change goes no further; what must be in the log first is still to be written.
pub(super) enum Stop {
    Denied { entry: Box<Entry>, denial: Denial },
    Classes { entry: Box<Entry> },
    Refused(Why),
    Absent { rtype: ResourceType, id: LogicalId, newest: Option<Newest> },
    Gone { entry: Box<Entry>, version: Version },
    RolledBack { key: RecordKey, head: Head },
    Error(DoorError),
}

/// Why a change that the rules allow is refused all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Not at the version that the writer expects.
    VersionMismatch,
    /// A record that matches the condition is there.
    Duplicate,
    /// Its patient does not exist or was shredded.
    UnknownSubject,
    /// It names its patient in a form that leads to no key.
    ForeignSubject,
    /// It is a redacted copy.
    RedactedBase,
    /// This one of its references leads to no record that the writer may know of.
    Unresolved { at: usize },
    /// This earlier change of the unit is about the same record.
    SameRecord { first: usize },
}

impl Why {
    /// The code in the log.
    const fn code(self) -> &'static str {
        match self {
            Self::VersionMismatch => "version-mismatch",
            Self::Duplicate => "duplicate",
            Self::UnknownSubject => "unknown-subject",
            Self::ForeignSubject => "foreign-subject",
            Self::RedactedBase => "redacted-base",
            Self::Unresolved { .. } => "unresolved-reference",
            Self::SameRecord { .. } => "same-record-twice",
        }
    }

    fn answer(self, change: usize, receipt: Receipt) -> DoorError {
        match self {
            Self::VersionMismatch => DoorError::VersionMismatch { change, receipt },
            Self::Duplicate => DoorError::Duplicate { change, receipt },
            Self::UnknownSubject => DoorError::UnknownSubject { change, receipt },
            Self::ForeignSubject => DoorError::ForeignSubject { change, receipt },
            Self::RedactedBase => DoorError::RedactedBase { change, receipt },
            Self::Unresolved { at } => DoorError::Unresolved { change, at, receipt },
            Self::SameRecord { first } => DoorError::SameRecord { change, first, receipt },
        }
    }
}

impl Custodian {
    /// Puts a change that was stopped into the log and turns it into the caller's answer.
    pub(super) async fn stopped(&self, caller: &Caller, changes: &[Change], change: usize, stop: Stop) -> DoorError {
        match stop {
            Stop::Denied { entry, denial } => self.refuse(*entry, &denial).await,
            Stop::Refused(why) => self.refused(caller, changes, change, why).await,
            Stop::Classes { entry } => {
                let entry = entry.with_outcome(Outcome::denied("classes")).with_policy(self.inner.engine.version());
                match self.record_one(entry).await {
                    Ok(receipt) => DoorError::ClassesForbidden { change, receipt },
                    Err(error) => error,
                }
            }
            Stop::Absent { rtype, id, newest } => self.absent(caller, Interaction::Delete, (rtype, &id), newest).await,
            Stop::Gone { entry, version } => match self.record_one(entry.with_outcome(Outcome::failed("gone"))).await {
                Ok(receipt) => DoorError::Gone { receipt, version },
                Err(error) => error,
            },
            Stop::RolledBack { key, head } => self.unreadable(caller, &key, &head, OpenFailure::RolledBack).await,
            Stop::Error(error) => error,
        }
    }

    /// Records that a change was refused, of which record and whose, and says so.
    pub(super) async fn refused(&self, caller: &Caller, changes: &[Change], change: usize, why: Why) -> DoorError {
        let entry = match changes.get(change).map(|change| self.refused_entry(caller, change)) {
            Some(Ok(entry)) => entry,
            Some(Err(error)) => return error,
            None => return DoorError::Unavailable("a change that nobody asked for"),
        };
        match self.record_one(entry.with_outcome(Outcome::failed(why.code()))).await {
            Ok(receipt) => why.answer(change, receipt),
            Err(error) => error,
        }
    }

    /// As the entry of the change would be, had it been made: the version is the one that did not come into being.
    fn refused_entry(&self, caller: &Caller, change: &Change) -> Result<Entry, DoorError> {
        let (rtype, id) = change.record();
        let key = RecordKey { tenant: caller.tenant.clone(), rtype, id: id.clone() };
        let head = self.inner.store.head(&key).map_err(unavailable)?;
        let live = head.as_ref().is_some_and(|head| !head.deleted);
        let (action, named) = match change {
            Change::Delete { .. } => (Interaction::Delete, None),
            Change::Put { doc, patched, .. } => {
                let named = match subject_of(doc.root(), rtype) {
                    SubjectFound::Patient(subject) => Some(subject),
                    SubjectFound::Directory | SubjectFound::Unresolvable => None,
                };
                (put_action(live, *patched), named)
            }
        };
        let version = head.as_ref().map_or(Version::FIRST, |head| head.version.next());
        let subject = head.map(|head| head.subject).or(named);
        Ok(Entry::by(caller, action)
            .with_subjects(subject)
            .with_record(rtype, id, version)
            .with_policy(self.inner.engine.version()))
    }
}

impl Stop {
    pub(super) const fn seal() -> Self {
        Self::Error(DoorError::Unavailable("sealing failed"))
    }

    pub(super) const fn keys() -> Self {
        Self::Error(DoorError::Unavailable("keys"))
    }
}

impl From<Why> for Stop {
    fn from(why: Why) -> Self {
        Self::Refused(why)
    }
}
