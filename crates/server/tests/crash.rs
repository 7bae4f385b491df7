//! kill -9 at random points: what was acknowledged is there, once; the history has no gaps; the log verifies.
//!
//! `ACESO_CRASH_POINTS` sets how many points (20 when it is not set); `ACESO_CRASH_SEED` repeats a run.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use aceso_base::{Clock as _, SystemClock};
use aceso_testkit::{Client, Clinic, Running, TestConfig, binary, first_patients, folder, run};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::Duration;

const WRITERS: u32 = 3;
const SYSTEM: &str = "urn:example:write";

/// Small numbers that need not be unpredictable (Steele, Lea, Flood: SplitMix64).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let given = std::env::var("ACESO_CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| SystemClock.now().0.unsigned_abs());
        println!("ACESO_CRASH_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn points() -> u64 {
    std::env::var("ACESO_CRASH_POINTS").map_or(20, |text| text.parse().unwrap())
}

/// What one client wrote to one patient until it got no more answers.
struct Written {
    patient: String,
    /// By name of the write: whether it was acknowledged.
    observations: BTreeMap<String, bool>,
    /// Pairs of one transaction.
    pairs: Vec<(String, String)>,
    /// Versions of the patient that were acknowledged, and sent.
    acknowledged: u32,
    sent: u32,
}

impl Written {
    fn new(round: u64, writer: u32) -> Self {
        let patient = format!("{round:08x}-{writer:04x}-4000-8000-000000000000");
        Self { patient, observations: BTreeMap::new(), pairs: Vec::new(), acknowledged: 0, sent: 0 }
    }

    fn patient_json(&self) -> Value {
        json!({ "resourceType": "Patient", "id": self.patient, "multipleBirthInteger": self.sent })
    }

    fn observation(&self, name: &str) -> Value {
        json!({
            "resourceType": "Observation", "status": "final", "code": { "text": "pulse" },
            "identifier": [{ "system": SYSTEM, "value": name }],
            "subject": { "reference": format!("Patient/{}", self.patient) },
        })
    }

    /// Writes until the server is gone.
    fn go(mut self, client: &Client) -> Self {
        for number in 0_u32.. {
            let name = format!("w{number}");
            let well = match number % 3 {
                0 => self.update(client),
                1 => self.create(client, name),
                _ => self.transaction(client, &name),
            };
            if !well {
                break;
            }
        }
        self
    }

    fn update(&mut self, client: &Client) -> bool {
        self.sent += 1;
        let well = send(client, "PUT", &format!("/fhir/R4/Patient/{}", self.patient), &self.patient_json());
        self.acknowledged += u32::from(well);
        well
    }

    fn create(&mut self, client: &Client, name: String) -> bool {
        let body = self.observation(&name);
        let well = send(client, "POST", "/fhir/R4/Observation", &body);
        self.observations.insert(name, well);
        well
    }

    fn transaction(&mut self, client: &Client, name: &str) -> bool {
        self.sent += 1;
        let (one, two) = (format!("{name}-one"), format!("{name}-two"));
        let post = |name: &str| json!({ "request": { "method": "POST", "url": "Observation" }, "resource": self.observation(name) });
        let put = json!({ "request": { "method": "PUT", "url": format!("Patient/{}", self.patient) }, "resource": self.patient_json() });
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [post(&one), put, post(&two)] });
        let well = send(client, "POST", "/fhir/R4", &bundle);
        self.acknowledged += u32::from(well);
        self.observations.extend([(one.clone(), well), (two.clone(), well)]);
        self.pairs.push((one, two));
        well
    }

    /// Compares with what is there. Gives the number of acknowledged writes.
    fn check(&self, client: &Client) -> usize {
        let found = identifiers(client, &self.patient);
        let count = |name: &str| found.iter().filter(|found| *found == name).count();
        for (name, acknowledged) in &self.observations {
            match (acknowledged, count(name)) {
                (true, 1) | (false, 0 | 1) => {}
                (_, times) => panic!("{} of {}: acknowledged {acknowledged}, there {times} times", name, self.patient),
            }
        }
        for name in &found {
            assert!(self.observations.contains_key(name), "{name} of {} was never sent", self.patient);
        }
        for (one, two) in &self.pairs {
            assert_eq!(count(one), count(two), "half a transaction: {one} of {}", self.patient);
        }
        self.check_history(client);
        self.observations.values().filter(|well| **well).count() + self.acknowledged as usize
    }

    /// Versions 1 to the newest, without gaps, each with what was sent as that version.
    fn check_history(&self, client: &Client) {
        let path = format!("/fhir/R4/Patient/{}/_history?_count=1000", self.patient);
        let answer = client.get(&path);
        if answer.status == 404 {
            assert_eq!(self.acknowledged, 0, "an acknowledged patient is gone");
            return;
        }
        let bundle = answer.expect(200).json();
        let versions: Vec<(u32, u32)> = resources(&bundle)
            .map(|patient| {
                let version = patient["meta"]["versionId"].as_str().unwrap().parse().unwrap();
                (version, u32::try_from(patient["multipleBirthInteger"].as_u64().unwrap()).unwrap())
            })
            .collect();
        let newest = u32::try_from(versions.len()).unwrap();
        let expected: Vec<(u32, u32)> = (1..=newest).rev().map(|version| (version, version)).collect();
        assert_eq!(versions, expected, "history of {}", self.patient);
        assert!((self.acknowledged..=self.sent).contains(&newest), "{newest} of {}", self.patient);
        let current = client.get(&format!("/fhir/R4/Patient/{}", self.patient)).expect(200);
        assert_eq!(current.header("etag"), format!("W/\"{newest}\""));
    }
}

fn resources(bundle: &Value) -> impl Iterator<Item = &Value> {
    bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"])
}

fn identifiers(client: &Client, patient: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = Some(format!("/fhir/R4/Observation?patient={patient}&_count=1000"));
    while let Some(path) = next {
        let bundle = client.get(&path).expect(200).json();
        names.extend(resources(&bundle).map(|found| found["identifier"][0]["value"].as_str().unwrap().to_owned()));
        let links = bundle["link"].as_array().into_iter().flatten();
        next =
            links.filter(|link| link["relation"] == "next").map(|link| link["url"].as_str().unwrap().to_owned()).next();
    }
    names
}

/// Whether it was acknowledged. An answer other than success is no part of this test.
fn send(client: &Client, method: &str, path: &str, body: &Value) -> bool {
    let headers = [("content-type", "application/fhir+json"), ("prefer", "return=minimal")];
    match client.try_send(method, path, &headers, body.to_string().into_bytes()) {
        Ok(answer) => {
            assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
            true
        }
        Err(_) => false,
    }
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_once_and_the_log_verifies() {
    let mut dice = Dice::new();
    let mut clinic = Clinic::open("crash", &["physician", "auditor"], "");
    let mut kept = Kept::default();
    let (mut acknowledged, mut lost_in_start) = (0, 0);
    for round in 0..points() {
        if round % 5 == 4 {
            // The start itself is a writer, too: it makes entries, and reads back what a kill left.
            clinic.kill_9();
            let arguments = ["serve", "--config", clinic.file()];
            let starting = Running::start(&clinic.config.folder, &arguments);
            sleep(Duration::from_millis(dice.below(400)));
            starting.kill_9();
            lost_in_start += 1;
        } else {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (client, written) = (clinic.client("physician"), Written::new(round, writer));
                    spawn(move || written.go(&client))
                })
                .collect();
            sleep(Duration::from_millis(dice.below(300)));
            clinic.kill_9();
            let written: Vec<Written> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
            clinic.start();
            let physician = clinic.client("physician");
            acknowledged += written.iter().map(|written| written.check(&physician)).sum::<usize>();
            if round % 10 == 8 {
                kept.verify(&clinic);
            }
            continue;
        }
        clinic.start();
    }
    kept.verify(&clinic);
    clinic.stop();
    assert!(acknowledged > 0);
    println!(
        "{} kills, {lost_in_start} of them during a start; {acknowledged} acknowledged writes, all there once",
        points()
    );
}

/// The newest checkpoint that was kept, and the key from the first export.
#[derive(Default)]
struct Kept {
    key: Option<String>,
    checkpoint: Option<PathBuf>,
    exports: u32,
}

impl Kept {
    fn verify(&mut self, clinic: &Clinic) {
        self.exports += 1;
        let log = clinic.export_log(&format!("log-{}", self.exports));
        let key = std::fs::read_to_string(log.join("key")).unwrap().trim().to_owned();
        let key = self.key.get_or_insert(key).clone();
        let mut arguments = vec!["audit", "verify", log.to_str().unwrap(), "--key", &key];
        if let Some(checkpoint) = &self.checkpoint {
            arguments.extend(["--checkpoint", checkpoint.to_str().unwrap()]);
        }
        let verified = run(&arguments);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        self.checkpoint = Some(log.join("checkpoint"));
    }
}

fn import(config: &TestConfig, inbox: &Path) -> Command {
    let mut command = Command::new(binary());
    let quarantine = config.folder.join("quarantine.ndjson");
    command.args([
        "import",
        inbox.to_str().unwrap(),
        "--config",
        config.file.to_str().unwrap(),
        "--json",
        "--quarantine",
    ]);
    command.arg(quarantine).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Records and old versions by type, and how many bundles are remembered as taken.
fn contents(config: &TestConfig) -> BTreeMap<(String, i64), i64> {
    let database = rusqlite::Connection::open(config.data.join("records.db")).unwrap();
    let query = "SELECT 'record', rtype, count(*) FROM record GROUP BY rtype \
                 UNION ALL SELECT 'past', rtype, count(*) FROM past GROUP BY rtype \
                 UNION ALL SELECT 'search', rtype, count(*) FROM search GROUP BY rtype \
                 UNION ALL SELECT 'subject', 0, count(DISTINCT subject) FROM record \
                 UNION ALL SELECT 'taken', 0, count(*) FROM document WHERE space = 'imports'";
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The lines of the quarantine file, in order.
fn quarantined(config: &TestConfig) -> Vec<String> {
    let text = std::fs::read_to_string(config.folder.join("quarantine.ndjson")).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// How many bundles are remembered as taken.
fn taken(config: &TestConfig) -> i64 {
    let database = config.data.join("records.db");
    let Ok(database) = rusqlite::Connection::open_with_flags(database, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)
    else {
        return 0;
    };
    database.query_row("SELECT count(*) FROM document WHERE space = 'imports'", [], |row| row.get(0)).unwrap_or(0)
}

#[test]
fn an_import_that_is_killed_and_started_again_ends_as_one_that_was_not() {
    let mut dice = Dice::new();
    let folder = folder("crash-import");
    let inbox = folder.join("inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    for bundle in first_patients(3) {
        std::fs::write(inbox.join(format!("{}.json", bundle.name)), bundle.json).unwrap();
    }
    let ward = |more: &str| {
        let request = json!({ "method": "POST", "url": "Organization" });
        json!({ "request": request, "resource": { "resourceType": "Organization", "name": "Ward", more: "x" } })
    };
    let batch =
        json!({ "resourceType": "Bundle", "type": "batch", "entry": [ward("alias"), ward("language"), ward("nick")] });
    std::fs::write(inbox.join("wards.json"), batch.to_string()).unwrap();
    let clinic = |name: &str| {
        let place = folder.join(name);
        std::fs::create_dir_all(&place).unwrap();
        TestConfig::write(&place, "")
    };
    let whole = clinic("whole");
    let started = std::time::Instant::now();
    let output = import(&whole, &inbox).output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &summary["refused"]), (Some(1), &json!(2)), "{summary}");
    let refused = quarantined(&whole);
    assert_eq!(refused.len(), 2);
    let length = u64::try_from(started.elapsed().as_millis()).unwrap();

    let all = taken(&whole);
    let mut killed = clinic("killed");
    let (mut kills, mut between) = (0, 0);
    while kills < 6 || between == 0 {
        if kills % 6 == 0 {
            killed = clinic(&format!("killed-{kills}"));
        }
        let mut running = import(&killed, &inbox).spawn().unwrap();
        sleep(Duration::from_millis(dice.below(length * 2 / 3)));
        running.kill().unwrap();
        running.wait().unwrap();
        kills += 1;
        between += u32::from((1..all).contains(&taken(&killed)));
        assert!(kills < 60, "no kill came in the middle of the import");
    }
    let output = import(&killed, &inbox).output().unwrap();
    let last: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(i32::from(last["refused"] != 0)), "{last}");
    let bundles = last["bundles"].as_u64().unwrap() + last["known"].as_u64().unwrap();
    assert_eq!(bundles, summary["bundles"].as_u64().unwrap());
    assert_eq!(contents(&killed), contents(&whole));
    assert_eq!(quarantined(&killed), refused);
    std::fs::remove_file(killed.folder.join("quarantine.ndjson")).unwrap();
    let again: Value = serde_json::from_slice(&import(&killed, &inbox).output().unwrap().stdout).unwrap();
    assert_eq!((&again["bundles"], &again["records"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(quarantined(&killed), refused, "what was left out is remembered with the bundles");
    let total: u64 = summary["records"].as_u64().unwrap();
    println!("{kills} kills of an import of {total} records, {between} of them with some of its {all} bundles taken");
}
