//! Putting a resource together again from the parts that may be seen: a streaming copy, no tree.

use memchr::memchr;

use crate::marker::{GAP, GAP_MANY, GAP_ONE, LABEL_ITEM, LABEL_MEMBER, MARK, VANISH, VERSION, read_byte, read_index};
use crate::{ClassSet, DataClass};

/// What was put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Whether at least one element was masked.
    pub redacted: bool,
}

/// The skeleton or a part is damaged, or they do not belong together. Carries nothing of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// The first byte names no format that is known.
    #[error("unknown format of a record part")]
    UnknownFormat,
    /// A marker or a table points where nothing is.
    #[error("damaged record part")]
    Damaged,
}

/// Appends the resource to `out`: everything whose part is given, by [`DataClass::code`], and masks for the rest.
///
/// All given: the text that was split, without white space and with the stamp. Otherwise a masked object, array of
/// objects or choice element is absent; a masked primitive `name` is `_name` with the extension `data-absent-reason`
/// `masked`; what would become empty is absent; and `meta.security` has the coding `REDACTED` (HL7 v3
/// ObservationValue). A part that is given for a class which the resource has nothing of is ignored when empty; the one
/// for the structure class is not looked at.
///
/// Allocates nothing but `out`, which grows to at most some 25 times the input.
///
/// # Errors
/// [`SpliceError`] when the bytes are not what [`crate::split`] made; `out` may then hold a beginning.
pub fn splice(
    structure: &[u8],
    parts: &[Option<&[u8]>; DataClass::COUNT],
    out: &mut Vec<u8>,
) -> Result<Shown, SpliceError> {
    let present = classes_of(structure)?.without(DataClass::Structure);
    let mut open = [None; DataClass::COUNT];
    let mut redacted = false;
    let mut budget = structure.len();
    for ((class, slot), part) in DataClass::ALL.into_iter().zip(&mut open).zip(parts).skip(1) {
        match part {
            Some(bytes) if present.contains(class) => {
                *slot = Some(Part::read(bytes)?);
                budget = budget.saturating_add(bytes.len());
            }
            Some(bytes) if !bytes.is_empty() => return Err(SpliceError::Damaged),
            None if present.contains(class) => redacted = true,
            _ => {}
        }
    }
    let base = out.len();
    let mut splicer = Splicer { parts: open, redacted, labelled: false, base, budget, out };
    splicer.run(structure.get(2..).ok_or(SpliceError::Damaged)?, 0)?;
    Ok(Shown { redacted })
}

/// The classes that the split resource has something of, read from its skeleton; always with the structure.
///
/// # Errors
/// [`SpliceError::UnknownFormat`], or [`SpliceError::Damaged`] when the skeleton is too short.
pub fn classes_of(structure: &[u8]) -> Result<ClassSet, SpliceError> {
    match structure {
        [VERSION, bits, _, ..] => {
            Ok(ClassSet::from_bits(*bits).ok_or(SpliceError::Damaged)?.with(DataClass::Structure))
        }
        [VERSION] | [VERSION, _] | [] => Err(SpliceError::Damaged),
        _ => Err(SpliceError::UnknownFormat),
    }
}

/// Slices lie inside each other at most as deep as JSON may be ([`aceso_fhir::json::Limits`]).
const MAX_DEPTH: usize = 80;

const MASKED: &[u8] =
    br#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}"#;
const REDACTED: &[u8] =
    br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED","display":"redacted"}"#;

/// The slices of one class.
#[derive(Clone, Copy)]
struct Part<'a> {
    slices: &'a [u8],
    /// Four bytes for each slice.
    ends: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, SpliceError> {
        let rest = match bytes.split_first() {
            Some((&VERSION, rest)) => rest,
            Some(_) => return Err(SpliceError::UnknownFormat),
            None => return Err(SpliceError::Damaged),
        };
        let (rest, count) = rest.split_last_chunk::<4>().ok_or(SpliceError::Damaged)?;
        let table = (u32::from_le_bytes(*count) as usize).checked_mul(4).ok_or(SpliceError::Damaged)?;
        let at = rest.len().checked_sub(table).ok_or(SpliceError::Damaged)?;
        let (slices, ends) = rest.split_at_checked(at).ok_or(SpliceError::Damaged)?;
        Ok(Self { slices, ends })
    }

    fn slice(self, index: u32) -> Result<&'a [u8], SpliceError> {
        let start = match index.checked_sub(1) {
            Some(before) => self.end(before)?,
            None => 0,
        };
        self.slices.get(start..self.end(index)?).ok_or(SpliceError::Damaged)
    }

    fn end(self, index: u32) -> Result<usize, SpliceError> {
        let at = (index as usize).checked_mul(4).ok_or(SpliceError::Damaged)?;
        let end = self.ends.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(SpliceError::Damaged)?;
        Ok(u32::from_le_bytes(*end) as usize)
    }
}

struct Splicer<'a, 'o> {
    parts: [Option<Part<'a>>; DataClass::COUNT],
    redacted: bool,
    /// The place of the label is behind us; there is one.
    labelled: bool,
    /// Where the resource begins in `out`.
    base: usize,
    /// How many bytes of text may still be read. Each slice is used once, so a sound record never needs more than it
    /// has; slices that name each other in circles would.
    budget: usize,
    out: &'o mut Vec<u8>,
}

impl<'a> Splicer<'a, '_> {
    fn run(&mut self, mut text: &'a [u8], depth: usize) -> Result<(), SpliceError> {
        self.budget = self.budget.checked_sub(text.len()).ok_or(SpliceError::Damaged)?;
        if depth > MAX_DEPTH {
            return Err(SpliceError::Damaged);
        }
        while let Some(at) = memchr(MARK, text) {
            let (plain, rest) = text.split_at_checked(at).ok_or(SpliceError::Damaged)?;
            self.copy(plain);
            text = rest;
            read_byte(&mut text)?;
            match read_byte(&mut text)? {
                operation @ (GAP | GAP_ONE | GAP_MANY) => self.gap(operation, &mut text, depth)?,
                VANISH => self.vanish()?,
                operation @ (LABEL_ITEM | LABEL_MEMBER) => self.label(operation)?,
                _ => return Err(SpliceError::Damaged),
            }
        }
        self.copy(text);
        Ok(())
    }

    fn gap(&mut self, operation: u8, text: &mut &'a [u8], depth: usize) -> Result<(), SpliceError> {
        let class = DataClass::from_code(read_byte(text)?).ok_or(SpliceError::Damaged)?;
        let index = read_index(text)?;
        let mut key: &[u8] = &[];
        if operation != GAP {
            let length = usize::from(read_byte(text)?);
            let (name, rest) = text.split_at_checked(length).ok_or(SpliceError::Damaged)?;
            (key, *text) = (name, rest);
        }
        if let Some(part) = self.parts.get(usize::from(class.code())).copied().flatten() {
            return self.run(part.slice(index)?, depth + 1);
        }
        // A skeleton that does not own up to a class would be shown without the label.
        if !self.redacted {
            return Err(SpliceError::Damaged);
        }
        if operation != GAP {
            self.copy(b"\"_");
            self.out.extend_from_slice(key);
            self.out.extend_from_slice(if operation == GAP_MANY { b"\":[" } else { b"\":" });
            self.out.extend_from_slice(MASKED);
            if operation == GAP_MANY {
                self.out.push(b']');
            }
        }
        Ok(())
    }

    fn label(&mut self, operation: u8) -> Result<(), SpliceError> {
        if std::mem::replace(&mut self.labelled, true) {
            return Err(SpliceError::Damaged);
        }
        match operation {
            _ if !self.redacted => {}
            LABEL_ITEM => self.copy(REDACTED),
            _ => {
                self.copy(b"\"security\":[");
                self.out.extend_from_slice(REDACTED);
                self.out.push(b']');
            }
        }
        Ok(())
    }

    /// Copies text that follows a marker or begins a slice, with the comma that is due between two members or items.
    fn copy(&mut self, text: &[u8]) {
        let Some(first) = text.first() else { return };
        let begins = self.out.len() == self.base || matches!(self.out.last(), Some(b'{' | b'['));
        if !begins && !matches!(first, b'}' | b']') {
            self.out.push(b',');
        }
        self.out.extend_from_slice(text);
    }

    /// Takes back the member or item just written when nothing was left in it.
    fn vanish(&mut self) -> Result<(), SpliceError> {
        let written = self.out.get(self.base..).ok_or(SpliceError::Damaged)?;
        let Some(mut kept) = written.strip_suffix(b"{}").or_else(|| written.strip_suffix(b"[]")) else {
            return Ok(());
        };
        if let Some(member) = kept.strip_suffix(b"\":") {
            // Keys are element names: no quote inside.
            let quote = memchr::memrchr(b'"', member).ok_or(SpliceError::Damaged)?;
            kept = member.get(..quote).ok_or(SpliceError::Damaged)?;
        }
        let kept = self.base + kept.strip_suffix(b",").unwrap_or(kept).len();
        self.out.truncate(kept);
        Ok(())
    }
}
