//! C2SP tlog-tiles: the tree as files, 256 hashes wide, and the answers to requests for them.

use std::fmt;
use std::ops::Range;

use crate::reader::{LogReader, ReadError};
use crate::tree::{Frontier, Hash, leaf_hash};

/// How many hashes a full tile has, and how many entries a full bundle.
pub(crate) const TILE_WIDTH: u32 = 256;

/// Tile levels that a log of 2^64 entries can have.
const MAX_LEVEL: u8 = 7;

/// A hash tile that will never change again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FullTile {
    /// Tile level: 0 holds leaf hashes, level n the roots of full tiles of level n-1.
    pub level: u8,
    /// Number of the tile within its level.
    pub index: u64,
    /// 256 hashes, 8192 bytes.
    pub hashes: Vec<u8>,
}

/// The name of a tile or of an entry bundle: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TilePath {
    /// Level of a hash tile; `None` for an entry bundle.
    pub level: Option<u8>,
    /// Number within its level.
    pub index: u64,
    /// How many hashes or entries, 1 to 256; below 256 it is a partial tile.
    pub width: u32,
}

/// Why there is no tile to give.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// Not a path of the tlog-tiles layout.
    #[error("not a path of a tile, of an entry bundle or of the checkpoint")]
    Malformed,
    /// The published log does not reach that far.
    #[error("beyond the published log")]
    NotFound,
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Answers a request below `/audit/`: `checkpoint`, `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
///
/// Only what lies within `published_size` entries is served. Bundles hold commitments (16-bit length 32, then 32
/// bytes, each), so an answer tells nothing about anybody.
///
/// # Errors
/// [`TileError`].
pub fn serve_tile(log: &dyn LogReader, path: &str, published_size: u64) -> Result<Vec<u8>, TileError> {
    if path == "checkpoint" {
        return log.latest_checkpoint()?.ok_or(TileError::NotFound);
    }
    let tile = TilePath::parse(path).ok_or(TileError::Malformed)?;
    if !tile.is_within(published_size) || published_size > log.size()? {
        return Err(TileError::NotFound);
    }
    match tile.level {
        None => Ok(bundle(&log.commitments(tile.entries())?)),
        Some(level) => Ok(tile_hashes(log, level, tile.index, 0..tile.width)?.concat()),
    }
}

impl TilePath {
    /// Reads a path as the specification writes it; `None` for any other spelling.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = match kind {
            "entries" => None,
            digit => Some(digit.parse::<u8>().ok().filter(|level| *level <= MAX_LEVEL)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse::<u32>().ok().filter(|w| (1..TILE_WIDTH).contains(w))?),
            None => (rest, TILE_WIDTH),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { level, index, width };
        // One spelling per tile: signs, leading zeros and missing or surplus `x` groups are refused.
        (tile.to_string() == path).then_some(tile)
    }

    /// Every tile and bundle of a log of this size, bundles first, then levels from 0.
    pub(crate) fn all(size: u64) -> impl Iterator<Item = Self> {
        let kinds = std::iter::once(None).chain((0..=MAX_LEVEL).map(Some));
        kinds.flat_map(move |level| {
            let hashes = size.checked_shr(8 * u32::from(level.unwrap_or(0))).unwrap_or(0);
            (0..hashes.div_ceil(u64::from(TILE_WIDTH))).map(move |index| Self::at(level, index, hashes))
        })
    }

    /// The tile or bundle with this number in a level of this many hashes.
    pub(crate) fn at(level: Option<u8>, index: u64, hashes: u64) -> Self {
        let width = hashes.saturating_sub(index * u64::from(TILE_WIDTH)).min(u64::from(TILE_WIDTH));
        Self { level, index, width: width as u32 }
    }

    /// Whether a log of this size has it.
    pub(crate) fn is_within(self, size: u64) -> bool {
        let hashes = size >> (8 * u32::from(self.level.unwrap_or(0)));
        let end =
            self.index.checked_mul(u64::from(TILE_WIDTH)).and_then(|first| first.checked_add(u64::from(self.width)));
        end.is_some_and(|end| end <= hashes)
    }

    /// The hashes of its level that it holds; for a bundle and for level 0, the entries.
    pub(crate) fn entries(self) -> Range<u64> {
        let first = self.index * u64::from(TILE_WIDTH);
        first..first + u64::from(self.width)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            None => f.write_str("tile/entries/")?,
            Some(level) => write!(f, "tile/{level}/")?,
        }
        let mut scale = 1_u64;
        while self.index / scale >= 1000 {
            scale *= 1000;
        }
        while scale > 1 {
            write!(f, "x{:03}/", self.index / scale % 1000)?;
            scale /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Some of the hashes of a tile. A full tile comes from the store, a partial one is made from what is below it.
pub(crate) fn tile_hashes(
    log: &dyn LogReader,
    level: u8,
    index: u64,
    part: Range<u32>,
) -> Result<Vec<Hash>, ReadError> {
    if let Some(tile) = log.full_tile(level, index)? {
        let (hashes, rest) = tile.as_chunks::<32>();
        let whole = rest.is_empty() && hashes.len() == TILE_WIDTH as usize;
        let hashes = hashes.get(part.start as usize..part.end as usize).filter(|_| whole);
        return hashes.map(<[Hash]>::to_vec).ok_or_else(|| ReadError::corrupt("a stored tile is not 256 hashes long"));
    }
    let first = index * u64::from(TILE_WIDTH);
    let range = first + u64::from(part.start)..first + u64::from(part.end);
    if level == 0 {
        let commitments = log.commitments(range)?;
        return Ok(commitments.iter().map(|commitment| leaf_hash(commitment)).collect());
    }
    range
        .map(|below| {
            let tile =
                log.full_tile(level - 1, below)?.ok_or_else(|| ReadError::corrupt("a full tile is not stored"))?;
            tile_root(&tile).ok_or_else(|| ReadError::corrupt("a stored tile is not 256 hashes long"))
        })
        .collect()
}

/// The root of a full tile; `None` when it is not 256 hashes.
pub(crate) fn tile_root(tile: &[u8]) -> Option<Hash> {
    let (hashes, []) = tile.as_chunks::<32>() else { return None };
    (hashes.len() == TILE_WIDTH as usize).then(|| subtree_root(hashes))
}

/// The root over hashes that are nodes of one height.
pub(crate) fn subtree_root(hashes: &[Hash]) -> Hash {
    let mut tree = Frontier::default();
    hashes.iter().for_each(|hash| tree.push(*hash, |_, _| {}));
    tree.root()
}

/// An entry bundle: each entry with its 16-bit length before it (C2SP tlog-tiles, log entries).
pub(crate) fn bundle(commitments: &[Hash]) -> Vec<u8> {
    let mut out = Vec::with_capacity(commitments.len() * 34);
    for commitment in commitments {
        out.extend_from_slice(&32_u16.to_be_bytes());
        out.extend_from_slice(commitment);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spelled_as_in_the_specification() {
        let tile = |level, index, width| TilePath { level, index, width };
        for (text, path) in [
            ("tile/0/000", tile(Some(0), 0, 256)),
            ("tile/3/x001/x234/067", tile(Some(3), 1_234_067, 256)),
            ("tile/0/x001/x234/067.p/1", tile(Some(0), 1_234_067, 1)),
            ("tile/entries/000.p/255", tile(None, 0, 255)),
            ("tile/entries/x001/000", tile(None, 1000, 256)),
        ] {
            assert_eq!(path.to_string(), text);
            assert_eq!(TilePath::parse(text), Some(path));
        }
    }

    #[test]
    fn any_other_spelling_is_refused() {
        for text in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/8/000",
            "tile/00/000",
            "tile/+1/000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/+01",
            "tile/0/000/",
            "/tile/0/000",
            "tile/data/000",
            "tile/0/000.p/1/2",
            "tile/0/../../checkpoint",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(TilePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_log_of_70000_has_the_tiles_that_the_specification_counts() {
        let all: Vec<TilePath> = TilePath::all(70_000).collect();
        let count = |level, full: bool| all.iter().filter(|t| t.level == level && (t.width == 256) == full).count();
        let partial = |level| all.iter().find(|t| t.level == level && t.width < 256).unwrap().width;
        assert_eq!((count(Some(0), true), count(Some(0), false), partial(Some(0))), (273, 1, 112));
        assert_eq!((count(Some(1), true), count(Some(1), false), partial(Some(1))), (1, 1, 17));
        assert_eq!((count(Some(2), true), count(Some(2), false), partial(Some(2))), (0, 1, 1));
        assert_eq!((count(None, true), count(None, false)), (273, 1));
        assert_eq!(all.len(), 274 + 2 + 1 + 274);
    }
}
