//! `cargo xtask bench`: the server as a release build and its control build, in which nothing is protected, driven over HTTP by
//! wrk turn by turn, with what the figures depend on beside them.

mod builds;
mod client;
mod hfs;
mod import;
mod machine;
mod peer;
mod process;
mod report;
mod scenarios;
mod sync;
mod table;
mod wrk;

use crate::command::{Failure, root, target};
use crate::parts;
use peer::Peer;
use report::{CONTROL, PRODUCT, Report};
use scenarios::SCENARIOS;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Duration of each scenario in each round, after a warm-up.
    pub seconds: u32,
    /// How often each server has its turn; figures are medians over them.
    pub rounds: u32,
    /// Open connections, kept alive.
    pub connections: u32,
    /// Synthetic patients to load.
    pub patients: u32,
    /// The product's binary; built when not given.
    pub binary: Option<PathBuf>,
    /// The control's binary; built when not given.
    pub control: Option<PathBuf>,
    /// A folder of bundles to import; the demo's when not given.
    pub import: Option<PathBuf>,
    /// Patients of the simulated EHR that is synchronised.
    pub ehr_patients: u32,
    /// Requests that the simulated EHR takes a second; any number when not given.
    pub ehr_per_second: Option<u32>,
    /// The binary of a Helios HFS server.
    pub hfs: Option<PathBuf>,
    /// Only the scenarios whose name has this word; `import` and `sync` for these alone.
    pub only: Option<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self {
            seconds: 10,
            rounds: 2,
            connections: 64,
            patients: 12,
            binary: None,
            control: None,
            import: None,
            ehr_patients: 100,
            ehr_per_second: None,
            hfs: None,
            only: None,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} needs a value; {USAGE}"))?;
            let number =
                || value.parse::<u32>().ok().filter(|n| *n > 0).ok_or(format!("{word} needs a number above 0"));
            let path = || Some(PathBuf::from(value));
            match word.as_str() {
                "--seconds" => options.seconds = number()?,
                "--rounds" => options.rounds = number()?,
                "--connections" => options.connections = number()?,
                "--patients" => options.patients = number()?,
                "--binary" => options.binary = path(),
                "--control" => options.control = path(),
                "--import" => options.import = path(),
                "--ehr-patients" => options.ehr_patients = number()?,
                "--ehr-per-second" => options.ehr_per_second = Some(number()?),
                "--hfs" => options.hfs = path(),
                "--only" => options.only = Some(value.clone()),
                _ => return Err(format!("unknown option {word}; {USAGE}")),
            }
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }
}

const USAGE: &str = "cargo xtask bench [--seconds 10] [--rounds 2] [--connections 64] [--patients 12] [--import DIR] \
                     [--ehr-patients 100] [--ehr-per-second N] [--hfs FILE] [--only WORD] [--binary FILE --control FILE]";

/// Builds, loads, measures, prints.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    parts::debian("wrk", "--version", &["wrk"])?;
    let folder = target().join("bench");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let builds = builds::make(&options, &folder)?;
    println!("{}", machine::describe(&folder)?);
    let mut report = Report::default();
    if options.wants("import") {
        let (what, bundles) = match &options.import {
            Some(bundles) => ("the given bundles".to_owned(), bundles.clone()),
            None => ("the demo's bundles".to_owned(), root().join("testdata/synthea")),
        };
        report.import = Some((what, import::run(&builds.product, &bundles, &folder.join("import"))?));
    }
    if options.wants("sync") {
        let (patients, rate) = (options.ehr_patients, options.ehr_per_second);
        report.syncs.extend(sync::run(&builds.product, patients, rate, &folder.join("sync"))?);
    }
    if SCENARIOS.iter().any(|scenario| options.wants(scenario.name)) {
        measure(&builds, &folder, &options, &mut report)?;
    }
    println!("{}", report.text());
    println!("after: {}", machine::load());
    Ok(())
}

fn measure(builds: &builds::Builds, folder: &Path, options: &Options, report: &mut Report) -> Result<(), Failure> {
    let mut peers = vec![
        Peer::aceso(PRODUCT, &builds.product, &folder.join("aceso-data"), options.patients)?,
        Peer::aceso(CONTROL, &builds.control, &folder.join("control-data"), options.patients)?,
    ];
    if let Some(binary) = &options.hfs {
        let (peer, rate) = hfs::start(binary, &folder.join("hfs"), options.patients)?;
        report.peer_load = Some(rate);
        peers.push(peer);
    }
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario.name)) {
        eprintln!("{} ({})", scenario.name, machine::load());
        report.scenarios.push((scenario.name, scenario.run(&peers, folder, options)?));
    }
    peers.into_iter().try_for_each(|peer| peer.server.stop(Duration::from_secs(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_strict() {
        let parse = |words: &[&str]| Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&["--seconds", "3"]).unwrap().seconds, 3);
        assert!(
            parse(&["--seconds"]).is_err() && parse(&["--seconds", "0"]).is_err() && parse(&["--fast", "1"]).is_err()
        );
        let only = parse(&["--only", "updates"]).unwrap();
        assert!(only.wants("updates") && !only.wants("import") && parse(&[]).unwrap().wants("import"));
    }
}
