//! XML to JSON, in one pass. Recursion is bounded by [`Limits::max_depth`].

use zeroize::Zeroizing;

use super::cursor::{Cursor, Token};
use super::div;
use super::tag::{Attribute, Space};
use super::text::{attribute_value, is_number, is_space, reference};
use super::trail::{Step, Trail};
use super::{Fault, XmlError, XmlProblem, is_attribute};
use crate::definitions::{Element, Primitive, ResourceType, TypeRef, ValueType};
use crate::json::{Limits, write_string};

/// The JSON text of a resource in XML: one line, members in the order of the definitions, `resourceType` first.
///
/// `limits` holds for the XML: bytes, elements inside each other, elements and attributes. The JSON is at most a few
/// times as long; who parses it, limits it again. Intermediate copies are overwritten, the result is the caller's.
///
/// # Errors
/// The first rule of XML 1.0, of Namespaces in XML, of R4 xml.html or of the definitions that is broken (see
/// [`XmlProblem`]), and where. Required elements, codes and the formats of strings are not looked at.
pub fn to_json(text: &[u8], limits: &Limits) -> Result<Vec<u8>, XmlError> {
    read(text, limits, Order::Defined)
}

/// As [`to_json`], for documents that are not FHIR as it is written down: elements may stand in any order, as in some of
/// the official examples, as long as those of one name stand beside each other.
///
/// # Errors
/// As for [`to_json`].
pub fn to_json_in_any_order(text: &[u8], limits: &Limits) -> Result<Vec<u8>, XmlError> {
    read(text, limits, Order::Any)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Defined,
    Any,
}

fn read(text: &[u8], limits: &Limits, order: Order) -> Result<Vec<u8>, XmlError> {
    let fail = |(problem, offset): Fault| XmlError { problem, offset, path: String::new() };
    if text.len() > limits.max_bytes {
        return Err(fail((XmlProblem::TooLong, limits.max_bytes)));
    }
    let text = std::str::from_utf8(text).map_err(|error| fail((XmlProblem::InvalidUtf8, error.valid_up_to())))?;
    let content = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mark = text.len() - content.len();
    let cursor = Cursor::new(content, limits, Space::None).map_err(|(problem, at)| fail((problem, at + mark)))?;
    let mut reader = Reader { cursor, trail: Trail::default(), order };
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    match reader.document(&mut out) {
        Ok(()) => Ok(std::mem::take(&mut *out)),
        Err((problem, offset)) => Err(XmlError { problem, offset: offset + mark, path: reader.trail.spell() }),
    }
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    trail: Trail,
    order: Order,
}

/// One member that is being written: all elements of one name, which stand beside each other.
struct Run {
    element: &'static Element,
    count: usize,
    /// Where the member starts in the output: without any value it is taken back.
    start: usize,
    was_first: bool,
    has_value: bool,
    /// Items of the `_name` array so far, once one of them is there.
    siblings: Zeroizing<Vec<u8>>,
}

impl<'a> Reader<'a> {
    fn document(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.cursor.next()?;
        self.resource(out, true)?;
        self.cursor.next()?;
        Ok(())
    }

    /// A whole resource, whose start tag was read.
    fn resource(&mut self, out: &mut Vec<u8>, is_root: bool) -> Result<(), Fault> {
        let tag = &self.cursor.tag;
        if tag.space != Space::Fhir {
            return Err((XmlProblem::Namespace, self.cursor.start));
        }
        let found = ResourceType::parse(tag.local).ok_or((XmlProblem::NotAResource, self.cursor.start))?;
        if is_root {
            self.trail.enter(Step::Root(found.name()));
        }
        let is_hint = |attribute: &&Attribute<'_>| {
            is_root && attribute.space == Space::Schema && attribute.local.ends_with("chemaLocation")
        };
        if let Some(unknown) = tag.attributes.iter().find(|attribute| !is_hint(attribute)) {
            return Err((XmlProblem::UnknownAttribute, unknown.start));
        }
        out.extend_from_slice(b"{\"resourceType\":\"");
        out.extend_from_slice(found.name().as_bytes());
        out.push(b'"');
        self.members(TypeRef::of_resource(found), true, out, &mut false)?;
        out.push(b'}');
        Ok(())
    }

    /// The elements up to the end tag of what holds them.
    fn members(&mut self, scope: TypeRef, is_resource: bool, out: &mut Vec<u8>, first: &mut bool) -> Result<(), Fault> {
        let mut run: Option<Run> = None;
        let mut seen = 0;
        while self.next_element()? {
            let element = self.element(scope, is_resource)?;
            let mut current = match run.take() {
                Some(run) if std::ptr::eq(run.element, element) && element.array => run,
                before => {
                    if let Some(problem) = self.misplaced(before.as_ref(), element, seen) {
                        self.trail.enter(Step::Element(element));
                        return Err((problem, self.cursor.start));
                    }
                    seen |= place(element);
                    if let Some(before) = before {
                        before.finish(out, first);
                    }
                    Run::begin(element, out, first)
                }
            };
            self.item(&mut current, out)?;
            run = Some(current);
        }
        if let Some(last) = run {
            last.finish(out, first);
        }
        Ok(())
    }

    /// Goes to the next start tag; false at the end tag. Between them stands white space only.
    fn next_element(&mut self) -> Result<bool, Fault> {
        loop {
            match self.cursor.next()? {
                Token::Start => return Ok(true),
                Token::End | Token::Eof => return Ok(false),
                Token::Text(text) if is_space(text) => {}
                Token::Reference(name) => {
                    let problem = reference(name).err().unwrap_or(XmlProblem::TextNotAllowed);
                    return Err((problem, self.cursor.start));
                }
                Token::Text(_) | Token::CData => return Err((XmlProblem::TextNotAllowed, self.cursor.start)),
            }
        }
    }

    /// The definition of the element whose start tag was read.
    fn element(&self, scope: TypeRef, is_resource: bool) -> Result<&'static Element, Fault> {
        let (tag, start) = (&self.cursor.tag, self.cursor.start);
        if !matches!(tag.space, Space::Fhir | Space::Xhtml) {
            return Err((XmlProblem::Namespace, start));
        }
        let element = match scope.child(tag.local) {
            Some((element, false)) => element,
            _ => return Err((XmlProblem::UnknownElement, start)),
        };
        let is_xhtml = element.value == ValueType::Primitive(Primitive::Xhtml);
        if is_xhtml != (tag.space == Space::Xhtml) {
            return Err((XmlProblem::Namespace, start));
        }
        if is_attribute(scope, is_resource, element) {
            return Err((XmlProblem::AttributeExpected, start));
        }
        Ok(element)
    }

    /// xml.html: elements must appear in the order of the definitions. `seen` has one bit per [`place`].
    fn misplaced(&self, before: Option<&Run>, element: &Element, seen: u64) -> Option<XmlProblem> {
        let before = before?.element;
        let is_earlier = element.place < before.place && self.order == Order::Defined;
        match seen & place(element) {
            _ if std::ptr::eq(before, element) => Some(XmlProblem::Repeated),
            _ if element.place == before.place => Some(XmlProblem::SecondVariant),
            0 if !is_earlier => None,
            _ => Some(XmlProblem::OutOfOrder),
        }
    }

    fn item(&mut self, run: &mut Run, out: &mut Vec<u8>) -> Result<(), Fault> {
        let element = run.element;
        self.trail.enter(if element.array { Step::Item(element, run.count) } else { Step::Element(element) });
        if run.count > 0 {
            out.push(b',');
        }
        let mut sibling = Zeroizing::new(Vec::new());
        let has_value = match element.value {
            ValueType::Primitive(Primitive::Xhtml) => {
                write_string(&div::rest(&mut self.cursor)?, out);
                true
            }
            ValueType::Primitive(primitive) => self.primitive(primitive, out, &mut sibling)?,
            ValueType::Complex(scope) => self.complex(scope, out).map(|()| true)?,
            ValueType::Resource => self.held(out).map(|()| true)?,
        };
        if !has_value {
            out.extend_from_slice(b"null");
        }
        run.add(has_value, &sibling);
        self.trail.leave();
        Ok(())
    }

    /// Writes the value, if there is one, and into `sibling` the object with id and extensions, if there are any.
    fn primitive(&mut self, primitive: Primitive, out: &mut Vec<u8>, sibling: &mut Vec<u8>) -> Result<bool, Fault> {
        let start = self.cursor.start;
        let (id, value) = self.attributes("value")?;
        if let Some(value) = value {
            write_value(primitive, &value, out)?;
        }
        let mut first = true;
        if let Some(id) = id {
            write_text(b"id", &id, sibling, &mut first)?;
        }
        self.members(TypeRef::ELEMENT, false, sibling, &mut first)?;
        if value.is_none() && first {
            return Err((XmlProblem::Empty, start));
        }
        if !first {
            sibling.push(b'}');
        }
        Ok(value.is_some())
    }

    fn complex(&mut self, scope: TypeRef, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = self.cursor.start;
        let (id, url) = self.attributes(if scope == TypeRef::EXTENSION { "url" } else { "" })?;
        let mut first = true;
        if let Some(id) = id {
            write_text(b"id", &id, out, &mut first)?;
        }
        if let Some(url) = url {
            write_text(b"url", &url, out, &mut first)?;
        }
        self.members(scope, false, out, &mut first)?;
        if first {
            return Err((XmlProblem::Empty, start));
        }
        out.push(b'}');
        Ok(())
    }

    /// `contained` and its like: one resource and nothing else.
    fn held(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = self.cursor.start;
        if let Some(unknown) = self.cursor.tag.attributes.first() {
            return Err((XmlProblem::UnknownAttribute, unknown.start));
        }
        if !self.next_element()? {
            return Err((XmlProblem::OneResource, start));
        }
        self.resource(out, false)?;
        if self.next_element()? {
            return Err((XmlProblem::OneResource, self.cursor.start));
        }
        Ok(())
    }

    /// `id` and the attribute of this name, of the start tag that was read; no others are allowed.
    fn attributes(&self, name: &str) -> Result<(Option<Attribute<'a>>, Option<Attribute<'a>>), Fault> {
        let (mut id, mut named) = (None, None);
        for attribute in &self.cursor.tag.attributes {
            match attribute.local {
                _ if attribute.space != Space::None => return Err((XmlProblem::UnknownAttribute, attribute.start)),
                "id" => id = Some(*attribute),
                local if local == name => named = Some(*attribute),
                _ => return Err((XmlProblem::UnknownAttribute, attribute.start)),
            }
        }
        Ok((id, named))
    }
}

impl Run {
    fn begin(element: &'static Element, out: &mut Vec<u8>, first: &mut bool) -> Self {
        let (start, was_first) = (out.len(), *first);
        write_key(b"", element.key.as_bytes(), out, first);
        if element.array {
            out.push(b'[');
        }
        Self { element, count: 0, start, was_first, has_value: false, siblings: Zeroizing::new(Vec::new()) }
    }

    fn add(&mut self, has_value: bool, sibling: &[u8]) {
        if !sibling.is_empty() && self.siblings.is_empty() {
            (0..self.count).for_each(|_| self.siblings.extend_from_slice(b"null,"));
            self.siblings.extend_from_slice(sibling);
        } else if !self.siblings.is_empty() {
            self.siblings.push(b',');
            self.siblings.extend_from_slice(if sibling.is_empty() { b"null" } else { sibling });
        }
        self.has_value |= has_value;
        self.count += 1;
    }

    fn finish(self, out: &mut Vec<u8>, first: &mut bool) {
        if self.element.array {
            out.push(b']');
        }
        if !self.has_value {
            out.truncate(self.start);
            *first = self.was_first;
        }
        if !self.siblings.is_empty() {
            write_key(b"_", self.element.key.as_bytes(), out, first);
            let (open, close): (&[u8], &[u8]) = if self.element.array { (b"[", b"]") } else { (b"", b"") };
            for part in [open, &self.siblings, close] {
                out.extend_from_slice(part);
            }
        }
    }
}

/// The element's own bit, shared by the variants of a choice.
fn place(element: &Element) -> u64 {
    1 << (element.place & 63)
}

/// Appends what comes before a member's value.
fn write_key(prefix: &[u8], key: &[u8], out: &mut Vec<u8>, first: &mut bool) {
    out.push(if std::mem::replace(first, false) { b'{' } else { b',' });
    for part in [b"\"", prefix, key, b"\":"] {
        out.extend_from_slice(part);
    }
}

/// Appends a member with the text of an attribute.
fn write_text(key: &[u8], attribute: &Attribute<'_>, out: &mut Vec<u8>, first: &mut bool) -> Result<(), Fault> {
    write_key(b"", key, out, first);
    write_value(Primitive::String, attribute, out)
}

fn write_value(primitive: Primitive, attribute: &Attribute<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let text = attribute_value(attribute.raw(), attribute.value_start)?;
    let invalid = (XmlProblem::InvalidValue, attribute.value_start);
    if text.is_empty() {
        return Err((XmlProblem::Empty, attribute.start));
    }
    let bare = match primitive {
        Primitive::Boolean => Some(&*text).filter(|text| matches!(*text, "true" | "false")),
        Primitive::Decimal => Some(&*text).filter(|text| is_number(primitive, text)),
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            let number = text.strip_prefix('+').filter(|number| !number.starts_with(['-', '0'])).unwrap_or(&text);
            Some(number).filter(|number| is_number(primitive, number))
        }
        _ => {
            write_string(&text, out);
            return Ok(());
        }
    };
    out.extend_from_slice(bare.ok_or(invalid)?.as_bytes());
    Ok(())
}
