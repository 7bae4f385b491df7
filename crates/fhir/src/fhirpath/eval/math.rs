//! Mathematics (FHIRPath 2.0.0, section 5.7), and precision and boundaries (3.0.0).

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};

use super::within::is_empty_primitive;
use super::{Call, Evaluator, Outcome, maybe, none, one};
use crate::fhirpath::boundary;
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::Value;
use crate::fhirpath::quantity::Quantity;

fn value<'a>(run: &mut Evaluator<'_, 'a>, call: &mut Call<'_, '_, 'a>) -> Result<Option<Value<'a>>, Fault> {
    let items = std::mem::take(&mut call.input);
    let Some(item) = run.single(items, call.at)? else { return Ok(None) };
    match item.value() {
        Some(value) => Ok(Some(value)),
        None if is_empty_primitive(&item) => Ok(None),
        None => Err(mismatch(call)),
    }
}

fn mismatch(call: &Call<'_, '_, '_>) -> Fault {
    Fault::new(Problem::Type(call.function.name), call.at)
}

fn number<'a>(run: &mut Evaluator<'_, 'a>, call: &mut Call<'_, '_, 'a>) -> Result<Option<Decimal>, Fault> {
    match value(run, call)? {
        None => Ok(None),
        Some(value) => decimal(&value).map(Some).ok_or_else(|| mismatch(call)),
    }
}

fn decimal(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Integer(value) => Some((*value).into()),
        Value::Decimal(value) => Some(*value),
        _ => None,
    }
}

pub(in crate::fhirpath) fn abs<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    match value(run, &mut call)? {
        None => none(),
        Some(Value::Integer(value)) => maybe(value.checked_abs()),
        Some(Value::Decimal(value)) => one(value.abs()),
        Some(Value::Quantity(quantity)) => one(Value::from(Quantity { value: quantity.value.abs(), ..*quantity })),
        Some(_) => Err(mismatch(&call)),
    }
}

/// A number that becomes a whole one.
fn whole<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>, how: impl Fn(Decimal) -> Decimal) -> Outcome<'a> {
    maybe(number(run, &mut call)?.and_then(|value| how(value).to_i32()))
}

pub(in crate::fhirpath) fn ceiling<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    whole(run, call, |value| value.ceil())
}

pub(in crate::fhirpath) fn floor<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    whole(run, call, |value| value.floor())
}

pub(in crate::fhirpath) fn truncate<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    whole(run, call, |value| value.trunc())
}

pub(in crate::fhirpath) fn round<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(value) = number(run, &mut call)? else { return none() };
    let digits = run.integer_argument(&call, 0)?.unwrap_or(0);
    let digits = u32::try_from(digits).map_err(|_| Fault::new(Problem::Argument("round"), call.at))?;
    one(value.round_dp_with_strategy(digits.min(28), RoundingStrategy::MidpointAwayFromZero))
}

pub(in crate::fhirpath) fn exp<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(number(run, &mut call)?.and_then(|value| value.checked_exp()))
}

pub(in crate::fhirpath) fn ln<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(number(run, &mut call)?.and_then(|value| value.checked_ln()))
}

pub(in crate::fhirpath) fn log<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let value = number(run, &mut call)?;
    let base = run.argument(&call, 0)?.unwrap_or_default();
    let base = run.number(base, "log", call.at)?;
    let Some((value, base)) = value.zip(base) else { return none() };
    let ratio = value.checked_ln().zip(base.checked_ln()).and_then(|(value, base)| value.checked_div(base));
    // Both logarithms are cut at the last digit; what is whole but for that is whole.
    maybe(ratio.map(|ratio| ratio.round_dp(20).normalize()))
}

pub(in crate::fhirpath) fn power<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let base = value(run, &mut call)?;
    let exponent = run.argument(&call, 0)?.unwrap_or_default();
    let exponent = match run.single(exponent, call.at)? {
        Some(item) => item.value(),
        None => return none(),
    };
    let (Some(base), Some(exponent)) = (base, exponent) else { return none() };
    if let (Value::Integer(base), Value::Integer(exponent @ 0..)) = (&base, &exponent) {
        return maybe(base.checked_pow(exponent.unsigned_abs()));
    }
    let (Some(base), Some(exponent)) = (decimal(&base), decimal(&exponent)) else { return Err(mismatch(&call)) };
    if base.is_sign_negative() && !exponent.fract().is_zero() {
        return none();
    }
    maybe(base.checked_powd(exponent))
}

pub(in crate::fhirpath) fn sqrt<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    maybe(number(run, &mut call)?.and_then(|value| value.sqrt()))
}

pub(in crate::fhirpath) fn low_boundary<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    bounded(run, call, false)
}

pub(in crate::fhirpath) fn high_boundary<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    bounded(run, call, true)
}

fn bounded<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>, high: bool) -> Outcome<'a> {
    let Some(value) = value(run, &mut call)? else { return none() };
    let precision = run.integer_argument(&call, 0)?;
    match boundary::boundary(value, precision, high) {
        Some(found) => maybe(found),
        None => Err(mismatch(&call)),
    }
}

pub(in crate::fhirpath) fn precision<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let Some(value) = value(run, &mut call)? else { return none() };
    one(boundary::precision(&value).ok_or_else(|| mismatch(&call))?)
}

pub(in crate::fhirpath) fn comparable<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let this = value(run, &mut call)?;
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let other = run.single(other, call.at)?.and_then(|item| item.value());
    match (this, other) {
        (Some(Value::Quantity(this)), Some(Value::Quantity(other))) => one(this.is_comparable(&other)),
        (None, _) | (_, None) => none(),
        _ => Err(mismatch(&call)),
    }
}
