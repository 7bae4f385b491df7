//! Characters, references and attribute values (XML 1.0 sections 2.2, 2.11, 3.3.3, 4.1).

use std::borrow::Cow;
use std::ops::Deref;

use zeroize::Zeroizing;

use super::{Fault, XmlProblem};
use crate::definitions::Primitive;

/// Text that is borrowed when nothing had to be changed; a copy is overwritten when dropped.
pub(crate) enum Plain<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl<'a> From<Cow<'a, str>> for Plain<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => Self::Owned(Zeroizing::new(text)),
        }
    }
}

impl Deref for Plain<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

/// Whether there is only white space (production S).
pub(crate) fn is_space(text: &str) -> bool {
    text.bytes().all(is_space_byte)
}

pub(super) fn is_space_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Where the first character is that XML does not allow (production Char).
pub(crate) fn first_forbidden(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b < 0x20 || b == 0xEF)?;
        match bytes.get(at..)? {
            [b'\t' | b'\n' | b'\r', ..] => at += 1,
            [0xEF, 0xBF, 0xBE | 0xBF, ..] => return Some(at),
            [0xEF, ..] => at += 3,
            _ => return Some(at),
        }
    }
}

/// The character that `&name;` stands for.
pub(crate) fn reference(name: &str) -> Result<char, XmlProblem> {
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix('x') {
            Some(hex) => digits(hex, 16),
            None => digits(number, 10),
        },
        None => {
            return Ok(match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => return Err(XmlProblem::Entity),
            });
        }
    };
    let found = code.ok_or(XmlProblem::Malformed)?;
    char::from_u32(found).filter(|&c| is_allowed(c)).ok_or(XmlProblem::Character)
}

fn digits(text: &str, radix: u32) -> Option<u32> {
    let is_number = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    // More than 32 bits: a number, but of no character.
    is_number.then(|| u32::from_str_radix(text, radix).unwrap_or(u32::MAX))
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The value of an attribute from what stands between its quotes: references resolved, line ends and tabs as spaces.
pub(crate) fn attribute_value(raw: &str, start: usize) -> Result<Plain<'_>, Fault> {
    let special = |b: u8| matches!(b, b'&' | b'\t' | b'\n' | b'\r');
    if !raw.bytes().any(special) {
        return Ok(Plain::Borrowed(raw));
    }
    let mut out = Zeroizing::new(String::with_capacity(raw.len()));
    let mut rest = raw;
    while let Some(at) = rest.bytes().position(special) {
        let (plain, marked) = rest.split_at(at);
        out.push_str(plain);
        let (taken, c) = match marked.as_bytes() {
            [b'\r', b'\n', ..] => (2, ' '),
            [b'&', ..] => {
                let place = start + (raw.len() - marked.len());
                let end = marked.find(';').ok_or((XmlProblem::Malformed, place))?;
                let name = marked.get(1..end).unwrap_or_default();
                (end + 1, reference(name).map_err(|problem| (problem, place))?)
            }
            _ => (1, ' '),
        };
        out.push(c);
        rest = marked.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(Plain::Owned(out))
}

/// Line ends as XML reads them: one line feed each.
pub(crate) fn line_ends(text: &str) -> Plain<'_> {
    if !text.bytes().any(|b| b == b'\r') {
        return Plain::Borrowed(text);
    }
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\r') {
        out.push_str(before);
        out.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    out.push_str(rest);
    Plain::Owned(out)
}

/// Appends an attribute's value with the escapes of Canonical XML (section 2.3).
pub(crate) fn write_attribute(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| matches!(b, b'&' | b'<' | b'"' | b'\t' | b'\n' | b'\r')) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let (byte, after) = special.split_first().unwrap_or((&b' ', &[]));
        out.extend_from_slice(match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'"' => b"&quot;",
            b'\t' => b"&#x9;",
            b'\n' => b"&#xA;",
            _ => b"&#xD;",
        });
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Whether the text is that of a number of this type, in both notations (R4 datatypes.html).
pub(super) fn is_number(primitive: Primitive, text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let whole = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = unsigned.split_at(whole);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return false;
    }
    if primitive != Primitive::Decimal {
        return rest.is_empty();
    }
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => match fraction.trim_start_matches(|c: char| c.is_ascii_digit()) {
            after if after.len() == fraction.len() => return false,
            after => after,
        },
    };
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && exponent.bytes().all(|b| b.is_ascii_digit())
        }
    }
}
