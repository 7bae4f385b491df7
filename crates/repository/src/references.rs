//! References inside a resource: found, rewritten, checked.

use crate::{Fault, Repository};
use aceso_base::{Caller, LogicalId};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Kind, Node, write_string};
use std::borrow::Cow;
use std::collections::BTreeSet;
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

impl Repository {
    /// Refuses a resource that refers to a record of this server which is not there. `known` holds records that this very
    /// request makes, and remembers what was found.
    pub(crate) fn check_references(
        &self,
        caller: &Caller,
        root: Node<'_>,
        known: &mut BTreeSet<(ResourceType, LogicalId)>,
    ) -> Result<(), Fault> {
        for (at, found) in references(root).iter().enumerate() {
            let Some(name) = local(&found.text) else { continue };
            if known.contains(&name) {
                continue;
            }
            if self.door.exists(caller, name.0, &name.1)?.is_none() {
                let place = format!("descendants().reference[{at}]");
                return Err(Fault::at(
                    422,
                    "not-found",
                    place,
                    "a reference leads to a record that is not on this server",
                ));
            }
            known.insert(name);
        }
        Ok(())
    }
}
