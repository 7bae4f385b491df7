//! Formats of the primitive types (R4 section 2.24.0.1).

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::definitions::Primitive;
use crate::json::{Kind, Node};

/// Strings of FHIR do not exceed 1 MiB.
const MAX_STRING: usize = 1 << 20;

/// A rule that a value breaks.
pub(super) enum Fault {
    /// The JSON value is of another type than the element.
    Type(&'static str),
    /// The format is not that of the type.
    Format(&'static str),
}

/// Checks the JSON type and the format of one primitive value.
pub(super) fn check(node: Node<'_>, primitive: Primitive) -> Result<(), Fault> {
    match primitive {
        Primitive::Boolean => kind_is(node, Kind::Bool, "must be true or false"),
        Primitive::Decimal => kind_is(node, Kind::Number, "must be a number"),
        Primitive::Integer => integer(node, i64::from(i32::MIN), "not a 32-bit integer"),
        Primitive::UnsignedInt => integer(node, 0, "not an integer from 0 to 2147483647"),
        Primitive::PositiveInt => integer(node, 1, "not an integer from 1 to 2147483647"),
        Primitive::String | Primitive::Markdown => text(node),
        Primitive::Xhtml => {
            text(node)?;
            let starts =
                node.raw().starts_with(b"\"<div") || with_str(node, |text| text.trim_start().starts_with("<div"));
            if starts { Ok(()) } else { Err(Fault::Format("narrative must be one div element")) }
        }
        _ => {
            kind_is(node, Kind::String, "must be a string")?;
            let (is_valid, rule) = rule(primitive);
            if with_str(node, is_valid) { Ok(()) } else { Err(Fault::Format(rule)) }
        }
    }
}

/// Bytes of an unescaped text that is not put into memory of its own.
const SHORT: usize = 256;

/// Calls `read` with the unescaped text; the copy that escapes make necessary is overwritten afterwards. It is on the stack up to [`SHORT`].
pub(super) fn with_str<T>(node: Node<'_>, read: impl FnOnce(&str) -> T) -> T {
    if node.is_escaped() {
        let mut buffer = Zeroizing::new([0u8; SHORT]);
        if let Some(text) = node.chars().and_then(|chars| fill(chars, &mut *buffer)) {
            return read(text);
        }
    }
    match node.as_str() {
        Some(Cow::Borrowed(text)) => read(text),
        Some(Cow::Owned(text)) => read(&Zeroizing::new(text)),
        None => read(""),
    }
}

/// The text that the characters are, where there is room for it.
fn fill(chars: impl Iterator<Item = char>, buffer: &mut [u8]) -> Option<&str> {
    let mut len = 0;
    for letter in chars {
        let room = buffer.get_mut(len..len + letter.len_utf8())?;
        len += letter.encode_utf8(room).len();
    }
    buffer.get(..len).and_then(|text| std::str::from_utf8(text).ok())
}

fn rule(primitive: Primitive) -> (fn(&str) -> bool, &'static str) {
    match primitive {
        Primitive::Id => (is_id, "not an id: 1 to 64 of A-Z, a-z, 0-9, '-' and '.'"),
        Primitive::Code => (is_code, "not a code: no leading, trailing or double white space"),
        Primitive::Date => (is_date, "not a date: YYYY, YYYY-MM or YYYY-MM-DD"),
        Primitive::DateTime => {
            (is_date_time, "not a dateTime: a date, or a date with time to the second and time zone")
        }
        Primitive::Instant => (is_instant, "not an instant: date, time to the second and time zone are required"),
        Primitive::Time => (is_time, "not a time: hh:mm:ss"),
        Primitive::Oid => (is_oid, "not an OID: urn:oid: and numbers"),
        Primitive::Uuid => (is_uuid, "not a UUID: urn:uuid: and lower-case hexadecimal"),
        Primitive::Base64Binary => (is_base64, "not base64"),
        _ => (is_uri, "not a URI: empty or with white space"),
    }
}

fn kind_is(node: Node<'_>, kind: Kind, message: &'static str) -> Result<(), Fault> {
    if node.kind() == kind { Ok(()) } else { Err(Fault::Type(message)) }
}

fn integer(node: Node<'_>, min: i64, message: &'static str) -> Result<(), Fault> {
    let text = node.number_text().ok_or(Fault::Type("must be a number"))?;
    // `-0`, fractions and exponents are not in the pattern of the type.
    let value = text.parse::<i64>().ok().filter(|_| text != "-0");
    match value {
        Some(value) if value >= min && value <= i64::from(i32::MAX) => Ok(()),
        _ => Err(Fault::Format(message)),
    }
}

fn text(node: Node<'_>) -> Result<(), Fault> {
    kind_is(node, Kind::String, "must be a string")?;
    let raw = node.raw();
    if raw.len() == 2 {
        return Err(Fault::Format("an empty string is no value"));
    }
    let chars = || node.chars().into_iter().flatten();
    if raw.len() > MAX_STRING && chars().map(char::len_utf8).sum::<usize>() > MAX_STRING {
        return Err(Fault::Format("longer than 1 MiB"));
    }
    if node.is_escaped() && chars().any(|c| c < ' ' && !matches!(c, '\t' | '\n' | '\r')) {
        return Err(Fault::Format("control character in a string"));
    }
    Ok(())
}

/// `[A-Za-z0-9\-\.]{1,64}`
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && all(text, |b| b.is_ascii_alphanumeric() | (b == b'-') | (b == b'.'))
}

/// `[^\s]+(\s[^\s]+)*`
fn is_code(text: &str) -> bool {
    if all(text, |b| b.is_ascii_graphic()) {
        return !text.is_empty();
    }
    text.split(char::is_whitespace).all(|word| !word.is_empty())
}

/// `\S+`: the pattern of the specification allows the empty text, its rule for values does not.
pub(super) fn is_uri(text: &str) -> bool {
    !text.is_empty() && !has_white_space(text)
}

pub(super) fn has_white_space(text: &str) -> bool {
    !all(text, |b| b.is_ascii_graphic()) && text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Whether all bytes pass. Looks at 16 at a time without branches, so that the compiler can use wide registers.
fn all(text: &str, passes: impl Fn(u8) -> bool) -> bool {
    let (chunks, rest) = text.as_bytes().as_chunks::<16>();
    let every = |bytes: &[u8]| bytes.iter().fold(true, |so_far, &b| so_far & passes(b));
    chunks.iter().all(|chunk| every(chunk)) && every(rest)
}

fn is_date(text: &str) -> bool {
    date(text.as_bytes()).is_some_and(|(_, rest)| rest.is_empty())
}

fn is_date_time(text: &str) -> bool {
    match date(text.as_bytes()) {
        Some((_, [])) => true,
        Some((true, [b'T', rest @ ..])) => time(rest).is_some_and(is_zone),
        _ => false,
    }
}

fn is_instant(text: &str) -> bool {
    matches!(date(text.as_bytes()), Some((true, [b'T', rest @ ..])) if time(rest).is_some_and(is_zone))
}

fn is_time(text: &str) -> bool {
    time(text.as_bytes()).is_some_and(<[u8]>::is_empty)
}

/// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: whether it has a day, and what follows.
fn date(text: &[u8]) -> Option<(bool, &[u8])> {
    let (century, rest) = two_digits(text)?;
    let (year, rest) = two_digits(rest)?;
    let year = u16::from(century) * 100 + u16::from(year);
    if year == 0 {
        return None;
    }
    let [b'-', rest @ ..] = rest else { return Some((false, rest)) };
    let (month, rest) = two_digits(rest)?;
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let [b'-', rest @ ..] = rest else { return Some((false, rest)) };
    let (day, rest) = two_digits(rest)?;
    (1..=days).contains(&day).then_some((true, rest))
}

/// Reads `hh:mm:ss` and a fraction: what follows. A leap second is in the pattern.
fn time(text: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = two_digits(text)?;
    let (minute, rest) = two_digits(rest.strip_prefix(b":")?)?;
    let (second, rest) = two_digits(rest.strip_prefix(b":")?)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let [b'.', fraction @ ..] = rest else { return Some(rest) };
    let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 { None } else { fraction.get(digits..) }
}

/// `Z`, or an offset up to 14:00.
fn is_zone(text: &[u8]) -> bool {
    match text {
        b"Z" => true,
        [b'+' | b'-', rest @ ..] => match two_digits(rest) {
            Some((hour, [b':', rest @ ..])) => {
                matches!(two_digits(rest), Some((minute, [])) if (hour < 14 && minute < 60) || (hour == 14 && minute == 0))
            }
            _ => false,
        },
        _ => false,
    }
}

fn two_digits(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Some(((a - b'0') * 10 + (b - b'0'), rest)),
        _ => None,
    }
}

/// `urn:oid:[0-2](\.(0|[1-9][0-9]*))+`
pub(super) fn is_oid(text: &str) -> bool {
    let Some(mut arcs) = text.strip_prefix("urn:oid:").map(|oid| oid.split('.')) else { return false };
    let is_arc = |arc: &str| {
        arc.bytes().all(|b| b.is_ascii_digit()) && (arc == "0" || !(arc.is_empty() || arc.starts_with('0')))
    };
    matches!(arcs.next(), Some("0" | "1" | "2")) && arcs.clone().next().is_some() && arcs.all(is_arc)
}

/// `urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
fn is_uuid(text: &str) -> bool {
    text.strip_prefix("urn:uuid:")
        .is_some_and(|uuid| has_uuid_shape(uuid) && !uuid.bytes().any(|b| b.is_ascii_uppercase()))
}

/// Hexadecimal groups of 8, 4, 4, 4 and 12, in either case.
pub(super) fn has_uuid_shape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.iter().fold(0u8, |sum, b| sum.wrapping_add(u8::from(b.is_ascii_hexdigit())));
    bytes.len() == 36 && digits == 32 && [8, 13, 18, 23].iter().all(|&at| bytes.get(at) == Some(&b'-'))
}

/// Groups of four of the standard alphabet with padding at the end; white space between groups is allowed.
fn is_base64(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() | (b == b'+') | (b == b'/');
    let unpadded = text.trim_end_matches('=');
    if all(unpadded, is_letter) {
        let padding = text.len() - unpadded.len();
        return !unpadded.is_empty() && padding <= 2 && text.len().is_multiple_of(4);
    }
    let (mut count, mut padding) = (0usize, 0usize);
    for b in text.bytes() {
        match b {
            _ if is_letter(b) && padding == 0 => count += 1,
            b'=' => padding += 1,
            b' ' | b'\t' | b'\n' | b'\r' if padding > 0 || count.is_multiple_of(4) => {}
            _ => return false,
        }
    }
    count > 0 && padding <= 2 && (count + padding).is_multiple_of(4)
}
