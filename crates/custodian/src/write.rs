//! Writing through the door: decide, split, seal, and one unit of work.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use crate::open::{OpenFailure, Plain};
use crate::search::{SearchRequest, SearchScope};
use crate::view::Shape;
use aceso_audit::{Entry, Outcome, Receipt};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Doc;
use aceso_fhir::search::{Filter, SearchValues, SearchView, encode, extract};
use aceso_labels::{ClassSet, Stamp, SubjectFound, other_subjects, split, subject_of};
use aceso_phi::{IndexToken, Phi, Sealed};
use aceso_policy::{Decision, Denial, Scope, Target};
use aceso_seal::{IndexDigest, Place, RecordToSeal, SubjectKey, header, seal_record, seal_search};
use aceso_store::{
    CommitError, DocumentWrite, Head, KeyWrite, Precondition, Put, RecordKey, RecordRow, StoreError, SubjectKeyRow,
    Unit,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the writer knows of the record's present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There is none yet.
    Absent,
    /// It is at this version (`If-Match`).
    At(Version),
    /// There is one, or there was.
    Present,
    /// Whatever there is.
    Any,
}

/// One change of one record.
pub enum Change {
    /// A new version. The document is valid FHIR of this type; its `id` and `meta` are stamped here.
    Put {
        /// The type.
        rtype: ResourceType,
        /// The logical id.
        id: LogicalId,
        /// The content.
        doc: Doc,
        /// What must hold.
        expected: Expected,
    },
    /// The end of the record.
    Delete {
        /// The type.
        rtype: ResourceType,
        /// The logical id.
        id: LogicalId,
        /// What must hold.
        expected: Expected,
    },
}

/// A condition that must still hold when the unit commits: no live record matches the filters (conditional create).
pub struct Guard<'a> {
    /// The change that it guards.
    pub change: usize,
    /// The type.
    pub rtype: ResourceType,
    /// The conditions; at least one has to be an indexed identifier.
    pub filters: &'a [Filter],
}

/// What became of a change.
#[derive(Debug)]
pub struct Written {
    /// The type.
    pub rtype: ResourceType,
    /// The logical id.
    pub id: LogicalId,
    /// The new version.
    pub version: Version,
    /// When.
    pub updated: Timestamp,
    /// The record came into being (or back from deletion).
    pub created: bool,
    /// The entry of the log.
    pub receipt: Receipt,
}

/// How often a write is made anew when another writer came first and no version was demanded.
const ATTEMPTS: usize = 16;
/// More records than this that share an identifier's token count as a match.
const MAX_LOOKALIKES: usize = 256;
/// After so many records, a long unit lets other tasks run.
const YIELD_EVERY: usize = 32;

impl Custodian {
    /// Makes all changes in one unit of work, with `documents` beside them: all or none.
    ///
    /// # Errors
    /// [`DoorError::Forbidden`] or [`DoorError::Absent`] by the rules, [`DoorError::VersionMismatch`], [`DoorError::Duplicate`],
    /// [`DoorError::UnknownSubject`], [`DoorError::ForeignSubject`], [`DoorError::RedactedBase`], [`DoorError::ClassesForbidden`],
    /// [`DoorError::Unavailable`]. Nothing is stored then.
    pub async fn write(
        &self,
        caller: &Caller,
        changes: &[Change],
        guards: &[Guard<'_>],
        documents: &[DocumentWrite],
    ) -> Result<Vec<Written>, DoorError> {
        for _ in 0..ATTEMPTS {
            let mut draft = self.draft(caller, changes).await?;
            for guard in guards {
                draft
                    .guards
                    .extend(self.guard_condition(caller, guard).await?.map(|condition| (guard.change, condition)));
            }
            let Draft { conditions, guards, puts, keys, entries, outcome } = draft;
            let demanded: Vec<Option<usize>> = conditions.iter().map(demanded_version).collect();
            let mut preconditions: Vec<Precondition> = conditions.into_iter().map(|(_, condition)| condition).collect();
            let versions = preconditions.len();
            let (guard_of, guard_conditions): (Vec<usize>, Vec<Precondition>) = guards.into_iter().unzip();
            preconditions.extend(guard_conditions);
            let documents = documents.to_vec();
            let unit = Unit { preconditions, puts, keys, documents, entries, ..Unit::default() };
            let steps = (unit.preconditions.len(), unit.puts.len(), unit.keys.len());
            let flight = self.inner.freshness.begin(outcome.iter().map(|done| (&done.key, done.subject)));
            match self.commit(unit).await {
                Ok(receipts) => {
                    let written = self.written(outcome, receipts);
                    flight.land();
                    return Ok(written);
                }
                Err(CommitError::Unavailable(error)) => {
                    // After other failures it may be done or not: the flight is lost until the log has told.
                    if matches!(error, StoreError::Busy | StoreError::Full) {
                        flight.land();
                    }
                    return Err(unavailable(error));
                }
                Err(CommitError::Refused { failed, .. }) => {
                    flight.land();
                    if let Some(at) = failed.checked_sub(versions).filter(|_| failed < steps.0) {
                        return Err(DoorError::Duplicate { change: guard_of.get(at).copied().unwrap_or_default() });
                    }
                    let demands = |change: &usize| changes.get(*change).is_some_and(Change::demands_a_version);
                    if let Some(change) = demanded.get(failed).copied().flatten().filter(demands) {
                        return Err(DoorError::VersionMismatch { change });
                    }
                }
            }
        }
        Err(DoorError::Unavailable("too many writers of one record"))
    }

    /// The store's form of a guard: the one token that a matching record must have. `None` when the filters have none; then the
    /// search that came before is the only check.
    async fn guard_condition(&self, caller: &Caller, guard: &Guard<'_>) -> Result<Option<Precondition>, DoorError> {
        let tenant = self.inner.keyring.tenant(&caller.tenant).map_err(|_| DoorError::Unavailable("keys"))?;
        let token = guard
            .filters
            .iter()
            .filter_map(|filter| crate::tokens::of_identifiers(&tenant, guard.rtype, filter))
            .find_map(|tokens| <[_; 1]>::try_from(tokens).ok());
        let Some([token]) = token else { return Ok(None) };
        let but = self.lookalikes(caller, guard, &token).await?;
        let tenant = caller.tenant.clone();
        Ok(Some(Precondition::NoRowWithToken { tenant, rtype: guard.rtype, token, but }))
    }

    /// The records that have the token and were opened and found not to match: tokens fold case and separators, searches do not.
    async fn lookalikes(
        &self,
        caller: &Caller,
        guard: &Guard<'_>,
        token: &IndexToken,
    ) -> Result<Vec<LogicalId>, DoorError> {
        let tokens = std::slice::from_ref(token);
        let found =
            self.inner.store.by_tokens(&caller.tenant, guard.rtype, tokens, MAX_LOOKALIKES).map_err(unavailable)?;
        if found.found.is_empty() {
            return Ok(Vec::new());
        }
        let request = SearchRequest {
            scope: SearchScope::Population,
            types: &[guard.rtype],
            filters: guard.filters,
            sort: &[],
            count: 1,
            after: None,
            include: &[],
            shape: &Shape::WHOLE,
            interaction: Interaction::Create,
        };
        let matching = self.find(caller, &request).await?;
        if found.limit_hit || !matching.is_empty() {
            return Err(DoorError::Duplicate { change: guard.change });
        }
        Ok(found.found.into_iter().map(|candidate| candidate.id).collect())
    }

    fn written(&self, outcome: Vec<Done>, receipts: Vec<Receipt>) -> Vec<Written> {
        let mut done = Vec::with_capacity(outcome.len());
        for (item, receipt) in outcome.into_iter().zip(receipts) {
            let Done { key, subject, version, updated, created, deleted } = item;
            self.inner.freshness.note(&key, subject, Newest { version, deleted });
            done.push(Written { rtype: key.rtype, id: key.id, version, updated, created, receipt });
        }
        done
    }

    async fn draft(&self, caller: &Caller, changes: &[Change]) -> Result<Draft, DoorError> {
        let mut draft = Draft::default();
        let mut session = WriteSession { caller, keys: BTreeMap::new() };
        for (at, change) in changes.iter().enumerate() {
            if at % YIELD_EVERY == YIELD_EVERY - 1 {
                tokio::task::yield_now().await;
            }
            let step = match change {
                Change::Put { rtype, id, doc, expected } => {
                    self.draft_put(&mut session, &mut draft, at, (*rtype, id), doc, *expected)
                }
                Change::Delete { rtype, id, expected } => {
                    self.draft_delete(&mut session, &mut draft, at, (*rtype, id), *expected)
                }
            };
            if let Err(stop) = step {
                return Err(self.stopped(caller, stop, at).await);
            }
        }
        Ok(draft)
    }

    /// Puts a refused change into the log and turns it into the caller's answer.
    async fn stopped(&self, caller: &Caller, stop: Stop, change: usize) -> DoorError {
        match stop {
            Stop::Denied { entry, denial } => self.refuse(*entry, &denial).await,
            Stop::Classes { entry } => {
                match self
                    .record_one(entry.with_outcome(Outcome::denied("classes")).with_policy(self.inner.engine.version()))
                    .await
                {
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

    fn draft_put(
        &self,
        session: &mut WriteSession<'_>,
        draft: &mut Draft,
        at: usize,
        (rtype, id): (ResourceType, &LogicalId),
        doc: &Doc,
        expected: Expected,
    ) -> Result<(), Stop> {
        let key = RecordKey { tenant: session.caller.tenant.clone(), rtype, id: id.clone() };
        let newest = self.inner.freshness.newest(&key);
        let head = self.inner.store.head(&key).map_err(|error| Stop::Error(unavailable(error)))?;
        let subject = match subject_of(doc.root(), rtype) {
            // A patient is his own subject, whatever `id` the body came with.
            _ if rtype.name() == "Patient" => {
                SubjectId::of_patient(id.as_str()).ok_or(DoorError::ForeignSubject { change: at })?
            }
            SubjectFound::Patient(subject) => subject,
            SubjectFound::Directory => SubjectId::DIRECTORY,
            SubjectFound::Unresolvable => return Err(DoorError::ForeignSubject { change: at }.into()),
        };
        let live = head.as_ref().is_some_and(|head| !head.deleted);
        let action = if live { Interaction::Update } else { Interaction::Create };
        let version = head.as_ref().map_or(Version::FIRST, |head| head.version.next());
        let granted = self.write_grant(session, action, &key, subject, version)?;
        check_fresh(&key, head.as_ref(), newest, subject)?;
        // After the rules: who may not write here must not learn by a precondition what is here.
        check_expected(expected, head.as_ref(), at)?;
        if let Some(head) = head.as_ref().filter(|head| !head.deleted) {
            self.check_replaced(session, &key, head, subject, granted)?;
        }
        if is_redacted_copy(doc) {
            return Err(DoorError::RedactedBase { change: at }.into());
        }
        let keys = self.write_keys(session, draft, at, subject, rtype.name() == "Patient")?;
        let updated = self.now().max(head.as_ref().map_or(Timestamp(0), |head| head.updated));
        let stamp = Stamp { id, version, updated };
        let parts = split(doc, rtype, &stamp);
        if !parts.classes().is_subset_of(granted) {
            let entry = self.write_entry(session, action, &key, subject, version);
            return Err(Stop::Classes { entry: Box::new(entry.with_classes(parts.classes())) });
        }
        let place = Place { region: &self.inner.region, tenant: &key.tenant, subject, rtype, id, version };
        let record = RecordToSeal { structure: parts.structure(), parts: parts.parts().each_ref().map(|part| &**part) };
        let rng = &*self.inner.rng;
        let sealed = seal_record(&keys.tenant, &keys.subject, &place, &record, rng).map_err(|_| Stop::seal())?;
        let mut values = SearchValues::default();
        extract(doc.root(), rtype, &mut values);
        let mut encoded: Plain = Phi::new(Vec::with_capacity(512));
        encode(&values, encoded.expose_mut());
        let tokens = {
            let view = SearchView::open(encoded.expose()).map_err(|_| Stop::seal())?;
            crate::tokens::of_record(&keys.tenant, &keys.subject, self.inner.plan, rtype, doc, &view)
        };
        let links = other_subjects(doc.root(), rtype, subject);
        let index = IndexDigest::of(subject, &tokens, &links);
        let search = seal_search(&keys.subject, &place, encoded.expose(), index).map_err(|_| Stop::seal())?;
        let entry = self
            .write_entry(session, action, &key, subject, version)
            .with_classes(parts.classes())
            .with_elements(crate::entries::top_level_elements(doc, rtype));
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
            row: RecordRow { head: head_row, sealed },
            search: Some(search),
            tokens,
            links,
            reseal: false,
            event: true,
        });
        draft.entries.push(entry);
        draft.outcome.push(Done { key, subject, version, updated, created: !live, deleted: false });
        Ok(())
    }

    fn draft_delete(
        &self,
        session: &mut WriteSession<'_>,
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
        check_expected(expected, Some(&head), at)?;
        self.check_replaced(session, &key, &head, head.subject, granted)?;
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

    fn write_entry(
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

    fn write_grant(
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
    fn check_replaced(
        &self,
        session: &WriteSession<'_>,
        key: &RecordKey,
        head: &Head,
        new_subject: SubjectId,
        granted: ClassSet,
    ) -> Result<(), Stop> {
        if head.subject != new_subject {
            // The record leaves another patient's compartment: that takes the right to change it there.
            self.write_grant(session, Interaction::Update, key, head.subject, head.version)?;
        }
        let present = match self.inner.store.current(key) {
            Ok(Some(row)) => header(&row.sealed).map(|header| header.classes).unwrap_or(ClassSet::ALL),
            Ok(None) => return Ok(()),
            Err(error) => return Err(Stop::Error(unavailable(error))),
        };
        if present.is_subset_of(granted) {
            return Ok(());
        }
        let entry =
            self.write_entry(session, Interaction::Update, key, head.subject, head.version).with_classes(present);
        Err(Stop::Classes { entry: Box::new(entry) })
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
                    return Err(DoorError::UnknownSubject { change: at }.into());
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
            None => return Err(DoorError::UnknownSubject { change: at }.into()),
        };
        draft.conditions.push((at, Precondition::SubjectNotShredded { tenant: tenant_id.clone(), subject }));
        session.keys.insert(subject, keys.clone());
        Ok(keys)
    }
}

impl Change {
    const fn demands_a_version(&self) -> bool {
        let (Self::Put { expected, .. } | Self::Delete { expected, .. }) = self;
        matches!(expected, Expected::Absent | Expected::At(_))
    }
}

/// A new version on top of a row that was set back, or in the place of one that was taken away, would hide that.
fn check_fresh(key: &RecordKey, head: Option<&Head>, newest: Option<Newest>, subject: SubjectId) -> Result<(), Stop> {
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

fn check_expected(expected: Expected, head: Option<&Head>, change: usize) -> Result<(), Stop> {
    let live = head.filter(|head| !head.deleted);
    let holds = match expected {
        Expected::Absent => live.is_none(),
        Expected::At(version) => live.is_some_and(|head| head.version == version),
        Expected::Present => head.is_some(),
        Expected::Any => true,
    };
    if holds { Ok(()) } else { Err(DoorError::VersionMismatch { change }.into()) }
}

/// The change that a precondition on a record's version belongs to.
fn demanded_version((change, condition): &(usize, Precondition)) -> Option<usize> {
    matches!(condition, Precondition::Version { .. }).then_some(*change)
}

fn version_condition(key: &RecordKey, head: Option<&Head>) -> Precondition {
    Precondition::Version { key: key.clone(), expected: head.map(|head| head.version) }
}

/// Whether `meta.security` says that values were masked.
fn is_redacted_copy(doc: &Doc) -> bool {
    let security = doc.root().get("meta").and_then(|meta| meta.get("security"));
    security.is_some_and(|list| {
        list.items().any(|coding| coding.get("code").and_then(|code| code.as_str()).as_deref() == Some("REDACTED"))
    })
}

#[derive(Default)]
struct Draft {
    conditions: Vec<(usize, Precondition)>,
    guards: Vec<(usize, Precondition)>,
    puts: Vec<Put>,
    keys: Vec<KeyWrite>,
    entries: Vec<Entry>,
    outcome: Vec<Done>,
}

struct Done {
    key: RecordKey,
    subject: SubjectId,
    version: Version,
    updated: Timestamp,
    created: bool,
    deleted: bool,
}

struct WriteSession<'a> {
    caller: &'a Caller,
    keys: BTreeMap<SubjectId, WriteKeys>,
}

#[derive(Clone)]
struct WriteKeys {
    tenant: Arc<aceso_seal::TenantKeys>,
    subject: Arc<SubjectKey>,
    subject_version: u32,
}

/// Why a change goes no further; what must be in the log first is still to be written.
enum Stop {
    Denied { entry: Box<Entry>, denial: Denial },
    Classes { entry: Box<Entry> },
    Absent { rtype: ResourceType, id: LogicalId, newest: Option<Newest> },
    Gone { entry: Box<Entry>, version: Version },
    RolledBack { key: RecordKey, head: Head },
    Error(DoorError),
}

impl Stop {
    const fn seal() -> Self {
        Self::Error(DoorError::Unavailable("sealing failed"))
    }

    const fn keys() -> Self {
        Self::Error(DoorError::Unavailable("keys"))
    }
}

impl From<DoorError> for Stop {
    fn from(error: DoorError) -> Self {
        Self::Error(error)
    }
}
