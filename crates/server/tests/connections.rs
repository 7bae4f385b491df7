//! Connections on the built binary, against the simulated EHR: records come in sealed, whatever goes wrong, and tokens come out nowhere.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod source;

use aceso_emr_sim::{FaultPlan, Kind, Options, Simulator};
use aceso_fhir::definitions::ResourceType;
use aceso_testkit::{Clinic, folder};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A clinic with a connection to a simulated EHR.
struct Rig {
    runtime: Runtime,
    simulator: Simulator,
    clinic: Clinic,
}

const SECRET: &str = "planted-client-secret-7c1e";

fn rig(name: &str, faults: FaultPlan, more: &[&str]) -> Rig {
    let runtime = Runtime::new().unwrap();
    let mut options = Options { patients: 6, faults, ..Options::default() };
    options.credentials.client_secret = SECRET.to_owned();
    options.retry.first_seconds = 1;
    let simulator = runtime.block_on(Simulator::start(options)).unwrap();
    let place = folder(name);
    let secret = place.join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let clinic = Clinic::open_in(&place, &["physician", "auditor", "operator"], "");
    let url = simulator.base_url();
    let added = clinic.command_json(
        &[
            &["connections", "add", "clinic", "--vendor", "elation", "--url", &url, "--client-id", "simulated-client"]
                [..],
            &["--secret-file", secret.to_str().unwrap()],
            more,
        ]
        .concat(),
    );
    assert_eq!(added["connection"], "clinic");
    // Sealed: not needed any more.
    std::fs::remove_file(secret).unwrap();
    Rig { runtime, simulator, clinic }
}

impl Rig {
    fn sync(&self) -> Value {
        self.clinic.command_json(&["connections", "sync", "clinic", "--everything"])
    }

    /// Every record that is here, of every type, as a physician reads it: by type and id.
    fn here(&self) -> BTreeMap<String, Value> {
        let physician = self.clinic.client("physician");
        let mut found = BTreeMap::new();
        for rtype in ResourceType::all() {
            let mut next = Some(format!("/fhir/R4/{}?_lastUpdated=gt2000-01-01&_count=500", rtype.name()));
            while let Some(path) = next {
                let page = physician.get(&path).expect(200).json();
                for entry in page["entry"].as_array().into_iter().flatten() {
                    let resource = entry["resource"].clone();
                    let name = format!("{}/{}", rtype.name(), resource["id"].as_str().unwrap());
                    assert!(found.insert(name, resource).is_none(), "a search shows a record twice");
                }
                next = link(&page);
            }
        }
        found
    }

    /// What is here is what the source holds and has not deleted, record by record over all types: nothing is missing, nothing is left
    /// over, nothing is there twice, and the content is that of the mapping. No letter is open.
    fn compare(&self) -> usize {
        let here = self.here();
        let expected = source::expected(&self.simulator.truth());
        assert!(expected.len() > 200, "too little to compare: {}", expected.len());
        let compared = source::compare(&expected, &here);
        assert!(compared * 2 > expected.len(), "the content of {compared} of {} was compared", expected.len());
        let letters = self.clinic.command_json(&["connections", "letters", "list", "clinic"]);
        assert_eq!(letters, Value::Array(Vec::new()));
        here.len()
    }
}

fn link(page: &Value) -> Option<String> {
    let next = page["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    let url = next["url"].as_str().unwrap();
    Some(url[url.find("/fhir/").unwrap()..].to_owned())
}

fn bytes_below(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                all.push((path.display().to_string(), bytes));
            }
        }
    }
    all
}

#[test]
fn records_come_in_by_command_and_a_second_run_writes_nothing() {
    let rig = rig("connections-command", FaultPlan::default(), &["--schedule", "0 0 1 1 *"]);
    let first = rig.sync();
    let status = rig.clinic.command_json(&["connections", "status", "clinic"]);
    assert!(status["written"].as_u64().unwrap() > 20, "{first} {status}");
    assert_eq!((first["lists_refused"].as_u64(), first["unknown_codes"].as_u64()), (Some(0), Some(0)), "{first}");
    rig.compare();
    rig.simulator.change(60);
    let changed = rig.sync();
    assert!(changed["deleted"].as_u64().unwrap() > 0, "{changed}");
    assert_eq!(changed["unknown_codes"], 0, "{changed}");
    rig.compare();
    let again = rig.sync();
    assert_eq!((again["written"].as_u64(), again["deleted"].as_u64()), (Some(0), Some(0)));
    let status = rig.clinic.command_json(&["connections", "status", "clinic"]);
    assert_eq!(status["state"], "waiting");
    assert!(status["token_expires"].is_string() && status["lag_seconds"].is_u64());
    let metrics = rig.clinic.config.ops().get("/metrics").text();
    let figure = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name}: {metrics}")).parse::<i64>().unwrap()
    };
    let of = |name: &str, further: &str| figure(&format!("aceso_connection_{name}{{connection=\"clinic\"{further}}}"));
    assert_eq!(of("objects_total", ",result=\"written\""), status["written"].as_i64().unwrap());
    assert_eq!(of("objects_total", ",result=\"deleted\""), status["deleted"].as_i64().unwrap());
    assert_eq!(of("requests_total", ""), status["requests"].as_i64().unwrap());
    assert_eq!((of("runs_total", ",result=\"failure\""), of("letters", "")), (0, 0));
    assert!(of("runs_total", ",result=\"success\"") >= 3 && of("token_expiry_seconds", "") > 0);
    assert!(of("source_lag_seconds", "") >= 0 && of("success_age_seconds", "") < 600);
    let list = rig.clinic.command_json(&["connections", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    let paused = rig.clinic.command_json(&["connections", "pause", "clinic"]);
    assert_eq!(paused["state"], "paused");
    let removed = rig.clinic.command_json(&["connections", "remove", "clinic"]);
    assert_eq!(removed["removed"], "clinic");
    assert_eq!(rig.clinic.command(&["connections", "status", "clinic"]).status.code(), Some(1));
    rig.runtime.block_on(rig.simulator.stop());
}

#[test]
fn what_was_set_aside_is_listed_inspected_retried_and_discarded_by_command_and_each_is_an_entry() {
    let rig = rig("connections-letters", FaultPlan::default(), &["--schedule", "0 0 1 1 *"]);
    rig.sync();
    let problem = rig.simulator.truth().entries(Kind::Problems).find(|entry| !entry.deleted).unwrap().id;
    rig.simulator.edit(Kind::Problems, problem, |body| {
        body.insert("patient".to_owned(), Value::from(1));
    });
    let before = rig.clinic.log_size();
    let everything = rig.clinic.command(&["connections", "sync", "clinic", "--everything"]);
    assert_eq!(everything.status.code(), Some(0), "{}", String::from_utf8_lossy(&everything.stderr));
    let list = || rig.clinic.command_json(&["connections", "letters", "list", "clinic"]);
    let letters = list();
    assert_eq!((letters.as_array().unwrap().len(), &letters[0]["reason"]), (1, &"unknown-patient".into()));
    let name = letters[0]["letter"].as_str().unwrap();
    let of_letter =
        |what: &str| rig.clinic.command(&["connections", "letters", what, "clinic", "--letter", name, "--json"]);
    let inspected: Value = serde_json::from_slice(&of_letter("inspect").stdout).unwrap();
    assert_eq!(inspected, letters[0]);
    assert_eq!(of_letter("retry").status.code(), Some(1), "it still names a patient who is not there");
    assert_eq!(of_letter("discard").status.code(), Some(0));
    assert_eq!(list(), Value::Array(Vec::new()));
    assert_eq!(of_letter("inspect").status.code(), Some(1));
    let entries = rig.clinic.entries(before);
    for done in ["letters-listed", "letter-read", "letter-retried", "letter-discarded"] {
        assert!(entries.iter().any(|entry| entry["detail"] == done), "{done}");
    }
    rig.runtime.block_on(rig.simulator.stop());
}

#[test]
fn an_upstream_token_or_secret_is_in_no_row_log_metric_or_answer() {
    let mut rig = rig("connections-canary", FaultPlan::default(), &["--schedule", "0 0 1 1 *"]);
    rig.sync();
    let mut texts = bytes_below(&rig.clinic.config.folder);
    for arguments in [
        &["connections", "list"][..],
        &["connections", "status", "clinic"],
        &["connections", "letters", "list", "clinic"],
    ] {
        let output = rig.clinic.command(arguments);
        texts.push((arguments.join(" "), [output.stdout, output.stderr].concat()));
    }
    texts.push(("metrics".to_owned(), rig.clinic.config.ops().get("/metrics").body.clone()));
    texts.push(("entries".to_owned(), format!("{:?}", rig.clinic.entries(0)).into_bytes()));
    rig.clinic.stop();
    texts.extend(bytes_below(&rig.clinic.config.folder));
    let tokens = rig.simulator.access_tokens();
    assert!(!tokens.is_empty());
    for needle in tokens.iter().map(String::as_str).chain([SECRET]) {
        for (place, bytes) in &texts {
            assert!(memchr::memmem::find(bytes, needle.as_bytes()).is_none(), "found in {place}");
        }
    }
    // Positive control: the search finds what is there.
    assert!(texts.iter().any(|(_, bytes)| memchr::memmem::find(bytes, b"elation").is_some()));
    rig.runtime.block_on(rig.simulator.stop());
}

#[test]
fn under_all_faults_and_killed_again_and_again_everything_arrives_once() {
    let kills: u64 = std::env::var("ACESO_TEST_SYNC_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let mut rig = rig("connections-kill", FaultPlan::everything(), &["--schedule", "* * * * *"]);
    // One that is deleted and comes back, and one that stays away.
    let twice = rig.simulator.truth().entries(Kind::Problems).next().unwrap().id;
    let gone = rig.simulator.truth().entries(Kind::Medications).nth(1).unwrap().id;
    for kill in 0..kills {
        rig.simulator.change(4);
        match kill % 4 {
            1 => drop(rig.simulator.delete(Kind::Problems, twice)),
            2 => drop(rig.simulator.delete(Kind::Medications, gone)),
            3 => drop(rig.simulator.restore(Kind::Problems, twice)),
            _ => {}
        }
        sleep(Duration::from_millis(20 + (kill * 97) % 700));
        rig.clinic.kill_9();
        rig.clinic.start();
    }
    rig.simulator.faults().heal();
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let output = rig.clinic.command(&["connections", "sync", "clinic", "--everything", "--json"]);
        if output.status.success() {
            break;
        }
        assert!(Instant::now() < end, "{}", String::from_utf8_lossy(&output.stderr));
    }
    rig.clinic.sign_in("physician");
    let deleted = |kind: Kind| rig.simulator.truth().entries(kind).filter(|entry| entry.deleted).count();
    let all: usize = Kind::ALL.into_iter().map(deleted).sum();
    assert!(all > 0);
    println!("{kills} kills; {} records compared; {all} objects deleted at the source", rig.compare());
    let log = rig.clinic.export_log("log");
    let verified = aceso_testkit::run(&["audit", "verify", log.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    rig.runtime.block_on(rig.simulator.stop());
}

#[test]
fn webhooks_are_taken_by_signature_alone_and_forged_ones_are_in_the_log() {
    let mut rig = rig("connections-hooks", FaultPlan::default(), &["--schedule", "0 0 1 1 *"]);
    rig.sync();
    let hooks = format!("http://127.0.0.1:{}/hooks/hooked", rig.clinic.config.port);
    let url = rig.simulator.base_url();
    let secret = rig.clinic.config.folder.join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let added = rig.clinic.command_json(&[
        "connections",
        "add",
        "hooked",
        "--vendor",
        "elation",
        "--url",
        &url,
        "--client-id",
        "simulated-client",
        "--secret-file",
        secret.to_str().unwrap(),
        "--schedule",
        "0 0 1 1 *",
        "--hooks",
        &hooks,
    ]);
    assert_eq!(added["connection"], "hooked");
    let status =
        |rig: &Rig, what: &str| rig.clinic.command_json(&["connections", "status", "hooked"])[what].as_u64().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while rig.simulator.deliveries().is_empty() || status(&rig, "webhooks") == 0 {
        assert!(Instant::now() < end, "no webhook was taken");
        rig.simulator.change(3);
        sleep(Duration::from_millis(300));
    }
    assert_eq!(status(&rig, "subscriptions_refused"), 0);
    let before = rig.clinic.log_size();
    let client = rig.clinic.config.client();
    let forged = client.send("POST", "/hooks/hooked", &[("el8-ed25519-signature", "AAAA")], b"{}".to_vec());
    assert_eq!(forged.status, 401);
    assert_eq!(client.send("POST", "/hooks/nobody", &[], b"{}".to_vec()).status, 401);
    let entries = rig.clinic.entries(before);
    let refused = |reason: &str| entries.iter().filter(|entry| entry.to_string().contains(reason)).count();
    assert_eq!((refused("webhook-signature"), refused("webhook-connection")), (1, 1), "{entries:?}");
    rig.clinic.stop();
    rig.runtime.block_on(rig.simulator.stop());
}
