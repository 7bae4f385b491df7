//! Conversions (FHIRPath 2.0.0, section 5.5).

use rust_decimal::Decimal;

use super::{Call, Evaluator, Outcome, maybe, none, one};
use crate::fhirpath::item::{Text, Value};
use crate::fhirpath::quantity::{Calendar, Quantity, Unit};
use crate::fhirpath::temporal::{Date, DateTime, Time};

/// `toX()`: the value as X, or nothing.
pub(in crate::fhirpath) fn to<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let items = std::mem::take(&mut call.input);
    let Some(item) = run.single(items, call.at)? else { return none() };
    let wanted = call.function.name.trim_start_matches("to");
    maybe(converted(run, &call, item.value(), wanted)?)
}

/// `convertsToX()`: whether `toX()` would give something.
pub(in crate::fhirpath) fn converts<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let items = std::mem::take(&mut call.input);
    let Some(item) = run.single(items, call.at)? else { return none() };
    let wanted = call.function.name.trim_start_matches("convertsTo");
    one(converted(run, &call, item.value(), wanted)?.is_some())
}

fn converted<'r, 'a>(
    run: &mut Evaluator<'r, 'a>,
    call: &Call<'r, '_, 'a>,
    value: Option<Value<'a>>,
    wanted: &str,
) -> Result<Option<Value<'a>>, super::Fault> {
    let Some(value) = value else { return Ok(None) };
    if let Value::String(text) = &value {
        run.charge(text.len() / 64, call.at)?;
    }
    Ok(match wanted {
        "Boolean" => boolean(&value).map(Value::Boolean),
        "Integer" => integer(&value).map(Value::Integer),
        "Decimal" => decimal(&value).map(Value::Decimal),
        "String" => string(value).map(Value::String),
        "Date" => date(&value).map(Value::Date),
        "DateTime" => moment(&value).map(Value::DateTime),
        "Time" => time(&value).map(Value::Time),
        _ => {
            let quantity = quantity(&value);
            match (quantity, run.text_argument(call, 0)?) {
                (Some(quantity), Some(unit)) => quantity.in_unit(&unit).map(Value::from),
                (quantity, None) => quantity.map(Value::from),
                (None, _) => None,
            }
        }
    })
}

fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(value) => Some(*value),
        Value::Integer(1) => Some(true),
        Value::Integer(0) => Some(false),
        Value::Decimal(value) if *value == Decimal::ONE => Some(true),
        Value::Decimal(value) if value.is_zero() => Some(false),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn integer(value: &Value<'_>) -> Option<i32> {
    match value {
        Value::Integer(value) => Some(*value),
        Value::Boolean(value) => Some(i32::from(*value)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn decimal(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Integer(value) => Some((*value).into()),
        Value::Decimal(value) => Some(*value),
        Value::Boolean(value) => Some(if *value { Decimal::ONE } else { Decimal::ZERO }),
        Value::String(text) => plain_decimal(text),
        _ => None,
    }
}

/// `(\+|-)?\d+(\.\d+)?`
fn plain_decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (is_digits(whole) && is_digits(fraction)).then(|| Decimal::from_str_exact(text).ok()).flatten()
}

fn string(value: Value<'_>) -> Option<Text<'_>> {
    match value {
        Value::String(text) => Some(text),
        Value::Type(_) => None,
        value => Some(value.to_text().into()),
    }
}

fn date(value: &Value<'_>) -> Option<Date> {
    match value {
        Value::Date(date) => Some(*date),
        Value::DateTime(moment) => Some(moment.date),
        Value::String(text) => DateTime::parse(text).map(|moment| moment.date),
        _ => None,
    }
}

fn moment(value: &Value<'_>) -> Option<DateTime> {
    match value {
        Value::Date(date) => Some((*date).into()),
        Value::DateTime(moment) => Some(*moment),
        Value::String(text) => DateTime::parse(text),
        _ => None,
    }
}

fn time(value: &Value<'_>) -> Option<Time> {
    match value {
        Value::Time(time) => Some(*time),
        Value::String(text) => Time::parse(text),
        _ => None,
    }
}

fn quantity<'a>(value: &Value<'a>) -> Option<Quantity<'a>> {
    match value {
        Value::Quantity(quantity) => Some((**quantity).clone()),
        Value::String(text) => written_quantity(text),
        _ => decimal(value).map(Quantity::plain),
    }
}

/// `4`, `4 days`, `4 'mg'`
fn written_quantity(text: &str) -> Option<Quantity<'static>> {
    let split = text.find(|c: char| c.is_whitespace() || c == '\'' || c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let value = plain_decimal(number)?;
    let unit = unit.trim();
    if unit.is_empty() {
        return Some(Quantity::plain(value));
    }
    let unit = match unit.strip_prefix('\'').and_then(|unit| unit.strip_suffix('\'')) {
        Some(code) if !code.is_empty() && !code.contains('\'') => Unit::Ucum(code.to_owned().into()),
        Some(_) => return None,
        None => Unit::Calendar(Calendar::parse(unit)?),
    };
    Some(Quantity::new(value, unit))
}
