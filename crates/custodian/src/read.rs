//! One record.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use crate::open::OpenFailure;
use crate::view::{Shape, View};
use aceso_audit::{Action, Entry, Outcome, Receipt};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;
use aceso_policy::{Decision, Scope, Target};
use aceso_store::RecordKey;

/// What a read found for a caller who may have a copy.
#[derive(Debug)]
pub enum Fresh {
    /// Another version than his.
    New(View),
    /// His copy is the stored version.
    Known {
        /// The version.
        version: Version,
        /// When it came into being.
        updated: Timestamp,
    },
}

impl Custodian {
    /// The current version of a record, or with `version` that one, as the caller may see it.
    ///
    /// # Errors
    /// [`DoorError::Absent`] for a record that is not there or not for this caller, [`DoorError::Gone`] for a deleted one,
    /// [`DoorError::Forbidden`] when the role may not read at all, [`DoorError::Unreadable`] when the stored bytes do not open,
    /// [`DoorError::Unavailable`] when the log, the store or the keys cannot be used.
    pub async fn read(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: &LogicalId,
        version: Option<Version>,
        shape: &Shape,
    ) -> Result<(View, Receipt), DoorError> {
        match self.read_unless(caller, (rtype, id), version, shape, &|_, _| false).await? {
            (Fresh::New(view), receipt) => Ok((view, receipt)),
            (Fresh::Known { .. }, _) => Err(DoorError::Unavailable("a copy that nobody has")),
        }
    }

    /// As [`Custodian::read`], for a caller who may have the record already: where `known` says so of the stored version and
    /// its time, the read is decided and recorded, and nothing is opened.
    ///
    /// # Errors
    /// As for [`Custodian::read`].
    pub async fn read_unless(
        &self,
        caller: &Caller,
        (rtype, id): (ResourceType, &LogicalId),
        version: Option<Version>,
        shape: &Shape,
        known: &(dyn Fn(Version, Timestamp) -> bool + Sync),
    ) -> Result<(Fresh, Receipt), DoorError> {
        let key = RecordKey { tenant: caller.tenant.clone(), rtype, id: id.clone() };
        let newest = self.inner.freshness.newest(&key);
        let found = match version {
            None => self.inner.store.current(&key),
            Some(version) => self.inner.store.version(&key, version),
        };
        let action = if version.is_some() { Interaction::Vread } else { Interaction::Read };
        let Some(row) = found.map_err(unavailable)? else {
            // What the log knows and the store does not have was taken away.
            let missing = newest.filter(|newest| version.is_none_or(|version| version <= newest.version));
            return Err(self.absent(caller, action, (rtype, id), missing).await);
        };
        let target = Target { rtype: Some(rtype), subject: row.head.subject, scope: Scope::Record(id.clone()) };
        let elements = shape.element_names(rtype);
        let same = !row.head.deleted && known(row.head.version, row.head.updated);
        let (grant, receipt) = self
            .admit_for(caller, action, &target, shape.classes, |entry| {
                let entry = entry.with_subject(row.head.subject).with_record(rtype, id, row.head.version);
                let entry = shape.explain(entry);
                if same {
                    entry.with_classes(ClassSet::NONE).with_detail("not-modified")
                } else {
                    entry.with_elements(elements)
                }
            })
            .await?;
        if version.is_none() && !Newest::allows(newest, &row.head) {
            return Err(self.unreadable(caller, &key, &row.head, OpenFailure::RolledBack).await);
        }
        if row.head.deleted {
            return Err(DoorError::Gone { receipt, version: row.head.version });
        }
        if same {
            return Ok((Fresh::Known { version: row.head.version, updated: row.head.updated }, receipt));
        }
        match self.open_view(&grant, &receipt, &key, &row, shape) {
            Ok(view) => Ok((Fresh::New(view), receipt)),
            Err(failure) => Err(self.unreadable(caller, &key, &row.head, failure).await),
        }
    }

    /// Whether a read would be answered, before something is done that cannot be taken back: decided and recorded, nothing opened.
    /// `comes`: the record need not be there yet.
    ///
    /// # Errors
    /// As for [`Custodian::read`], as far as can be told without opening.
    pub async fn check_read(
        &self,
        caller: &Caller,
        (rtype, id): (ResourceType, &LogicalId),
        version: Option<Version>,
        comes: bool,
    ) -> Result<(), DoorError> {
        let key = RecordKey { tenant: caller.tenant.clone(), rtype, id: id.clone() };
        let newest = self.inner.freshness.newest(&key);
        let found = match version {
            None => self.inner.store.head(&key),
            Some(version) => self.inner.store.version(&key, version).map(|row| row.map(|row| row.head)),
        };
        let action = if version.is_some() { Interaction::Vread } else { Interaction::Read };
        let found = found.map_err(unavailable)?;
        let Some(head) = found else {
            if comes && newest.is_none() {
                let subject = if is_patient_data(rtype) { NOBODY } else { SubjectId::DIRECTORY };
                return self.check_target(caller, action, (rtype, id, None), subject).await.map(|_| ());
            }
            let missing = newest.filter(|newest| version.is_none_or(|version| version <= newest.version));
            return Err(self.absent(caller, action, (rtype, id), missing).await);
        };
        let receipt = self.check_target(caller, action, (rtype, id, Some(head.version)), head.subject).await?;
        if version.is_none() && !Newest::allows(newest, &head) {
            return Err(self.unreadable(caller, &key, &head, OpenFailure::RolledBack).await);
        }
        if head.deleted && !comes {
            return Err(DoorError::Gone { receipt, version: head.version });
        }
        Ok(())
    }

    async fn check_target(
        &self,
        caller: &Caller,
        action: Interaction,
        (rtype, id, version): (ResourceType, &LogicalId, Option<Version>),
        subject: SubjectId,
    ) -> Result<Receipt, DoorError> {
        let target = Target { rtype: Some(rtype), subject, scope: Scope::Record(id.clone()) };
        let describe = |entry: Entry| {
            let entry = entry.with_classes(ClassSet::NONE).with_detail("checked");
            match version {
                Some(version) => entry.with_subject(subject).with_record(rtype, id, version),
                None => entry,
            }
        };
        self.admit(caller, action, &target, describe).await.map(|(_, receipt)| receipt)
    }

    /// Answers for a record that is not there exactly as for one that the caller may not know of: whether this kind of request
    /// is allowed at all is asked as for a patient whom nobody knows. Who may ask is told when the row was taken away.
    pub(crate) async fn absent(
        &self,
        caller: &Caller,
        action: Interaction,
        (rtype, id): (ResourceType, &LogicalId),
        missing: Option<Newest>,
    ) -> DoorError {
        let subject = if is_patient_data(rtype) { NOBODY } else { SubjectId::DIRECTORY };
        let target = Target { rtype: Some(rtype), subject, scope: Scope::Record(id.clone()) };
        let entry = Entry::by(caller, action);
        match self.decide(caller, action, &target) {
            Decision::Denied(denial) => self.refuse(entry, &denial).await,
            Decision::Granted(_) if missing.is_some() => {
                let version = missing.map_or(Version(0), |newest| newest.version);
                let entry = Entry::by(caller, Action::OpenFailed).with_record(rtype, id, version);
                match self.record_one(entry.with_outcome(Outcome::failed(OpenFailure::Missing.code()))).await {
                    Ok(receipt) => DoorError::Unreadable { receipt },
                    Err(error) => error,
                }
            }
            Decision::Granted(_) => match self.record_one(entry.with_outcome(Outcome::failed("absent"))).await {
                Ok(receipt) => DoorError::Absent { receipt },
                Err(error) => error,
            },
        }
    }

    /// Whether a record exists, without opening it: its version unless it is deleted.
    ///
    /// For choosing a way inside a write that the door decides on afterwards; it is no answer to a caller.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`] when the store cannot be read.
    pub fn exists(&self, caller: &Caller, rtype: ResourceType, id: &LogicalId) -> Result<Option<Version>, DoorError> {
        let key = RecordKey { tenant: caller.tenant.clone(), rtype, id: id.clone() };
        let head = self.inner.store.head(&key).map_err(unavailable)?;
        Ok(head.filter(|head| !head.deleted).map(|head| head.version))
    }
}

/// A subject that is no patient of anybody.
pub(crate) const NOBODY: SubjectId = SubjectId([0xff; 16]);

fn is_patient_data(rtype: ResourceType) -> bool {
    aceso_labels::holds(rtype) == aceso_labels::Holds::Patients
}
