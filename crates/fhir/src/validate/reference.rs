//! Shapes of `Reference.reference` (R4 section 2.3).

use super::format::{has_uuid_shape, has_white_space, is_id, is_oid};
use crate::definitions::ResourceType;

/// What a reference text is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// `Type/id` or `Type/id/_history/version`.
    Relative(ResourceType),
    /// `Type?query`.
    Conditional(ResourceType),
    /// `#id`; empty for `#` alone, the resource that contains this one.
    Local(&'a str),
    /// An absolute URL or URN.
    Absolute,
}

/// Tells the shape; the error is the rule that is broken.
pub(super) fn shape(text: &str) -> Result<Shape<'_>, &'static str> {
    if has_white_space(text) {
        return Err("a reference has no white space");
    }
    if let Some(id) = text.strip_prefix('#') {
        return if id.is_empty() || is_id(id) {
            Ok(Shape::Local(id))
        } else {
            Err("not the id of a contained resource")
        };
    }
    let start = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.')).unwrap_or(text.len());
    match text.split_at(start) {
        (name, rest) if rest.starts_with('/') => relative(name, rest),
        (name, rest) if rest.starts_with('?') && rest.len() > 1 => {
            ResourceType::parse(name).map(Shape::Conditional).ok_or("unknown resource type in a reference")
        }
        (scheme, rest) if rest.starts_with(':') && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            absolute(text, rest)
        }
        _ => Err("not a reference: Type/id, #id, an absolute URL or a URN"),
    }
}

fn relative<'a>(name: &str, rest: &str) -> Result<Shape<'a>, &'static str> {
    let rtype = ResourceType::parse(name).ok_or("unknown resource type in a reference")?;
    let mut parts = rest.split('/').skip(1);
    let is_valid = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(id), None, ..) => is_id(id),
        (Some(id), Some("_history"), Some(version), None) => is_id(id) && is_id(version),
        _ => false,
    };
    if is_valid { Ok(Shape::Relative(rtype)) } else { Err("not a reference: Type/id or Type/id/_history/version") }
}

fn absolute<'a>(text: &str, rest: &str) -> Result<Shape<'a>, &'static str> {
    let is_valid = match text.strip_prefix("urn:uuid:") {
        Some(uuid) => has_uuid_shape(uuid),
        None if text.starts_with("urn:oid:") => is_oid(text),
        None => rest.len() > 1,
    };
    if is_valid { Ok(Shape::Absolute) } else { Err("malformed URN in a reference") }
}
