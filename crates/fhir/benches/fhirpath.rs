//! What FHIRPath costs: to compile, and to evaluate typical invariants and search parameters over a mean synthetic resource.
//!
//! With `ACESO_PARTS_MODULES` (what `cargo xtask test` installs) npm `fhirpath` is timed on the same in the same run, and both are printed.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

#[path = "common/fhirpath.rs"]
mod inputs;

use inputs::{EXPRESSIONS, OBSERVATION};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use aceso_fhir::fhirpath::{Context, Expression, Item};
use aceso_fhir::json::{Doc, Limits};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

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
