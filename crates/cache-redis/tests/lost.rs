//! A Redis that goes away, comes back, hangs or refuses.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use aceso_base::Token16;
use aceso_cache_redis::{RedisAddress, RedisCache, Times};
use aceso_phi::Sealed;
use aceso_store::{CacheError, CacheName, SharedCache as _};
use aceso_testkit::RedisServer;
use std::time::Duration;

const NAME: CacheName = CacheName::of_keyed([1; 32]);
const LONG: Duration = Duration::from_secs(600);

fn cache(address: &str, pause: Duration) -> RedisCache {
    let times = Times { connect: Duration::from_secs(20), answer: Duration::from_secs(20), pause };
    RedisCache::new(&RedisAddress::parse(address).unwrap(), times)
}

fn value() -> Sealed {
    Sealed::from_store(b"sealed".to_vec())
}

#[tokio::test]
async fn a_redis_that_was_killed_is_lost_and_found_again_when_it_is_back() {
    let mut server = RedisServer::start();
    let cache = cache(&server.address(), Duration::ZERO);
    cache.set(&NAME, &value(), LONG).await.unwrap();
    assert!(cache.health().reached);
    server.kill();
    assert_eq!(cache.get(&NAME).await, Err(CacheError::Lost));
    assert_eq!(cache.lease(&NAME, Token16([1; 16]), LONG).await, Err(CacheError::Lost));
    let health = cache.health();
    assert_eq!((health.reached, health.losses, health.failures), (false, 1, 2));
    server.start_again();
    assert_eq!(cache.get(&NAME).await, Ok(None), "it is empty, and that is no error");
    cache.set(&NAME, &value(), LONG).await.unwrap();
    assert_eq!(cache.get(&NAME).await, Ok(Some(value())));
    assert_eq!((cache.health().reached, cache.health().losses), (true, 1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_asked_again_at_once() {
    let mut server = RedisServer::start();
    server.kill();
    let cache = cache(&server.address(), LONG);
    assert_eq!(cache.get(&NAME).await, Err(CacheError::Lost));
    server.start_again();
    assert_eq!(cache.get(&NAME).await, Err(CacheError::Lost), "the pause is not over");
    assert_eq!((cache.health().losses, cache.health().failures), (0, 2));
}

#[tokio::test]
async fn a_server_that_hangs_is_lost_after_the_time_for_an_answer() {
    // Takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = RedisAddress::parse(&format!("redis://{}", silent.local_addr().unwrap())).unwrap();
    let short = Duration::from_millis(50);
    let cache = RedisCache::new(&address, Times { connect: short, answer: short, pause: Duration::ZERO });
    assert_eq!(cache.get(&NAME).await, Err(CacheError::Lost));
    assert!(!cache.health().reached);
}

#[tokio::test]
async fn a_password_is_used_and_a_wrong_one_is_a_refusal() {
    let server = RedisServer::with_password("s3cret-of-the-test");
    let port = server.port();
    let good = cache(&format!("redis://:s3cret-of-the-test@127.0.0.1:{port}"), Duration::ZERO);
    good.set(&NAME, &value(), LONG).await.unwrap();
    let wrong = cache(&format!("redis://:other@127.0.0.1:{port}"), Duration::ZERO);
    assert_eq!(wrong.get(&NAME).await, Err(CacheError::Refused));
    let none = cache(&format!("redis://127.0.0.1:{port}"), Duration::ZERO);
    assert_eq!(none.get(&NAME).await, Err(CacheError::Refused));
}

#[tokio::test]
async fn a_full_redis_is_a_refusal_and_works_again_when_there_is_room() {
    let server = RedisServer::start();
    let cache = cache(&server.address(), Duration::ZERO);
    cache.set(&NAME, &value(), LONG).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(cache.set(&NAME, &value(), LONG).await, Err(CacheError::Refused));
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    cache.set(&NAME, &value(), LONG).await.unwrap();
}

#[tokio::test]
async fn names_in_redis_are_versioned_hashes_and_everything_ends() {
    let server = RedisServer::start();
    let cache = cache(&server.address(), Duration::ZERO);
    cache.set(&NAME, &value(), LONG).await.unwrap();
    cache.lease(&NAME, Token16([2; 16]), LONG).await.unwrap();
    let everything = server.everything();
    let names: Vec<_> = everything.iter().map(|(name, _)| String::from_utf8(name.clone()).unwrap()).collect();
    let hex = "01".repeat(32);
    assert_eq!(names, [format!("aceso:1:l:{hex}"), format!("aceso:1:v:{hex}")]);
    for name in names {
        assert!(server.milliseconds_left(&name) > 0, "{name} has no end");
    }
}
