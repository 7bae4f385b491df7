//! What the metrics show of connections: counts, ages and states, by the name of the connection and fixed words. No id of a source, no
//! value of a record.

use super::Connections;
use crate::telemetry::{CounterDef, GaugeDef, Metrics, Sampled, names};
use aceso_connect::pattern::ConnectionId;

/// The figures of one connection, since it was opened by this process.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Runs that succeeded, and that failed.
    pub runs: [u64; 2],
    /// Objects that were written, unchanged, deleted, set aside.
    pub objects: [u64; 4],
    /// Requests sent.
    pub requests: u64,
    /// Of these, sent again.
    pub retries: u64,
    /// Webhooks taken, and refused.
    pub webhooks: [u64; 2],
    /// Lists, and subscriptions, that the source refused.
    pub refused: [u64; 2],
    /// Codes that no table knows.
    pub unknown_codes: u64,
    /// Letters; `None`: the store does not tell.
    pub letters: Option<u64>,
    /// Seconds since the latest change at the source that is taken in.
    pub source_lag: Option<i64>,
    /// Seconds since the last success.
    pub success_age: Option<i64>,
    /// Seconds until the token expires.
    pub token_expiry: Option<i64>,
    /// Attempts to obtain one that failed since the last success.
    pub token_failures: u32,
}

/// A label and its words, in the order of the figures.
type Words<const N: usize> = (&'static str, [&'static str; N]);

const RESULTS: Words<2> = ("result", ["success", "failure"]);
const BECAME: Words<4> = ("result", ["written", "unchanged", "deleted", "aside"]);
const DELIVERIES: Words<2> = ("result", ["taken", "refused"]);
const REFUSED: Words<2> = ("what", ["list", "subscription"]);

impl Connections {
    /// Shows the figures of all connections that are open at each scrape.
    pub fn watch(&self, metrics: &Metrics) {
        let connections = self.clone();
        metrics.sampled(move || {
            let open: Vec<_> = connections.all().values().cloned().collect();
            let figures = open
                .iter()
                .map(|connection| (connection.sync().connection(), connection.figures(&connections.inner.keeper)));
            sampled(figures)
        });
    }
}

/// The metrics of these connections.
pub fn sampled<'a>(connections: impl IntoIterator<Item = (&'a ConnectionId, Figures)>) -> Vec<Sampled> {
    let all: Vec<_> = connections.into_iter().collect();
    vec![
        by_word(&names::CONNECTION_RUNS, &all, RESULTS, |figures| figures.runs),
        by_word(&names::CONNECTION_OBJECTS, &all, BECAME, |figures| figures.objects),
        counter(&names::CONNECTION_REQUESTS, &all, |figures| figures.requests),
        counter(&names::CONNECTION_RETRIES, &all, |figures| figures.retries),
        by_word(&names::CONNECTION_WEBHOOKS, &all, DELIVERIES, |figures| figures.webhooks),
        by_word(&names::CONNECTION_REFUSED, &all, REFUSED, |figures| figures.refused),
        counter(&names::CONNECTION_UNKNOWN_CODES, &all, |figures| figures.unknown_codes),
        gauge(&names::CONNECTION_LETTERS, &all, |figures| figures.letters.map(number)),
        gauge(&names::CONNECTION_SOURCE_LAG, &all, |figures| figures.source_lag),
        gauge(&names::CONNECTION_SUCCESS_AGE, &all, |figures| figures.success_age),
        gauge(&names::CONNECTION_TOKEN_EXPIRY, &all, |figures| figures.token_expiry),
        gauge(&names::CONNECTION_TOKEN_FAILURES, &all, |figures| Some(i64::from(figures.token_failures))),
    ]
}

type All<'a> = [(&'a ConnectionId, Figures)];

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn counter(def: &CounterDef, all: &All<'_>, count: fn(&Figures) -> u64) -> Sampled {
    let mut sampled = Sampled::counter(def);
    for (connection, figures) in all {
        sampled.of_connection(connection, None, number(count(figures)));
    }
    sampled
}

fn by_word<const N: usize>(
    def: &CounterDef,
    all: &All<'_>,
    (label, words): Words<N>,
    counts: fn(&Figures) -> [u64; N],
) -> Sampled {
    let mut sampled = Sampled::counter(def);
    for (connection, figures) in all {
        for (word, count) in words.into_iter().zip(counts(figures)) {
            sampled.of_connection(connection, Some((label, word)), number(count));
        }
    }
    sampled
}

fn gauge(def: &GaugeDef, all: &All<'_>, value: fn(&Figures) -> Option<i64>) -> Sampled {
    let mut sampled = Sampled::gauge(def);
    for (connection, figures) in all {
        if let Some(value) = value(figures) {
            sampled.of_connection(connection, None, value);
        }
    }
    sampled
}
