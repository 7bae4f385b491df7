//! Sealed search parts and keyed tokens.

use crate::record::{Head, RecordKey};
use aceso_base::{LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::{IndexToken, Sealed};

/// A live record with everything that leads to it: for a walk that checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRow {
    /// Where to go on after this row: the store's own number.
    pub number: u64,
    /// The record.
    pub key: RecordKey,
    /// Its current version.
    pub head: Head,
    /// The search part of that version; `None` when there is none or one of another version.
    pub search: Option<Sealed>,
    /// The tokens that the record says it has.
    pub tokens: Vec<IndexToken>,
    /// The further compartments that the record says it belongs to.
    pub links: Vec<SubjectId>,
    /// How many of these tokens and links lead to nothing: their rows are gone or name another compartment.
    pub lost: u32,
}

/// The sealed search part of a live record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRow {
    /// The resource type.
    pub rtype: ResourceType,
    /// The FHIR logical id.
    pub id: LogicalId,
    /// The home compartment: whose search key opens the part.
    pub subject: SubjectId,
    /// The version that the part describes.
    pub version: Version,
    /// When that version came into being.
    pub updated: Timestamp,
    /// Version of the home subject's key.
    pub subject_key_version: u32,
    /// The sealed search values.
    pub sealed: Sealed,
}

/// A [`SearchRow`] still in the store's own memory: valid during one visit.
#[derive(Clone, Copy, Debug)]
pub struct SearchRowRef<'a> {
    /// The resource type.
    pub rtype: ResourceType,
    /// The FHIR logical id.
    pub id: &'a str,
    /// The home compartment: whose search key opens the part. Differs from the scanned one for linked records.
    pub subject: SubjectId,
    /// The version that the part describes.
    pub version: Version,
    /// When that version came into being.
    pub updated: Timestamp,
    /// Version of the home subject's key.
    pub subject_key_version: u32,
    /// The sealed search values, as [`Sealed::as_bytes`] would give them.
    pub sealed: &'a [u8],
}

/// A live record that has one of the tokens asked for. Tokens may be truncated: check on the opened value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Candidate {
    /// The FHIR logical id.
    pub id: LogicalId,
    /// The home compartment.
    pub subject: SubjectId,
}

/// What the tokens led to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Candidates {
    /// Each record once, ordered by id.
    pub found: Vec<Candidate>,
    /// There were more than the limit: `found` is a part only, and the search must fail rather than answer.
    pub limit_hit: bool,
}

/// What one index gives away to a reader of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenStats {
    /// The first four bytes of the tokens: index and version.
    pub namespace: [u8; 4],
    /// Rows of this index.
    pub rows: u64,
    /// Different tokens among them.
    pub distinct: u64,
    /// Rows that share the most frequent token.
    pub largest: u64,
}

/// Stands for the state in which some tokens led to some records. See [`crate::Store::mark_of_tokens`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenMark(pub [u8; 16]);
