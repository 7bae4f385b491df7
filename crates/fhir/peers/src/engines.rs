//! Each engine with one expression: its answer, and the work that is timed.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use aceso_fhir::fhirpath::{Context, Expression, Item, Value as System};
use aceso_fhir::json::{Doc, Limits};
use haste_fhir_model::r4::conversion::{downcast_bool, downcast_number, downcast_string};
use haste_fhir_model::r4::generated::resources::Resource;
use haste_fhir_model::r4::generated::types::{CodeableConcept, Quantity};
use haste_fhirpath::{Config, ExternalConstantResolver, FPEngine};
use haste_reflect::MetaValue;
use octofhir_fhirpath::FhirPathEngine;
use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathParser, FhirPathValue};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::inputs::OBSERVATION;

/// Does the work so many times.
pub type Work<'a> = Box<dyn Fn(u32) + 'a>;

/// One engine with one expression.
pub struct Entrant<'a> {
    pub answer: Vec<Value>,
    pub evaluate: Work<'a>,
    pub from_bytes: Work<'a>,
}

/// An engine that refuses says why.
pub type Entry<'a> = Result<Entrant<'a>, Box<dyn Error>>;

pub fn ours<'a>(text: &str, doc: &'a Doc) -> Entry<'a> {
    let expression = Arc::new(Expression::compile(text)?);
    let (focus, context) = (Item::resource(doc.root()), Context::of_resource(doc.root()));
    let answer = expression.evaluate(&focus, &context)?.iter().filter_map(our_json).collect();
    let again = Arc::clone(&expression);
    Ok(Entrant {
        answer,
        evaluate: repeated(move || {
            black_box(expression.evaluate(black_box(&focus), &context).is_ok());
        }),
        from_bytes: repeated(move || {
            // A server has the bytes already; the copy is because the document keeps them, and is part of what is timed.
            if let Ok(doc) = Doc::parse(black_box(OBSERVATION).as_bytes().to_vec(), &Limits::default()) {
                let (focus, context) = (Item::resource(doc.root()), Context::of_resource(doc.root()));
                black_box(again.evaluate(&focus, &context).is_ok());
            }
        }),
    })
}

pub fn by_rh<'a>(text: &str, engine: &'a FhirPathEvaluator, value: &Value) -> Entry<'a> {
    let expression = Arc::new(FhirPathParser::new().parse(text)?);
    let context = EvaluationContext::new(value.clone());
    let answer = rh_items(engine.evaluate(&expression, &context)?);
    let again = Arc::clone(&expression);
    Ok(Entrant {
        answer,
        evaluate: repeated(move || {
            black_box(engine.evaluate(&expression, black_box(&context)).is_ok());
        }),
        from_bytes: repeated(move || {
            if let Ok(value) = serde_json::from_str(black_box(OBSERVATION)) {
                black_box(engine.evaluate(&again, &EvaluationContext::new(value)).is_ok());
            }
        }),
    })
}

pub fn by_haste<'a>(text: &'a str, runtime: &'a Runtime, typed: &'a Resource, config: &Arc<Config<'a>>) -> Entry<'a> {
    let config = Arc::clone(config);
    let found = runtime.block_on(FPEngine::new().evaluate_with_config(text, vec![typed], Arc::clone(&config)))?;
    let answer = found.values().iter().map(|item| haste_json(*item)).collect();
    Ok(Entrant {
        answer,
        evaluate: Box::new(move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    let found =
                        FPEngine::new().evaluate_with_config(text, vec![black_box(typed)], Arc::clone(&config)).await;
                    black_box(found.is_ok());
                }
            });
        }),
        from_bytes: Box::new(move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    if let Ok(typed) = serde_json::from_str::<Resource>(black_box(OBSERVATION)) {
                        let config = haste_config(HashMap::from([("resource".to_owned(), &typed as &dyn MetaValue)]));
                        black_box(FPEngine::new().evaluate_with_config(text, vec![&typed], config).await.is_ok());
                    }
                }
            });
        }),
    })
}

pub fn haste_config<'a>(variables: HashMap<String, &'a dyn MetaValue>) -> Arc<Config<'a>> {
    Arc::new(Config::builder().with_variable_resolver(ExternalConstantResolver::Variable(Arc::new(variables))))
}

pub fn by_octofhir<'a>(text: &str, runtime: &'a Runtime, engine: &'a FhirPathEngine, value: &Value) -> Entry<'a> {
    let plan = engine.compile_plan(text)?;
    let root = Some("Observation");
    let context = runtime.block_on(engine.prepare_context(Arc::new(value.clone()), root, &HashMap::new()))?;
    let found = runtime.block_on(engine.evaluate_plan(&plan, &context))?;
    let answer = found.value.iter().map(|item| item.to_json_value()).collect();
    let again = Arc::clone(&plan);
    Ok(Entrant {
        answer,
        evaluate: Box::new(move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    black_box(engine.evaluate_plan(&plan, black_box(&context)).await.is_ok());
                }
            });
        }),
        from_bytes: Box::new(move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    if let Ok(value) = serde_json::from_str::<Value>(black_box(OBSERVATION))
                        && let Ok(context) = engine.prepare_context(Arc::new(value), root, &HashMap::new()).await
                    {
                        black_box(engine.evaluate_plan(&again, &context).await.is_ok());
                    }
                }
            });
        }),
    })
}

fn repeated<'a>(once: impl Fn() + 'a) -> Work<'a> {
    Box::new(move |times| (0..times).for_each(|_| once()))
}

/// Elements as they are written, computed values as JSON has them.
fn our_json(item: &Item<'_>) -> Option<Value> {
    if let Some(node) = item.node() {
        return serde_json::from_slice(node.raw()).ok();
    }
    Some(match item.value()? {
        System::Boolean(value) => value.into(),
        System::Integer(value) => value.into(),
        value => value.to_text().into(),
    })
}

/// Its own JSON drops the unit of a quantity, which is shown here.
fn rh_items(value: FhirPathValue) -> Vec<Value> {
    match value {
        FhirPathValue::Empty => Vec::new(),
        FhirPathValue::Collection(items) | FhirPathValue::UnorderedCollection(items) => {
            items.into_iter().flat_map(rh_items).collect()
        }
        FhirPathValue::Quantity { value, unit } => {
            vec![json!({ "value": value.to_string().parse::<f64>().ok(), "unit": unit })]
        }
        other => vec![other.to_json()],
    }
}

/// Primitives, and the two types that the expressions give.
fn haste_json(item: &dyn MetaValue) -> Value {
    let any = item.as_any();
    let complex = any.downcast_ref::<CodeableConcept>().and_then(|found| serde_json::to_value(found).ok());
    complex
        .or_else(|| any.downcast_ref::<Quantity>().and_then(|found| serde_json::to_value(found).ok()))
        .or_else(|| downcast_bool(item).ok().map(Value::from))
        .or_else(|| downcast_number(item).ok().map(Value::from))
        .or_else(|| downcast_string(item).ok().map(Value::from))
        .unwrap_or_else(|| json!({ "not shown": item.fhir_type() }))
}
