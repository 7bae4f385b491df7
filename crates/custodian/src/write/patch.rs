//! What a patch works on: the record as its caller sees it, and only when he sees all of it.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use crate::open::OpenFailure;
use crate::view::{Shape, View};
use aceso_audit::{Entry, Outcome};
use aceso_base::{Caller, Interaction, LogicalId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;
use aceso_policy::{Decision, Scope, Target};
use aceso_seal::header;
use aceso_store::{Head, RecordKey, RecordRow};

impl Custodian {
    /// The current version of a record, to be changed by a patch. What is opened is recorded as a read; the change, once made, goes
    /// to [`Custodian::write`] with [`super::Expected::At`] this version.
    ///
    /// Whether a patch fits tells about what it names. So a record that has anything of a class which the caller may not both
    /// see and change is not opened, whatever the patch says: the same answer, before anything of the patch is looked at.
    ///
    /// # Errors
    /// As for [`Custodian::read`]; [`DoorError::VersionMismatch`] when the record is not at the expected version,
    /// [`DoorError::ClassesForbidden`] when it has classes that are not the caller's.
    pub async fn open_for_patch(
        &self,
        caller: &Caller,
        (rtype, id): (ResourceType, &LogicalId),
        expected: Option<Version>,
    ) -> Result<View, DoorError> {
        let key = RecordKey { tenant: caller.tenant.clone(), rtype, id: id.clone() };
        let newest = self.inner.freshness.newest(&key);
        let Some(row) = self.inner.store.current(&key).map_err(unavailable)? else {
            return Err(self.absent(caller, Interaction::Patch, (rtype, id), newest).await);
        };
        let target = Target { rtype: Some(rtype), subject: row.head.subject, scope: Scope::Record(id.clone()) };
        let classes = match self.decide(caller, Interaction::Patch, &target) {
            Decision::Granted(grant) => grant.classes(),
            Decision::Denied(denial) => {
                return Err(self.refuse(self.patch_entry(caller, &key, &row.head), &denial).await);
            }
        };
        if !Newest::allows(newest, &row.head) {
            return Err(self.unreadable(caller, &key, &row.head, OpenFailure::RolledBack).await);
        }
        self.check_patchable(caller, &key, &row, (classes, expected)).await?;
        let describe = |entry: Entry| {
            entry.with_subject(row.head.subject).with_record(rtype, id, row.head.version).with_detail("patch")
        };
        let (grant, receipt) = self.admit_for(caller, Interaction::Read, &target, Some(classes), describe).await?;
        match self.open_view(&grant, &receipt, &key, &row, &Shape::WHOLE) {
            Ok(view) if view.is_redacted() => Err(self.unreadable(caller, &key, &row.head, OpenFailure::Splice).await),
            Ok(view) => Ok(view),
            Err(failure) => Err(self.unreadable(caller, &key, &row.head, failure).await),
        }
    }

    /// Refuses what cannot be patched, by what is known without opening it.
    async fn check_patchable(
        &self,
        caller: &Caller,
        key: &RecordKey,
        row: &RecordRow,
        (classes, expected): (ClassSet, Option<Version>),
    ) -> Result<(), DoorError> {
        let entry = || self.patch_entry(caller, key, &row.head);
        let failed = |code| self.record_one(entry().with_outcome(Outcome::failed(code)));
        if row.head.deleted {
            return Err(DoorError::Gone { receipt: failed("gone").await?, version: row.head.version });
        }
        if expected.is_some_and(|expected| expected != row.head.version) {
            return Err(DoorError::VersionMismatch { change: 0, receipt: failed("version-mismatch").await? });
        }
        let present = header(&row.sealed).map(|header| header.classes).unwrap_or(ClassSet::ALL);
        if !present.is_subset_of(classes) {
            let entry = entry().with_classes(present).with_outcome(Outcome::denied("classes"));
            return Err(DoorError::ClassesForbidden { change: 0, receipt: self.record_one(entry).await? });
        }
        Ok(())
    }

    fn patch_entry(&self, caller: &Caller, key: &RecordKey, head: &Head) -> Entry {
        Entry::by(caller, Interaction::Patch)
            .with_subject(head.subject)
            .with_record(key.rtype, &key.id, head.version)
            .with_policy(self.inner.engine.version())
    }
}
