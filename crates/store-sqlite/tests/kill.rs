//! Killed at any moment, the store loses nothing that it acknowledged, doubles nothing, and the log still verifies.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod common;

use aceso_base::Version;
use aceso_store::suite::{Sample as _, block_on, entry, key, put, verify_log};
use aceso_store::{Reader as _, RecordKey, Store as _, Unit};
use common::{Place, start};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

const ROUNDS: u64 = 20;
const WRITERS: u64 = 6;
const DATABASE: &str = "ACESO_KILL_TEST_DATABASE";

/// Not a test of its own: what the killed process does. Each line on standard output is a commit that was acknowledged.
#[test]
fn a_child_writes_until_it_is_killed() {
    let Some(database) = std::env::var_os(DATABASE) else { return };
    let store = start(database.as_ref());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || write_for_ever(store, writer));
        }
    });
}

fn write_for_ever(store: &aceso_store_sqlite::SqliteStore, writer: u64) {
    let name = record(writer);
    let mut version = store.head(&name).unwrap().map_or(0, |head| head.version.0);
    loop {
        version += 1;
        let token = format!("{writer}-{version}");
        let puts = vec![put(&name, version).with_tokens(&[&token, "always"])];
        let receipts =
            block_on(store.commit(Unit { puts, entries: vec![entry(), entry()], ..Unit::default() })).unwrap();
        let read = block_on(store.commit(Unit { entries: vec![entry()], ..Unit::default() })).unwrap();
        let line = format!("@ {writer} {version} {} {}\n", receipts[1].index(), read[0].index());
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

fn record(writer: u64) -> RecordKey {
    key("Observation", &format!("record-{writer}"))
}

#[test]
fn a_killed_store_keeps_what_it_acknowledged() {
    if std::env::var_os(DATABASE).is_some() {
        return;
    }
    let place = Place::new();
    let mut acknowledged: BTreeMap<u64, u32> = BTreeMap::new();
    let mut lines = 0;
    let mut last_index = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_child_writes_until_it_is_killed", "--nocapture"])
            .env(DATABASE, place.database())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        // From "hardly open" to "well under way", spread without randomness and without trust in the machine's speed.
        let enough = 1 + round * round / 2;
        if round == 0 {
            std::thread::sleep(Duration::from_millis(20));
            child.kill().unwrap();
        }
        let mut seen = 0;
        for line in output.lines().map_while(Result::ok) {
            // The test runner's own text may stand before the first line.
            let Some((_, line)) = line.split_once("@ ") else { continue };
            let [writer, version, put, read] =
                line.split(' ').map(|number| number.parse::<u64>().unwrap()).collect::<Vec<_>>().try_into().unwrap();
            acknowledged.insert(writer, u32::try_from(version).unwrap());
            last_index = last_index.max(put).max(read);
            lines += 1;
            seen += 1;
            if seen == enough {
                std::thread::sleep(Duration::from_micros(round * 137 % 1500));
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let store = start(&place.database());
        let size = verify_log(store.log());
        assert!(size > last_index || lines == 0, "an acknowledged entry is missing");
        check(&store, &acknowledged, size);
    }
    assert!(lines > 100, "the children wrote too little to prove anything: {lines}");
}

fn check(store: &aceso_store_sqlite::SqliteStore, acknowledged: &BTreeMap<u64, u32>, log_size: u64) {
    let mut versions = 0;
    for writer in 0..WRITERS {
        let name = record(writer);
        let history = store.history(&name, None, usize::MAX).unwrap();
        let current = history.first().map_or(0, |row| row.head.version.0);
        assert!(current >= acknowledged.get(&writer).copied().unwrap_or(0), "an acknowledged version is missing");
        for (row, version) in history.iter().zip((1..=current).rev()) {
            assert_eq!(row.head.version, Version(version));
            assert_eq!(*row, put(&name, version).row);
        }
        assert_eq!(history.len(), current as usize);
        versions += u64::from(current);
        if current > 0 {
            let found = |value: &str| {
                let token = put(&name, 1).with_tokens(&[value]).tokens;
                store.by_tokens(&name.tenant, name.rtype, &token, 100).unwrap().found
            };
            assert_eq!(found(&format!("{writer}-{current}")).len(), 1);
            assert_eq!(found(&format!("{writer}-{}", current - 1)).len(), 0);
        }
    }
    let events = store.changes(0, usize::MAX).unwrap();
    assert!(events.iter().zip(1..).all(|(event, seq)| event.seq == seq));
    assert_eq!(events.len() as u64, versions);
    // Two entries with each version, one after each acknowledged one.
    assert!(log_size >= 2 * versions && log_size <= 3 * versions);
}
