//! Tokens of a well-formed document: tags with their namespaces, text, references. What is markup and nothing else
//! (comments, processing instructions, the XML declaration) is checked and skipped.
//!
//! `quick-xml` cuts the text and matches the tags; what it lets pass (names, attributes, characters, namespaces, what
//! stands around the root) is checked here, because narrative is copied as it was written.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::tag::{self, Attribute, Space};
use super::text::{attribute_value, first_forbidden, is_space};
use super::{FHIR_NAMESPACE, Fault, XHTML_NAMESPACE, XmlProblem};
use crate::json::Limits;

const XSI_NAMESPACE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";
/// Declarations in force at one place. More are no document but an attempt.
const MAX_BINDINGS: usize = 64;

pub(super) enum Token<'a> {
    /// A start tag: see [`Cursor::tag`]. `<a/>` is one, with an end tag of no length behind it.
    Start,
    End,
    Text(&'a str),
    /// `&name;` between elements; the name was not looked at.
    Reference(&'a str),
    CData,
    Eof,
}

/// The start tag that was read last.
pub(super) struct Tag<'a> {
    pub(super) local: &'a str,
    pub(super) prefix: &'a str,
    pub(super) space: Space,
    /// Without declarations of namespaces.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// Whether it was written as `<a/>`.
    pub(super) is_empty: bool,
}

struct Binding<'a> {
    prefix: &'a str,
    space: Space,
    depth: usize,
}

pub(super) struct Cursor<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    limits: Limits,
    deepest: usize,
    count: usize,
    bindings: Vec<Binding<'a>>,
    has_root: bool,
    /// Bytes of the token that was read last.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Elements that are open, the one whose start tag was read last included.
    pub(super) depth: usize,
    pub(super) tag: Tag<'a>,
}

impl<'a> Cursor<'a> {
    /// `default` is what a name without a prefix stands for until the document declares something else.
    pub(super) fn new(text: &'a str, limits: &Limits, default: Space) -> Result<Self, Fault> {
        if let Some(at) = first_forbidden(text) {
            return Err((XmlProblem::Character, at));
        }
        // The reader would drop it without counting it.
        if text.starts_with('\u{FEFF}') {
            return Err((XmlProblem::Malformed, 0));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().enable_all_checks(true);
        reader.config_mut().expand_empty_elements = true;
        let bindings = vec![
            Binding { prefix: "xml", space: Space::Xml, depth: 0 },
            Binding { prefix: "", space: default, depth: 0 },
        ];
        let tag = Tag { local: "", prefix: "", space: Space::None, attributes: Vec::new(), is_empty: false };
        let (limits, deepest) = (*limits, limits.max_depth);
        let (start, end, depth, count, has_root) = (0, 0, 0, 0, false);
        Ok(Self { text, reader, limits, deepest, count, bindings, has_root, start, end, depth, tag })
    }

    /// The next token that is no mere markup.
    pub(super) fn next(&mut self) -> Result<Token<'a>, Fault> {
        loop {
            self.start = self.position();
            let event = self.reader.read_event();
            self.end = self.position();
            let malformed = (XmlProblem::Malformed, self.start);
            match event {
                Err(_) => {
                    let at = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                    return Err((XmlProblem::Malformed, at.min(self.text.len())));
                }
                Ok(Event::Comment(_)) => {}
                Ok(Event::Decl(_)) => self.declaration()?,
                Ok(Event::PI(pi)) if tag::is_name(pi.target()) && !pi.target().eq_ignore_ascii_case("xml") => {}
                Ok(Event::PI(_)) => return Err(malformed),
                Ok(Event::DocType(_)) => return Err((XmlProblem::DocumentType, self.start)),
                Ok(Event::Start(_) | Event::Empty(_)) => {
                    self.open()?;
                    return Ok(Token::Start);
                }
                Ok(Event::End(_)) => {
                    while self.bindings.last().is_some_and(|binding| binding.depth == self.depth) {
                        self.bindings.pop();
                    }
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Ok(Event::Text(_)) => {
                    let text = self.slice(self.start, self.end);
                    if text.contains("]]>") || (self.depth == 0 && !is_space(text)) {
                        return Err(malformed);
                    }
                    if self.depth > 0 && !text.is_empty() {
                        return Ok(Token::Text(text));
                    }
                }
                Ok(Event::GeneralRef(_)) if self.depth > 0 => {
                    return Ok(Token::Reference(self.slice(self.start + 1, self.end.saturating_sub(1))));
                }
                Ok(Event::CData(_)) if self.depth > 0 => {
                    return Ok(Token::CData);
                }
                Ok(Event::GeneralRef(_) | Event::CData(_)) => return Err(malformed),
                Ok(Event::Eof) if self.depth == 0 && self.has_root => return Ok(Token::Eof),
                Ok(Event::Eof) => return Err((XmlProblem::Malformed, self.text.len())),
            }
        }
    }

    /// The document between two places.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// How deep the declaration stands that a prefix leads to; `None` when there is none. `xml` needs none.
    pub(super) fn declared_at(&self, prefix: &str) -> Option<usize> {
        self.bindings.iter().rfind(|binding| binding.prefix == prefix).map(|binding| binding.depth)
    }

    /// Allows `more` levels below the open element, and gives back what to set afterwards.
    pub(super) fn allow_depth(&mut self, more: usize) -> usize {
        std::mem::replace(&mut self.deepest, self.depth.saturating_add(more))
    }

    pub(super) fn set_deepest(&mut self, deepest: usize) {
        self.deepest = deepest;
    }

    pub(super) fn max_depth(&self) -> usize {
        self.limits.max_depth
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    fn open(&mut self) -> Result<(), Fault> {
        if self.depth == 0 && std::mem::replace(&mut self.has_root, true) {
            return Err((XmlProblem::Malformed, self.start));
        }
        self.depth += 1;
        if self.depth > self.deepest {
            return Err((XmlProblem::TooDeep, self.start));
        }
        let inner = self.slice(self.start + 1, self.end.saturating_sub(1));
        let (inner, is_empty) = inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
        let mut attributes = std::mem::take(&mut self.tag.attributes);
        let (prefix, local) = tag::parse(inner, self.start + 1, &mut attributes)?;
        self.count += 1 + attributes.len();
        if self.count > self.limits.max_nodes {
            return Err((XmlProblem::TooManyValues, self.start));
        }
        self.declare(&attributes)?;
        attributes.retain(|attribute| !is_declaration(attribute));
        for attribute in &mut attributes {
            if !attribute.prefix.is_empty() {
                attribute.space = self.space(attribute.prefix).ok_or((XmlProblem::Malformed, attribute.start))?;
            }
        }
        refuse_twice(&attributes)?;
        let space = self.space(prefix).ok_or((XmlProblem::Malformed, self.start))?;
        self.tag = Tag { local, prefix, space, attributes, is_empty };
        Ok(())
    }

    fn declare(&mut self, attributes: &[Attribute<'a>]) -> Result<(), Fault> {
        for attribute in attributes.iter().filter(|attribute| is_declaration(attribute)) {
            let prefix = if attribute.prefix.is_empty() { "" } else { attribute.local };
            let uri = attribute_value(attribute.raw(), attribute.value_start)?;
            let space = match &*uri {
                FHIR_NAMESPACE => Space::Fhir,
                XHTML_NAMESPACE => Space::Xhtml,
                XSI_NAMESPACE => Space::Schema,
                "" if prefix.is_empty() => Space::None,
                XML_NAMESPACE if prefix == "xml" => Space::Xml,
                "" | XML_NAMESPACE | XMLNS_NAMESPACE => return Err((XmlProblem::Malformed, attribute.start)),
                _ => Space::Other,
            };
            let twice = self.bindings.iter().any(|known| known.depth == self.depth && known.prefix == prefix);
            if twice || prefix == "xmlns" || (prefix == "xml" && space != Space::Xml) {
                return Err((XmlProblem::Malformed, attribute.start));
            }
            if self.bindings.len() >= MAX_BINDINGS {
                return Err((XmlProblem::TooManyValues, attribute.start));
            }
            self.bindings.push(Binding { prefix, space, depth: self.depth });
        }
        Ok(())
    }

    fn space(&self, prefix: &str) -> Option<Space> {
        self.bindings.iter().rfind(|binding| binding.prefix == prefix).map(|binding| binding.space)
    }

    /// `<?xml version="1.0" encoding="UTF-8"?>`, at the very start only.
    fn declaration(&mut self) -> Result<(), Fault> {
        let inner = self.slice(self.start + 2, self.end.saturating_sub(2));
        let mut attributes = Vec::new();
        let (prefix, local) = tag::parse(inner, self.start + 2, &mut attributes)?;
        let value = |name: &str| attributes.iter().find(|attribute| attribute.local == name).map(Attribute::raw);
        let known = ["version", "encoding", "standalone"];
        let is_known = |attribute: &Attribute<'_>| attribute.prefix.is_empty() && known.contains(&attribute.local);
        if self.start != 0 || !prefix.is_empty() || local != "xml" || !attributes.iter().all(is_known) {
            return Err((XmlProblem::Malformed, self.start));
        }
        refuse_twice(&attributes)?;
        let version = value("version").ok_or((XmlProblem::Malformed, self.start))?;
        let is_utf8 = value("encoding").is_none_or(|encoding| encoding.eq_ignore_ascii_case("utf-8"));
        if version != "1.0" || !is_utf8 {
            return Err((XmlProblem::Encoding, self.start));
        }
        Ok(())
    }
}

fn is_declaration(attribute: &Attribute<'_>) -> bool {
    attribute.prefix == "xmlns" || (attribute.prefix.is_empty() && attribute.local == "xmlns")
}

/// No two attributes of one name. Their number is bounded, so pairs are compared.
fn refuse_twice(attributes: &[Attribute<'_>]) -> Result<(), Fault> {
    for (at, attribute) in attributes.iter().enumerate() {
        let same = |other: &Attribute<'_>| {
            let space = other.prefix == attribute.prefix
                || (other.space == attribute.space && !matches!(other.space, Space::None | Space::Other));
            other.local == attribute.local && space
        };
        if attributes.iter().take(at).any(same) {
            return Err((XmlProblem::Malformed, attribute.start));
        }
    }
    Ok(())
}
