//! The tests that every shared cache must pass, and the one in this process that stands in for it in other tests.
//!
//! An adapter implements [`CacheFixture`] and calls [`crate::cache_suite!`] in a test file.

use super::kit::block_on;
use crate::{CacheHealth, CacheName, Caching, SharedCache};
use aceso_base::{Clock, Token16};
use aceso_phi::Sealed;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An empty cache that only one test uses.
pub trait CacheFixture {
    /// A fresh, empty cache.
    fn new() -> Self;

    /// The cache under test.
    fn cache(&self) -> &dyn SharedCache;

    /// Lets time pass, for the cache at least.
    fn pass(&self, time: Duration);

    /// Runs a future to its end.
    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        block_on(future)
    }
}

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(40);

fn name(number: u8) -> CacheName {
    CacheName::of_keyed([number; 32])
}

fn value(text: &str) -> Sealed {
    Sealed::from_store(text.as_bytes().to_vec())
}

/// Until its life is over.
pub fn a_value_comes_back_until_its_life_is_over<F: CacheFixture>() {
    let fixture = F::new();
    let cache = fixture.cache();
    fixture.run(async {
        assert_eq!(cache.get(&name(1)).await, Ok(None));
        cache.set(&name(1), &value("a"), LONG).await.unwrap();
        cache.set(&name(2), &value("b"), SHORT).await.unwrap();
    });
    fixture.pass(SHORT * 2);
    fixture.run(async {
        assert_eq!(cache.get(&name(1)).await, Ok(Some(value("a"))));
        assert_eq!(cache.get(&name(2)).await, Ok(None));
        assert!(cache.health().reached);
    });
}

/// With its own life.
pub fn a_later_value_takes_the_place_of_an_earlier_one<F: CacheFixture>() {
    let fixture = F::new();
    let cache = fixture.cache();
    fixture.run(async {
        cache.set(&name(1), &value("short"), SHORT).await.unwrap();
        cache.set(&name(1), &value("long"), LONG).await.unwrap();
        cache.set(&name(2), &value("long"), LONG).await.unwrap();
        cache.set(&name(2), &value("short"), SHORT).await.unwrap();
    });
    fixture.pass(SHORT * 2);
    fixture.run(async {
        assert_eq!(cache.get(&name(1)).await, Ok(Some(value("long"))));
        assert_eq!(cache.get(&name(2)).await, Ok(None));
    });
}

/// And nothing else is.
pub fn what_is_deleted_is_gone<F: CacheFixture>() {
    let fixture = F::new();
    let cache = fixture.cache();
    fixture.run(async {
        cache.set(&name(1), &value("a"), LONG).await.unwrap();
        cache.set(&name(2), &value("b"), LONG).await.unwrap();
        cache.delete(&name(1)).await.unwrap();
        cache.delete(&name(3)).await.unwrap();
        assert_eq!(cache.get(&name(1)).await, Ok(None));
        assert_eq!(cache.get(&name(2)).await, Ok(Some(value("b"))));
    });
}

/// Every byte, and long values up to the limit; beyond it nothing.
pub fn values_of_any_bytes_come_back_whole<F: CacheFixture>() {
    let fixture = F::new();
    let cache = fixture.cache();
    fixture.run(async {
        let every: Vec<u8> = (0..=255).cycle().take(crate::LARGEST_VALUE).collect();
        cache.set(&name(1), &Sealed::from_store(every.clone()), LONG).await.unwrap();
        assert!(cache.get(&name(1)).await == Ok(Some(Sealed::from_store(every.clone()))));
        cache.set(&name(1), &Sealed::from_store([every, vec![0]].concat()), LONG).await.unwrap();
        assert!(cache.get(&name(1)).await == Ok(None));
    });
}

/// And can be taken again then.
pub fn a_lease_has_one_holder_until_it_is_released<F: CacheFixture>() {
    let fixture = F::new();
    let cache = fixture.cache();
    let (one, two) = (Token16([1; 16]), Token16([2; 16]));
    fixture.run(async {
        assert_eq!(cache.lease(&name(1), one, LONG).await, Ok(true));
        assert_eq!(cache.lease(&name(1), two, LONG).await, Ok(false));
        assert_eq!(cache.lease(&name(1), one, LONG).await, Ok(false), "not twice to the same");
        assert_eq!(cache.lease(&name(2), two, LONG).await, Ok(true), "another lease");
        assert_eq!(cache.release(&name(1), one).await, Ok(true));
        assert_eq!(cache.lease(&name(1), two, LONG).await, Ok(true));
    });
}

/// Whoever died with it does not block for longer.
pub fn a_lease_ends_with_its_life<F: CacheFixture>() {
    let fixture = F::new();
    let cache = fixture.cache();
    let (one, two) = (Token16([1; 16]), Token16([2; 16]));
    fixture.run(async { assert_eq!(cache.lease(&name(1), one, SHORT).await, Ok(true)) });
    fixture.pass(SHORT * 2);
    fixture.run(async {
        assert_eq!(cache.lease(&name(1), two, LONG).await, Ok(true));
        assert_eq!(cache.release(&name(1), one).await, Ok(false), "it is not his any more");
        assert_eq!(cache.lease(&name(1), one, LONG).await, Ok(false));
    });
}

/// Of a release by somebody else, or of a lease that nobody holds.
pub fn nobody_releases_what_he_does_not_hold<F: CacheFixture>() {
    let fixture = F::new();
    let cache = fixture.cache();
    let (one, two) = (Token16([1; 16]), Token16([2; 16]));
    fixture.run(async {
        assert_eq!(cache.release(&name(1), one).await, Ok(false));
        assert_eq!(cache.lease(&name(1), one, LONG).await, Ok(true));
        assert_eq!(cache.release(&name(1), two).await, Ok(false));
        assert_eq!(cache.lease(&name(1), two, LONG).await, Ok(false));
    });
}

/// One test for each promise, for a type that implements [`CacheFixture`](crate::suite::cache::CacheFixture).
#[macro_export]
macro_rules! cache_suite {
    ($fixture:ty) => {
        $crate::cache_suite!(@tests $fixture:
            a_value_comes_back_until_its_life_is_over,
            a_later_value_takes_the_place_of_an_earlier_one,
            what_is_deleted_is_gone,
            values_of_any_bytes_come_back_whole,
            a_lease_has_one_holder_until_it_is_released,
            a_lease_ends_with_its_life,
            nobody_releases_what_he_does_not_hold,
        );
    };
    (@tests $fixture:ty: $($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { $crate::suite::cache::$name::<$fixture>(); })+
    };
}

/// A cache in this process, by a clock that a test sets. It passes the suite, so it stands in for one that is shared.
pub struct LocalCache {
    clock: Arc<dyn Clock>,
    room: Mutex<Room>,
}

#[derive(Default)]
struct Room {
    values: BTreeMap<CacheName, (Sealed, i64)>,
    leases: BTreeMap<CacheName, (Token16, i64)>,
    lost: bool,
    health: CacheHealth,
}

impl LocalCache {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, room: Mutex::default() }
    }

    /// A planned fault: from now on every call fails, or none does any more.
    pub fn lose(&self, lost: bool) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.lost = lost;
        if lost && std::mem::take(&mut room.health.reached) {
            room.health.losses += 1;
        }
    }

    /// Forgets everything, as a restart does.
    pub fn flush(&self) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.values.clear();
        room.leases.clear();
    }

    /// All values, for a look at what somebody sees who has the cache.
    #[must_use]
    pub fn values(&self) -> Vec<(CacheName, Sealed)> {
        let room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.values.iter().map(|(name, (value, _))| (*name, value.clone())).collect()
    }

    fn call<T: Send + 'static>(&self, work: impl FnOnce(&mut Room, i64) -> T) -> Caching<'_, T> {
        let now = self.clock.now().0;
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let done = if room.lost {
            room.health.failures += 1;
            Err(crate::CacheError::Lost)
        } else {
            room.health.reached = true;
            room.values.retain(|_, (_, end)| *end > now);
            room.leases.retain(|_, (_, end)| *end > now);
            Ok(work(&mut room, now))
        };
        Box::pin(std::future::ready(done))
    }
}

fn end(now: i64, life: Duration) -> i64 {
    now.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX))
}

impl SharedCache for LocalCache {
    fn get(&self, name: &CacheName) -> Caching<'_, Option<Sealed>> {
        let name = *name;
        self.call(move |room, _| {
            let found = room.values.get(&name).map(|(value, _)| value.clone());
            found.filter(|value| value.as_bytes().len() <= crate::LARGEST_VALUE)
        })
    }

    fn set(&self, name: &CacheName, value: &Sealed, life: Duration) -> Caching<'_, ()> {
        let (name, value) = (*name, value.clone());
        self.call(move |room, now| drop(room.values.insert(name, (value, end(now, life)))))
    }

    fn delete(&self, name: &CacheName) -> Caching<'_, ()> {
        let name = *name;
        self.call(move |room, _| drop(room.values.remove(&name)))
    }

    fn lease(&self, name: &CacheName, holder: Token16, life: Duration) -> Caching<'_, bool> {
        let name = *name;
        self.call(move |room, now| {
            let free = !room.leases.contains_key(&name);
            if free {
                room.leases.insert(name, (holder, end(now, life)));
            }
            free
        })
    }

    fn release(&self, name: &CacheName, holder: Token16) -> Caching<'_, bool> {
        let name = *name;
        self.call(move |room, _| {
            let own = room.leases.get(&name).is_some_and(|(of, _)| *of == holder);
            if own {
                room.leases.remove(&name);
            }
            own
        })
    }

    fn health(&self) -> CacheHealth {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).health
    }
}
