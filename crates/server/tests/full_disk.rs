//! No space, or a disk that takes nothing: no entry in the log, so no answer with anything in it. When the disk is well again, so is
//! the server, without a restart.
//!
//! The full disk is a small tmpfs and the read-only one a file made immutable; both need root. Without root the reserve plays the
//! full disk, which is told.

#![expect(clippy::indexing_slicing, clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_testkit::{Answer, Canary, Client, Clinic, Running, folder};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const SIZE: &str = "size=24m,mode=0700";
/// How soon it must work again once there is space.
const RECOVERY: Duration = Duration::from_secs(10);

/// A small disk of its own, taken off again at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(at).unwrap();
        run("mount", &["-t", "tmpfs", "-o", SIZE, "tmpfs", at.to_str()?]).then(|| Self(at.to_owned()))
    }

    /// Takes the last byte.
    fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        for block in [1 << 16, 1 << 12, 1] {
            while filler.write_all(&vec![0; block]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap_or_default()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}

fn patient_path() -> String {
    format!("/fhir/R4/Patient/{}", Canary::ID)
}

/// Every kind of request; none of them may be answered with anything in it.
fn everything(client: &Client) -> Vec<(String, Answer)> {
    let search = format!("/fhir/R4/Observation?patient={}", Canary::ID);
    let bundle = serde_json::json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "request": { "method": "POST", "url": "Observation" }, "resource": Canary::observation() }] });
    let path = patient_path();
    let get = |path: String| (format!("GET {path}"), client.get(&path));
    vec![
        get(path.clone()),
        get(format!("{path}/_history")),
        get(format!("{path}/_history/1")),
        get(format!("{path}/$everything")),
        get(search),
        get(format!("/fhir/R4/Patient?family={}", Canary::FAMILY)),
        ("PUT".to_owned(), client.put(&path, &Canary::patient())),
        ("POST".to_owned(), client.post("/fhir/R4/Observation", &Canary::observation())),
        ("transaction".to_owned(), client.post("/fhir/R4", &bundle)),
        ("DELETE".to_owned(), client.delete(&path)),
    ]
}

fn nothing_is_told(client: &Client, what: &str) {
    let canary = Canary::new();
    for (request, answer) in everything(client) {
        assert_eq!(answer.status, 503, "{what}: {request}: {}", answer.text());
        assert!(canary.search_bytes("answer", &answer.body).is_empty(), "{what}: {request}: {}", answer.text());
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
        assert!(!answer.header("retry-after").is_empty(), "{what}: {request}");
    }
}

fn prepare(clinic: &Clinic) {
    let physician = clinic.client("physician");
    physician.put(&patient_path(), &Canary::patient()).expect(201);
    physician.post("/fhir/R4/Observation", &Canary::observation()).expect(201);
}

/// Reads and writes work again, readiness says so, and what was refused has not happened.
fn is_well_again(clinic: &mut Clinic, what: &str) {
    let physician = clinic.client("physician");
    let begun = Instant::now();
    while physician.get(&patient_path()).status != 200 {
        assert!(begun.elapsed() < RECOVERY, "{what}: still refused");
        sleep(Duration::from_millis(50));
    }
    println!("{what}: well again after {} ms", begun.elapsed().as_millis());
    assert!(clinic.running().is_alive());
    clinic.config.ops().get("/readyz").expect(200);
    let history = physician.get(&format!("{}/_history", patient_path())).expect(200).json();
    assert_eq!(history["entry"].as_array().unwrap().len(), 1, "{what}: a refused write has happened");
    let found = physician.get(&format!("/fhir/R4/Observation?patient={}", Canary::ID)).expect(200).json();
    assert_eq!(found["total"], 1, "{what}: a refused write has happened");
    physician.post("/fhir/R4/Basic", &serde_json::json!({ "resourceType": "Basic", "code": { "text": "x" }, "subject": { "reference": format!("Patient/{}", Canary::ID) } })).expect(201);
    let log = clinic.export_log(&what.replace(' ', "-"));
    assert!(aceso_testkit::run(&["audit", "verify", log.to_str().unwrap()]).status.success());
}

#[test]
fn a_full_disk_answers_nothing_and_recovers_alone() {
    let place = folder("full-disk");
    let Some(disk) = SmallDisk::mount(&place.join("data")) else {
        println!("not root: the reserve plays the full disk");
        return a_reserve_that_is_not_there(&place);
    };
    let mut clinic = Clinic::open_in(&place, &["physician", "auditor"], "store.reserve_bytes = 1048576");
    prepare(&clinic);
    disk.fill();
    sleep(Duration::from_millis(300));
    nothing_is_told(&clinic.client("physician"), "full disk");
    let ready = clinic.config.ops().get("/readyz").expect(503).text();
    assert!(ready.contains("free some disk space"), "{ready}");
    clinic.config.ops().get("/healthz").expect(200);
    clinic.config.ops().get("/metrics").expect(200);
    disk.free();
    is_well_again(&mut clinic, "full disk");
    clinic.stop();
}

/// The same refusal by the other way: less space than is to be kept free.
fn a_reserve_that_is_not_there(place: &Path) {
    let clinic = Clinic::open_in(place, &["physician", "auditor"], "");
    drop(clinic);
    let config = fs::read_to_string(place.join("aceso.toml")).unwrap() + "\nstore.reserve_bytes = 1099511627776\n";
    fs::write(place.join("aceso.toml"), config).unwrap();
    let running = Running::start(place, &["serve", "--config", place.join("aceso.toml").to_str().unwrap()]);
    let errors = running.stderr.clone();
    assert_eq!(running.wait(Duration::from_secs(30)).code(), Some(4));
    let said = fs::read_to_string(errors).unwrap();
    assert!(said.lines().last().unwrap().contains("space"), "{said}");
}

#[test]
fn a_disk_that_became_read_only_answers_nothing_and_recovers_alone() {
    let mut clinic = Clinic::open("read-only", &["physician", "auditor"], "");
    prepare(&clinic);
    // Open files too: ext4 refuses a write to an immutable file however long it has been open.
    let files = ["records.db", "records.db-wal"].map(|name| clinic.config.data.join(name));
    let immutable = |flag: &str| files.iter().all(|file| run("chattr", &[flag, file.to_str().unwrap()]));
    if !immutable("+i") {
        println!("not root, or no file system with immutable files: this is not tried");
        return;
    }
    let told = std::panic::catch_unwind(|| nothing_is_told(&clinic.client("physician"), "read-only disk"));
    let ready = clinic.config.ops().get("/readyz");
    assert!(immutable("-i"));
    told.unwrap();
    ready.expect(503);
    is_well_again(&mut clinic, "read-only disk");
    clinic.stop();
}

#[test]
fn a_read_only_data_directory_is_told_at_the_start_with_a_remedy() {
    let place = folder("read-only-start");
    let Some(disk) = SmallDisk::mount(&place.join("data")) else {
        println!("not root: this is not tried");
        return;
    };
    let mut clinic = Clinic::open_in(&place, &["physician", "auditor"], "store.reserve_bytes = 1048576");
    prepare(&clinic);
    clinic.stop();
    let at = disk.0.to_str().unwrap();
    assert!(run("mount", &["-o", "remount,ro", at]));
    let running = Running::start(&place, &["serve", "--config", clinic.file()]);
    let errors = running.stderr.clone();
    let status = running.wait(Duration::from_secs(30));
    assert_eq!(status.code(), Some(4));
    let said = fs::read_to_string(errors).unwrap();
    assert!(said.lines().last().unwrap().contains("store"), "{said}");
    assert!(run("mount", &["-o", "remount,rw", at]));
    clinic.start();
    is_well_again(&mut clinic, "read-only start");
    clinic.stop();
}
