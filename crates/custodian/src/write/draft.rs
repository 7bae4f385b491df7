//! One change after the other, judged, sealed and put into the unit.

use super::checks::{check_expected, check_fresh, is_redacted_copy, version_condition};
use super::refusal::{Stop, Why};
use super::{Change, Expected, Referred};
use crate::access::unavailable;
use crate::door::Custodian;
use crate::open::Plain;
use crate::read::NOBODY;
use aceso_audit::Entry;
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Doc;
use aceso_fhir::search::{SearchValues, SearchView, encode, extract};
use aceso_labels::{Split, Stamp, SubjectFound, other_subjects, split, subject_of};
use aceso_phi::{IndexToken, Phi, Sealed};
use aceso_seal::{IndexDigest, Place, RecordToSeal, SubjectKey, seal_record, seal_search};
use aceso_store::{Head, KeyWrite, Precondition, Put, RecordKey, RecordRow, SubjectKeyRow};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Draft {
    pub(super) conditions: Vec<(usize, Precondition)>,
    pub(super) guards: Vec<(usize, Precondition)>,
    pub(super) puts: Vec<Put>,
    pub(super) keys: Vec<KeyWrite>,
    pub(super) entries: Vec<Entry>,
    pub(super) outcome: Vec<Done>,
}

pub(super) struct Done {
    pub(super) key: RecordKey,
    pub(super) subject: SubjectId,
    pub(super) version: Version,
    pub(super) updated: Timestamp,
    pub(super) created: bool,
    pub(super) deleted: bool,
}

pub(super) struct WriteSession<'a> {
    pub(super) caller: &'a Caller,
    keys: BTreeMap<SubjectId, WriteKeys>,
    /// Records that may be referred to: those of this unit, and those that were looked up.
    pub(super) known: BTreeSet<(ResourceType, LogicalId)>,
}

impl<'a> WriteSession<'a> {
    pub(super) fn new(caller: &'a Caller, changes: &[Change]) -> Self {
        let made = changes.iter().filter(|change| matches!(change, Change::Put { .. })).map(Change::record);
        Self { caller, keys: BTreeMap::new(), known: made.map(|(rtype, id)| (rtype, id.clone())).collect() }
    }
}

#[derive(Clone)]
struct WriteKeys {
    tenant: Arc<aceso_seal::TenantKeys>,
    subject: Arc<SubjectKey>,
    subject_version: u32,
}

/// What a new version brings.
struct NewVersion<'a> {
    doc: &'a Doc,
    expected: Expected,
    refers: &'a [Referred],
    patched: bool,
}

/// A new version, sealed.
struct SealedVersion {
    record: Sealed,
    search: Sealed,
    tokens: Vec<IndexToken>,
    links: Vec<SubjectId>,
}

impl Custodian {
    pub(super) fn draft_change(
        &self,
        session: &mut WriteSession<'_>,
        draft: &mut Draft,
        at: usize,
        change: &Change,
    ) -> Result<(), Stop> {
        match change {
            Change::Put { rtype, id, doc, expected, refers, patched } => {
                let new = NewVersion { doc, expected: *expected, refers, patched: *patched };
                self.draft_put(session, draft, at, (*rtype, id), &new)
            }
            Change::Delete { rtype, id, expected } => self.draft_delete(session, draft, at, (*rtype, id), *expected),
        }
    }

    fn draft_put(
        &self,
        session: &mut WriteSession<'_>,
        draft: &mut Draft,
        at: usize,
        (rtype, id): (ResourceType, &LogicalId),
        &NewVersion { doc, expected, refers, patched }: &NewVersion<'_>,
    ) -> Result<(), Stop> {
        let key = RecordKey { tenant: session.caller.tenant.clone(), rtype, id: id.clone() };
        let newest = self.inner.freshness.newest(&key);
        let head = self.inner.store.head(&key).map_err(|error| Stop::Error(unavailable(error)))?;
        let live = head.as_ref().is_some_and(|head| !head.deleted);
        let action = put_action(live, patched);
        let version = head.as_ref().map_or(Version::FIRST, |head| head.version.next());
        let Some(subject) = subject_of_new(doc, key.rtype, id) else {
            // Who may not write at all is told that, and not what is wrong with what he sent.
            self.write_grant(session, action, &key, NOBODY, version)?;
            return Err(Why::ForeignSubject.into());
        };
        let granted = self.write_grant(session, action, &key, subject, version)?;
        check_fresh(&key, head.as_ref(), newest, subject)?;
        // After the rules: who may not write here must not learn by a precondition or a reference what is here.
        check_expected(expected, head.as_ref())?;
        if let Some(head) = head.as_ref().filter(|head| !head.deleted) {
            self.check_replaced(session, action, &key, head, (subject, granted))?;
        }
        self.check_references(session, action, refers)?;
        if is_redacted_copy(doc) {
            return Err(Why::RedactedBase.into());
        }
        let keys = self.write_keys(session, draft, at, subject, rtype.name() == "Patient")?;
        let updated = self.now().max(head.as_ref().map_or(Timestamp(0), |head| head.updated));
        let parts = split(doc, rtype, &Stamp { id, version, updated });
        let entry = self.write_entry(session, action, &key, subject, version).with_classes(parts.classes());
        if !parts.classes().is_subset_of(granted) {
            return Err(Stop::Classes { entry: Box::new(entry) });
        }
        let place = Place { region: &self.inner.region, tenant: &key.tenant, subject, rtype, id, version };
        let sealed = self.seal_version(&keys, &place, &parts, doc)?;
        let head_row = Head {
            version,
            subject,
            subject_key_version: keys.subject_version,
            tenant_key_version: keys.tenant.primary(),
            updated,
            deleted: false,
        };
        draft.conditions.push((at, version_condition(&key, head.as_ref())));
        draft.puts.push(Put {
            key: key.clone(),
            row: RecordRow { head: head_row, sealed: sealed.record },
            search: Some(sealed.search),
            tokens: sealed.tokens,
            links: sealed.links,
            reseal: false,
            event: true,
        });
        draft.entries.push(entry.with_elements(crate::entries::top_level_elements(doc, rtype)));
        draft.outcome.push(Done { key, subject, version, updated, created: !live, deleted: false });
        Ok(())
    }

    /// Seals the parts and the search values of a version, and makes its tokens.
    fn seal_version(
        &self,
        keys: &WriteKeys,
        place: &Place<'_>,
        parts: &Split,
        doc: &Doc,
    ) -> Result<SealedVersion, Stop> {
        let rtype = place.rtype;
        let record = RecordToSeal { structure: parts.structure(), parts: parts.parts().each_ref().map(|part| &**part) };
        let rng = &*self.inner.rng;
        let record = seal_record(&keys.tenant, &keys.subject, place, &record, rng).map_err(|_| Stop::seal())?;
        let mut values = SearchValues::default();
        extract(doc.root(), rtype, &mut values);
        let mut encoded: Plain = Phi::new(Vec::with_capacity(512));
        encode(&values, encoded.expose_mut());
        let view = SearchView::open(encoded.expose()).map_err(|_| Stop::seal())?;
        let tokens = crate::tokens::of_record(&keys.tenant, &keys.subject, self.inner.plan, rtype, doc, &view);
        let links = other_subjects(doc.root(), rtype, place.subject);
        let index = IndexDigest::of(place.subject, &tokens, &links);
        let search = seal_search(&keys.subject, place, encoded.expose(), index).map_err(|_| Stop::seal())?;
        Ok(SealedVersion { record, search, tokens, links })
    }

    fn draft_delete(
        &self,
        session: &WriteSession<'_>,
        draft: &mut Draft,
        at: usize,
        (rtype, id): (ResourceType, &LogicalId),
        expected: Expected,
    ) -> Result<(), Stop> {
        let key = RecordKey { tenant: session.caller.tenant.clone(), rtype, id: id.clone() };
        let newest = self.inner.freshness.newest(&key);
        let head = self.inner.store.head(&key).map_err(|error| Stop::Error(unavailable(error)))?;
        let Some(head) = head else {
            return Err(Stop::Absent { rtype, id: id.clone(), newest });
        };
        let version = head.version.next();
        let granted = self.write_grant(session, Interaction::Delete, &key, head.subject, version)?;
        check_fresh(&key, Some(&head), newest, head.subject)?;
        if head.deleted {
            let entry = self.write_entry(session, Interaction::Delete, &key, head.subject, head.version);
            return Err(Stop::Gone { entry: Box::new(entry), version: head.version });
        }
        check_expected(expected, Some(&head))?;
        self.check_replaced(session, Interaction::Delete, &key, &head, (head.subject, granted))?;
        let updated = self.now().max(head.updated);
        let tenant = self.inner.keyring.tenant(&key.tenant).map_err(|_| Stop::keys())?;
        draft.entries.push(self.write_entry(session, Interaction::Delete, &key, head.subject, version));
        draft.conditions.push((at, version_condition(&key, Some(&head))));
        let row = Head { version, updated, deleted: true, tenant_key_version: tenant.primary(), ..head };
        draft.puts.push(Put {
            key: key.clone(),
            row: RecordRow { head: row, sealed: Sealed::from_store(Vec::new()) },
            search: None,
            tokens: Vec::new(),
            links: Vec::new(),
            reseal: false,
            event: true,
        });
        draft.outcome.push(Done { key, subject: head.subject, version, updated, created: false, deleted: true });
        Ok(())
    }

    pub(super) fn write_entry(
        &self,
        session: &WriteSession<'_>,
        action: Interaction,
        key: &RecordKey,
        subject: SubjectId,
        version: Version,
    ) -> Entry {
        Entry::by(session.caller, action)
            .with_subject(subject)
            .with_record(key.rtype, &key.id, version)
            .with_policy(self.inner.engine.version())
    }

    /// The keys to seal under. A patient who is written for the first time gets his key in the same unit of work.
    fn write_keys(
        &self,
        session: &mut WriteSession<'_>,
        draft: &mut Draft,
        at: usize,
        subject: SubjectId,
        may_create: bool,
    ) -> Result<WriteKeys, Stop> {
        if let Some(keys) = session.keys.get(&subject) {
            return Ok(keys.clone());
        }
        let tenant_id = &session.caller.tenant;
        let tenant = self.inner.keyring.tenant(tenant_id).map_err(|_| Stop::keys())?;
        let latest = self.inner.keyring.latest_subject(tenant_id, subject).map_err(|_| Stop::keys())?;
        let keys = match latest {
            Some((subject_version, subject)) => WriteKeys { tenant, subject, subject_version },
            None if may_create || subject.is_directory() => {
                let shredded = self.inner.store.shredded(tenant_id, subject);
                if shredded.map_err(|error| Stop::Error(unavailable(error)))? {
                    return Err(Why::UnknownSubject.into());
                }
                let wrapped = tenant.new_subject_key(subject, 1, &*self.inner.rng).map_err(|_| Stop::seal())?;
                let opened = tenant.open_subject(subject, 1, &wrapped).map_err(|_| Stop::seal())?;
                let row = SubjectKeyRow {
                    version: 1,
                    tenant_key_version: wrapped.tenant_key_version,
                    wrapped: wrapped.bytes,
                };
                draft.keys.push(KeyWrite::AddSubjectKey { tenant: tenant_id.clone(), subject, row });
                WriteKeys { tenant, subject: Arc::new(opened), subject_version: 1 }
            }
            None => return Err(Why::UnknownSubject.into()),
        };
        draft.conditions.push((at, Precondition::SubjectNotShredded { tenant: tenant_id.clone(), subject }));
        session.keys.insert(subject, keys.clone());
        Ok(keys)
    }
}

/// What a new version is called, by the rules and in the log.
pub(super) const fn put_action(live: bool, patched: bool) -> Interaction {
    match (live, patched) {
        (_, true) => Interaction::Patch,
        (true, false) => Interaction::Update,
        (false, false) => Interaction::Create,
    }
}

/// Whose record a new version is; `None` where it names a patient in a form that leads to no key.
fn subject_of_new(doc: &Doc, rtype: ResourceType, id: &LogicalId) -> Option<SubjectId> {
    if rtype.name() == "Patient" {
        // A patient is his own subject, whatever `id` the body came with.
        return SubjectId::of_patient(id.as_str());
    }
    match subject_of(doc.root(), rtype) {
        SubjectFound::Patient(subject) => Some(subject),
        SubjectFound::Directory => Some(SubjectId::DIRECTORY),
        SubjectFound::Unresolvable => None,
    }
}
