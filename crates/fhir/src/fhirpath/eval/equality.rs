//! Equality, equivalence and order of items (FHIRPath 2.0.0, sections 6.1 and 6.2).

use std::cmp::Ordering;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::fhirpath::item::{Item, Shape, Value, decimal};
use crate::fhirpath::quantity::Quantity;
use crate::fhirpath::temporal::DateTime;
use crate::json::{Kind, Node};

/// Two items that have no order.
pub(super) struct NotComparable;

/// `=` of two items; `None` when it cannot be told: another precision, another unit.
pub(super) fn equal(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    if let (Some(left), Some(right)) = (left.text(), right.text()) {
        return Some(left == right);
    }
    match (left.value(), right.value()) {
        (Some(left), Some(right)) => equal_values(&left, &right),
        (None, None) => Some(same_elements(left, right, Comparison::Equal)),
        _ => Some(false),
    }
}

fn equal_values(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Some(left == right);
    }
    if let (Some(left), Some(right)) = (quantity(left), quantity(right)) {
        return left.compare(&right).map(|order| order == Ordering::Equal);
    }
    let told = |order: Option<Ordering>| order.map(|order| order == Ordering::Equal);
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => Some(left == right),
        (Value::String(left), Value::String(right)) => Some(left == right),
        (Value::Time(left), Value::Time(right)) => told(left.compare(*right)),
        (Value::Type(left), Value::Type(right)) => Some(left == right),
        _ => match (moment(left), moment(right)) {
            (Some(left), Some(right)) => told(left.compare(&right)),
            _ => Some(false),
        },
    }
}

/// `~` of two items.
pub(super) fn equivalent(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left.value(), right.value()) {
        (Some(left), Some(right)) => equivalent_values(&left, &right),
        (None, None) => same_elements(left, right, Comparison::Equivalent),
        _ => false,
    }
}

fn equivalent_values(left: &Value<'_>, right: &Value<'_>) -> bool {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return near(left, right);
    }
    if let (Some(left), Some(right)) = (quantity(left), quantity(right)) {
        return left.is_equivalent(&right);
    }
    match (left, right) {
        (Value::String(left), Value::String(right)) => folded(left) == folded(right),
        _ => equal_values(left, right) == Some(true),
    }
}

/// Equal when rounded to the digits of the less precise one.
fn near(left: Decimal, right: Decimal) -> bool {
    let (left, right) = (left.normalize(), right.normalize());
    let scale = left.scale().min(right.scale());
    let round = |value: Decimal| value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    round(left) == round(right)
}

/// Without case, and with every run of white space as one space.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Equivalent,
}

fn same_elements(left: &Item<'_>, right: &Item<'_>, how: Comparison) -> bool {
    let (Item::Element(left), Item::Element(right)) = (left, right) else { return false };
    let is_primitive = |shape| matches!(shape, Shape::Primitive(_));
    is_primitive(left.shape) == is_primitive(right.shape)
        && same(left.node(), right.node(), how)
        && same(left.sibling(), right.sibling(), how)
}

fn same(left: Option<Node<'_>>, right: Option<Node<'_>>, how: Comparison) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => same_trees(left, right, how),
        (None, None) => true,
        _ => false,
    }
}

/// Members in any order; numbers by value. Depth is bounded by that of the document.
fn same_trees(left: Node<'_>, right: Node<'_>, how: Comparison) -> bool {
    if left.kind() != right.kind() || left.len() != right.len() {
        return false;
    }
    let loosely = how == Comparison::Equivalent;
    match left.kind() {
        Kind::Null => true,
        Kind::Bool => left.as_bool() == right.as_bool(),
        Kind::String => match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => left == right || (loosely && folded(&left) == folded(&right)),
            _ => false,
        },
        Kind::Number => match (left.number_text(), right.number_text()) {
            (Some(left), Some(right)) => {
                let both = decimal(left).zip(decimal(right));
                left == right || both.is_some_and(|(left, right)| left == right || (loosely && near(left, right)))
            }
            _ => false,
        },
        // Beyond a hundred items in order: the cost of any order grows with the square.
        Kind::Array if loosely && left.len() <= 100 => {
            let found = |item: Node<'_>| right.items().any(|other| same_trees(item, other, how));
            left.items().all(found)
        }
        Kind::Array => left.items().zip(right.items()).all(|(left, right)| same_trees(left, right, how)),
        Kind::Object => left
            .members()
            .all(|member| right.get(&member.key).is_some_and(|other| same_trees(member.value, other, how))),
    }
}

/// The order of two items; `None` when the precision or the unit does not tell, or one has no value.
pub(super) fn compare(left: &Item<'_>, right: &Item<'_>) -> Result<Option<Ordering>, NotComparable> {
    let is_absent = |item: &Item<'_>| super::within::is_empty_primitive(item);
    let (left, right) = match (left.value(), right.value()) {
        (Some(left), Some(right)) => (left, right),
        _ if is_absent(left) || is_absent(right) => return Ok(None),
        _ => return Err(NotComparable),
    };
    if let (Some(left), Some(right)) = (number(&left), number(&right)) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Some(left), Some(right)) = (quantity(&left), quantity(&right)) {
        return Ok(left.compare(&right));
    }
    match (&left, &right) {
        (Value::String(left), Value::String(right)) => Ok(Some(left.as_str().cmp(right.as_str()))),
        (Value::Time(left), Value::Time(right)) => Ok(left.compare(*right)),
        _ => match (moment(&left), moment(&right)) {
            (Some(left), Some(right)) => Ok(left.compare(&right)),
            _ => Err(NotComparable),
        },
    }
}

fn number(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Integer(value) => Some((*value).into()),
        Value::Decimal(value) => Some(*value),
        _ => None,
    }
}

/// A number is a quantity without unit (section 5.5, implicit conversion).
fn quantity<'a>(value: &Value<'a>) -> Option<Quantity<'a>> {
    match value {
        Value::Quantity(quantity) => Some((**quantity).clone()),
        _ => number(value).map(Quantity::plain),
    }
}

/// A date is a moment of that precision (section 5.5, implicit conversion).
fn moment(value: &Value<'_>) -> Option<DateTime> {
    match value {
        Value::Date(date) => Some((*date).into()),
        Value::DateTime(moment) => Some(*moment),
        _ => None,
    }
}
