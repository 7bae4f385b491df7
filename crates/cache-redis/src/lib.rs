//! A shared cache in Redis (or Valkey): one server, sealed values, short leases. No cluster, no publish and subscribe.
//!
//! What does not work is told at once and left alone for a moment: a call waits for a connection and an answer for a bounded time, and
//! after a failure none is tried for [`Times::pause`]. That it was lost and that it is back is in the log, once each.

mod address;

pub use address::{AddressError, RedisAddress};

use aceso_base::Token16;
use aceso_phi::Sealed;
use aceso_store::{CacheError, CacheHealth, CacheName, Caching, LARGEST_VALUE, SharedCache};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// For a connection.
    pub connect: Duration,
    /// For an answer.
    pub answer: Duration,
    /// Before a connection is tried again.
    pub pause: Duration,
}

impl Default for Times {
    /// A second for a connection and for an answer, two between attempts.
    fn default() -> Self {
        Self { connect: Duration::from_secs(1), answer: Duration::from_secs(1), pause: Duration::from_secs(2) }
    }
}

/// A cache in Redis. The connection is made when it is first needed, and again when it was lost.
pub struct RedisCache {
    client: Client,
    times: Times,
    line: Mutex<Line>,
    state: AtomicU8,
    losses: AtomicU64,
    failures: AtomicU64,
}

/// The one connection, shared by all calls.
#[derive(Default)]
struct Line {
    connection: Option<MultiplexedConnection>,
    /// Which connection it is, so that one failure does not end the next.
    number: u64,
    /// Not before this moment a new one is tried.
    again: Option<Instant>,
}

const UNKNOWN: u8 = 0;
const REACHED: u8 = 1;
const LOST: u8 = 2;

/// Takes the lease away only from who holds it: comparing and deleting in one step.
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

impl RedisCache {
    /// A cache at this address. Nothing is connected yet.
    #[must_use]
    pub fn new(address: &RedisAddress, times: Times) -> Self {
        Self {
            client: address.client(),
            times,
            line: Mutex::default(),
            state: AtomicU8::new(UNKNOWN),
            losses: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        let (mut connection, number) = match self.connection().await {
            Ok(found) => found,
            Err(error) => return Err(self.failed(error)),
        };
        match command.query_async(&mut connection).await {
            Ok(answer) => {
                self.answered();
                Ok(answer)
            }
            Err(error) => {
                let kind = kind_of(&error);
                if kind == CacheError::Lost {
                    self.hang_up(number).await;
                }
                Err(self.failed(kind))
            }
        }
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), CacheError> {
        let mut line = self.line.lock().await;
        if let Some(connection) = &line.connection {
            return Ok((connection.clone(), line.number));
        }
        if line.again.is_some_and(|again| Instant::now() < again) {
            return Err(CacheError::Lost);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.times.connect))
            .set_response_timeout(Some(self.times.answer));
        match self.client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => {
                line.number += 1;
                line.connection = Some(connection.clone());
                line.again = None;
                Ok((connection, line.number))
            }
            Err(error) => {
                line.again = Some(Instant::now() + self.times.pause);
                Err(kind_of(&error))
            }
        }
    }

    /// A connection that is made anew may be well at once, so the first attempt is not put off.
    async fn hang_up(&self, number: u64) {
        let mut line = self.line.lock().await;
        if line.number == number {
            line.connection = None;
        }
    }

    fn answered(&self) {
        if self.state.swap(REACHED, Ordering::Relaxed) == LOST {
            tracing::info!(state = "reached", "the shared cache is back");
        }
    }

    fn failed(&self, error: CacheError) -> CacheError {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let before = self.state.swap(LOST, Ordering::Relaxed);
        if before == REACHED {
            self.losses.fetch_add(1, Ordering::Relaxed);
        }
        if before != LOST {
            tracing::warn!(code = error.code(), "the shared cache is lost; everything goes on in this process");
        }
        error
    }
}

/// The library's own words are not shown: they can quote what the server said.
fn kind_of(error: &RedisError) -> CacheError {
    let refused = error.code().is_some() || error.kind() == redis::ErrorKind::AuthenticationFailed;
    if refused { CacheError::Refused } else { CacheError::Lost }
}

/// `aceso:1:` (the version of names and values), what it is, the name in hex.
fn key(kind: &str, name: &CacheName) -> String {
    name.as_bytes().iter().fold(format!("aceso:1:{kind}:"), |mut key, byte| {
        // Writing to a String cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    })
}

fn milliseconds(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64)
}

impl SharedCache for RedisCache {
    fn get(&self, name: &CacheName) -> Caching<'_, Option<Sealed>> {
        // As a range, so that nobody makes this process read more than it wants; what is not there is an empty range.
        let mut command = redis::cmd("GETRANGE");
        command.arg(key("v", name)).arg(0).arg(LARGEST_VALUE);
        Box::pin(async move {
            let bytes: Vec<u8> = self.ask(&command).await?;
            let whole = !bytes.is_empty() && bytes.len() <= LARGEST_VALUE;
            Ok(whole.then(|| Sealed::from_store(bytes)))
        })
    }

    fn set(&self, name: &CacheName, value: &Sealed, life: Duration) -> Caching<'_, ()> {
        let mut command = redis::cmd("SET");
        command.arg(key("v", name)).arg(value.as_bytes()).arg("PX").arg(milliseconds(life));
        Box::pin(async move { self.ask(&command).await })
    }

    fn delete(&self, name: &CacheName) -> Caching<'_, ()> {
        let mut command = redis::cmd("DEL");
        command.arg(key("v", name));
        Box::pin(async move { self.ask::<i64>(&command).await.map(drop) })
    }

    fn lease(&self, name: &CacheName, holder: Token16, life: Duration) -> Caching<'_, bool> {
        let mut command = redis::cmd("SET");
        command.arg(key("l", name)).arg(&holder.0).arg("NX").arg("PX").arg(milliseconds(life));
        Box::pin(async move { self.ask::<Option<String>>(&command).await.map(|said| said.is_some()) })
    }

    fn release(&self, name: &CacheName, holder: Token16) -> Caching<'_, bool> {
        let mut command = redis::cmd("EVAL");
        command.arg(RELEASE).arg(1).arg(key("l", name)).arg(&holder.0);
        Box::pin(async move { self.ask::<i64>(&command).await.map(|deleted| deleted > 0) })
    }

    fn health(&self) -> CacheHealth {
        CacheHealth {
            reached: self.state.load(Ordering::Relaxed) == REACHED,
            losses: self.losses.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}
