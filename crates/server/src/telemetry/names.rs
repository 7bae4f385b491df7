//! Every metric of the product: one name, one meaning.
//!
//! HTTP names follow the OpenTelemetry semantic conventions for HTTP metrics in their Prometheus form
//! (`http.server.request.duration` → `http_server_request_duration_seconds`); their bounds are extended downwards, because most
//! answers here take less than the first conventional bound of 5 ms.

use super::metrics::{CounterDef, GaugeDef, HistogramDef};

const LATENCY: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
const BATCH: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

const fn counter(name: &'static str, help: &'static str) -> CounterDef {
    CounterDef { name, help }
}

const fn gauge(name: &'static str, help: &'static str) -> GaugeDef {
    GaugeDef { name, help }
}

/// By `http_request_method`, `http_route`, `http_response_status_class`.
pub const HTTP_DURATION: HistogramDef = HistogramDef {
    name: "http_server_request_duration_seconds",
    help: "Duration of HTTP server requests by route template and status class.",
    bounds: LATENCY,
};
/// Requests that are being answered.
pub const HTTP_ACTIVE: GaugeDef = gauge("http_server_active_requests", "HTTP requests being answered now.");

/// By `class` (read, search, write, denial, key, session) and `outcome`.
pub const AUDIT_ENTRIES: CounterDef = counter("audit_entries_total", "Audit entries made durable.");
/// Time from hand-over to durable.
pub const AUDIT_COMMIT: HistogramDef = HistogramDef {
    name: "audit_commit_duration_seconds",
    help: "Time until an audit batch is durable.",
    bounds: LATENCY,
};
/// How many entries share one commit.
pub const AUDIT_BATCH: HistogramDef =
    HistogramDef { name: "audit_batch_entries", help: "Audit entries that shared one commit.", bounds: BATCH };
/// Work waiting for the writer.
pub const AUDIT_QUEUE: GaugeDef = gauge("audit_queue_depth", "Units of work waiting for the writer.");
/// Requests refused because their entry could not be taken.
pub const AUDIT_REJECTED: CounterDef =
    counter("audit_rejected_total", "Requests refused because the audit queue was full or closed.");
/// Commits that failed; page on any.
pub const AUDIT_FAILURES: CounterDef =
    counter("audit_commit_failures_total", "Commits that failed; nothing was answered from them.");
/// Size of the Merkle tree.
pub const AUDIT_TREE_SIZE: GaugeDef = gauge("audit_tree_size", "Entries in the audit log's Merkle tree.");
/// Seconds since the epoch.
pub const AUDIT_LAST_CHECKPOINT: GaugeDef =
    gauge("audit_last_checkpoint_timestamp_seconds", "When the last checkpoint was signed, seconds since the epoch.");
/// Free space where the log lies.
pub const AUDIT_DISK_FREE: GaugeDef =
    gauge("audit_disk_free_bytes", "Free space on the file system of the data directory.");

/// 1 while the shared cache answers; 0: each process is on its own.
pub const CACHE_REACHED: GaugeDef =
    gauge("aceso_cache_reached", "1 while the shared cache answers, 0 while this process does without it.");
/// How often it was lost.
pub const CACHE_LOSSES: CounterDef = counter("aceso_cache_losses_total", "Times that the shared cache was lost.");
/// Calls that failed, and calls that were left out after a failure.
pub const CACHE_FAILURES: CounterDef =
    counter("aceso_cache_failures_total", "Calls of the shared cache that failed or were left out after a failure.");
/// Somebody changes what is in the cache, or its keys are other ones; page on a rise.
pub const CACHE_UNREADABLE: CounterDef =
    counter("aceso_cache_unreadable_total", "Values of the shared cache that did not open and were taken for lost.");
/// By `outcome` (hit, miss).
pub const CACHE_LOOKUPS: CounterDef =
    counter("aceso_cache_lookups_total", "Lookups of patients across a tenant that the shared cache was asked for.");

/// By `outcome` (warned, refused).
pub const PROFILE_FINDINGS: CounterDef =
    counter("aceso_profile_findings_total", "Writes that did not meet profiles, invariants or bindings.");

/// By `connection` and `result` (success, failure).
pub const CONNECTION_RUNS: CounterDef = counter("aceso_connection_runs_total", "Runs of a connection that have ended.");
/// By `connection` and `result` (written, unchanged, deleted, aside).
pub const CONNECTION_OBJECTS: CounterDef =
    counter("aceso_connection_objects_total", "Objects of the source that were read, by what became of them.");
/// By `connection`.
pub const CONNECTION_REQUESTS: CounterDef =
    counter("aceso_connection_requests_total", "Requests sent to the source, repetitions included.");
/// By `connection`.
pub const CONNECTION_RETRIES: CounterDef =
    counter("aceso_connection_retries_total", "Requests that were sent again after a failure.");
/// By `connection` and `result` (taken, refused).
pub const CONNECTION_WEBHOOKS: CounterDef =
    counter("aceso_connection_webhooks_total", "Webhooks of the source that were new, or refused.");
/// By `connection` and `what` (list, subscription).
pub const CONNECTION_REFUSED: CounterDef =
    counter("aceso_connection_refused_total", "Lists and subscriptions that the source has refused.");
/// By `connection`.
pub const CONNECTION_UNKNOWN_CODES: CounterDef =
    counter("aceso_connection_unknown_codes_total", "Codes of the source that no mapping table knows.");
/// By `connection`. What is set aside now.
pub const CONNECTION_LETTERS: GaugeDef = gauge("aceso_connection_letters", "Objects that are set aside with a reason.");
/// By `connection`. Absent until something came that says when it was changed; a quiet source makes it grow, too.
pub const CONNECTION_SOURCE_LAG: GaugeDef = gauge(
    "aceso_connection_source_lag_seconds",
    "Time since the latest change at the source that is taken in, by the clock of the source.",
);
/// By `connection`. Absent before the first.
pub const CONNECTION_SUCCESS_AGE: GaugeDef =
    gauge("aceso_connection_success_age_seconds", "Time since the end of the last run that succeeded.");
/// By `connection`. Absent without a token; negative when it has expired.
pub const CONNECTION_TOKEN_EXPIRY: GaugeDef =
    gauge("aceso_connection_token_expiry_seconds", "Time until the access token of the source expires.");
/// By `connection`.
pub const CONNECTION_TOKEN_FAILURES: GaugeDef =
    gauge("aceso_connection_token_failures", "Attempts to obtain a token that failed since the last success.");

/// Memory in use.
pub const PROCESS_RSS: GaugeDef = gauge("process_resident_memory_bytes", "Resident memory.");
/// Open file descriptors.
pub const PROCESS_FDS: GaugeDef = gauge("process_open_fds", "Open file descriptors.");
/// Threads.
pub const PROCESS_THREADS: GaugeDef = gauge("process_threads", "Threads of the process.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_used_once_and_follows_the_naming_rules() {
        let cache = [CACHE_LOSSES, CACHE_FAILURES, CACHE_UNREADABLE, CACHE_LOOKUPS];
        let connections = [
            CONNECTION_RUNS,
            CONNECTION_OBJECTS,
            CONNECTION_REQUESTS,
            CONNECTION_RETRIES,
            CONNECTION_WEBHOOKS,
            CONNECTION_REFUSED,
            CONNECTION_UNKNOWN_CODES,
        ];
        let counters = [AUDIT_ENTRIES, AUDIT_REJECTED, AUDIT_FAILURES, PROFILE_FINDINGS]
            .into_iter()
            .chain(cache)
            .chain(connections);
        let counters: Vec<_> = counters.map(|def| def.name).collect();
        assert!(counters.iter().all(|name| name.ends_with("_total")));
        let mut all = counters;
        all.extend([CONNECTION_LETTERS, CONNECTION_SOURCE_LAG, CONNECTION_SUCCESS_AGE].map(|def| def.name));
        all.extend([CONNECTION_TOKEN_EXPIRY, CONNECTION_TOKEN_FAILURES].map(|def| def.name));
        all.extend(
            [HTTP_ACTIVE, AUDIT_QUEUE, AUDIT_TREE_SIZE, AUDIT_LAST_CHECKPOINT, AUDIT_DISK_FREE].map(|def| def.name),
        );
        all.extend([CACHE_REACHED, PROCESS_RSS, PROCESS_FDS, PROCESS_THREADS].map(|def| def.name));
        all.extend([HTTP_DURATION, AUDIT_COMMIT, AUDIT_BATCH].map(|def| def.name));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn bounds_rise() {
        assert!([LATENCY, BATCH].iter().all(|bounds| bounds.windows(2).all(|pair| pair[0] < pair[1])));
    }
}
