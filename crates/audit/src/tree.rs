//! The Merkle tree of RFC 9162 section 2.1 (the same as RFC 6962): SHA-256, leaves under 0x00, nodes under 0x01.

use aws_lc_rs::digest::{self, SHA256};

use crate::tiles::{FullTile, TILE_WIDTH};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The root of the tree without leaves: the hash of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The hash of a leaf with this data.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    if let Ok(commitment) = <&Hash>::try_from(data) {
        let mut input = [0_u8; 33];
        input.last_chunk_mut::<32>().into_iter().for_each(|part| *part = *commitment);
        return sha256(&input);
    }
    let mut input = Vec::with_capacity(data.len() + 1);
    input.push(0);
    input.extend_from_slice(data);
    sha256(&input)
}

/// The hash of a node with these children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [1_u8; 65];
    if let Some((_, children)) = input.split_first_mut()
        && let Some((first, second)) = children.split_at_mut_checked(32)
    {
        first.copy_from_slice(left);
        second.copy_from_slice(right);
    }
    sha256(&input)
}

/// The SHA-256 value of some bytes (FIPS 180-4).
#[must_use]
pub fn sha256(data: &[u8]) -> Hash {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&SHA256, data).as_ref());
    out
}

/// The roots of the complete subtrees that make up a tree of some size, largest first: enough to append and to tell the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// A frontier from its parts; `None` when the number of nodes is not that of this size.
    pub(crate) fn from_parts(size: u64, nodes: Vec<Hash>) -> Option<Self> {
        (nodes.len() == size.count_ones() as usize).then_some(Self { size, nodes })
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Appends a leaf; tells every node that it completes, from height 1 up.
    pub(crate) fn push(&mut self, leaf: Hash, mut completed: impl FnMut(u32, &Hash)) {
        self.size = self.size.saturating_add(1);
        let mut hash = leaf;
        for height in 1..=self.size.trailing_zeros() {
            // The node is there: a size with n trailing zeros has just closed n subtrees.
            let Some(left) = self.nodes.pop() else { break };
            hash = node_hash(&left, &hash);
            completed(height, &hash);
        }
        self.nodes.push(hash);
    }

    pub(crate) fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        let Some(&smallest) = nodes.next() else { return empty_root() };
        nodes.fold(smallest, |right, left| node_hash(left, &right))
    }
}

/// A frontier with the hashes of every tile that is not yet full, so that full tiles fall out while leaves come in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TiledTree {
    frontier: Frontier,
    /// Per tile level, the hashes of its last, partial tile.
    partial: Vec<Vec<Hash>>,
}

/// What is needed to take back what was appended since.
pub(crate) struct Mark {
    frontier: Frontier,
    widths: Vec<usize>,
}

impl TiledTree {
    /// A tree from its frontier and partial tiles; `None` when they do not belong together.
    pub(crate) fn from_parts(frontier: Frontier, partial: Vec<Vec<Hash>>) -> Option<Self> {
        let mut nodes = Vec::new();
        for (level, hashes) in partial.iter().enumerate().rev() {
            let expected = (frontier.size >> (8 * level as u32)) % u64::from(TILE_WIDTH);
            if hashes.len() as u64 != expected {
                return None;
            }
            let mut part = Frontier::default();
            hashes.iter().for_each(|hash| part.push(*hash, |_, _| {}));
            nodes.extend(part.nodes);
        }
        (nodes == frontier.nodes).then_some(Self { frontier, partial })
    }

    pub(crate) const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { frontier: self.frontier.clone(), widths: self.partial.iter().map(Vec::len).collect() }
    }

    /// Appends a leaf; tiles that it fills go to `full`.
    pub(crate) fn push(&mut self, leaf: Hash, full: &mut Vec<FullTile>) {
        let Self { frontier, partial } = self;
        let mut add = |level: usize, hash: Hash| {
            if partial.len() <= level {
                partial.push(Vec::with_capacity(TILE_WIDTH as usize));
            }
            if let Some(hashes) = partial.get_mut(level) {
                hashes.push(hash);
            }
        };
        add(0, leaf);
        frontier.push(leaf, |height, hash| {
            if height % 8 == 0 {
                add(height as usize / 8, *hash);
            }
        });
        let size = self.frontier.size;
        for (level, hashes) in self.partial.iter_mut().enumerate() {
            if hashes.len() < TILE_WIDTH as usize {
                break;
            }
            let index = (size >> (8 * (level as u32 + 1))).saturating_sub(1);
            full.push(FullTile { level: level as u8, index, hashes: hashes.concat() });
            hashes.clear();
        }
    }

    /// Takes back everything since the mark; `full` are the tiles that were filled since.
    pub(crate) fn roll_back(&mut self, mark: Mark, full: &[FullTile]) {
        self.frontier = mark.frontier;
        self.partial.truncate(mark.widths.len());
        for (level, (hashes, width)) in self.partial.iter_mut().zip(mark.widths).enumerate() {
            if let Some(tile) = full.iter().find(|tile| usize::from(tile.level) == level) {
                hashes.clear();
                hashes.extend(tile.hashes.as_chunks::<32>().0);
            }
            hashes.truncate(width);
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// Inputs and roots of the reference implementation of RFC 6962 (certificate-transparency `merkle_tree_test`).
    const INPUTS: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_reference_implementation() {
        assert_eq!(HEXLOWER.encode(&empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let mut tree = Frontier::default();
        assert_eq!(tree.root(), empty_root());
        for (input, root) in INPUTS.iter().zip(ROOTS) {
            tree.push(leaf_hash(&HEXLOWER.decode(input.as_bytes()).unwrap()), |_, _| {});
            assert_eq!(HEXLOWER.encode(&tree.root()), root);
        }
    }

    #[test]
    fn the_empty_leaf_and_a_node_have_their_known_hashes() {
        assert_eq!(
            HEXLOWER.encode(&leaf_hash(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            HEXLOWER.encode(&leaf_hash(b"L123456")),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
        );
        assert_eq!(leaf_hash(&[7; 32]), sha256(&[&[0_u8][..], &[7; 32]].concat()));
    }

    #[test]
    fn a_tree_comes_back_as_it_was_when_a_batch_is_taken_back() {
        let leaf = |n: u32| leaf_hash(&n.to_be_bytes());
        for (before, batch) in [(0, 1), (0, 300), (255, 1), (255, 2), (256, 600), (65_535, 1), (65_500, 700)] {
            let mut tree = TiledTree::default();
            (0..before).for_each(|n| tree.push(leaf(n), &mut Vec::new()));
            let (was, mark, mut full) = (tree.clone(), tree.mark(), Vec::new());
            (before..before + batch).for_each(|n| tree.push(leaf(n), &mut full));
            assert_ne!(tree, was);
            tree.roll_back(mark, &full);
            assert_eq!(tree, was);
        }
    }
}
