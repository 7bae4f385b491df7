//! Numbers, quantities, dates and times: what `+`, `-`, `*`, `/`, `div` and `mod` make of two values (FHIRPath 2.0.0, section 6.6).

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::item::Value;
use super::quantity::{Calendar, Quantity};
use super::syntax::Operator;
use super::temporal::{Date, DateTime, Precision, Time, last_day};

/// `None`: the operator is not for these types. `Some(None)`: it is, and there is no result (division by zero, overflow).
#[expect(clippy::option_option, reason = "not for these types, and no result, are different answers")]
pub(super) fn apply<'a>(operator: Operator, left: &Value<'a>, right: &Value<'a>) -> Option<Option<Value<'a>>> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) if operator != Operator::Divide => {
            Some(integers(operator, *left, *right)?.map(Value::Integer))
        }
        (Value::Quantity(left), Value::Quantity(right)) => quantities(operator, left, right),
        (Value::Quantity(left), _) if decimal(right).is_some() => {
            quantities(operator, left, &Quantity::plain(decimal(right)?))
        }
        (_, Value::Quantity(right)) if decimal(left).is_some() => {
            quantities(operator, &Quantity::plain(decimal(left)?), right)
        }
        (_, Value::Quantity(amount)) => moved(operator, left, amount),
        _ => decimals(operator, decimal(left)?, decimal(right)?),
    }
}

fn decimal(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Integer(value) => Some((*value).into()),
        Value::Decimal(value) => Some(*value),
        _ => None,
    }
}

#[expect(clippy::option_option, reason = "as above")]
fn integers(operator: Operator, left: i32, right: i32) -> Option<Option<i32>> {
    Some(match operator {
        Operator::Plus => left.checked_add(right),
        Operator::Minus => left.checked_sub(right),
        Operator::Times => left.checked_mul(right),
        Operator::Div => left.checked_div(right),
        Operator::Mod => left.checked_rem(right),
        _ => return None,
    })
}

#[expect(clippy::option_option, reason = "as above")]
fn decimals<'a>(operator: Operator, left: Decimal, right: Decimal) -> Option<Option<Value<'a>>> {
    let result = match operator {
        Operator::Plus => left.checked_add(right),
        Operator::Minus => left.checked_sub(right),
        Operator::Times => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Mod => left.checked_rem(right),
        Operator::Div => {
            let whole = left.checked_div(right).and_then(|value| value.trunc().to_i32());
            return Some(whole.map(Value::Integer));
        }
        _ => return None,
    };
    Some(result.map(Value::Decimal))
}

#[expect(clippy::option_option, reason = "as above")]
fn quantities<'a>(operator: Operator, left: &Quantity<'a>, right: &Quantity<'a>) -> Option<Option<Value<'a>>> {
    let result = match operator {
        Operator::Plus => left.plus(right, Decimal::ONE),
        Operator::Minus => left.plus(right, Decimal::NEGATIVE_ONE),
        Operator::Times => left.times(right, false),
        Operator::Divide => left.times(right, true),
        _ => return None,
    };
    Some(result.map(Value::from))
}

/// A date, moment or time plus or minus a duration (section 6.6.7). Months and years of UCUM are averages: not for dates.
#[expect(clippy::option_option, reason = "as above")]
fn moved<'a>(operator: Operator, from: &Value<'a>, amount: &Quantity<'_>) -> Option<Option<Value<'a>>> {
    let sign = match operator {
        Operator::Plus => Decimal::ONE,
        Operator::Minus => Decimal::NEGATIVE_ONE,
        _ => return None,
    };
    let unit = amount.calendar()?;
    let amount = amount.value.checked_mul(sign);
    Some(match from {
        Value::Date(date) => amount.and_then(|amount| moved_date(*date, amount, unit)).map(Value::Date),
        Value::DateTime(moment) => amount.and_then(|amount| moved_moment(*moment, amount, unit)).map(Value::DateTime),
        Value::Time(time) if unit < Calendar::Day => {
            amount.and_then(|amount| moved_time(*time, amount, unit)).map(Value::Time)
        }
        _ => return None,
    })
}

const NANOS: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * NANOS;

/// Nanoseconds of a unit below a month.
fn nanos(unit: Calendar) -> i128 {
    match unit {
        Calendar::Millisecond => 1_000_000,
        Calendar::Second => NANOS,
        Calendar::Minute => 60 * NANOS,
        Calendar::Hour => 3600 * NANOS,
        Calendar::Day => DAY,
        Calendar::Week => 7 * DAY,
        Calendar::Month | Calendar::Year => 30 * DAY,
    }
}

/// The whole units of an amount; of seconds the fraction counts too.
fn length(amount: Decimal, unit: Calendar) -> Option<i128> {
    if unit <= Calendar::Second {
        return amount.checked_mul(Decimal::from_i128_with_scale(nanos(unit), 0))?.trunc().to_i128();
    }
    amount.trunc().to_i128()?.checked_mul(nanos(unit))
}

fn moved_date(date: Date, amount: Decimal, unit: Calendar) -> Option<Date> {
    let whole = amount.trunc().to_i64()?;
    let months = match unit {
        Calendar::Year => whole.checked_mul(12)?,
        Calendar::Month => whole,
        _ => {
            let days = i64::try_from(length(amount, unit)? / DAY).ok()?;
            return match date.precision() {
                Precision::Year => moved_months(date, days / 365 * 12),
                Precision::Month => moved_months(date, days / 30),
                _ => {
                    let moved = date.civil()?.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
                    Date::of_civil(moved, Precision::Day)
                }
            };
        }
    };
    moved_months(date, if date.precision() == Precision::Year { months / 12 * 12 } else { months })
}

/// The same day of another month, or the last one that it has.
fn moved_months(date: Date, months: i64) -> Option<Date> {
    let first = i64::from(date.year) * 12 + i64::from(date.month.max(1)) - 1;
    let moved = first.checked_add(months)?;
    let year = i16::try_from(moved.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
    let month = u8::try_from(moved.rem_euclid(12) + 1).ok()?;
    Some(Date { year, month: if date.month == 0 { 0 } else { month }, day: date.day.min(last_day(year, month)) })
}

fn moved_moment(moment: DateTime, amount: Decimal, unit: Calendar) -> Option<DateTime> {
    let Some(time) = moment.time.filter(|_| unit < Calendar::Month) else {
        return Some(DateTime { date: moved_date(moment.date, amount, unit)?, ..moment });
    };
    // A part of the duration that is finer than the moment is cut (section 6.6.7).
    let finest = match time.precision() {
        Precision::Hour => 3600 * NANOS,
        Precision::Minute => 60 * NANOS,
        _ => 1,
    };
    let length = length(amount, unit)? / finest * finest;
    let total = time.nanos().checked_add(length)?;
    let days = i64::try_from(total.div_euclid(DAY)).ok()?;
    let date = moment.date.civil()?.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    Some(DateTime {
        date: Date::of_civil(date, Precision::Day)?,
        time: Some(Time::of_nanos(total.rem_euclid(DAY), time)),
        offset: moment.offset,
    })
}

/// Around midnight.
fn moved_time(time: Time, amount: Decimal, unit: Calendar) -> Option<Time> {
    let total = time.nanos().checked_add(length(amount, unit)?)?;
    Some(Time::of_nanos(total.rem_euclid(DAY), time))
}
