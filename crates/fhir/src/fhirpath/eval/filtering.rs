//! Filters, projections and what else evaluates its arguments item by item (FHIRPath 2.0.0, sections 5.2, 5.5.1 and 7).

use std::cmp::Ordering;

use super::equality::compare;
use super::sets::Set;
use super::{Call, Collection, Evaluator, Outcome, Scope, none};
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::Item;
use crate::fhirpath::program::Extra;

pub(in crate::fhirpath) fn filter<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(criterion) = call.arguments.first() else { return none() };
    let mut out = Collection::new();
    for (index, item) in call.input.into_iter().enumerate() {
        let met = run.for_item(*criterion, &item, index, call.scope)?;
        if run.boolean(met, call.at)? == Some(true) {
            out.push(item);
        }
    }
    Ok(out)
}

pub(in crate::fhirpath) fn select<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(projection) = call.arguments.first() else { return none() };
    let mut out = Collection::new();
    for (index, item) in call.input.iter().enumerate() {
        out.extend(run.for_item(*projection, item, index, call.scope)?);
        run.bound(&out, call.at)?;
    }
    Ok(out)
}

/// Until nothing new comes; what equals an item that is there already is not new.
pub(in crate::fhirpath) fn repeat<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(projection) = call.arguments.first() else { return none() };
    let mut found = Set::default();
    let mut waiting = call.input;
    while !waiting.is_empty() {
        let mut next = Collection::new();
        for (index, item) in waiting.iter().enumerate() {
            for new in run.for_item(*projection, item, index, call.scope)? {
                if found.insert(run, new.clone(), call.at)? {
                    next.push(new);
                    run.bound(&next, call.at)?;
                }
            }
        }
        waiting = next;
    }
    Ok(found.into_items())
}

pub(in crate::fhirpath) fn aggregate<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(aggregator) = call.arguments.first() else { return none() };
    let mut total = run.argument(&call, 1)?.unwrap_or_default();
    for (index, item) in call.input.iter().enumerate() {
        let scope = Scope { this: Some(item), index: i32::try_from(index).ok(), total: Some(&total) };
        total = run.apart(*aggregator, scope)?;
    }
    Ok(total)
}

/// Only the branch that is chosen is evaluated. On an input of one item that item is `$this`.
pub(in crate::fhirpath) fn iif<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let item = run.single(call.input, call.at)?;
    let scope = Scope { this: item.as_ref(), ..call.scope };
    let Some(criterion) = call.arguments.first() else { return none() };
    let met = run.apart(*criterion, scope)?;
    let branch = if run.boolean(met, call.at)? == Some(true) { 1 } else { 2 };
    match call.arguments.get(branch) {
        Some(branch) => run.apart(*branch, scope),
        None => none(),
    }
}

/// By each key in turn; nothing sorts behind something.
pub(in crate::fhirpath) fn sort<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let descending: &[bool] = match call.extra {
        Extra::Descending(descending) => descending,
        _ => &[],
    };
    let mut keyed = Vec::new();
    for (index, item) in call.input.into_iter().enumerate() {
        let mut keys: Vec<Option<Item<'a>>> = Vec::new();
        if call.arguments.is_empty() {
            keys.push(Some(item.clone()));
        }
        for key in call.arguments {
            let found = run.for_item(*key, &item, index, call.scope)?;
            keys.push(run.single(found, call.at)?);
        }
        keyed.push((keys, item));
    }
    run.charge(keyed.len().saturating_mul(20), call.at)?;
    let mut is_comparable = true;
    let keyed = sorted(keyed, &mut |(left, _), (right, _)| {
        for (index, (left, right)) in left.iter().zip(right).enumerate() {
            let order = match (left, right) {
                (Some(left), Some(right)) => compare(left, right).unwrap_or_else(|_| {
                    is_comparable = false;
                    None
                }),
                (None, None) => None,
                (None, Some(_)) => Some(Ordering::Greater),
                (Some(_), None) => Some(Ordering::Less),
            };
            let order = order.unwrap_or(Ordering::Equal);
            if order != Ordering::Equal {
                return if descending.get(index) == Some(&true) { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    });
    if !is_comparable {
        return Err(Fault::new(Problem::Type("sort"), call.at));
    }
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// A stable merge sort. That of the standard library panics where it finds that the order is none, and here it can be none: 2020-05 is neither
/// before nor after 2020, and a number is nothing to a text.
fn sorted<T>(mut left: Vec<T>, order: &mut impl FnMut(&T, &T) -> Ordering) -> Vec<T> {
    if left.len() < 2 {
        return left;
    }
    let right = left.split_off(left.len() / 2);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut left = sorted(left, order).into_iter().peekable();
    let mut right = sorted(right, order).into_iter().peekable();
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let next = if order(one, other).is_gt() { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left.chain(right));
    merged
}

/// `defineVariable(name[, value])`: for what follows in the same chain; the input goes on.
pub(in crate::fhirpath) fn define_variable<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(name) = run.text_argument(&call, 0)? else { return none() };
    let value = match call.arguments.get(1) {
        None => call.input.clone(),
        Some(value) => {
            // The value sees the input when that is one item (FHIRPath 3.0.0, defineVariable).
            let this = match call.input.as_slice() {
                [only] => Some(only),
                _ => call.scope.this,
            };
            run.apart(*value, Scope { this, ..call.scope })?
        }
    };
    run.define(&name, value, call.at)?;
    Ok(call.input)
}
