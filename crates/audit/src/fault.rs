//! What is wrong with an exported log, and where.

use std::fmt;

use crate::note::NoteError;

/// What happened to the log, as far as it shows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// Something was written over.
    Changed,
    /// Something is missing while what comes after it is there.
    Removed,
    /// Something stands where something else belongs, which is there too.
    Reordered,
    /// Something is there that belongs to no entry of the log.
    Added,
    /// The end is missing.
    CutOff,
    /// The checkpoint is by another key or of another log.
    WrongKey,
    /// The checkpoint's signature does not fit its text.
    BadSignature,
    /// The log is signed and whole, but it is not a continuation of the kept checkpoint: its past was rewritten.
    Fork,
    /// A file cannot be read.
    Unreadable,
}

impl FaultKind {
    /// The kind as a short name for scripts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Reordered => "reordered",
            Self::Added => "added",
            Self::CutOff => "cut-off",
            Self::WrongKey => "wrong-key",
            Self::BadSignature => "bad-signature",
            Self::Fork => "fork",
            Self::Unreadable => "unreadable",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Changed => "was changed",
            Self::Removed => "was removed",
            Self::Reordered => "is out of order",
            Self::Added => "was added",
            Self::CutOff => "is missing: the log was cut off",
            Self::WrongKey => "is not by this key",
            Self::BadSignature => "has a signature that does not verify",
            Self::Fork => "is not a continuation of the kept checkpoint: the past was rewritten",
            Self::Unreadable => "cannot be read",
        }
    }
}

impl From<NoteError> for FaultKind {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Origin | NoteError::Key | NoteError::Malformed => Self::Changed,
            NoteError::WrongKey => Self::WrongKey,
            NoteError::BadSignature => Self::BadSignature,
        }
    }
}

/// The first thing that is wrong with an exported log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The file, relative to the directory; `kept checkpoint` for the one that the verifier was given.
    pub file: String,
    /// The index of the first entry concerned, when it can be told.
    pub entry: Option<u64>,
    /// What happened to it.
    pub kind: FaultKind,
}

impl Fault {
    pub(crate) fn new(file: impl fmt::Display, entry: impl Into<Option<u64>>, kind: FaultKind) -> Self {
        Self { file: file.to_string(), entry: entry.into(), kind }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "{}, entry {entry}: {}", self.file, self.kind.sentence()),
            None => write!(f, "{}: {}", self.file, self.kind.sentence()),
        }
    }
}

impl std::error::Error for Fault {}
