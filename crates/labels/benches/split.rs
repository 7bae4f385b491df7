//! What splitting by data class costs on the way in, and splicing on the way out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "benchmark")]

use std::fs::File;
use std::hint::black_box;
use std::path::Path;

use aceso_base::{LogicalId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits, write};
use aceso_labels::{DataClass, Stamp, splice, split};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// The resources of one patient of the demo, minified.
fn resources() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/synthea/beb53716-4df8-a51c-c58e-a8b814b8ac88.json.bz2");
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut bzip2::read::BzDecoder::new(File::open(path).unwrap()), &mut text).unwrap();
    let bundle = Doc::parse(text, &Limits::default()).ok().unwrap();
    let entries = bundle.root().get("entry").unwrap();
    let minified = |entry: aceso_fhir::json::Node<'_>| {
        let mut out = Vec::new();
        write(entry.get("resource").unwrap(), &mut out);
        out
    };
    entries.items().map(minified).collect()
}

fn parse(text: &[u8]) -> (Doc, ResourceType) {
    let doc = Doc::parse(text.to_vec(), &Limits::default()).ok().unwrap();
    let rtype = ResourceType::parse(&doc.root().get("resourceType").unwrap().as_str().unwrap()).unwrap();
    (doc, rtype)
}

fn splitting(criterion: &mut Criterion) {
    let all = resources();
    let mut nearest: Vec<&Vec<u8>> = all.iter().collect();
    nearest.sort_by_key(|text| text.len().abs_diff(1400));
    let (doc, rtype) = parse(nearest[0]);
    let id = LogicalId::parse("057aa36e-b892-9964-75b9-ffb46b097e34").unwrap();
    let stamp = Stamp { id: &id, version: Version(1), updated: Timestamp(1_772_366_400_000) };

    let mut group = criterion.benchmark_group(format!("{} of {} bytes", rtype.name(), nearest[0].len()));
    group.throughput(Throughput::Bytes(nearest[0].len() as u64));
    group.bench_function("split", |b| b.iter(|| split(black_box(&doc), rtype, &stamp)));
    let done = split(&doc, rtype, &stamp);
    let mut out = Vec::with_capacity(4096);
    for (name, shown) in [("splice, all classes", true), ("splice, redacted", false)] {
        let parts = DataClass::ALL.map(|class| shown.then(|| done.part(class)));
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                splice(black_box(done.structure()), &parts, &mut out).unwrap()
            });
        });
    }
    group.finish();

    let docs: Vec<(Doc, ResourceType)> = all.iter().map(|text| parse(text)).collect();
    let mut group = criterion.benchmark_group("resources of a patient");
    group.throughput(Throughput::Elements(docs.len() as u64));
    group.sample_size(20);
    group.bench_function("split each", |b| {
        b.iter(|| docs.iter().map(|(doc, rtype)| split(doc, *rtype, &stamp).structure().len()).sum::<usize>());
    });
    group.finish();
}

criterion_group!(benches, splitting);
criterion_main!(benches);
