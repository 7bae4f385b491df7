//! Connections on the built binary, against the simulated EHR: records come in sealed, whatever goes wrong, and tokens come out nowhere.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_emr_sim::{FaultPlan, Kind, Options, Simulator};
use aceso_testkit::{Clinic, folder};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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

    /// Which source objects have records here, by kind, and each once.
    fn here(&self) -> BTreeMap<String, BTreeSet<String>> {
        let physician = self.clinic.client("physician");
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut next = Some("/fhir/R4/Patient?_count=200".to_owned());
        let mut patients = Vec::new();
        while let Some(path) = next {
            let page = physician.get(&path).expect(200).json();
            for entry in page["entry"].as_array().into_iter().flatten() {
                patients.push(entry["resource"]["id"].as_str().unwrap().to_owned());
            }
            next = link(&page);
        }
        for patient in patients {
            let mut next = Some(format!("/fhir/R4/Patient/{patient}/$everything?_count=500"));
            while let Some(path) = next {
                let page = physician.get(&path).expect(200).json();
                for entry in page["entry"].as_array().into_iter().flatten() {
                    note(&entry["resource"], &mut found);
                }
                next = link(&page);
            }
        }
        found
    }

    fn at_the_source(&self) -> BTreeMap<String, BTreeSet<String>> {
        let truth = self.simulator.truth();
        let kinds =
            [Kind::Patients, Kind::Medications, Kind::Problems, Kind::Allergies, Kind::LabOrders, Kind::Appointments];
        let live = |kind: Kind| {
            let entries = truth.entries(kind).filter(|entry| !entry.deleted && entry.patient.is_some());
            entries.map(|entry| entry.id.to_string()).collect()
        };
        kinds.into_iter().map(|kind| (kind.path().to_owned(), live(kind))).collect()
    }

    /// Everything that the source holds is here. What the source has deleted is still here, with a letter: the role of a sync may not
    /// delete.
    fn compare(&self) {
        let (here, truth) = (self.here(), self.simulator.truth());
        for (kind, wanted) in self.at_the_source() {
            assert!(kind == "allergies" || !wanted.is_empty(), "{kind}: nothing to compare");
            let found = here.get(&kind).cloned().unwrap_or_default();
            let missing: Vec<_> = wanted.difference(&found).collect();
            assert!(missing.is_empty(), "{kind}: {missing:?}");
            let gone: BTreeSet<String> = truth
                .entries(Kind::from_path(&kind).unwrap())
                .filter(|entry| entry.deleted)
                .map(|entry| entry.id.to_string())
                .collect();
            let surplus: Vec<_> = found.difference(&wanted).filter(|id| !gone.contains(*id)).collect();
            assert!(surplus.is_empty(), "{kind}: {surplus:?}");
        }
        let letters = self.clinic.command_json(&["connections", "letters", "list", "clinic"]);
        for letter in letters.as_array().unwrap() {
            assert_eq!(letter["reason"], "not-allowed", "{letter}");
        }
    }
}

fn link(page: &Value) -> Option<String> {
    let next = page["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    let url = next["url"].as_str().unwrap();
    Some(url[url.find("/fhir/").unwrap()..].to_owned())
}

/// Notes the source id of a record that stands for a whole source object.
fn note(resource: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let main = ["Patient", "MedicationRequest", "Condition", "AllergyIntolerance", "ServiceRequest", "Appointment"];
    if !main.contains(&resource["resourceType"].as_str().unwrap()) {
        return;
    }
    for identifier in resource["identifier"].as_array().into_iter().flatten() {
        let system = identifier["system"].as_str().unwrap_or_default();
        if let Some(kind) = system.strip_prefix("https://aceso.health/fhir/sid/clinic/elation/") {
            let value = identifier["value"].as_str().unwrap().to_owned();
            if matches!(kind, "patients" | "medications" | "problems" | "allergies" | "lab_orders" | "appointments") {
                let fresh = found.entry(kind.to_owned()).or_default().insert(value);
                // An order of several tests is a request for each.
                assert!(fresh || kind == "lab_orders", "{kind}: one object is here twice");
            }
        }
    }
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
    rig.compare();
    rig.simulator.change(20);
    rig.sync();
    rig.compare();
    let again = rig.sync();
    assert_eq!((again["written"].as_u64(), again["deleted"].as_u64()), (Some(0), Some(0)));
    let status = rig.clinic.command_json(&["connections", "status", "clinic"]);
    assert_eq!(status["state"], "waiting");
    assert!(status["token_expires"].is_string() && status["lag_seconds"].is_u64());
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
    for kill in 0..kills {
        rig.simulator.change(2);
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
    rig.compare();
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
