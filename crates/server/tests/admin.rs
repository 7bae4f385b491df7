//! Connections over `/admin/v1` and in the configuration, on the built binary and against the simulated EHR.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_emr_sim::{FaultPlan, Options, Simulator};
use aceso_testkit::schema::faults;
use aceso_testkit::{Answer, Clinic, folder};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const SECRET: &str = "planted-client-secret-9d41";
/// Once a year: runs happen by order.
const SELDOM: &str = "0 0 1 1 *";
const PATIENCE: Duration = Duration::from_secs(60);

struct Ehr {
    runtime: Runtime,
    simulator: Simulator,
}

impl Ehr {
    fn start(faults: FaultPlan) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut options = Options { patients: 4, faults, ..Options::default() };
        options.credentials.client_secret = SECRET.to_owned();
        let simulator = runtime.block_on(Simulator::start(options)).unwrap();
        Self { runtime, simulator }
    }

    fn stop(self) {
        self.runtime.block_on(self.simulator.stop());
    }
}

/// A section of the configuration, with its secret beside it.
fn section(folder: &Path, name: &str, url: &str) -> String {
    let file = folder.join("client-secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!(
        "[connect.{name}]\nvendor = \"elation\"\nurl = \"{url}\"\nclient_id = \"simulated-client\"\n\
         secret = {{ file = \"client-secret\" }}\nschedule = \"{SELDOM}\"\nsweep = \"{SELDOM}\"\n"
    )
}

fn send(clinic: &Clinic, role: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let media: &[(&str, &str)] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    clinic.client(role).send(method, &format!("/admin/v1{path}"), media, body)
}

/// Waits until a job has ended, and gives it back.
fn ended(clinic: &Clinic, job: &Value) -> Value {
    let path = format!("/jobs/{}", job["job"].as_str().unwrap());
    let end = Instant::now() + PATIENCE;
    loop {
        let now = send(clinic, "operator", "GET", &path, None).expect(200).json();
        if now["state"] != "running" {
            return now;
        }
        assert!(Instant::now() < end, "{now}");
        sleep(Duration::from_millis(50));
    }
}

#[track_caller]
fn is_described(document: &Value, schema: &str, value: &Value) {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    assert_eq!(faults(document, &schema, value), Vec::<String>::new(), "{value}");
}

#[test]
fn an_operator_adds_runs_pauses_and_removes_a_connection_in_his_own_name() {
    let ehr = Ehr::start(FaultPlan::default());
    let mut clinic = Clinic::open("admin-http", &["physician", "auditor", "operator"], "");
    let before = clinic.log_size();
    let document = send(&clinic, "operator", "GET", "/openapi.json", None).expect(200).json();
    let new = json!({ "name": "north", "vendor": "elation", "url": ehr.simulator.base_url(), "schedule": SELDOM,
        "client_id": "simulated-client", "secret": SECRET, "paused": true });
    assert_eq!(send(&clinic, "physician", "POST", "/connections", Some(new.clone())).status, 403);
    let added = send(&clinic, "operator", "POST", "/connections", Some(new.clone())).expect(201);
    is_described(&document, "Connection", &added.json());
    assert_eq!((added.json()["state"].as_str(), added.json()["origin"].as_str()), (Some("paused"), Some("store")));
    assert_eq!(send(&clinic, "operator", "POST", "/connections", Some(new)).expect(409).json()["code"], "conflict");
    let bad =
        json!({ "name": "south", "vendor": "nobodys", "url": "https://ehr.example", "client_id": "a", "secret": "b" });
    let refused = send(&clinic, "operator", "POST", "/connections", Some(bad)).expect(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/vendor");
    let bad = json!({ "name": "south", "vendor": "elation", "url": "https://ehr.example", "client_id": "a", "secret": "b",
        "options": ["group=1"] });
    let refused = send(&clinic, "operator", "POST", "/connections", Some(bad)).expect(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/options", "Elation has none");

    let started = send(&clinic, "operator", "POST", "/connections/north/sync", Some(json!({ "reads": "everything" })));
    let job = ended(&clinic, &started.expect(202).json());
    is_described(&document, "Job", &job);
    assert!(job["state"] == "done" && job["written"].as_u64().unwrap() > 20, "{job}");
    let patients = clinic.client("physician").get("/fhir/R4/Patient?_count=50").expect(200).json();
    assert_eq!(patients["total"], 4);

    let resumed = send(&clinic, "operator", "POST", "/connections/north/resume", None).expect(200).json();
    is_described(&document, "Connection", &resumed);
    assert_ne!(resumed["state"], "paused");
    assert!(
        resumed["token_expires"].is_string() && resumed["written"].as_u64().unwrap() > 20,
        "counts stay: {resumed}"
    );
    // The same things as by command.
    let by_command = clinic.command_json(&["connections", "status", "north"]);
    is_described(&document, "Connection", &by_command);
    let letters = send(&clinic, "operator", "GET", "/connections/north/letters", None).expect(200).json();
    is_described(&document, "Letters", &letters);

    send(&clinic, "operator", "DELETE", "/connections/north", None).expect(204);
    send(&clinic, "operator", "GET", "/connections/north", None).expect(404);
    let entries = clinic.entries(before);
    let operator = entries.iter().find(|entry| entry["detail"] == "connection-add" && entry["outcome"] == "granted");
    let operator = operator.unwrap()["user"].as_str().unwrap();
    for done in ["connection-added", "connection-resumed", "connection-removed"] {
        let found = entries.iter().find(|entry| entry["detail"] == done).unwrap_or_else(|| panic!("{done}"));
        assert_eq!((found["user"].as_str(), found["tenant"].as_str()), (Some(operator), Some("clinic")), "{done}");
    }
    let refusals = entries.iter().filter(|entry| entry["action"] == "administered" && entry["outcome"] != "granted");
    assert_eq!(refusals.count(), 5, "403, 409, 422, 422, 404");
    clinic.stop();
    ehr.stop();
}

#[test]
fn a_pause_ends_a_run_where_it_is_and_the_next_one_goes_on() {
    let slow = FaultPlan { slow: 1.0, slow_millis: 300, ..FaultPlan::default() };
    let ehr = Ehr::start(slow);
    let place = folder("admin-pause");
    let north = section(&place, "north", &ehr.simulator.base_url());
    let mut clinic = Clinic::open_in(&place, &["auditor", "operator"], &format!("{north}paused = false\n"));
    let job = send(&clinic, "operator", "POST", "/connections/north/sync", None).expect(202).json();
    let again = send(&clinic, "operator", "POST", "/connections/north/sync", None).expect(202).json();
    assert_eq!(job["job"], again["job"], "one that has not ended is the same job");
    let began = Instant::now();
    let paused = send(&clinic, "operator", "POST", "/connections/north/pause", None).expect(200).json();
    assert!(began.elapsed() < Duration::from_secs(20), "a pause waits for no run");
    assert_eq!(paused["state"], "paused");
    let job = ended(&clinic, &job);
    assert_eq!((job["state"].as_str(), job["error"].as_str()), (Some("failed"), Some("stopped")));
    ehr.simulator.faults().heal();
    let job = send(&clinic, "operator", "POST", "/connections/north/sync", None).expect(202).json();
    assert_eq!(ended(&clinic, &job)["state"], "done");
    clinic.stop();
    ehr.stop();
}

#[test]
fn a_connection_of_the_configuration_lives_with_its_section_and_keeps_what_it_brought() {
    let ehr = Ehr::start(FaultPlan::default());
    let place = folder("admin-config");
    let north = section(&place, "north", &ehr.simulator.base_url());
    let mut clinic = Clinic::open_in(&place, &["physician", "auditor", "operator"], &north);
    let checked = clinic.command(&["config", "check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let dump = clinic.command(&["config", "dump"]).stdout;
    assert!(memchr::memmem::find(&dump, b"[connect.north]").is_some());
    assert!(memchr::memmem::find(&dump, SECRET.as_bytes()).is_none());
    let first = clinic.command_json(&["connections", "sync", "north", "--everything"]);
    assert!(first["written"].as_u64().unwrap() + first["unchanged"].as_u64().unwrap() > 20, "{first}");

    let removed = clinic.command(&["connections", "remove", "north"]);
    assert_eq!(removed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&removed.stderr).contains("connect.north"), "the refusal says where it stands");
    assert_eq!(
        send(&clinic, "operator", "DELETE", "/connections/north", None).expect(409).json()["code"],
        "business-rule"
    );

    // A pause by order outlasts a restart, and the section does not change.
    assert_eq!(clinic.command_json(&["connections", "pause", "north"])["state"], "paused");
    clinic.stop();
    clinic.start();
    assert_eq!(clinic.command_json(&["connections", "status", "north"])["state"], "paused");
    assert_ne!(clinic.command_json(&["connections", "resume", "north"])["state"], "paused");

    // Without its section it is gone; its records and its progress stay.
    clinic.stop();
    let whole = std::fs::read_to_string(&clinic.config.file).unwrap();
    std::fs::write(&clinic.config.file, whole.replace(&north, "")).unwrap();
    clinic.start();
    assert_eq!(clinic.command_json(&["connections", "list"]), json!([]));
    let patients = clinic.client("physician").get("/fhir/R4/Patient?_count=50").expect(200).json();
    assert_eq!(patients["total"], 4);
    clinic.stop();
    // What the configuration pauses, no order resumes.
    std::fs::write(&clinic.config.file, whole.replace(&north, &format!("{north}paused = true\n"))).unwrap();
    clinic.start();
    let again = clinic.command_json(&["connections", "sync", "north", "--everything"]);
    assert_eq!((again["written"].as_u64(), again["deleted"].as_u64()), (Some(0), Some(0)), "{again}");
    let resumed = clinic.command(&["connections", "resume", "north"]);
    assert_eq!(resumed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&resumed.stderr).contains("connect.north.paused"));
    clinic.stop();
    ehr.stop();
}

#[test]
fn a_name_in_the_store_and_in_the_configuration_stops_the_start_and_names_both_places() {
    let place = folder("admin-both");
    let mut clinic = Clinic::open_in(&place, &["operator"], "");
    let north = section(&place, "north", "http://127.0.0.1:9/api/2.0");
    let secret = place.join("client-secret");
    let add = ["connections", "add", "north", "--vendor", "elation", "--url", "http://127.0.0.1:9/api/2.0"];
    let how = ["--client-id", "a", "--schedule", SELDOM, "--secret-file", secret.to_str().unwrap()];
    assert_eq!(clinic.command_json(&[&add[..], &how[..]].concat())["connection"], "north");
    clinic.stop();
    let whole = std::fs::read_to_string(&clinic.config.file).unwrap();
    std::fs::write(&clinic.config.file, format!("{whole}{north}")).unwrap();
    for arguments in [&["serve"][..], &["connections", "list"]] {
        let refused = clinic.command(arguments);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(3), "{told}");
        assert!(told.contains("connect.north") && told.contains("aceso connections add"), "{told}");
    }
    // The way out that it names.
    std::fs::write(&clinic.config.file, &whole).unwrap();
    assert_eq!(clinic.command_json(&["connections", "remove", "north"])["removed"], "north");
    std::fs::write(&clinic.config.file, format!("{whole}{north}")).unwrap();
    clinic.start();
    assert_eq!(clinic.command_json(&["connections", "status", "north"])["origin"], "configuration");
    let taken = clinic.command(&[&add[..], &how[..]].concat());
    assert_eq!(taken.status.code(), Some(1));
    clinic.stop();
}
