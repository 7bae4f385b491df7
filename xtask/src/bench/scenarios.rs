//! What is measured: the same requests against every server in turn, round after round, so that whatever the machine does
//! meanwhile hits all of them.

use super::Options;
use super::peer::Peer;
use super::process::MemoryWatch;
use super::wrk::{self, Load, Outcome};
use crate::command::Failure;
use serde_json::{Value, json};
use std::path::Path;

/// One kind of load.
pub(crate) struct Scenario {
    /// As the tables name it.
    pub name: &'static str,
    role: &'static str,
    method: &'static str,
    requests: fn(&Peer) -> Vec<(String, String)>,
}

/// All, in the order in which they run: what changes the data comes last.
pub(crate) const SCENARIOS: [Scenario; 9] = [
    Scenario { name: READS, role: "physician", method: "GET", requests: reads },
    Scenario { name: "reads by id, redacted (billing)", role: "billing", method: "GET", requests: reads },
    Scenario { name: SEARCHES, role: "physician", method: "GET", requests: |peer| searches(peer, &MIXED) },
    Scenario {
        name: "searches: Observation by code",
        role: "physician",
        method: "GET",
        requests: |peer| searches(peer, &BY_CODE),
    },
    Scenario {
        name: "searches: Observation by category, 20 shown",
        role: "physician",
        method: "GET",
        requests: |peer| searches(peer, &BY_CATEGORY),
    },
    Scenario {
        name: "searches: Condition, whole list",
        role: "physician",
        method: "GET",
        requests: |peer| searches(peer, &CONDITIONS),
    },
    Scenario { name: CREATES, role: "physician", method: "POST", requests: creates },
    Scenario { name: "updates", role: "physician", method: "PUT", requests: updates },
    Scenario { name: "transactions of 10 entries", role: "physician", method: "POST", requests: transactions },
];

/// The scenarios that a target speaks of.
pub(crate) const READS: &str = "reads by id, physician";
pub(crate) const SEARCHES: &str = "searches within a patient, mixed";
pub(crate) const CREATES: &str = "creates";

const MIXED: [&str; 5] = [
    "Observation?patient=P&category=vital-signs&_count=20",
    "Observation?patient=P&code=http://loinc.org|8867-4&_count=20",
    "Observation?patient=P&date=ge2015-01-01&_count=20",
    "Condition?patient=P&_count=20",
    "Encounter?patient=P&_count=20",
];
const BY_CODE: [&str; 2] = [
    "Observation?patient=P&code=http://loinc.org|8867-4&_count=20",
    "Observation?patient=P&code=http://loinc.org|8302-2&_count=20",
];
const BY_CATEGORY: [&str; 1] = ["Observation?patient=P&category=vital-signs&_count=20"];
const CONDITIONS: [&str; 1] = ["Condition?patient=P&_count=20"];

/// What one server did in one scenario: medians over the rounds, sums of failures.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// The server.
    pub server: &'static str,
    /// Rate, latencies, failures.
    pub outcome: Outcome,
    /// The most resident memory while it was measured, in bytes.
    pub peak: u64,
}

impl Scenario {
    /// Measures all peers that have somebody for this role, turn by turn.
    pub fn run(&self, peers: &[Peer], folder: &Path, options: &Options) -> Result<Vec<Measured>, Failure> {
        let loads = peers.iter().map(|peer| self.load(peer)).collect::<Result<Vec<_>, _>>()?;
        let mut rounds: Vec<Vec<Outcome>> = vec![Vec::new(); peers.len()];
        let mut peaks = vec![0; peers.len()];
        for round in 0..options.rounds {
            for (((peer, load), outcomes), most) in peers.iter().zip(&loads).zip(&mut rounds).zip(&mut peaks) {
                let file = format!("{}-{}", peer.name, self.name).replace([' ', ',', '(', ')', ':'], "-");
                let load = Load { name: &file, method: self.method, headers: &load.0, requests: &load.1 };
                let base = format!("http://127.0.0.1:{}", peer.port);
                let go = |seconds| wrk::run(&load, &base, folder, seconds, options.connections);
                go(if round == 0 { options.seconds.div_ceil(3) } else { 1 })?;
                let memory = MemoryWatch::start(peer.server.id());
                outcomes.push(go(options.seconds)?);
                *most = memory.finish().max(*most);
            }
        }
        let measured = peers.iter().zip(&rounds).zip(peaks);
        Ok(measured.map(|((peer, rounds), peak)| Measured { server: peer.name, outcome: over(rounds), peak }).collect())
    }

    #[expect(clippy::type_complexity, reason = "headers and requests, as the load generator takes them")]
    fn load(&self, peer: &Peer) -> Result<(Vec<(&'static str, String)>, Vec<(String, String)>), Failure> {
        let nobody = || format!("{}: {} has nobody with the role {}", self.name, peer.name, self.role);
        let mut headers = peer.authorisation(self.role).ok_or_else(nobody)?;
        headers.push(("accept", "application/fhir+json".to_owned()));
        if self.method != "GET" {
            headers.push(("content-type", "application/fhir+json".to_owned()));
            headers.push(("prefer", "return=minimal".to_owned()));
        }
        let requests = (self.requests)(peer);
        if requests.is_empty() {
            return Err(format!("{}: the data of {} give no request to send", self.name, peer.name));
        }
        Ok((headers, requests))
    }
}

/// Medians of rates and latencies, sums of failures.
fn over(rounds: &[Outcome]) -> Outcome {
    let of = |take: fn(&Outcome) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(take).collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
    };
    Outcome {
        per_second: of(|outcome| outcome.per_second),
        p50: of(|outcome| outcome.p50),
        p99: of(|outcome| outcome.p99),
        refused: rounds.iter().map(|outcome| outcome.refused).sum(),
        failed: rounds.iter().map(|outcome| outcome.failed).sum(),
    }
}

fn reads(peer: &Peer) -> Vec<(String, String)> {
    let ids = peer.observations.iter().filter_map(|observation| observation.get("id")?.as_str());
    ids.map(|id| (format!("{}/Observation/{id}", peer.base), String::new())).collect()
}

fn searches(peer: &Peer, queries: &[&str]) -> Vec<(String, String)> {
    let of = |patient: &String| {
        let filled = |query: &&str| query.replace("=P&", &format!("={patient}&")).replace('|', "%7C");
        queries.iter().map(filled).collect::<Vec<_>>()
    };
    peer.patients.iter().flat_map(of).map(|query| (format!("{}/{query}", peer.base), String::new())).collect()
}

fn creates(peer: &Peer) -> Vec<(String, String)> {
    (0..2000).map(|n| (format!("{}/Observation", peer.base), observation(peer, n).to_string())).collect()
}

/// Every observation with a measured value gets four others, one after the other.
fn updates(peer: &Peer) -> Vec<(String, String)> {
    let measured = peer.observations.iter().filter(|observation| observation.pointer("/valueQuantity/value").is_some());
    let measured: Vec<&Value> = measured.take(500).collect();
    let with = |observation: &Value, value: usize| {
        let mut changed = observation.clone();
        if let Some(place) = changed.pointer_mut("/valueQuantity/value") {
            *place = json!(value);
        }
        if let Some(members) = changed.as_object_mut() {
            members.remove("meta");
        }
        changed
    };
    let turns =
        (0..4).flat_map(|turn| measured.iter().enumerate().map(move |(at, observation)| (at * 4 + turn, *observation)));
    turns
        .filter_map(|(value, observation)| {
            let path = format!("{}/Observation/{}", peer.base, observation.get("id")?.as_str()?);
            Some((path, with(observation, value).to_string()))
        })
        .collect()
}

fn transactions(peer: &Peer) -> Vec<(String, String)> {
    let entry = |n| json!({ "resource": observation(peer, n), "request": { "method": "POST", "url": "Observation" } });
    let bundle = |n: usize| {
        let entries: Vec<Value> = (n * 10..n * 10 + 10).map(entry).collect();
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string()
    };
    let path = if peer.base.is_empty() { "/" } else { peer.base };
    (0..500).map(|n| (path.to_owned(), bundle(n))).collect()
}

fn observation(peer: &Peer, n: usize) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4", "display": "Heart rate" }], "text": "Heart rate" },
        "subject": { "reference": format!("Patient/{}", peer.patient(n)) },
        "effectiveDateTime": format!("2026-01-01T10:{:02}:{:02}Z", n / 60 % 60, n % 60),
        "valueQuantity": { "value": 60 + n % 40, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_give_medians_and_summed_failures() {
        let round = |per_second, p99, failed| Outcome { per_second, p50: 1.0, p99, refused: 1, failed };
        let two = over(&[round(100.0, 9.0, 0), round(300.0, 5.0, 2)]);
        assert_eq!(two, Outcome { per_second: 200.0, p50: 1.0, p99: 7.0, refused: 2, failed: 2 });
        let three = over(&[round(100.0, 9.0, 0), round(300.0, 5.0, 0), round(110.0, 8.0, 0)]);
        assert_eq!((three.per_second, three.p99), (110.0, 8.0));
    }

    #[test]
    fn the_scenarios_that_targets_speak_of_are_there() {
        for name in [READS, SEARCHES, CREATES] {
            assert_eq!(SCENARIOS.iter().filter(|scenario| scenario.name == name).count(), 1, "{name}");
        }
    }
}
