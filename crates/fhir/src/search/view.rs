//! Stored search values, read in place.

use crate::definitions::ResourceType;

use super::decimal::Decimal;
use super::model::{Data, SearchParam, Source, SourceRef, TypeTable, Value, table};
use super::values::{
    HIGH_OPEN, LOW_OPEN, REF_DISPLAY, REF_IDENTIFIER, REF_LOCAL, REF_TYPE, REF_URL, REF_VERSION, TWO_ENDS, VERSION,
    WORDS_ROOM,
};
use super::words::WORDS;

/// The bytes are not search values of a version that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// Another version wrote them.
    #[error("search values of an unknown version")]
    Version,
    /// The type code is unknown.
    #[error("search values of an unknown resource type")]
    Type,
    /// They end too early or do not fit together.
    #[error("search values are damaged")]
    Damaged,
}

/// The search values of one record over their stored bytes; nothing is copied.
#[derive(Clone, Copy)]
pub struct SearchView<'a> {
    pub(super) rtype: ResourceType,
    pub(super) table: &'static TypeTable,
    strings: &'a [u8],
    entries: &'a [u8],
}

impl<'a> SearchView<'a> {
    /// Checks the header and that the entries fit together.
    ///
    /// # Errors
    /// [`ViewError`], when the bytes were not written by [`super::encode`] of this version.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ViewError> {
        let mut reader = Reader(bytes);
        if reader.byte() != Some(VERSION) {
            return Err(ViewError::Version);
        }
        let rtype = reader.byte().and_then(ResourceType::from_code).ok_or(ViewError::Type)?;
        let strings = reader.varint().and_then(|length| reader.take(length)).ok_or(ViewError::Damaged)?;
        let entries = reader.0;
        while !reader.0.is_empty() {
            entry(&mut reader).ok_or(ViewError::Damaged)?;
        }
        Ok(Self { rtype, table: table(rtype), strings, entries })
    }

    /// The same bytes again after [`SearchView::open`] has found them in order: only the header is read. Of other bytes, values
    /// that do not fit together are taken as not there.
    #[must_use]
    pub fn open_again(bytes: &'a [u8]) -> Option<Self> {
        let (&[VERSION, code], rest) = bytes.split_first_chunk::<2>()? else { return None };
        let (rtype, mut reader) = (ResourceType::from_code(code)?, Reader(rest));
        let strings = reader.varint().and_then(|length| reader.take(length))?;
        Some(Self { rtype, table: table(rtype), strings, entries: reader.0 })
    }

    /// The type of the record.
    #[must_use]
    pub fn rtype(&self) -> ResourceType {
        self.rtype
    }

    /// Whether the record has any value for the parameter: the answer to `:missing=false`.
    #[must_use]
    pub fn has(&self, param: &SearchParam) -> bool {
        if param.rtype != self.rtype {
            return false;
        }
        if let Some(composite) = param.composite {
            return super::matching::composite_any(self, composite, |_, _, _| true);
        }
        param.sources.iter().any(|source| match source.only {
            None => self.entry(source.source).is_some(),
            Some(_) => self.values(source).next().is_some(),
        })
    }

    fn entry(&self, source: u8) -> Option<&'a [u8]> {
        let mut reader = Reader(self.entries);
        loop {
            let (found, bytes) = entry(&mut reader)?;
            if found >= source {
                return (found == source).then_some(bytes);
            }
        }
    }

    pub(super) fn values(&self, of: &SourceRef) -> Values<'a> {
        let source = self.table.sources.get(usize::from(of.source));
        let bytes = self.entry(of.source).unwrap_or_default();
        Values { strings: self.strings, reader: Reader(bytes), source, only: of.only }
    }
}

fn entry<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let source = reader.byte()?;
    let length = reader.varint()?;
    Some((source, reader.take(length)?))
}

/// A stored string.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) raw: &'a [u8],
    /// Without case and accents; `None` for ASCII, where lowering the case on the way is as good.
    pub(super) folded: Option<&'a [u8]>,
}

impl<'a> Text<'a> {
    pub(super) const NONE: Self = Text { raw: b"", folded: None };

    pub(super) fn is_none(self) -> bool {
        self.raw.is_empty()
    }

    /// Whether the folded text begins with this folded text.
    pub(super) fn starts_folded(self, start: &[u8]) -> bool {
        match self.folded {
            Some(folded) => folded.starts_with(start),
            None => self.raw.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        }
    }

    /// Whether this folded text stands anywhere in the folded text.
    pub(super) fn contains_folded(self, part: &[u8]) -> bool {
        match self.folded {
            Some(folded) => memchr::memmem::find(folded, part).is_some(),
            None => part.is_empty() || self.raw.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part)),
        }
    }

    pub(super) fn equals_folded(self, other: &[u8]) -> bool {
        match self.folded {
            Some(folded) => folded == other,
            None => self.raw.eq_ignore_ascii_case(other),
        }
    }

    /// Appends the folded text.
    pub(super) fn write_folded(self, out: &mut Vec<u8>) {
        match self.folded {
            Some(folded) => out.extend_from_slice(folded),
            None => out.extend(self.raw.iter().map(u8::to_ascii_lowercase)),
        }
    }
}

/// One stored value.
#[derive(Clone, Copy)]
pub(super) enum Stored<'a> {
    Token {
        system: Text<'a>,
        code: Text<'a>,
        text: Text<'a>,
        types: Types<'a>,
    },
    Text(Text<'a>),
    /// First and last millisecond; `i64::MIN` and `i64::MAX` where open.
    Date {
        low: i64,
        high: i64,
    },
    Quantity {
        low: Option<Decimal>,
        high: Option<Decimal>,
        system: Text<'a>,
        code: Text<'a>,
        unit: Text<'a>,
    },
    Reference(StoredReference<'a>),
    Uri(Text<'a>),
}

#[derive(Clone, Copy)]
pub(super) struct StoredReference<'a> {
    pub(super) rtype: Option<ResourceType>,
    /// Logical id; none unless the reference is to a record of this server.
    pub(super) id: Text<'a>,
    pub(super) version: Text<'a>,
    pub(super) url: Text<'a>,
    pub(super) identifier_system: Text<'a>,
    pub(super) identifier_value: Text<'a>,
    pub(super) display: Text<'a>,
}

/// The codings of an identifier's type: system and code.
#[derive(Clone, Copy)]
pub(super) struct Types<'a> {
    strings: &'a [u8],
    reader: Reader<'a>,
    left: u64,
}

impl<'a> Iterator for Types<'a> {
    type Item = (Text<'a>, Text<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((self.reader.text(self.strings)?, self.reader.text(self.strings)?))
    }
}

/// The values of one source, each with the number of the element that it comes from.
pub(super) struct Values<'a> {
    strings: &'a [u8],
    reader: Reader<'a>,
    source: Option<&'static Source>,
    only: Option<ResourceType>,
}

impl<'a> Iterator for Values<'a> {
    type Item = (u64, &'static Source, Stored<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let source = self.source?;
        loop {
            if self.reader.0.is_empty() {
                return None;
            }
            let group = if source.group == 0 { 0 } else { self.reader.varint()? };
            let value = self.reader.value(self.strings, source)?;
            match (self.only, &value) {
                (Some(only), Stored::Reference(reference)) if reference.rtype != Some(only) => {}
                _ => return Some((group, source, value)),
            }
        }
    }
}

pub(super) fn text_at(strings: &[u8], reference: u64) -> Option<Text<'_>> {
    if reference == 0 {
        return Some(Text::NONE);
    }
    if reference < WORDS_ROOM {
        let word = WORDS.get(usize::try_from(reference).ok()?.checked_sub(1)?)?;
        return Some(Text { raw: word.as_bytes(), folded: None });
    }
    let mut reader = Reader(strings.get(usize::try_from(reference - WORDS_ROOM).ok()?..)?);
    let head = reader.varint()?;
    let raw = reader.take(head >> 1)?;
    let folded = if head & 1 == 0 {
        None
    } else {
        let length = reader.varint()?;
        Some(reader.take(length)?)
    };
    Some(Text { raw, folded })
}

#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 128 {
            return Some(u64::from(first));
        }
        let mut value = u64::from(first & 127);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i128> {
        let mut value = 0u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 127) << shift;
            if byte < 128 {
                return Some((value >> 1) as i128 ^ -((value & 1) as i128));
            }
        }
        None
    }

    fn long(&mut self) -> Option<i64> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(i64::from_le_bytes(*bytes))
    }

    fn text(&mut self, strings: &'a [u8]) -> Option<Text<'a>> {
        let reference = self.varint()?;
        text_at(strings, reference)
    }

    fn text_if(&mut self, flag: bool, strings: &'a [u8]) -> Option<Text<'a>> {
        if flag { self.text(strings) } else { Some(Text::NONE) }
    }

    fn value(&mut self, strings: &'a [u8], source: &Source) -> Option<Stored<'a>> {
        Some(match source.value {
            Value::Token => {
                let (system, code, text) = (self.text(strings)?, self.text(strings)?, self.text(strings)?);
                let left = if source.data == Data::Identifier { self.varint()? } else { 0 };
                let types = Types { strings, reader: *self, left };
                for _ in 0..left.checked_mul(2)? {
                    self.varint()?;
                }
                Stored::Token { system, code, text, types }
            }
            Value::Text => Stored::Text(self.text(strings)?),
            Value::Date => self.date()?,
            Value::Number => {
                let (low, high) = self.interval()?;
                Stored::Quantity { low, high, system: Text::NONE, code: Text::NONE, unit: Text::NONE }
            }
            Value::Quantity => {
                let (low, high) = self.interval()?;
                Stored::Quantity {
                    low,
                    high,
                    system: self.text(strings)?,
                    code: self.text(strings)?,
                    unit: self.text(strings)?,
                }
            }
            Value::Reference => self.stored_reference(strings)?,
            Value::Uri => Stored::Uri(self.text(strings)?),
        })
    }

    fn date(&mut self) -> Option<Stored<'a>> {
        let flags = self.byte()?;
        let low = if flags & LOW_OPEN == 0 { self.long()? } else { i64::MIN };
        let high = match (flags & LOW_OPEN, flags & HIGH_OPEN) {
            (_, HIGH_OPEN) => i64::MAX,
            (0, _) => i64::try_from(i128::from(low).checked_add(self.zigzag()?)?).ok()?,
            _ => self.long()?,
        };
        Some(Stored::Date { low, high })
    }

    fn interval(&mut self) -> Option<(Option<Decimal>, Option<Decimal>)> {
        let flags = self.byte()?;
        let low = if flags & LOW_OPEN == 0 { Some(self.decimal()?) } else { None };
        let high = match flags & (TWO_ENDS | HIGH_OPEN) {
            TWO_ENDS => Some(self.decimal()?),
            0 if low.is_none() => Some(self.decimal()?),
            0 => low,
            _ => None,
        };
        Some((low, high))
    }

    fn decimal(&mut self) -> Option<Decimal> {
        let exponent = i16::try_from(self.zigzag()?).ok()?;
        Some(Decimal { mantissa: self.zigzag()?, exponent })
    }

    fn stored_reference(&mut self, strings: &'a [u8]) -> Option<Stored<'a>> {
        let flags = self.byte()?;
        let rtype = if flags & REF_TYPE == 0 { None } else { Some(ResourceType::from_code(self.byte()?)?) };
        let identified = flags & REF_IDENTIFIER != 0;
        Some(Stored::Reference(StoredReference {
            rtype,
            id: self.text_if(flags & REF_LOCAL != 0, strings)?,
            url: self.text_if(flags & REF_URL != 0, strings)?,
            version: self.text_if(flags & REF_VERSION != 0, strings)?,
            identifier_system: self.text_if(identified, strings)?,
            identifier_value: self.text_if(identified, strings)?,
            display: self.text_if(flags & REF_DISPLAY != 0, strings)?,
        }))
    }
}
