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
pub(super) struct Unescaped<'a> {
    rest: &'a str,
}

pub(super) fn unescape(content: &str) -> Unescaped<'_> {
    Unescaped { rest: content }
}

impl Iterator for Unescaped<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let first = characters.next()?;
        self.rest = characters.as_str();
        if first != '\\' {
            return Some(first);
        }
        let escape = characters.next()?;
        self.rest = characters.as_str();
        Some(match escape {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode(),
            other => other,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len() / 6, Some(self.rest.len()))
    }
}

impl Unescaped<'_> {
    /// The character of the digits after `\u`, and of the second half of a pair.
    fn unicode(&mut self) -> char {
        let first = self.take(0);
        let code = match first {
            0xD800..=0xDBFF => 0x10000 + ((first - 0xD800) << 10) + (self.take(2) & 0x3FF),
            other => other,
        };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn take(&mut self, skip: usize) -> u32 {
        let code = hex4(self.rest.as_bytes(), skip).unwrap_or(0xFFFD);
        self.rest = self.rest.get(skip + 4..).unwrap_or_default();
        code
    }
}
