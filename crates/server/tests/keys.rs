//! Keys and accounts by command, with and without a running server.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_testkit::{Answer, Canary, Client, Clinic, PASSWORD, run, run_with_input};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

const OTHER: &str = "0badcafe-0b1d-4b1d-8b1d-c0ffee0ca9a7";

fn patient(id: &str) -> Value {
    let mut patient = Canary::patient();
    patient["id"] = json!(id);
    patient
}

fn read(client: &Client, id: &str) -> Answer {
    client.get(&format!("/fhir/R4/Patient/{id}"))
}

fn left(clinic: &Clinic) -> u64 {
    clinic.command_json(&["keys", "status"])["left"].as_u64().unwrap()
}

/// Readers and writers that note every answer other than success.
struct Traffic {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    workers: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn start(clinic: &Clinic) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let worker = |number: usize| {
            let (stop, answered, client) = (Arc::clone(&stop), Arc::clone(&answered), clinic.client("physician"));
            spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = match number % 3 {
                        0 => read(&client, Canary::ID),
                        1 => client.get(&format!("/fhir/R4/Observation?patient={}&_count=3", Canary::ID)),
                        _ => client.put(&format!("/fhir/R4/Patient/{OTHER}"), &patient(OTHER)),
                    };
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    assert!(number > 0 || answer.text().contains(Canary::FAMILY));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let workers = (0..3).map(worker).collect();
        Self { stop, answered, workers }
    }

    fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.workers.into_iter().for_each(|worker| worker.join().unwrap());
        self.answered.load(Ordering::Relaxed)
    }
}

fn filled(name: &str) -> Clinic {
    let clinic = Clinic::open(name, &["physician", "auditor"], "");
    let physician = clinic.client("physician");
    for id in [Canary::ID, OTHER] {
        physician.put(&format!("/fhir/R4/Patient/{id}"), &patient(id)).expect(201);
    }
    for _ in 0..40 {
        physician.post("/fhir/R4/Observation", &Canary::observation()).expect(201);
    }
    clinic
}

#[test]
fn keys_rotate_while_requests_run_and_a_sweep_moves_all_rows() {
    let mut clinic = filled("keys-rotate");
    let before = clinic.command_json(&["keys", "status"]);
    let first = before["primary"].as_u64().unwrap();
    assert_eq!(before["left"], 0);
    let size = clinic.log_size();

    let traffic = Traffic::start(&clinic);
    assert_eq!(clinic.command_json(&["keys", "rotate"])["primary"], first + 1);
    assert_eq!(clinic.command_json(&["keys", "rotate"])["primary"], first + 2);
    let rewrapped = clinic.command_json(&["keys", "rewrap"]);
    assert_eq!((&rewrapped["left"], &rewrapped["failed"]), (&json!(0), &json!(0)), "{rewrapped}");
    assert_eq!(clinic.command_json(&["keys", "flush"])["flushed"], true);
    let answered = traffic.end();
    assert!(answered > 20, "{answered}");

    let after = clinic.command_json(&["keys", "status"]);
    assert_eq!((&after["left"], &after["primary"]), (&json!(0), &json!(first + 2)), "{after}");
    let versions = after["versions"].as_array().unwrap();
    for version in versions.iter().filter(|version| version["version"] != first + 2) {
        assert_eq!((&version["records"], &version["patient_keys"]), (&json!(0), &json!(0)), "{version}");
    }
    let metrics = clinic.config.ops().get("/metrics").expect(200).text();
    assert!(metrics.contains("aceso_keys_rows_left 0"), "{metrics}");
    let actions: Vec<Value> = clinic.entries(size).into_iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions.iter().filter(|action| **action == "key-rotated").count(), 2);
    assert!(actions.contains(&json!("key-rewrapped")));

    // Without a server: the command opens the directory itself. What it leaves, the server's own sweep moves.
    clinic.stop();
    assert_eq!(clinic.command_json(&["keys", "rotate"])["primary"], first + 3);
    assert!(left(&clinic) > 0, "nothing moves while nobody serves");
    clinic.start();
    let begun = Instant::now();
    while left(&clinic) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the sweep does not end");
        sleep(Duration::from_millis(100));
    }
    let physician = clinic.client("physician");
    assert!(read(&physician, Canary::ID).expect(200).text().contains(Canary::FAMILY));
    let old = physician.get(&format!("/fhir/R4/Patient/{OTHER}/_history/1")).expect(200);
    assert!(old.text().contains(Canary::FAMILY), "old versions moved, too");
    assert_eq!(physician.get(&format!("/fhir/R4/Patient?family={}", Canary::FAMILY)).expect(200).json()["total"], 2);
    println!("{answered} requests were answered during two rotations and a rewrap");
    verifies(&clinic, "log");
}

#[test]
fn the_root_key_turns_over_by_command_and_the_old_one_is_removed() {
    let mut clinic = filled("keys-root");
    let status = |clinic: &Clinic| {
        let status = clinic.command_json(&["keys", "status"]);
        (status["root_primary"].as_u64().unwrap(), status["root_left"].as_u64().unwrap(), status["versions"].clone())
    };
    assert_eq!((status(&clinic).0, status(&clinic).1), (1, 0));
    let traffic = Traffic::start(&clinic);
    let turned = clinic.command_json(&["keys", "rotate", "--root"]);
    assert_eq!(turned["root_primary"], 2);
    assert!(turned["root_left"].as_u64().unwrap() >= 4, "the tenant and the system, with an index root each: {turned}");
    let rewrapped = clinic.command_json(&["keys", "rewrap", "--root"]);
    assert_eq!((&rewrapped["root_left"], &rewrapped["wrapped"]), (&json!(0), &turned["root_left"]), "{rewrapped}");
    assert!(traffic.end() > 0);
    assert_eq!(status(&clinic).2[0]["root_version"], 2);

    // Without a server, and with the old key gone.
    clinic.stop();
    let turned = clinic.command_json(&["keys", "rotate", "--root"]);
    assert_eq!(turned["root_primary"], 3);
    let refused = clinic.command(&["keys", "rewrap", "--remove-old"]);
    assert_eq!(refused.status.code(), Some(2), "only together with --root");
    let rewrapped = clinic.command_json(&["keys", "rewrap", "--root", "--remove-old"]);
    assert_eq!((&rewrapped["root_left"], &rewrapped["old_removed"]), (&json!(0), &json!(true)), "{rewrapped}");
    clinic.start();
    assert_eq!((status(&clinic).0, status(&clinic).1), (3, 0));
    assert!(read(&clinic.client("physician"), Canary::ID).expect(200).text().contains(Canary::FAMILY));
    let data = clinic.database().parent().unwrap().to_owned();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_shredded_patient_is_unreadable_at_once_and_his_entries_still_verify() {
    let mut clinic = filled("keys-shred");
    let physician = clinic.client("physician");
    read(&physician, Canary::ID).expect(200);
    let history = format!("/fhir/R4/Patient/{}/_history", Canary::ID);
    let search = format!("/fhir/R4/Observation?patient={}", Canary::ID);
    assert_eq!(physician.get(&search).expect(200).json()["total"], 40);

    // Without a terminal nobody is asked.
    let receipt = clinic.command_json(&["keys", "shred", Canary::ID]);
    assert_eq!(receipt["subject"], Canary::ID);
    let entry = receipt["entry"].as_u64().unwrap();
    for round in ["at once", "after a restart"] {
        let physician = clinic.client("physician");
        let canary = Canary::new();
        let paths = [
            format!("/fhir/R4/Patient/{}", Canary::ID),
            history.clone(),
            format!("{history}/1"),
            search.clone(),
            format!("/fhir/R4/Patient/{}/$everything", Canary::ID),
            format!("/fhir/R4/Patient?identifier=urn:example:mrn%7C{}&_id={}", Canary::MRN, Canary::ID),
        ];
        for path in paths {
            let answer = physician.get(&path);
            let empty = answer.status == 200 && answer.json()["entry"].as_array().is_none_or(Vec::is_empty);
            assert!(
                [404, 410].contains(&answer.status) || empty,
                "{round}: {path}: {} {}",
                answer.status,
                answer.text()
            );
            let body = answer.text().replace(Canary::MRN, "");
            assert!(canary.search_bytes("answer", body.as_bytes()).is_empty(), "{round}: {path}: {body}");
        }
        // The other patient has the same name, and is not touched.
        let found = physician.get(&format!("/fhir/R4/Patient?family={}", Canary::FAMILY)).expect(200).json();
        assert_eq!((&found["total"], &found["entry"][0]["resource"]["id"]), (&json!(1), &json!(OTHER)), "{round}");
        if round == "at once" {
            clinic.stop();
            clinic.start();
        }
    }
    let logged = clinic.entries(entry).swap_remove(0);
    assert_eq!((&logged["action"], &logged["subjects"]), (&json!("key-shredded"), &json!([Canary::ID])));
    let again = clinic.command(&["keys", "shred", Canary::ID, "--yes"]);
    assert_eq!(again.status.code(), Some(1), "there is nothing left to destroy");
    assert_eq!(left(&clinic), 0);
    verifies(&clinic, "log");
}

fn verifies(clinic: &Clinic, name: &str) {
    let log = clinic.export_log(name);
    let verified = run(&["audit", "verify", log.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn what_the_indexes_give_away_and_what_the_rules_allow_is_told_by_command() {
    let mut clinic = filled("keys-leakage");
    let served = clinic.command_json(&["leakage"]);
    assert_eq!(served["patients"], 2);
    assert!(!served["planned"].as_array().unwrap().is_empty());
    let rows: u64 = served["measured"].as_array().unwrap().iter().map(|line| line["rows"].as_u64().unwrap()).sum();
    assert!(rows > 0, "{served}");
    clinic.stop();
    assert_eq!(clinic.command_json(&["leakage"]), served, "the same without a server");

    let printed = run(&["policy", "matrix"]);
    assert!(printed.status.success());
    let kept = include_str!("../../../policies/matrix.txt");
    assert_eq!(String::from_utf8_lossy(&printed.stdout), kept);
    assert!(run(&["policy", "check"]).status.success());
}

#[test]
fn accounts_are_made_and_closed_by_command_and_a_closed_one_is_cut_off_at_the_next_request() {
    let mut clinic = Clinic::open("keys-people", &["nurse", "auditor"], "");
    let nurse = clinic.client("nurse");
    nurse.get("/oauth2/userinfo").expect(200);
    nurse.get("/fhir/R4/Patient").expect(200);
    let disabled = clinic.command_json(&["people", "disable", "nurse"]);
    assert_eq!(disabled["disabled"], true);
    nurse.get("/fhir/R4/Patient").expect(401);
    assert_eq!(clinic.password_grant("nurse", PASSWORD).status, 400);

    // Back, without a server this time. The old token stays void.
    clinic.stop();
    assert_eq!(clinic.command_json(&["people", "enable", "nurse"])["disabled"], false);
    clinic.start();
    nurse.get("/fhir/R4/Patient").expect(401);
    clinic.sign_in("nurse");
    clinic.client("nurse").get("/fhir/R4/Patient").expect(200);

    let fresh = "a wholly different sentence";
    let changed = run_with_input(&["people", "password", "nurse", "--config", clinic.file()], &format!("{fresh}\n"));
    assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stderr));
    clinic.client("nurse").get("/fhir/R4/Patient").expect(401);
    assert_eq!(clinic.password_grant("nurse", PASSWORD).status, 400);
    clinic.password_grant("nurse", fresh).expect(200);

    let same =
        run_with_input(&["people", "add", "nurse", "--role", "nurse", "--config", clinic.file()], "x y z x y z\n");
    assert_eq!(same.status.code(), Some(1), "the name is taken");
    let odd = run_with_input(&["people", "add", "x", "--role", "surgeon", "--config", clinic.file()], "x y z x y z\n");
    assert!([1, 2].contains(&odd.status.code().unwrap()));
    assert!(String::from_utf8_lossy(&odd.stderr).contains("physician, nurse"), "the roles are named");
    let people = clinic.command_json(&["people", "list"]);
    assert_eq!(people.as_array().unwrap().len(), 2);
    assert!(!people.to_string().contains(fresh));

    // A service: its secret is shown once, works, and is cut off the same way.
    let service = clinic.command_json(&["clients", "add", "lab-feed", "--role", "integration"]);
    let secret = service["secret"].as_str().unwrap();
    let form = format!("grant_type=client_credentials&client_id=lab-feed&client_secret={secret}");
    let token = clinic.config.client().form("/oauth2/token", &form).expect(200).json();
    let feed = clinic.config.client().bearer(token["access_token"].as_str().unwrap());
    feed.put(&format!("/fhir/R4/Patient/{}", Canary::ID), &Canary::patient()).expect(201);
    assert!(!clinic.command_json(&["clients", "list"]).to_string().contains(secret));
    assert_eq!(clinic.command_json(&["clients", "disable", "lab-feed"])["disabled"], true);
    feed.put(&format!("/fhir/R4/Patient/{}", Canary::ID), &Canary::patient()).expect(401);
    assert_eq!(clinic.config.client().form("/oauth2/token", &form).status, 401);
}
