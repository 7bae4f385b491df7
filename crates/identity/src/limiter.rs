//! Slows guessing down, per account and per client, without ever locking anybody out for good.

use crate::records::sha256;
use aceso_base::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Attempts before the first wait.
const FREE: u32 = 5;
/// The longest wait, in seconds.
const LONGEST: i64 = 300;
/// After so many seconds without an attempt nothing is remembered.
const MEMORY: i64 = 900;
/// How many keys are remembered.
const CAPACITY: usize = 65_536;

/// An attempt that comes too early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wait {
    pub(crate) seconds: u64,
    /// The first one since the wait began: worth an entry in the log.
    pub(crate) first: bool,
}

struct Attempts {
    failures: u32,
    last: i64,
    told: bool,
}

/// Remembers failures in memory, by hash of what was tried, so that names of no account are counted like those of one.
pub(crate) struct Limiter(Mutex<HashMap<[u8; 32], Attempts>>);

impl Limiter {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Counts an attempt as failed before it is made: parallel guesses do not slip through together. After five, the
    /// wait doubles from one second up to five minutes.
    pub(crate) fn begin(&self, kind: &str, name: &str, now: Timestamp) -> Result<(), Wait> {
        let now = now.as_seconds();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(kind, name);
        if known.len() >= CAPACITY && !known.contains_key(&key) {
            make_room(&mut known, now);
        }
        let attempts = known.entry(key).or_insert(Attempts { failures: 0, last: now, told: false });
        if now.saturating_sub(attempts.last) > MEMORY {
            attempts.failures = 0;
        }
        let left = attempts.last.saturating_add(wait_after(attempts.failures)).saturating_sub(now);
        // A clock that was set back must not make anybody wait longer than the longest wait.
        let left = left.min(LONGEST);
        if left > 0 {
            let first = !std::mem::replace(&mut attempts.told, true);
            return Err(Wait { seconds: left.unsigned_abs(), first });
        }
        *attempts = Attempts { failures: attempts.failures.saturating_add(1), last: now, told: false };
        Ok(())
    }

    /// Forgets the failures: it was the right one.
    pub(crate) fn succeeded(&self, kind: &str, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(kind, name));
    }
}

/// The length stands first, so that no two pairs have one key.
fn key(kind: &str, name: &str) -> [u8; 32] {
    sha256(&[&[u8::try_from(kind.len()).unwrap_or(u8::MAX)], kind.as_bytes(), name.as_bytes()].concat())
}

const fn wait_after(failures: u32) -> i64 {
    if failures < FREE {
        return 0;
    }
    let doublings = failures - FREE;
    if doublings > 8 { LONGEST } else { 1 << doublings }
}

/// Drops what would be forgotten anyway, else the ones with the fewest failures.
fn make_room(known: &mut HashMap<[u8; 32], Attempts>, now: i64) {
    known.retain(|_, attempts| now.saturating_sub(attempts.last) <= MEMORY);
    let mut limit = 1;
    while known.len() >= CAPACITY {
        known.retain(|_, attempts| attempts.failures > limit);
        limit *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp(1_700_000_000_000).plus_seconds(seconds)
    }

    #[test]
    fn the_wait_doubles_and_ends() {
        let limiter = Limiter::new();
        for _ in 0..FREE {
            limiter.begin("user", "nora", at(0)).unwrap();
        }
        assert_eq!(limiter.begin("user", "nora", at(0)), Err(Wait { seconds: 1, first: true }));
        assert_eq!(limiter.begin("user", "nora", at(0)), Err(Wait { seconds: 1, first: false }));
        limiter.begin("user", "nora", at(1)).unwrap();
        assert_eq!(limiter.begin("user", "nora", at(1)), Err(Wait { seconds: 2, first: true }));
        let mut now = 1;
        for _ in 0..40 {
            now += LONGEST;
            limiter.begin("user", "nora", at(now)).unwrap();
        }
        assert_eq!(limiter.begin("user", "nora", at(now)), Err(Wait { seconds: 300, first: true }));
    }

    #[test]
    fn success_and_time_forget() {
        let limiter = Limiter::new();
        for _ in 0..FREE {
            limiter.begin("user", "nora", at(0)).unwrap();
        }
        limiter.succeeded("user", "nora");
        for _ in 0..FREE {
            limiter.begin("user", "nora", at(0)).unwrap();
        }
        assert!(limiter.begin("user", "nora", at(0)).is_err());
        for _ in 0..FREE {
            limiter.begin("user", "nora", at(MEMORY + 1)).unwrap();
        }
    }

    #[test]
    fn names_and_kinds_do_not_share_a_count() {
        let limiter = Limiter::new();
        for _ in 0..FREE {
            limiter.begin("user", "nora", at(0)).unwrap();
        }
        assert!(limiter.begin("user", "nor", at(0)).is_ok());
        assert!(limiter.begin("use", "rnora", at(0)).is_ok());
        assert!(limiter.begin("client", "nora", at(0)).is_ok());
    }

    #[test]
    fn a_clock_set_back_makes_nobody_wait_for_long() {
        let limiter = Limiter::new();
        for _ in 0..FREE {
            limiter.begin("user", "nora", at(100_000)).unwrap();
        }
        assert_eq!(limiter.begin("user", "nora", at(0)).unwrap_err().seconds, 300);
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::new();
        for number in 0..CAPACITY + 10 {
            limiter.begin("user", &number.to_string(), at(0)).unwrap();
        }
        assert!(limiter.0.lock().unwrap().len() <= CAPACITY);
    }
}
