//! The time that one search may take, looked at now and then.

use super::SearchStop;
use crate::door::Custodian;
use aceso_base::Timestamp;

/// The clock of one walk.
pub(super) struct Watch<'a> {
    door: &'a Custodian,
    started: Timestamp,
    pub(super) now: Timestamp,
    seen: u32,
}

impl<'a> Watch<'a> {
    pub(super) fn start(door: &'a Custodian) -> Self {
        let now = door.now();
        Self { door, started: now, now, seen: 0 }
    }

    /// One row more.
    pub(super) fn step(&mut self) -> Result<(), SearchStop> {
        self.seen = self.seen.wrapping_add(1);
        if self.seen.is_multiple_of(LOOK_AT_TIME) {
            self.now = self.door.now();
            if self.door.over_budget(self.started, self.now) {
                return Err(SearchStop::TooCostly);
            }
        }
        Ok(())
    }
}

/// After so many rows the time is looked at.
const LOOK_AT_TIME: u32 = 16;

impl Custodian {
    /// Whether a search that began then has worked for too long by now.
    pub(crate) fn over_budget(&self, started: Timestamp, now: Timestamp) -> bool {
        let spent = now.0.saturating_sub(started.0);
        u128::try_from(spent).unwrap_or(0) > self.inner.search_budget.as_millis()
    }
}
