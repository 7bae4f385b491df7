//! What the figures depend on: processors, memory, load, and what a sync to this disk costs.

use super::table::markdown;
use crate::command::Failure;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Machine, load and the sync probe in `folder`, as a table.
pub(crate) fn describe(folder: &Path) -> Result<String, Failure> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (median, worst) =
        sync_probe(folder, 200).map_err(|error| format!("the sync probe in {}: {error}", folder.display()))?;
    let rows = [
        row("processor", format!("{cores} × {model}")),
        row("memory", format!("{} MB", kib / 1024)),
        row("kernel", kernel.trim().to_owned()),
        row("load before", load()),
        row("sync of 4 KiB (fdatasync)", format!("median {:.2} ms, p99 {:.2} ms", millis(median), millis(worst))),
    ];
    Ok(markdown(&["machine", ""], &rows))
}

/// The load averages.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load average {}", text.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

fn row(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Median and 99th percentile of `count` appends of 4 KiB, each synced.
fn sync_probe(folder: &Path, count: usize) -> std::io::Result<(Duration, Duration)> {
    let path = folder.join("sync-probe");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        file.write_all(&[0x5a; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed());
    }
    std::fs::remove_file(&path)?;
    times.sort();
    let at = |share: usize| times.get(count * share / 100).copied().unwrap_or_default();
    Ok((at(50), at(99)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_takes_time_and_the_probe_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("aceso-probe-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (median, worst) = sync_probe(&folder, 10).unwrap();
        assert!(worst >= median && median > Duration::ZERO);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}
