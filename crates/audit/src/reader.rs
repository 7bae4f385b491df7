//! What a store has to tell about a stored log, and reading entries back from it.

use std::ops::Range;

use aceso_base::Timestamp;

use crate::encoding::DecodeError;
use crate::entry::Entry;
use crate::keys::{BodyPlace, LogKeys, commitment};
use crate::note::Origin;
use crate::proof::subtree_nodes;
use crate::tree::{Frontier, Hash, leaf_hash};

/// The store could not answer.
#[derive(Debug, thiserror::Error)]
#[error("the audit log could not be read: {what}")]
pub struct ReadError {
    what: &'static str,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ReadError {
    /// The store failed, with its own error.
    #[must_use]
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { what: "the store failed", source: Some(source.into()) }
    }

    /// The store answered with something that cannot be.
    #[must_use]
    pub const fn corrupt(what: &'static str) -> Self {
        Self { what, source: None }
    }
}

/// The sealed entries of one frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedBatch {
    /// Index of the first entry.
    pub first: u64,
    /// How many entries.
    pub count: u32,
    /// [`Frame::body`](crate::Frame::body).
    pub body: Vec<u8>,
}

/// A stored log. Implemented by stores; blocking.
pub trait LogReader {
    /// How many entries are stored.
    ///
    /// # Errors
    /// [`ReadError`].
    fn size(&self) -> Result<u64, ReadError>;

    /// The checkpoint of the last frame; `None` before the first.
    ///
    /// # Errors
    /// [`ReadError`].
    fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, ReadError>;

    /// The commitments of these entries, in order, all of them.
    ///
    /// # Errors
    /// [`ReadError`], also when one is missing.
    fn commitments(&self, range: Range<u64>) -> Result<Vec<Hash>, ReadError>;

    /// The 8192 bytes of a full tile as [`Frame::tiles`](crate::Frame::tiles) had it; `None` when that tile is not full.
    ///
    /// # Errors
    /// [`ReadError`].
    fn full_tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, ReadError>;

    /// Every batch that has an entry of the range, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    fn bodies(&self, range: Range<u64>) -> Result<Vec<SealedBatch>, ReadError>;
}

/// An entry as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedEntry {
    /// Its index, from 0.
    pub index: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// What it says.
    pub entry: Entry,
    /// Its salt: with it and [`LoggedEntry::canonical`], anybody can compute the commitment.
    pub salt: Hash,
    /// Its canonical bytes.
    pub canonical: Vec<u8>,
}

/// Entries could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadEntriesError {
    /// The store failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] crate::keys::SecretBytesError),
    /// The range ends beyond the log.
    #[error("the audit log has only {size} entries")]
    Range {
        /// How many it has.
        size: u64,
    },
    /// Batches are missing, overlap or are out of order.
    #[error("the batch with entry {index} is missing or out of order")]
    Gap {
        /// The first entry without a batch.
        index: u64,
    },
    /// A batch does not open: changed, moved, or sealed with other keys.
    #[error("the batch from entry {first} on does not open")]
    Body {
        /// Its first entry.
        first: u64,
    },
    /// An entry opened but is not canonical.
    #[error("entry {index}: {source}")]
    Decode {
        /// Its index.
        index: u64,
        /// The field.
        source: DecodeError,
    },
    /// An entry opened but is not the one that the tree commits to.
    #[error("entry {index} is not the one that the log commits to")]
    Commitment {
        /// Its index.
        index: u64,
    },
}

/// Opens the entries of a range and checks each against its commitment.
///
/// # Errors
/// [`ReadEntriesError`] names the first entry or batch that is not as it should be.
pub fn read_entries(
    log: &dyn LogReader,
    keys: &LogKeys,
    origin: &Origin,
    range: Range<u64>,
) -> Result<Vec<LoggedEntry>, ReadEntriesError> {
    let size = log.size()?;
    if range.end > size {
        return Err(ReadEntriesError::Range { size });
    }
    if range.is_empty() {
        return Ok(Vec::new());
    }
    let mut keys = keys.entry_keys();
    let batches = log.bodies(range.clone())?;
    let mut next = batches.first().map_or(range.start, |batch| batch.first);
    if next > range.start {
        return Err(ReadEntriesError::Gap { index: range.start });
    }
    let mut frontier = Frontier::from_parts(next, subtree_nodes(log, next)?)
        .ok_or_else(|| ReadError::corrupt("the stored tree has another size"))?;
    let mut out = Vec::with_capacity(usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default());
    let mut scratch = Vec::new();
    for SealedBatch { first, count, body } in batches {
        if first != next || count == 0 {
            return Err(ReadEntriesError::Gap { index: next });
        }
        next = first.saturating_add(u64::from(count));
        let place = BodyPlace { origin, first, count, previous_root: &frontier.root() };
        let clear = keys.open(&place, &body).map_err(|_| ReadEntriesError::Body { first })?;
        let stored = log.commitments(first..next)?;
        let mut rest = clear.as_slice();
        for (index, expected) in (first..next).zip(&stored) {
            let (canonical, after) = split_entry(rest).ok_or(ReadEntriesError::Body { first })?;
            rest = after;
            let salt = keys.salt(index);
            if commitment(&salt, canonical, &mut scratch) != *expected {
                return Err(ReadEntriesError::Commitment { index });
            }
            frontier.push(leaf_hash(expected), |_, _| {});
            if range.contains(&index) {
                let (time, entry) =
                    Entry::decode(canonical).map_err(|source| ReadEntriesError::Decode { index, source })?;
                out.push(LoggedEntry { index, time, entry, salt, canonical: canonical.to_vec() });
            }
        }
        if !rest.is_empty() || stored.len() != count as usize {
            return Err(ReadEntriesError::Body { first });
        }
    }
    if next < range.end { Err(ReadEntriesError::Gap { index: next }) } else { Ok(out) }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}
