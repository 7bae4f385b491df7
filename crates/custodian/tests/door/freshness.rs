//! What a restart keeps of the newest versions, and what a search misses.

use crate::common::*;
use aceso_audit::Action;
use aceso_custodian::{DoorError, Plan, SearchRequest, SearchScope, Shape, SnapshotUse};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::future::Future as _;
use std::sync::Arc;
use std::task::Poll;

const ONE: &str = "aaaa1111-0000-4000-8000-000000000001";
const TWO: &str = "bbbb2222-0000-4000-8000-000000000002";

fn person(name: &str) -> Value {
    json!({"resourceType": "Patient", "id": name, "name": [{"family": "Roe"}], "gender": "female"})
}

fn pulse(name: &str, of: &str, value: usize) -> Value {
    json!({"resourceType": "Observation", "id": name, "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/{of}")}, "valueQuantity": {"value": value, "unit": "/min"}})
}

async fn house() -> House {
    // Rows are taken away under a running door here: what it keeps open would not notice before it reads again.
    let house = House::keeping(Plan::STRICT, 0).await;
    for of in [ONE, TWO] {
        house.put(&physician(), &person(of)).await.unwrap();
    }
    for number in 0..6 {
        house.put(&physician(), &pulse(&format!("o{number}"), ONE, number)).await.unwrap();
    }
    house.put(&physician(), &pulse("o1", ONE, 70)).await.unwrap();
    house.delete(&physician(), "Observation", "o2").await.unwrap();
    let place = json!({"resourceType": "Location", "id": "ward", "status": "active", "name": "Ward"});
    house.put(&integration(), &place).await.unwrap();
    house
}

async fn find(house: &House, scope: SearchScope, kind: &str, by: &[(&str, &str)]) -> Result<usize, DoorError> {
    let pairs: Vec<_> = by.iter().map(|(name, value)| pair(name, value)).collect();
    house.search(&physician(), &Ask { scope, kind, pairs: &pairs, count: 50 }).await.map(|(found, _)| found.len())
}

async fn pulses(house: &House, by: &[(&str, &str)]) -> Result<usize, DoorError> {
    find(house, in_compartment(ONE), "Observation", by).await
}

async fn everything(house: &House) -> Result<usize, DoorError> {
    let request = SearchRequest {
        scope: in_compartment(ONE),
        types: &[],
        filters: &[],
        sort: &[],
        count: 100,
        after: None,
        include: &[],
        shape: &Shape::WHOLE,
        interaction: aceso_base::Interaction::Everything,
    };
    house.door.search(&physician(), &request).await.map(|page| page.matches.len())
}

/// Puts the first version of `o1` back.
fn roll_back(sql: &Connection) {
    let changed = sql
        .execute(
            "UPDATE record SET version = p.version, updated = p.updated, body = p.body
             FROM (SELECT * FROM past WHERE id = 'o1') AS p WHERE record.id = 'o1'",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    sql.execute("DELETE FROM past WHERE id = 'o1'", []).unwrap();
}

/// Everything that the map is for still works.
async fn assert_guarded(house: House) {
    assert_eq!(outcome(&house.read(&physician(), "Observation", "o3").await), "ok");
    assert_eq!(pulses(&house, &[("status", "final")]).await.unwrap(), 5);
    let house = house.restart(roll_back).await;
    assert_eq!(outcome(&house.read(&physician(), "Observation", "o1").await), "unreadable");
    house.sql().execute("DELETE FROM search WHERE id = 'o3'", []).unwrap();
    assert_eq!(outcome(&pulses(&house, &[("status", "final")]).await), "unreadable");
}

#[tokio::test]
async fn a_start_reads_the_log_from_its_snapshot_on() {
    let house = house().await;
    assert_eq!(house.door.start_report().snapshot, SnapshotUse::Absent);
    let size = house.door.write_snapshot(1).await.unwrap().unwrap();
    assert_eq!(size, house.log_size() as u64);
    assert_eq!(house.door.write_snapshot(1).await.unwrap(), None, "nothing has come since");
    let house = house.restart(|_| {}).await;
    let report = house.door.start_report();
    assert_eq!((report.snapshot, report.entries, report.replayed), (SnapshotUse::Used, size, 0));
    house.put(&physician(), &pulse("o4", ONE, 9)).await.unwrap();
    assert_eq!(house.door.write_snapshot(1000).await.unwrap(), None, "too little has come since");
    let house = house.restart(|_| {}).await;
    assert_eq!(house.door.start_report().replayed, 1);
    // A second one takes the place of the first.
    house.door.write_snapshot(1).await.unwrap().unwrap();
    let documents: u32 =
        house.sql().query_row("SELECT count(*) FROM document WHERE space = 'freshness'", [], |row| row.get(0)).unwrap();
    assert_eq!(documents, 2, "a head and one chunk");
    assert_guarded(house.restart(|_| {}).await).await;
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_or_not_whole_only_makes_the_start_longer() {
    for change in [
        "DELETE FROM document WHERE space = 'freshness' AND name <> 'head'",
        "UPDATE document SET body = zeroblob(length(body)) WHERE space = 'freshness' AND name = 'head'",
        "UPDATE document SET body = substr(body, 1, length(body) - 1) WHERE space = 'freshness' AND name <> 'head'",
        "UPDATE document SET name = 'x' || name WHERE space = 'freshness' AND name <> 'head'",
    ] {
        let house = house().await;
        let size = house.door.write_snapshot(1).await.unwrap().unwrap();
        let house = house
            .restart(|sql| {
                assert_eq!(sql.execute(change, []).unwrap(), 1);
            })
            .await;
        let report = house.door.start_report();
        assert_eq!((report.snapshot, report.replayed), (SnapshotUse::Damaged, size), "{change}");
        assert_guarded(house).await;
    }
}

type Rows = Vec<(String, i64, Vec<u8>)>;

fn snapshot_rows(sql: &Connection) -> Rows {
    let mut statement = sql.prepare("SELECT name, revision, body FROM document WHERE space = 'freshness'").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn put_back(sql: &Connection, rows: &Rows) {
    sql.execute("DELETE FROM document WHERE space = 'freshness'", []).unwrap();
    for (name, revision, body) in rows {
        sql.execute("INSERT INTO document VALUES ('freshness', ?1, ?2, ?3)", params![name, revision, body]).unwrap();
    }
}

#[tokio::test]
async fn an_old_snapshot_put_back_tells_nothing_else_than_the_new_one() {
    let house = house().await;
    house.door.write_snapshot(1).await.unwrap().unwrap();
    let old = snapshot_rows(&house.sql());
    // What the old one does not know: a change, and a deletion.
    house.put(&physician(), &pulse("o3", ONE, 80)).await.unwrap();
    house.delete(&physician(), "Observation", "o5").await.unwrap();
    house.door.write_snapshot(1).await.unwrap().unwrap();
    let house = house.restart(|sql| put_back(sql, &old)).await;
    let report = house.door.start_report();
    assert_eq!((report.snapshot, report.replayed), (SnapshotUse::Used, 2));
    assert_eq!(pulses(&house, &[("status", "final")]).await.unwrap(), 4);
    house.sql().execute("UPDATE record SET deleted = 0, version = 1, body = x'01' WHERE id = 'o5'", []).unwrap();
    assert_eq!(outcome(&house.read(&physician(), "Observation", "o5").await), "unreadable");
}

#[tokio::test]
async fn a_snapshot_of_another_log_is_not_taken() {
    let (house, other) = (house().await, house().await);
    house.door.write_snapshot(1).await.unwrap().unwrap();
    let foreign = snapshot_rows(&house.sql());
    let other = other.restart(|sql| put_back(sql, &foreign)).await;
    assert_eq!(other.door.start_report().snapshot, SnapshotUse::Damaged, "it is sealed with another system's keys");
    assert_guarded(other).await;

    // The database set back, log included, to before the snapshot was made; the snapshot left where it is.
    let early = house.folder.path().join("early.db");
    house.sql().execute("VACUUM INTO ?1", [early.to_str().unwrap()]).unwrap();
    house.put(&physician(), &pulse("late", ONE, 1)).await.unwrap();
    house.door.write_snapshot(1).await.unwrap().unwrap();
    let newer = snapshot_rows(&house.sql());
    let house = house
        .restart_on(|path| {
            std::fs::copy(&early, path).unwrap();
            for side in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{side}", path.display()));
            }
            put_back(&Connection::open(path).unwrap(), &newer);
        })
        .await;
    let report = house.door.start_report();
    assert_eq!((report.snapshot, report.replayed), (SnapshotUse::OtherLog, report.entries));
    assert_guarded(house).await;
}

#[tokio::test]
async fn a_search_part_that_was_taken_away_is_missed() {
    let house = house().await;
    let ways: [&[(&str, &str)]; 3] = [&[("status", "final")], &[("code", "http://loinc.org|8867-4")], &[]];
    for by in ways {
        assert_eq!(pulses(&house, by).await.unwrap(), 5, "{by:?}");
    }
    house.sql().execute("DELETE FROM search WHERE id = 'o3'", []).unwrap();
    let check = async |house: &House| {
        for by in ways {
            let size = house.log_size();
            assert_eq!(outcome(&pulses(house, by).await), "unreadable", "{by:?}");
            let told = house.log_since(size).iter().any(|logged| {
                logged.entry.action() == Action::OpenFailed && logged.entry.subjects().contains(&subject(ONE))
            });
            assert!(told, "{by:?}");
        }
        assert_eq!(outcome(&everything(house).await), "unreadable");
        // The record itself is there, and others are not concerned.
        assert_eq!(outcome(&house.read(&physician(), "Observation", "o3").await), "ok");
        assert_eq!(find(house, in_compartment(TWO), "Patient", &[]).await.unwrap(), 1);
    };
    check(&house).await;
    house.door.write_snapshot(1).await.unwrap();
    let house = house.restart(|_| {}).await;
    check(&house).await;
    // A new version brings the part back.
    house.put(&physician(), &pulse("o3", ONE, 5)).await.unwrap();
    assert_eq!(pulses(&house, ways[0]).await.unwrap(), 5);
}

#[tokio::test]
async fn a_search_part_taken_from_the_directory_or_of_a_whole_type_is_missed() {
    let house = house().await;
    assert_eq!(find(&house, SearchScope::Directory, "Location", &[("status", "active")]).await.unwrap(), 1);
    assert_eq!(find(&house, SearchScope::Population, "Patient", &[("gender", "female")]).await.unwrap(), 2);
    let sql = house.sql();
    sql.execute("DELETE FROM search WHERE id = 'ward'", []).unwrap();
    sql.execute("DELETE FROM search WHERE id = ?1", [TWO]).unwrap();
    assert_eq!(outcome(&find(&house, SearchScope::Directory, "Location", &[("status", "active")]).await), "unreadable");
    assert_eq!(outcome(&find(&house, SearchScope::Population, "Patient", &[("gender", "female")]).await), "unreadable");
    assert_eq!(outcome(&find(&house, SearchScope::Population, "Patient", &[("_id", TWO)]).await), "unreadable");
    assert_eq!(find(&house, SearchScope::Population, "Patient", &[("_id", ONE)]).await.unwrap(), 1);
}

#[tokio::test]
async fn after_a_shred_nothing_is_missed() {
    let house = house().await;
    house.door.shred(&tenant(), subject(TWO), &operator()).await.unwrap();
    for house in [house.restart(|_| {}).await] {
        assert_eq!(find(&house, SearchScope::Population, "Patient", &[("gender", "female")]).await.unwrap(), 1);
        house.door.write_snapshot(1).await.unwrap();
        let house = house.restart(|_| {}).await;
        assert_eq!(find(&house, SearchScope::Population, "Patient", &[("gender", "female")]).await.unwrap(), 1);
        assert_eq!(find(&house, SearchScope::Population, "Patient", &[("_id", TWO)]).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_beside_searches_make_nothing_look_missing() {
    let house = Arc::new(house().await);
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let house = house.clone();
            tokio::spawn(async move {
                for number in 0..40 {
                    let name = format!("w{writer}-{}", number % 7);
                    house
                        .put(&physician(), &pulse(&name, if number % 5 == 0 { TWO } else { ONE }, number))
                        .await
                        .unwrap();
                    if number % 3 == 0 {
                        house.delete(&physician(), "Observation", &name).await.unwrap();
                    }
                }
            })
        })
        .collect();
    let mut searches = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        for by in [("status", "final"), ("code", "8867-4")] {
            assert!(pulses(&house, &[by]).await.unwrap() >= 5);
            searches += 1;
        }
        house.door.write_snapshot(1).await.unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    println!("{searches} searches beside the writers");
    let count = pulses(&house, &[("status", "final")]).await.unwrap();
    let house = Arc::try_unwrap(house).ok().unwrap().restart(|_| {}).await;
    assert_eq!(house.door.start_report().snapshot, SnapshotUse::Used);
    assert_eq!(pulses(&house, &[("status", "final")]).await.unwrap(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_nobody_waited_for_is_learned_from_the_log() {
    let house = house().await;
    for round in 0..10 {
        let (body, writer) = (pulse("o4", ONE, round), integration());
        {
            let mut write = std::pin::pin!(house.put(&writer, &body));
            std::future::poll_fn(|context| {
                let _ = write.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(pulses(&house, &[("status", "final")]).await.unwrap(), 5);
    }
    house.door.write_snapshot(1).await.unwrap().unwrap();
    let newest: u32 =
        house.sql().query_row("SELECT version FROM record WHERE id = 'o4'", [], |row| row.get(0)).unwrap();
    assert!(newest > 1, "some of them were done");
    let house = house.restart(|_| {}).await;
    assert_eq!(house.door.start_report().replayed, 0);
    assert_eq!(pulses(&house, &[("status", "final")]).await.unwrap(), 5);
    assert_eq!(outcome(&house.read(&physician(), "Observation", "o4").await), "ok");
}
