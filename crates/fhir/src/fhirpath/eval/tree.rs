//! The tree, the clock and the trace (FHIRPath 2.0.0, sections 5.8 and 5.9), and `type`.

use super::{Call, Collection, Evaluator, Outcome, Scope, none, one};
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::{Item, Value};
use crate::fhirpath::navigate;
use crate::fhirpath::temporal::{Date, DateTime, Time};

pub(in crate::fhirpath) fn children<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let mut out = Collection::new();
    for item in &call.input {
        below(run, item, &mut out, call.at)?;
    }
    Ok(out)
}

/// Level by level, as `repeat(children())`, but with what is equal: everything in the tree is told apart by its place.
pub(in crate::fhirpath) fn descendants<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let mut out = Collection::new();
    for item in &call.input {
        below(run, item, &mut out, call.at)?;
    }
    let mut next = 0;
    while let Some(item) = out.get(next).cloned() {
        below(run, &item, &mut out, call.at)?;
        next += 1;
    }
    Ok(out)
}

fn below<'a>(run: &mut Evaluator<'_, 'a>, item: &Item<'a>, out: &mut Collection<'a>, at: u32) -> Result<(), Fault> {
    let Item::Element(element) = item else { return Ok(()) };
    let mut fault = Ok(());
    navigate::children(element, &mut |child| {
        out.push(Item::Element(child));
        fault = run.charge(1, at).and_then(|()| run.bound(out, at));
        fault.is_ok()
    });
    fault
}

pub(in crate::fhirpath) fn type_of<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    Ok(call.input.iter().map(|item| Item::Value(Value::Type(item.type_info()))).collect())
}

fn clock(run: &Evaluator<'_, '_>, at: u32) -> Result<DateTime, Fault> {
    let now = run.context.now.ok_or(Fault::new(Problem::Unavailable("the time"), at))?;
    DateTime::parse(&now.to_string()).ok_or(Fault::new(Problem::Unavailable("the time"), at))
}

pub(in crate::fhirpath) fn now<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    one(Value::DateTime(clock(run, call.at)?))
}

pub(in crate::fhirpath) fn today<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let Date { year, month, day } = clock(run, call.at)?.date;
    one(Value::Date(Date { year, month, day }))
}

pub(in crate::fhirpath) fn time_of_day<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let time: Option<Time> = clock(run, call.at)?.time;
    super::maybe(time.map(Value::Time))
}

/// `trace(name[, projection])`: the input goes on; what is shown is kept where the context asks for it, else not made.
pub(in crate::fhirpath) fn trace<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(trace) = run.context.trace else { return Ok(call.input) };
    let Some(name) = run.text_argument(&call, 0)? else { return none() };
    let Some(projection) = call.arguments.get(1) else {
        trace.note(&name, &call.input);
        return Ok(call.input);
    };
    let mut shown = Collection::new();
    for (index, item) in call.input.iter().enumerate() {
        let scope = Scope { this: Some(item), index: i32::try_from(index).ok(), total: call.scope.total };
        shown.extend(run.apart(*projection, scope)?);
        run.bound(&shown, call.at)?;
    }
    trace.note(&name, &shown);
    Ok(call.input)
}
