//! The public FHIRPath suite for R4, every test of it: what it expects, or a reason in a list that is as long as it has to be.

use std::collections::BTreeMap;

use aceso_base::Timestamp;
use aceso_fhir::definitions::{ResourceType, TypeRef};
use aceso_fhir::fhirpath::{CheckOptions, CompileProblem, Conformance, Context, Expression, Item};
use aceso_fhir::json::{Doc, Node};
use aceso_fhir::{ValidateOptions, validate};

use crate::cases::{Case, exceptions, folder, inputs, suite};

#[test]
fn the_suite_passes_but_for_the_exceptions_that_are_listed() {
    let cases = suite();
    let exceptions = exceptions(&folder().join("exceptions.txt"));
    let inputs = inputs();
    let mut failed = BTreeMap::new();
    for case in &cases {
        let doc = &inputs[case.input.as_deref().unwrap_or("patient-example.xml")];
        if let Err(why) = run(case, doc) {
            failed.insert(case.name.clone(), format!("{why}: {}", case.expression));
        }
    }
    println!("FHIRPath suite: {} of {} pass, {} listed", cases.len() - failed.len(), cases.len(), exceptions.len());
    let unlisted: Vec<_> = failed.iter().filter(|(name, _)| !exceptions.contains_key(*name)).collect();
    let passing: Vec<_> = exceptions.keys().filter(|name| !failed.contains_key(*name)).collect();
    assert!(unlisted.is_empty(), "not listed: {unlisted:#?}");
    assert!(passing.is_empty(), "listed, and pass or do not exist: {passing:#?}");
    assert_eq!(cases.len(), 935);
}

/// What the suite expects of one expression.
fn run(case: &Case, doc: &Doc) -> Result<(), String> {
    let focus = Item::resource(doc.root());
    let root = doc.root().get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name));
    let root = TypeRef::of_resource(root.unwrap());
    let base = Base(doc);
    let context =
        Context { now: Some(Timestamp(1_795_000_000_000)), profiles: Some(&base), ..Context::of_resource(doc.root()) };
    let compiled = Expression::compile(&case.expression);
    let options = CheckOptions { ordered: case.checks_order };
    let checked = compiled.as_ref().map_err(Clone::clone).and_then(|compiled| compiled.check(root, options));
    match case.invalid.as_deref() {
        Some("syntax") => match compiled {
            Err(error) if matches!(error.problem, CompileProblem::Syntax(_)) => return Ok(()),
            _ => return Err("is no syntax error".into()),
        },
        Some("semantic") => {
            return checked.err().map(|_| ()).ok_or_else(|| "is not found to be wrong by types".into());
        }
        Some(_) => {
            let compiled = compiled.map_err(|_| ());
            let outcome = compiled.and_then(|compiled| compiled.evaluate(&focus, &context).map_err(|_| ()));
            return if checked.is_err() || outcome.is_err() { Ok(()) } else { Err("is no error".into()) };
        }
        None => {}
    }
    let compiled = compiled.map_err(|error| error.to_string())?;
    checked.map_err(|error| format!("check: {error}"))?;
    if case.is_predicate {
        let value = compiled.evaluate(&focus, &context).map_err(|error| error.to_string())?;
        let is_met = !value.is_empty() && compiled.evaluate_bool(&focus, &context).unwrap();
        return expect(&[("boolean".to_owned(), is_met.to_string())], case);
    }
    let items = compiled.evaluate(&focus, &context).map_err(|error| error.to_string())?;
    let shown: Vec<_> = items
        .iter()
        .map(|item| {
            let name = item.type_info().name;
            let lower = name.chars().take(1).flat_map(char::to_lowercase).chain(name.chars().skip(1)).collect();
            (lower, item.value().map_or_else(|| "(no value)".to_owned(), |value| value.to_text()))
        })
        .collect();
    expect(&shown, case)
}

fn expect(found: &[(String, String)], case: &Case) -> Result<(), String> {
    let mut found: Vec<_> = found.to_vec();
    let mut wanted = case.outputs.clone();
    if case.any_order {
        found.sort_by(|left, right| left.1.cmp(&right.1));
        wanted.sort_by(|left, right| left.1.cmp(&right.1));
    }
    let is_same = |(kind, text): &(String, String), (wanted_kind, wanted): &(Option<String>, String)| {
        let wanted = wanted.trim_start_matches('@').trim_start_matches('T');
        let same_kind = wanted_kind.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind));
        // A negative nothing is nothing.
        same_kind && (text == wanted || (kind == "decimal" && text == "0.0" && wanted == "-0.0"))
    };
    if found.len() == wanted.len() && found.iter().zip(&wanted).all(|(found, wanted)| is_same(found, wanted)) {
        return Ok(());
    }
    Err(format!("gives {found:?}, not {wanted:?}"))
}

/// Judges by the definition of the resource's own type, which is all that the suite asks for.
struct Base<'a>(&'a Doc);

impl Conformance for Base<'_> {
    fn conforms(&self, resource: Node<'_>, profile: &str) -> Option<bool> {
        let name = profile.strip_prefix("http://hl7.org/fhir/StructureDefinition/")?;
        let is_whole = resource.span() == self.0.root().span();
        let expected = ResourceType::parse(name).filter(|_| is_whole)?;
        Some(validate(self.0, &ValidateOptions { expected: Some(expected), ..ValidateOptions::default() }).is_ok())
    }
}
