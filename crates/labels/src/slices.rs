//! Where the walk writes: text with markers, and the slices of each part.

use std::fmt;

use aceso_fhir::json::{self, Node};

use crate::DataClass;
use crate::marker::{GAP, GAP_MANY, GAP_ONE, MARK, VERSION, write_index};
use crate::wiped::Wiped;

/// JSON text with markers. Wiped when dropped.
pub(crate) struct Text {
    pub(crate) bytes: Wiped,
    /// No comma is due: at the start, after an opening bracket, after a marker.
    fresh: bool,
    /// The last thing written is a plain gap for this slice of this class, ending here.
    last_gap: Option<(DataClass, usize, usize)>,
}

impl Text {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Wiped::with_capacity(capacity), fresh: true, last_gap: None }
    }

    /// The comma before a member or an item, when one is due.
    pub(crate) fn separate(&mut self) {
        if !self.fresh {
            self.bytes.push(b',');
        }
        self.fresh = false;
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
    }

    /// A whole value as it was written, without white space.
    pub(crate) fn copy(&mut self, value: Node<'_>) {
        // It never becomes longer than it is.
        json::write(value, self.bytes.room_for(value.raw().len()));
    }

    pub(crate) fn open(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.fresh = true;
    }

    pub(crate) fn close(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.fresh = false;
    }

    /// A whole member, comma included. The key is raw, with its quotes.
    pub(crate) fn member(&mut self, key: &[u8], value: &[u8]) {
        self.key(key);
        self.push(value);
    }

    /// The start of a member, comma included. The key is raw, with its quotes.
    pub(crate) fn key(&mut self, key: &[u8]) {
        self.separate();
        self.push(key);
        self.bytes.push(b':');
    }

    pub(crate) fn mark(&mut self, marker: &[u8]) {
        self.push(marker);
        self.fresh = true;
    }

    /// Whether a gap of this class, for the slice after `slices` others, may share the slice of the one just written. Not
    /// when the slice being added has itself put one of the same class into the part, which then lies between them.
    fn continues(&self, class: DataClass, slices: usize) -> bool {
        self.last_gap == Some((class, slices, self.bytes.len()))
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// What stands in the place of a slice that may not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mask {
    /// Nothing.
    Drop,
    /// `_key` with the reason.
    One(&'static str),
    /// `_key` with an array of the reason.
    Many(&'static str),
}

/// The room that a part or a slice begins with: most are smaller, and a small allocation is a cheap one.
const ROOM: usize = 448;

#[derive(Default)]
struct Part {
    bytes: Wiped,
    ends: Vec<u32>,
    /// The last slice ends in a marker, so no comma is due after it.
    fresh: bool,
}

/// The parts as they grow, and spare buffers for slices that are being written.
pub(crate) struct Slices {
    parts: [Part; DataClass::COUNT],
    spare: Vec<Text>,
}

impl Slices {
    pub(crate) fn new() -> Self {
        Self { parts: Default::default(), spare: Vec::new() }
    }

    /// An empty buffer for one slice; give it back with [`Slices::put`].
    pub(crate) fn begin(&mut self) -> Text {
        self.spare.pop().unwrap_or_else(|| Text::with_capacity(ROOM))
    }

    /// Adds a slice to the part of its class and a gap to the text that it was cut from.
    pub(crate) fn put(&mut self, mut slice: Text, class: DataClass, mask: Mask, out: &mut Text) {
        let Some(part) = self.parts.get_mut(usize::from(class.code())) else { return };
        if part.bytes.is_empty() {
            part.bytes = Wiped::with_capacity(ROOM);
            part.bytes.push(VERSION);
        }
        // Neighbours of one class share a slice: a smaller record, and a redacted read cannot count what is masked.
        let joins = mask == Mask::Drop && out.continues(class, part.ends.len());
        if joins && !part.fresh && slice.bytes.first() != Some(&MARK) {
            part.bytes.push(b',');
        }
        part.bytes.extend_from_slice(&slice.bytes);
        part.fresh = slice.fresh;
        let end = u32::try_from(part.bytes.len() - 1).unwrap_or(u32::MAX);
        match part.ends.last_mut() {
            Some(last) if joins => *last = end,
            _ => {
                let index = u32::try_from(part.ends.len()).unwrap_or(u32::MAX);
                part.ends.push(end);
                gap(class, index, mask, out);
            }
        }
        slice.bytes.clear();
        slice.fresh = true;
        slice.last_gap = None;
        self.spare.push(slice);
    }

    /// The finished parts; empty where nothing was put.
    pub(crate) fn finish(self) -> [Wiped; DataClass::COUNT] {
        self.parts.map(|mut part| {
            for end in &part.ends {
                part.bytes.extend_from_slice(&end.to_le_bytes());
            }
            if !part.ends.is_empty() {
                let count = u32::try_from(part.ends.len()).unwrap_or(u32::MAX);
                part.bytes.extend_from_slice(&count.to_le_bytes());
            }
            part.bytes
        })
    }
}

fn gap(class: DataClass, index: u32, mask: Mask, out: &mut Text) {
    let (operation, key) = match mask {
        Mask::Drop => (GAP, None),
        Mask::One(key) => (GAP_ONE, Some(key)),
        Mask::Many(key) => (GAP_MANY, Some(key)),
    };
    out.mark(&[MARK, operation, class.code()]);
    write_index(index, out.bytes.room_for(5));
    if let Some(key) = key {
        // The longest element name of R4 has 36 bytes.
        out.bytes.push(u8::try_from(key.len()).unwrap_or(u8::MAX));
        out.push(key.as_bytes());
    }
    out.last_gap = (mask == Mask::Drop).then(|| (class, index as usize + 1, out.bytes.len()));
}
