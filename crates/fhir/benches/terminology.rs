//! What a question about terminology costs: membership in small, large, filtered and imported value sets, and an expansion.
#![expect(clippy::unwrap_used, reason = "benchmark")]

use std::hint::black_box;

use aceso_fhir::terminology::{ExpandOptions, Membership as _, Terminology};
use criterion::{Criterion, criterion_group, criterion_main};

const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

fn terminology(criterion: &mut Criterion) {
    let core = Terminology::default();
    let questions = [
        ("four codes", "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", None, "other"),
        ("1,363 listed units", "http://hl7.org/fhir/ValueSet/ucum-common", Some("http://unitsofmeasure.org"), "mm[Hg]"),
        ("is-a", "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", Some(ACT_CODE), "AMB"),
        ("imported", "http://hl7.org/fhir/ValueSet/event-or-request-resource-types", None, "Task"),
        ("no member", "http://hl7.org/fhir/ValueSet/condition-clinical", None, "none"),
    ];
    let mut group = criterion.benchmark_group("membership");
    for (name, value_set, system, code) in questions {
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(core.contains(black_box(value_set), black_box(system), black_box(code))));
        });
    }
    group.finish();
    let units = "http://hl7.org/fhir/ValueSet/ucum-common";
    let page = ExpandOptions { count: Some(20), ..ExpandOptions::default() };
    criterion.bench_function("expand 20 of 1,363 units", |bench| {
        bench.iter(|| black_box(core.expand(units, &page).unwrap().total));
    });
}

criterion_group!(benches, terminology);
criterion_main!(benches);
