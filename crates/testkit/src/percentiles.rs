//! How long single calls take: what a mean hides.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Median and tail of 100,000 calls, as a line to print.
pub fn percentiles<T>(name: &str, mut call: impl FnMut() -> T) -> String {
    let mut times: Vec<Duration> = (0..100_000)
        .map(|_| {
            let begun = Instant::now();
            black_box(call());
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    format!("{name}: p50 {:?}, p99 {:?}, p99.9 {:?}", times[50_000], times[99_000], times[99_900])
}
