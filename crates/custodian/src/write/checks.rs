//! What must hold before a change is made.

use super::refusal::{Stop, Why};
use super::{Change, Expected, Referred};
use crate::access::unavailable;
use crate::door::Custodian;
use crate::freshness::Newest;
use crate::write::draft::WriteSession;
use aceso_base::{Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Doc;
use aceso_labels::ClassSet;
use aceso_policy::{Decision, Denial, Scope, Target};
use aceso_seal::header;
use aceso_store::{Head, Precondition, RecordKey};
use std::collections::BTreeMap;

/// The first two changes that are about one record.
pub(super) fn same_record(changes: &[Change]) -> Option<(usize, usize)> {
    let mut seen: BTreeMap<(ResourceType, &LogicalId), usize> = BTreeMap::new();
    changes.iter().enumerate().find_map(|(at, change)| seen.insert(change.record(), at).map(|first| (first, at)))
}

/// A new version on top of a row that was set back, or in the place of one that was taken away, would hide that.
pub(super) fn check_fresh(
    key: &RecordKey,
    head: Option<&Head>,
    newest: Option<Newest>,
    subject: SubjectId,
) -> Result<(), Stop> {
    if head.map_or(newest.is_none(), |head| Newest::allows(newest, head)) {
        return Ok(());
    }
    let missing = Head {
        version: Version(0),
        subject,
        subject_key_version: 0,
        tenant_key_version: 0,
        updated: Timestamp(0),
        deleted: true,
    };
    Err(Stop::RolledBack { key: key.clone(), head: head.cloned().unwrap_or(missing) })
}

pub(super) fn check_expected(expected: Expected, head: Option<&Head>) -> Result<(), Stop> {
    let live = head.filter(|head| !head.deleted);
    let holds = match expected {
        Expected::Absent => live.is_none(),
        Expected::At(version) => live.is_some_and(|head| head.version == version),
        Expected::Present => head.is_some(),
        Expected::Any => true,
    };
    if holds { Ok(()) } else { Err(Why::VersionMismatch.into()) }
}

/// The change that a precondition on a record's version belongs to.
pub(super) fn demanded_version((change, condition): &(usize, Precondition)) -> Option<usize> {
    matches!(condition, Precondition::Version { .. }).then_some(*change)
}

pub(super) fn version_condition(key: &RecordKey, head: Option<&Head>) -> Precondition {
    Precondition::Version { key: key.clone(), expected: head.map(|head| head.version) }
}

/// Whether `meta.security` says that values were masked.
pub(super) fn is_redacted_copy(doc: &Doc) -> bool {
    let security = doc.root().get("meta").and_then(|meta| meta.get("security"));
    security.is_some_and(|list| {
        list.items().any(|coding| coding.get("code").and_then(|code| code.as_str()).as_deref() == Some("REDACTED"))
    })
}

impl Custodian {
    /// The classes that the writer may write here.
    pub(super) fn write_grant(
        &self,
        session: &WriteSession<'_>,
        action: Interaction,
        key: &RecordKey,
        subject: SubjectId,
        version: Version,
    ) -> Result<ClassSet, Stop> {
        let target = Target { rtype: Some(key.rtype), subject, scope: Scope::Record(key.id.clone()) };
        match self.decide(session.caller, action, &target) {
            Decision::Granted(grant) => Ok(grant.classes()),
            Decision::Denied(denial) => {
                let entry = Box::new(self.write_entry(session, action, key, subject, version));
                Err(Stop::Denied { entry, denial })
            }
        }
    }

    /// Nobody replaces what he may not see: he would erase it without knowing.
    pub(super) fn check_replaced(
        &self,
        session: &WriteSession<'_>,
        action: Interaction,
        key: &RecordKey,
        head: &Head,
        (new_subject, granted): (SubjectId, ClassSet),
    ) -> Result<(), Stop> {
        if head.subject != new_subject {
            // The record leaves another patient's compartment: that takes the right to change it there.
            self.write_grant(session, action, key, head.subject, head.version)?;
        }
        let present = match self.inner.store.current(key) {
            Ok(Some(row)) => header(&row.sealed).map(|header| header.classes).unwrap_or(ClassSet::ALL),
            Ok(None) => return Ok(()),
            Err(error) => return Err(Stop::Error(unavailable(error))),
        };
        if present.is_subset_of(granted) {
            return Ok(());
        }
        let entry = self.write_entry(session, action, key, head.subject, head.version).with_classes(present);
        Err(Stop::Classes { entry: Box::new(entry) })
    }

    /// Refuses references to records that are not there or that the writer may not know of: the same answer for both.
    pub(super) fn check_references(
        &self,
        session: &mut WriteSession<'_>,
        action: Interaction,
        refers: &[Referred],
    ) -> Result<(), Stop> {
        for Referred { at, rtype, id } in refers {
            let name = (*rtype, id.clone());
            if session.known.contains(&name) {
                continue;
            }
            let key = RecordKey { tenant: session.caller.tenant.clone(), rtype: *rtype, id: id.clone() };
            let head = self.inner.store.head(&key).map_err(|error| Stop::Error(unavailable(error)))?;
            if !head.is_some_and(|head| !head.deleted && self.may_know(session, action, &key, head.subject)) {
                return Err(Why::Unresolved { at: *at }.into());
            }
            session.known.insert(name);
        }
        Ok(())
    }

    /// Whether the caller may know that a record is there: nobody hides it from a reader of his kind. For a role that reads nothing at
    /// all, whether it is hidden from writers of his kind.
    fn may_know(&self, session: &WriteSession<'_>, action: Interaction, key: &RecordKey, subject: SubjectId) -> bool {
        let target = Target { rtype: Some(key.rtype), subject, scope: Scope::Record(key.id.clone()) };
        match self.decide(session.caller, Interaction::Read, &target) {
            Decision::Granted(_) => true,
            Decision::Denied(Denial { hide: true, .. }) => false,
            Decision::Denied(_) => {
                !matches!(self.decide(session.caller, action, &target), Decision::Denied(Denial { hide: true, .. }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_changes_of_one_record_are_found() {
        let delete = |name: &str, id: &str| Change::Delete {
            rtype: ResourceType::parse(name).unwrap(),
            id: LogicalId::parse(id).unwrap(),
            expected: Expected::Any,
        };
        assert_eq!(same_record(&[delete("Patient", "a"), delete("Group", "a"), delete("Patient", "b")]), None);
        assert_eq!(same_record(&[delete("Group", "b"), delete("Patient", "a"), delete("Patient", "a")]), Some((1, 2)));
    }
}
