//! Writes under way: between their commit and their note, the rows are ahead of the map.

use super::{Freshness, lock};
use aceso_base::SubjectId;
use aceso_store::RecordKey;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// The writes under way, by their ticket; tickets grow, and so do the sizes in them.
#[derive(Default)]
pub(super) struct Flights {
    next: u64,
    open: BTreeMap<u64, Open>,
}

struct Open {
    /// The log had at least this many entries when the write began: its own come after.
    from: u64,
    homes: Vec<u32>,
    /// Whoever waited for the write has gone away; it may be done or not.
    lost: bool,
}

/// One write under way. Dropped before [`Flight::land`], it counts as lost until [`Freshness::found`].
pub(crate) struct Flight<'a> {
    freshness: &'a Freshness,
    ticket: u64,
    landed: bool,
}

impl Flight<'_> {
    /// What was written is noted, or nothing was written.
    pub(crate) fn land(mut self) {
        self.landed = true;
        self.freshness.end_flight(self.ticket);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(open) = lock(&self.freshness.flights).open.get_mut(&self.ticket).filter(|_| !self.landed) {
            open.lost = true;
        }
    }
}

/// Writes that nobody waited for to the end.
pub(crate) struct Lost {
    tickets: Vec<u64>,
    /// Their entries are not before this one.
    pub(crate) from: u64,
}

impl Freshness {
    /// A write of these records begins; call before it is handed to the store.
    pub(crate) fn begin<'k>(&self, records: impl Iterator<Item = (&'k RecordKey, SubjectId)>) -> Flight<'_> {
        let mut marks = Vec::new();
        for (key, subject) in records {
            let mark = self.mark(&key.tenant, key.rtype, &key.id);
            let old = self.shard(mark).and_then(|shard| shard.get(&mark).map(|known| known.home));
            marks.push((
                self.home_mark(&key.tenant, Some(subject), key.rtype),
                self.home_mark(&key.tenant, None, key.rtype),
                old,
            ));
        }
        let mut held = Vec::with_capacity(marks.len());
        {
            let mut homes = lock(&self.homes);
            for (home, total, old) in marks {
                let home = homes.of(home, || total);
                for home in std::iter::once(home).chain(old) {
                    held.push(home);
                    held.extend(homes.total_of(home));
                }
            }
            held.sort_unstable();
            held.dedup();
            held.iter().for_each(|home| homes.occupy(*home));
        }
        let mut flights = lock(&self.flights);
        let ticket = flights.next;
        flights.next = flights.next.saturating_add(1);
        let from = self.seen.load(Ordering::Acquire);
        flights.open.insert(ticket, Open { from, homes: held, lost: false });
        Flight { freshness: self, ticket, landed: false }
    }

    fn end_flight(&self, ticket: u64) {
        let open = lock(&self.flights).open.remove(&ticket);
        if let Some(open) = open {
            let mut homes = lock(&self.homes);
            open.homes.iter().for_each(|home| homes.release(*home));
        }
    }

    /// The writes that are lost at this moment. After a later commit was waited for, their entries are in the log or will never
    /// be: replay it from `from` on, then call [`Freshness::found`].
    pub(crate) fn lost(&self) -> Option<Lost> {
        let flights = lock(&self.flights);
        let lost = || flights.open.iter().filter(|(_, open)| open.lost);
        let from = lost().map(|(_, open)| open.from).min()?;
        Some(Lost { tickets: lost().map(|(ticket, _)| *ticket).collect(), from })
    }

    /// The log was replayed over these.
    pub(crate) fn found(&self, lost: &Lost) {
        lost.tickets.iter().for_each(|ticket| self.end_flight(*ticket));
    }

    /// The map knows every write whose entry is below this size of the log.
    ///
    /// An entry below it was committed by a write that had begun when the log was no longer than that entry's place; were it
    /// still under way, this size would not be above.
    pub(super) fn complete_to(&self) -> u64 {
        let flights = lock(&self.flights);
        let seen = self.seen.load(Ordering::Acquire);
        flights.open.values().map(|open| open.from).fold(seen, u64::min)
    }
}
