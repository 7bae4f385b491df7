//! Takes every resource of a folder there and back: `cargo run --release -p aceso-fhir --example xml_round_trip -- FOLDER`.
//!
//! Bundles in JSON (`.json`, `.json.bz2`) as a whole and entry by entry: JSON → XML → JSON must be the same bytes in
//! canonical form. Resources in XML (`.xml`): XML → JSON → XML the same. What differs is named by file, entry and place,
//! never by value; the last line counts.
#![expect(clippy::print_stdout, reason = "a program for the command line")]

#[path = "../tests/xml_round_trip/canonical.rs"]
mod canonical;

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aceso_fhir::json::{Doc, Limits, write};
use aceso_fhir::xml;

const LIMITS: Limits = Limits { max_bytes: 256 << 20, max_depth: 64, max_nodes: 20_000_000 };

#[derive(Default)]
struct Count {
    files: usize,
    bundles: usize,
    resources: usize,
    same: usize,
    json_bytes: usize,
    xml_bytes: usize,
    writing: Duration,
    reading: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("a folder is needed")?;
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    let mut count = Count::default();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".xml") {
            count.files += 1;
            count.resources += 1;
            match from_xml(&std::fs::read(&path)?) {
                Ok(()) => count.same += 1,
                Err(fault) => println!("{name}: {fault}"),
            }
        } else if name.ends_with(".json") || name.ends_with(".json.bz2") {
            count.files += 1;
            from_json(&name, read(&path)?, &mut count)?;
        }
    }
    let speed = |time: Duration| (count.xml_bytes as f64 / time.as_secs_f64().max(1e-9)) / 1e6;
    println!(
        "{} files, {} bundles as a whole, {} resources; {} the same, {} not; {} bytes of JSON, {} of XML; written at {:.0} MB/s, read at {:.0} MB/s of XML",
        count.files,
        count.bundles,
        count.resources,
        count.same,
        count.bundles + count.resources - count.same,
        count.json_bytes,
        count.xml_bytes,
        speed(count.writing),
        speed(count.reading)
    );
    if count.same == count.bundles + count.resources { Ok(()) } else { Err("not everything came back the same".into()) }
}

fn read(path: &Path) -> Result<Vec<u8>, std::io::Error> {
    let bytes = std::fs::read(path)?;
    if path.extension().is_none_or(|extension| extension != "bz2") {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    bzip2::read::BzDecoder::new(bytes.as_slice()).read_to_end(&mut text)?;
    Ok(text)
}

fn from_json(name: &str, text: Vec<u8>, count: &mut Count) -> Result<(), Box<dyn Error>> {
    let whole = Doc::parse(text, &LIMITS)?;
    let entries = whole.root().get("entry");
    match entries {
        Some(_) => count.bundles += 1,
        None => count.resources += 1,
    }
    one(name, &whole, count);
    for (at, entry) in entries.into_iter().flat_map(|entries| entries.items()).enumerate() {
        let Some(resource) = entry.get("resource") else { continue };
        let mut text = Vec::new();
        write(resource, &mut text);
        count.resources += 1;
        one(&format!("{name} entry {at}"), &Doc::parse(text, &LIMITS)?, count);
    }
    Ok(())
}

fn one(name: &str, doc: &Doc, count: &mut Count) {
    let start = Instant::now();
    let there = match xml::from_json(doc) {
        Ok(there) => there,
        Err(error) => return println!("{name}: not written: {error} {}", error.path),
    };
    count.writing += start.elapsed();
    let start = Instant::now();
    let back = match xml::to_json(&there, &LIMITS) {
        Ok(back) => back,
        Err(error) => return println!("{name}: not read again: {error} {}", error.path),
    };
    count.reading += start.elapsed();
    count.json_bytes += doc.text().len();
    count.xml_bytes += there.len();
    match Doc::parse(back, &LIMITS) {
        Ok(back) if canonical(&back) == canonical(doc) => count.same += 1,
        Ok(_) => println!("{name}: differs"),
        Err(error) => println!("{name}: no JSON: {error}"),
    }
}

fn canonical(doc: &Doc) -> Vec<u8> {
    let mut out = Vec::new();
    canonical::json(doc.root(), &mut out);
    out
}

fn from_xml(text: &[u8]) -> Result<(), String> {
    let place = |error: xml::XmlError| format!("{error} {}", error.path);
    let doc = Doc::parse(xml::to_json(text, &LIMITS).map_err(place)?, &LIMITS).map_err(|error| error.to_string())?;
    let written = xml::from_json(&doc).map_err(place)?;
    let as_text = |bytes: &[u8]| canonical::xml(&String::from_utf8_lossy(bytes));
    if as_text(&written)? == as_text(text)? { Ok(()) } else { Err("differs".to_owned()) }
}
