//! The shared cache: whether it can be reached, takes the password, and lets us do what we do.

use super::Finding;
use crate::cache::{address, times};
use crate::config::Config;
use aceso_base::Token16;
use aceso_cache_redis::{RedisAddress, RedisCache, Times};
use aceso_store::{CacheError, CacheName, SharedCache as _};
use std::time::Duration;

const CHECK: &str = "shared cache";

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let Some(cache) = &config.cache else { return Vec::new() };
    // An address that cannot be read is told among the secrets.
    let Ok(address) = address(&cache.address) else { return Vec::new() };
    let mut findings = vec![probe(&address, times(cache))];
    if address.is_open_on_the_way() {
        findings.push(Finding::warning(
            "cache exposure",
            "it is on another machine and without TLS: the password can be read on the way",
            "use rediss://, or a network that nobody else reads",
        ));
    }
    findings
}

/// A lease of a moment under a name that nothing else has: it needs every right that the server needs but reading.
fn probe(address: &RedisAddress, times: Times) -> Finding {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Finding::warning(CHECK, "could not be looked at: the system gives no runtime", "free some memory");
    };
    let (name, holder) = (CacheName::of_keyed([0; 32]), Token16([0; 16]));
    let cache = RedisCache::new(address, times);
    let said = runtime.block_on(async {
        let _ = cache.lease(&name, holder, Duration::from_secs(1)).await?;
        let _ = cache.release(&name, holder).await?;
        cache.get(&name).await
    });
    match said {
        Ok(_) => Finding::well(CHECK, "reached; sealed values only go there"),
        Err(CacheError::Lost) => Finding::warning(
            CHECK,
            "cannot be reached; the server works without it, each process for itself",
            "start Redis, or correct cache.address or what cache.redis refers to",
        ),
        Err(CacheError::Refused) => Finding::warning(
            CHECK,
            "refuses; the server works without it, each process for itself",
            "correct user and password in what cache.redis refers to; GETRANGE, SET, DEL and EVAL must be allowed on aceso:*, and memory left",
        ),
    }
}
