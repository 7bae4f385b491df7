//! What only this adapter promises.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use aceso_audit::Sequencer;
use aceso_base::{SystemClock, Timestamp};
use aceso_store::suite::{Sample as _, block_on, entry, key, log_keys, origin, put, subject, tenant, verify_log};
use aceso_store::{CommitError, KeyWrite, Reader as _, Store as _, StoreError, SubjectKeyRow, TenantKeyRow, Unit};
use aceso_store_sqlite::{Options, SqliteStore};
use common::{Place, sequencer, start};
use std::ops::ControlFlow;
use std::sync::Arc;

fn open_with(place: &Place, options: Options) -> SqliteStore {
    SqliteStore::start(&place.database(), sequencer(&place.database()), Arc::new(SystemClock), options).unwrap()
}

fn bytes_on_disk(place: &Place) -> Vec<u8> {
    let mut out = std::fs::read(place.database()).unwrap();
    let mut log = place.database().into_os_string();
    log.push("-wal");
    out.extend(std::fs::read(log).unwrap_or_default());
    out
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_second_writer_on_the_same_database_is_refused() {
    let place = Place::new();
    let first = start(&place.database());
    let second =
        SqliteStore::start(&place.database(), sequencer(&place.database()), Arc::new(SystemClock), Options::default());
    assert!(matches!(second, Err(StoreError::InUse)));
    drop(first);
    drop(start(&place.database()));
}

#[test]
fn a_sequencer_that_is_not_at_the_end_of_the_log_is_refused() {
    let place = Place::new();
    let store = start(&place.database());
    block_on(store.commit(Unit { entries: vec![entry()], ..Unit::default() })).unwrap();
    drop(store);
    let fresh = Sequencer::create(&log_keys(), &origin()).unwrap();
    let started = SqliteStore::start(&place.database(), fresh, Arc::new(SystemClock), Options::default());
    assert!(matches!(started, Err(StoreError::Corrupt(_))));
}

#[test]
fn a_log_whose_last_row_was_cut_off_is_noticed_at_the_next_start() {
    let place = Place::new();
    let store = start(&place.database());
    for _ in 0..3 {
        block_on(store.commit(Unit { entries: vec![entry()], ..Unit::default() })).unwrap();
    }
    drop(store);
    let database = rusqlite::Connection::open(place.database()).unwrap();
    database.execute("DELETE FROM audit_frame WHERE first = 2", []).unwrap();
    drop(database);
    assert!(matches!(SqliteStore::inspect(&place.database(), Timestamp(0)), Err(StoreError::Corrupt(_))));
}

#[test]
fn a_database_is_inspected_while_another_process_writes() {
    let place = Place::new();
    let store = start(&place.database());
    block_on(store.commit(put(&key("Patient", "p"), 1).unit())).unwrap();
    let inspection = SqliteStore::inspect(&place.database(), Timestamp(0)).unwrap();
    assert!(inspection.head(&key("Patient", "p")).unwrap().is_some());
    assert_eq!(inspection.log().size().unwrap(), 1);
}

#[test]
fn below_the_disk_reserve_nothing_is_written() {
    let place = Place::new();
    let store = open_with(&place, Options { disk_reserve: u64::MAX, ..Options::default() });
    let answer = block_on(store.commit(Unit { entries: vec![entry()], ..Unit::default() }));
    assert!(matches!(answer, Err(CommitError::Unavailable(StoreError::Full))));
    assert_eq!(store.log().size().unwrap(), 0);
    assert!(store.health().disk_free > 0);
}

#[test]
fn a_full_queue_is_told_at_once_and_what_waits_is_written() {
    let place = Place::new();
    let store = open_with(&place, Options { disk_reserve: 0, queue_units: 50, ..Options::default() });
    let unit = || Unit { entries: vec![entry(); 200], ..Unit::default() };
    let waiting: Vec<_> = (0..2000).map(|_| store.commit(unit())).collect();
    let (mut written, mut busy) = (0, 0);
    for waiting in waiting {
        match block_on(waiting) {
            Ok(receipts) => written += receipts.len() as u64,
            Err(CommitError::Unavailable(StoreError::Busy)) => busy += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(busy > 0 && written > 0);
    assert_eq!(store.log().size().unwrap(), written);
}

#[test]
fn closing_writes_what_waits_and_leaves_one_file() {
    let place = Place::new();
    let store = start(&place.database());
    for number in 0..200 {
        drop(store.commit(put(&key("Patient", &format!("p{number}")), 1).unit()));
    }
    store.close();
    assert!(!place.database().with_extension("db-wal").exists());
    let inspection = SqliteStore::inspect(&place.database(), Timestamp(0)).unwrap();
    assert_eq!(inspection.counts(&tenant("clinic")).unwrap().iter().map(|(_, count)| count).sum::<u64>(), 200);
}

#[test]
fn a_shredded_key_is_nowhere_in_the_files() {
    let place = Place::new();
    let store = start(&place.database());
    let (gone, kept) = (vec![0xa7; 61], vec![0xb8; 61]);
    let add = |number: u8, wrapped: &[u8]| KeyWrite::AddSubjectKey {
        tenant: tenant("clinic"),
        subject: subject(number),
        row: SubjectKeyRow { version: 1, tenant_key_version: 1, wrapped: wrapped.to_vec() },
    };
    let unit = |keys| Unit { keys, entries: vec![entry()], ..Unit::default() };
    block_on(store.commit(unit(vec![add(1, &gone), add(2, &kept)]))).unwrap();
    assert!(contains(&bytes_on_disk(&place), &gone));
    // A reader in the middle of a scan holds the old snapshot: the log is emptied after it has gone.
    block_on(store.commit(put(&key("Patient", "p"), 1).of(2).unit())).unwrap();
    store
        .scan_search(&tenant("clinic"), subject(2), &[], &mut |_| {
            let shred = KeyWrite::ShredSubject { tenant: tenant("clinic"), subject: subject(1), at: Timestamp(1) };
            block_on(store.commit(unit(vec![shred]))).unwrap();
            ControlFlow::Continue(())
        })
        .unwrap();
    let mut left = true;
    for _ in 0..100 {
        left = contains(&bytes_on_disk(&place), &gone);
        if !left {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(!left, "the wrapped key is still in a file");
    assert!(contains(&bytes_on_disk(&place), &kept));
}

#[test]
fn the_write_ahead_log_stays_bounded_under_load() {
    let place = Place::new();
    let store = open_with(&place, Options { disk_reserve: 0, log_pages: 200, ..Options::default() });
    let mut body = put(&key("Patient", "p"), 1);
    for round in 0..400_u32 {
        body.key = key("Patient", &format!("p{round}"));
        body.row.sealed = aceso_phi::Sealed::from_store(vec![1; 20_000]);
        block_on(store.commit(body.clone().unit())).unwrap();
    }
    let log = std::fs::metadata(place.database().with_extension("db-wal")).unwrap().len();
    assert!(log < 4096 * 1000, "the log has {log} bytes");
}

#[test]
fn a_unit_that_the_engine_refuses_does_not_keep_its_neighbours_out() {
    let place = Place::new();
    let store = start(&place.database());
    let impossible = || KeyWrite::AddTenantKey {
        tenant: tenant("clinic"),
        row: TenantKeyRow { version: 0, wrapped: vec![1], created: Timestamp(0), retired: None },
    };
    // Enough at once that several share a batch.
    let waiting: Vec<_> = (0..60)
        .map(|number| {
            let mut unit = put(&key("Patient", &format!("p{number}")), 1).unit();
            unit.keys = if number % 3 == 1 { vec![impossible()] } else { Vec::new() };
            (number, store.commit(unit))
        })
        .collect();
    for (number, waiting) in waiting {
        match block_on(waiting) {
            Ok(receipts) => assert!(number % 3 != 1 && receipts.len() == 1),
            Err(CommitError::Unavailable(StoreError::Engine(_))) => assert_eq!(number % 3, 1),
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(store.head(&key("Patient", &format!("p{number}"))).unwrap().is_some(), number % 3 != 1);
    }
    assert_eq!(verify_log(store.log()), 40);
    assert_eq!(store.changes(0, 99).unwrap().len(), 40);
}
