//! Our FHIRPath engine beside other Rust engines: the same expressions over the same observation, in short rounds, in turn.
//!
//! How to run it, in this folder: `cargo run --release`. It runs for less than half a minute. To build it takes some twenty minutes on one
//! core, for the typed models of `haste-fhir-model`. It is a workspace of its own, because the product must not depend on the other engines.
//!
//! The first table is evaluation alone. Each engine has compiled the expression and read the document before the clock starts, each into what
//! it works on: ours into its `Doc`, `rh-fhirpath` into a `serde_json::Value` inside its context, `haste-fhirpath` into the typed models of
//! `haste-fhir-model`, `octofhir-fhirpath` into the node tree inside its context. `haste-fhirpath` takes the text of the expression at each
//! evaluation and finds the parsed one in a table of its own; that look-up is timed. The second table starts from the bytes of the document,
//! as a server does: read them, build the context, evaluate; the expression is compiled before.
//!
//! `octofhir-fhirpath` has no definitions of R4 in itself and runs with its `EmptyModelProvider`. The definitions are in
//! `octofhir-fhirschema`; the two bring 284 packages, an HTTP client and SQLite among them. So it cannot know the types of most elements.
//!
//! A number is the median over the rounds, in nanoseconds for one evaluation. Answers are compared as JSON with ours. An engine that refuses
//! has no number, and one that answers otherwise is marked and listed below the tables.

mod engines;
#[path = "../../benches/common/fhirpath.rs"]
mod inputs;

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aceso_fhir::json::{Doc, Limits};
use engines::{Entrant, Entry, Work, by_haste, by_octofhir, by_rh, haste_config, ours};
use haste_fhir_model::r4::generated::resources::Resource;
use haste_reflect::MetaValue;
use inputs::{EXPRESSIONS, OBSERVATION};
use octofhir_fhirpath::{EmptyModelProvider, FhirPathEngine, create_function_registry};
use rh_fhirpath::FhirPathEvaluator;
use serde_json::{Value, json};

const ENGINES: [&str; 4] = ["Aceso", "rh-fhirpath 0.3.0", "haste-fhirpath 0.129.2", "octofhir-fhirpath 0.4.57"];
const ROUNDS: usize = 101;
/// How long one engine runs in one round.
const TURN: Duration = Duration::from_millis(2);

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let doc = Doc::parse(OBSERVATION.as_bytes().to_vec(), &Limits::default())?;
    let value: Value = serde_json::from_str(OBSERVATION)?;
    let typed: Resource = serde_json::from_str(OBSERVATION)?;
    let variables = HashMap::from([("resource".to_owned(), &typed as &dyn MetaValue)]);
    let config = haste_config(variables);
    let octofhir =
        runtime.block_on(FhirPathEngine::new(Arc::new(create_function_registry()), Arc::new(EmptyModelProvider)))?;
    let rh = FhirPathEvaluator::new();

    let entries: Vec<(&str, [Entry<'_>; 4])> = EXPRESSIONS
        .iter()
        .map(|&(name, text)| {
            let peers = [
                ours(text, &doc),
                by_rh(text, &rh, &value),
                by_haste(text, &runtime, &typed, &config),
                by_octofhir(text, &runtime, &octofhir, &value),
            ];
            (name, peers)
        })
        .collect();

    table("Evaluation of a document that was read before", &entries, |entrant| &entrant.evaluate);
    table("From the bytes of the document", &entries, |entrant| &entrant.from_bytes);
    differences(&entries);
    Ok(())
}

/// Numbers by value: some keep 124, some make 124.0 of it.
fn agree(our: &Value, their: &Value) -> bool {
    match (our, their) {
        (Value::Number(our), Value::Number(their)) => our.as_f64() == their.as_f64(),
        (Value::Array(our), Value::Array(their)) => same(our, their),
        (Value::Object(our), Value::Object(their)) => {
            our.len() == their.len()
                && our.iter().all(|(key, our)| their.get(key).is_some_and(|their| agree(our, their)))
        }
        _ => our == their,
    }
}

fn same(our: &[Value], their: &[Value]) -> bool {
    our.len() == their.len() && our.iter().zip(their).all(|(our, their)| agree(our, their))
}

/// Prints the medians, and beside those of the others the ratio to ours and whether the answer is the same.
fn table<'a>(title: &str, entries: &[(&str, [Entry<'a>; 4])], work: impl for<'b> Fn(&'b Entrant<'a>) -> &'b Work<'a>) {
    println!("\n{title}: ns, ratio to ours, answer\n\n| expression | {} |", ENGINES.join(" | "));
    println!("|---|{}", "---:|".repeat(ENGINES.len()));
    for (name, engines) in entries {
        let works: Vec<_> = engines.iter().map(|engine| engine.as_ref().ok().map(&work)).collect();
        let medians = medians(&works);
        let Some((Ok(us), Some(our))) = engines.first().zip(medians.first().copied()) else { continue };
        print!("| {name} | {our:.0} |");
        for (engine, median) in engines.iter().zip(&medians).skip(1) {
            match (engine, median) {
                (Ok(them), Some(their)) => {
                    let answer = if same(&us.answer, &them.answer) { "same" } else { "DIFFERS" };
                    print!(" {their:.0}, {:.1}, {answer} |", their / our);
                }
                _ => print!(" REFUSED |"),
            }
        }
        println!();
    }
}

/// Nanoseconds for one evaluation, of each the median over rounds in which each has its turn.
fn medians(works: &[Option<&Work<'_>>]) -> Vec<Option<f64>> {
    let timed = |work: &Work<'_>, times: u32| {
        let start = Instant::now();
        work(times);
        start.elapsed().as_nanos() as f64 / f64::from(times)
    };
    // The first two runs warm up; the second says how often it fits into a turn.
    let times = works.iter().map(|work| {
        work.map_or(1, |work| {
            timed(work, 200);
            (TURN.as_nanos() as f64 / timed(work, 200)).clamp(1.0, 1e6) as u32
        })
    });
    let times: Vec<u32> = times.collect();
    let mut rounds = vec![Vec::with_capacity(ROUNDS); works.len()];
    for _ in 0..ROUNDS {
        for ((work, times), taken) in works.iter().zip(&times).zip(&mut rounds) {
            taken.extend(work.map(|work| timed(work, *times)));
        }
    }
    let median = |mut taken: Vec<f64>| {
        taken.sort_by(f64::total_cmp);
        taken.get(taken.len() / 2).copied()
    };
    rounds.into_iter().map(median).collect()
}

fn differences(entries: &[(&str, [Entry<'_>; 4])]) {
    println!("\nAnswers that are not ours:");
    let mut none = true;
    for (name, engines) in entries {
        let Some(Ok(us)) = engines.first() else { continue };
        for (engine, label) in engines.iter().zip(ENGINES).skip(1) {
            let said = match engine {
                Ok(them) if same(&us.answer, &them.answer) => continue,
                Ok(them) => format!("says {}", json!(them.answer)),
                Err(error) => format!("refuses: {error}"),
            };
            println!("- {name}: {label} {said}; ours {}", json!(us.answer));
            none = false;
        }
    }
    if none {
        println!("none");
    }
}
