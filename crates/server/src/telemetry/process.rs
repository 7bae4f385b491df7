//! Figures of this process, from `/proc/self` (proc(5)).

use super::{Metrics, names};

/// Sets memory, threads and open files. What `/proc` does not tell keeps its last value.
pub(super) fn update(metrics: &Metrics) {
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        if let Some(kib) = field(&status, "VmRSS:") {
            metrics.gauge(&names::PROCESS_RSS, &[]).set(kib.saturating_mul(1024));
        }
        if let Some(threads) = field(&status, "Threads:") {
            metrics.gauge(&names::PROCESS_THREADS, &[]).set(threads);
        }
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        metrics.gauge(&names::PROCESS_FDS, &[]).set(i64::try_from(entries.count()).unwrap_or(i64::MAX));
    }
}

fn field(status: &str, name: &str) -> Option<i64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_this_process_is_more_than_a_megabyte() {
        let metrics = Metrics::new();
        let text = metrics.render();
        let line = text.lines().find(|line| line.starts_with("process_resident_memory_bytes ")).unwrap();
        assert!(line.rsplit(' ').next().unwrap().parse::<i64>().unwrap() > 1_000_000);
    }
}
