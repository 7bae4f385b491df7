//! Small named byte strings with a revision: people, clients, connections, cursors of jobs. Whoever writes one seals it first.

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Grows with every write in the whole store and never repeats, also not for a document that was removed and made again.
    pub revision: u64,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A document as it shall be. To write only over a known revision, add [`crate::Precondition::DocumentRevision`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentWrite {
    /// The kind of document.
    pub space: String,
    /// Its name in the space.
    pub key: String,
    /// The new content; `None` removes the document.
    pub bytes: Option<Vec<u8>>,
}
