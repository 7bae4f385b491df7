//! Somebody who can write the database, or an exported log, changes what is there. Nothing of it is believed: rows do not open and
//! the attempt is in the log; a changed log does not verify, and the fault is named.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_testkit::{Answer, Canary, Clinic, Running, run};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Another patient, and what is in his record.
const OTHER: &str = "0badcafe-0b1d-4b1d-8b1d-c0ffee0ca9a7";
const SECRETS: [&str; 4] = [Canary::NOTE, Canary::FAMILY, "another secret note", "an earlier note"];

struct Scene {
    clinic: Clinic,
    /// Two observations of the planted patient, the first with two versions; one of the other.
    first: String,
    second: String,
    others: String,
}

fn observation(patient: &str, note: &str) -> Value {
    let mut observation = Canary::observation();
    observation["subject"] = json!({ "reference": format!("Patient/{patient}") });
    observation["note"] = json!([{ "text": note }]);
    observation
}

fn id_of(created: &Answer) -> String {
    created.header("location").split('/').rev().nth(2).unwrap().to_owned()
}

impl Scene {
    fn new(name: &str) -> Self {
        let clinic = Clinic::open(name, &["physician", "auditor"], "");
        let physician = clinic.client("physician");
        for id in [Canary::ID, OTHER] {
            let mut patient = Canary::patient();
            patient["id"] = json!(id);
            physician.put(&format!("/fhir/R4/Patient/{id}"), &patient).expect(201);
        }
        let create =
            |patient, note| id_of(&physician.post("/fhir/R4/Observation", &observation(patient, note)).expect(201));
        let first = create(Canary::ID, "an earlier note");
        let second = create(Canary::ID, Canary::NOTE);
        let others = create(OTHER, "another secret note");
        let mut newer = observation(Canary::ID, Canary::NOTE);
        newer["id"] = json!(first);
        physician.put(&format!("/fhir/R4/Observation/{first}"), &newer).expect(200);
        Self { clinic, first, second, others }
    }

    fn database(&self) -> Connection {
        let connection = Connection::open(self.clinic.database()).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }

    fn read(&self, path: &str) -> Answer {
        self.clinic.client("physician").get(&format!("/fhir/R4/{path}"))
    }

    /// The answer says that it cannot be read, or that there is nothing; none of the secrets is in it; the log has the failure.
    fn refuses(&self, what: &str, path: &str) {
        let before = self.clinic.log_size();
        let answer = self.read(path);
        assert!([404, 500].contains(&answer.status), "{what}: {path}: {} {}", answer.status, answer.text());
        for secret in SECRETS {
            assert!(!answer.text().contains(secret), "{what}: {path}: {}", answer.text());
        }
        let entries = self.clinic.entries(before);
        let failed: Vec<&Value> = entries.iter().filter(|entry| entry["action"] == "open-failed").collect();
        assert!(!failed.is_empty(), "{what}: {path}: no open-failed in {entries:#?}");
        assert!(failed.iter().all(|entry| entry["reason"].is_string()), "{what}: {failed:#?}");
    }

    /// A new version on top of a row that was set back would hide that.
    fn no_write_over_it(&self, what: &str, path: &str) {
        let mut over = observation(Canary::ID, "over it");
        over["id"] = json!(self.first);
        let answer = self.clinic.client("physician").put(&format!("/fhir/R4/{path}"), &over);
        assert_eq!(answer.status, 500, "{what}: {}", answer.text());
    }

    fn reads(&self, what: &str) {
        let path = format!("Observation/{}", self.first);
        assert_eq!(self.read(&path).expect(200).json()["note"][0]["text"], Canary::NOTE, "{what}");
    }
}

/// The rows of one table for one id, to be put back.
struct Rows {
    table: &'static str,
    columns: usize,
    rows: Vec<Vec<Cell>>,
}

impl Rows {
    fn take(database: &Connection, table: &'static str) -> Self {
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).unwrap();
        Self { table, columns, rows: rows.collect::<Result<_, _>>().unwrap() }
    }

    fn put_back(&self, database: &Connection) {
        let marks = vec!["?"; self.columns].join(",");
        let insert = format!("INSERT INTO {} VALUES ({marks})", self.table);
        let transaction = database.unchecked_transaction().unwrap();
        transaction.execute(&format!("DELETE FROM {}", self.table), []).unwrap();
        for row in &self.rows {
            transaction.execute(&insert, rusqlite::params_from_iter(row)).unwrap();
        }
        transaction.commit().unwrap();
    }
}

fn body(database: &Connection, table: &str, id: &str) -> Vec<u8> {
    database.query_row(&format!("SELECT body FROM {table} WHERE id = ?"), [id], |row| row.get(0)).unwrap()
}

fn set_body(database: &Connection, table: &str, id: &str, body: &[u8]) {
    let changed = database.execute(&format!("UPDATE {table} SET body = ? WHERE id = ?"), params![body, id]).unwrap();
    assert_eq!(changed, 1, "{table}");
}

type Change = Box<dyn Fn(&Connection)>;

/// Every way of changing the row of the first observation.
fn changes(scene: &Scene) -> Vec<(String, Change)> {
    let (first, second, others) = (scene.first.clone(), scene.second.clone(), scene.others.clone());
    let mut changes: Vec<(String, Change)> = Vec::new();
    let length = body(&scene.database(), "record", &first).len();
    for at in [0, 1, 8, 20, length / 3, length / 2, length - 20, length - 1] {
        let first = first.clone();
        let flip = move |database: &Connection| {
            let mut bytes = body(database, "record", &first);
            bytes[at] ^= 1;
            set_body(database, "record", &first, &bytes);
        };
        changes.push((format!("a bit of byte {at} of {length} flipped"), Box::new(flip)));
    }
    for keep in [1, 16, length / 2, length - 16, length - 1] {
        let first = first.clone();
        let cut = move |database: &Connection| {
            let bytes = body(database, "record", &first);
            set_body(database, "record", &first, &bytes[..keep]);
        };
        changes.push((format!("cut to {keep} of {length} bytes"), Box::new(cut)));
    }
    for (what, from) in
        [("another record of the same patient", second), ("a record of another patient", others.clone())]
    {
        let (to, source) = (first.clone(), from.clone());
        let copy = move |database: &Connection| set_body(database, "record", &to, &body(database, "record", &source));
        changes.push((format!("the bytes of {what}"), Box::new(copy)));
        let to = first.clone();
        let moved = move |database: &Connection| {
            database.execute("DELETE FROM record WHERE id = ?", [&to]).unwrap();
            database.execute("UPDATE record SET id = ? WHERE id = ?", [&to, &from]).unwrap();
        };
        changes.push((format!("the row of {what} in its place"), Box::new(moved)));
    }
    let sql = |changes: &mut Vec<(String, Change)>, what: &str, text: String| {
        let change = move |database: &Connection| assert!(database.execute(&text, []).unwrap() > 0, "{text}");
        changes.push((what.to_owned(), Box::new(change)));
    };
    let old = format!("FROM past WHERE past.id = '{first}' AND past.version = 1");
    let back = format!("body = (SELECT body {old}), version = 1, updated = (SELECT updated {old})");
    sql(&mut changes, "set back to version 1", format!("UPDATE record SET {back} WHERE id = '{first}'"));
    let only = format!("UPDATE record SET body = (SELECT body {old}) WHERE id = '{first}'");
    sql(&mut changes, "the bytes of version 1 as version 2", only);
    sql(&mut changes, "called version 3", format!("UPDATE record SET version = 3 WHERE id = '{first}'"));
    let subject =
        format!("UPDATE record SET subject = (SELECT subject FROM record WHERE id = '{others}') WHERE id = '{first}'");
    sql(&mut changes, "said to be of another patient", subject);
    sql(
        &mut changes,
        "another patient key named",
        format!("UPDATE record SET subject_key = subject_key + 1 WHERE id = '{first}'"),
    );
    sql(&mut changes, "taken away", format!("DELETE FROM record WHERE id = '{first}'"));
    sql(&mut changes, "called deleted", format!("UPDATE record SET deleted = 1, body = x'' WHERE id = '{first}'"));
    changes
}

#[test]
fn changed_rows_do_not_open_while_the_server_runs_and_every_attempt_is_in_the_log() {
    let scene = Scene::new("tamper-running");
    let path = format!("Observation/{}", scene.first);
    let database = scene.database();
    let kept = Rows::take(&database, "record");
    scene.reads("before");
    let changes = changes(&scene);
    for (what, change) in &changes {
        change(&database);
        scene.refuses(what, &path);
        if ["set back", "taken away", "called deleted"].iter().any(|hidden| what.starts_with(hidden)) {
            scene.no_write_over_it(what, &path);
        }
        kept.put_back(&database);
        scene.reads(what);
    }
    println!("{} changes of a row, none opened", changes.len());
    the_past_and_the_search_parts(&scene, &database);
    the_log_verifies(&scene, "log");
}

fn the_past_and_the_search_parts(scene: &Scene, database: &Connection) {
    let kept = Rows::take(database, "past");
    let mut bytes = body(database, "past", &scene.first);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    set_body(database, "past", &scene.first, &bytes);
    scene.refuses("an old version", &format!("Observation/{}/_history/1", scene.first));
    kept.put_back(database);
    let old = scene.read(&format!("Observation/{}/_history/1", scene.first)).expect(200).json();
    assert_eq!(old["note"][0]["text"], "an earlier note");

    // Search parts: an answer that leaves the record out in silence would be a wrong answer.
    let kept = Rows::take(database, "search");
    let query = format!("Observation?patient={}&code=8867-4", Canary::ID);
    assert_eq!(scene.read(&query).expect(200).json()["total"], 2);
    let mut bytes = body(database, "search", &scene.first);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    set_body(database, "search", &scene.first, &bytes);
    flush(scene);
    let before = scene.clinic.log_size();
    let answer = scene.read(&query);
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(scene.clinic.entries(before).iter().any(|entry| entry["action"] == "open-failed"));
    kept.put_back(database);
    assert_eq!(scene.read(&query).expect(200).json()["total"], 2);

    // The patient's wrapped key.
    let kept = Rows::take(database, "subject_key");
    let other =
        "SELECT wrapped FROM subject_key AS o WHERE o.subject <> subject_key.subject AND o.tenant = subject_key.tenant";
    let swap = format!("UPDATE subject_key SET wrapped = coalesce(({other} LIMIT 1), wrapped)");
    database.execute(&swap, []).unwrap();
    flush(scene);
    let answer = scene.read(&format!("Observation/{}", scene.first));
    assert!(answer.status >= 500, "{} {}", answer.status, answer.text());
    assert!(!answer.text().contains(Canary::NOTE));
    kept.put_back(database);
    flush(scene);
    scene.reads("with its key");
}

fn flush(scene: &Scene) {
    assert_eq!(scene.clinic.command_json(&["keys", "flush"])["flushed"], true);
}

fn the_log_verifies(scene: &Scene, name: &str) -> PathBuf {
    let log = scene.clinic.export_log(name);
    let verified = run(&["audit", "verify", log.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    log
}

fn copy(from: &Path, to: &Path) {
    assert!(fs::copy(from, to).unwrap() > 0);
}

fn copy_folder(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy_folder(&entry.path(), &target) } else { copy(&entry.path(), &target) }
    }
}

#[test]
fn rows_changed_while_nobody_serves_do_not_open_and_a_log_that_was_changed_is_not_continued() {
    let mut scene = Scene::new("tamper-stopped");
    let path = format!("Observation/{}", scene.first);
    scene.clinic.stop();
    let old = fs::read(scene.clinic.database()).unwrap();
    for wanted in
        ["a bit of byte 20 of", "set back to version 1", "the row of a record of another patient", "taken away"]
    {
        let all = changes(&scene);
        let (what, change) = all.iter().find(|(what, _)| what.starts_with(wanted)).unwrap();
        let database = scene.database();
        let kept = Rows::take(&database, "record");
        change(&database);
        drop(database);
        scene.clinic.start();
        scene.refuses(what, &path);
        scene.clinic.stop();
        kept.put_back(&scene.database());
        scene.clinic.start();
        scene.reads(what);
        scene.clinic.stop();
    }

    let last = "(SELECT max(first) FROM audit_frame)";
    for (what, change) in [
        ("the last entries removed", format!("DELETE FROM audit_frame WHERE first = {last}")),
        (
            "entries in the middle removed",
            "DELETE FROM audit_frame WHERE first = (SELECT first FROM audit_frame ORDER BY first LIMIT 1 OFFSET 5)"
                .to_owned(),
        ),
        ("entries changed", format!("UPDATE audit_frame SET body = zeroblob(length(body)) WHERE first = {last}")),
        (
            "commitments changed",
            format!("UPDATE audit_frame SET commitments = zeroblob(length(commitments)) WHERE first = {last}"),
        ),
        ("the head set back", "UPDATE audit_head SET size = size - 1".to_owned()),
        ("the checkpoint changed", "UPDATE audit_head SET checkpoint = zeroblob(length(checkpoint))".to_owned()),
    ] {
        let whole = fs::read(scene.clinic.database()).unwrap();
        assert!(scene.database().execute(&change, []).unwrap() > 0, "{what}");
        let _ = fs::remove_file(scene.clinic.config.data.join("records.db-wal"));
        let starting = Running::start(&scene.clinic.config.folder, &["serve", "--config", scene.clinic.file()]);
        let errors = starting.stderr.clone();
        let status = starting.wait(Duration::from_secs(20));
        assert_eq!(status.code(), Some(4), "{what}");
        let said = fs::read_to_string(errors).unwrap();
        assert!(said.lines().last().unwrap().contains("log"), "{what}: {said}");
        fs::write(scene.clinic.database(), whole).unwrap();
    }

    // The whole database as it was: whole in itself, so only who kept a checkpoint can tell.
    scene.clinic.start();
    scene.reads("at last");
    let kept = scene.clinic.config.folder.join("kept.checkpoint");
    fs::write(&kept, scene.clinic.client("auditor").get("/audit/checkpoint").expect(200).body).unwrap();
    scene.clinic.stop();
    fs::write(scene.clinic.database(), old).unwrap();
    scene.clinic.start();
    let log = the_log_verifies(&scene, "log-set-back");
    let verified = run(&["audit", "verify", log.to_str().unwrap(), "--checkpoint", kept.to_str().unwrap(), "--json"]);
    assert_eq!(verified.status.code(), Some(1));
    let fault: Value = serde_json::from_slice(&verified.stdout).unwrap();
    println!("a database set back as a whole: {}", fault["fault"]);
    assert!(fault["fault"].as_str().unwrap().contains("checkpoint"), "{fault}");
}

type FileChange = (&'static str, &'static str, Box<dyn Fn(&Path)>);

fn edit(file: &'static str, change: impl Fn(Vec<u8>) -> Vec<u8> + 'static) -> Box<dyn Fn(&Path)> {
    Box::new(move |log| fs::write(log.join(file), change(fs::read(log.join(file)).unwrap())).unwrap())
}

fn lines(change: impl Fn(&mut Vec<String>) + 'static) -> Box<dyn Fn(&Path)> {
    edit("entries/000000.ndjson", move |bytes| {
        let mut lines: Vec<String> = String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
        change(&mut lines);
        lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
    })
}

fn flipped(at: usize) -> impl Fn(Vec<u8>) -> Vec<u8> {
    move |mut bytes| {
        bytes[at] ^= 1;
        bytes
    }
}

#[test]
fn every_change_of_an_exported_log_is_found_and_named() {
    let scene = Scene::new("tamper-export");
    let early = scene.clinic.export_log("early");
    // More than one full tile.
    for _ in 0..300 {
        scene.reads("again");
    }
    let log = the_log_verifies(&scene, "whole");
    let key = fs::read_to_string(log.join("key")).unwrap().trim().to_owned();
    let foreign = Scene::new("tamper-foreign");
    let foreign_log = foreign.clinic.export_log("foreign");
    let foreign_key = fs::read_to_string(foreign_log.join("key")).unwrap().trim().to_owned();
    let bundle = "tile/entries/000";
    let tile = "tile/0/000";
    let changes: Vec<FileChange> = vec![
        (
            "another role in the readable entry",
            "entries/000000.ndjson",
            lines(|all| {
                let line = all.iter_mut().find(|line| line.contains("\"physician\"")).unwrap();
                *line = line.replace("\"physician\"", "\"nurse\"");
            }),
        ),
        ("an entry removed", "entries/000000.ndjson", lines(|all| drop(all.remove(40)))),
        ("two entries exchanged", "entries/000000.ndjson", lines(|all| all.swap(40, 41))),
        ("an entry twice", "entries/000000.ndjson", lines(|all| all.insert(41, all[40].clone()))),
        ("an entry at the end", "entries/000000.ndjson", lines(|all| all.push(all[40].clone()))),
        ("the end cut off", "entries/000000.ndjson", lines(|all| all.truncate(300))),
        ("a bit of a bundle", bundle, edit(bundle, flipped(4100))),
        ("a bit of a tile", tile, edit(tile, flipped(4100))),
        ("a bundle cut", bundle, edit(bundle, |bytes| bytes[..bytes.len() - 34].to_vec())),
        ("a tile cut", tile, edit(tile, |bytes| bytes[..bytes.len() - 32].to_vec())),
        ("a tile removed", tile, Box::new(move |log| fs::remove_file(log.join(tile)).unwrap())),
        ("the checkpoint removed", "checkpoint", Box::new(|log| fs::remove_file(log.join("checkpoint")).unwrap())),
        (
            "a bit of the signature",
            "checkpoint",
            edit("checkpoint", |bytes| {
                let at = bytes.len() - 12;
                let other = if bytes[at] == b'A' { b'B' } else { b'A' };
                let mut bytes = bytes;
                bytes[at] = other;
                bytes
            }),
        ),
        (
            "a smaller size in the checkpoint",
            "checkpoint",
            edit("checkpoint", |bytes| {
                let text = String::from_utf8(bytes).unwrap();
                let size = text.lines().nth(1).unwrap().to_owned();
                text.replacen(&size, &(size.parse::<u64>().unwrap() - 1).to_string(), 1).into_bytes()
            }),
        ),
        ("an older checkpoint over newer entries", "", {
            let early = early.join("checkpoint");
            Box::new(move |log| copy(&early, &log.join("checkpoint")))
        }),
        ("the checkpoint of another log", "checkpoint", {
            let foreign = foreign_log.join("checkpoint");
            Box::new(move |log| copy(&foreign, &log.join("checkpoint")))
        }),
        ("the key of another log", "key", {
            let foreign = foreign_log.join("key");
            Box::new(move |log| copy(&foreign, &log.join("key")))
        }),
        (
            "a file that belongs to nothing",
            "",
            Box::new(|log| fs::write(log.join("entries/000001.ndjson"), "{}\n").unwrap()),
        ),
    ];
    let copy = scene.clinic.config.folder.join("changed");
    for (what, file, change) in &changes {
        copy_folder(&log, &copy);
        change(&copy);
        let verified = run(&["audit", "verify", copy.to_str().unwrap(), "--key", &key, "--json"]);
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert_eq!(verified.status.code(), Some(1), "{what}: {said}");
        let fault: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(fault["ok"], false, "{what}");
        println!("{what}: {}", fault["fault"].as_str().unwrap());
        assert!(fault["file"].as_str().unwrap().starts_with(file), "{what}: {fault}");
    }
    against_what_was_kept(&early, &log, &key, &foreign_key);
    println!("{} changes of an exported log, all named", changes.len());
}

/// A kept checkpoint tells a log that was cut back to an older, whole state; a log that grew is its continuation.
fn against_what_was_kept(early: &Path, log: &Path, key: &str, foreign_key: &str) {
    let verify = |log: &Path, key: &str, kept: &Path| {
        let kept = kept.join("checkpoint");
        run(&["audit", "verify", log.to_str().unwrap(), "--key", key, "--checkpoint", kept.to_str().unwrap(), "--json"])
    };
    assert!(verify(log, key, early).status.success(), "the log goes on from the kept checkpoint");
    let cut = verify(early, key, log);
    assert_eq!(cut.status.code(), Some(1));
    let fault: Value = serde_json::from_slice(&cut.stdout).unwrap();
    assert!(fault["fault"].as_str().unwrap().contains("cut off"), "{fault}");
    assert_eq!(verify(log, foreign_key, early).status.code(), Some(1), "by another key");
}
