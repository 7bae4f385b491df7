//! How a value stands to another one, and to a moment that is counted from now: what profiles ask beside expressions.

use std::cmp::Ordering;

use aceso_base::Timestamp;

use super::arithmetic;
use super::eval;
use super::item::{Item, Value};
use super::syntax::Operator;
use super::temporal::{Date, DateTime, Time};

/// The order of two values as `<` and `>` see it (FHIRPath 2.0.0, section 6.2); `None` when it cannot be told: another precision, another
/// unit, a comparator, no value.
pub(crate) fn order(left: &Item<'_>, right: &Item<'_>) -> Option<Ordering> {
    eval::order(left, right)
}

/// Whether the item is a quantity that dates can be moved by.
pub(crate) fn is_duration(item: &Item<'_>) -> bool {
    matches!(item.value(), Some(Value::Quantity(amount)) if amount.calendar().is_some())
}

/// The order of a date or moment and what is `amount` before (`is_past`) or after now. `None` when it cannot be told, also for a date that
/// is beyond in UTC and not in every zone that there is.
pub(crate) fn order_to_now(value: &Item<'_>, now: Timestamp, amount: &Item<'_>, is_past: bool) -> Option<Ordering> {
    let now = DateTime::parse(&now.to_string())?;
    let amount = amount.value()?;
    let operator = if is_past { Operator::Minus } else { Operator::Plus };
    let moved = |from: DateTime| match arithmetic::apply(operator, &Value::DateTime(from), &amount) {
        Some(Some(Value::DateTime(moved))) => Some(moved),
        _ => None,
    };
    match value.value()? {
        Value::DateTime(value) => value.compare(&moved(now)?),
        Value::Date(value) => {
            let order = |day: Date| DateTime::from(value).compare(&DateTime::from(day));
            let beyond = if is_past { Ordering::Less } else { Ordering::Greater };
            let told = order(moved(now)?.date)?;
            // The farthest that a day can be from that of UTC.
            let zone = if is_past { -12 } else { 14 };
            let is_told = told != beyond || order(moved(in_zone(now, zone)?)?.date)? == beyond;
            is_told.then_some(told)
        }
        _ => None,
    }
}

/// What the clock shows so many hours east of UTC.
fn in_zone(moment: DateTime, hours: i64) -> Option<DateTime> {
    let time = moment.time?;
    let at = i64::from(time.hour) + hours;
    let days = jiff::Span::new().try_days(at.div_euclid(24)).ok()?;
    let date = moment.date.civil()?.checked_add(days).ok()?;
    let hour = u8::try_from(at.rem_euclid(24)).ok()?;
    let date = Date::of_civil(date, super::temporal::Precision::Day)?;
    Some(DateTime { date, time: Some(Time { hour, ..time }), offset: moment.offset })
}
