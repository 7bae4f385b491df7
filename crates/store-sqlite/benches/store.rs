//! What the store costs: `cargo bench -p aceso-store-sqlite`. Prints one line for each case.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not part of the product")]

use aceso_audit::Sequencer;
use aceso_base::{SystemClock, Timestamp, Version};
use aceso_phi::{IndexToken, Sealed};
use aceso_store::suite::{entry, key, log_keys, origin, put};
use aceso_store::{Put, Reader as _, Store as _, Unit};
use aceso_store_sqlite::{Options, SqliteStore};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

const WAITERS: u64 = 64;

fn main() {
    let folder = std::env::temp_dir().join(format!("aceso-store-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("records.db");
    let sequencer = Sequencer::create(&log_keys(), &origin()).unwrap();
    let store = Arc::new(SqliteStore::start(&path, sequencer, Arc::new(SystemClock), Options::default()).unwrap());
    let reads = Duration::from_secs(4);
    waiters("audit-only units, 1 waiter", &store, 1, reads, |_, _| Unit { entries: vec![entry()], ..Unit::default() });
    waiters("audit-only units, 64 waiters", &store, WAITERS, reads, |_, _| Unit {
        entries: vec![entry()],
        ..Unit::default()
    });
    waiters("puts (1.2 KB, 5 tokens), 1 waiter", &store, 1, reads, |_, n| write(999, n));
    waiters("puts (1.2 KB, no token), 64 waiters", &store, WAITERS, reads, |waiter, n| {
        let mut unit = write(waiter + 2000, n);
        unit.puts.iter_mut().for_each(|put| put.tokens.clear());
        unit
    });
    waiters("puts (1.2 KB, 5 tokens), 64 waiters", &store, WAITERS, Duration::from_secs(8), write);
    point_reads(&store);
    scans(&store);
    let size = std::fs::metadata(&path).unwrap().len();
    let log = std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    println!("database {} MB, write-ahead log {} MB, resident {}", size >> 20, log >> 20, resident());
    drop(store);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn waiters(name: &str, store: &Arc<SqliteStore>, count: u64, time: Duration, unit: fn(u64, u64) -> Unit) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (start, worked) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> = (0..count)
        .map(|waiter| {
            let store = Arc::clone(store);
            runtime.spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < time {
                    let begun = Instant::now();
                    drop(store.commit(unit(waiter, times.len() as u64)).await.unwrap());
                    times.push(begun.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times: Vec<Duration> = tasks.into_iter().flat_map(|task| runtime.block_on(task).unwrap()).collect();
    let spent = start.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 1000).copied().unwrap_or_default();
    let cpu = (cpu_seconds() - worked) * 1e6 / times.len() as f64;
    println!(
        "{name}: {:.0}/s, {cpu:.1} us of CPU each, p50 {:?}, p99 {:?}, p99.9 {:?}",
        times.len() as f64 / spent,
        at(500),
        at(990),
        at(999)
    );
}

/// A new record of one of 200 subjects.
fn write(waiter: u64, number: u64) -> Unit {
    let id = scattered(waiter << 32 | number);
    let mut put: Put = put(&key("Observation", &format!("{:016x}-{id:015x}", id.rotate_left(17))), 1);
    put.row.head.version = Version::FIRST;
    put.row.head.updated = Timestamp(i64::try_from(number).unwrap_or(0));
    put.row.head.subject.0 = [u8::try_from(id % 200).unwrap() + 1; 16];
    put.row.sealed = Sealed::from_store(vec![0x5a; 1200]);
    put.search = Some(Sealed::from_store(vec![0x5b; 300]));
    put.tokens = (0..5_u64)
        .map(|token| {
            let value = scattered(id ^ token).to_be_bytes();
            IndexToken::from_store([&b"indx"[..], &value, &value].concat())
        })
        .collect();
    Unit { puts: vec![put], entries: vec![entry()], ..Unit::default() }
}

fn scattered(number: u64) -> u64 {
    let mixed = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 4
}

fn point_reads(store: &SqliteStore) {
    let keys: Vec<_> = (0..500)
        .flat_map(|number| write(number % WAITERS, number / WAITERS).puts.into_iter().map(|put| put.key))
        .collect();
    for threads in [1, 2] {
        let start = Instant::now();
        let reads: u64 = std::thread::scope(|scope| {
            let work: Vec<_> = (0..threads)
                .map(|_| {
                    scope.spawn(|| {
                        let mut reads = 0;
                        for key in keys.iter().cycle() {
                            if start.elapsed() > Duration::from_secs(2) {
                                break;
                            }
                            reads += u64::from(store.current(key).unwrap().is_some());
                        }
                        reads
                    })
                })
                .collect();
            work.into_iter().map(|work| work.join().unwrap()).sum()
        });
        println!("point reads, {threads} threads: {:.0}/s", reads as f64 / start.elapsed().as_secs_f64());
    }
}

fn scans(store: &SqliteStore) {
    let (start, mut rows, mut scans) = (Instant::now(), 0_u64, 0_u64);
    let tenant = key("Patient", "p").tenant;
    while start.elapsed() < Duration::from_secs(2) {
        let subject = aceso_base::SubjectId([u8::try_from(scans % 200).unwrap() + 1; 16]);
        store
            .scan_search(&tenant, subject, &[], &mut |row| {
                rows += u64::from(!row.sealed.is_empty());
                ControlFlow::Continue(())
            })
            .unwrap();
        scans += 1;
    }
    let spent = start.elapsed().as_secs_f64();
    println!("scans: {:.0} rows/s, {:.0} rows a scan", rows as f64 / spent, rows as f64 / scans as f64);
}

/// User and system time of this process, from `/proc/self/stat` in ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("unknown").to_owned()
}
