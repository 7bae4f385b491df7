//! Inclusion and consistency proofs (RFC 9162 sections 2.1.3 and 2.1.4): made from stored tiles, checked from hashes alone.

use crate::reader::{LogReader, ReadError};
use crate::tiles::{subtree_root, tile_hashes};
use crate::tree::{Hash, empty_root, node_hash};

/// A proof was not made or does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// There is no such proof: the entry is not in a tree of this size, or the old tree is larger than the new one.
    #[error("no proof: the sizes do not fit")]
    Size,
    /// The proof has too few or too many hashes.
    #[error("the proof has the wrong length")]
    Length,
    /// The proof leads to another root.
    #[error("the proof does not lead to the root")]
    Root,
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The hashes that prove that entry `index` is in the tree of the first `size` entries.
///
/// # Errors
/// [`ProofError::Size`] unless `index < size <= log.size()`; [`ProofError::Read`].
pub fn inclusion_proof(log: &dyn LogReader, index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if index >= size || size > log.size()? {
        return Err(ProofError::Size);
    }
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, size);
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(range_root(log, middle, high)?);
            high = middle;
        } else {
            proof.push(range_root(log, low, middle)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that prove that the tree of the first `new` entries begins with that of the first `old`.
///
/// # Errors
/// [`ProofError::Size`] unless `old <= new <= log.size()`; [`ProofError::Read`].
pub fn consistency_proof(log: &dyn LogReader, old: u64, new: u64) -> Result<Vec<Hash>, ProofError> {
    if old > new || new > log.size()? {
        return Err(ProofError::Size);
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, new);
    while old < high {
        let middle = low + split(high - low);
        if old <= middle {
            proof.push(range_root(log, middle, high)?);
            high = middle;
        } else {
            proof.push(range_root(log, low, middle)?);
            low = middle;
        }
    }
    if low > 0 {
        proof.push(range_root(log, low, high)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root of the tree of the first `size` entries (RFC 9162 section 2.1.1), from stored tiles.
///
/// # Errors
/// [`ProofError::Size`] when the log is shorter; [`ProofError::Read`].
pub fn tree_root(log: &dyn LogReader, size: u64) -> Result<Hash, ProofError> {
    if size > log.size()? {
        return Err(ProofError::Size);
    }
    if size == 0 { Ok(empty_root()) } else { Ok(range_root(log, 0, size)?) }
}

/// Checks that the leaf with this hash is at `index` in the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`ProofError`] without [`ProofError::Read`].
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Size);
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            let skip = if node & 1 == 1 { 0 } else { node.trailing_zeros().min(63) };
            (node, last) = (node >> skip, last >> skip);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last == 0, hash == *root) {
        (false, _) => Err(ProofError::Length),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}

/// Checks that the tree of `new` leaves with `new_root` begins with that of `old` leaves with `old_root` (RFC 9162 section
/// 2.1.4.2). The empty tree begins every tree, with an empty proof.
///
/// # Errors
/// [`ProofError`] without [`ProofError::Read`].
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Size);
    }
    if old == new || old == 0 {
        let fits = if old == new { old_root == new_root } else { *old_root == empty_root() };
        return if !proof.is_empty() {
            Err(ProofError::Length)
        } else if fits {
            Ok(())
        } else {
            Err(ProofError::Root)
        };
    }
    let skip = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1).checked_shr(skip).unwrap_or(0), (new - 1).checked_shr(skip).unwrap_or(0));
    // A complete old tree is its own first node; the proof leaves it out.
    let whole = old.is_power_of_two().then_some(old_root);
    let mut hashes = whole.into_iter().chain(proof);
    let seed = *hashes.next().ok_or(ProofError::Length)?;
    let (mut old_hash, mut new_hash) = (seed, seed);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            let skip = if node & 1 == 1 { 0 } else { node.trailing_zeros().min(63) };
            (node, last) = (node >> skip, last >> skip);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last == 0, old_hash == *old_root && new_hash == *new_root) {
        (false, _) => Err(ProofError::Length),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}

/// The roots of the complete subtrees of the first `size` entries, largest first: a frontier.
pub(crate) fn subtree_nodes(log: &dyn LogReader, size: u64) -> Result<Vec<Hash>, ReadError> {
    let heights = (0..64).rev().filter(|height| size >> height & 1 == 1);
    heights.map(|height| node(log, height, (size >> height) - 1)).collect()
}

/// The largest power of two that is smaller than a length above one.
const fn split(length: u64) -> u64 {
    1 << (63 - (length - 1).leading_zeros())
}

/// The root over the entries from `low` to `high`, a range that RFC 9162's splitting makes: aligned to its own left part.
fn range_root(log: &dyn LogReader, low: u64, high: u64) -> Result<Hash, ReadError> {
    let length = high - low;
    if length.is_power_of_two() {
        return node(log, length.trailing_zeros(), low / length);
    }
    let middle = low + split(length);
    Ok(node_hash(&range_root(log, low, middle)?, &range_root(log, middle, high)?))
}

/// The root of a complete subtree: of height `height`, number `index` of its kind.
fn node(log: &dyn LogReader, height: u32, index: u64) -> Result<Hash, ReadError> {
    let (level, within) = ((height / 8) as u8, height % 8);
    let first = index << within;
    let offset = (first & 0xff) as u32;
    let hashes = tile_hashes(log, level, first >> 8, offset..offset + (1 << within))?;
    Ok(subtree_root(&hashes))
}
