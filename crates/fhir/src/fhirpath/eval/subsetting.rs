//! Parts of collections, and collections joined (FHIRPath 2.0.0, sections 5.3 and 5.4).

use super::sets::Set;
use super::{Call, Collection, Evaluator, Outcome, maybe};

pub(in crate::fhirpath) fn single<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(run.single(call.input, call.at)?)
}

pub(in crate::fhirpath) fn first<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(call.input.into_iter().next())
}

pub(in crate::fhirpath) fn last<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(call.input.into_iter().next_back())
}

pub(in crate::fhirpath) fn tail<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    Ok(call.input.into_iter().skip(1).collect())
}

pub(in crate::fhirpath) fn skip<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(count) = run.integer_argument(&call, 0)? else { return Ok(Collection::new()) };
    Ok(call.input.into_iter().skip(usize::try_from(count).unwrap_or(0)).collect())
}

pub(in crate::fhirpath) fn take<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(count) = run.integer_argument(&call, 0)? else { return Ok(Collection::new()) };
    Ok(call.input.into_iter().take(usize::try_from(count).unwrap_or(0)).collect())
}

pub(in crate::fhirpath) fn intersect<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let other = Set::of(run, other, call.at)?;
    let mut out = Collection::new();
    for item in Set::of(run, call.input, call.at)?.into_items() {
        if other.contains(run, &item, call.at)? {
            out.push(item);
        }
    }
    Ok(out)
}

pub(in crate::fhirpath) fn exclude<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let other = Set::of(run, other, call.at)?;
    let mut out = Collection::new();
    for item in call.input {
        if !other.contains(run, &item, call.at)? {
            out.push(item);
        }
    }
    Ok(out)
}

pub(in crate::fhirpath) fn union<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let mut items = call.input;
    items.extend(other);
    run.bound(&items, call.at)?;
    Ok(Set::of(run, items, call.at)?.into_items())
}

pub(in crate::fhirpath) fn combine<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let mut items = call.input;
    items.extend(other);
    Ok(items)
}
