//! What a simulator is started with.

use crate::faults::FaultPlan;
use aceso_base::{Clock, SystemClock};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// What a simulator is started with. [`Options::default`] is a small, well-behaved one on a free port of the loopback.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one, which it keeps when it dies and comes back.
    pub listen: SocketAddr,
    /// The same seed and the same time of start give the same objects, ids and changes.
    pub seed: u64,
    /// How many patients there are at the start. They cost nothing until they are asked for.
    pub patients: usize,
    /// Whether the first patients, too, are others than the synthetic patients whose charts they have: for where those are known already.
    pub strangers: bool,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// The time that objects, tokens, limits and deliveries go by.
    pub clock: Arc<dyn Clock>,
    /// Make one change each time that so much time of the clock has gone by; none by itself without.
    pub change_every: Option<Duration>,
    /// When it is to go on where an earlier one of the same seed stopped, instead of beginning anew.
    pub earlier: Option<Earlier>,
    /// The application that syncs.
    pub credentials: Credentials,
    /// Further applications, for what one must not see of the other.
    pub further: Vec<Credentials>,
    /// `expires_in` of a token, in seconds (note 1.2: 36000).
    pub token_seconds: u32,
    /// Whether the tenant takes scopes finer than `apiv2` (a closed beta of the real one). Without, they are `invalid_scope`.
    pub fine_scopes: bool,
    /// How many requests an application may make; any number without.
    pub rate: Option<RateLimit>,
    /// When a delivery that was not accepted is tried again.
    pub retry: Retry,
}

/// How far an earlier simulator came. Its time stands still in between: what it made is made again, with the same ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// When it began, in milliseconds.
    pub began: i64,
    /// How many changes it made by the clock.
    pub changes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            patients: 12,
            strangers: false,
            faults: FaultPlan::default(),
            clock: Arc::new(SystemClock),
            change_every: None,
            earlier: None,
            credentials: Credentials::new("simulated-client", "simulated-secret"),
            further: Vec::new(),
            token_seconds: 36_000,
            fine_scopes: true,
            rate: None,
            retry: Retry::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("seed", &self.seed)
            .field("patients", &self.patients)
            .field("faults", &self.faults)
            .field("change_every", &self.change_every)
            .finish_non_exhaustive()
    }
}

/// What an application proves itself with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `client_id`; deliveries name the application by it as `application_id`.
    pub client_id: String,
    /// `client_secret`
    pub client_secret: String,
}

impl Credentials {
    /// These two.
    #[must_use]
    pub fn new(client_id: &str, client_secret: &str) -> Self {
        Self { client_id: client_id.to_owned(), client_secret: client_secret.to_owned() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A bucket of requests for each application. The real limits are not published (note 1.6).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests that come into the bucket each second.
    pub per_second: f64,
    /// Requests that the bucket holds.
    pub burst: u32,
    /// Whether the 429 says when to come back.
    pub retry_after: bool,
}

/// When a delivery is tried again that was not answered with 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Seconds until the first retry; each further one waits twice as long.
    pub first_seconds: u32,
    /// The longest wait, in seconds.
    pub longest_seconds: u32,
    /// When it is given up, in seconds after the event (note 1.5: 72 h).
    pub give_up_seconds: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { first_seconds: 60, longest_seconds: 4 * 3600, give_up_seconds: 72 * 3600 }
    }
}

impl Retry {
    /// Seconds to wait after so many attempts (1 or more).
    pub(crate) fn wait(self, attempts: u32) -> i64 {
        let doubled = i64::from(self.first_seconds).saturating_mul(1_i64 << attempts.saturating_sub(1).min(30));
        doubled.min(i64::from(self.longest_seconds))
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be taken.
    #[error("the simulator cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// A bundle that it was built with cannot be read.
    #[error("the synthetic bundle {bundle} cannot be read")]
    Bundle {
        /// The file name.
        bundle: &'static str,
    },
    /// There must be one patient at least.
    #[error("a simulator needs at least one patient")]
    NoPatients,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry::default();
        let waits: Vec<i64> = (1..=10).map(|attempts| retry.wait(attempts)).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3840, 7680, 14_400, 14_400]);
    }

    #[test]
    fn a_secret_is_not_in_the_debug_text() {
        assert!(!format!("{:?}", Credentials::new("a", "hidden")).contains("hidden"));
    }
}
