//! Bytes of a record in memory.

use std::ops::{Deref, DerefMut};

/// Bytes that are overwritten with zeros when dropped, spare capacity included, and when they outgrow their room: growing
/// copies into a larger room and wipes the old one, so that nothing is left behind.
///
/// `zeroize::Zeroizing` writes every byte by a volatile store of its own, which took most of the time of a split; a fill
/// in front of the same crate's optimization barrier cannot be left out either and runs at the speed of memory.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.room_for(1).push(byte);
    }

    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.room_for(bytes.len()).extend_from_slice(bytes);
    }

    /// The bytes with room for so many more, for somebody who appends to a `Vec`; more than that would grow it unwiped.
    pub(crate) fn room_for(&mut self, more: usize) -> &mut Vec<u8> {
        if self.0.capacity() - self.0.len() < more {
            self.grow(more);
        }
        &mut self.0
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let wanted = self.0.len().saturating_add(more).max(self.0.capacity().saturating_mul(2));
        let mut larger = Self::with_capacity(wanted);
        larger.0.extend_from_slice(&self.0);
        *self = larger;
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        zeroize::optimization_barrier(self.0.as_slice());
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_can_be_read_until_it_is_dropped() {
        let mut bytes = Wiped::with_capacity(2);
        bytes.extend_from_slice(b"19");
        let small = bytes.as_ptr();
        bytes.extend_from_slice(b"70");
        assert_ne!(bytes.as_ptr(), small, "another room: the old one is wiped and given back");
        bytes.push(b'-');
        assert_eq!(&*bytes, b"1970-");
        let room = bytes.room_for(100);
        assert!(room.capacity() - room.len() >= 100);
    }
}
