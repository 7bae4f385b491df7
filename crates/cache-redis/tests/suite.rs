//! The suite that every shared cache passes, against a real Redis, and against the one that stands in for it in other tests.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use aceso_cache_redis::{RedisAddress, RedisCache, Times};
use aceso_store::SharedCache;
use aceso_store::suite::cache::{CacheFixture, LocalCache};
use aceso_testkit::{RedisServer, SetClock};
use std::sync::Arc;
use std::time::Duration;

struct Redis {
    cache: RedisCache,
    runtime: tokio::runtime::Runtime,
    _server: RedisServer,
}

impl CacheFixture for Redis {
    fn new() -> Self {
        let server = RedisServer::start();
        let times = Times { connect: Duration::from_secs(20), answer: Duration::from_secs(20), ..Times::default() };
        let cache = RedisCache::new(&RedisAddress::parse(&server.address()).unwrap(), times);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { cache, runtime, _server: server }
    }

    fn cache(&self) -> &dyn SharedCache {
        &self.cache
    }

    fn pass(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

struct Local {
    cache: LocalCache,
    clock: SetClock,
}

impl CacheFixture for Local {
    fn new() -> Self {
        let clock = SetClock::default();
        Self { cache: LocalCache::new(Arc::new(clock.clone())), clock }
    }

    fn cache(&self) -> &dyn SharedCache {
        &self.cache
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(i64::try_from(time.as_secs()).unwrap() + 1);
    }
}

mod redis {
    use super::Redis;
    aceso_store::cache_suite!(Redis);
}

mod local {
    use super::Local;
    aceso_store::cache_suite!(Local);
}
