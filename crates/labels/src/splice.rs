//! Putting a resource together again from the parts that may be seen.

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

/// Appends the resource to `out`: everything whose part is given, masks for the rest.
///
/// # Errors
/// [`SpliceError`] when the bytes are not what [`crate::split`] made; `out` may then hold a beginning.
pub fn splice(
    structure: &[u8],
    parts: &[Option<&[u8]>; DataClass::COUNT],
    out: &mut Vec<u8>,
) -> Result<Shown, SpliceError> {
    let _ = (structure, parts, out);
    Err(SpliceError::Damaged)
}

/// The classes that the split resource has something of, read from its skeleton.
///
/// # Errors
/// [`SpliceError::UnknownFormat`], [`SpliceError::Damaged`] when the skeleton is too short.
pub fn classes_of(structure: &[u8]) -> Result<ClassSet, SpliceError> {
    let _ = structure;
    Err(SpliceError::Damaged)
}
