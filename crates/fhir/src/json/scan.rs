//! Scanning and unescaping of string contents.

use super::JsonProblem;

/// Where a string's content ends (the index of the closing quote) and whether it has escapes.
///
/// # Errors
/// The problem and its offset.
pub(super) fn string_end(bytes: &[u8], start: usize) -> Result<(usize, bool), (JsonProblem, usize)> {
    let mut at = start;
    let mut escaped = false;
    loop {
        at = next_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape_end(bytes, at)?;
            }
            Some(0) => return Err((JsonProblem::NulCharacter, at)),
            Some(_) => return Err((JsonProblem::ControlCharacter, at)),
            None => return Err((JsonProblem::UnexpectedEnd, bytes.len())),
        }
    }
}

/// The first byte from `at` on that is a quote, a backslash or below 0x20; the length of `bytes` when there is none.
///
/// Eight bytes at a time: strings in FHIR are mostly shorter than the start-up cost of a wider search.
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 0x80;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let slash = word ^ (ONES * u64::from(b'\\'));
        // The lowest marked byte is exact: a borrow can only spoil bytes above it.
        let marks = (word.wrapping_sub(ONES * 0x20) & !word
            | quote.wrapping_sub(ONES) & !quote
            | slash.wrapping_sub(ONES) & !slash)
            & HIGH;
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&b| b >= 0x20 && b != b'"' && b != b'\\') {
        at += 1;
    }
    at
}

/// The index after the escape that starts at `at`.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, (JsonProblem, usize)> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match hex4(bytes, at + 2)? {
            0 => Err((JsonProblem::NulCharacter, at)),
            0xD800..=0xDBFF => {
                if bytes.get(at + 6..at + 8) != Some(b"\\u") {
                    return Err((JsonProblem::LoneSurrogate, at));
                }
                match hex4(bytes, at + 8)? {
                    0xDC00..=0xDFFF => Ok(at + 12),
                    _ => Err((JsonProblem::LoneSurrogate, at)),
                }
            }
            0xDC00..=0xDFFF => Err((JsonProblem::LoneSurrogate, at)),
            _ => Ok(at + 6),
        },
        Some(_) => Err((JsonProblem::InvalidEscape, at)),
        None => Err((JsonProblem::UnexpectedEnd, bytes.len())),
    }
}

fn hex4(bytes: &[u8], at: usize) -> Result<u32, (JsonProblem, usize)> {
    let mut value = 0;
    for offset in at..at + 4 {
        let digit = match bytes.get(offset) {
            Some(&b) => char::from(b).to_digit(16).ok_or((JsonProblem::InvalidEscape, offset))?,
            None => return Err((JsonProblem::UnexpectedEnd, bytes.len())),
        };
        value = value * 16 + digit;
    }
    Ok(value)
}

/// The characters that an escaped content stands for. The content was checked by [`string_end`].
pub(super) fn unescape(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        let bytes = escape.as_bytes();
        let taken = match bytes.get(1) {
            Some(b'u') => {
                let (character, taken) = unicode_escape(bytes);
                out.push(character);
                taken
            }
            Some(&simple) => {
                out.push(match simple {
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    b'n' => '\n',
                    b'r' => '\r',
                    b't' => '\t',
                    other => char::from(other),
                });
                2
            }
            None => 1,
        };
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn unicode_escape(bytes: &[u8]) -> (char, usize) {
    let first = hex4(bytes, 2).unwrap_or(0xFFFD);
    let (code, taken) = match first {
        0xD800..=0xDBFF => {
            let second = hex4(bytes, 8).unwrap_or(0xDC00);
            (0x10000 + ((first - 0xD800) << 10) + second.wrapping_sub(0xDC00), 12)
        }
        other => (other, 6),
    };
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), taken)
}
