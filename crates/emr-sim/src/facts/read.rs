//! Small readers over FHIR JSON.

use super::Seconds;
use serde_json::Value;

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

pub(super) fn owned(value: &Value, pointer: &str) -> Option<String> {
    text(value, pointer).map(str::to_owned)
}

pub(super) fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn is(value: &Value, resource_type: &str) -> bool {
    text(value, "/resourceType") == Some(resource_type)
}

/// A FHIR dateTime with a time.
pub(super) fn moment(value: &Value, pointer: &str) -> Option<Seconds> {
    Some(text(value, pointer)?.parse::<jiff::Timestamp>().ok()?.as_second())
}

/// What stands after the bar of a conditional reference (`Practitioner?identifier=system|value`).
pub(super) fn after_bar(reference: &str) -> Option<&str> {
    Some(reference.rsplit_once('|')?.1)
}

pub(super) fn without_urn(reference: &str) -> &str {
    reference.trim_start_matches("urn:uuid:")
}

pub(super) fn quantity(value: &Value) -> Option<f64> {
    value.pointer("/valueQuantity/value")?.as_f64()
}
