//! One form for all texts that mean the same, made without the code under test: JSON from the tape with members sorted and
//! strings unescaped, XML from the library's events. Also compiled into the example `xml_round_trip`.

use std::borrow::Cow;

use aceso_fhir::json::{Kind, Node, write_string};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Members sorted by name, strings with the escapes that JSON needs, numbers as they were written, no white space.
/// An array of nulls is left out: it says no more than the extensions beside it.
pub(crate) fn json(node: Node<'_>, out: &mut Vec<u8>) {
    match node.kind() {
        Kind::Object => {
            let is_null = |item: Node<'_>| item.kind() == Kind::Null;
            let says_nothing = |node: Node<'_>| node.kind() == Kind::Array && node.items().all(is_null);
            let mut members: Vec<_> = node.members().filter(|member| !says_nothing(member.value)).collect();
            members.sort_by(|a, b| a.key.cmp(&b.key));
            let list = members.into_iter().map(|member| (Some(member.key), member.value));
            brackets(b"{}", list, out);
        }
        Kind::Array => brackets(b"[]", node.items().map(|item| (None, item)), out),
        Kind::String => write_string(&node.as_str().unwrap_or_default(), out),
        _ => out.extend_from_slice(node.raw()),
    }
}

fn brackets<'a>(pair: &[u8; 2], list: impl Iterator<Item = (Option<Cow<'a, str>>, Node<'a>)>, out: &mut Vec<u8>) {
    out.push(pair[0]);
    for (at, (key, value)) in list.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if let Some(key) = key {
            write_string(&key, out);
            out.push(b':');
        }
        json(value, out);
    }
    out.push(pair[1]);
}

/// One line per tag and text: attributes sorted with their values as XML reads them, no declarations of namespaces and
/// schemas, no comments, no white space between elements (but all of it inside a `div`).
///
/// # Errors
/// What is no XML for the library, in its words.
pub(crate) fn xml(text: &str) -> Result<String, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut out, mut pending, mut inside_div) = (String::new(), String::new(), 0usize);
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let is_tag = matches!(event, Event::Start(_) | Event::End(_) | Event::Eof);
        if is_tag && (inside_div > 0 || !pending.trim().is_empty()) && !pending.is_empty() {
            out.push_str(&format!("text {pending:?}\n"));
        }
        if is_tag {
            pending.clear();
        }
        match event {
            Event::Start(tag) => {
                inside_div += usize::from(inside_div > 0 || local(tag.name().0) == "div");
                out.push_str(&start(&tag)?);
            }
            Event::End(tag) => {
                inside_div = inside_div.saturating_sub(1);
                out.push_str(&format!("end {}\n", local(tag.name().0)));
            }
            Event::Text(text) => pending.push_str(&text.xml10_content()),
            Event::CData(text) => pending.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let raw = format!("&{};", &*reference);
                pending.push_str(&quick_xml::escape::unescape(&raw).map_err(|error| error.to_string())?);
            }
            Event::Eof => return Ok(out),
            _ => {}
        }
    }
}

fn start(tag: &BytesStart<'_>) -> Result<String, String> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        if !attribute.key.0.starts_with("xmlns") && !attribute.key.0.starts_with("xsi:") {
            attributes.push(format!(" {}={value:?}", attribute.key.0));
        }
    }
    attributes.sort();
    Ok(format!("start {}{}\n", local(tag.name().0), attributes.concat()))
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}
