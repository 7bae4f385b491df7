//! `aceso demo`: one command on a fresh folder, and everything that it promises works.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_testkit::{Answer, Client, Running, binary, folder, free_port};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const STOP: Duration = Duration::from_secs(30);

struct Demo {
    folder: PathBuf,
    data: PathBuf,
    ports: [String; 2],
}

impl Demo {
    fn new() -> Self {
        let folder = folder("demo");
        let ports = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        Self { data: folder.join("kept"), folder, ports }
    }

    fn start(&self) -> Running {
        let [listen, ops] = &self.ports;
        let data = self.data.to_str().unwrap();
        let arguments = ["demo", "--listen", listen, "--ops-listen", ops, "--data", data, "--patients", "2"];
        let mut running = Running::start(&self.folder, &arguments);
        running.wait_ready(&Client::new(&format!("http://{ops}")), Duration::from_secs(120));
        running
    }

    fn file(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.data.join("demo.json")).unwrap()).unwrap()
    }

    fn get(&self, role: &str, path: &str) -> Answer {
        let file = self.file();
        let token = person(&file, role)["access_token"].as_str().unwrap();
        Client::new(file["fhir"].as_str().unwrap()).bearer(token).get(path)
    }

    fn passwords(&self) -> Vec<Value> {
        self.file()["people"].as_array().unwrap().iter().map(|person| person["password"].clone()).collect()
    }

    /// Everything that could be there twice.
    fn population(&self) -> Vec<(String, u64)> {
        let total = |path: String| {
            let total = self.get("physician", &path).expect(200).json()["total"].as_u64().unwrap();
            (path, total)
        };
        let of = self.file()["subjects"][0].as_str().unwrap().to_owned();
        let inside =
            ["Observation", "Encounter", "Condition"].map(|name| format!("/{name}?patient={of}&_summary=count"));
        let across = ["Patient", "Practitioner", "Organization"].map(|name| format!("/{name}?_summary=count"));
        across.into_iter().chain(inside).map(total).collect()
    }
}

fn person<'a>(file: &'a Value, role: &str) -> &'a Value {
    file["people"].as_array().unwrap().iter().find(|person| person["role"] == role).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_demo_starts_in_one_command_keeps_its_promises_stops_on_ctrl_c_and_continues() {
    let demo = Demo::new();
    let running = demo.start();
    its_file_names_everything(&demo);
    every_role_gets_the_right_answer(&demo);
    every_printed_command_works(&std::fs::read_to_string(&running.stdout).unwrap());
    its_ehr_refuses_nothing_and_sends_no_strange_code(&demo);
    let before = demo.population();
    assert!(before.iter().all(|(_, count)| *count > 0), "{before:?}");
    let passwords = demo.passwords();
    assert!(running.interrupt(STOP).success());

    let running = demo.start();
    assert_eq!(demo.population(), before);
    its_file_names_everything(&demo);
    every_role_gets_the_right_answer(&demo);
    assert_eq!(demo.passwords(), passwords);
    its_ehr_refuses_nothing_and_sends_no_strange_code(&demo);
    let said = std::fs::read_to_string(&running.stdout).unwrap();
    assert!(said.contains("Continuing with the synthetic records that are here already."), "{said}");
    assert!(running.interrupt(STOP).success());
}

fn its_file_names_everything(demo: &Demo) {
    let path = demo.data.join("demo.json");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&demo.data.join("data")), 0o700);
    let file = demo.file();
    assert_eq!(file["fhir"], format!("http://{}/fhir/R4", demo.ports[0]));
    let roles: Vec<&str> = file["people"].as_array().unwrap().iter().map(|p| p["role"].as_str().unwrap()).collect();
    let promised =
        ["physician", "nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient", "integration"];
    assert_eq!(roles, promised);
    assert!(file["subjects"].as_array().unwrap().len() >= 2);
    assert!(file["ehr"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let server = Client::new(&format!("http://{}", demo.ports[0]));
    for person in file["people"].as_array().unwrap() {
        let (name, password) = (person["username"].as_str().unwrap(), person["password"].as_str().unwrap());
        let form = format!("grant_type=password&client_id=console&username={name}&password={password}");
        server.form("/oauth2/token", &form).expect(200);
    }
}

fn every_role_gets_the_right_answer(demo: &Demo) {
    let patient = format!("/Patient/{}", demo.file()["subjects"][0].as_str().unwrap());
    // Role, status, name, birth date: from policies/matrix.txt.
    for (role, status, identity) in [
        ("physician", 200, true),
        ("nurse", 200, true),
        ("front-desk", 200, true),
        ("billing", 200, true),
        ("researcher", 200, false),
        ("auditor", 200, false),
        ("operator", 403, false),
        ("patient", 200, true),
        ("integration", 403, false),
    ] {
        let answer = demo.get(role, &patient).expect(status).json();
        assert_eq!(answer.get("birthDate").is_some(), identity, "{role}: {answer}");
        assert_eq!(answer["name"][0].get("family").is_some(), identity, "{role}: {answer}");
        if status == 200 && !identity {
            assert_eq!(answer["meta"]["security"][0]["code"], "REDACTED", "{role}: {answer}");
        }
    }
    let other = format!("/Patient/{}", demo.file()["subjects"][1].as_str().unwrap());
    assert_eq!(demo.get("patient", &other).status, 404, "a patient sees his own record and no other");
}

fn its_ehr_refuses_nothing_and_sends_no_strange_code(demo: &Demo) {
    let ops = Client::new(&format!("http://{}", demo.ports[1]));
    let end = Instant::now() + Duration::from_secs(120);
    let figures = loop {
        let figures = ops.get("/metrics").expect(200).text();
        let done = "aceso_connection_runs_total{connection=\"elation\",result=\"success\"} 0";
        if figures.contains("aceso_connection_runs_total{") && !figures.contains(done) {
            break figures;
        }
        assert!(Instant::now() < end, "no run has ended: {figures}");
        std::thread::sleep(Duration::from_millis(200));
    };
    for zero in [
        "refused_total{connection=\"elation\",what=\"list\"}",
        "unknown_codes_total{connection=\"elation\"}",
        "letters{connection=\"elation\"}",
    ] {
        assert!(figures.contains(&format!("aceso_connection_{zero} 0\n")), "{zero}: {figures}");
    }
    let subscriptions = "aceso_connection_refused_total{connection=\"elation\",what=\"subscription\"} 0\n";
    assert!(figures.contains(subscriptions), "{figures}");
}

/// Every command is run as a person would: pasted into a shell, in another folder.
fn every_printed_command_works(said: &str) {
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let helper = lines.iter().find(|line| line.starts_with("token()")).unwrap();
    let curls: Vec<&&str> = lines.iter().filter(|line| line.starts_with("curl ")).collect();
    assert!(curls.len() >= 6, "{said}");
    for curl in curls {
        let answer = shell(&format!("{helper}\n{curl} -w '\\n%{{http_code}}'"));
        let (body, status) = answer.rsplit_once('\n').unwrap();
        let wanted = if curl.contains("token operator") { "403" } else { "200" };
        assert_eq!(status, wanted, "{curl}: {body}");
        let json: Value = serde_json::from_str(body).unwrap();
        let empty = json["resourceType"] == "Bundle" && json["entry"].as_array().is_none_or(Vec::is_empty);
        assert!(!empty, "finds nothing: {curl}");
    }
    let verify = lines.iter().find(|line| line.contains("audit verify")).unwrap();
    for _ in 0..2 {
        assert!(shell(verify).contains("ok: true"));
    }
}

fn shell(command: &str) -> String {
    let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash").args(["-c", command]).current_dir("/").env("PATH", path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command}: {text} {}", String::from_utf8_lossy(&output.stderr));
    text
}
