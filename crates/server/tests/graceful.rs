//! Starting, watching and stopping: every request that has begun is answered, and the log lines hold what may be logged and no more.

use aceso_server::telemetry::LOGGABLE;
use aceso_testkit::{Canary, Clinic, Running};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
const WORKERS: usize = 4;

#[test]
fn every_request_that_has_begun_is_answered_before_the_end() {
    let mut clinic = Clinic::open("graceful", &["physician", "auditor"], "");
    let physician = clinic.client("physician");
    physician.put(&format!("/fhir/R4/Patient/{}", Canary::ID), &Canary::patient()).expect(201);
    let entries: Vec<Value> = (0..200)
        .map(|_| serde_json::json!({ "request": { "method": "POST", "url": "Observation" }, "resource": Canary::observation() }))
        .collect();
    let bundle = serde_json::json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string();

    // Long requests: wholly sent before the signal, answered after it.
    let (sent, token) = (Arc::new(AtomicUsize::new(0)), clinic.token("physician").to_owned());
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (sent, token, bundle, port) = (Arc::clone(&sent), token.clone(), bundle.clone(), clinic.config.port);
            spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let head = format!(
                    "POST /fhir/R4 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nprefer: return=minimal\r\n\
                     content-type: application/fhir+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    bundle.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(bundle.as_bytes()).unwrap();
                sent.fetch_add(1, Ordering::SeqCst);
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer.lines().next().unwrap_or("no answer at all").to_owned()
            })
        })
        .collect();
    while sent.load(Ordering::SeqCst) < WORKERS {
        sleep(Duration::from_millis(1));
    }
    // A request counts as begun when the server has its first bytes.
    while clinic.config.ops().get("/metrics").text().lines().any(|line| line == "http_server_active_requests 0") {
        assert!(!workers.iter().all(std::thread::JoinHandle::is_finished), "they ended before the signal");
    }
    clinic.running().terminate();
    for worker in workers {
        assert_eq!(worker.join().unwrap(), "HTTP/1.1 200 OK");
    }
    clinic.wait_for_the_end();
    assert!(TcpStream::connect(("127.0.0.1", clinic.config.port)).is_err(), "nobody listens any more");
    assert!(!clinic.config.data.join("control.sock").exists());

    clinic.start();
    let found = clinic.client("physician").get(&format!("/fhir/R4/Observation?patient={}&_summary=count", Canary::ID));
    assert_eq!(found.expect(200).json()["total"], WORKERS * 200);
    let actions: Vec<String> =
        clinic.entries(0).iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
    let marks: Vec<&String> = actions.iter().filter(|action| action.starts_with("system-")).collect();
    assert_eq!(marks, ["system-start", "system-stop", "system-start"]);
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let clinic = Clinic::open("graceful-twice", &["physician"], "");
    let other = clinic.config.folder.join("other.toml");
    let text = std::fs::read_to_string(&clinic.config.file).unwrap();
    let text = text.replace(&clinic.config.port.to_string(), "0").replace(&clinic.config.ops_port.to_string(), "0");
    std::fs::write(&other, text).unwrap();
    let second = clinic.config.folder.join("second");
    std::fs::create_dir(&second).unwrap();
    let running = Running::start(&second, &["serve", "--config", other.to_str().unwrap()]);
    let errors = running.stderr.clone();
    assert_eq!(running.wait(PATIENCE).code(), Some(4));
    let said = std::fs::read_to_string(errors).unwrap();
    assert!(said.contains("store"), "{said}");
    clinic.client("physician").get("/fhir/R4/Patient").expect(200);
    assert_eq!(clinic.command_json(&["keys", "status"])["left"], 0, "its control socket is still there");
}

#[test]
fn operators_see_health_and_numbers_and_log_lines_hold_listed_fields_only() {
    let mut clinic = Clinic::open("graceful-ops", &["physician", "auditor"], "telemetry.level = \"debug\"");
    let physician = clinic.client("physician");
    physician.put(&format!("/fhir/R4/Patient/{}", Canary::ID), &Canary::patient()).expect(201);
    for path in [format!("/fhir/R4/Patient/{}", Canary::ID), format!("/fhir/R4/Patient?family={}", Canary::FAMILY)] {
        physician.get(&path).expect(200);
    }
    physician.get("/fhir/R4/Patient?nonsense=1").expect(400);
    clinic.config.client().get("/fhir/R4/Patient").expect(401);
    clinic.config.client().bearer("nonsense").get("/fhir/R4/Patient").expect(401);

    let ops = clinic.config.ops();
    assert_eq!(ops.get("/healthz").expect(200).text(), "ok\n");
    let ready = ops.get("/readyz").expect(200).json();
    assert_eq!(ready["ready"], true);
    let metrics = ops.get("/metrics").expect(200).text();
    for name in [
        "http_server_request_duration_seconds_count",
        "aceso_audit_tree_size",
        "aceso_keys_rows_left",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
    assert!(metrics.contains("http_route=\"/fhir/R4/{type}/{id}\""), "by template: {metrics}");
    for path in ["/metrics", "/readyz", "/healthz"] {
        clinic.config.client().get(path).expect(404);
    }
    clinic.stop();

    let listed: BTreeSet<&str> = LOGGABLE.iter().map(|(name, _)| *name).collect();
    // What every line has, besides.
    let frame = ["ts", "level", "target", "message", "dropped"];
    let log = std::fs::read_to_string(clinic.config.folder.join("stderr.log")).unwrap();
    assert!(log.lines().count() >= 3, "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        for (name, value) in line.as_object().unwrap() {
            assert!(listed.contains(name.as_str()) || frame.contains(&name.as_str()), "{name} in {line}");
            assert!(!value.is_array(), "{line}");
        }
    }
    let stdout = std::fs::read_to_string(clinic.config.folder.join("stdout.log")).unwrap();
    assert!(stdout.is_empty(), "{stdout}");
}
