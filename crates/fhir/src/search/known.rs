//! Which texts are in the string area already: an index by their hashes.

use zeroize::Zeroize;

/// Slots of an index that is kept for the next resource; a larger one is given back.
const KEPT: usize = 512;

/// Hashes and references, in open addressing; overwritten with zeros when it is cleared.
#[derive(Default)]
pub(super) struct Known {
    /// A power of two of them. Reference 0, which no text has: free.
    slots: Vec<(u64, u64)>,
    count: usize,
}

impl Known {
    /// The reference with this hash for which `is_meant` holds.
    pub(super) fn find(&self, hash: u64, is_meant: impl Fn(u64) -> bool) -> Option<u64> {
        self.from(hash)
            .take_while(|(_, reference)| *reference != 0)
            .find_map(|(found, reference)| (found == hash && is_meant(reference)).then_some(reference))
    }

    /// Adds a reference, which is not 0.
    pub(super) fn add(&mut self, hash: u64, reference: u64) {
        if (self.count + 1) * 2 > self.slots.len() {
            let wider = vec![(0, 0); (self.slots.len() * 2).max(64)];
            let mut before = std::mem::replace(&mut self.slots, wider);
            before.iter().filter(|(_, reference)| *reference != 0).for_each(|(hash, at)| self.put(*hash, *at));
            before.zeroize();
        }
        self.put(hash, reference);
        self.count += 1;
    }

    pub(super) fn clear(&mut self) {
        if self.count > 0 {
            self.slots.iter_mut().zeroize();
        }
        if self.slots.len() > KEPT {
            self.slots = Vec::new();
        }
        self.count = 0;
    }

    fn put(&mut self, hash: u64, reference: u64) {
        let all = self.slots.len();
        let first = first(hash, all);
        let (before, after) = self.slots.split_at_mut(first);
        if let Some(free) = after.iter_mut().chain(before).find(|(_, reference)| *reference == 0) {
            *free = (hash, reference);
        }
    }

    /// The slots from that of the hash on, and around.
    fn from(&self, hash: u64) -> impl Iterator<Item = (u64, u64)> {
        let (before, after) = self.slots.split_at(first(hash, self.slots.len()));
        after.iter().chain(before).copied()
    }
}

/// The slot that a hash belongs to.
fn first(hash: u64, slots: usize) -> usize {
    hash as usize & slots.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_also_beside_others_of_its_hash_and_after_growing() {
        let mut known = Known::default();
        assert_eq!(known.find(7, |_| true), None);
        for reference in 1..=1000 {
            known.add(reference % 10, reference);
        }
        assert!((1..=1000).all(|wanted| known.find(wanted % 10, |found| found == wanted) == Some(wanted)));
        assert_eq!(known.find(11, |_| true), None);
        assert_eq!(known.find(7, |found| found == 1001), None);
        known.clear();
        assert_eq!(known.find(7, |_| true), None);
    }
}
