//! Counts the changes of compartments and the tokens that are given, so that what was read can be known to be still what is stored.

use aceso_base::SubjectId;
use aceso_fhir::definitions::ResourceType;
use aceso_phi::IndexToken;
use aceso_store::{Put, TokenMark};
use std::sync::atomic::{AtomicU64, Ordering};

/// More slots than a small installation has busy patients; two that share one only read anew more often.
const SLOTS: usize = 4096;

/// One number for each slot; it only grows.
pub(crate) struct Changes(Box<[AtomicU64]>);

impl Default for Changes {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Changes {
    /// A batch that touches these compartments is on the disk, or may be. To be called after the commit and before anybody
    /// is told of it: who took the number before has read the old rows or the new ones, and looks again either way.
    pub(crate) fn count(&self, touched: &[SubjectId]) {
        for subject in touched {
            if let Some(slot) = self.slot(*subject) {
                slot.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    pub(crate) fn of(&self, subject: SubjectId) -> u64 {
        self.slot(subject).map_or(0, |slot| slot.load(Ordering::SeqCst))
    }

    fn slot(&self, subject: SubjectId) -> Option<&AtomicU64> {
        let number = u128::from_be_bytes(subject.0);
        let folded = ((number >> 64) as u64).rotate_left(23) ^ number as u64;
        // Fibonacci hashing (Knuth, The Art of Computer Programming, section 6.4): the upper bits are the well mixed ones.
        let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        self.0.get(mixed as usize % SLOTS)
    }
}

/// Slots of each group of types, and groups: records of a type that is written all day do not disturb the others.
const TOKEN_SLOTS: u64 = 1024;
const GROUPS: usize = 32;

/// One number for each slot; it only grows. Beside them what tells this opening of the database from all others.
pub(crate) struct GivenTokens {
    opening: [u8; 8],
    slots: Box<[AtomicU64]>,
}

impl GivenTokens {
    /// `opening`: random, new at each opening.
    pub(crate) fn new(opening: [u8; 8]) -> Self {
        Self { opening, slots: (0..GROUPS as u64 * TOKEN_SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The slots of the tokens that a put gives.
    pub(crate) fn slots_of(put: &Put) -> impl Iterator<Item = usize> {
        put.tokens.iter().map(|token| slot(put.key.rtype, token))
    }

    /// As [`Changes::count`].
    pub(crate) fn count(&self, given: &[usize]) {
        for slot in given.iter().filter_map(|slot| self.slots.get(*slot)) {
            slot.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Each number only grows, so their sum is the same only when all are.
    pub(crate) fn mark(&self, rtype: ResourceType, tokens: &[IndexToken]) -> TokenMark {
        let sum = tokens
            .iter()
            .filter_map(|token| self.slots.get(slot(rtype, token)))
            .fold(0_u64, |sum, slot| sum.wrapping_add(slot.load(Ordering::SeqCst)));
        let mut mark = [0; 16];
        for (to, from) in mark.iter_mut().zip(self.opening.iter().chain(&sum.to_be_bytes())) {
            *to = *from;
        }
        TokenMark(mark)
    }
}

fn slot(rtype: ResourceType, token: &IndexToken) -> usize {
    // Tokens are keyed hashes already; this only folds them (FNV-1a, draft-eastlake-fnv section 2).
    let folded = token
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let within = usize::try_from((folded >> 20) % TOKEN_SLOTS).unwrap_or(0);
    usize::from(rtype.code()) % GROUPS * TOKEN_SLOTS as usize + within
}
