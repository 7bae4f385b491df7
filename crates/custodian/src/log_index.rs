//! Which entries of the log are about a patient, by a person, or denials: found without opening the whole log at each question.
//!
//! Kept in memory, built from the log itself and brought up to date at each question. It holds ids and positions; what an
//! entry says is read from the log each time, and checked against the tree as ever. Bounded: when it is full it forgets the older
//! half, and says from which entry on it knows.

use aceso_audit::{LogKeys, LogReader, LoggedEntry, Origin, Outcome, ReadEntriesError, read_entries};
use aceso_base::{SubjectId, UserId};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// At most so many positions are remembered: 16 MB of them.
const MAX_POSITIONS: usize = 2_000_000;
/// Entries of the log that are read at once.
const BLOCK: u64 = 8192;

/// What entries are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogQuestion {
    /// The newest of all.
    Newest,
    /// Those about this patient.
    Patient(SubjectId),
    /// Those of what this person or service did.
    Actor(UserId),
    /// What was denied.
    Denied,
}

impl LogQuestion {
    /// The code under which the asking itself stands in the log.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Newest => "entries",
            Self::Patient(_) => "entries-about-patient",
            Self::Actor(_) => "entries-of-actor",
            Self::Denied => "entries-denied",
        }
    }
}

#[derive(Default)]
pub(crate) struct LogIndex(Mutex<Known>);

#[derive(Default)]
struct Known {
    since: u64,
    until: u64,
    positions: usize,
    patients: HashMap<SubjectId, Vec<u64>>,
    actors: HashMap<UserId, Vec<u64>>,
    denied: Vec<u64>,
}

impl LogIndex {
    /// Reads what the log has gained since the last time. Returns the first entry that is known.
    pub(crate) fn catch_up(
        &self,
        log: &dyn LogReader,
        keys: &LogKeys,
        origin: &Origin,
    ) -> Result<u64, ReadEntriesError> {
        let size = log.size()?;
        let mut known = self.open();
        while known.until < size {
            let end = size.min(known.until.saturating_add(BLOCK));
            for logged in read_entries(log, keys, origin, known.until..end)? {
                known.note(&logged);
            }
            known.until = end;
            if known.positions > MAX_POSITIONS {
                known.forget_half();
            }
        }
        Ok(known.since)
    }

    /// Positions that answer the question, newest first. What is asked for beyond what is remembered is not in it.
    pub(crate) fn positions(&self, question: &LogQuestion) -> Vec<u64> {
        let known = self.open();
        let found = match question {
            LogQuestion::Newest => return (known.since..known.until).rev().collect(),
            LogQuestion::Patient(subject) => known.patients.get(subject),
            LogQuestion::Actor(user) => known.actors.get(user),
            LogQuestion::Denied => Some(&known.denied),
        };
        found.map(|found| found.iter().rev().copied().collect()).unwrap_or_default()
    }

    fn open(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn note(&mut self, logged: &LoggedEntry) {
        let LoggedEntry { index, entry, .. } = logged;
        let subjects: BTreeSet<SubjectId> = entry.subjects().iter().copied().collect();
        for subject in subjects {
            self.patients.entry(subject).or_default().push(*index);
            self.positions += 1;
        }
        if let Some(user) = entry.user() {
            self.actors.entry(user.clone()).or_default().push(*index);
            self.positions += 1;
        }
        if matches!(entry.outcome(), Outcome::Denied(_)) {
            self.denied.push(*index);
            self.positions += 1;
        }
    }

    fn forget_half(&mut self) {
        self.since = self.since.midpoint(self.until);
        let since = self.since;
        let keep = |list: &mut Vec<u64>| {
            list.retain(|index| *index >= since);
            !list.is_empty()
        };
        self.patients.retain(|_, list| keep(list));
        self.actors.retain(|_, list| keep(list));
        keep(&mut self.denied);
        let lists = self.patients.values().chain(self.actors.values()).chain([&self.denied]);
        self.positions = lists.map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aceso_audit::{Action, Entry};
    use aceso_base::{Region, Timestamp};

    fn known(count: u64) -> Known {
        let mut known = Known::default();
        for index in 0..count {
            let user = UserId::parse(if index % 2 == 0 { "anna" } else { "bert" }).unwrap();
            let mut entry = Entry::system(&Region::parse("us").unwrap(), Action::Read).with_user(&user);
            if index % 5 == 0 {
                entry = entry.with_subject(SubjectId([7; 16])).with_outcome(Outcome::denied("interaction"));
            }
            known.note(&LoggedEntry { index, time: Timestamp(0), entry, salt: [0; 32], canonical: Vec::new() });
            known.until = index + 1;
        }
        known
    }

    #[test]
    fn positions_are_told_newest_first() {
        let index = LogIndex(Mutex::new(known(20)));
        assert_eq!(index.positions(&LogQuestion::Patient(SubjectId([7; 16]))), [15, 10, 5, 0]);
        assert_eq!(index.positions(&LogQuestion::Denied), [15, 10, 5, 0]);
        assert_eq!(index.positions(&LogQuestion::Actor(UserId::parse("bert").unwrap())).first(), Some(&19));
        assert_eq!(index.positions(&LogQuestion::Newest).len(), 20);
        assert!(index.positions(&LogQuestion::Patient(SubjectId([8; 16]))).is_empty());
    }

    #[test]
    fn a_full_index_forgets_its_older_half_and_says_since_when_it_knows() {
        let mut known = known(20);
        known.forget_half();
        assert_eq!(known.since, 10);
        assert_eq!(known.positions, 10 + 2 + 2);
        let index = LogIndex(Mutex::new(known));
        assert_eq!(index.positions(&LogQuestion::Denied), [15, 10]);
    }
}
