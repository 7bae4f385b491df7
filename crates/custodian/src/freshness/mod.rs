//! Which version of each record is the newest, and whether a compartment is complete, as the audit log tells it: a row that
//! somebody set back to an older state opens nothing, and a search part that somebody took away is missed.
//!
//! Ciphertext is bound to its version, but an attacker who can write the database could put a whole older row back, or delete
//! one. Every write is an entry of the log, so the log knows the newest version of every record. The map of them is built at
//! start from a sealed snapshot and the entries after it ([`snapshot`]), or from the whole log, and kept up to date by every
//! write of this process. Setting the *whole* database back, log included, shows only against a checkpoint that somebody kept
//! outside.

mod flight;
mod homes;
pub(crate) mod snapshot;

use aceso_audit::{Action, Entry, LogKeys, LogReader, Origin, Outcome, read_entries};
use aceso_base::{LogicalId, Randomness, SubjectId, TenantId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_store::{Head, RecordKey};
use flight::Flights;
use homes::Homes;
use siphasher::sip::{SipHasher13, SipHasher24};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering as Memory};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;
/// Entries of the log that are read at once.
const BLOCK: u64 = 8192;

/// What the log says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Newest {
    /// Its newest version.
    pub(crate) version: Version,
    /// That version is a deletion.
    pub(crate) deleted: bool,
}

impl Newest {
    /// Whether a row that was read after this was asked is neither older nor of another kind.
    pub(crate) fn allows(newest: Option<Self>, head: &Head) -> bool {
        newest.is_none_or(|newest| match head.version.cmp(&newest.version) {
            Ordering::Less => false,
            Ordering::Equal => head.deleted == newest.deleted,
            Ordering::Greater => true,
        })
    }

    /// Version and kind in four bytes.
    const fn packed(self) -> u32 {
        let version = if self.version.0 > u32::MAX >> 1 { u32::MAX >> 1 } else { self.version.0 };
        version << 1 | self.deleted as u32
    }

    const fn unpacked(state: u32) -> Self {
        Self { version: Version(state >> 1), deleted: state & 1 == 1 }
    }
}

/// A record's name in the map: a keyed hash of tenant, type and id. Two records of one hash share an entry: among ten million
/// records that happens with odds of one to 370,000, and then one of them is called stale or a compartment incomplete; none
/// is called fresh that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// The secret keys of the map's hashes. Chosen once, kept in the snapshot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MapKeys([u8; 32]);

impl MapKeys {
    fn generate(rng: &dyn Randomness) -> Self {
        let mut keys = [0; 32];
        rng.fill(&mut keys);
        Self(keys)
    }

    fn half(&self, second: bool) -> [u8; 16] {
        let [(first, rest)] = [self.0.split_at(16)];
        let mut out = [0; 16];
        out.copy_from_slice(if second { rest } else { first });
        out
    }
}

/// The newest version of every record, by a hash of its name, and for each compartment a sum over what is in it.
pub(crate) struct Freshness {
    keys: MapKeys,
    names: SipHasher13,
    terms: SipHasher24,
    shards: [Mutex<Shard>; SHARDS],
    homes: Mutex<Homes>,
    flights: Mutex<Flights>,
    /// A size of the log that is known to be reached.
    seen: AtomicU64,
}

type Shard = HashMap<Mark, Known, Keyed>;
/// Marks are keyed hashes already: no need to hash them again.
type Keyed = BuildHasherDefault<AsIs>;

/// One record: 16 bytes with its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    state: u32,
    /// The compartment that it is in, by its number in [`Homes`].
    home: u32,
}

/// The log could not be read back.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be read back: {0}")]
pub(crate) struct FreshnessError(String);

impl Freshness {
    /// A map that knows nothing yet.
    pub(crate) fn new(rng: &dyn Randomness) -> Self {
        Self::with_keys(MapKeys::generate(rng))
    }

    fn with_keys(keys: MapKeys) -> Self {
        Self {
            keys,
            names: SipHasher13::new_with_key(&keys.half(false)),
            terms: SipHasher24::new_with_key(&keys.half(true)),
            shards: std::array::from_fn(|_| Mutex::default()),
            homes: Mutex::default(),
            flights: Mutex::default(),
            seen: AtomicU64::new(0),
        }
    }

    /// Replays the log from this entry on, to its end; gives its size. What is known already stays as it is.
    pub(crate) fn replay(
        &self,
        log: &dyn LogReader,
        keys: &LogKeys,
        origin: &Origin,
        from: u64,
    ) -> Result<u64, FreshnessError> {
        let size = log.size().map_err(|error| FreshnessError(error.to_string()))?;
        let mut next = from;
        while next < size {
            let end = size.min(next.saturating_add(BLOCK));
            let entries =
                read_entries(log, keys, origin, next..end).map_err(|error| FreshnessError(error.to_string()))?;
            for logged in &entries {
                self.note_entry(&logged.entry);
            }
            next = end;
        }
        self.reached(size);
        Ok(size)
    }

    fn note_entry(&self, entry: &Entry) {
        let (Outcome::Granted, Some(tenant)) = (entry.outcome(), entry.tenant()) else { return };
        match entry.action() {
            Action::KeyShredded => entry.subjects().iter().for_each(|subject| self.note_shred(tenant, *subject)),
            action @ (Action::Create | Action::Update | Action::Patch | Action::Delete) => {
                let deleted = action == Action::Delete;
                let subject = entry.subjects().first().copied().unwrap_or(SubjectId::DIRECTORY);
                for record in entry.records() {
                    let newest = Newest { version: record.version, deleted };
                    self.note_parts(tenant, (record.rtype, &record.id), subject, newest);
                }
            }
            _ => {}
        }
    }

    /// A write became durable: the record is at this version now, in this compartment.
    pub(crate) fn note(&self, key: &RecordKey, subject: SubjectId, newest: Newest) {
        self.note_parts(&key.tenant, (key.rtype, &key.id), subject, newest);
    }

    fn note_parts(
        &self,
        tenant: &TenantId,
        (rtype, id): (ResourceType, &LogicalId),
        subject: SubjectId,
        newest: Newest,
    ) {
        if cfg!(feature = "insecure-benchmark-control") {
            return;
        }
        let mark = self.mark(tenant, rtype, id);
        let Some(mut shard) = self.shard(mark) else { return };
        let old = shard.get(&mark).copied();
        if old.is_some_and(|old| Newest::unpacked(old.state) >= newest) {
            return;
        }
        let mut homes = lock(&self.homes);
        if let Some(old) = old.filter(|old| old.state & 1 == 0) {
            homes.take(old.home, self.term(mark, Newest::unpacked(old.state).version));
        }
        let home = homes.of(self.home_mark(tenant, Some(subject), rtype), || self.home_mark(tenant, None, rtype));
        if !newest.deleted {
            homes.add(home, self.term(mark, newest.version));
        }
        shard.insert(mark, Known { state: newest.packed(), home });
    }

    /// A patient's keys were destroyed, and with them his search parts.
    pub(crate) fn note_shred(&self, tenant: &TenantId, subject: SubjectId) {
        let mut homes = lock(&self.homes);
        for rtype in ResourceType::all() {
            homes.end(self.home_mark(tenant, Some(subject), rtype));
        }
    }

    /// The log has at least this many entries.
    pub(crate) fn reached(&self, size: u64) {
        self.seen.fetch_max(size, Memory::AcqRel);
    }

    /// The newest version that was acknowledged; `None` for a record that the log does not know.
    ///
    /// A row is compared with what was asked here *before* the row was read: a writer that comes in between makes the row
    /// newer than the answer, never older.
    pub(crate) fn newest(&self, key: &RecordKey) -> Option<Newest> {
        self.look(&key.tenant, key.rtype, &key.id).1
    }

    /// As [`Freshness::newest`], with the record's mark, for [`Freshness::term`].
    pub(crate) fn look(&self, tenant: &TenantId, rtype: ResourceType, id: &LogicalId) -> (Mark, Option<Newest>) {
        if cfg!(feature = "insecure-benchmark-control") {
            return (Mark(0), None);
        }
        let mark = self.mark(tenant, rtype, id);
        let known = self.shard(mark).and_then(|shard| shard.get(&mark).copied());
        (mark, known.map(|known| Newest::unpacked(known.state)))
    }

    /// What one version of a record adds to the sum of its compartment.
    pub(crate) fn term(&self, mark: Mark, version: Version) -> u64 {
        if cfg!(feature = "insecure-benchmark-control") {
            return 0;
        }
        let mut bytes = [0; 12];
        let (name, number) = bytes.split_at_mut(8);
        name.copy_from_slice(&mark.0.to_be_bytes());
        number.copy_from_slice(&version.0.to_be_bytes());
        self.terms.hash(&bytes)
    }

    /// What a scan of one subject must find; of all subjects with `None`. No type given: all types.
    ///
    /// Asked *before* the scan begins. Afterwards [`Freshness::judge`] says what the scan is worth.
    pub(crate) fn expect(&self, tenant: &TenantId, subject: Option<SubjectId>, types: &[ResourceType]) -> Expectation {
        if cfg!(feature = "insecure-benchmark-control") {
            return Expectation { marks: Vec::new(), sum: 0, calm: true };
        }
        let marks: Vec<Mark> = if types.is_empty() {
            ResourceType::all().map(|rtype| self.home_mark(tenant, subject, rtype)).collect()
        } else {
            let mut marks: Vec<Mark> = types.iter().map(|rtype| self.home_mark(tenant, subject, *rtype)).collect();
            marks.sort_unstable();
            marks.dedup();
            marks
        };
        let (sum, calm) = lock(&self.homes).sum(&marks);
        Expectation { marks, sum, calm }
    }

    /// Compares the sum of what a scan found with what it had to find. Writes that were under way meanwhile leave a doubt.
    pub(crate) fn judge(&self, expected: &Expectation, found: u64) -> Verdict {
        if found == expected.sum {
            return Verdict::Complete;
        }
        let (sum, calm) = lock(&self.homes).sum(&expected.marks);
        if calm && expected.calm && sum == expected.sum { Verdict::Incomplete } else { Verdict::Unknown }
    }

    fn mark(&self, tenant: &TenantId, rtype: ResourceType, id: &LogicalId) -> Mark {
        Mark(self.hash(tenant, rtype, b'r', id.as_str().as_bytes()))
    }

    fn home_mark(&self, tenant: &TenantId, subject: Option<SubjectId>, rtype: ResourceType) -> Mark {
        Mark(match subject {
            Some(subject) => self.hash(tenant, rtype, b'c', &subject.0),
            None => self.hash(tenant, rtype, b't', &[]),
        })
    }

    /// SipHash-1-3 of `kind, type, tenant, 0, rest`. Part of the snapshot's format.
    fn hash(&self, tenant: &TenantId, rtype: ResourceType, kind: u8, rest: &[u8]) -> u64 {
        let mut room = [0_u8; 192];
        let tenant = tenant.as_str().as_bytes();
        let parts = [&[kind, rtype.code()], tenant, &[0], rest];
        let mut used = 0_usize;
        for part in parts {
            let Some(slot) = room.get_mut(used..used.saturating_add(part.len())) else {
                // Names are shorter than this by their own rules; longer ones are hashed from the heap.
                return self.names.hash(&parts.concat());
            };
            slot.copy_from_slice(part);
            used = used.saturating_add(part.len());
        }
        self.names.hash(room.get(..used).unwrap_or_default())
    }

    fn shard(&self, mark: Mark) -> Option<MutexGuard<'_, Shard>> {
        self.shards.get(usize::try_from(mark.0 >> 32 & 15).unwrap_or_default()).map(lock)
    }
}

/// What a scan has to find.
pub(crate) struct Expectation {
    marks: Vec<Mark>,
    sum: u64,
    calm: bool,
}

/// What a scan is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It found every live record in its newest version.
    Complete,
    /// It found something else, and nobody was writing.
    Incomplete,
    /// It found something else while somebody was writing.
    Unknown,
}

/// A hash that is its own hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl std::hash::Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
