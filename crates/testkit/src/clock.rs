//! A clock that stands still until it is told to move.

use aceso_base::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Clones show the same time.
#[derive(Debug, Clone)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    /// Stands at this moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(moment.0)))
    }

    /// Sets it, forwards or back.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.0, Ordering::SeqCst);
    }

    /// Moves it by seconds (negative: back).
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
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
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together() {
        let clock = SetClock::default();
        let other = clock.clone();
        assert_eq!(other.now().to_string(), "2026-03-01T12:00:00.000Z");
        clock.advance(90);
        assert_eq!(other.now().to_string(), "2026-03-01T12:01:30.000Z");
    }
}
