//! Search values in memory and their stored form.
//!
//! Stored form, version 1: version byte, type code, length of the string area (varint), string area, entries to the
//! end. An entry is a source number of the type's table, a length (varint) and that many bytes of values; length 0
//! means that the element is there and has nothing to compare. Integers are LEB128 varints, signed ones zigzag.
//! A string reference is 0 (none), `1..112` (a word of [`super::words`]) or 112 + offset in the string area, where a
//! string is `length × 2 + f` (varint) and its UTF-8 bytes, followed when `f` is 1 (not ASCII) by its folded form as
//! length (varint) and bytes. Values begin with the number of their element (varint) where the source counts them.

use std::hash::{BuildHasher, RandomState};

use zeroize::Zeroize;

use crate::definitions::ResourceType;

use super::decimal::Decimal;
use super::fold::fold;
use super::known::Known;
use super::model::param;
use super::words::number_of;

/// Version of the stored form.
pub(super) const VERSION: u8 = 1;
/// References below this are words.
pub(super) const WORDS_ROOM: u64 = 112;

pub(super) const LOW_OPEN: u8 = 1;
pub(super) const HIGH_OPEN: u8 = 2;
pub(super) const TWO_ENDS: u8 = 4;

pub(super) const REF_LOCAL: u8 = 1;
pub(super) const REF_URL: u8 = 2;
pub(super) const REF_VERSION: u8 = 4;
pub(super) const REF_IDENTIFIER: u8 = 8;
pub(super) const REF_DISPLAY: u8 = 16;
pub(super) const REF_TYPE: u8 = 32;

/// The search values of one resource; overwritten with zeros on drop. Can be used again for the next resource.
#[derive(Default)]
pub struct SearchValues {
    rtype: Option<ResourceType>,
    strings: Vec<u8>,
    payload: Vec<u8>,
    runs: Vec<Run>,
    known: Known,
    hasher: RandomState,
}

/// One value, or the mere presence of an element (`start == end`).
struct Run {
    source: u8,
    start: u32,
    end: u32,
}

impl SearchValues {
    /// No values yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The type of the resource that the values are of; `None` before the first [`super::extract`].
    #[must_use]
    pub fn rtype(&self) -> Option<ResourceType> {
        self.rtype
    }

    /// Sets `_id` and `_lastUpdated` (milliseconds since 1970 UTC) to what the server gave the record, in place of
    /// what the text says. Call it after [`super::extract`].
    pub fn stamp(&mut self, id: &str, updated: i64) {
        let Some(rtype) = self.rtype else { return };
        let source = |code| param(rtype, code).and_then(|p| p.sources.first()).map(|s| s.source);
        if let Some(source) = source("_id") {
            self.runs.retain(|run| run.source != source);
            let start = self.begin();
            self.reference("");
            self.reference(id);
            self.reference("");
            self.end(source, start);
        }
        if let Some(source) = source("_lastUpdated") {
            self.runs.retain(|run| run.source != source);
            let start = self.begin();
            self.date(Some(updated), Some(updated));
            self.end(source, start);
        }
    }

    pub(super) fn clear(&mut self, rtype: ResourceType) {
        self.wipe();
        self.rtype = Some(rtype);
    }

    pub(super) fn begin(&self) -> usize {
        self.payload.len()
    }

    pub(super) fn end(&mut self, source: u8, start: usize) {
        let (start, end) = (start as u32, self.payload.len() as u32);
        self.runs.push(Run { source, start, end });
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.payload.push(byte);
    }

    pub(super) fn varint(&mut self, value: u64) {
        put_varint(&mut self.payload, value);
    }

    /// A string by reference; the empty string is "none".
    pub(super) fn reference(&mut self, text: &str) {
        let reference = self.intern(text);
        put_varint(&mut self.payload, reference);
    }

    pub(super) fn date(&mut self, low: Option<i64>, high: Option<i64>) {
        self.byte(u8::from(low.is_none()) * LOW_OPEN + u8::from(high.is_none()) * HIGH_OPEN);
        if let Some(low) = low {
            self.payload.extend_from_slice(&low.to_le_bytes());
        }
        match (low, high) {
            (Some(low), Some(high)) => put_zigzag(&mut self.payload, i128::from(high) - i128::from(low)),
            (None, Some(high)) => self.payload.extend_from_slice(&high.to_le_bytes()),
            _ => {}
        }
    }

    pub(super) fn interval(&mut self, low: Option<Decimal>, high: Option<Decimal>) {
        let two = matches!((low, high), (Some(low), Some(high)) if low != high);
        let open = u8::from(low.is_none()) * LOW_OPEN + u8::from(high.is_none()) * HIGH_OPEN;
        self.byte(open + u8::from(two) * TWO_ENDS);
        for end in [low, if two || low.is_none() { high } else { None }].into_iter().flatten() {
            put_zigzag(&mut self.payload, i128::from(end.exponent));
            put_zigzag(&mut self.payload, end.mantissa);
        }
    }

    fn intern(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(word) = number_of(text) {
            return word as u64 + 1;
        }
        let hash = self.hasher.hash_one(text);
        if let Some(reference) = self.known.find(hash, |reference| self.is_at(reference, text)) {
            return reference;
        }
        let reference = WORDS_ROOM + self.strings.len() as u64;
        let ascii = text.is_ascii();
        put_varint(&mut self.strings, (text.len() as u64) << 1 | u64::from(!ascii));
        self.strings.extend_from_slice(text.as_bytes());
        if !ascii {
            let mut folded = fold(text);
            put_varint(&mut self.strings, folded.len() as u64);
            self.strings.extend_from_slice(folded.as_bytes());
            folded.zeroize();
        }
        self.known.add(hash, reference);
        reference
    }

    fn is_at(&self, reference: u64, text: &str) -> bool {
        super::view::text_at(&self.strings, reference).is_some_and(|stored| stored.raw == text.as_bytes())
    }

    /// What was written only: beyond it nothing was since the last time.
    fn wipe(&mut self) {
        self.strings.as_mut_slice().zeroize();
        self.strings.clear();
        self.payload.as_mut_slice().zeroize();
        self.payload.clear();
        self.known.clear();
        self.runs.clear();
    }
}

impl Drop for SearchValues {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Appends the stored form (see the module's text) to `out`. Nothing is appended before the first extraction.
pub fn encode(values: &SearchValues, out: &mut Vec<u8>) {
    let Some(rtype) = values.rtype else { return };
    out.push(VERSION);
    out.push(rtype.code());
    put_varint(out, values.strings.len() as u64);
    out.extend_from_slice(&values.strings);
    let mut order: Vec<&Run> = values.runs.iter().collect();
    order.sort_by_key(|run| run.source);
    for runs in order.chunk_by(|a, b| a.source == b.source) {
        out.extend(runs.first().map(|run| run.source));
        put_varint(out, runs.iter().map(|run| u64::from(run.end - run.start)).sum());
        for run in runs {
            out.extend_from_slice(values.payload.get(run.start as usize..run.end as usize).unwrap_or_default());
        }
    }
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    put_wide(out, u128::from(value));
}

fn put_zigzag(out: &mut Vec<u8>, value: i128) {
    put_wide(out, ((value << 1) ^ (value >> 127)) as u128);
}

fn put_wide(out: &mut Vec<u8>, mut value: u128) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}
