//! What the door answers when it stays shut.

use aceso_audit::Receipt;
use aceso_base::Version;
use aceso_policy::DenialReason;

/// Why nothing came through. No text here holds a value of a record.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// There is no such record, or none that this caller may know of: the two answers are the same on purpose.
    #[error("no such record")]
    Absent {
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// The record was deleted (R4 http.html, `410 Gone`).
    #[error("the record was deleted")]
    Gone {
        /// The entry that records the attempt.
        receipt: Receipt,
        /// The version that says so.
        version: Version,
    },
    /// This kind of request is not allowed for the caller's role and purpose.
    #[error("this kind of request is not allowed for the role and purpose")]
    Forbidden {
        /// The entry that records the attempt.
        receipt: Receipt,
        /// The gate that stayed shut.
        reason: DenialReason,
    },
    /// A search reads an element that the caller may not see.
    #[error("the search parameter `{parameter}` reads elements that the role and purpose do not open")]
    ParameterForbidden {
        /// The entry that records the attempt.
        receipt: Receipt,
        /// The official code of the parameter.
        parameter: &'static str,
    },
    /// The record is not at the version that the writer expected.
    #[error("the record is not at the expected version")]
    VersionMismatch {
        /// Which of the changes.
        change: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// A record like this one already exists (the guard of a conditional create).
    #[error("a matching record was created in the meantime")]
    Duplicate {
        /// Which of the changes.
        change: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// The patient that the record is about does not exist, or was shredded.
    #[error("the patient that the record refers to does not exist")]
    UnknownSubject {
        /// Which of the changes.
        change: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// The reference to the patient is not a relative one to a UUID of this server.
    #[error("the reference to the patient is not of the form Patient/<uuid>")]
    ForeignSubject {
        /// Which of the changes.
        change: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// The body is a redacted copy: storing it would erase what was masked.
    #[error("a redacted copy may not be stored over the record")]
    RedactedBase {
        /// Which of the changes.
        change: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// A reference leads to a record that is not there, or to one that the writer may not know of: the two answers are the same.
    #[error("a reference leads to a record that is not on this server")]
    Unresolved {
        /// Which of the changes.
        change: usize,
        /// Which of the references of its resource, in written order from 0.
        at: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// Two changes of one unit are about one record.
    #[error("two changes are about the same record")]
    SameRecord {
        /// Which of the changes.
        change: usize,
        /// The earlier one.
        first: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// The writer may not see some of what he would replace or write.
    #[error("the change touches elements of classes that the role and purpose do not open")]
    ClassesForbidden {
        /// Which of the changes.
        change: usize,
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// The stored bytes do not open at the place where they were found. The failure is in the audit log.
    #[error("the stored record does not open")]
    Unreadable {
        /// The entry that records the failure.
        receipt: Receipt,
    },
    /// The answer would need more work than one request may cause.
    #[error("the search needs more work than one request may cause; narrow it")]
    TooCostly {
        /// The entry that records the attempt.
        receipt: Receipt,
    },
    /// The log, the store or the key service cannot be used now: nothing was opened, nothing was changed.
    #[error("not available: {0}")]
    Unavailable(&'static str),
}

impl DoorError {
    /// The entry of the log that records this, where there is one.
    #[must_use]
    pub fn into_receipt(self) -> Option<Receipt> {
        match self {
            Self::Absent { receipt }
            | Self::Gone { receipt, .. }
            | Self::Forbidden { receipt, .. }
            | Self::ParameterForbidden { receipt, .. }
            | Self::ClassesForbidden { receipt, .. }
            | Self::Unreadable { receipt }
            | Self::TooCostly { receipt }
            | Self::VersionMismatch { receipt, .. }
            | Self::Duplicate { receipt, .. }
            | Self::UnknownSubject { receipt, .. }
            | Self::ForeignSubject { receipt, .. }
            | Self::Unresolved { receipt, .. }
            | Self::SameRecord { receipt, .. }
            | Self::RedactedBase { receipt, .. } => Some(receipt),
            Self::Unavailable(_) => None,
        }
    }
}
