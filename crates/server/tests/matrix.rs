//! Role × purpose × interaction × data class, over HTTP: the server does what `policies/matrix.txt` says, no more and no less, and
//! every call is in the log as what it was.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_testkit::{Answer, Clinic};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ROLES: [&str; 9] =
    ["physician", "nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient", "integration"];
const PURPOSES: [&str; 8] = ["TREAT", "ETREAT", "HPAYMT", "HOPERAT", "HRESCH", "PATRQT", "HSYSADMIN", "HCOMPL"];
const PATIENT: &str = "5eed0000-0b1d-4b1d-8b1d-c0ffee0ca9a7";
const STRANGER: &str = "5eed0001-0b1d-4b1d-8b1d-c0ffee0ca9a7";
const RECORD: &str = "5eed0002-0b1d-4b1d-8b1d-c0ffee0ca9a7";
const ORGANISATION: &str = "matrix-clinic";

/// One value of each class that can be told from all others, and the type that it stands in.
const MARKS: [(&str, &str, &str); 6] = [
    ("identity", "Patient", "Markofidentity"),
    ("contact", "Patient", "+1-555-0199-777"),
    ("narrative", "Patient", "markofnarrative"),
    ("clinical", "Observation", "8877.125"),
    ("sensitive", "MolecularSequence", "ACGTTGCAACGT"),
    ("financial", "Claim", "77123.45"),
];

type Classes = BTreeSet<String>;

/// One line of the matrix.
struct Rule {
    interactions: BTreeSet<String>,
    kind: String,
    types: Option<BTreeSet<String>>,
    classes: Classes,
}

/// The checked-in matrix.
struct Matrix(BTreeMap<(String, String), Vec<Rule>>);

impl Matrix {
    fn read() -> Self {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/matrix.txt")).unwrap();
        let words = |text: &str| text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut found: BTreeMap<_, Vec<Rule>> = BTreeMap::new();
        let mut current = None;
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let Some(rule) = line.strip_prefix("  ") else {
                let mut head = line.split(' ').map(str::to_owned);
                current = head.next().zip(head.next());
                continue;
            };
            let parts: Vec<&str> = rule.split(" | ").collect();
            let (kind, types) = match parts[1].split_once(" [") {
                Some((kind, types)) => (kind, Some(words(types.trim_end_matches(']')))),
                None => (parts[1], None),
            };
            let classes = parts.get(2).map(|text| words(text)).unwrap_or_default();
            let rule = Rule {
                interactions: words(parts[0]),
                kind: kind.trim_start_matches("own ").to_owned(),
                types,
                classes,
            };
            found.entry(current.clone().unwrap()).or_default().push(rule);
        }
        assert!(found.len() > 10, "the matrix is understood");
        Self(found)
    }

    fn rules<'a>(
        &'a self,
        role: &str,
        purpose: &str,
        kind: &'a str,
        interaction: &'a str,
    ) -> impl Iterator<Item = &'a Rule> {
        let rules = self.0.get(&(role.to_owned(), purpose.to_owned()));
        rules.into_iter().flatten().filter(move |rule| rule.kind == kind && rule.interactions.contains(interaction))
    }

    /// The classes that a read opens; `None` when it is refused.
    fn opens(&self, role: &str, purpose: &str, kind: &str, interaction: &str) -> Option<Classes> {
        self.rules(role, purpose, kind, interaction).next().map(|rule| rule.classes.clone())
    }

    fn takes(&self, role: &str, purpose: &str, kind: &str, interaction: &str, rtype: &str, classes: &[&str]) -> bool {
        self.rules(role, purpose, kind, interaction).any(|rule| {
            rule.types.as_ref().is_none_or(|types| types.contains(rtype))
                && classes.iter().all(|class| rule.classes.contains(*class))
        })
    }

    fn may_read_the_log(&self, role: &str, purpose: &str) -> bool {
        self.rules(role, purpose, "installation", "read-audit").next().is_some()
    }
}

/// A call that was made, to be found in the log.
struct Made {
    what: String,
    role: &'static str,
    purpose: &'static str,
    refused: bool,
    request: String,
    classes: Option<Classes>,
}

struct House {
    clinic: Clinic,
    matrix: Matrix,
    calls: Vec<Made>,
}

fn records() -> Vec<(&'static str, Value)> {
    let patient = |id: &str| {
        json!({
            "resourceType": "Patient", "id": id, "name": [{ "family": "Markofidentity" }],
            "telecom": [{ "system": "phone", "value": "+1-555-0199-777" }],
            "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">markofnarrative</div>" },
        })
    };
    let subject = json!({ "reference": format!("Patient/{PATIENT}") });
    let organisation = json!({ "reference": format!("Organization/{ORGANISATION}") });
    vec![
        ("Organization", json!({ "resourceType": "Organization", "id": ORGANISATION, "name": "Matrix clinic" })),
        ("Patient", patient(PATIENT)),
        (
            "Observation",
            json!({
                "resourceType": "Observation", "id": RECORD, "status": "final", "code": { "text": "x" }, "subject": subject,
                "valueQuantity": { "value": 8877.125 },
            }),
        ),
        (
            "MolecularSequence",
            json!({
                "resourceType": "MolecularSequence", "id": RECORD, "coordinateSystem": 0, "patient": subject, "observedSeq": "ACGTTGCAACGT",
            }),
        ),
        (
            "Coverage",
            json!({
                "resourceType": "Coverage", "id": RECORD, "status": "active", "beneficiary": subject, "payor": [organisation],
            }),
        ),
        (
            "Claim",
            json!({
                "resourceType": "Claim", "id": RECORD, "status": "active", "type": { "text": "x" }, "use": "claim", "patient": subject,
                "created": "2024-01-01", "provider": organisation, "priority": { "text": "x" },
                "insurance": [{ "sequence": 1, "focal": true, "coverage": { "reference": format!("Coverage/{RECORD}") } }],
                "total": { "value": 77123.45, "currency": "USD" },
            }),
        ),
        ("Patient", patient(STRANGER)),
    ]
}

impl House {
    fn open() -> Self {
        let roles: Vec<&str> = ROLES.into_iter().filter(|role| *role != "patient").collect();
        let mut clinic = Clinic::open("matrix", &roles, "");
        clinic.add_person("patient", &["--role", "patient", "--patient", PATIENT]);
        let physician = clinic.client("physician");
        for (rtype, record) in records() {
            let id = record["id"].as_str().unwrap();
            physician.put(&format!("/fhir/R4/{rtype}/{id}"), &record).expect(201);
        }
        Self { clinic, matrix: Matrix::read(), calls: Vec::new() }
    }

    fn call(
        &mut self,
        role: &'static str,
        purpose: &'static str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let client = self.clinic.client(role).with("x-purpose-of-use", purpose);
        let search = path.ends_with("_search");
        let kind = if method == "PATCH" {
            "application/json-patch+json"
        } else if search {
            "application/x-www-form-urlencoded"
        } else {
            "application/fhir+json"
        };
        let headers = [("content-type", kind), ("prefer", "return=representation")];
        let form = format!("patient={PATIENT}");
        let body =
            body.map(|body| body.to_string()).or_else(|| search.then(|| form.replace("patient=", id_parameter(path))));
        client.send(method, path, if body.is_some() { &headers } else { &[] }, body.unwrap_or_default().into_bytes())
    }

    fn note(&mut self, what: &str, who: (&'static str, &'static str), answer: &Answer, classes: Option<Classes>) {
        self.calls.push(Made {
            what: what.to_owned(),
            role: who.0,
            purpose: who.1,
            refused: answer.status == 403,
            request: answer.header("x-request-id").to_owned(),
            classes,
        });
        let receipt = answer.header("x-audit-receipt");
        assert!(!receipt.is_empty(), "no receipt: {what} by {who:?}: {}", answer.status);
    }

    /// A read of patient data or of the directory: refused, or with exactly the marks of the classes.
    fn reads(&mut self, who: (&'static str, &'static str), interaction: &str, method: &str, rtype: &str, path: &str) {
        let kind = if rtype == "Organization" { "directory" } else { "patient-data" };
        let classes = self.matrix.opens(who.0, who.1, kind, interaction);
        let answer = self.call(who.0, who.1, method, path, None);
        let what = format!("{method} {path} by {who:?}");
        assert_eq!(answer.status, if classes.is_some() { 200 } else { 403 }, "{what}: {}", answer.text());
        let expected: BTreeSet<&str> = MARKS
            .iter()
            .filter(|(class, place, _)| {
                (*place == rtype || interaction == "everything")
                    && classes.as_ref().is_some_and(|open| open.contains(*class))
            })
            .map(|(class, _, _)| *class)
            .collect();
        assert_eq!(marks(&answer), expected, "{what}: {}", answer.text());
        self.note(&what, who, &answer, classes);
    }

    /// A write, and that its answer shows nothing that a read would not.
    fn writes(
        &mut self,
        who: (&'static str, &'static str),
        interaction: &str,
        method: &str,
        path: &str,
        write: &Write,
    ) {
        let kind = if write.rtype == "Organization" { "directory" } else { "patient-data" };
        let allowed = self.matrix.takes(who.0, who.1, kind, interaction, write.rtype, write.classes);
        let answer = self.call(who.0, who.1, method, path, write.body.as_ref());
        let what = format!("{method} {path} ({}) by {who:?}", write.rtype);
        let well = matches!(answer.status, 200 | 201 | 204);
        assert_eq!((well, answer.status == 403), (allowed, !allowed), "{what}: {} {}", answer.status, answer.text());
        let open = self.matrix.opens(who.0, who.1, kind, "read").unwrap_or_default();
        assert!(marks(&answer).iter().all(|class| open.contains(*class)), "{what} shows: {}", answer.text());
        self.note(&what, who, &answer, None);
    }
}

struct Write {
    rtype: &'static str,
    classes: &'static [&'static str],
    body: Option<Value>,
}

fn id_parameter(path: &str) -> &'static str {
    if path.contains("/Patient/_search") { "_id=" } else { "patient=" }
}

fn marks(answer: &Answer) -> BTreeSet<&'static str> {
    let text = answer.text();
    MARKS.iter().filter(|(_, _, mark)| text.contains(mark)).map(|(class, _, _)| *class).collect()
}

fn without_id(mut record: Value) -> Value {
    record.as_object_mut().unwrap().remove("id");
    record
}

fn all_reads(house: &mut House, who: (&'static str, &'static str)) {
    for (rtype, id) in [("Patient", PATIENT), ("Observation", RECORD), ("MolecularSequence", RECORD), ("Claim", RECORD)]
    {
        let one = format!("/fhir/R4/{rtype}/{id}");
        let all = format!("/fhir/R4/{rtype}");
        let query = if rtype == "Patient" { format!("_id={PATIENT}") } else { format!("patient={PATIENT}") };
        house.reads(who, "read", "GET", rtype, &one);
        house.reads(who, "vread", "GET", rtype, &format!("{one}/_history/1"));
        house.reads(who, "history", "GET", rtype, &format!("{one}/_history"));
        house.reads(who, "search", "GET", rtype, &format!("{all}?{query}"));
        house.reads(who, "search", "POST", rtype, &format!("{all}/_search"));
        if rtype != "Patient" {
            house.reads(who, "search", "GET", rtype, &format!("/fhir/R4/Patient/{PATIENT}/{rtype}"));
        }
    }
    house.reads(who, "everything", "GET", "Patient", &format!("/fhir/R4/Patient/{PATIENT}/$everything?_count=1000"));
    let clinic = format!("/fhir/R4/Organization/{ORGANISATION}");
    house.reads(who, "read", "GET", "Organization", &clinic);
    house.reads(who, "history", "GET", "Organization", &format!("{clinic}/_history"));
    house.reads(who, "search", "GET", "Organization", "/fhir/R4/Organization?name=matrix");
}

fn all_writes(house: &mut House, who: (&'static str, &'static str)) {
    let find = |wanted: &str| records().into_iter().find(|(rtype, _)| *rtype == wanted).unwrap().1;
    let appointment = json!({ "resourceType": "Appointment", "status": "proposed",
        "participant": [{ "status": "accepted", "actor": { "reference": format!("Patient/{PATIENT}") } }] });
    let person = json!({ "resourceType": "Patient", "name": [{ "family": "New" }] });
    let cases: [(&str, &[&str], Value); 6] = [
        ("Observation", &["structure", "clinical"], without_id(find("Observation"))),
        ("MolecularSequence", &["structure", "sensitive"], without_id(find("MolecularSequence"))),
        ("Claim", &["structure", "financial"], without_id(find("Claim"))),
        ("Appointment", &["structure"], appointment),
        ("Patient", &["structure", "identity"], person),
        ("Organization", &["structure"], json!({ "resourceType": "Organization", "name": "another" })),
    ];
    for (rtype, classes, body) in cases {
        let entry = json!({ "request": { "method": "POST", "url": rtype }, "resource": body });
        let write = Write { rtype, classes, body: Some(body) };
        house.writes(who, "create", "POST", &format!("/fhir/R4/{rtype}"), &write);
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
        house.writes(who, "create", "POST", "/fhir/R4", &Write { body: Some(bundle), ..write });
    }
    let classes = &["structure", "clinical"];
    let same = Write { rtype: "Observation", classes, body: Some(find("Observation")) };
    house.writes(who, "update", "PUT", &format!("/fhir/R4/Observation/{RECORD}"), &same);
    let change = |path: &str, value: &str| Some(json!([{ "op": "replace", "path": path, "value": value }]));
    let patch = Write { rtype: "Observation", classes, body: change("/status", "amended") };
    house.writes(who, "patch", "PATCH", &format!("/fhir/R4/Observation/{RECORD}"), &patch);
    let patch = Write { rtype: "Organization", classes: &["structure"], body: change("/name", "Matrix clinic again") };
    house.writes(who, "patch", "PATCH", &format!("/fhir/R4/Organization/{ORGANISATION}"), &patch);
    let mine =
        house.clinic.client("physician").post("/fhir/R4/Observation", &without_id(find("Observation"))).expect(201);
    let doomed = mine.header("location").split("/_history").next().unwrap().to_owned();
    let end = Write { rtype: "Observation", classes: &["structure"], body: None };
    house.writes(who, "delete", "DELETE", &doomed, &end);
}

#[test]
fn the_server_does_what_the_checked_in_matrix_says_and_logs_every_call() {
    let mut house = House::open();
    let before = house.clinic.log_size();
    for role in ROLES {
        for purpose in PURPOSES {
            all_reads(&mut house, (role, purpose));
            all_writes(&mut house, (role, purpose));
            for path in ["/audit/checkpoint", "/audit/entries?count=1", "/audit/tile/0/000.p/1"] {
                let answer = house.call(role, purpose, "GET", path, None);
                let allowed = house.matrix.may_read_the_log(role, purpose);
                assert_eq!(answer.status, if allowed { 200 } else { 403 }, "{path} by {role} for {purpose}");
                house.note(path, (role, purpose), &answer, None);
            }
        }
    }
    a_stranger_is_absent(&mut house);
    every_call_is_in_the_log(&house, before);
    let granted = house.calls.iter().filter(|call| !call.refused).count();
    println!("{} calls, {granted} granted; each as the matrix says and in the log", house.calls.len());
}

fn a_stranger_is_absent(house: &mut House) {
    let own = house.call("patient", "PATRQT", "GET", &format!("/fhir/R4/Patient/{STRANGER}"), None).expect(404);
    let none =
        house.call("patient", "PATRQT", "GET", &format!("/fhir/R4/Patient/{}", STRANGER.replace("0001", "0009")), None);
    assert_eq!((own.status, &own.body), (none.status, &none.body));
    let request = own.header("x-request-id").to_owned();
    let entries = house.clinic.entries(house.clinic.log_size().saturating_sub(20));
    let entry = entries.iter().find(|entry| entry["request"] == request.as_str()).unwrap();
    assert_eq!(entry["outcome"], "denied", "{entry}");
}

fn every_call_is_in_the_log(house: &House, from: u64) {
    let mut by_request: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in house.clinic.entries(from) {
        by_request.entry(entry["request"].as_str().unwrap_or_default().to_owned()).or_default().push(entry);
    }
    for call in &house.calls {
        let entries = by_request.get(&call.request).unwrap_or_else(|| panic!("not in the log: {}", call.what));
        assert!(call.refused || entries.iter().any(|entry| entry["outcome"] == "granted"), "{}", call.what);
        for entry in entries {
            assert_eq!(entry["roles"], json!([call.role]), "{}: {entry}", call.what);
            assert_eq!(entry["purpose"], call.purpose, "{}: {entry}", call.what);
            let denied = entry["outcome"] == "denied";
            // Who may write and not read asked for what he wrote, and did not get it.
            let not_shown = denied && !call.refused && call.classes.is_none() && entry["action"] == "vread";
            assert!(denied == call.refused || not_shown, "{}: {entry}", call.what);
            assert!(!denied || entry["reason"].is_string(), "{}: {entry}", call.what);
            for class in entry["classes"].as_array().into_iter().flatten() {
                let open = call.classes.as_ref().is_none_or(|open| open.contains(class.as_str().unwrap()));
                assert!(open, "{}: {entry}", call.what);
            }
        }
    }
}
