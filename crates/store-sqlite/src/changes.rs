//! Counts the changes of compartments, so that what was read of one can be known to be still what is stored.

use aceso_base::SubjectId;
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
