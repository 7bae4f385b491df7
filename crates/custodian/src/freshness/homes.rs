//! For each compartment and type an order-independent sum over the live records in it: each adds a keyed 64-bit term of its name
//! and version. A scan adds up the terms of what it finds; a row that is gone, old or one too many makes another sum, but for one
//! case in 2^64, and nobody without the key can choose rows that make up for each other.

use super::{Keyed, Mark};
use std::collections::HashMap;

/// All compartments, some 28 bytes each. A type over all subjects of a tenant counts as one too: the total.
#[derive(Default)]
pub(super) struct Homes {
    numbers: HashMap<Mark, u32, Keyed>,
    sums: Vec<u64>,
    /// The number of the total that a compartment is part of; [`NONE`] for a total, [`ENDED`] after a shred.
    totals: Vec<u32>,
    /// Writes under way, by compartment.
    busy: HashMap<u32, u32>,
}

/// This is a total itself.
pub(super) const NONE: u32 = u32::MAX;
/// The subject's keys were destroyed.
pub(super) const ENDED: u32 = u32::MAX - 1;

impl Homes {
    /// The number of a compartment, new if need be, within the total that `total` names.
    pub(super) fn of(&mut self, mark: Mark, total: impl FnOnce() -> Mark) -> u32 {
        if let Some(number) = self.numbers.get(&mark) {
            return *number;
        }
        let total = total();
        let total = self.numbers.get(&total).copied().unwrap_or_else(|| self.push(total, NONE));
        self.push(mark, total)
    }

    pub(super) fn push(&mut self, mark: Mark, total: u32) -> u32 {
        // Four thousand million compartments do not fit into memory.
        let number = u32::try_from(self.sums.len()).unwrap_or(ENDED - 1);
        self.sums.push(0);
        self.totals.push(total);
        self.numbers.insert(mark, number);
        number
    }

    pub(super) fn add(&mut self, home: u32, term: u64) {
        self.change(home, term);
    }

    pub(super) fn take(&mut self, home: u32, term: u64) {
        self.change(home, term.wrapping_neg());
    }

    /// The subject was shredded: nothing of this compartment is part of the total any more.
    pub(super) fn end(&mut self, mark: Mark) {
        let Some(home) = self.numbers.get(&mark).copied() else { return };
        let gone = self.sum_of(home).wrapping_neg();
        let total = self.totals.get_mut(at(home)).map(|total| std::mem::replace(total, ENDED));
        if let Some(total) = total.filter(|total| *total < ENDED) {
            self.plus(total, gone);
        }
    }

    /// The sum over compartments, and whether nobody writes to any of them now.
    pub(super) fn sum(&self, marks: &[Mark]) -> (u64, bool) {
        let (mut sum, mut calm) = (0_u64, true);
        for home in marks.iter().filter_map(|mark| self.numbers.get(mark)) {
            sum = sum.wrapping_add(self.sum_of(*home));
            calm &= !self.busy.contains_key(home);
        }
        (sum, calm)
    }

    /// A write to the compartment begins.
    pub(super) fn occupy(&mut self, home: u32) {
        let count = self.busy.entry(home).or_insert(0);
        *count = count.saturating_add(1);
    }

    /// A write has ended.
    pub(super) fn release(&mut self, home: u32) {
        if let Some(count) = self.busy.get_mut(&home) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.busy.remove(&home);
            }
        }
    }

    /// All compartments by number: mark, total.
    pub(super) fn list(&self) -> Vec<(Mark, u32)> {
        let mut out = vec![(Mark(0), NONE); self.sums.len()];
        for (mark, number) in &self.numbers {
            if let (Some(slot), Some(total)) = (out.get_mut(at(*number)), self.totals.get(at(*number))) {
                *slot = (*mark, *total);
            }
        }
        out
    }

    /// The total that a compartment is part of.
    pub(super) fn total_of(&self, home: u32) -> Option<u32> {
        self.totals.get(at(home)).copied().filter(|total| *total < ENDED)
    }

    fn change(&mut self, home: u32, by: u64) {
        self.plus(home, by);
        if let Some(total) = self.total_of(home) {
            self.plus(total, by);
        }
    }

    fn plus(&mut self, home: u32, by: u64) {
        if let Some(sum) = self.sums.get_mut(at(home)) {
            *sum = sum.wrapping_add(by);
        }
    }

    fn sum_of(&self, home: u32) -> u64 {
        self.sums.get(at(home)).copied().unwrap_or_default()
    }
}

fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
