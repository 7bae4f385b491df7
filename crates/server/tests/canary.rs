//! One planted patient goes through every way in and every way of failing. Afterwards none of his values stands in any byte that
//! reached a disk or left the process without being asked for by somebody who may see it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_testkit::{Answer, Canary, Client, Clinic, Hit, folder};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

const ROLES: &[&str] = &["physician", "nurse", "researcher", "auditor", "operator", "integration"];
/// A second patient with the same values, who comes in by a file.
const IMPORTED: &str = "ca9a71e5-0b1d-4b1d-8b1d-c0ffee0ca9a8";

struct Hunt {
    canary: Canary,
    hits: Vec<Hit>,
    searched: usize,
}

impl Hunt {
    /// Everything of an answer that nobody may see: status line and headers, and the body.
    fn nothing_in(&mut self, what: &str, answer: &Answer) {
        self.bytes(&format!("body of {what}"), &answer.body);
        self.bytes(&format!("headers of {what}"), format!("{:?}", answer.headers).as_bytes());
    }

    fn bytes(&mut self, place: &str, bytes: &[u8]) {
        self.searched += bytes.len();
        self.hits.extend(self.canary.search_bytes(place, bytes));
    }

    fn folder(&mut self, folder: &Path) {
        self.hits.extend(self.canary.search_dir(folder));
    }

    #[track_caller]
    fn done(&self) {
        assert!(self.hits.is_empty(), "planted values were found: {:#?}", self.hits);
    }
}

#[test]
fn planted_values_are_nowhere_but_in_the_answers_of_those_who_may_see_them() {
    let place = folder("canary");
    // A small body limit, so that a body that is too large need not be large; as talkative a log as there is.
    let mut clinic = Clinic::open_in(&place, ROLES, "limits.body_bytes = 200000\ntelemetry.level = \"debug\"");
    let mut hunt = Hunt { canary: Canary::new(), hits: Vec::new(), searched: 0 };
    let observation = writes(&clinic, &mut hunt);
    let pages = searches(&clinic, &mut hunt);
    assert!(pages >= 3, "cursors were looked at");
    bad_input(&clinic, &mut hunt);
    strangers(&clinic, &mut hunt);
    operations(&clinic, &mut hunt);
    hunt.folder(&clinic.config.data);
    hunt.done();

    clinic.stop();
    import(&clinic, &mut hunt);
    hunt.folder(&clinic.config.data);
    clinic.start();
    seen_by_the_physician(&clinic, &observation);
    hunt.folder(&clinic.config.data);
    clinic.stop();
    clinic.start();
    clinic.kill_9();
    hunt.folder(&clinic.config.data);
    for name in ["stdout.log", "stderr.log"] {
        hunt.bytes(name, &std::fs::read(place.join(name)).unwrap());
    }
    hunt.done();
    the_search_finds_what_is_there(&clinic, &hunt);
    println!("searched {} bytes of answers and logs besides {}", hunt.searched, clinic.config.data.display());
}

/// Create, update, transaction, conditional create and update, delete.
fn writes(clinic: &Clinic, hunt: &mut Hunt) -> String {
    let (physician, feed) = (clinic.client("physician"), clinic.client("integration"));
    let patient = Canary::patient();
    let answer = feed.put(&format!("/fhir/R4/Patient/{}", Canary::ID), &patient).expect(201);
    hunt.nothing_in("create by the feed", &answer);
    let by_mrn = format!("identifier=urn:example:mrn|{}", Canary::MRN);
    let conditional = [("if-none-exist", by_mrn.as_str()), ("content-type", "application/fhir+json")];
    let mut same = patient.clone();
    same.as_object_mut().unwrap().remove("id");
    let body = same.to_string().into_bytes();
    let answer = feed.send("POST", "/fhir/R4/Patient", &conditional, body).expect(200);
    hunt.nothing_in("conditional create", &answer);
    let mut changed = patient;
    changed["gender"] = json!("other");
    let minimal = [("prefer", "return=minimal"), ("content-type", "application/fhir+json")];
    let path = format!("/fhir/R4/Patient/{}", Canary::ID);
    let answer = physician.send("PUT", &path, &minimal, changed.to_string().into_bytes()).expect(200);
    hunt.nothing_in("update with return=minimal", &answer);

    let created = feed.post("/fhir/R4/Observation", &Canary::observation()).expect(201);
    hunt.nothing_in("create of an observation", &created);
    let id = id_of(&created);
    let entry = |number: usize| {
        let name = format!("urn:uuid:00000000-0000-4000-8000-{number:012}");
        json!({ "fullUrl": name, "request": { "method": "POST", "url": "Observation" }, "resource": Canary::observation() })
    };
    for kind in ["transaction", "batch"] {
        let entries: Vec<Value> = (0..6).map(entry).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        let answer = feed.post("/fhir/R4", &bundle).expect(200);
        hunt.nothing_in(kind, &answer);
    }
    let doomed = feed.post("/fhir/R4/Observation", &Canary::observation()).expect(201);
    let path = format!("/fhir/R4/Observation/{}", id_of(&doomed));
    hunt.nothing_in("delete", &physician.delete(&path).expect(204));
    hunt.nothing_in("gone", &physician.get(&path).expect(410));
    id
}

fn id_of(created: &Answer) -> String {
    created.header("location").split('/').rev().nth(2).unwrap().to_owned()
}

/// Searches that find him. What the physician gets has the values; the cursors in it, and what others get, do not.
fn searches(clinic: &Clinic, hunt: &mut Hunt) -> usize {
    let physician = clinic.client("physician");
    let queries = [
        format!("family={}", Canary::FAMILY),
        format!("given:exact={}", Canary::GIVEN),
        format!("birthdate={}", Canary::BIRTH_DATE),
        format!("identifier=urn:example:mrn%7C{}", Canary::MRN),
        format!("phone={}", Canary::PHONE.replace('+', "%2B")),
    ];
    for query in &queries {
        let found = physician.get(&format!("/fhir/R4/Patient?{query}")).expect(200);
        assert_eq!(found.json()["entry"][0]["resource"]["birthDate"], Canary::BIRTH_DATE, "{query}");
        let found = physician.form("/fhir/R4/Patient/_search", query).expect(200);
        assert_eq!(found.json()["total"], 1, "{query}");
        // A researcher may not search by what he may not see, and does not learn whether it is there.
        for answer in [
            clinic.client("researcher").form("/fhir/R4/Patient/_search", query),
            clinic.client("operator").form("/fhir/R4/Patient/_search", query),
        ] {
            hunt.nothing_in("a search of somebody who may not", &answer);
        }
    }
    let mut pages = 0;
    let mut next = Some(format!("/fhir/R4/Observation?patient={}&_count=2", Canary::ID));
    while let Some(path) = next {
        let page = physician.get(&path).expect(200);
        hunt.bytes("headers of a page", format!("{:?}", page.headers).as_bytes());
        let page = page.json();
        let links = page["link"].as_array().unwrap();
        hunt.bytes("links of a page", Value::from(links.clone()).to_string().as_bytes());
        next =
            links.iter().find(|link| link["relation"] == "next").map(|link| link["url"].as_str().unwrap().to_owned());
        pages += 1;
    }
    let everything =
        clinic.client("researcher").get(&format!("/fhir/R4/Patient/{}/$everything", Canary::ID)).expect(200);
    hunt.nothing_in("everything for a researcher", &everything);
    for role in ["researcher", "auditor", "operator", "integration"] {
        for path in ["", "/_history", "/_history/1"] {
            let answer = clinic.client(role).get(&format!("/fhir/R4/Patient/{}{path}", Canary::ID));
            hunt.nothing_in(&format!("{role}: Patient/…{path}"), &answer);
        }
    }
    pages
}

/// Every kind of refusal, with a planted value in what is refused.
fn bad_input(clinic: &Clinic, hunt: &mut Hunt) {
    let physician = clinic.client("physician");
    let patient = Canary::patient().to_string();
    let bodies: Vec<(&str, String)> = vec![
        ("cut off", patient.split_at(patient.len() - 20).0.to_owned()),
        ("a wrong type", patient.replace(&format!("[\"{}\"]", Canary::GIVEN), &format!("\"{}\"", Canary::GIVEN))),
        ("no date", patient.replace(Canary::BIRTH_DATE, &format!("{}x", Canary::BIRTH_DATE))),
        ("no code", patient.replace("\"female\"", &format!("\"{}\"", Canary::FAMILY))),
        ("an unknown element", patient.replace("\"gender\"", &format!("\"{}\"", Canary::FAMILY))),
        ("a key twice", patient.replacen('{', &format!("{{\"birthDate\":\"{}\",", Canary::BIRTH_DATE), 1)),
        ("an unknown type", patient.replace("\"Patient\"", &format!("\"{}\"", Canary::FAMILY))),
        ("another id", patient.replace(Canary::ID, Canary::MRN)),
        ("text", format!("{} {} {}", Canary::FAMILY, Canary::NOTE, Canary::MRN)),
        (
            "too deep",
            format!("{{\"resourceType\":\"Patient\",\"x\":{}\"{}\"{}", "[".repeat(90), Canary::NOTE, "]".repeat(90)),
        ),
        ("too large", format!("{{\"resourceType\":\"Patient\",\"x\":\"{}\"}}", Canary::NOTE.repeat(9000))),
    ];
    let path = format!("/fhir/R4/Patient/{}", Canary::ID);
    for (what, body) in &bodies {
        let headers = [("content-type", "application/fhir+json")];
        let answer = physician.send("PUT", &path, &headers, body.clone().into_bytes());
        assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
        hunt.nothing_in(what, &answer);
        let answer = physician.send("PUT", &path, &[("content-type", "text/plain")], body.clone().into_bytes());
        hunt.nothing_in(what, &answer);
        for kind in ["batch", "transaction"] {
            let Ok(resource) = serde_json::from_str::<Value>(body) else { continue };
            let entry = json!({ "request": { "method": "PUT", "url": format!("Patient/{}", Canary::ID) }, "resource": resource });
            let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": [entry] });
            hunt.nothing_in(&format!("{what} in a {kind}"), &physician.post("/fhir/R4", &bundle));
        }
    }
    let encoded = |text: &str| text.replace('+', "%2B").replace(' ', "%20").replace('|', "%7C");
    for (what, value) in Canary::VALUES {
        let value = encoded(value);
        for path in [
            format!("/fhir/R4/Patient?nonsense={value}"),
            format!("/fhir/R4/Patient?{value}=1"),
            format!("/fhir/R4/Patient?birthdate=zz{value}"),
            format!("/fhir/R4/Patient?family:nonsense={value}"),
            format!("/fhir/R4/Patient?_sort={value}"),
            format!("/fhir/R4/Patient?_count={value}"),
            format!("/fhir/R4/Patient?_cursor={value}"),
            format!("/fhir/R4/Observation?patient={value}&nonsense={value}"),
            format!("/fhir/R4/Patient/{value}"),
            format!("/fhir/R4/{value}"),
            format!("/fhir/R4/{value}/{value}/{value}"),
            format!("/{value}"),
            format!("/audit/entries?from={value}"),
            format!("/audit/tile/{value}"),
        ] {
            let answer = physician.get(&path);
            assert!((400..500).contains(&answer.status), "{what} at {path}: {} {}", answer.status, answer.text());
            hunt.nothing_in(&format!("{what} in {path}"), &answer);
        }
        let form = format!("nonsense={value}&birthdate={value}");
        hunt.nothing_in(&format!("{what} in a form"), &physician.form("/fhir/R4/Patient/_search", &form).expect(400));
    }
    for name in [
        "x-purpose-of-use",
        "prefer",
        "if-match",
        "if-none-exist",
        "accept",
        "x-request-id",
        "traceparent",
        "x-forwarded-for",
        "user-agent",
        "cookie",
    ] {
        for value in [Canary::MRN, Canary::FAMILY, Canary::NOTE] {
            let headers = [(name, value), ("content-type", "application/fhir+json")];
            let answer = physician.send("POST", "/fhir/R4/Patient", &headers, b"{}".to_vec());
            hunt.nothing_in(&format!("header {name}"), &answer);
            // A read with it may be fine; then the physician sees what he may.
            let _ = physician.send("GET", &path, &headers[..1], Vec::new());
        }
    }
    for (method, version) in [(Canary::FAMILY, "1.1"), ("GET", Canary::MRN)] {
        let mut stream = TcpStream::connect(("127.0.0.1", clinic.config.port)).unwrap();
        let request =
            format!("{method} {path} HTTP/{version}\r\nhost: {}\r\nconnection: close\r\n\r\n", Canary::FAMILY);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
        hunt.bytes("answer to a request that is none", &answer);
    }
}

/// Wrong tokens and wrong passwords that are, by mistake, a patient's values.
fn strangers(clinic: &Clinic, hunt: &mut Hunt) {
    let path = format!("/fhir/R4/Patient/{}", Canary::ID);
    let open = clinic.config.client();
    for value in [Canary::FAMILY, Canary::MRN, Canary::BIRTH_DATE] {
        hunt.nothing_in("a wrong token", &open.bearer(value).get(&path).expect(401));
        hunt.nothing_in("no token", &open.get(&format!("{path}?x={value}")).expect(401));
        for form in [
            format!("grant_type=password&client_id=console&username={value}&password={value}"),
            format!("grant_type=password&client_id={value}&username=physician&password=x"),
            format!("grant_type={value}"),
            format!("grant_type=client_credentials&client_id={value}&client_secret={value}"),
            format!("grant_type=refresh_token&client_id=console&refresh_token={value}"),
            format!("grant_type=password&client_id=console&username=physician&password={value}&scope={value}"),
            format!("{value}={value}"),
        ] {
            let answer = open.form("/oauth2/token", &form);
            assert!((400..500).contains(&answer.status), "{form}: {}", answer.status);
            hunt.nothing_in("a token that is refused", &answer);
            hunt.nothing_in("revoke", &open.form("/oauth2/revoke", &form));
            hunt.nothing_in("introspect", &open.form("/oauth2/introspect", &form));
        }
    }
}

/// What operators and auditors see.
fn operations(clinic: &Clinic, hunt: &mut Hunt) {
    let ops = clinic.config.ops();
    for path in ["/metrics", "/readyz", "/healthz"] {
        hunt.nothing_in(path, &ops.get(path).expect(200));
    }
    let entries = Value::from(clinic.entries(0)).to_string();
    assert!(entries.contains(Canary::ID), "the log names the record");
    hunt.bytes("/audit/entries", entries.as_bytes());
    hunt.nothing_in("checkpoint", &clinic.client("auditor").get("/audit/checkpoint").expect(200));
    let log = clinic.export_log("log");
    hunt.folder(&log);
    for command in [&["keys", "status"][..], &["leakage"], &["people", "list"]] {
        hunt.bytes(&command.join(" "), clinic.command_json(command).to_string().as_bytes());
    }
}

/// A file of bundles, one of them with faults.
fn import(clinic: &Clinic, hunt: &mut Hunt) {
    let inbox = clinic.config.folder.join("inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    let entry = |resource: Value| {
        let url = format!("Patient/{}", resource["id"].as_str().unwrap_or(IMPORTED));
        json!({ "request": { "method": "PUT", "url": url }, "resource": resource })
    };
    let mut patient = Canary::patient();
    patient["id"] = json!(IMPORTED);
    let mut faulty = patient.clone();
    faulty["birthDate"] = json!(format!("{}x", Canary::BIRTH_DATE));
    faulty[Canary::FAMILY] = json!(Canary::NOTE);
    let bundle = |kind: &str, entries: Vec<Value>| {
        json!({ "resourceType": "Bundle", "type": kind, "entry": entries }).to_string()
    };
    std::fs::write(inbox.join("1.json"), bundle("transaction", vec![entry(patient)])).unwrap();
    std::fs::write(inbox.join("2.json"), bundle("transaction", vec![entry(faulty)])).unwrap();
    std::fs::write(inbox.join("3.json"), format!("{{ \"{}\": {}", Canary::NOTE, Canary::MRN)).unwrap();
    let quarantine = clinic.config.folder.join("quarantine.ndjson");
    let output = clinic.command(&["import", inbox.to_str().unwrap(), "--quarantine", quarantine.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    hunt.bytes("output of an import", &output.stdout);
    hunt.bytes("errors of an import", &output.stderr);
    let refused = std::fs::read(&quarantine).unwrap();
    assert_eq!(refused.iter().filter(|byte| **byte == b'\n').count(), 2);
    hunt.bytes("quarantine", &refused);
}

/// The positive control: the values are all there, for somebody who may see them.
fn seen_by_the_physician(clinic: &Clinic, observation: &str) {
    let physician: Client = clinic.client("physician");
    let canary = Canary::new();
    for id in [Canary::ID, IMPORTED] {
        let seen = physician.get(&format!("/fhir/R4/Patient/{id}")).expect(200);
        for (what, _) in Canary::VALUES {
            let hits = canary.search_bytes("answer", &seen.body);
            assert!(hits.iter().any(|hit| hit.what == *what && hit.encoding == "utf-8"), "{what}: {}", seen.text());
        }
    }
    let seen = physician.get(&format!("/fhir/R4/Observation/{observation}")).expect(200).text();
    assert!(seen.contains(Canary::NOTE), "{seen}");
}

/// The other control: the search reads the files where the record is, and finds a value as soon as there is one.
fn the_search_finds_what_is_there(clinic: &Clinic, hunt: &Hunt) {
    let id = Canary::ID.as_bytes();
    let stored = ["records.db", "records.db-wal"].iter().any(|name| {
        let bytes = std::fs::read(clinic.config.data.join(name)).unwrap_or_default();
        bytes.windows(id.len()).any(|window| window == id)
    });
    assert!(stored, "the logical id, which is no secret, is in the database");
    std::fs::write(clinic.config.data.join("planted"), format!("…{}…", Canary::STREET)).unwrap();
    let hits = hunt.canary.search_dir(&clinic.config.data);
    assert!(hits.iter().any(|hit| hit.what == "street"), "{hits:?}");
}
