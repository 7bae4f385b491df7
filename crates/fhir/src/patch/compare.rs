//! Equality of JSON values as `test` means it (RFC 6902, section 4.6).

use super::PatchProblem;
use super::tree::{Value, Work};
use crate::json::{Kind, Node};
use std::borrow::Cow;

/// Whether two values are equal: numbers by value, strings by their characters, members in any order.
pub(super) fn equal(value: &Value<'_>, node: Node<'_>, work: &mut Work) -> Result<bool, PatchProblem> {
    match value {
        Value::Source(own) => same(*own, node, work),
        Value::Null => Ok(node.kind() == Kind::Null),
        Value::Array(items) => {
            work.spend(1)?;
            if node.kind() != Kind::Array || node.len() != items.len() {
                return Ok(false);
            }
            for (item, other) in items.iter().zip(node.items()) {
                if !equal(item, other, work)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Value::Object(members) => {
            work.spend(1 + members.len())?;
            if node.kind() != Kind::Object || node.len() != members.len() {
                return Ok(false);
            }
            let mut own: Vec<(Cow<'_, str>, &Value<'_>)> =
                members.iter().map(|member| (member.key.text(), &member.value)).collect();
            own.sort_by(|one, other| one.0.cmp(&other.0));
            for ((key, value), (other_key, other)) in own.into_iter().zip(sorted(node)) {
                if key != other_key || !equal(value, other, work)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

fn same(one: Node<'_>, other: Node<'_>, work: &mut Work) -> Result<bool, PatchProblem> {
    work.spend(1 + one.len())?;
    if one.kind() != other.kind() || one.len() != other.len() {
        return Ok(false);
    }
    match one.kind() {
        Kind::Null => Ok(true),
        Kind::Bool => Ok(one.as_bool() == other.as_bool()),
        Kind::String => Ok(one.as_str() == other.as_str()),
        Kind::Number => Ok(same_number(one.number_text().unwrap_or_default(), other.number_text().unwrap_or_default())),
        Kind::Array => {
            for (one, other) in one.items().zip(other.items()) {
                if !same(one, other, work)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Kind::Object => {
            for ((key, one), (other_key, other)) in sorted(one).into_iter().zip(sorted(other)) {
                if key != other_key || !same(one, other, work)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

fn sorted(node: Node<'_>) -> Vec<(Cow<'_, str>, Node<'_>)> {
    let mut members: Vec<_> = node.members().map(|member| (member.key, member.value)).collect();
    members.sort_by(|one, other| one.0.cmp(&other.0));
    members
}

/// Whether two JSON numbers have the same value, exactly: `1.10` is `1.1` and `11e-1`.
pub(super) fn same_number(one: &str, other: &str) -> bool {
    one == other || matches!((Exact::of(one), Exact::of(other)), (Some(one), Some(other)) if one == other)
}

/// A number as sign, digits without zeros at either end, and the exponent of the last of them.
#[derive(PartialEq, Eq)]
struct Exact {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Exact {
    /// `None` when the exponent is beyond counting: then only the same text is the same number.
    fn of(text: &str) -> Option<Self> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (number, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let mut exponent = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent = exponent.checked_add(1)?;
        }
        Some(Self { negative, digits, exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value_and_exactly() {
        for (one, other) in [
            ("1.10", "1.1"),
            ("11e-1", "1.1"),
            ("100", "1E2"),
            ("0", "-0"),
            ("0.000", "0e99999999999999999999"),
            ("123456789012345678901234567890.10", "1234567890123456789012345678901.0e-1"),
        ] {
            assert!(same_number(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("1", "-1"),
            ("1", "10"),
            ("0.1", "0.10000000000000000000000000000000000000000001"),
            ("9007199254740993", "9007199254740992"),
            ("1e99999999999999999999", "1e99999999999999999998"),
        ] {
            assert!(!same_number(one, other), "{one} {other}");
        }
    }
}
