//! What a search costs per record: extraction when it is written, matching when it is scanned.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench")]

use std::hint::black_box;

use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::search::{Query, SearchValues, SearchView, encode, extract};
use criterion::{Criterion, criterion_group, criterion_main};

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

criterion_group!(benches, search);
criterion_main!(benches);
