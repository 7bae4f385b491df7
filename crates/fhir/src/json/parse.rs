//! One pass over the text with an explicit stack: no recursion, no second look at the bytes.

use std::borrow::Cow;

use zeroize::{Zeroize, Zeroizing};

use super::doc::{Kind, Slot};
use super::scan::{string_end, unescape};
use super::{Doc, JsonError, JsonProblem, Limits};
use crate::definitions::{ResourceType, TypeRef, ValueType};

/// Above this many members, names are compared by sorting when the object ends.
const COMPARED_PAIRWISE: u32 = 24;

type Fault = (JsonProblem, usize);

pub(super) fn parse(text: Vec<u8>, limits: &Limits) -> Result<Doc, JsonError> {
    let text = utf8(text, limits)?;
    let mut reader = Reader {
        bytes: text.as_bytes(),
        text: &text,
        at: 0,
        pending: Key::NONE,
        slots: Vec::with_capacity((text.len() / 12).min(limits.max_nodes) + 1),
        open: Vec::with_capacity(16),
        limits,
    };
    match reader.document() {
        Ok(()) => {
            let slots = reader.slots;
            Ok(Doc { text: unwrap_text(text), slots })
        }
        Err((problem, offset)) => Err(JsonError { problem, offset, path: reader.path() }),
    }
}

fn unwrap_text(mut text: Zeroizing<String>) -> String {
    std::mem::take(&mut *text)
}

fn utf8(mut text: Vec<u8>, limits: &Limits) -> Result<Zeroizing<String>, JsonError> {
    // Offsets are kept in 32 bits.
    if text.len() > limits.max_bytes.min(u32::MAX as usize - 1) {
        text.zeroize();
        return Err(JsonError { problem: JsonProblem::TooLong, offset: limits.max_bytes, path: String::new() });
    }
    String::from_utf8(text).map(Zeroizing::new).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        error.into_bytes().zeroize();
        JsonError { problem: JsonProblem::InvalidUtf8, offset, path: String::new() }
    })
}

/// An array or object that has not ended yet.
struct Open {
    slot: u32,
    count: u32,
    is_object: bool,
    /// One bit per hash of a member name seen: a clear bit proves that a name is new.
    seen: u64,
    /// Names are compared by sorting at the end: too many, or one has escapes.
    sorted: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    /// The name read last in the innermost object.
    pending: Key,
    slots: Vec<Slot>,
    open: Vec<Open>,
    limits: &'a Limits,
}

#[derive(Clone, Copy)]
struct Key {
    start: u32,
    end: u32,
    escaped: bool,
}

impl Key {
    const NONE: Self = Self { start: 0, end: 0, escaped: false };
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), Fault> {
        self.skip_white_space();
        let mut opened = self.value(Key::NONE)?;
        while !self.open.is_empty() {
            opened = self.step(opened)?;
        }
        self.skip_white_space();
        if self.at < self.bytes.len() { Err((JsonProblem::TrailingText, self.at)) } else { Ok(()) }
    }

    /// Reads what may come next in the innermost open array or object; `first` when nothing was read in it yet.
    /// Returns whether a new array or object was opened.
    fn step(&mut self, first: bool) -> Result<bool, Fault> {
        self.skip_white_space();
        let Some(innermost) = self.open.last() else { return Ok(false) };
        let is_object = innermost.is_object;
        let close = if is_object { b'}' } else { b']' };
        match self.peek()? {
            byte if byte == close => {
                self.at += 1;
                self.close()?;
                return Ok(false);
            }
            _ if first => {}
            b',' => {
                self.at += 1;
                self.skip_white_space();
            }
            _ => return Err((JsonProblem::CommaOrEndExpected, self.at)),
        }
        let key = if is_object { self.name()? } else { Key::NONE };
        if let Some(innermost) = self.open.last_mut() {
            innermost.count += 1;
        }
        self.value(key)
    }

    fn name(&mut self) -> Result<Key, Fault> {
        let start = self.at;
        if self.peek()? != b'"' {
            return Err((JsonProblem::NameExpected, start));
        }
        let (end, escaped) = string_end(self.bytes, start + 1)?;
        self.at = end + 1;
        self.pending = Key { start: start as u32, end: (end + 1) as u32, escaped };
        self.check_new(start, end, escaped)?;
        self.skip_white_space();
        if self.peek()? != b':' {
            return Err((JsonProblem::ColonExpected, self.at));
        }
        self.at += 1;
        self.skip_white_space();
        Ok(self.pending)
    }

    /// Refuses a name that the innermost object has already, unless the object is one that is sorted at its end.
    fn check_new(&mut self, start: usize, end: usize, escaped: bool) -> Result<(), Fault> {
        let Some(innermost) = self.open.last_mut() else { return Ok(()) };
        if innermost.sorted {
            return Ok(());
        }
        if escaped || innermost.count >= COMPARED_PAIRWISE {
            innermost.sorted = true;
            return Ok(());
        }
        let name = self.bytes.get(start..=end).unwrap_or_default();
        let bit = 1 << (hash(name) & 63);
        let maybe_seen = innermost.seen & bit != 0;
        innermost.seen |= bit;
        let (mut index, count) = (innermost.slot as usize + 1, innermost.count);
        if maybe_seen {
            for _ in 0..count {
                let Some(slot) = self.slots.get(index) else { break };
                if self.bytes.get(slot.key_start as usize..slot.key_end as usize) == Some(name) {
                    return Err((JsonProblem::DuplicateName, start));
                }
                index = slot.next as usize;
            }
        }
        Ok(())
    }

    /// Reads a scalar whole, or the opening bracket of an array or object (then returns true).
    fn value(&mut self, key: Key) -> Result<bool, Fault> {
        let start = self.at;
        if self.slots.len() >= self.limits.max_nodes {
            return Err((JsonProblem::TooManyValues, start));
        }
        let (kind, escaped) = match self.peek()? {
            b'"' => {
                let (end, escaped) = string_end(self.bytes, start + 1)?;
                self.at = end + 1;
                (Kind::String, escaped)
            }
            b'{' => return self.open(Kind::Object, key),
            b'[' => return self.open(Kind::Array, key),
            b'-' | b'0'..=b'9' => {
                self.number()?;
                (Kind::Number, false)
            }
            b't' => (self.literal(b"true", Kind::Bool)?, false),
            b'f' => (self.literal(b"false", Kind::Bool)?, false),
            b'n' => (self.literal(b"null", Kind::Null)?, false),
            _ => return Err((JsonProblem::ValueExpected, start)),
        };
        self.push(kind, key, start, escaped);
        Ok(false)
    }

    fn push(&mut self, kind: Kind, key: Key, start: usize, escaped: bool) {
        let next = self.slots.len() as u32 + 1;
        self.slots.push(Slot {
            start: start as u32,
            end: self.at as u32,
            key_start: key.start,
            key_end: key.end,
            next,
            count: 0,
            kind,
            escaped,
            key_escaped: key.escaped,
        });
    }

    fn open(&mut self, kind: Kind, key: Key) -> Result<bool, Fault> {
        if self.open.len() >= self.limits.max_depth {
            return Err((JsonProblem::TooDeep, self.at));
        }
        let (slot, start) = (self.slots.len() as u32, self.at);
        self.at += 1;
        self.push(kind, key, start, false);
        self.pending = Key::NONE;
        self.open.push(Open { slot, count: 0, is_object: kind == Kind::Object, seen: 0, sorted: false });
        Ok(true)
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(done) = self.open.last() else { return Ok(()) };
        if done.sorted {
            self.check_sorted(done)?;
        }
        let next = self.slots.len() as u32;
        if let Some(slot) = self.slots.get_mut(done.slot as usize) {
            slot.end = self.at as u32;
            slot.next = next;
            slot.count = done.count;
        }
        self.open.pop();
        self.pending = Key::NONE;
        Ok(())
    }

    /// Refuses two equal names in an object of any size, in n log n comparisons.
    fn check_sorted(&self, done: &Open) -> Result<(), Fault> {
        let mut names = Vec::with_capacity(done.count as usize);
        let mut index = done.slot as usize + 1;
        for _ in 0..done.count {
            let Some(slot) = self.slots.get(index) else { break };
            let content = self.text.get(slot.key_start as usize + 1..slot.key_end as usize - 1).unwrap_or_default();
            let name = if slot.key_escaped {
                Cow::Owned(unescape(content).collect::<String>())
            } else {
                Cow::Borrowed(content)
            };
            names.push((name, slot.key_start));
            index = slot.next as usize;
        }
        names.sort_unstable();
        let twice = names.windows(2).filter_map(|pair| match pair {
            [a, b] if a.0 == b.0 => Some(b.1),
            _ => None,
        });
        let first = twice.min();
        names.into_iter().for_each(|(name, _)| {
            if let Cow::Owned(mut name) = name {
                name.zeroize();
            }
        });
        first.map_or(Ok(()), |offset| Err((JsonProblem::DuplicateName, offset as usize)))
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        let leading_zero = self.bytes.get(self.at) == Some(&b'0');
        if self.digits()? > 1 && leading_zero {
            return Err((JsonProblem::InvalidNumber, self.at));
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err((JsonProblem::InvalidNumber, start)) } else { Ok(self.at - start) }
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Fault> {
        if self.bytes.get(self.at..self.at + word.len()) != Some(word) {
            return Err((JsonProblem::InvalidLiteral, self.at));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn peek(&self) -> Result<u8, Fault> {
        self.bytes.get(self.at).copied().ok_or((JsonProblem::UnexpectedEnd, self.at))
    }

    fn skip_white_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }
}

/// Spreads names over 64 bits by their length and their outer bytes; equality is always checked on the bytes.
fn hash(name: &[u8]) -> u64 {
    let first = name.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let last = name.last_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    (first ^ last.rotate_left(23) ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58
}

impl Reader<'_> {
    /// The nearest known element around the fault: names of the R4 definitions and indexes, nothing of the text.
    fn path(&self) -> String {
        let mut path = String::new();
        let mut value = ValueType::Resource;
        for (depth, open) in self.open.iter().enumerate() {
            if !open.is_object {
                if path.is_empty() {
                    break;
                }
                if let Some(index) = open.count.checked_sub(1) {
                    path.push_str(&format!("[{index}]"));
                }
                continue;
            }
            let scope = match value {
                ValueType::Complex(scope) => scope,
                ValueType::Resource => match self.resource_type(open) {
                    Some(found) => TypeRef::of_resource(found),
                    None => break,
                },
                ValueType::Primitive(_) => break,
            };
            if path.is_empty() {
                path.push_str(scope.name());
            }
            let inner = self.open.get(depth + 1).and_then(|inner| self.slots.get(inner.slot as usize));
            let (start, end) =
                inner.map_or((self.pending.start, self.pending.end), |slot| (slot.key_start, slot.key_end));
            let Some((element, sibling)) = self.name_text(start, end).and_then(|name| scope.child(name)) else { break };
            path.push('.');
            path.push_str(element.name());
            if sibling {
                break;
            }
            value = element.value;
        }
        path
    }

    fn resource_type(&self, open: &Open) -> Option<ResourceType> {
        let mut index = open.slot as usize + 1;
        for _ in 0..open.count {
            let slot = self.slots.get(index)?;
            if self.name_text(slot.key_start, slot.key_end) == Some("resourceType") {
                return ResourceType::parse(self.name_text(slot.start, slot.end)?);
            }
            index = slot.next as usize;
        }
        None
    }

    /// The text between two quotes, escapes and all.
    fn name_text(&self, start: u32, end: u32) -> Option<&str> {
        self.text.get(start as usize + 1..(end as usize).checked_sub(1)?)
    }
}
