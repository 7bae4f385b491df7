//! A clock that stands still until it is told to move.

use aceso_base::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Clones show the same time.
#[derive(Debug, Clone)]
pub struct SetClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    now: AtomicI64,
    step: AtomicI64,
}

impl SetClock {
    /// Stands at this moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(Arc::new(Hands { now: AtomicI64::new(moment.0), step: AtomicI64::new(0) }))
    }

    /// Sets it, forwards or back.
    pub fn set(&self, moment: Timestamp) {
        self.0.now.store(moment.0, Ordering::SeqCst);
    }

    /// Moves it by seconds (negative: back).
    pub fn advance(&self, seconds: i64) {
        self.0.now.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// From now on every reading moves it by so many milliseconds, as work that takes time does; 0: it stands still again.
    pub fn step_each_reading(&self, milliseconds: i64) {
        self.0.step.store(milliseconds, Ordering::SeqCst);
    }
}

impl Default for SetClock {
    /// Stands at 2026-03-01T12:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp(1_772_366_400_000))
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.now.fetch_add(self.0.step.load(Ordering::SeqCst), Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_at_each_reading_is_taken_until_it_is_taken_back() {
        let clock = SetClock::at(Timestamp(0));
        clock.step_each_reading(5);
        assert_eq!([clock.now(), clock.now()], [Timestamp(0), Timestamp(5)]);
        clock.step_each_reading(0);
        assert_eq!([clock.now(), clock.now()], [Timestamp(10), Timestamp(10)]);
    }

    #[test]
    fn clones_move_together() {
        let clock = SetClock::default();
        let other = clock.clone();
        assert_eq!(other.now().to_string(), "2026-03-01T12:00:00.000Z");
        clock.advance(90);
        assert_eq!(other.now().to_string(), "2026-03-01T12:01:30.000Z");
    }
}
