//! What one resource costs on its way in: parse, validate, both.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "benchmark")]

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use aceso_fhir::json::{Doc, Limits, minify, write};
use aceso_fhir::packages::{Package, PackageLimits, PackageSet};
use aceso_fhir::profiles::Profiles;
use aceso_fhir::terminology::{Table, Terminology};
use aceso_fhir::{ValidateOptions, Validation, ValidationLimits, validate};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// The resources of one patient of the demo, minified.
fn resources() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/synthea/beb53716-4df8-a51c-c58e-a8b814b8ac88.json.bz2");
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut bzip2::read::BzDecoder::new(File::open(path).unwrap()), &mut text).unwrap();
    let bundle = Doc::parse(text, &Limits::default()).ok().unwrap();
    let entries = bundle.root().get("entry").unwrap();
    entries
        .items()
        .map(|entry| {
            let mut out = Vec::new();
            write(entry.get("resource").unwrap(), &mut out);
            out
        })
        .collect()
}

fn parse(text: &[u8]) -> Doc {
    Doc::parse(text.to_vec(), &Limits::default()).ok().unwrap()
}

fn resource(criterion: &mut Criterion) {
    let all = resources();
    let bytes: usize = all.iter().map(Vec::len).sum();
    let opts = ValidateOptions { allow_conditional: true, expected: None };
    let mut nearest: Vec<&Vec<u8>> = all.iter().collect();
    nearest.sort_by_key(|text| text.len().abs_diff(1400));
    let typical = nearest[0].clone();

    let mut group = criterion.benchmark_group(format!("typical resource of {} bytes", typical.len()));
    group.throughput(Throughput::Bytes(typical.len() as u64));
    group.bench_function("copy only", |b| b.iter(|| black_box(typical.to_vec())));
    group.bench_function("copy, parse, wipe", |b| b.iter(|| parse(black_box(&typical))));
    group.bench_function("parse", |b| {
        b.iter_batched(
            || typical.clone(),
            |text| Doc::parse(text, &Limits::default()).ok().unwrap(),
            BatchSize::SmallInput,
        );
    });
    let doc = parse(&typical);
    group.bench_function("validate", |b| b.iter(|| validate(black_box(&doc), &opts).unwrap()));
    group.bench_function("minify", |b| b.iter(|| minify(black_box(&doc))));
    group.finish();

    let mut group = criterion.benchmark_group(format!("patient of {} resources, {bytes} bytes", all.len()));
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function("copy, parse, validate, wipe each", |b| {
        b.iter(|| {
            for text in &all {
                validate(&parse(text), &opts).unwrap();
            }
        });
    });
    group.finish();
}

/// Invariants, bindings and the profiles that are claimed, US Core 6.1 loaded; the documents are parsed already.
fn whole(criterion: &mut Criterion) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/us-core/us-core-6.1.0.tgz");
    let package = Package::read(&std::fs::read(package).unwrap(), &PackageLimits::default()).unwrap();
    let terminology = Terminology::new(vec![Arc::new(Table::of_package(&package).unwrap())]);
    let profiles = Profiles::of_packages(&PackageSet::new(vec![Arc::new(package)]).unwrap());
    let validation = Validation {
        structure: ValidateOptions { allow_conditional: true, expected: None },
        profiles: &profiles,
        terminology: &terminology,
        invariants: true,
        claimed: true,
        asked: &[],
        now: aceso_base::Timestamp(1_790_000_000_000),
        limits: ValidationLimits::default(),
    };
    let all: Vec<Doc> = resources().iter().map(|text| parse(text)).collect();
    let mut group = criterion.benchmark_group(format!("whole validation, patient of {} resources", all.len()));
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function("each", |b| b.iter(|| all.iter().map(|doc| validation.run(doc).issues.len()).sum::<usize>()));
    group.finish();
}

criterion_group!(benches, resource, whole);
criterion_main!(benches);
