//! The outbox: what changed, by reference only.

use crate::record::RecordKey;
use aceso_base::{SubjectId, Timestamp, Version};

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It came into being (or back from deletion).
    Created = 1,
    /// It has a new version.
    Updated = 2,
    /// It was deleted.
    Deleted = 3,
}

/// One change, committed together with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Position in the outbox: ascending in commit order, starting at 1, without gaps.
    pub seq: u64,
    /// Which record.
    pub key: RecordKey,
    /// Which version.
    pub version: Version,
    /// The home compartment.
    pub subject: SubjectId,
    /// What happened.
    pub kind: EventKind,
    /// The time of the version.
    pub at: Timestamp,
}
