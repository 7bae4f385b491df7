//! The inside of a start tag, strictly (XML 1.0 productions 40, 41, 10; Namespaces in XML 1.0, productions 7 to 11).

use super::text::is_space_byte;
use super::{Fault, XmlProblem};

/// No element of FHIR has more than three, no element of XHTML a third of this.
const MAX_ATTRIBUTES: usize = 64;

/// What the prefix of a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// No namespace.
    None,
    Fhir,
    Xhtml,
    /// XML Schema instance: `xsi:schemaLocation`.
    Schema,
    /// The prefix `xml` itself.
    Xml,
    Other,
}

/// One attribute. `quoted` is its value as it was written, quotes included.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) local: &'a str,
    pub(super) quoted: &'a str,
    /// Where the name starts and where the value, without its quote.
    pub(super) start: usize,
    pub(crate) value_start: usize,
    pub(super) space: Space,
}

impl<'a> Attribute<'a> {
    /// What stands between the quotes.
    pub(crate) fn raw(&self) -> &'a str {
        self.quoted.get(1..self.quoted.len().saturating_sub(1)).unwrap_or_default()
    }
}

/// Reads `name a="b" …`, which starts at `start` of the document: prefix and local name. Attributes go to the list.
pub(crate) fn parse<'a>(
    tag: &'a str,
    start: usize,
    attributes: &mut Vec<Attribute<'a>>,
) -> Result<(&'a str, &'a str), Fault> {
    attributes.clear();
    let place = |rest: &str| start + (tag.len() - rest.len());
    let (prefix, local, mut rest) = name(tag).ok_or((XmlProblem::Malformed, start))?;
    loop {
        let trimmed = skip_space(rest);
        if trimmed.is_empty() {
            return Ok((prefix, local));
        }
        let here = place(trimmed);
        let malformed = (XmlProblem::Malformed, here);
        if trimmed.len() == rest.len() {
            return Err(malformed);
        }
        if attributes.len() >= MAX_ATTRIBUTES {
            return Err((XmlProblem::TooManyValues, here));
        }
        let (prefix, local, after) = name(trimmed).ok_or(malformed)?;
        let after = skip_space(skip_space(after).strip_prefix('=').ok_or(malformed)?);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(malformed)?;
        let end = after.get(1..).and_then(|inner| inner.find(quote)).ok_or(malformed)?;
        let (quoted, next) = after.split_at_checked(end + 2).ok_or(malformed)?;
        if quoted.contains('<') {
            return Err((XmlProblem::Malformed, place(after)));
        }
        let (value_start, space) = (place(after) + 1, Space::None);
        attributes.push(Attribute { prefix, local, quoted, start: here, value_start, space });
        rest = next;
    }
}

/// Whether this is a name without a colon.
pub(super) fn is_name(text: &str) -> bool {
    matches!(name(text), Some(("", _, "")))
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii() && is_space_byte(c as u8))
}

/// A qualified name at the start of the text: prefix, local name, what follows.
fn name(text: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = part(text)?;
    match rest.strip_prefix(':') {
        None => Some(("", first, rest)),
        Some(after) => {
            let (second, rest) = part(after)?;
            (!rest.starts_with(':')).then_some((first, second, rest))
        }
    }
}

fn part(text: &str) -> Option<(&str, &str)> {
    let end = text.char_indices().find(|&(_, c)| !is_name_char(c)).map_or(text.len(), |(at, _)| at);
    let (name, rest) = text.split_at_checked(end)?;
    name.chars().next().filter(|&c| is_name_start(c)).map(|_| (name, rest))
}

fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
