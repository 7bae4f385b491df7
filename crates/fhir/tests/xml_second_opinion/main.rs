//! npm `fhir`, which shares nothing with this crate, converts as we do; where it does not, `differences.txt` says why.
//!
//! Needs a `node_modules` with that package: `cargo xtask test` makes one and says where in `ACESO_PARTS_MODULES`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../xml_round_trip/canonical.rs"]
mod canonical;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aceso_fhir::json::{Doc, Kind, Limits, Node, write};
use aceso_fhir::xml;
use serde_json::{Value, json};

const LIMITS: Limits = Limits { max_bytes: 64 << 20, max_depth: 64, max_nodes: 2_000_000 };

fn parse(text: Vec<u8>) -> Doc {
    Doc::parse(text, &LIMITS).unwrap_or_else(|error| panic!("{error}"))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

/// The official examples, and the synthetic resources by their place.
fn inputs() -> BTreeMap<String, Doc> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut inputs = BTreeMap::new();
    for path in files("vectors/xml", "xml") {
        let json = xml::to_json_in_any_order(&std::fs::read(&path).unwrap(), &LIMITS);
        inputs.insert(name(&path), parse(json.unwrap_or_else(|error| panic!("{error}"))));
    }
    for path in files("../../testdata/synthea", "bz2") {
        let mut text = Vec::new();
        bzip2::read::BzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
        let bundle = parse(text);
        for (at, entry) in bundle.root().get("entry").unwrap().items().enumerate() {
            let mut text = Vec::new();
            write(entry.get("resource").unwrap(), &mut text);
            inputs.insert(format!("{} {at}", name(&path)), parse(text));
        }
    }
    inputs
}

/// What the other converter makes of each: one line in, one line out.
fn theirs(lines: Vec<String>) -> Vec<Value> {
    let modules = std::env::var("ACESO_PARTS_MODULES").expect(
        "ACESO_PARTS_MODULES names no node_modules with fhir: run `cargo xtask test`, or `npm install fhir@4.12.0` in a folder \
         and set it to the node_modules there",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/xml_second_opinion/convert.js");
    let mut node = Command::new("node")
        .arg(script)
        .env("MODULES", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut stdin = node.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
    });
    let mut said = String::new();
    node.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    writer.join().unwrap();
    assert!(node.wait().unwrap().success());
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// JSON in which both say the same of the same resource: numbers as text, because theirs are text where they are decimals; narrative
/// as [`of_narrative`].
fn of_json(text: &str) -> Value {
    fn plain(node: Node<'_>) -> Value {
        match node.kind() {
            Kind::Object => {
                let members = node.members().map(|member| {
                    let div = member.value.as_str().filter(|_| member.key == "div");
                    let value = div.map_or_else(|| plain(member.value), |div| json!(of_narrative(&div)));
                    (member.key.into_owned(), value)
                });
                Value::Object(members.collect())
            }
            Kind::Array => node.items().map(plain).collect(),
            Kind::String => json!(node.as_str().unwrap()),
            Kind::Bool => json!(node.as_bool().unwrap()),
            _ => json!(String::from_utf8(node.raw().to_vec()).unwrap()),
        }
    }
    plain(parse(text.as_bytes().to_vec()).root())
}

/// XML in which both say the same, without text that is white space only: theirs has none in the narrative.
fn of_narrative(text: &str) -> String {
    let canonical = canonical::xml(text).unwrap();
    let is_white = |line: &&str| {
        let text = line.strip_prefix("text \"").and_then(|text| text.strip_suffix('"'));
        text.is_some_and(|text| text.replace("\\n", "").replace("\\t", "").trim().is_empty())
    };
    canonical.lines().filter(|line| !is_white(line)).map(|line| format!("{line}\n")).collect()
}

/// XML from JSON: as [`of_narrative`], with numbers as JavaScript writes them.
fn of_xml(text: &str) -> String {
    let number = |line: &str| -> Option<String> {
        let (before, rest) = line.split_once(" value=\"")?;
        let number: f64 = rest.strip_suffix('"')?.parse().ok()?;
        Some(format!("{before} value=\"{number}\""))
    };
    of_narrative(text).lines().map(|line| number(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_other_converter_makes_the_same_of_every_resource_but_for_listed_reasons() {
    let inputs = inputs();
    let lines = inputs.values().map(|doc| {
        let mut canonical = Vec::new();
        canonical::json(doc.root(), &mut canonical);
        let ours = String::from_utf8(xml::from_json(doc).unwrap()).unwrap();
        json!({ "json": String::from_utf8(canonical).unwrap(), "xml": ours }).to_string()
    });
    let lines: Vec<String> = lines.collect();
    let answers = theirs(lines.clone());
    assert_eq!(answers.len(), inputs.len());

    let mut found = BTreeSet::new();
    for ((name, line), answer) in inputs.keys().zip(&lines).zip(&answers) {
        let ours: Value = serde_json::from_str(line).unwrap();
        let text = |from: &Value, member: &str| from[member].as_str().unwrap_or_default().to_owned();
        let (xml, json) = (text(answer, "xml"), text(answer, "json"));
        if xml.is_empty() || of_xml(&text(&ours, "xml")) != of_xml(&xml) {
            found.insert(format!("{name}: JSON to XML"));
        }
        if json.is_empty() || of_json(&text(&ours, "json")) != of_json(&json) {
            found.insert(format!("{name}: XML to JSON"));
        }
        if std::env::var_os("ACESO_SHOW").is_some() && found.iter().any(|item| item.starts_with(name.as_str())) {
            println!("{name}\n{line}\n{answer}\n");
        }
    }
    let listed = include_str!("differences.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let listed: BTreeSet<String> = listed.map(|line| line.split(" | ").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(found, listed);
}
