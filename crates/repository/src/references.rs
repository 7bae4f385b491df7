//! References inside a resource: found, rewritten, listed for the door to check.

use aceso_base::LogicalId;
use aceso_custodian::Referred;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Kind, Node, write_string};
use std::borrow::Cow;
use std::ops::Range;

/// One `reference` member of a Reference.
pub(crate) struct Found<'a> {
    /// The text of the reference.
    pub(crate) text: Cow<'a, str>,
    /// The bytes of the JSON string, quotes included, in the document's text.
    pub(crate) span: Range<usize>,
}

/// All references of a resource in written order; those inside contained resources too.
pub(crate) fn references(root: Node<'_>) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    collect(root, &mut found);
    found
}

fn collect<'a>(node: Node<'a>, found: &mut Vec<Found<'a>>) {
    match node.kind() {
        Kind::Object => {
            for member in node.members() {
                match member.value.as_str() {
                    Some(text) if member.key == "reference" => found.push(Found { text, span: member.value.span() }),
                    Some(_) => {}
                    None => collect(member.value, found),
                }
            }
        }
        Kind::Array => node.items().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// A relative reference to a record of this server: `Type/id`, with or without a version.
pub(crate) fn local(text: &str) -> Option<(ResourceType, LogicalId)> {
    let mut parts = text.split('/');
    let rtype = ResourceType::parse(parts.next()?)?;
    let id = LogicalId::parse(parts.next()?).ok()?;
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) | (Some("_history"), Some(_), None) => Some((rtype, id)),
        _ => None,
    }
}

/// The text of a part of a document with some of its strings replaced. Spans lie inside `range`, in order.
pub(crate) fn rewrite(text: &[u8], range: Range<usize>, replacements: &[(Range<usize>, String)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(range.len() + 64);
    let mut from = range.start;
    for (span, with) in replacements {
        out.extend_from_slice(text.get(from..span.start).unwrap_or_default());
        write_string(with, &mut out);
        from = span.end;
    }
    out.extend_from_slice(text.get(from..range.end).unwrap_or_default());
    out
}

/// The records of this server that a resource refers to: the door looks them up when the rules have allowed the change.
pub(crate) fn referred(root: Node<'_>) -> Vec<Referred> {
    let all = references(root);
    let own = all.iter().enumerate().filter_map(|(at, found)| Some((at, local(&found.text)?)));
    own.map(|(at, (rtype, id))| Referred { at, rtype, id }).collect()
}
