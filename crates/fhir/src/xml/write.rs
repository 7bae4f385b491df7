//! JSON to XML. Recursion is bounded by the depth that the JSON reader allowed.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::text::{Plain, first_forbidden, is_number, write_attribute};
use super::trail::{Step, Trail};
use super::{FHIR_NAMESPACE, Fault, XmlError, XmlProblem, div, is_attribute};
use crate::definitions::{Element, Primitive, ResourceType, TypeRef, ValueType};
use crate::json::{Doc, Kind, Node};

/// The XML of a resource in JSON: UTF-8 on one line without an XML declaration, elements in the order of the definitions,
/// the same bytes for the same resource whatever the order of its members was.
///
/// # Errors
/// The first thing that has no place in FHIR's XML: an unknown member, JSON of another kind than the element has, an
/// array or object without content, a null that nothing stands beside, a character that XML does not allow, narrative
/// that is no well-formed `div`. Required elements, codes and formats are not looked at, so a redacted resource is
/// written as what it is.
pub fn from_json(doc: &Doc) -> Result<Vec<u8>, XmlError> {
    let mut writer = Writer { trail: Trail::default() };
    let mut out = Zeroizing::new(Vec::with_capacity(doc.text().len() + doc.text().len() / 2));
    match writer.resource(doc.root(), true, &mut out) {
        Ok(()) => Ok(std::mem::take(&mut *out)),
        Err((problem, offset)) => Err(XmlError { problem, offset, path: writer.trail.spell() }),
    }
}

struct Writer {
    trail: Trail,
}

/// An element with what JSON says in two members: the value, and id and extensions of a primitive.
struct Entry<'a> {
    element: &'static Element,
    value: Option<Node<'a>>,
    sibling: Option<Node<'a>>,
}

impl Writer {
    fn resource(&mut self, node: Node<'_>, is_root: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
        let here = node.span().start;
        if node.kind() != Kind::Object {
            return Err((XmlProblem::WrongKind, here));
        }
        let named = node.get("resourceType").ok_or((XmlProblem::NotAResource, here))?;
        let found = named.as_str().and_then(|name| ResourceType::parse(&name));
        let found = found.ok_or((XmlProblem::NotAResource, named.span().start))?;
        if is_root {
            self.trail.enter(Step::Root(found.name()));
        }
        let entries = self.entries(node, TypeRef::of_resource(found), true)?;
        out.push(b'<');
        out.extend_from_slice(found.name().as_bytes());
        if is_root {
            write_named(b"xmlns", FHIR_NAMESPACE, out);
        }
        self.content(found.name(), &entries, out)
    }

    /// A tag was begun: ends it, with the elements and the end tag.
    fn content(&mut self, name: &str, entries: &[Entry<'_>], out: &mut Vec<u8>) -> Result<(), Fault> {
        if entries.is_empty() {
            out.extend_from_slice(b"/>");
            return Ok(());
        }
        out.push(b'>');
        for entry in entries {
            self.entry(entry, out)?;
        }
        write_end(name, out);
        Ok(())
    }

    /// The members of an object, in the order of the definitions.
    fn entries<'a>(&mut self, node: Node<'a>, scope: TypeRef, is_resource: bool) -> Result<Vec<Entry<'a>>, Fault> {
        let mut entries: Vec<Entry<'a>> = Vec::with_capacity(node.len());
        for child in node.child_nodes() {
            let key = child.key();
            if is_resource && key == "resourceType" {
                continue;
            }
            let (element, is_sibling) =
                scope.child(&key).ok_or((XmlProblem::UnknownElement, child.key_span().start))?;
            let known = entries.iter().position(|entry| entry.element.place == element.place);
            let known = match known.and_then(|at| entries.get_mut(at)) {
                Some(known) if std::ptr::eq(known.element, element) => known,
                Some(_) => {
                    self.trail.enter(Step::Element(element));
                    return Err((XmlProblem::SecondVariant, child.key_span().start));
                }
                None => {
                    entries.push(Entry { element, value: None, sibling: None });
                    let Some(last) = entries.last_mut() else { continue };
                    last
                }
            };
            *(if is_sibling { &mut known.sibling } else { &mut known.value }) = Some(child);
        }
        entries.sort_by_key(|entry| entry.element.place);
        Ok(entries)
    }

    fn entry(&mut self, entry: &Entry<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let element = entry.element;
        if !element.array {
            self.trail.enter(Step::Element(element));
            self.item(element, entry.value, entry.sibling, out)?;
            self.trail.leave();
            return Ok(());
        }
        let (values, siblings) = (items(entry.value), items(entry.sibling));
        let (values, siblings) = match (values, siblings) {
            (Ok(values), Ok(siblings)) => (values, siblings),
            (Err(fault), _) | (_, Err(fault)) => {
                self.trail.enter(Step::Element(element));
                return Err(fault);
            }
        };
        if let (Some(values), Some(siblings)) = (values, siblings)
            && values.len() != siblings.len()
        {
            self.trail.enter(Step::Element(element));
            return Err((XmlProblem::Misaligned, siblings.span().start));
        }
        let count = values.or(siblings).map_or(0, Node::len);
        let mut values = values.into_iter().flat_map(Node::items);
        let mut siblings = siblings.into_iter().flat_map(Node::items);
        for index in 0..count {
            let (value, sibling) = (values.next(), siblings.next());
            let is_there = |node: &Node<'_>| node.kind() != Kind::Null;
            self.trail.enter(Step::Item(element, index));
            let place = value.or(sibling).map_or(0, |node| node.span().start);
            let (value, sibling) = (value.filter(is_there), sibling.filter(is_there));
            if value.is_none() && sibling.is_none() {
                return Err((XmlProblem::Empty, place));
            }
            self.item(element, value, sibling, out)?;
            self.trail.leave();
        }
        Ok(())
    }

    /// One element: at least one of value and sibling is there.
    fn item(
        &mut self,
        element: &'static Element,
        value: Option<Node<'_>>,
        sibling: Option<Node<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        match (element.value, value) {
            (ValueType::Primitive(Primitive::Xhtml), Some(value)) => narrative(value, out),
            (ValueType::Primitive(primitive), _) => {
                begin(element.key, out);
                self.primitive(element.key, primitive, value, sibling, out)
            }
            (ValueType::Complex(scope), Some(value)) => self.complex(element.key, scope, value, out),
            (ValueType::Resource, Some(value)) => {
                begin(element.key, out);
                out.push(b'>');
                self.resource(value, false, out)?;
                write_end(element.key, out);
                Ok(())
            }
            (_, None) => Err((XmlProblem::Empty, sibling.map_or(0, |node| node.span().start))),
        }
    }

    fn primitive(
        &mut self,
        name: &str,
        primitive: Primitive,
        value: Option<Node<'_>>,
        sibling: Option<Node<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let entries = match sibling {
            None => Vec::new(),
            Some(sibling) => self.attributes_and_entries(sibling, TypeRef::ELEMENT, out)?,
        };
        if let Some(value) = value {
            write_named(b"value", &value_text(primitive, value)?, out);
        }
        self.content(name, &entries, out)
    }

    fn complex(&mut self, name: &str, scope: TypeRef, node: Node<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        begin(name, out);
        let entries = self.attributes_and_entries(node, scope, out)?;
        self.content(name, &entries, out)
    }

    /// Writes `id` and `url`, and gives the members that are elements.
    fn attributes_and_entries<'a>(
        &mut self,
        node: Node<'a>,
        scope: TypeRef,
        out: &mut Vec<u8>,
    ) -> Result<Vec<Entry<'a>>, Fault> {
        if node.kind() != Kind::Object {
            return Err((XmlProblem::WrongKind, node.span().start));
        }
        let mut entries = self.entries(node, scope, false)?;
        if node.is_empty() {
            return Err((XmlProblem::Empty, node.span().start));
        }
        for entry in entries.iter().filter(|entry| is_attribute(scope, false, entry.element)) {
            self.trail.enter(Step::Element(entry.element));
            if let Some(sibling) = entry.sibling {
                return Err((XmlProblem::NotInXml, sibling.key_span().start));
            }
            if let Some(value) = entry.value {
                write_named(entry.element.key.as_bytes(), &value_text(Primitive::String, value)?, out);
            }
            self.trail.leave();
        }
        entries.retain(|entry| !is_attribute(scope, false, entry.element));
        Ok(entries)
    }
}

/// The array of a repeating element.
fn items(node: Option<Node<'_>>) -> Result<Option<Node<'_>>, Fault> {
    match node {
        Some(node) if node.kind() != Kind::Array => Err((XmlProblem::WrongKind, node.span().start)),
        Some(node) if node.is_empty() => Err((XmlProblem::Empty, node.span().start)),
        node => Ok(node),
    }
}

fn narrative(node: Node<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let here = node.span().start;
    let text = Plain::from(node.as_str().ok_or((XmlProblem::WrongKind, here))?);
    let div = div::from_text(&text).map_err(|problem| (problem, here))?;
    out.extend_from_slice(div.as_bytes());
    Ok(())
}

/// The text of a primitive as an attribute has it.
fn value_text<'a>(primitive: Primitive, node: Node<'a>) -> Result<Plain<'a>, Fault> {
    let here = node.span().start;
    let kind = match primitive {
        Primitive::Boolean => Kind::Bool,
        Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => Kind::Number,
        _ => Kind::String,
    };
    if node.kind() != kind {
        return Err((XmlProblem::WrongKind, here));
    }
    if let Some(text) = node.number_text() {
        let invalid = (XmlProblem::InvalidValue, here);
        return if is_number(primitive, text) { Ok(Plain::Borrowed(text)) } else { Err(invalid) };
    }
    if let Some(flag) = node.as_bool() {
        return Ok(Plain::Borrowed(if flag { "true" } else { "false" }));
    }
    let text = Plain::from(node.as_str().unwrap_or(Cow::Borrowed("")));
    if text.is_empty() {
        return Err((XmlProblem::Empty, here));
    }
    if first_forbidden(&text).is_some() {
        return Err((XmlProblem::Character, here));
    }
    Ok(text)
}

fn begin(name: &str, out: &mut Vec<u8>) {
    out.push(b'<');
    out.extend_from_slice(name.as_bytes());
}

fn write_named(name: &[u8], value: &str, out: &mut Vec<u8>) {
    out.push(b' ');
    out.extend_from_slice(name);
    out.extend_from_slice(b"=\"");
    write_attribute(value, out);
    out.push(b'"');
}

fn write_end(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}
