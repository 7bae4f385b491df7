//! What a search costs per record: extraction when it is written, matching when it is scanned.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a bench")]

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits, write};
use aceso_fhir::search::{Query, SearchValues, SearchView, encode, extract};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"83c5ad95-1a9a-80f1-9710-4d0d6415bb2a","status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body Height"}],"text":"Body Height"},
"subject":{"reference":"Patient/8708d3e1-f718-96bb-03f0-f2a6564ae1cd"},"encounter":{"reference":"Encounter/67ac37a8-1ce2-eae6-5139-fd7e14600a24"},
"effectiveDateTime":"2012-01-19T04:50:13+01:00","issued":"2012-01-19T04:50:13.408+01:00",
"valueQuantity":{"value":173.3,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}"#;

fn search(c: &mut Criterion) {
    let rtype = ResourceType::parse("Observation").unwrap();
    let doc = Doc::parse(OBSERVATION.as_bytes().to_vec(), &Limits::default()).unwrap();
    let mut values = SearchValues::new();
    let mut stored = Vec::new();
    extract(doc.root(), rtype, &mut values);
    encode(&values, &mut stored);
    c.bench_function("extract and encode an observation", |b| {
        b.iter(|| {
            extract(doc.root(), rtype, &mut values);
            stored.clear();
            encode(&values, &mut stored);
            black_box(stored.len())
        });
    });
    for (name, value) in [
        ("code", "http://loinc.org|8302-2"),
        ("date", "ge2012-01-01"),
        ("patient", "8708d3e1-f718-96bb-03f0-f2a6564ae1cd"),
        ("value-quantity", "gt170||cm"),
        ("code-value-quantity", "8302-2$gt170"),
        ("code:text", "body"),
    ] {
        let query = Query::parse(rtype, &[(name.to_owned(), value.to_owned())]).unwrap();
        assert!(query.filters[0].matches(&SearchView::open(&stored).unwrap()));
        c.bench_function(&format!("open and match {name}"), |b| {
            b.iter(|| SearchView::open(black_box(&stored)).is_ok_and(|view| query.filters[0].matches(&view)));
        });
    }
}

/// The compiled set of all search parameters of the type, over the resource whose size is nearest the mean and over each one of a patient.
fn parameters(c: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/synthea/beb53716-4df8-a51c-c58e-a8b814b8ac88.json.bz2");
    let mut text = Vec::new();
    bzip2::read::BzDecoder::new(File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    let bundle = Doc::parse(text, &Limits::default()).ok().unwrap();
    let of_entry = |entry: aceso_fhir::json::Node<'_>| {
        let mut text = Vec::new();
        write(entry.get("resource").unwrap(), &mut text);
        let doc = Doc::parse(text, &Limits::default()).ok().unwrap();
        let rtype = ResourceType::parse(&doc.root().get("resourceType").unwrap().as_str().unwrap()).unwrap();
        (doc, rtype)
    };
    let all: Vec<(Doc, ResourceType)> = bundle.root().get("entry").unwrap().items().map(of_entry).collect();
    let bytes: usize = all.iter().map(|(doc, _)| doc.text().len()).sum();
    let mean = bytes / all.len();
    let (typical, rtype) = all.iter().min_by_key(|(doc, _)| doc.text().len().abs_diff(mean)).unwrap();
    let mut values = SearchValues::new();
    let size = typical.text().len();
    c.bench_function(&format!("all parameters of {} over one of {size} bytes", rtype.name()), |b| {
        b.iter(|| extract(black_box(typical.root()), *rtype, &mut values));
    });
    let mut group = c.benchmark_group(format!("all parameters over each of {} resources, {bytes} bytes", all.len()));
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function("each", |b| {
        b.iter(|| all.iter().for_each(|(doc, rtype)| extract(black_box(doc.root()), *rtype, &mut values)));
    });
    group.finish();
    // On a machine with other work a mean says more of that than of this: the best of many short rounds does not.
    let (mut one, mut each) = (f64::INFINITY, vec![f64::INFINITY; all.len()]);
    for _ in 0..40 {
        one = one.min(nanoseconds(100, || extract(black_box(typical.root()), *rtype, &mut values)));
        for ((doc, rtype), best) in all.iter().zip(&mut each) {
            *best = best.min(nanoseconds(20, || extract(black_box(doc.root()), *rtype, &mut values)));
        }
    }
    println!("all parameters, best rounds: {one:.0} ns over one of {size} bytes of type {}", rtype.name());
    println!(
        "all parameters, best rounds: {:.0} ns, mean of {}",
        each.iter().sum::<f64>() / all.len() as f64,
        all.len()
    );
}

/// Per repetition.
fn nanoseconds(repeats: u32, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..repeats).for_each(|_| run());
    start.elapsed().as_nanos() as f64 / f64::from(repeats)
}

criterion_group!(benches, parameters, search);
criterion_main!(benches);
