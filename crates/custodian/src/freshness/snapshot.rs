//! The map as sealed documents, so that a start replays what came after them and not the whole log.
//!
//! ```text
//! head   format 1, origin (u16 length, bytes), size u64, root[32], generation[16], map keys[32],
//!        compartments u32, records u64, chunks u32
//! body   for each compartment: mark u64, total u32 (number of a compartment; ff ff ff ff: is one; ff ff ff fe: shredded)
//!        for each record, by mark: mark u64, version << 1 | deleted u32, compartment u32
//! ```
//!
//! All numbers are big-endian. The body is cut into chunks of [`CHUNK`] bytes; chunk and generation are in a document's name, and
//! the name is bound to its seal. Sums are not stored: they follow from the records.
//!
//! A snapshot holds at least what the first `size` entries say. What it holds beyond that, later entries say again. It counts
//! only for the log whose first `size` entries have that root: with an older one more is replayed, and the map is the same.

use super::homes::{ENDED, NONE};
use super::{Freshness, Known, MapKeys, Mark, Newest, lock};
use aceso_audit::{LogReader, Origin, ProofError, tree_root};
use aceso_base::Randomness;
use std::sync::atomic::Ordering;

/// Bytes of the body in one document.
pub(crate) const CHUNK: usize = 1 << 20;

/// What a snapshot is of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SnapshotHead {
    origin: String,
    /// How many entries of the log are in it.
    pub(crate) size: u64,
    root: [u8; 32],
    /// Told apart by chance: chunks of two snapshots do not mix.
    generation: [u8; 16],
    keys: MapKeys,
    homes: u32,
    records: u64,
    /// How many documents the body is.
    pub(crate) chunks: u32,
}

const FORMAT: u8 = 1;
const HOME: usize = 12;
const RECORD: usize = 16;

impl Freshness {
    /// A copy of the map for the log as it is now. Locks one part after the other: writers hardly wait.
    ///
    /// # Errors
    /// [`ProofError`] when the log cannot be read.
    pub(crate) fn capture(
        &self,
        log: &dyn LogReader,
        origin: &Origin,
        rng: &dyn Randomness,
    ) -> Result<(SnapshotHead, Vec<u8>), ProofError> {
        // Before the copy: what is noted during it only makes the copy newer.
        let size = self.complete_to();
        let mut records: Vec<(Mark, Known)> = Vec::new();
        for shard in &self.shards {
            records.extend(lock(shard).iter().map(|(mark, known)| (*mark, *known)));
        }
        records.sort_unstable_by_key(|(mark, _)| *mark);
        // After the records: every compartment that they name is there.
        let homes = lock(&self.homes).list();
        let mut body = Vec::with_capacity(homes.len() * HOME + records.len() * RECORD);
        for (mark, total) in &homes {
            body.extend_from_slice(&mark.0.to_be_bytes());
            body.extend_from_slice(&total.to_be_bytes());
        }
        for (mark, known) in &records {
            body.extend_from_slice(&mark.0.to_be_bytes());
            body.extend_from_slice(&known.state.to_be_bytes());
            body.extend_from_slice(&known.home.to_be_bytes());
        }
        let mut generation = [0; 16];
        rng.fill(&mut generation);
        let head = SnapshotHead {
            origin: origin.as_str().to_owned(),
            size,
            root: tree_root(log, size)?,
            generation,
            keys: self.keys,
            homes: u32::try_from(homes.len()).unwrap_or(u32::MAX),
            records: records.len() as u64,
            chunks: u32::try_from(body.len().div_ceil(CHUNK)).unwrap_or(u32::MAX),
        };
        Ok((head, body))
    }

    /// The map of a snapshot; `None` when head and body do not fit each other.
    pub(crate) fn restore(head: &SnapshotHead, body: &[u8]) -> Option<Self> {
        let homes_end = usize::try_from(head.homes).ok()?.checked_mul(HOME)?;
        let (homes, records) = body.split_at_checked(homes_end)?;
        let (records, []) = records.as_chunks::<RECORD>() else { return None };
        if records.len() as u64 != head.records {
            return None;
        }
        let map = Self::with_keys(head.keys);
        {
            let mut into = lock(&map.homes);
            for home in homes.as_chunks::<HOME>().0 {
                let (mark, total) = home.split_first_chunk::<8>()?;
                let total = u32::from_be_bytes(total.try_into().ok()?);
                if total != NONE && total != ENDED && total >= head.homes {
                    return None;
                }
                into.push(Mark(u64::from_be_bytes(*mark)), total);
            }
            for record in records {
                let (mark, rest) = record.split_first_chunk::<8>()?;
                let (state, home) = rest.split_first_chunk::<4>()?;
                let mark = Mark(u64::from_be_bytes(*mark));
                let known =
                    Known { state: u32::from_be_bytes(*state), home: u32::from_be_bytes(home.try_into().ok()?) };
                if known.home >= head.homes {
                    return None;
                }
                let newest = Newest::unpacked(known.state);
                if !newest.deleted {
                    into.add(known.home, map.term(mark, newest.version));
                }
                map.shard(mark)?.insert(mark, known);
            }
        }
        map.seen.store(head.size, Ordering::Release);
        Some(map)
    }
}

impl SnapshotHead {
    /// Whether this is the log that the snapshot was made of, or one that goes on from it.
    pub(crate) fn is_of(&self, log: &dyn LogReader, origin: &Origin) -> bool {
        self.origin == origin.as_str() && tree_root(log, self.size).is_ok_and(|root| root == self.root)
    }

    /// The document that a chunk of the body is in.
    pub(crate) fn chunk_name(&self, number: u32) -> String {
        let generation: String = self.generation.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{generation}/{number:06}")
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        out.extend_from_slice(&u16::try_from(self.origin.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(self.origin.as_bytes());
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.root);
        out.extend_from_slice(&self.generation);
        out.extend_from_slice(&self.keys.0);
        out.extend_from_slice(&self.homes.to_be_bytes());
        out.extend_from_slice(&self.records.to_be_bytes());
        out.extend_from_slice(&self.chunks.to_be_bytes());
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[FORMAT], rest) = bytes.split_first_chunk::<1>()? else { return None };
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (origin, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (root, rest) = rest.split_first_chunk::<32>()?;
        let (generation, rest) = rest.split_first_chunk::<16>()?;
        let (keys, rest) = rest.split_first_chunk::<32>()?;
        let (homes, rest) = rest.split_first_chunk::<4>()?;
        let (records, rest) = rest.split_first_chunk::<8>()?;
        let (chunks, []) = rest.split_first_chunk::<4>()? else { return None };
        Some(Self {
            origin: std::str::from_utf8(origin).ok()?.to_owned(),
            size: u64::from_be_bytes(*size),
            root: *root,
            generation: *generation,
            keys: MapKeys(*keys),
            homes: u32::from_be_bytes(*homes),
            records: u64::from_be_bytes(*records),
            chunks: u32::from_be_bytes(*chunks),
        })
    }
}
