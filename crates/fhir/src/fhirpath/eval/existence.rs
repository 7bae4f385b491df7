//! Existence (FHIRPath 2.0.0, section 5.1), and `not` (6.5.3).

use super::sets::Set;
use super::{Call, Evaluator, Outcome, maybe, one};
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::{Item, Value};

pub(in crate::fhirpath) fn empty<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    one(call.input.is_empty())
}

pub(in crate::fhirpath) fn exists<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(criterion) = call.arguments.first() else { return one(!call.input.is_empty()) };
    for (index, item) in call.input.iter().enumerate() {
        let met = run.for_item(*criterion, item, index, call.scope)?;
        if run.boolean(met, call.at)? == Some(true) {
            return one(true);
        }
    }
    one(false)
}

pub(in crate::fhirpath) fn all<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(criterion) = call.arguments.first() else { return one(true) };
    for (index, item) in call.input.iter().enumerate() {
        let met = run.for_item(*criterion, item, index, call.scope)?;
        if run.boolean(met, call.at)? != Some(true) {
            return one(false);
        }
    }
    one(true)
}

pub(in crate::fhirpath) fn all_true<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let values = booleans(&call)?;
    one(values.iter().all(|value| *value))
}

pub(in crate::fhirpath) fn any_true<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let values = booleans(&call)?;
    one(values.iter().any(|value| *value))
}

pub(in crate::fhirpath) fn all_false<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let values = booleans(&call)?;
    one(values.iter().all(|value| !*value))
}

pub(in crate::fhirpath) fn any_false<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let values = booleans(&call)?;
    one(values.iter().any(|value| !*value))
}

fn booleans(call: &Call<'_, '_, '_>) -> Result<Vec<bool>, Fault> {
    let boolean = |item: &Item<'_>| match item.value() {
        Some(Value::Boolean(value)) => Ok(value),
        _ => Err(Fault::new(Problem::Type(call.function.name), call.at)),
    };
    call.input.iter().map(boolean).collect()
}

pub(in crate::fhirpath) fn not<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(run.boolean(call.input, call.at)?.map(|value| !value))
}

pub(in crate::fhirpath) fn count<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(i32::try_from(call.input.len()).ok())
}

pub(in crate::fhirpath) fn subset_of<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let other = Set::of(run, other, call.at)?;
    for item in &call.input {
        if !other.contains(run, item, call.at)? {
            return one(false);
        }
    }
    one(true)
}

pub(in crate::fhirpath) fn superset_of<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let this = Set::of(run, call.input, call.at)?;
    for item in &other {
        if !this.contains(run, item, call.at)? {
            return one(false);
        }
    }
    one(true)
}

pub(in crate::fhirpath) fn distinct<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    Ok(Set::of(run, call.input, call.at)?.into_items())
}

pub(in crate::fhirpath) fn is_distinct<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let count = call.input.len();
    one(Set::of(run, call.input, call.at)?.into_items().len() == count)
}
