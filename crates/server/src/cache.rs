//! The shared cache as the configuration says, and what operators see of it. Without one, or while it is lost, everything is in this
//! process.

use crate::app::unreachable;
use crate::config::{CacheAddress, CacheSettings, Config};
use crate::exit::Failure;
use crate::telemetry::{Metrics, names};
use aceso_cache_redis::{RedisAddress, RedisCache, Times};
use aceso_custodian::{Custodian, SharedParts};
use std::sync::Arc;

/// What the door shares; `None` when the configuration names no cache. Nothing is connected by this: a server starts without it.
///
/// # Errors
/// [`Failure::Unreachable`] when the address cannot be read.
pub(crate) fn open(config: &Config) -> Result<Option<SharedParts>, Failure> {
    let Some(cache) = &config.cache else { return Ok(None) };
    let address = address(&cache.address).map_err(|error| unreachable("the shared cache", error))?;
    let redis = RedisCache::new(&address, times(cache));
    Ok(Some(SharedParts { cache: Arc::new(redis), lookups: cache.lookups }))
}

/// How long to wait for it.
pub(crate) fn times(cache: &CacheSettings) -> Times {
    Times { connect: cache.wait, answer: cache.wait, ..Times::default() }
}

/// Where it is. The text of an error holds nothing of the address.
pub(crate) fn address(given: &CacheAddress) -> Result<RedisAddress, String> {
    match given {
        CacheAddress::Plain(text) => RedisAddress::plain(text).map_err(|error| error.to_string()),
        CacheAddress::Secret(secret) => {
            let bytes = secret.read().map_err(|error| error.to_string())?;
            let text = std::str::from_utf8(&bytes).map_err(|_| "it is not text".to_owned())?;
            RedisAddress::parse(text.trim()).map_err(|error| error.to_string())
        }
    }
}

/// Shows at each scrape how the cache is; nothing when there is none.
pub(crate) fn watch(door: &Custodian, metrics: &Metrics) {
    let door = door.clone();
    metrics.at_scrape(move |metrics| {
        let Some(counts) = door.shared_counts() else { return };
        metrics.gauge(&names::CACHE_REACHED, &[]).set(i64::from(counts.health.reached));
        metrics.counter(&names::CACHE_LOSSES, &[]).raise_to(counts.health.losses);
        metrics.counter(&names::CACHE_FAILURES, &[]).raise_to(counts.health.failures);
        metrics.counter(&names::CACHE_UNREADABLE, &[]).raise_to(counts.unreadable);
        metrics.counter(&names::CACHE_LOOKUPS, &[("outcome", "hit")]).raise_to(counts.hits);
        metrics.counter(&names::CACHE_LOOKUPS, &[("outcome", "miss")]).raise_to(counts.misses);
    });
}
