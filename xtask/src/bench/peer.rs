//! A server that is measured, ready to be asked.

use super::client::get_json;
use super::process::{Server, free_port};
use crate::command::Failure;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How long a start with loading may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(900);

/// A server with data.
#[derive(Debug)]
pub(crate) struct Peer {
    /// As the tables name it.
    pub name: &'static str,
    /// Its process.
    pub server: Server,
    /// Where it listens on the loopback.
    pub port: u16,
    /// Path of its FHIR endpoint.
    pub base: &'static str,
    /// Tokens by role; none for a server that lets everybody in.
    tokens: Option<BTreeMap<String, String>>,
    /// Patients to ask about.
    pub patients: Vec<String>,
    /// Observations of them, as the server gave them.
    pub observations: Vec<Value>,
}

impl Peer {
    /// `aceso demo` on fresh data in `folder`.
    pub fn aceso(name: &'static str, binary: &Path, folder: &Path, patients: u32) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let (port, ops, data) = (free_port()?, free_port()?, folder.join("data"));
        let (listen, ops) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{ops}"));
        let (place, patients) = (data.to_string_lossy(), patients.to_string());
        let arguments = ["demo", "--listen", &listen, "--ops-listen", &ops, "--data", &place, "--patients", &patients];
        // Records that come in meanwhile would be measured along.
        let arguments = [&arguments[..], &["--without-ehr"]].concat();
        let mut server = Server::start(binary, &arguments, &[], folder)?;
        let base = "/fhir/R4";
        let told = data.join("demo.json");
        server.wait_until(PATIENCE, || told.exists() && get_json(port, &format!("{base}/metadata"), None).is_ok())?;
        let text = std::fs::read_to_string(&told).map_err(|error| format!("demo.json: {error}"))?;
        let demo: Value = serde_json::from_str(&text).map_err(|error| format!("demo.json: {error}"))?;
        Self {
            name,
            server,
            port,
            base,
            tokens: Some(tokens(&demo)),
            patients: strings(demo.get("subjects")),
            observations: Vec::new(),
        }
        .with_observations()
    }

    /// A server that asks nobody who he is, loaded already.
    pub fn open(
        name: &'static str,
        server: Server,
        port: u16,
        base: &'static str,
        patients: Vec<String>,
    ) -> Result<Self, Failure> {
        Self { name, server, port, base, tokens: None, patients, observations: Vec::new() }.with_observations()
    }

    /// The headers that say who asks; `None` when the server has nobody with this role.
    pub fn authorisation(&self, role: &str) -> Option<Vec<(&'static str, String)>> {
        match &self.tokens {
            None => Some(Vec::new()),
            Some(tokens) => Some(vec![("authorization", format!("Bearer {}", tokens.get(role)?))]),
        }
    }

    /// The patient with this number, counted around.
    pub fn patient(&self, n: usize) -> &str {
        self.patients.get(n % self.patients.len().max(1)).map_or("", String::as_str)
    }

    fn with_observations(mut self) -> Result<Self, Failure> {
        let token = self.tokens.as_ref().and_then(|tokens| tokens.get("physician")).map(String::as_str);
        for patient in &self.patients {
            let found = get_json(self.port, &format!("{}/Observation?patient={patient}&_count=500", self.base), token)?;
            let entries = found.get("entry").and_then(Value::as_array).into_iter().flatten();
            self.observations.extend(entries.filter_map(|entry| entry.get("resource").cloned()));
        }
        if self.observations.is_empty() {
            return Err(format!("{}: its data have no observation to read", self.name));
        }
        Ok(self)
    }
}

fn tokens(demo: &Value) -> BTreeMap<String, String> {
    let people = demo.get("people").and_then(Value::as_array).into_iter().flatten();
    let token = |person: &Value| {
        Some((person.get("role")?.as_str()?.to_owned(), person.get("access_token")?.as_str()?.to_owned()))
    };
    people.filter_map(token).collect()
}

fn strings(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
