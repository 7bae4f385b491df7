//! The least and the greatest value that a written precision stands for (FHIRPath 3.0.0, `lowBoundary`, `highBoundary`, `precision`).

use rust_decimal::{Decimal, RoundingStrategy};

use super::item::Value;
use super::quantity::Quantity;
use super::temporal::{Date, DateTime, Precision, Time};

/// Digits after the point when none are asked for, and at most.
const DECIMAL_DIGITS: i32 = 8;
const MOST_DIGITS: u32 = 28;
/// Easternmost and westernmost offset in minutes: where a day begins first and ends last.
const EAST: i16 = 14 * 60;
const WEST: i16 = -12 * 60;

/// `None`: no such type has a boundary. `Some(None)`: there is none at this precision.
#[expect(clippy::option_option, reason = "not for this type, and no result, are different answers")]
pub(super) fn boundary<'a>(value: Value<'a>, precision: Option<i32>, high: bool) -> Option<Option<Value<'a>>> {
    Some(match value {
        Value::Integer(value) => decimal(value.into(), precision, high).map(Value::Decimal),
        Value::Decimal(value) => decimal(value, precision, high).map(Value::Decimal),
        Value::Quantity(quantity) => {
            decimal(quantity.value, precision, high).map(|value| Value::from(Quantity { value, ..(*quantity).clone() }))
        }
        Value::Date(date) => day(date, precision.unwrap_or(8), high).map(Value::Date),
        Value::DateTime(moment) => moment_at(moment, precision.unwrap_or(17), high).map(Value::DateTime),
        Value::Time(time) => time_at(time, precision.unwrap_or(9), high).map(Value::Time),
        _ => return None,
    })
}

/// Digits that are known: of a decimal those after the point, of dates and times all.
pub(super) fn precision(value: &Value<'_>) -> Option<i32> {
    let digits = |precision: Precision, fraction: u8| match precision {
        Precision::Year => 4,
        Precision::Month => 6,
        Precision::Day => 8,
        Precision::Hour => 10,
        Precision::Minute => 12,
        Precision::Second => 14 + i32::from(fraction),
    };
    Some(match value {
        Value::Integer(_) => 0,
        Value::Decimal(value) => value.scale().cast_signed(),
        Value::Quantity(quantity) => quantity.value.scale().cast_signed(),
        Value::Date(date) => digits(date.precision(), 0),
        Value::DateTime(moment) => digits(moment.precision(), moment.time.map_or(0, |time| time.digits)),
        Value::Time(time) => digits(time.precision(), time.digits) - 8,
        _ => return None,
    })
}

/// Half of the last digit below or above, cut to the digits that are asked for, away from the value.
fn decimal(value: Decimal, precision: Option<i32>, high: bool) -> Option<Decimal> {
    let digits = u32::try_from(precision.unwrap_or(DECIMAL_DIGITS)).ok().filter(|digits| *digits <= MOST_DIGITS)?;
    let half = Decimal::try_new(5, value.scale() + 1).ok()?;
    let exact = if high { value.checked_add(half)? } else { value.checked_sub(half)? };
    let (nearest, away) = if high {
        (RoundingStrategy::MidpointNearestEven, RoundingStrategy::ToPositiveInfinity)
    } else {
        (RoundingStrategy::MidpointNearestEven, RoundingStrategy::ToNegativeInfinity)
    };
    // A value that is nothing at this precision stays nothing: 0.0034 is 0.0 to one digit, not 0.1.
    let is_nothing = !value.is_zero() && exact.round_dp_with_strategy(digits, nearest).is_zero();
    let mut out = if is_nothing { Decimal::ZERO } else { exact.round_dp_with_strategy(digits, away) };
    out.rescale(digits);
    (out.scale() == digits).then_some(out)
}

fn day(date: Date, digits: i32, high: bool) -> Option<Date> {
    let whole = if high { date.last() } else { date.first() };
    match digits {
        4 => Some(Date { month: 0, day: 0, ..whole }),
        6 => Some(Date { day: 0, ..whole }),
        8 => Some(whole),
        _ => None,
    }
}

fn time_at(time: Time, digits: i32, high: bool) -> Option<Time> {
    let mut whole = if high { time.last() } else { time.first() };
    match digits {
        2 => whole.minute = None,
        4 | 6 | 9 => {}
        _ => return None,
    }
    if digits < 6 {
        whole.second = None;
    }
    if digits < 9 {
        (whole.nano, whole.digits) = (0, 0);
    } else {
        (whole.nano, whole.digits) = (whole.nano / 1_000_000 * 1_000_000, 3);
    }
    Some(whole)
}

fn moment_at(moment: DateTime, digits: i32, high: bool) -> Option<DateTime> {
    if digits <= 8 {
        return day(moment.date, digits, high).map(DateTime::from);
    }
    let date = if high { moment.date.last() } else { moment.date.first() };
    let midnight = Time { hour: 0, minute: None, second: None, nano: 0, digits: 0 };
    let last_hour = Time { hour: 23, ..midnight };
    let time = moment.time.unwrap_or(if high { last_hour } else { midnight });
    let offset = moment.offset.unwrap_or(if high { WEST } else { EAST });
    Some(DateTime { date, time: Some(time_at(time, digits - 8, high)?), offset: Some(offset) })
}
