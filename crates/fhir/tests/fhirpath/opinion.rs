//! A second opinion: npm `fhirpath` on the same expressions and inputs. Where both differ, a checked-in list says which is right and why.
//!
//! Needs the npm package: `cargo xtask test` installs it and says where (`ACESO_PARTS_MODULES`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use aceso_base::Timestamp;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::fhirpath::{Context, Expression, Item, Value as System};
use aceso_fhir::json::{Doc, Limits, Node};
use bzip2::read::BzDecoder;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::cases::{exceptions, folder, inputs, suite};
use crate::definitions::{invariants, resources};

/// The first resource of each type of one synthetic patient.
fn synthetic() -> BTreeMap<String, Doc> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/synthea/beb53716-4df8-a51c-c58e-a8b814b8ac88.json.bz2");
    let mut text = Vec::new();
    BzDecoder::new(File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    let bundle = Doc::parse(text, &Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut found = BTreeMap::new();
    for entry in bundle.root().get("entry").unwrap().items() {
        let resource = entry.get("resource").unwrap();
        found.entry(format!("synthetic {}", rtype(resource))).or_insert_with(|| {
            Doc::parse(resource.raw().to_vec(), &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
        });
    }
    found
}

/// What is asked: a name, the input's file, the expression.
type Asked = (String, String, String);

#[test]
fn another_engine_says_the_same_but_for_what_is_listed() {
    let inputs: BTreeMap<String, Doc> = inputs().into_iter().chain(synthetic()).collect();
    let asked = asked(&inputs);
    let theirs = theirs(&asked, &inputs);
    let listed = exceptions(&folder().join("differences.txt"));
    let mut differing = BTreeMap::new();
    for ((name, input, expression), their) in asked.iter().zip(&theirs) {
        let our = ours(&inputs[input], expression);
        if !agree(&our, their) {
            differing.insert(name.clone(), format!("{expression}\n    ours {our}\n    theirs {their}"));
        }
    }
    println!("second opinion: {} of {} agree", asked.len() - differing.len(), asked.len());
    let new: Vec<String> = differing
        .iter()
        .filter(|(name, _)| !listed.contains_key(*name))
        .map(|(name, what)| format!("{name}: {what}"))
        .collect();
    let gone: Vec<_> = listed.keys().filter(|name| !differing.contains_key(*name)).collect();
    assert!(new.is_empty(), "new differences, {}:\n{}", new.len(), new.join("\n"));
    assert!(gone.is_empty(), "listed, and both agree: {gone:#?}");
    assert!(asked.len() > 1200, "{}", asked.len());
}

/// The suite, and for each of its inputs the invariants and search parameters of the input's type.
fn asked(inputs: &BTreeMap<String, Doc>) -> Vec<Asked> {
    let suite = suite();
    // Those that depend on the hour say nothing.
    let timeless =
        suite.iter().filter(|case| !["now()", "today()", "timeOfDay()"].iter().any(|f| case.expression.contains(f)));
    let mut asked: Vec<Asked> = timeless
        .map(|case| {
            let input = case.input.clone().unwrap_or_else(|| "patient-example.xml".to_owned());
            (case.name.clone(), input, case.expression.clone())
        })
        .collect();
    let (invariants, parameters) = (invariants(), resources("search-parameters"));
    for (file, doc) in inputs {
        let rtype = rtype(doc.root());
        let of_type: BTreeSet<&str> =
            invariants.iter().filter(|(_, path)| path == rtype.name()).map(|(text, _)| text.as_str()).collect();
        let searched = parameters.iter().filter(|parameter| {
            parameter["base"].as_array().unwrap().iter().any(|base| base.as_str() == Some(rtype.name()))
        });
        let searched = searched.filter_map(|parameter| parameter["expression"].as_str());
        // References to elsewhere are asked of a server there, and left out here.
        let all: BTreeSet<&str> =
            of_type.into_iter().chain(searched).filter(|text| !text.contains("resolve()")).collect();
        asked.extend(
            all.into_iter().enumerate().map(|(index, text)| (format!("{file}#{index}"), file.clone(), text.to_owned())),
        );
    }
    asked
}

fn rtype(node: Node<'_>) -> ResourceType {
    ResourceType::parse(&node.get("resourceType").unwrap().as_str().unwrap()).unwrap()
}

fn theirs(asked: &[Asked], inputs: &BTreeMap<String, Doc>) -> Vec<Value> {
    let modules = std::env::var("ACESO_PARTS_MODULES")
        .unwrap_or_else(|_| panic!("ACESO_PARTS_MODULES is not set: cargo xtask test installs the npm packages"));
    // As they are written: whether a parsed `Value` keeps the order of members depends on what else is built.
    let resources: BTreeMap<&str, &RawValue> =
        inputs.iter().map(|(name, doc)| (name.as_str(), serde_json::from_slice(doc.text()).unwrap())).collect();
    let [modules, resources, cases] =
        [serde_json::to_string(&modules), serde_json::to_string(&resources), serde_json::to_string(asked)]
            .map(Result::unwrap);
    let request = format!(r#"{{"modules":{modules},"inputs":{resources},"cases":{cases}}}"#);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fhirpath/second_opinion.mjs");
    let mut node = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    node.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    let mut answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), asked.len());
    for values in answers.iter_mut().filter_map(|answer| answer.get_mut("values")?.as_array_mut()) {
        values.retain(|value| !value.is_null());
    }
    answers
}

fn ours(doc: &Doc, text: &str) -> Value {
    let context =
        Context { now: Some(Timestamp(1_795_000_000_000)), filtering_as: true, ..Context::of_resource(doc.root()) };
    let Ok(expression) = Expression::compile(text) else { return json!({ "error": true }) };
    match expression.evaluate(&Item::resource(doc.root()), &context) {
        Ok(items) => json!({ "values": items.iter().filter_map(shown).collect::<Vec<_>>() }),
        Err(_) => json!({ "error": true }),
    }
}

/// As JavaScript shows it: elements as JSON, values as texts, numbers and booleans. A primitive without a value is not shown.
fn shown(item: &Item<'_>) -> Option<Value> {
    if let Item::Element(_) = item {
        return item.node().map(|node| serde_json::from_slice(node.raw()).unwrap());
    }
    Some(match item.value()? {
        System::Boolean(value) => value.into(),
        System::Integer(value) => value.into(),
        System::Decimal(value) => value.to_string().parse::<f64>().unwrap().into(),
        value => value.to_text().into(),
    })
}

/// Numbers to twelve digits: theirs are binary.
fn agree(our: &Value, their: &Value) -> bool {
    match (our, their) {
        (Value::Number(our), Value::Number(their)) => {
            let (our, their) = (our.as_f64().unwrap(), their.as_f64().unwrap());
            (our - their).abs() <= our.abs().max(their.abs()) * 1e-12
        }
        (Value::Array(our), Value::Array(their)) => {
            our.len() == their.len() && our.iter().zip(their).all(|(our, their)| agree(our, their))
        }
        (Value::Object(our), Value::Object(their)) => {
            our.len() == their.len()
                && our.iter().all(|(key, our)| their.get(key).is_some_and(|their| agree(our, their)))
        }
        _ => our == their,
    }
}
