//! Search parts that are open already: those of one type of one compartment, kept until something of it changes.
//!
//! A kept part was opened from the disk with the key, the place and the version that the log knows, and stands for the row
//! for as long as the store counts no change of the compartment. It is shown to nobody: every part must be inside the grant of
//! each search, and the records themselves are read from the disk every time, on the receipt of its entry. Bounded in bytes;
//! wiped when it is pushed out, replaced, forgotten with the patient's keys, or dropped.

use super::candidates::Found;
use aceso_base::{LogicalId, SubjectId, TenantId};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::Phi;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;

type Name = (TenantId, SubjectId, ResourceType);

/// The kept parts of all compartments.
pub(crate) struct OpenedTypes(Option<Cache<Name, Arc<OpenedType>, Bytes>>);

/// The opened search parts of one type of one compartment.
pub(super) struct OpenedType {
    /// What the store had counted before the rows were read.
    changes: u64,
    /// The values of all rows, one after the other.
    text: Phi<Vec<u8>>,
    /// Each row, and where its values end.
    rows: Vec<(Found, usize)>,
    /// Records of other patients that are linked to this one: their parts are under other keys and are opened each time.
    linked: Vec<(ResourceType, LogicalId)>,
}

/// Parts that are being opened.
pub(super) struct Opening {
    subject: SubjectId,
    rtype: ResourceType,
    opened: OpenedType,
    room: usize,
}

impl OpenedTypes {
    /// At most so many bytes; 0 keeps nothing.
    pub(crate) fn new(bytes: usize) -> Self {
        // The number of entries is a guess for the first allocation only.
        Self((bytes > 0).then(|| Cache::with_weighter(bytes / 65_536 + 16, bytes as u64, Bytes)))
    }

    /// What is kept, if it is of the number of changes that the store counts now.
    pub(super) fn get(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        rtype: ResourceType,
        changes: u64,
    ) -> Option<Arc<OpenedType>> {
        let name = (tenant.clone(), subject, rtype);
        let cache = self.0.as_ref()?;
        let found = cache.get(&name)?;
        if found.changes == changes {
            return Some(found);
        }
        cache.remove_if(&name, |kept| kept.changes == found.changes);
        None
    }

    /// Begins to keep what a scan opens. The changes are those that the store has counted before the scan reads.
    pub(super) fn begin(&self, subject: SubjectId, rtype: ResourceType, changes: u64) -> Option<Opening> {
        let room = usize::try_from(self.0.as_ref()?.capacity()).unwrap_or(usize::MAX) / SHARE;
        let opened = OpenedType { changes, text: Phi::new(Vec::new()), rows: Vec::new(), linked: Vec::new() };
        Some(Opening { subject, rtype, opened, room })
    }

    /// Keeps what was opened, where there is room and nothing has changed meanwhile.
    pub(super) fn keep(
        &self,
        tenant: &TenantId,
        opening: Opening,
        linked: Vec<(ResourceType, LogicalId)>,
        changes_now: impl FnOnce() -> u64,
    ) {
        let Opening { subject, rtype, mut opened, room } = opening;
        let Some(cache) = &self.0 else { return };
        opened.linked = linked;
        opened.text = copied(opened.text.expose(), opened.text.expose().len());
        opened.rows.shrink_to_fit();
        if opened.bytes() > room {
            return;
        }
        let (name, changes) = ((tenant.clone(), subject, rtype), opened.changes);
        cache.insert(name.clone(), Arc::new(opened));
        // A shred counts, then forgets. One that counted before this moment may have forgotten before the insertion; one that
        // counts later forgets later.
        if changes_now() != changes {
            cache.remove_if(&name, |kept| kept.changes == changes);
        }
    }

    /// Forgets a patient: the memory side of a shred.
    pub(crate) fn forget(&self, tenant: &TenantId, subject: SubjectId) {
        if let Some(cache) = &self.0 {
            cache.retain(|(of, whose, _), _| !(of == tenant && *whose == subject));
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        if let Some(cache) = &self.0 {
            cache.clear();
        }
    }
}

/// One type of one compartment takes at most this part of the whole room.
const SHARE: usize = 4;

impl Opening {
    /// One row more. False when the type outgrows its share: then none of it is kept.
    pub(super) fn push(&mut self, found: &Found, values: &[u8]) -> bool {
        let opened = &mut self.opened;
        let text = opened.text.expose();
        let length = text.len().saturating_add(values.len());
        if length > self.room {
            return false;
        }
        if text.capacity() < length {
            // A new buffer, so that the old one is wiped rather than moved and left behind.
            opened.text = copied(text, length.next_power_of_two().max(4096));
        }
        opened.text.expose_mut().extend_from_slice(values);
        let Found { rtype, version, updated, subject, .. } = *found;
        opened.rows.push((Found { rtype, id: found.id.clone(), version, updated, subject }, length));
        true
    }
}

fn copied(text: &[u8], capacity: usize) -> Phi<Vec<u8>> {
    let mut copy = Phi::new(Vec::with_capacity(capacity));
    copy.expose_mut().extend_from_slice(text);
    copy
}

impl OpenedType {
    /// Rows and their values, in the order of the scan.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Found, &[u8])> {
        let text = self.text.expose();
        let mut start = 0;
        self.rows
            .iter()
            .map(move |(found, end)| (found, text.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default()))
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn linked(&self) -> &[(ResourceType, LogicalId)] {
        &self.linked
    }

    /// What it takes in memory, roughly: an id of 36 characters beside each row.
    fn bytes(&self) -> usize {
        let row = size_of::<(Found, usize)>() + 56;
        self.text.expose().capacity() + (self.rows.len() + self.linked.len()) * row + size_of::<Self>()
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Name, Arc<OpenedType>> for Bytes {
    fn weight(&self, _: &Name, opened: &Arc<OpenedType>) -> u64 {
        opened.bytes() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aceso_base::{Timestamp, Version};

    const SUBJECT: SubjectId = SubjectId([7; 16]);

    fn tenant() -> TenantId {
        TenantId::parse("clinic").unwrap()
    }

    fn observation() -> ResourceType {
        ResourceType::parse("Observation").unwrap()
    }

    fn opening(cache: &OpenedTypes, changes: u64, rows: usize, bytes: usize) -> Option<Opening> {
        let mut opening = cache.begin(SUBJECT, observation(), changes)?;
        let row = |number: usize| Found {
            rtype: observation(),
            id: LogicalId::parse(&format!("o{number}")).unwrap(),
            version: Version(1),
            updated: Timestamp(5),
            subject: SUBJECT,
        };
        let values = |number: usize| vec![u8::try_from(number % 250).unwrap(); bytes];
        (0..rows).all(|number| opening.push(&row(number), &values(number))).then_some(opening)
    }

    fn kept(cache: &OpenedTypes, changes: u64) -> Option<usize> {
        cache.get(&tenant(), SUBJECT, observation(), changes).map(|opened| opened.rows().count())
    }

    #[test]
    fn what_was_kept_comes_back_row_by_row() {
        let cache = OpenedTypes::new(1 << 20);
        cache.keep(&tenant(), opening(&cache, 3, 300, 33).unwrap(), Vec::new(), || 3);
        let opened = cache.get(&tenant(), SUBJECT, observation(), 3).unwrap();
        assert_eq!(opened.len(), 300);
        for (number, (found, values)) in opened.rows().enumerate() {
            assert_eq!(found.id.as_str(), format!("o{number}"));
            assert_eq!(values, vec![u8::try_from(number % 250).unwrap(); 33]);
        }
        assert!(cache.get(&TenantId::parse("other").unwrap(), SUBJECT, observation(), 3).is_none());
        assert!(cache.get(&tenant(), SubjectId([8; 16]), observation(), 3).is_none());
    }

    #[test]
    fn a_change_that_is_counted_puts_an_end_to_what_was_kept() {
        let cache = OpenedTypes::new(1 << 20);
        cache.keep(&tenant(), opening(&cache, 3, 2, 10).unwrap(), Vec::new(), || 3);
        assert_eq!(kept(&cache, 4), None);
        assert_eq!(kept(&cache, 3), None, "it was dropped, not only passed over");
        cache.keep(&tenant(), opening(&cache, 4, 2, 10).unwrap(), Vec::new(), || 5);
        assert_eq!(kept(&cache, 4), None, "a change came while the rows were read");
    }

    #[test]
    fn a_patient_is_forgotten_and_so_is_everything() {
        let cache = OpenedTypes::new(1 << 20);
        let keep = || cache.keep(&tenant(), opening(&cache, 3, 2, 10).unwrap(), Vec::new(), || 3);
        keep();
        cache.forget(&TenantId::parse("other").unwrap(), SUBJECT);
        assert_eq!(kept(&cache, 3), Some(2));
        cache.forget(&tenant(), SUBJECT);
        assert_eq!(kept(&cache, 3), None);
        keep();
        cache.clear();
        assert_eq!(kept(&cache, 3), None);
    }

    #[test]
    fn the_room_is_bounded_and_none_is_none() {
        assert!(OpenedTypes::new(0).begin(SUBJECT, observation(), 3).is_none());
        let cache = OpenedTypes::new(40_000);
        assert!(opening(&cache, 3, 11, 1000).is_none(), "more than a quarter");
        for number in 0..200_u8 {
            let mut one = opening(&cache, 3, 5, 1000).unwrap();
            one.subject = SubjectId([number; 16]);
            cache.keep(&tenant(), one, Vec::new(), || 3);
        }
        let held = cache.0.as_ref().unwrap();
        assert!(held.weight() <= 40_000 && !held.is_empty(), "{}", held.weight());
    }
}
