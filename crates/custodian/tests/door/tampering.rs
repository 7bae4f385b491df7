//! Somebody can write the database. Nothing that he moved, swapped, cut, changed or set back opens, and each try is in the log.

use crate::common::*;
use aceso_audit::Action;
use aceso_base::{Caller, TenantId};
use aceso_custodian::Plan;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

const ONE: &str = "aaaa1111-0000-4000-8000-000000000001";
const TWO: &str = "bbbb2222-0000-4000-8000-000000000002";

fn pulse(name: &str, of: &str, value: u32) -> Value {
    json!({"resourceType": "Observation", "id": name, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/{of}")}, "valueQuantity": {"value": value, "unit": "/min"}})
}

fn other() -> Caller {
    Caller { tenant: TenantId::parse("other").unwrap(), ..physician() }
}

async fn house() -> House {
    house_keeping(0).await
}

/// What was opened before somebody came is still right: so here nothing is kept, and every search reads the disk.
async fn house_keeping(kept: usize) -> House {
    let house = House::keeping(Plan::STRICT, kept).await;
    house.door.ensure_tenant(&other().tenant).await.unwrap();
    for who in [physician(), other()] {
        for of in [ONE, TWO] {
            house.put(&who, &json!({"resourceType": "Patient", "id": of, "name": [{"family": "Roe"}]})).await.unwrap();
            for number in 0..2 {
                house.put(&who, &pulse(&format!("o{number}{of}"), of, 70 + number)).await.unwrap();
            }
        }
    }
    house.put(&physician(), &pulse(&target(), ONE, 99)).await.unwrap();
    house
}

fn target() -> String {
    format!("o0{ONE}")
}

/// Where a stored body lies.
struct Spot<'a> {
    table: &'a str,
    condition: String,
}

fn current(name: &str, tenant: &str) -> Spot<'static> {
    Spot {
        table: "record",
        condition: format!("id = '{name}' AND tenant = (SELECT id FROM tenant WHERE name = '{tenant}')"),
    }
}

fn past(name: &str) -> Spot<'static> {
    Spot { table: "past", ..current(name, "clinic") }
}

fn search_part(name: &str) -> Spot<'static> {
    Spot { table: "search", ..current(name, "clinic") }
}

fn body(sql: &Connection, spot: &Spot<'_>) -> Vec<u8> {
    let Spot { table, condition } = spot;
    sql.query_row(&format!("SELECT body FROM {table} WHERE {condition}"), [], |row| row.get(0)).unwrap()
}

fn set_body(sql: &Connection, spot: &Spot<'_>, body: &[u8]) {
    let Spot { table, condition } = spot;
    assert_eq!(sql.execute(&format!("UPDATE {table} SET body = ?1 WHERE {condition}"), params![body]).unwrap(), 1);
}

/// The record does not open, the log says so, and others still open.
async fn assert_shut(house: &House, what: &str) {
    let size = house.log_size();
    assert_eq!(outcome(&house.read(&physician(), "Observation", &target()).await), "unreadable", "{what}");
    assert!(house.logged(size, Action::OpenFailed, "Observation", &target()), "{what} is in the log");
    house.read(&physician(), "Observation", &format!("o1{ONE}")).await.unwrap();
    house.read(&physician(), "Observation", &format!("o1{TWO}")).await.unwrap();
}

#[tokio::test]
async fn a_body_from_another_place_does_not_open() {
    let house = house().await;
    let sql = house.sql();
    let here = current(&target(), "clinic");
    let genuine = body(&sql, &here);
    for (what, from) in [
        ("another record of the patient", current(&format!("o1{ONE}"), "clinic")),
        ("another patient's record", current(&format!("o0{TWO}"), "clinic")),
        ("the same record of another tenant", current(&target(), "other")),
        ("its own older version", past(&target())),
        ("its own search part", search_part(&target())),
        ("another type", current(ONE, "clinic")),
    ] {
        set_body(&sql, &here, &body(&sql, &from));
        assert_shut(&house, what).await;
    }
    set_body(&sql, &here, &genuine);
    house.read(&physician(), "Observation", &target()).await.unwrap();
}

#[tokio::test]
async fn a_cut_or_changed_body_does_not_open() {
    let house = house().await;
    let sql = house.sql();
    let here = current(&target(), "clinic");
    let genuine = body(&sql, &here);
    let mut tried = 0;
    for keep in [1, 2, 40, genuine.len() / 2, genuine.len() - 17, genuine.len() - 16, genuine.len() - 1] {
        set_body(&sql, &here, &genuine[..keep]);
        assert_shut(&house, "cut").await;
        tried += 1;
    }
    set_body(&sql, &here, &[genuine.as_slice(), &[0]].concat());
    assert_shut(&house, "longer").await;
    for bit in (0..genuine.len() * 8).step_by(61) {
        let mut changed = genuine.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        set_body(&sql, &here, &changed);
        assert_eq!(outcome(&house.read(&physician(), "Observation", &target()).await), "unreadable", "bit {bit}");
        tried += 1;
    }
    println!("cut or changed bodies tried: {tried}");
    set_body(&sql, &here, &genuine);
    house.read(&physician(), "Observation", &target()).await.unwrap();
}

#[tokio::test]
async fn a_row_that_claims_another_place_does_not_open() {
    let house = house().await;
    let sql = house.sql();
    let subject = subject(TWO).0;
    let here = format!("UPDATE record SET {{}} WHERE {}", current(&target(), "clinic").condition);
    for (what, change, back) in [
        ("version", "version = 3", "version = 2"),
        ("subject", "subject = ?1", "subject = ?1"),
        ("tenant key", "tenant_key = 2", "tenant_key = 1"),
        ("patient key", "subject_key = 2", "subject_key = 1"),
    ] {
        let with = |sql: &Connection, change: &str, bytes: [u8; 16]| {
            let statement = here.replace("{}", change);
            let given: &[&dyn rusqlite::ToSql] = if statement.contains("?1") { &[&bytes.as_slice()] } else { &[] };
            assert_eq!(sql.execute(&statement, given).unwrap(), 1);
        };
        with(&sql, change, subject);
        let answer = outcome(&house.read(&physician(), "Observation", &target()).await);
        // A key version that there is none of looks like a shred; the tenant key's version is in the sealed header too.
        let expected: &[&str] = match what {
            "patient key" => &["absent", "unreadable"],
            "tenant key" => &["unreadable", "ok"],
            _ => &["unreadable"],
        };
        assert!(expected.contains(&answer), "{what}: {answer}");
        with(&sql, back, crate::common::subject(ONE).0);
    }
    house.read(&physician(), "Observation", &target()).await.unwrap();
}

#[tokio::test]
async fn moved_or_changed_search_parts_stop_the_search_and_are_in_the_log() {
    let house = house().await;
    let sql = house.sql();
    let here = search_part(&target());
    let genuine = body(&sql, &here);
    let find = async |pairs: &[(String, String)]| {
        house.search(&physician(), &Ask { scope: in_compartment(ONE), kind: "Observation", pairs, count: 10 }).await
    };
    let by_scan = [pair("status", "final")];
    let by_token = [pair("code", "http://loinc.org|8867-4")];
    let mut flipped = genuine.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (what, bytes) in [
        ("of another record", body(&sql, &search_part(&format!("o1{ONE}")))),
        ("of another patient", body(&sql, &search_part(&format!("o0{TWO}")))),
        ("cut", genuine[..genuine.len() - 1].to_vec()),
        ("changed", flipped),
        ("a record body", body(&sql, &current(&target(), "clinic"))),
    ] {
        set_body(&sql, &here, &bytes);
        for pairs in [&by_scan, &by_token] {
            let size = house.log_size();
            assert_eq!(outcome(&find(pairs).await), "unreadable", "{what}");
            assert!(house.logged(size, Action::OpenFailed, "Observation", &target()), "{what}");
        }
        house.read(&physician(), "Observation", &target()).await.unwrap();
    }
    set_body(&sql, &here, &genuine);
    assert_eq!(find(&by_scan).await.unwrap().1, 2);
    assert_eq!(find(&by_token).await.unwrap().1, 2);
}

/// Puts the older version back as the current one, with everything that belongs to it.
fn roll_back(sql: &Connection) {
    let condition = current(&target(), "clinic").condition;
    let changed = sql
        .execute(
            &format!(
                "UPDATE record SET version = p.version, updated = p.updated, deleted = p.deleted, body = p.body,
                    subject_key = p.subject_key, tenant_key = p.tenant_key
                 FROM (SELECT * FROM past WHERE {condition} AND version = 1) AS p
                 WHERE record.id = p.id AND record.tenant = p.tenant AND record.rtype = p.rtype"
            ),
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    sql.execute(&format!("DELETE FROM past WHERE {condition}"), []).unwrap();
}

async fn assert_set_back_is_seen(house: &House) {
    assert_shut(house, "set back").await;
    let name = target();
    let size = house.log_size();
    let history = house.door.history(&physician(), rtype("Observation"), &id(&name), None, 10).await;
    assert_eq!(outcome(&history), "unreadable");
    let write = house.put(&physician(), &pulse(&name, ONE, 1)).await;
    assert_eq!(outcome(&write), "unreadable", "a write on top would hide it");
    assert_eq!(outcome(&house.delete(&physician(), "Observation", &name).await), "unreadable");
    let pairs = [pair("status", "final")];
    let ask = Ask { scope: in_compartment(ONE), kind: "Observation", pairs: &pairs, count: 10 };
    assert_eq!(outcome(&house.search(&physician(), &ask).await), "unreadable");
    let failures = house.log_since(size).iter().filter(|l| l.entry.action() == Action::OpenFailed).count();
    assert_eq!(failures, 4);
    // The version that is there under its own name is what it says it is.
    assert_eq!(json(&house.vread(&physician(), "Observation", &name, 1).await.unwrap())["valueQuantity"]["value"], 70);
}

#[tokio::test]
async fn a_row_set_back_to_its_older_version_is_seen_while_running() {
    let house = house().await;
    roll_back(&house.sql());
    assert_set_back_is_seen(&house).await;
}

#[tokio::test]
async fn a_row_set_back_to_its_older_version_is_seen_after_a_restart() {
    let house = house().await.restart(roll_back).await;
    assert_set_back_is_seen(&house).await;
}

#[tokio::test]
async fn a_search_part_set_back_with_its_version_is_seen() {
    let house = house().await;
    let name = format!("o1{ONE}");
    let row = |sql: &Connection| -> (i64, Vec<u8>) {
        let Spot { table, condition } = search_part(&name);
        sql.query_row(&format!("SELECT version, body FROM {table} WHERE {condition}"), [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .unwrap()
    };
    let sql = house.sql();
    let (version, old) = row(&sql);
    let mut body = pulse(&name, ONE, 5);
    body["status"] = json!("entered-in-error");
    house.put(&physician(), &body).await.unwrap();
    let find = async |house: &House, status: &str| {
        let pairs = [pair("status", status)];
        let ask = Ask { scope: in_compartment(ONE), kind: "Observation", pairs: &pairs, count: 10 };
        house.search(&physician(), &ask).await.map(|(names, _)| names.len())
    };
    assert_eq!(find(&house, "final").await.unwrap(), 1);
    let Spot { table, condition } = search_part(&name);
    sql.execute(&format!("UPDATE {table} SET version = ?1, body = ?2 WHERE {condition}"), params![version, old])
        .unwrap();
    let size = house.log_size();
    assert_eq!(outcome(&find(&house, "final").await), "unreadable");
    assert_eq!(outcome(&find(&house, "entered-in-error").await), "unreadable");
    assert!(house.logged(size, Action::OpenFailed, "Observation", &name));
    drop(sql);
    let house = house.restart(|_| {}).await;
    assert_eq!(outcome(&find(&house, "final").await), "unreadable");
}

#[tokio::test]
async fn a_version_taken_out_of_a_history_is_missed() {
    let house = house().await;
    for value in 0..3 {
        house.put(&physician(), &pulse(&target(), ONE, value)).await.unwrap();
    }
    let sql = house.sql();
    let history = async |before: Option<u32>, count| {
        let before = before.map(aceso_base::Version);
        let answer = house.door.history(&physician(), rtype("Observation"), &id(&target()), before, count).await;
        answer.map(|(items, _)| items.iter().map(|item| item.version().0).collect::<Vec<_>>())
    };
    assert_eq!(history(None, 10).await.unwrap(), [5, 4, 3, 2, 1]);
    assert_eq!(history(Some(4), 2).await.unwrap(), [3, 2]);
    assert_eq!(history(Some(1), 2).await.unwrap(), [0_u32; 0]);
    let condition = past(&target()).condition;
    sql.execute(&format!("DELETE FROM past WHERE {condition} AND version = 3"), []).unwrap();
    assert_eq!(outcome(&history(None, 10).await), "unreadable");
    assert_eq!(outcome(&history(Some(4), 2).await), "unreadable");
    assert_eq!(history(None, 2).await.unwrap(), [5, 4]);
    sql.execute(&format!("DELETE FROM past WHERE {condition} AND version = 1"), []).unwrap();
    assert_eq!(outcome(&history(Some(3), 2).await), "unreadable");
}

#[tokio::test]
async fn a_record_taken_away_is_missed_by_those_who_may_know_of_it() {
    let house = house().await;
    let name = target();
    house.sql().execute(&format!("DELETE FROM past WHERE {}", past(&name).condition), []).unwrap();
    assert_eq!(outcome(&house.vread(&physician(), "Observation", &name, 1).await), "unreadable");
    assert_eq!(
        outcome(&house.vread(&physician(), "Observation", &name, 3).await),
        "absent",
        "there never was such a version"
    );
    house.sql().execute(&format!("DELETE FROM record WHERE {}", current(&name, "clinic").condition), []).unwrap();
    assert_shut(&house, "taken away").await;
    assert_eq!(outcome(&house.vread(&physician(), "Observation", &name, 2).await), "unreadable");
    let history = house.door.history(&physician(), rtype("Observation"), &id(&name), None, 10).await;
    assert_eq!(outcome(&history), "unreadable");
    for stranger in [patient(TWO), patient(ONE)] {
        assert_eq!(outcome(&house.read(&stranger, "Observation", &name).await), "absent");
    }
    assert_eq!(outcome(&house.put(&physician(), &pulse(&name, ONE, 1)).await), "unreadable");
    assert_eq!(outcome(&house.delete(&physician(), "Observation", &name).await), "unreadable");
    let pairs = [pair("status", "final")];
    let ask = Ask { scope: in_compartment(ONE), kind: "Observation", pairs: &pairs, count: 10 };
    assert_eq!(outcome(&house.search(&physician(), &ask).await), "unreadable");
    let house = house.restart(|_| {}).await;
    assert_shut(&house, "taken away").await;
}

#[tokio::test]
async fn a_deletion_that_nobody_made_is_seen_and_one_that_was_made_stays() {
    let house = house().await;
    let sql = house.sql();
    let (name, gone) = (target(), format!("o1{TWO}"));
    house.delete(&physician(), "Observation", &gone).await.unwrap();
    let condition = current(&name, "clinic").condition;
    sql.execute(&format!("UPDATE record SET deleted = 1, body = x'' WHERE {condition}"), []).unwrap();
    let shut = async |house: &House, name: &str| {
        let size = house.log_size();
        assert_eq!(outcome(&house.read(&physician(), "Observation", name).await), "unreadable");
        assert_eq!(outcome(&house.put(&physician(), &pulse(name, ONE, 1)).await), "unreadable");
        let history = house.door.history(&physician(), rtype("Observation"), &id(name), None, 10).await;
        assert_eq!(outcome(&history), "unreadable");
        assert!(house.logged(size, Action::OpenFailed, "Observation", name));
    };
    shut(&house, &name).await;
    // The other way round: what was deleted comes back, at the version of its end or at the one before.
    let condition = current(&gone, "clinic").condition;
    for version in [2, 1] {
        let changed = sql.execute(
            &format!("UPDATE record SET deleted = 0, version = {version}, body = p.body FROM (SELECT id, tenant, body FROM past WHERE {condition}) AS p
                      WHERE record.id = p.id AND record.tenant = p.tenant"),
            [],
        );
        assert_eq!(changed.unwrap(), 1);
        shut(&house, &gone).await;
    }
    drop(sql);
    let house = house.restart(|_| {}).await;
    shut(&house, &name).await;
    shut(&house, &gone).await;
}

#[tokio::test]
async fn wrapped_keys_of_others_do_not_open_anything() {
    let house = house().await;
    let sql = house.sql();
    let key = |of: &str| -> Vec<u8> {
        sql.query_row("SELECT wrapped FROM subject_key WHERE subject = ?1 AND tenant = (SELECT id FROM tenant WHERE name = 'clinic')", params![subject(of).0], |row| row.get(0)).unwrap()
    };
    let (one, two) = (key(ONE), key(TWO));
    assert_ne!(one, two);
    sql.execute("UPDATE subject_key SET wrapped = ?1 WHERE subject = ?2", params![two, subject(ONE).0]).unwrap();
    house.door.flush_keys();
    assert_eq!(outcome(&house.read(&physician(), "Observation", &target()).await), "unavailable");
    house.read(&physician(), "Observation", &format!("o1{TWO}")).await.unwrap();
}

#[tokio::test]
async fn a_log_that_was_changed_stops_the_start() {
    let house = house().await;
    let size = house.log_size();
    assert!(size > 10);
    let folder = house.folder.path().join("export");
    house.door.export_log(&folder, &mut |_, _| {}).unwrap();
    let key = aceso_audit::exported_key(&folder).unwrap();
    let verified = aceso_audit::verify(&folder, &key, None, &mut |_, _| {}).unwrap();
    assert_eq!(verified.size, size as u64);
    // A frame whose body somebody changed no longer reads back, so freshness cannot be told.
    let sql = house.sql();
    let body: Vec<u8> =
        sql.query_row("SELECT body FROM audit_frame ORDER BY first LIMIT 1 OFFSET 3", [], |r| r.get(0)).unwrap();
    let mut changed = body;
    *changed.last_mut().unwrap() ^= 1;
    sql.execute("UPDATE audit_frame SET body = ?1 WHERE first = (SELECT first FROM audit_frame ORDER BY first LIMIT 1 OFFSET 3)", params![changed]).unwrap();
    drop(sql);
    assert!(house.try_restart().await.is_err());
}

/// Kept parts were opened from rows that were right. What somebody does to the rows afterwards neither shows nor hides anything
/// as long as they are kept, and is noticed when the rows are read again.
#[tokio::test]
async fn rows_changed_behind_kept_search_parts_are_noticed_as_soon_as_they_are_read() {
    let house = house_keeping(16 << 20).await;
    let sql = house.sql();
    let pairs = [pair("status", "final")];
    let ask = Ask { scope: in_compartment(ONE), kind: "Observation", pairs: &pairs, count: 10 };
    let find = async || house.search(&physician(), &ask).await.map(|(names, _)| names.len());
    assert_eq!(find().await.unwrap(), 2);
    let here = search_part(&target());
    let genuine = body(&sql, &here);
    set_body(&sql, &here, &genuine[..genuine.len() - 1]);
    assert_eq!(find().await.unwrap(), 2, "kept from before");
    house.put(&physician(), &pulse(&format!("o1{ONE}"), ONE, 5)).await.unwrap();
    let size = house.log_size();
    assert_eq!(outcome(&find().await), "unreadable", "a write to the patient has the rows read again");
    assert!(house.logged(size, Action::OpenFailed, "Observation", &target()));
    set_body(&sql, &here, &genuine);
    assert_eq!(find().await.unwrap(), 2);
    set_body(&sql, &here, &genuine[..genuine.len() - 1]);
    house.door.flush_keys();
    assert_eq!(outcome(&find().await), "unreadable", "as an order to forget does");
    set_body(&sql, &here, &genuine);
    assert_eq!(find().await.unwrap(), 2);
    // The records themselves are never kept.
    roll_back(&sql);
    assert_eq!(outcome(&find().await), "unreadable");
}
