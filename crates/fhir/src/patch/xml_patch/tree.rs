//! XML of any kind as a tree: what a patch changes and what it brings. Nothing is lost but the declaration and the quotes of attributes.

use quick_xml::Reader;
use quick_xml::events::Event;
use zeroize::Zeroizing;

use crate::json::Limits;
use crate::xml::XmlProblem;
use crate::xml::tag::{self, Attribute};
use crate::xml::text::{attribute_value, first_forbidden, line_ends, reference, write_attribute};

/// A text of the document; wiped when dropped.
pub(in crate::patch) type Text = Zeroizing<String>;

/// What an element holds.
#[derive(Clone)]
pub(in crate::patch) enum Content {
    Element(Element),
    Text(Text),
    Comment(Text),
    Instruction(Text),
}

#[derive(Clone)]
pub(in crate::patch) struct Element {
    pub(in crate::patch) prefix: String,
    pub(in crate::patch) local: String,
    /// What the prefix stood for where the element was written; empty: no namespace.
    pub(in crate::patch) namespace: String,
    /// Declarations of namespaces included, in written order.
    pub(in crate::patch) attributes: Vec<(Name, Text)>,
    pub(in crate::patch) content: Vec<Content>,
}

/// The name of an attribute as it was written.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::patch) struct Name {
    pub(in crate::patch) prefix: String,
    pub(in crate::patch) local: String,
}

impl Name {
    /// The prefix that a declaration declares; `None` for other attributes.
    pub(in crate::patch) fn declares(&self) -> Option<&str> {
        match (&*self.prefix, &*self.local) {
            ("xmlns", prefix) => Some(prefix),
            ("", "xmlns") => Some(""),
            _ => None,
        }
    }
}

/// Prefixes and what they stand for, the innermost last.
pub(in crate::patch) type Scope = Vec<(String, String)>;

/// What a prefix stands for.
pub(in crate::patch) fn namespace_of<'s>(scope: &'s Scope, prefix: &str) -> Option<&'s str> {
    scope.iter().rfind(|(known, _)| known == prefix).map(|(_, uri)| &**uri)
}

impl Element {
    /// Adds the declarations of this element to a scope.
    pub(in crate::patch) fn declare(&self, scope: &mut Scope) {
        for (name, value) in &self.attributes {
            if let Some(prefix) = name.declares() {
                scope.push((prefix.to_owned(), value.to_string()));
            }
        }
    }
}

/// Reads a document: what stands at its top, one element among it.
pub(in crate::patch) fn read(text: &str, limits: &Limits) -> Result<Vec<Content>, XmlProblem> {
    if text.len() > limits.max_bytes {
        return Err(XmlProblem::TooLong);
    }
    if first_forbidden(text).is_some() {
        return Err(XmlProblem::Character);
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut builder =
        Builder { open: Vec::new(), top: Vec::new(), scope: Scope::new(), marks: Vec::new(), count: 0, limits };
    loop {
        let start = position(&reader, text);
        let event = reader.read_event().map_err(|_| XmlProblem::Malformed)?;
        let raw = text.get(start..position(&reader, text)).unwrap_or_default();
        let inside = |before: &str, after: &str| -> Text {
            let inner = raw.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap_or_default();
            Zeroizing::new(line_ends(inner).to_string())
        };
        match event {
            Event::Start(_) => builder.start(inner_of(raw, ">"))?,
            Event::Empty(_) => {
                builder.start(inner_of(raw, "/>"))?;
                builder.end()?;
            }
            Event::End(_) => builder.end()?,
            Event::Text(_) => builder.text(&line_ends(raw))?,
            Event::CData(_) => builder.text(&inside("<![CDATA[", "]]>"))?,
            Event::GeneralRef(_) => builder.text(reference(&inside("&", ";"))?.encode_utf8(&mut [0; 4]))?,
            Event::Comment(_) => builder.put(Content::Comment(inside("<!--", "-->")))?,
            Event::PI(_) => builder.put(Content::Instruction(inside("<?", "?>")))?,
            Event::Decl(_) => {}
            Event::DocType(_) => return Err(XmlProblem::DocumentType),
            Event::Eof => return builder.finish(),
        }
    }
}

fn position(reader: &Reader<&[u8]>, text: &str) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len())
}

fn inner_of<'a>(raw: &'a str, end: &str) -> &'a str {
    raw.strip_prefix('<').and_then(|rest| rest.strip_suffix(end)).unwrap_or_default()
}

struct Builder<'l> {
    open: Vec<Element>,
    top: Vec<Content>,
    scope: Scope,
    /// How long the scope was before each open element.
    marks: Vec<usize>,
    count: usize,
    limits: &'l Limits,
}

impl Builder<'_> {
    fn start(&mut self, inner: &str) -> Result<(), XmlProblem> {
        if self.open.len() >= self.limits.max_depth {
            return Err(XmlProblem::TooDeep);
        }
        let mut written: Vec<Attribute<'_>> = Vec::new();
        let (prefix, local) = tag::parse(inner, 0, &mut written).map_err(|(problem, _)| problem)?;
        self.count(1 + written.len())?;
        let mut attributes: Vec<(Name, Text)> = Vec::with_capacity(written.len());
        for attribute in &written {
            let name = Name { prefix: attribute.prefix.to_owned(), local: attribute.local.to_owned() };
            if attributes.iter().any(|(known, _)| *known == name) {
                return Err(XmlProblem::Malformed);
            }
            let value = attribute_value(attribute.raw(), 0).map_err(|(problem, _)| problem)?;
            attributes.push((name, Zeroizing::new(value.to_string())));
        }
        let mut element = Element {
            prefix: prefix.to_owned(),
            local: local.to_owned(),
            namespace: String::new(),
            attributes,
            content: Vec::new(),
        };
        self.marks.push(self.scope.len());
        element.declare(&mut self.scope);
        let namespace = namespace_of(&self.scope, prefix);
        element.namespace = match (namespace, prefix) {
            (Some(uri), _) => uri.to_owned(),
            (None, "") => String::new(),
            (None, _) => return Err(XmlProblem::Malformed),
        };
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlProblem> {
        let element = self.open.pop().ok_or(XmlProblem::Malformed)?;
        self.scope.truncate(self.marks.pop().unwrap_or_default());
        self.put(Content::Element(element))
    }

    /// Pieces of text beside each other are one.
    fn text(&mut self, piece: &str) -> Result<(), XmlProblem> {
        if let Some(Element { content, .. }) = self.open.last_mut()
            && let Some(Content::Text(text)) = content.last_mut()
        {
            let mut longer = Zeroizing::new(String::with_capacity(text.len() + piece.len()));
            longer.push_str(text);
            longer.push_str(piece);
            *text = longer;
            return Ok(());
        }
        self.put(Content::Text(Zeroizing::new(piece.to_owned())))
    }

    fn put(&mut self, content: Content) -> Result<(), XmlProblem> {
        self.count(1)?;
        let list = match self.open.last_mut() {
            Some(element) => &mut element.content,
            None => match &content {
                Content::Text(text) if !text.trim().is_empty() => return Err(XmlProblem::TextNotAllowed),
                Content::Element(_) if self.top.iter().any(|content| matches!(content, Content::Element(_))) => {
                    return Err(XmlProblem::Malformed);
                }
                _ => &mut self.top,
            },
        };
        list.push(content);
        Ok(())
    }

    fn count(&mut self, more: usize) -> Result<(), XmlProblem> {
        self.count += more;
        if self.count > self.limits.max_nodes { Err(XmlProblem::TooManyValues) } else { Ok(()) }
    }

    fn finish(self) -> Result<Vec<Content>, XmlProblem> {
        let complete = self.open.is_empty() && self.top.iter().any(|content| matches!(content, Content::Element(_)));
        if complete { Ok(self.top) } else { Err(XmlProblem::Malformed) }
    }
}

/// Bytes that the content is written as, more or less: what makes it grow is counted with it.
pub(in crate::patch) fn size(content: &[Content]) -> usize {
    let of = |content: &Content| match content {
        Content::Text(text) | Content::Comment(text) | Content::Instruction(text) => text.len() + 7,
        Content::Element(element) => {
            let attributes: usize =
                element.attributes.iter().map(|(name, text)| name.local.len() + text.len() + 16).sum();
            2 * element.local.len() + element.namespace.len() + attributes + 16 + size(&element.content)
        }
    };
    content.iter().map(of).sum()
}

/// How many elements lie inside each other.
pub(in crate::patch) fn depth(content: &[Content]) -> usize {
    let of = |content: &Content| match content {
        Content::Element(element) => 1 + depth(&element.content),
        _ => 0,
    };
    content.iter().map(of).max().unwrap_or_default()
}

/// Appends the content as XML. What came from elsewhere declares its namespace where it would mean another here.
pub(in crate::patch) fn write(content: &[Content], scope: &mut Scope, out: &mut Vec<u8>) {
    for content in content {
        match content {
            Content::Text(text) => write_text(text, out),
            Content::Comment(text) => wrapped(b"<!--", text, b"-->", out),
            Content::Instruction(text) => wrapped(b"<?", text, b"?>", out),
            Content::Element(element) => write_element(element, scope, out),
        }
    }
}

fn write_element(element: &Element, scope: &mut Scope, out: &mut Vec<u8>) {
    let mark = scope.len();
    element.declare(scope);
    let missing = namespace_of(scope, &element.prefix).unwrap_or_default() != element.namespace;
    out.push(b'<');
    write_name(&element.prefix, &element.local, out);
    if missing {
        scope.push((element.prefix.clone(), element.namespace.clone()));
        out.push(b' ');
        if element.prefix.is_empty() {
            out.extend_from_slice(b"xmlns")
        } else {
            write_name("xmlns", &element.prefix, out)
        }
        quoted(&element.namespace, out);
    }
    for (name, value) in &element.attributes {
        if missing && name.declares() == Some(&element.prefix) {
            continue;
        }
        out.push(b' ');
        write_name(&name.prefix, &name.local, out);
        quoted(value, out);
    }
    if element.content.is_empty() {
        out.extend_from_slice(b"/>");
    } else {
        out.push(b'>');
        write(&element.content, scope, out);
        out.extend_from_slice(b"</");
        write_name(&element.prefix, &element.local, out);
        out.push(b'>');
    }
    scope.truncate(mark);
}

fn write_name(prefix: &str, local: &str, out: &mut Vec<u8>) {
    if !prefix.is_empty() {
        out.extend_from_slice(prefix.as_bytes());
        out.push(b':');
    }
    out.extend_from_slice(local.as_bytes());
}

fn quoted(value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"=\"");
    write_attribute(value, out);
    out.push(b'"');
}

fn wrapped(before: &[u8], text: &str, after: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(before);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(after);
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'\r' => out.extend_from_slice(b"&#xD;"),
            other => out.push(other),
        }
    }
}
