//! One connection's sync: takes objects of the source in, each at most once per state.

use super::bundle::bundle;
use super::canonical::canonical;
use super::due;
use super::lists::Named;
use super::object::ObjectNote;
use super::ports::{Intake, IntakeError, Note, Space};
use super::tally::Tally;
use crate::fhir::timestamp;
use crate::pattern::{ConnectionId, Deletion, MapCode, MapContext, Mapped, ResourceCapability, SourceKey, mint};
use crate::source::{ReadError, Source};
use aceso_base::{Clock, LogicalId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zeroize::Zeroizing;

/// The sync of one connection. Cheap to clone.
#[derive(Clone)]
pub struct Sync {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    source: Source,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    /// One object is worked on once at a time; objects share locks by a hash of their names.
    locks: [tokio::sync::Mutex<()>; LOCKS],
    hasher: RandomState,
    tally: Tally,
    waiting: std::sync::Mutex<Vec<(&'static ResourceCapability, String)>>,
    pub(crate) named: std::sync::Mutex<Named>,
    /// Ids of the patients at the source, once they were looked for.
    pub(crate) patients: std::sync::Mutex<Option<std::collections::BTreeSet<String>>>,
}

const LOCKS: usize = 64;

/// What became of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Written.
    Written,
    /// Nothing new.
    Unchanged,
    /// Deleted at the source, and its records here.
    Deleted,
    /// Set aside with a letter.
    Aside,
}

/// One object as it was read.
pub(crate) struct Found {
    pub(crate) json: Zeroizing<Vec<u8>>,
    /// When the request was sent.
    pub(crate) asked: Timestamp,
}

impl Sync {
    /// A sync that reads from `source` and writes by `intake`.
    #[must_use]
    pub fn new(source: Source, intake: Arc<dyn Intake>, clock: Arc<dyn Clock>) -> Self {
        let locks = std::array::from_fn(|_| tokio::sync::Mutex::new(()));
        let inner = Inner {
            source,
            intake,
            clock,
            locks,
            hasher: RandomState::new(),
            tally: Tally::default(),
            waiting: std::sync::Mutex::default(),
            named: std::sync::Mutex::default(),
            patients: std::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What was done so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.inner.tally
    }

    /// Where the objects come from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.inner.source
    }

    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.inner.source.connection
    }

    pub(crate) fn intake(&self) -> &dyn Intake {
        &*self.inner.intake
    }

    /// The time by which this sync goes.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.now()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The beginning of all keys of this connection's notes.
    pub(crate) fn prefix(&self) -> String {
        format!("{}/", self.connection())
    }

    /// The name under which an object is known here: keyed, so that it says nothing of the id at the source.
    pub(crate) fn name_of(&self, kind: &str, id: &str) -> String {
        let key = SourceKey { connection: self.connection(), kind, id, part: "" };
        mint(&IntakeIds(self.intake()), &key).to_string()
    }

    /// Takes an object in.
    ///
    /// # Errors
    /// [`IntakeError::Unavailable`]: the run ends and goes on later. Whatever is wrong with the object itself becomes a letter.
    pub(crate) async fn take(
        &self,
        resource: &'static ResourceCapability,
        found: Found,
    ) -> Result<Verdict, IntakeError> {
        self.inner.tally.read.fetch_add(1, Ordering::Relaxed);
        let source = match self.source().vendor.source(resource.kind, &found.json) {
            Ok(source) => source,
            Err(error) => {
                // An object without an id cannot be asked for again; its content names the letter.
                let name = self.name_of(resource.kind, &hex(&self.intake().fingerprint(&found.json)?));
                self.set_aside(&name, (resource.kind, "unknown"), error.code.as_str(), Some(error.path)).await?;
                return Ok(self.count(Verdict::Aside, None));
            }
        };
        let name = self.name_of(resource.kind, &source.id);
        let verdict = {
            let _alone = self.lock(&name).await;
            self.take_alone(resource, &name, &source.id, &found).await?
        };
        match verdict {
            Some(verdict) => Ok(self.count(verdict, source.version.as_deref().and_then(timestamp))),
            // What is stored was read later than this: only a fresh reading tells which is newer.
            None => self.take_by_id(resource, &source.id).await,
        }
    }

    /// Reads one object and takes it in, or its deletion.
    ///
    /// # Errors
    /// As for [`Sync::take`].
    pub(crate) async fn take_by_id(
        &self,
        resource: &'static ResourceCapability,
        id: &str,
    ) -> Result<Verdict, IntakeError> {
        let name = self.name_of(resource.kind, id);
        // Held while reading, so that nobody else brings a newer state meanwhile.
        let _alone = self.lock(&name).await;
        let asked = self.now();
        match self.source().object(resource, id).await {
            Ok(json) => {
                self.inner.tally.read.fetch_add(1, Ordering::Relaxed);
                let source = self.source().vendor.source(resource.kind, &json).ok();
                let changed = source.and_then(|source| source.version).as_deref().and_then(timestamp);
                let verdict = self.take_alone(resource, &name, id, &Found { json, asked }).await?;
                Ok(self.count(verdict.unwrap_or(Verdict::Unchanged), changed))
            }
            Err(error) if says_gone(resource, error) => {
                let verdict = self.remove(resource, &name, id, asked).await?;
                Ok(self.count(verdict, None))
            }
            Err(error) => {
                self.set_aside(&name, (resource.kind, id), error.code(), None).await?;
                Ok(self.count(Verdict::Aside, None))
            }
        }
    }

    /// Under the object's lock. `None`: what is stored was read later.
    async fn take_alone(
        &self,
        resource: &'static ResourceCapability,
        name: &str,
        id: &str,
        found: &Found,
    ) -> Result<Option<Verdict>, IntakeError> {
        let key = format!("{}{name}", self.prefix());
        let known = self.intake().load(Space::Objects, &key)?.and_then(|bytes| ObjectNote::decode(&bytes));
        let Ok(hash) = self.content_hash(&found.json) else {
            self.set_aside(name, (resource.kind, id), MapCode::Shape.as_str(), None).await?;
            return Ok(Some(Verdict::Aside));
        };
        let hash = hash?;
        match &known {
            Some(known) if known.hash == hash && !known.is_due(found.asked) && !self.has_come(known)? => {
                self.note_patient(resource.kind, id, known.deleted);
                return Ok(Some(Verdict::Unchanged));
            }
            Some(known) if known.asked() > found.asked => return Ok(None),
            _ => {}
        }
        let mut waits_for = Vec::new();
        let mapped = match self.map(resource, found, &mut waits_for) {
            Ok(mapped) => mapped,
            Err(error) => {
                self.set_aside(name, (resource.kind, id), error.code.as_str(), Some(error.path)).await?;
                return Ok(Some(Verdict::Aside));
            }
        };
        self.inner.tally.unknown_codes.fetch_add(mapped.unknown.len() as u64, Ordering::Relaxed);
        let made: Vec<(ResourceType, LogicalId)> =
            mapped.records.iter().map(|record| (record.rtype, record.id.clone())).collect();
        let was_due = known.as_ref().and_then(|known| known.due);
        let left = known.map(|known| known.left(&made)).unwrap_or_default();
        let note = ObjectNote {
            kind: resource.kind.to_owned(),
            id: id.to_owned(),
            hash,
            asked: found.asked.0,
            made: made.iter().map(|(rtype, id)| (rtype.name().to_owned(), id.as_str().to_owned())).collect(),
            deleted: mapped.deleted,
            waits_for,
            due: mapped.due.map(|Timestamp(at)| at),
        };
        if !note.waits_for.is_empty() {
            self.waiting().push((resource, id.to_owned()));
        }
        let deleted = mapped.deleted;
        self.hear_of(&found.json)?;
        let mut notes = vec![Note { space: Space::Objects, key: key.clone(), value: Some(note.encode()) }];
        notes.extend(self.without_letter(name)?);
        notes.extend(due::note(key, was_due, note.due));
        let beside = mapped.records.iter().filter(|record| record.subject.is_directory() && record.id.as_str() != name);
        notes.extend(beside.map(|record| self.record_note(&record.id, Some(record.rtype))));
        notes.extend(left.iter().map(|(_, id)| self.record_note(id, None)));
        let bundle = (!mapped.records.is_empty() || !left.is_empty()).then(|| bundle(&mapped, &left));
        match self.intake().write(bundle, notes).await {
            Ok(()) => {
                self.note_patient(resource.kind, id, deleted);
                Ok(Some(if deleted { Verdict::Deleted } else { Verdict::Written }))
            }
            Err(IntakeError::Refused(code)) => {
                self.set_aside(name, (resource.kind, id), code, None).await?;
                Ok(Some(Verdict::Aside))
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes the records of an object that the source no longer gives out.
    async fn remove(
        &self,
        resource: &'static ResourceCapability,
        name: &str,
        id: &str,
        asked: Timestamp,
    ) -> Result<Verdict, IntakeError> {
        let key = format!("{}{name}", self.prefix());
        let known = self.intake().load(Space::Objects, &key)?.and_then(|bytes| ObjectNote::decode(&bytes));
        let Some(known) = known.filter(|known| !known.deleted) else { return Ok(Verdict::Unchanged) };
        let (left, was_due) = (known.left(&[]), known.due);
        let note = ObjectNote {
            asked: asked.0,
            hash: [0; 16],
            made: Vec::new(),
            waits_for: Vec::new(),
            deleted: true,
            due: None,
            ..known
        };
        let mut notes = vec![Note { space: Space::Objects, key: key.clone(), value: Some(note.encode()) }];
        notes.extend(self.without_letter(name)?);
        notes.extend(due::note(key, was_due, None));
        notes.extend(left.iter().map(|(_, id)| self.record_note(id, None)));
        let bundle = (!left.is_empty()).then(|| bundle(&Mapped::default(), &left));
        match self.intake().write(bundle, notes).await {
            Ok(()) => {
                self.note_patient(resource.kind, id, true);
                Ok(Verdict::Deleted)
            }
            Err(IntakeError::Refused(code)) => {
                self.set_aside(name, (resource.kind, id), code, None).await?;
                Ok(Verdict::Aside)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an object waits for something that is here now.
    pub(crate) fn may_be_tied_up(&self, kind: &str, id: &str) -> Result<bool, IntakeError> {
        let key = format!("{}{}", self.prefix(), self.name_of(kind, id));
        let known = self.intake().load(Space::Objects, &key)?.and_then(|bytes| ObjectNote::decode(&bytes));
        known.map_or(Ok(false), |known| self.has_come(&known))
    }

    /// Whether something has come that the object waited for.
    fn has_come(&self, known: &ObjectNote) -> Result<bool, IntakeError> {
        for (rtype, id) in &known.waits_for {
            if self.is_here(rtype, id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the record of this type and id was made and not removed: the main record of an object, or one of the directory beside it.
    pub(crate) fn is_here(&self, rtype: &str, id: &str) -> Result<bool, IntakeError> {
        let key = format!("{}{id}", self.prefix());
        let note = self.intake().load(Space::Objects, &key)?.and_then(|bytes| ObjectNote::decode(&bytes));
        if note.is_some_and(|note| note.made.iter().any(|(t, i)| t == rtype && i == id)) {
            return Ok(true);
        }
        Ok(self.intake().load(Space::Records, &key)?.is_some_and(|found| found.as_slice() == rtype.as_bytes()))
    }

    fn record_note(&self, id: &LogicalId, rtype: Option<ResourceType>) -> Note {
        let value = rtype.map(|rtype| Zeroizing::new(rtype.name().as_bytes().to_vec()));
        Note { space: Space::Records, key: format!("{}{id}", self.prefix()), value }
    }

    /// Objects that were mapped in this run before something that they refer to was here.
    pub(crate) fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(&'static ResourceCapability, String)>> {
        self.inner.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn map(
        &self,
        resource: &'static ResourceCapability,
        found: &Found,
        waits_for: &mut Vec<(String, String)>,
    ) -> Result<Mapped, crate::pattern::MapError> {
        let missing = std::cell::RefCell::new(Vec::new());
        let known = |rtype: ResourceType, id: &LogicalId| {
            let here = self.is_here(rtype.name(), id.as_str()).unwrap_or(false);
            if !here {
                missing.borrow_mut().push((rtype.name().to_owned(), id.as_str().to_owned()));
            }
            here
        };
        let ids = IntakeIds(self.intake());
        let context = MapContext { connection: self.connection(), ids: &ids, received: found.asked, is_known: &known };
        let mapped = self.source().vendor.map(resource.kind, &found.json, &context);
        *waits_for = missing.take();
        mapped
    }

    /// Outer error: not JSON.
    fn content_hash(&self, json: &[u8]) -> Result<Result<[u8; 16], IntakeError>, ()> {
        let mut text = canonical(json).map_err(|_| ())?;
        text.push(0);
        text.extend_from_slice(self.source().vendor.capabilities().version.as_bytes());
        Ok(self.intake().fingerprint(&text))
    }

    fn count(&self, verdict: Verdict, changed: Option<Timestamp>) -> Verdict {
        self.inner.tally.count(verdict, changed);
        verdict
    }

    async fn lock(&self, name: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let at = usize::try_from(self.inner.hasher.hash_one(name) % LOCKS as u64).unwrap_or_default();
        match self.inner.locks.get(at) {
            Some(lock) => lock.lock().await,
            // `at` is below `LOCKS`.
            None => unreachable!("a lock for every hash"),
        }
    }
}

/// Whether this answer to a question by id says that the object is gone.
fn says_gone(resource: &ResourceCapability, error: ReadError) -> bool {
    let absent = resource.deletion == Deletion::Absence && error == ReadError::Object("not-found");
    absent || error == ReadError::Deleted
}

/// The intake as a maker of ids.
struct IntakeIds<'a>(&'a dyn Intake);

impl crate::pattern::IdMinter for IntakeIds<'_> {
    fn keyed(&self, input: &[u8]) -> [u8; 16] {
        self.0.keyed(input)
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
