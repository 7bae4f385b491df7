//! Refusals before the door: a token that does not hold, a request that makes no sense. They are evidence like any denial.

use crate::door::Custodian;
use crate::error::DoorError;
use aceso_audit::{Entry, Outcome, Receipt};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{Holds, holds};

impl Custodian {
    /// Puts a refusal into the log that no decision led to. The entry opens nothing: it has no grant.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`] when it cannot be made durable, or when the entry is none of a refusal.
    pub async fn record_refused(&self, entry: Entry) -> Result<Receipt, DoorError> {
        if matches!(entry.outcome(), Outcome::Granted) {
            return Err(DoorError::Unavailable("not a refusal"));
        }
        self.record_one(entry).await
    }

    /// Puts the refusal of a request that never came to a decision (a body that is no resource, a condition that is none) into the
    /// log: what was wanted, of which record, and the code of the answer.
    ///
    /// The id comes from the client. It is kept where it can only be random: for types that can hold a patient's data, as a UUID.
    ///
    /// # Errors
    /// As for [`Custodian::record_refused`].
    pub async fn record_fault(
        &self,
        caller: &Caller,
        action: Interaction,
        (rtype, id): (Option<ResourceType>, Option<&LogicalId>),
        (denied, code): (bool, &'static str),
    ) -> Result<Receipt, DoorError> {
        let safe = |rtype: &ResourceType, id: &LogicalId| {
            holds(*rtype) == Holds::Directory || SubjectId::of_patient(id.as_str()).is_some()
        };
        let mut entry = Entry::by(caller, action);
        if let Some((rtype, id)) = rtype.zip(id).filter(|(rtype, id)| safe(rtype, id)) {
            entry = entry.with_record(rtype, id, UNKNOWN);
        }
        let outcome = if denied { Outcome::denied(code) } else { Outcome::failed(code) };
        self.record_refused(entry.with_outcome(outcome)).await
    }
}

/// Which version was meant is not known: no record has this one.
const UNKNOWN: Version = Version(0);
