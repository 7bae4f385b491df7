//! The stored form of a record: what whoever holds the database sees of it. Nothing is opened.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use aceso_audit::Receipt;
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;
use aceso_policy::{Scope, Target};
use aceso_seal::{SealedFacts, facts};
use aceso_store::RecordKey;

/// A row as it lies in the store.
#[derive(Debug)]
pub struct StoredForm {
    /// The version.
    pub version: Version,
    /// Since when.
    pub updated: Timestamp,
    /// Whose keys seal it.
    pub subject: SubjectId,
    /// Header and parts.
    pub facts: SealedFacts,
    /// The entry that records the look.
    pub receipt: Receipt,
}

impl Custodian {
    /// Header, classes, lengths and the first bytes of the ciphertext of a record's current version, for those who may read at least
    /// its structure.
    ///
    /// # Errors
    /// As for [`Custodian::read`].
    pub async fn stored_form(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: &LogicalId,
    ) -> Result<StoredForm, DoorError> {
        let key = RecordKey { tenant: caller.tenant.clone(), rtype, id: id.clone() };
        let Some(row) = self.inner.store.current(&key).map_err(unavailable)? else {
            return Err(self.absent(caller, Interaction::Read, (rtype, id), None).await);
        };
        let target = Target { rtype: Some(rtype), subject: row.head.subject, scope: Scope::Record(id.clone()) };
        let (_, receipt) = self
            .admit_for(caller, Interaction::Read, &target, Some(ClassSet::STRUCTURE), |entry| {
                let entry = entry.with_subject(row.head.subject).with_record(rtype, id, row.head.version);
                entry.with_classes(ClassSet::NONE).with_detail("stored-form")
            })
            .await?;
        if row.head.deleted {
            return Err(DoorError::Gone { receipt, version: row.head.version });
        }
        let facts = facts(&row.sealed).ok_or(DoorError::Unavailable("stored-format"))?;
        let head = row.head;
        Ok(StoredForm { version: head.version, updated: head.updated, subject: head.subject, facts, receipt })
    }
}
