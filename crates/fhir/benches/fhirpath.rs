//! What FHIRPath costs: to compile, and to evaluate typical invariants and search parameters over a mean synthetic resource.
//!
//! With `ACESO_PARTS_MODULES` (what `cargo xtask test` installs) npm `fhirpath` is timed on the same in the same run, and both are printed.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use aceso_fhir::fhirpath::{Context, Expression, Item};
use aceso_fhir::json::{Doc, Limits};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

/// An observation as the synthetic patients have them: 1.2 kB, near the mean of all resources.
const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"83c5ad95-1a9a-80f1-9710-4d0d6415bb2a",
"meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs"]},"status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}],"text":"Blood pressure panel"},
"subject":{"reference":"Patient/8708d3e1-f718-96bb-03f0-f2a6564ae1cd"},"encounter":{"reference":"Encounter/67ac37a8-1ce2-eae6-5139-fd7e14600a24"},
"effectiveDateTime":"2012-01-19T04:50:13+01:00","issued":"2012-01-19T04:50:13.408+01:00",
"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4","display":"Diastolic Blood Pressure"}],"text":"Diastolic"},
"valueQuantity":{"value":85.5,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic Blood Pressure"}],"text":"Systolic"},
"valueQuantity":{"value":124,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"#;

const EXPRESSIONS: [(&str, &str); 8] = [
    ("path", "Observation.component.code.coding.code"),
    ("search: code", "Observation.code | Observation.component.code"),
    ("search: value", "Observation.value.ofType(Quantity) | Observation.component.value.ofType(Quantity)"),
    ("invariant obs-6", "dataAbsentReason.empty() or value.empty()"),
    (
        "invariant obs-7",
        "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()",
    ),
    ("invariant dom-4", "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()"),
    (
        "filter",
        "component.where(code.coding.exists(system = 'http://loinc.org' and code = '8480-6')).value.value > 120",
    ),
    ("invariant dom-3, descendants", "descendants().where($this is Reference).reference.distinct().count()"),
];

fn fhirpath(c: &mut Criterion) {
    let doc = Doc::parse(OBSERVATION.as_bytes().to_vec(), &Limits::default()).unwrap();
    let focus = Item::resource(doc.root());
    let context = Context::of_resource(doc.root());
    let mut group = c.benchmark_group("fhirpath");
    group.measurement_time(std::time::Duration::from_secs(3));
    for (name, text) in EXPRESSIONS {
        let expression = Expression::compile(text).unwrap();
        group.bench_function(name, |b| b.iter(|| black_box(expression.evaluate(&focus, &context).unwrap())));
    }
    group
        .bench_function("compile the filter", |b| b.iter(|| Expression::compile(black_box(EXPRESSIONS[6].1)).unwrap()));
    group.finish();
    if let Ok(modules) = std::env::var("ACESO_PARTS_MODULES") {
        beside(&modules, &focus, &context);
    }
}

/// Both engines on the same, turn by turn: nanoseconds per evaluation, the best of ten rounds after ten to warm up.
fn beside<'a>(modules: &str, focus: &Item<'a>, context: &Context<'a>) {
    let resource: Value = serde_json::from_str(OBSERVATION).unwrap();
    println!("| expression | ours ns | npm ns | ratio |\n|---|---:|---:|---:|");
    for (name, text) in EXPRESSIONS {
        let request =
            json!({ "modules": modules, "time": 10, "inputs": { "o": resource }, "cases": [[name, "o", text]] });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fhirpath/second_opinion.mjs");
        let mut node = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        node.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
        let answers: Vec<f64> = serde_json::from_slice(&node.wait_with_output().unwrap().stdout).unwrap();
        let theirs = answers.first().unwrap();
        let expression = Expression::compile(text).unwrap();
        let ours = (0..20).map(|_| timed(&expression, focus, context)).fold(f64::INFINITY, f64::min);
        println!("| {name} | {ours:.0} | {theirs:.0} | {:.0} |", theirs / ours);
    }
}

fn timed<'a>(expression: &Expression, focus: &Item<'a>, context: &Context<'a>) -> f64 {
    const REPEATS: u32 = 2000;
    let start = Instant::now();
    for _ in 0..REPEATS {
        black_box(expression.evaluate(black_box(focus), context).unwrap());
    }
    start.elapsed().as_nanos() as f64 / f64::from(REPEATS)
}

criterion_group!(benches, fhirpath);
criterion_main!(benches);
