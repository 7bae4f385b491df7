//! What bringing records in from a connected system costs: the simulated EHR beside `aceso connections sync`.

use super::process::{Server, high_water, processor_time};
use crate::command::{Failure, command, run as run_command, target};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// What a sync did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Synced {
    /// Patients at the source.
    pub patients: u32,
    /// Objects read.
    pub read: u64,
    /// Of these, how many were mapped and written.
    pub written: u64,
    /// Objects that were set aside.
    pub set_aside: u64,
    /// Requests sent.
    pub requests: u64,
    /// From the first request to the last commit.
    pub seconds: f64,
    /// Processor time of Aceso, user and system.
    pub own: Duration,
    /// Processor time of the simulator.
    pub source: Duration,
    /// The most resident memory of Aceso, in bytes.
    pub peak: u64,
}

impl Synced {
    /// The first run, which takes everything, and the second, which finds nothing new; each is a line.
    pub fn line(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "rates")]
        let (read, own) = (self.read.max(1) as f64, self.own.as_secs_f64());
        format!(
            "{} patients: {} objects read in {} requests and {:.1} s ({:.0}/s), {} written, {} set aside; processor time {:.0} µs an \
             object, {:.0} µs at the simulator; peak {} MB",
            self.patients,
            self.read,
            self.requests,
            self.seconds,
            read / self.seconds.max(0.001),
            self.written,
            self.set_aside,
            own / read * 1e6,
            self.source.as_secs_f64() / read * 1e6,
            self.peak / 1_000_000
        )
    }
}

/// Connects a simulator with so many patients, syncs everything, and syncs again.
pub(crate) fn run(
    binary: &Path,
    patients: u32,
    per_second: Option<u32>,
    folder: &Path,
) -> Result<[Synced; 2], Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    run_command(&mut command("cargo", &["build", "--release", "--package", "aceso-emr-sim", "--bin", "emr-sim"]))?;
    let (ehr, own) = (folder.join("ehr"), folder.join("aceso"));
    for place in [&ehr, &own] {
        std::fs::create_dir_all(place).map_err(failed)?;
    }
    let (patients_text, rate) = (patients.to_string(), per_second.map(|rate| rate.to_string()));
    let mut arguments = vec!["--patients", &patients_text];
    arguments.extend(rate.iter().flat_map(|rate| ["--per-second", rate.as_str()]));
    let mut simulator = Server::start(&target().join("release/emr-sim"), &arguments, &[], &ehr)?;
    let log = ehr.join("server.log");
    let mut told = None;
    simulator.wait_until(Duration::from_secs(60), || {
        told = std::fs::read_to_string(&log).ok().and_then(|text| serde_json::from_str::<Value>(text.trim()).ok());
        told.is_some()
    })?;
    let told = told.unwrap_or_default();
    let member = |name: &str| told.get(name).and_then(Value::as_str).ok_or(format!("the simulator told no {name}"));
    let config = "mode = \"development\"\nregion = \"us\"\ntenants = [\"bench\"]\n[store]\ndir = \"data\"\n\
                  [keys]\nprovider = \"local\"\nfile = \"root.key\"\n";
    std::fs::write(own.join("aceso.toml"), config).map_err(failed)?;
    std::fs::write(own.join("secret"), member("client_secret")?).map_err(failed)?;
    let (url, client) = (member("url")?, member("client_id")?);
    let add = ["connections", "add", "ehr", "--vendor", "elation", "--url", url, "--client-id", client];
    let add = [&add[..], &["--secret-file", "secret", "--config", "aceso.toml"]].concat();
    let added = Server::start(binary, &add, &[], &own)?.wait_for_end(Duration::from_secs(60), || {})?;
    if !added.success() {
        return Err(format!("the connection was not added: {added}; see server.log"));
    }
    let first = sync(binary, patients, &own, simulator.id())?;
    let second = sync(binary, patients, &own, simulator.id())?;
    simulator.stop(Duration::from_secs(20))?;
    Ok([first, second])
}

fn sync(binary: &Path, patients: u32, folder: &Path, simulator: u32) -> Result<Synced, Failure> {
    let before = processor_time(simulator).unwrap_or_default();
    let arguments = ["connections", "sync", "ehr", "--everything", "--json", "--config", "aceso.toml"];
    let mut process = Server::start(binary, &arguments, &[], folder)?;
    let (id, mut own, mut peak) = (process.id(), Duration::ZERO, 0);
    let ended = process.wait_for_end(Duration::from_secs(3 * 3600), || {
        own = processor_time(id).unwrap_or_default().max(own);
        peak = high_water(id).unwrap_or(0).max(peak);
    })?;
    let source = processor_time(simulator).unwrap_or_default().saturating_sub(before);
    let log = folder.join("server.log");
    let told = std::fs::read_to_string(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let synced = report(&told).map(|told| Synced { patients, own, source, peak, ..told });
    synced.filter(|_| ended.success()).ok_or_else(|| format!("the sync ended with {ended}; see {}", log.display()))
}

fn report(told: &str) -> Option<Synced> {
    let value: Value = serde_json::from_str(told.get(told.find("{\n").or_else(|| told.find('{'))?..)?).ok()?;
    let number = |name: &str| value.get(name)?.as_u64();
    Some(Synced {
        patients: 0,
        read: number("read")?,
        written: number("written")?,
        set_aside: number("set_aside")?,
        requests: number("requests")?,
        seconds: value.get("seconds")?.as_f64()?,
        own: Duration::ZERO,
        source: Duration::ZERO,
        peak: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_a_sync_is_read_and_told() {
        let told = "warning\n{\n \"connection\": \"ehr\", \"read\": 2000, \"written\": 1500, \"set_aside\": 1, \"requests\": 90, \
                    \"seconds\": 4.0 }\n";
        let synced = Synced { patients: 30, own: Duration::from_secs(1), peak: 70_000_000, ..report(told).unwrap() };
        let line = synced.line();
        for part in
            ["30 patients", "2000 objects", "(500/s)", "1500 written", "1 set aside", "500 µs an object", "70 MB"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert_eq!(report("nothing"), None);
    }
}
