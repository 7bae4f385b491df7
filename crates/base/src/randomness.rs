//! Randomness as a dependency, so that tests can plan it.

use crate::ids::Token16;

/// A source of bytes that nobody can predict.
pub trait Randomness: Send + Sync {
    /// Fills the buffer. An implementation that cannot, ends the process: there is no safe way on.
    fn fill(&self, out: &mut [u8]);

    /// A fresh 16-byte id.
    fn token16(&self) -> Token16 {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        Token16(bytes)
    }

    /// A fresh version 4 UUID in lower case (RFC 9562 section 5.4).
    fn uuid(&self) -> String {
        let mut bytes = self.token16().0;
        if let Some(byte) = bytes.get_mut(6) {
            *byte = (*byte & 0x0f) | 0x40;
        }
        if let Some(byte) = bytes.get_mut(8) {
            *byte = (*byte & 0x3f) | 0x80;
        }
        crate::ids::SubjectId(bytes).to_string()
    }
}
