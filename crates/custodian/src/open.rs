//! The last step: keys, opening, splicing. Only here does a sealed record become a [`View`].

use crate::door::Custodian;
use crate::error::DoorError;
use crate::view::{Shape, View};
use aceso_audit::{Action, Entry, Outcome, Receipt};
use aceso_base::Caller;
use aceso_labels::{ClassSet, splice};
use aceso_phi::Phi;
use aceso_policy::Grant;
use aceso_seal::{Place, open_record};
use aceso_store::{Head, RecordKey, RecordRow};

/// Why a record did not open; goes into the log, never to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenFailure {
    /// The subject's keys are destroyed or missing.
    NoKey,
    /// The key service or the store cannot be used.
    Unavailable,
    /// Wrong tag, commitment, place or format.
    Sealed,
    /// The opened parts do not fit together.
    Splice,
    /// The row is older than the newest version that the log knows, or versions before it are missing.
    RolledBack,
    /// The record's tokens or links are not those that its search part was sealed with.
    Index,
    /// The log knows the record, the store does not have it.
    Missing,
}

impl OpenFailure {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::Unavailable => "key-unavailable",
            Self::Sealed => "does-not-open",
            Self::Splice => "parts-do-not-fit",
            Self::RolledBack => "rolled-back",
            Self::Index => "index-changed",
            Self::Missing => "missing",
        }
    }
}

impl Custodian {
    /// Opens what the grant allows and shows it. Decrypt and splice: no tree is built unless a shape asks for less.
    pub(crate) fn open_view(
        &self,
        grant: &Grant,
        receipt: &Receipt,
        key: &RecordKey,
        row: &RecordRow,
        shape: &Shape,
    ) -> Result<View, OpenFailure> {
        let head = &row.head;
        let tenant = self.inner.keyring.tenant(&key.tenant).map_err(|_| OpenFailure::Unavailable)?;
        let subject = if grant.classes() == ClassSet::STRUCTURE {
            // The structure is not under the patient's key, so a shred has to be asked for.
            let shredded = !head.subject.is_directory()
                && self.inner.store.shredded(&key.tenant, head.subject).map_err(|_| OpenFailure::Unavailable)?;
            if shredded {
                return Err(OpenFailure::NoKey);
            }
            None
        } else {
            let opened = self.inner.keyring.subject(&key.tenant, head.subject, head.subject_key_version);
            Some(opened.map_err(|_| OpenFailure::Unavailable)?.ok_or(OpenFailure::NoKey)?)
        };
        let place = Place {
            region: &self.inner.region,
            tenant: &key.tenant,
            subject: head.subject,
            rtype: key.rtype,
            id: &key.id,
            version: head.version,
        };
        let opened = open_record(&tenant, subject.as_deref(), grant, receipt, &place, &row.sealed, self.now())
            .map_err(|_| OpenFailure::Sealed)?;
        let mut json = Vec::with_capacity(row.sealed.as_bytes().len() + 256);
        let parts = opened.expose();
        let shown = splice(parts.structure, &parts.parts, &mut json).map_err(|_| OpenFailure::Splice)?;
        let mut view = View {
            rtype: key.rtype,
            id: key.id.clone(),
            version: head.version,
            updated: head.updated,
            subject: head.subject,
            redacted: shown.redacted,
            json,
        };
        if !shape.is_whole() {
            view = view.shaped(shape).ok_or(OpenFailure::Splice)?;
        }
        Ok(view)
    }

    /// Records that stored bytes did not open, and says so to the caller without telling why.
    pub(crate) async fn unreadable(
        &self,
        caller: &Caller,
        key: &RecordKey,
        head: &Head,
        failure: OpenFailure,
    ) -> DoorError {
        if failure == OpenFailure::Unavailable {
            return DoorError::Unavailable("keys");
        }
        let entry = Entry::by(caller, Action::OpenFailed)
            .with_outcome(Outcome::failed(failure.code()))
            .with_subject(head.subject)
            .with_record(key.rtype, &key.id, head.version);
        match self.record_one(entry).await {
            // A shredded patient's record is as if it had never been.
            Ok(receipt) if failure == OpenFailure::NoKey => DoorError::Absent { receipt },
            Ok(receipt) => DoorError::Unreadable { receipt },
            Err(error) => error,
        }
    }
}

/// Text that must be wiped when it is no longer needed.
pub(crate) type Plain = Phi<Vec<u8>>;
