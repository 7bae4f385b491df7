//! The web console of the running demo, in a real browser: every story, each role, light and dark, judged by axe.
//!
//! Pictures stay in `target/console`. Needs Chromium and two npm packages: `cargo xtask test` installs them and says where.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use aceso_emr_sim::{Kind, Options, Simulator};
use aceso_testkit::{Client, Running, binary, folder, free_port};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The bound of a page on the server, with the demo's data. Debug builds on a machine that builds beside are allowed ten times as much;
/// `ACESO_PAGE_MILLISECONDS` sets it.
const PAGE: Duration = Duration::from_millis(500);

fn part(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`, which installs the part"))
}

struct Demo {
    _running: Running,
    data: PathBuf,
}

impl Demo {
    fn start(name: &str) -> Self {
        let folder = folder(name);
        let [listen, ops] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let data = folder.join("demo");
        let place = data.to_str().unwrap();
        let arguments =
            ["demo", "--listen", &listen, "--ops-listen", &ops, "--data", place, "--patients", "4", "--without-ehr"];
        let mut running = Running::start(&folder, &arguments);
        running.wait_ready(&Client::new(&format!("http://{ops}")), Duration::from_secs(180));
        Self { _running: running, data }
    }

    fn file(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.data.join("demo.json")).unwrap()).unwrap()
    }
}

/// A simulated EHR with two objects that cannot be taken, connected to the demo and paused: it runs when a story says so.
fn connected(runtime: &tokio::runtime::Runtime, file: &Value) -> Simulator {
    let options = Options { patients: 3, ..Options::default() };
    let simulator = runtime.block_on(Simulator::start(options)).unwrap();
    let problems: Vec<i64> = simulator
        .truth()
        .entries(Kind::Problems)
        .filter(|entry| !entry.deleted)
        .map(|entry| entry.id)
        .take(2)
        .collect();
    for problem in problems {
        simulator.edit(Kind::Problems, problem, |body| {
            body.insert("patient".to_owned(), Value::from(1));
        });
    }
    let operator = file["people"].as_array().unwrap().iter().find(|person| person["role"] == "operator").unwrap();
    let credentials = simulator.credentials();
    let new = json!({ "name": "north", "vendor": "elation", "url": simulator.base_url(), "paused": true,
        "client_id": credentials.client_id, "secret": credentials.client_secret });
    let origin = file["console"].as_str().unwrap().trim_end_matches("/console").to_owned();
    let client = Client::new(&origin).bearer(operator["access_token"].as_str().unwrap());
    let body = new.to_string().into_bytes();
    let _ = client.send("POST", "/admin/v1/connections", &[("content-type", "application/json")], body).expect(201);
    simulator
}

/// `target/console`, emptied.
fn pictures() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test");
    let path = test.ancestors().nth(3).expect("target").join("console");
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn every_story_works_in_a_browser_for_each_role_and_axe_finds_nothing_serious() {
    let demo = Demo::start("console");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let simulator = connected(&runtime, &demo.file());
    let out = pictures();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/drive.mjs");
    let output = Command::new("node")
        .arg(script)
        .env("MODULES", part("ACESO_PARTS_MODULES"))
        .env("CHROMIUM", which(&part("ACESO_PARTS_CHROMIUM")))
        .env("DEMO", demo.data.join("demo.json"))
        .env("OUT", &out)
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&said).unwrap();
    assert!(told["checks"].as_u64().unwrap() > 200 && told["axe"].as_u64().unwrap() > 50, "{said}");
    assert!(told["pictures"].as_u64().unwrap() > 50, "{said}");
    println!("{said}pictures in {}", out.display());
    the_download_verifies(&out);
    runtime.block_on(simulator.stop());
}

fn which(program: &str) -> PathBuf {
    if program.contains('/') {
        return PathBuf::from(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists()).expect("Chromium")
}

/// What an auditor took along is a whole log, which anybody can check.
fn the_download_verifies(out: &Path) {
    let unpacked = Command::new("tar").arg("xf").arg(out.join("aceso-log.tar")).arg("-C").arg(out).status().unwrap();
    assert!(unpacked.success());
    let verified = Command::new(binary()).args(["audit", "verify"]).arg(out.join("aceso-log")).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// A browser of one person, without a window: keeps the session's cookie.
struct Session {
    client: Client,
}

impl Session {
    fn open(file: &Value, role: &str) -> Self {
        let origin = file["console"].as_str().unwrap().trim_end_matches("/console").to_owned();
        let person = file["people"].as_array().unwrap().iter().find(|person| person["role"] == role).unwrap();
        let client = Client::new(&origin);
        let page = client.get("/console/sign-in").expect(200);
        let client = client.with("cookie", page.header("set-cookie").split(';').next().unwrap());
        let (name, password) = (person["username"].as_str().unwrap(), person["password"].as_str().unwrap());
        let form = format!("csrf={}&username={name}&password={password}", token(&page.text()));
        let answer = client.form("/console/sign-in", &form).expect(303);
        let client = client.with("cookie", answer.header("set-cookie").split(';').next().unwrap());
        Self { client }
    }

    /// The fastest of several answers: what the page costs, without what else runs on the machine.
    fn time(&self, path: &str, form: Option<&str>) -> Duration {
        let token = token(&self.client.get("/console/me").expect(200).text());
        let ask = || {
            let started = Instant::now();
            let answer = match form {
                None => self.client.get(path),
                Some(form) => self.client.form(path, &format!("csrf={token}&{form}")),
            };
            assert_eq!(answer.status, 200, "{path}");
            started.elapsed()
        };
        (0..7).map(|_| ask()).min().unwrap()
    }
}

fn token(page: &str) -> String {
    let at = page.find("name=\"csrf\" value=\"").expect("a form with a token");
    page[at + 19..].split('"').next().unwrap().to_owned()
}

#[test]
fn every_page_is_rendered_in_time() {
    let demo = Demo::start("console-time");
    let file = demo.file();
    let patient = file["subjects"][0].as_str().unwrap();
    let record = format!("/console/patients/{patient}");
    let all = "class=identity&class=contact&class=clinical&class=sensitive&class=financial&class=narrative";
    let proof = format!("patient={patient}");
    let bound = std::env::var("ACESO_PAGE_MILLISECONDS").ok().and_then(|text| text.parse().ok());
    let bound = bound.map_or(PAGE, Duration::from_millis);
    let mut slow = Vec::new();
    for (role, path, form) in [
        ("physician", "/console/patients", None),
        ("physician", "/console/patients", Some("open=identity")),
        ("physician", &*record, None),
        ("physician", &*record, Some(all)),
        ("physician", "/console/proof", None),
        ("physician", "/console/proof", Some(&*proof)),
        ("physician", "/console/me", None),
        ("physician", "/console/claims", None),
        ("auditor", "/console/proof", None),
        ("auditor", "/console/audit", None),
        ("auditor", "/console/audit?denied", None),
        ("auditor", &*format!("/console/audit?patient={patient}"), None),
        ("operator", "/console/system", None),
        ("operator", "/console/proof", None),
        ("operator", "/console/connections", None),
    ] {
        let took = Session::open(&file, role).time(path, form);
        let shown = path.replace(patient, "{id}");
        println!("{role:<10} {} {shown:<32} {took:>9.1?}", if form.is_some() { "POST" } else { "GET " });
        if took > bound {
            slow.push(format!("{role} {shown}: {took:?}"));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}
