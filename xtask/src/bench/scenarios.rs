//! What is measured, against `aceso demo` on fresh data.

use super::Options;
use super::client::get_json;
use super::process::{MemoryWatch, Server, free_port};
use super::wrk::{self, Load};
use crate::command::Failure;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const FHIR: &str = "/fhir/R4";

/// A server with data, and what is needed to ask it.
struct Bench<'a> {
    port: u16,
    id: u32,
    tokens: BTreeMap<String, String>,
    patients: Vec<String>,
    folder: &'a Path,
    options: &'a Options,
}

/// Runs every scenario; one row each.
pub(crate) fn run(binary: &Path, folder: &Path, options: &Options) -> Result<Vec<Vec<String>>, Failure> {
    let port = free_port()?;
    let data = folder.join("data");
    let (listen, patients) = (format!("127.0.0.1:{port}"), options.patients.to_string());
    let place = data.to_string_lossy();
    let mut server =
        Server::start(binary, &["demo", "--listen", &listen, "--data", &place, "--patients", &patients], folder)?;
    let told = data.join("demo.json");
    server.wait_until(Duration::from_secs(600), || {
        told.exists() && get_json(port, &format!("{FHIR}/metadata"), None).is_ok()
    })?;
    let text = std::fs::read_to_string(&told).map_err(|error| format!("demo.json: {error}"))?;
    let demo: Value = serde_json::from_str(&text).map_err(|error| format!("demo.json: {error}"))?;
    let bench = Bench {
        port,
        id: server.id(),
        tokens: tokens(&demo),
        patients: strings(demo.get("subjects")),
        folder,
        options,
    };
    let rows = bench.all()?;
    server.stop(Duration::from_secs(30))?;
    Ok(rows)
}

impl Bench<'_> {
    fn all(&self) -> Result<Vec<Vec<String>>, Failure> {
        let observations = self.observations()?;
        let reads: Vec<_> = observations.iter().map(|id| (format!("{FHIR}/Observation/{id}"), String::new())).collect();
        let searches: Vec<_> =
            self.patients.iter().flat_map(|id| searches(id)).map(|path| (path, String::new())).collect();
        let new: Vec<_> = (0..2000).map(|n| (format!("{FHIR}/Observation"), self.observation(n).to_string())).collect();
        let transactions: Vec<_> = (0..500).map(|n| (FHIR.to_owned(), self.transaction(n).to_string())).collect();
        let json = ("content-type", "application/fhir+json".to_owned());
        let none = ("accept", "application/fhir+json".to_owned());
        let mut rows = Vec::new();
        for (name, role, method, header, requests) in [
            ("reads by id, physician", "physician", "GET", &none, &reads),
            ("reads by id, redacted (billing)", "billing", "GET", &none, &reads),
            ("searches within a patient", "physician", "GET", &none, &searches),
            ("creates", "physician", "POST", &json, &new),
            ("transactions of 10", "physician", "POST", &json, &transactions),
        ] {
            rows.push(self.scenario(name, role, method, header, requests)?);
        }
        Ok(rows)
    }

    fn scenario(
        &self,
        name: &str,
        role: &str,
        method: &str,
        header: &(&str, String),
        requests: &[(String, String)],
    ) -> Result<Vec<String>, Failure> {
        if requests.is_empty() {
            return Err(format!("{name}: the data gives no request to send"));
        }
        let token = self.token(role)?;
        let headers = [(header.0, header.1.clone()), ("authorization", format!("Bearer {token}"))];
        let file = name.replace([' ', ',', '(', ')'], "-");
        let load = Load { name: &file, method, headers: &headers, requests };
        let base = format!("http://127.0.0.1:{}", self.port);
        let go = |seconds| wrk::run(&load, &base, self.folder, seconds, self.options.connections);
        go(self.options.seconds.div_ceil(3))?;
        let memory = MemoryWatch::start(self.id);
        let outcome = go(self.options.seconds)?;
        let peak = memory.finish();
        Ok(vec![
            name.to_owned(),
            format!("{:.0}", outcome.per_second),
            format!("{:.2}", outcome.p50),
            format!("{:.2}", outcome.p99),
            outcome.refused.to_string(),
            outcome.failed.to_string(),
            (peak / 1_000_000).to_string(),
        ])
    }

    fn token(&self, role: &str) -> Result<&str, Failure> {
        self.tokens.get(role).map(String::as_str).ok_or(format!("demo.json has no person with the role {role}"))
    }

    /// Ids of observations of the demo's patients.
    fn observations(&self) -> Result<Vec<String>, Failure> {
        let token = self.token("physician")?;
        let mut ids = Vec::new();
        for patient in &self.patients {
            let found = get_json(self.port, &format!("{FHIR}/Observation?patient={patient}&_count=500"), Some(token))?;
            let entries = found.get("entry").and_then(Value::as_array).into_iter().flatten();
            ids.extend(entries.filter_map(|entry| entry.pointer("/resource/id")?.as_str().map(str::to_owned)));
        }
        Ok(ids)
    }

    fn patient(&self, n: usize) -> &str {
        self.patients.get(n % self.patients.len().max(1)).map_or("", String::as_str)
    }

    fn observation(&self, n: usize) -> Value {
        json!({
            "resourceType": "Observation",
            "status": "final",
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4", "display": "Heart rate" }], "text": "Heart rate" },
            "subject": { "reference": format!("Patient/{}", self.patient(n)) },
            "effectiveDateTime": format!("2026-01-01T10:{:02}:{:02}Z", n / 60 % 60, n % 60),
            "valueQuantity": { "value": 60 + n % 40, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min" }
        })
    }

    fn transaction(&self, n: usize) -> Value {
        let entry = |i| json!({ "resource": self.observation(n * 10 + i), "request": { "method": "POST", "url": "Observation" } });
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": (0..10).map(entry).collect::<Vec<_>>() })
    }
}

fn searches(patient: &str) -> Vec<String> {
    [
        "Observation?patient=P&category=vital-signs&_count=20",
        "Observation?patient=P&code=http://loinc.org|8867-4&_count=20",
        "Observation?patient=P&date=ge2015-01-01&_count=20",
        "Condition?patient=P&_count=20",
        "Encounter?patient=P&_count=20",
    ]
    .map(|query| format!("{FHIR}/{}", query.replace("=P&", &format!("={patient}&")).replace('|', "%7C")))
    .to_vec()
}

fn tokens(demo: &Value) -> BTreeMap<String, String> {
    let people = demo.get("people").and_then(Value::as_array).into_iter().flatten();
    people
        .filter_map(|person| {
            Some((person.get("role")?.as_str()?.to_owned(), person.get("access_token")?.as_str()?.to_owned()))
        })
        .collect()
}

fn strings(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
