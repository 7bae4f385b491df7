//! The narrative's `div`: XHTML inside XML, and the same text as a string in JSON (R4 narrative.html, json.html).
//!
//! It is copied as it was written, once it is known to be well formed and to need nothing that is declared outside of it.
//! In JSON it always declares its namespace, as json.html shows it; one without is taken as XHTML.

use zeroize::Zeroizing;

use super::cursor::{Cursor, Token};
use super::tag::{Attribute, Space};
use super::text::{Plain, attribute_value, line_ends, reference};
use super::{Fault, XHTML_NAMESPACE, XmlProblem};
use crate::json::Limits;

/// The `div` in a JSON string, fit to stand in a document whose default namespace is that of FHIR.
pub(super) fn from_text(text: &str) -> Result<Plain<'_>, XmlProblem> {
    let limits = Limits { max_bytes: text.len(), ..Limits::default() };
    let read = || -> Result<Plain<'_>, Fault> {
        let mut cursor = Cursor::new(text.trim_matches([' ', '\t', '\n', '\r']), &limits, Space::Xhtml)?;
        cursor.next()?;
        if cursor.tag.local != "div" || cursor.tag.space != Space::Xhtml {
            return Err((XmlProblem::Narrative, 0));
        }
        let div = rest(&mut cursor)?;
        cursor.next()?;
        Ok(div)
    };
    read().map_err(|(problem, _)| match problem {
        XmlProblem::Entity | XmlProblem::Character | XmlProblem::TooDeep | XmlProblem::TooManyValues => problem,
        _ => XmlProblem::Narrative,
    })
}

/// Reads on from the start tag of a `div` to its end, and gives the whole.
pub(super) fn rest<'a>(cursor: &mut Cursor<'a>) -> Result<Plain<'a>, Fault> {
    let more = cursor.max_depth();
    let deepest = cursor.allow_depth(more);
    let div = if cursor.tag.prefix.is_empty() { as_written(cursor) } else { without_prefixes(cursor) };
    cursor.set_deepest(deepest);
    div
}

fn as_written<'a>(cursor: &mut Cursor<'a>) -> Result<Plain<'a>, Fault> {
    let (start, level) = (cursor.start, cursor.depth);
    let declares = cursor.declared_at("") == Some(level);
    loop {
        check_prefixes(cursor, level)?;
        check_references(cursor)?;
        if !next_tag(cursor, level, None)? {
            break;
        }
    }
    let whole = line_ends(cursor.slice(start, cursor.end));
    if declares {
        return Ok(whole);
    }
    let mut out = Zeroizing::new(String::with_capacity(whole.len() + 48));
    out.push_str("<div xmlns=\"");
    out.push_str(XHTML_NAMESPACE);
    out.push('"');
    out.push_str(whole.get("<div".len()..).unwrap_or_default());
    Ok(Plain::Owned(out))
}

/// For `<h:div>`: the same elements without their prefixes. Comments and the like are dropped.
fn without_prefixes<'a>(cursor: &mut Cursor<'a>) -> Result<Plain<'a>, Fault> {
    let level = cursor.depth;
    let mut out = Zeroizing::new(String::new());
    loop {
        check_references(cursor)?;
        let is_foreign = |attribute: &Attribute<'_>| !matches!(attribute.space, Space::None | Space::Xml);
        if cursor.tag.space != Space::Xhtml || cursor.tag.attributes.iter().any(is_foreign) {
            return Err((XmlProblem::Narrative, cursor.start));
        }
        out.push('<');
        out.push_str(cursor.tag.local);
        if cursor.depth == level {
            out.push_str(" xmlns=\"");
            out.push_str(XHTML_NAMESPACE);
            out.push('"');
        }
        for attribute in &cursor.tag.attributes {
            out.push_str(if attribute.space == Space::Xml { " xml:" } else { " " });
            out.push_str(attribute.local);
            out.push('=');
            out.push_str(attribute.quoted);
        }
        out.push_str(if cursor.tag.is_empty { "/>" } else { ">" });
        if !next_tag(cursor, level, Some(&mut out))? {
            break;
        }
    }
    Ok(Plain::Owned(Zeroizing::new(line_ends(&out).to_owned())))
}

/// What is copied must not need a prefix that is declared outside of it.
fn check_prefixes(cursor: &Cursor<'_>, level: usize) -> Result<(), Fault> {
    let is_own = |prefix: &str| {
        prefix.is_empty() || prefix == "xml" || cursor.declared_at(prefix).is_some_and(|depth| depth >= level)
    };
    let mut prefixes = cursor.tag.attributes.iter().map(|attribute| attribute.prefix);
    let all_own = is_own(cursor.tag.prefix) && prefixes.all(is_own);
    if all_own { Ok(()) } else { Err((XmlProblem::Narrative, cursor.start)) }
}

fn check_references(cursor: &Cursor<'_>) -> Result<(), Fault> {
    for attribute in &cursor.tag.attributes {
        attribute_value(attribute.raw(), attribute.value_start)?;
    }
    Ok(())
}

/// Goes on to the next start tag; false when the `div` ended before it. What is passed is copied to `out`.
fn next_tag(cursor: &mut Cursor<'_>, level: usize, mut out: Option<&mut String>) -> Result<bool, Fault> {
    loop {
        let token = cursor.next()?;
        let written = cursor.slice(cursor.start, cursor.end);
        let written = match token {
            Token::Start => return Ok(true),
            Token::Eof => return Ok(false),
            Token::Reference(name) => {
                reference(name).map_err(|problem| (problem, cursor.start))?;
                written
            }
            Token::Text(_) | Token::CData => written,
            // `</h:p >` as `</p>`; of `<h:br/>` nothing is left to write.
            Token::End => {
                if let (Some(out), false) = (out.as_deref_mut(), written.is_empty()) {
                    let name = written.get(2..written.len() - 1).unwrap_or_default().trim();
                    out.push_str("</");
                    out.push_str(name.split_once(':').map_or(name, |(_, local)| local));
                    out.push('>');
                }
                if cursor.depth < level {
                    return Ok(false);
                }
                continue;
            }
        };
        if let Some(out) = out.as_deref_mut() {
            out.push_str(written);
        }
    }
}
