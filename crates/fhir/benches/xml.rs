//! What FHIR XML costs beside JSON: reading, writing, and the JSON of the same resource for comparison.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "benchmark")]

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use aceso_fhir::json::{Doc, Limits, minify, write};
use aceso_fhir::xml::{from_json, to_json};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

fn parse(text: Vec<u8>) -> Doc {
    Doc::parse(text, &Limits::default()).ok().unwrap()
}

/// A synthetic patient's bundle, and the resource of it whose JSON is nearest to 1,400 bytes.
fn texts() -> (Vec<u8>, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/synthea/beb53716-4df8-a51c-c58e-a8b814b8ac88.json.bz2");
    let mut text = Vec::new();
    bzip2::read::BzDecoder::new(File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    let bundle = parse(text);
    let mut resources: Vec<Vec<u8>> = Vec::new();
    for entry in bundle.root().get("entry").unwrap().items() {
        let mut out = Vec::new();
        write(entry.get("resource").unwrap(), &mut out);
        resources.push(out);
    }
    resources.sort_by_key(|text| text.len().abs_diff(1400));
    (minify(&bundle), resources[0].clone())
}

fn xml(criterion: &mut Criterion) {
    let (bundle, typical) = texts();
    for (name, text) in [("typical resource", typical), ("a patient's bundle", bundle)] {
        let doc = parse(text.clone());
        let as_xml = from_json(&doc).unwrap();
        let title = format!("{name}: {} bytes of JSON, {} of XML", text.len(), as_xml.len());
        let mut group = criterion.benchmark_group(title);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("JSON: parse", |b| b.iter_batched(|| text.clone(), parse, BatchSize::SmallInput));
        group.bench_function("JSON: minify", |b| b.iter(|| minify(black_box(&doc))));
        group.bench_function("XML: read to JSON", |b| {
            b.iter(|| to_json(black_box(&as_xml), &Limits::default()).unwrap());
        });
        group.bench_function("XML: write from JSON", |b| b.iter(|| from_json(black_box(&doc)).unwrap()));
        group.finish();
    }
}

criterion_group!(benches, xml);
criterion_main!(benches);
