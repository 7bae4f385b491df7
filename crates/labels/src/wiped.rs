//! Bytes of a record in memory.

use std::ops::{Deref, DerefMut};

/// Bytes that are overwritten with zeros when dropped, spare capacity included.
///
/// `zeroize::Zeroizing` writes every byte by a volatile store of its own, which took most of the time of a split; a fill
/// in front of the same crate's optimization barrier cannot be left out either and runs at the speed of memory.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
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
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_can_be_read_until_it_is_dropped() {
        let mut bytes = Wiped::with_capacity(8);
        bytes.extend_from_slice(b"1970");
        assert_eq!(bytes.as_slice(), b"1970");
    }
}
