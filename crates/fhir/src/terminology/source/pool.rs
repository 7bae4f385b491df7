//! The strings of a table, each once.

use std::collections::HashMap;

/// Strings and where they lie.
pub(super) struct Pool<'a> {
    bytes: Vec<u8>,
    // Only asked for a place, so its own order shows nowhere.
    places: HashMap<&'a str, usize>,
}

impl<'a> Pool<'a> {
    /// With the empty string at place 0.
    pub(super) fn new() -> Self {
        let mut pool = Self { bytes: Vec::new(), places: HashMap::new() };
        pool.put("");
        pool
    }

    /// The place of a string.
    pub(super) fn put(&mut self, text: &'a str) -> usize {
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        let place = self.bytes.len();
        let mut length = text.len();
        while length > 0x7f {
            self.bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        self.bytes.push(length as u8);
        self.bytes.extend_from_slice(text.as_bytes());
        self.places.insert(text, place);
        place
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
