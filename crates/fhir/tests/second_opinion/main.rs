//! PyPI `fhir.resources`, whose models share nothing with this crate, judges the structure of the same resources, sound and faulty ones;
//! where it judges otherwise, `differences.txt` says why.
//!
//! Needs a Python with that package: `cargo xtask test` makes one and says where in `ACESO_PARTS_PYTHON`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod mutate;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aceso_fhir::json::{Doc, Limits, write};
use aceso_fhir::{ValidateOptions, validate};
use serde_json::Value;

/// Resources of each type in which faults are made; sound, all are judged.
const OF_EACH_TYPE: usize = 40;

const LIMITS: Limits = Limits { max_bytes: 64 << 20, max_depth: 64, max_nodes: 2_000_000 };

/// The synthetic resources, as JSON on one line.
fn resources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/synthea");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == "bz2"));
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let mut text = Vec::new();
        bzip2::read::BzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
        let bundle = Doc::parse(text, &LIMITS).unwrap_or_else(|error| panic!("{error}"));
        for entry in bundle.root().get("entry").unwrap().items() {
            let mut text = Vec::new();
            write(entry.get("resource").unwrap(), &mut text);
            all.push(String::from_utf8(text).unwrap());
        }
    }
    all
}

/// Each input with the name of its fault, empty where it is sound.
fn inputs() -> Vec<(&'static str, String)> {
    let sound = resources();
    let mut inputs: Vec<(&str, String)> = Vec::new();
    let mut of_type: BTreeMap<String, usize> = BTreeMap::new();
    for text in sound {
        let resource: Value = serde_json::from_str(&text).unwrap();
        inputs.push(("", text));
        let number = of_type.entry(resource["resourceType"].as_str().unwrap().to_owned()).or_default();
        *number += 1;
        if *number > OF_EACH_TYPE {
            continue;
        }
        for fault in &mutate::FAULTS {
            inputs.extend(mutate::with(fault, &resource, *number).map(|faulty| (fault.name, faulty.to_string())));
        }
        let faulty = mutate::of_objects(&resource, *number);
        inputs.extend(faulty.into_iter().map(|(name, faulty)| (name, faulty.to_string())));
    }
    inputs
}

/// Why we refuse a resource; `None` when we take it.
fn ours(text: &str) -> Option<String> {
    let Ok(doc) = Doc::parse(text.as_bytes().to_vec(), &LIMITS) else { return Some("not JSON".to_owned()) };
    let options = ValidateOptions { allow_conditional: true, expected: None };
    validate(&doc, &options).err().map(|issues| issues[0].message.to_string())
}

/// Whether the other takes each.
fn theirs(inputs: &[(&str, String)]) -> Vec<bool> {
    let python = std::env::var("ACESO_PARTS_PYTHON").expect(
        "ACESO_PARTS_PYTHON names no Python with fhir.resources: run `cargo xtask test`, or install fhir.resources==6.4.0 with \
         pydantic==1.10.27 in a virtual environment and set it to the python there",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second_opinion/judge.py");
    let mut judge =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python runs");
    let mut stdin = BufWriter::new(judge.stdin.take().unwrap());
    let mut said = String::new();
    std::thread::scope(|scope| {
        scope.spawn(move || inputs.iter().for_each(|(_, text)| writeln!(stdin, "{text}").unwrap()));
        judge.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    });
    assert!(judge.wait().unwrap().success());
    said.lines().map(|line| line == "accepted").collect()
}

/// The listed kinds of difference, each with its count and reason.
fn listed() -> BTreeMap<String, usize> {
    let lines = include_str!("differences.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let parts = lines.map(|line| {
        let [count, fault, ours, reason] = line.split(" | ").collect::<Vec<_>>().try_into().expect("four columns");
        assert!(!reason.is_empty());
        (format!("{fault} | {ours}"), count.parse().unwrap())
    });
    parts.collect()
}

#[test]
fn the_other_models_judge_every_resource_alike_but_for_listed_reasons() {
    let inputs = inputs();
    let theirs = theirs(&inputs);
    assert_eq!(theirs.len(), inputs.len());
    let (mut found, mut both_refuse): (BTreeMap<String, usize>, usize) = (BTreeMap::new(), 0);
    for ((fault, text), is_taken) in inputs.iter().zip(&theirs) {
        let ours = ours(text);
        if ours.is_none() == *is_taken {
            both_refuse += usize::from(ours.is_some());
            continue;
        }
        let fault = if fault.is_empty() { "sound" } else { fault };
        let difference = format!("{fault} | {}", ours.as_deref().unwrap_or("accepted"));
        if std::env::var("ACESO_SHOW").is_ok_and(|shown| difference.contains(&shown)) {
            println!("{difference}\n{text}\n");
        }
        *found.entry(difference).or_default() += 1;
    }
    let differing: usize = found.values().sum();
    println!(
        "{} resources; both take {}, both refuse {both_refuse}, {differing} differ",
        inputs.len(),
        inputs.len() - both_refuse - differing
    );
    let lines: Vec<String> = found.iter().map(|(difference, count)| format!("{count} | {difference}")).collect();
    assert_eq!(found, listed(), "found:\n{}", lines.join("\n"));
}
