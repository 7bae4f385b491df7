//! Checking an exported log from nothing but its files and a public key.
//!
//! Three files tell of every entry: its line under `entries/`, its bundle, and the tile with its leaf hash. The tree over them
//! must have the signed root. Where one of the three disagrees, the other two say which one, so the fault has a name.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aceso_base::Timestamp;
use data_encoding::{BASE64, HEXLOWER};

use crate::entry::Entry;
use crate::export::{ENTRIES_PER_FILE, Line, entries_file, line};
use crate::fault::{Fault, FaultKind};
use crate::keys::commitment;
use crate::note::{Checkpoint, VerifyingKey};
use crate::tiles::{TILE_WIDTH, TilePath};
use crate::tree::{Frontier, Hash, empty_root, leaf_hash};

/// What a log that verifies holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verified {
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Checks an exported directory: the signature on its checkpoint, every tile, bundle and entry, that entries for people say
/// what the committed bytes say, that nothing is there that the log does not account for, and, against a `kept` checkpoint
/// (a signed note from an earlier export, witness or answer), that the log still begins with what was signed then.
///
/// Without a kept checkpoint an older, complete state of the same log verifies: nothing inside can tell.
/// `progress` hears how many of how many entries are checked. Memory: one file of entries at a time.
///
/// # Errors
/// The first [`Fault`]: head, kept checkpoint, then entry by entry, then the whole.
pub fn verify(
    directory: &Path,
    key: &VerifyingKey,
    kept: Option<&[u8]>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, Fault> {
    let files = Files(directory.to_owned());
    if exported_key(directory)? != *key {
        return Err(Fault::new("key", None, FaultKind::WrongKey));
    }
    let note = files.read("checkpoint")?.ok_or_else(|| Fault::new("checkpoint", None, FaultKind::Removed))?;
    let head = Checkpoint::open(&note, key).map_err(|error| Fault::new("checkpoint", None, error.into()))?;
    let kept = kept.map(|note| open_kept(note, key, &head)).transpose()?;
    let mut walk = Walk { files, size: head.size, tree: Frontier::default(), kept, forked: false, upper: Vec::new() };
    walk.compare_kept();
    while walk.tree.size() < head.size {
        progress(walk.tree.size(), head.size);
        walk.check_file()?;
    }
    let root = walk.tree.root();
    if root != head.root {
        // Lines, bundles and tiles agree with each other, but not with what was signed.
        return Err(Fault::new("checkpoint", None, FaultKind::Changed));
    }
    if walk.forked {
        return Err(Fault::new("checkpoint", None, FaultKind::Fork));
    }
    walk.files.check_nothing_else(head.size)?;
    progress(head.size, head.size);
    Ok(Verified { size: head.size, root })
}

/// The public key that an export carries. It proves nothing by itself: compare it with the key you were given.
///
/// # Errors
/// A [`Fault`] of the file `key`.
pub fn exported_key(directory: &Path) -> Result<VerifyingKey, Fault> {
    let text = Files(directory.to_owned()).read("key")?;
    let text = text.ok_or_else(|| Fault::new("key", None, FaultKind::Removed))?;
    let parsed = std::str::from_utf8(&text).ok().and_then(|text| VerifyingKey::parse(text).ok());
    parsed
        .filter(|key| format!("{key}\n").as_bytes() == text)
        .ok_or_else(|| Fault::new("key", None, FaultKind::Changed))
}

/// Visits the entries of an exported directory from the first to the last of `size`. Checks nothing but their form: [`verify`] first.
///
/// # Errors
/// [`Fault`] names the first line that cannot be read.
pub fn each_exported(directory: &Path, size: u64, visit: &mut dyn FnMut(u64, Timestamp, &Entry)) -> Result<(), Fault> {
    let files = Files(directory.to_owned());
    let mut at = 0;
    while at < size {
        let name = entries_file(at);
        let bytes = files.read(&name)?.ok_or_else(|| Fault::new(&name, at, FaultKind::Removed))?;
        for bytes in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = serde_json::from_slice::<Line<'_>>(bytes).ok().filter(|line| line.index == at);
            let entry = line.as_ref().and_then(open_line).and_then(|(_, canonical)| Entry::decode(&canonical).ok());
            let (time, entry) = entry.ok_or_else(|| Fault::new(&name, at, FaultKind::Changed))?;
            visit(at, time, &entry);
            at += 1;
        }
        if at < size && !at.is_multiple_of(ENTRIES_PER_FILE) {
            return Err(Fault::new(&name, at, FaultKind::CutOff));
        }
    }
    Ok(())
}

fn open_kept(note: &[u8], key: &VerifyingKey, head: &Checkpoint) -> Result<Checkpoint, Fault> {
    let kept = Checkpoint::open(note, key).map_err(|error| Fault::new("kept checkpoint", None, error.into()))?;
    if kept.size > head.size {
        return Err(Fault::new("checkpoint", head.size, FaultKind::CutOff));
    }
    Ok(kept)
}

struct Walk {
    files: Files,
    /// How many entries the signed head counts.
    size: u64,
    /// The tree over what has been checked.
    tree: Frontier,
    kept: Option<Checkpoint>,
    forked: bool,
    /// Per tile level from 1, the number of the tile that was read last and its hashes.
    upper: Vec<Option<(u64, Vec<Hash>)>>,
}

impl Walk {
    /// Checks one file of entries with its bundles and tiles.
    fn check_file(&mut self) -> Result<(), Fault> {
        let first = self.tree.size();
        let end = self.size.min(first + ENTRIES_PER_FILE);
        let name = entries_file(first);
        let bytes = self.files.read(&name)?.ok_or_else(|| {
            let later = (first..self.size).step_by(ENTRIES_PER_FILE as usize).skip(1);
            Fault::new(&name, first, self.files.lost(later.map(entries_file)))
        })?;
        let lines = Lines::read(&name, first, end, self.size, &bytes)?;
        for bundle in first / u64::from(TILE_WIDTH)..end.div_ceil(u64::from(TILE_WIDTH)) {
            self.check_bundle(&lines, bundle)?;
        }
        Ok(())
    }

    /// Checks one bundle and its leaf tile against each other and the lines.
    fn check_bundle(&mut self, lines: &Lines<'_>, index: u64) -> Result<(), Fault> {
        let bundle = self.read_hashes(TilePath::at(None, index, self.size))?;
        let tile = self.read_hashes(TilePath::at(Some(0), index, self.size))?;
        for (at, (committed, leaf)) in (index * u64::from(TILE_WIDTH)..).zip(bundle.hashes.iter().zip(&tile.hashes)) {
            let line = lines.check(at)?;
            let computed = leaf_hash(committed);
            if line.commitment != *committed || computed != *leaf {
                return Err(blame(at, &line, lines, &bundle, &tile));
            }
            if !line.spelled_right {
                return Err(Fault::new(&lines.name, at, FaultKind::Changed));
            }
            self.push(at, computed)?;
        }
        Ok(())
    }

    /// Adds a checked leaf; the nodes that it completes must stand in the upper tiles.
    fn push(&mut self, at: u64, leaf: Hash) -> Result<(), Fault> {
        let mut completed = Vec::new();
        self.tree.push(leaf, |height, hash| {
            if height % 8 == 0 {
                completed.push(((height / 8) as u8, *hash));
            }
        });
        for (level, hash) in completed {
            self.check_node(at, level, hash)?;
        }
        self.compare_kept();
        Ok(())
    }

    /// Compares the root of a full tile with the hash that stands for it one level up.
    fn check_node(&mut self, at: u64, level: u8, hash: Hash) -> Result<(), Fault> {
        let slot = usize::from(level) - 1;
        let node = (self.tree.size() >> (8 * u32::from(level))) - 1;
        let (tile, offset) = (node / u64::from(TILE_WIDTH), (node % u64::from(TILE_WIDTH)) as usize);
        let path = TilePath::at(Some(level), tile, self.size >> (8 * u32::from(level)));
        let below = u64::from(TILE_WIDTH).pow(u32::from(level));
        let first = at + 1 - below;
        while self.upper.len() <= slot {
            self.upper.push(None);
        }
        let current = self.upper.get(slot).and_then(Option::as_ref).is_some_and(|(number, _)| *number == tile);
        if !current {
            let read = self.read_hashes(path)?.hashes;
            if let Some(place) = self.upper.get_mut(slot) {
                *place = Some((tile, read));
            }
        }
        let hashes = self.upper.get(slot).and_then(Option::as_ref).map(|(_, hashes)| hashes);
        match hashes.and_then(|hashes| hashes.get(offset)) {
            Some(found) if *found == hash => Ok(()),
            _ => Err(Fault::new(path, first, FaultKind::Changed)),
        }
    }

    /// Whether the log, at the size of the kept checkpoint, has its root. Told at the end: a changed file is found first.
    fn compare_kept(&mut self) {
        if let Some(kept) = &self.kept
            && kept.size == self.tree.size()
        {
            self.forked = kept.root != if kept.size == 0 { empty_root() } else { self.tree.root() };
        }
    }

    /// Reads a tile or bundle, which must have exactly as many hashes as its name says.
    fn read_hashes(&self, path: TilePath) -> Result<HashFile, Fault> {
        let entry = |at: u64| at << (8 * u32::from(path.level.unwrap_or(0)));
        let first = path.entries().start;
        let name = path.to_string();
        let bytes = self.files.read(&name)?.ok_or_else(|| {
            let all = self.size >> (8 * u32::from(path.level.unwrap_or(0)));
            let later = path.index + 1..all.div_ceil(u64::from(TILE_WIDTH));
            let later = later.map(|index| TilePath::at(path.level, index, all).to_string());
            Fault::new(&name, entry(first), self.files.lost(later))
        })?;
        let (hashes, rest) = if path.level.is_none() { split_bundle(&bytes) } else { split_tile(&bytes) };
        let wanted = path.width as usize;
        if hashes.len() == wanted && rest.is_empty() {
            return Ok(HashFile { name, hashes });
        }
        let whole = rest.is_empty();
        let kind = match hashes.len() {
            n if n < wanted && whole && path.entries().end == self.size => FaultKind::CutOff,
            n if n < wanted && whole => FaultKind::Removed,
            n if n >= wanted => FaultKind::Added,
            _ => FaultKind::Changed,
        };
        Err(Fault::new(&name, entry(first + hashes.len().min(wanted) as u64), kind))
    }
}

/// A tile or bundle as read.
struct HashFile {
    name: String,
    hashes: Vec<Hash>,
}

fn split_tile(bytes: &[u8]) -> (Vec<Hash>, &[u8]) {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (hashes.to_vec(), rest)
}

fn split_bundle(bytes: &[u8]) -> (Vec<Hash>, &[u8]) {
    let (mut hashes, mut rest) = (Vec::with_capacity(TILE_WIDTH as usize), bytes);
    while let Some((length, after)) = rest.split_first_chunk::<2>()
        && u16::from_be_bytes(*length) == 32
        && let Some((hash, after)) = after.split_first_chunk::<32>()
    {
        hashes.push(*hash);
        rest = after;
    }
    (hashes, rest)
}

/// Which of the three files of an entry is the wrong one, and how.
fn blame(at: u64, line: &CheckedLine, lines: &Lines<'_>, bundle: &HashFile, tile: &HashFile) -> Fault {
    let offset = (at % u64::from(TILE_WIDTH)) as usize;
    let (Some(committed), Some(leaf)) = (bundle.hashes.get(offset), tile.hashes.get(offset)) else {
        return Fault::new(&bundle.name, at, FaultKind::Changed);
    };
    let own = leaf_hash(&line.commitment);
    let leaves = || bundle.hashes.iter().map(|hash| leaf_hash(hash)).collect::<HashSet<_>>();
    if line.commitment == *committed {
        let here = tile.hashes.contains(&own);
        return Fault::new(&tile.name, at, displaced(here, || leaves().contains(leaf)));
    }
    if own == *leaf {
        let here = bundle.hashes.contains(&line.commitment);
        return Fault::new(&bundle.name, at, displaced(here, || lines.commitments().any(|hash| hash == *committed)));
    }
    if leaf_hash(committed) == *leaf {
        let here = lines.commitments().any(|hash| hash == *committed);
        return Fault::new(&lines.name, at, displaced(here, || bundle.hashes.contains(&line.commitment)));
    }
    Fault::new(&lines.name, at, FaultKind::Changed)
}

/// Why a file has another value here than expected: the expected one is elsewhere in the file; or what is found belongs
/// elsewhere, so the expected one was taken out; or neither.
fn displaced(expected_elsewhere: bool, found_belongs_elsewhere: impl FnOnce() -> bool) -> FaultKind {
    if expected_elsewhere {
        FaultKind::Reordered
    } else if found_belongs_elsewhere() {
        FaultKind::Removed
    } else {
        FaultKind::Changed
    }
}

/// The lines of one file under `entries/`.
struct Lines<'a> {
    name: String,
    first: u64,
    lines: Vec<&'a [u8]>,
    /// Whether the log goes on after this file.
    more: bool,
}

/// A line whose salt and bytes make this commitment.
struct CheckedLine {
    commitment: Hash,
    /// Whether the line is, byte for byte, what an export writes for its salt and bytes.
    spelled_right: bool,
}

impl<'a> Lines<'a> {
    fn read(name: &str, first: u64, end: u64, size: u64, bytes: &'a [u8]) -> Result<Self, Fault> {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let wanted = (end - first) as usize;
        let read = Self { name: name.to_owned(), first, lines, more: end < size };
        if read.lines.len() > wanted {
            // More lines than entries: something was put in, at the first line that is not its own index, else at the end.
            let odd = read.lines.iter().zip(first..end).find(|(line, at)| index_of(line) != Some(*at));
            return Err(Fault::new(name, odd.map_or(end, |(_, at)| at), FaultKind::Added));
        }
        Ok(read)
    }

    /// The line of an entry, taken apart.
    fn check(&self, at: u64) -> Result<CheckedLine, Fault> {
        let fault = |kind| Fault::new(&self.name, at, kind);
        let Some(bytes) = self.lines.get((at - self.first) as usize) else {
            return Err(fault(if self.more { FaultKind::Removed } else { FaultKind::CutOff }));
        };
        let line: Line<'_> = serde_json::from_slice(bytes).map_err(|_| fault(FaultKind::Changed))?;
        if line.index != at {
            let elsewhere = self.lines.iter().any(|other| index_of(other) == Some(at));
            return Err(fault(displaced(elsewhere, || line.index > at)));
        }
        let (salt, canonical) = open_line(&line).ok_or_else(|| fault(FaultKind::Changed))?;
        let commitment = commitment(&salt, &canonical, &mut Vec::new());
        let spelled = Entry::decode(&canonical)
            .ok()
            .and_then(|(time, entry)| self::line(at, &salt, &canonical, time, &entry).ok());
        Ok(CheckedLine { commitment, spelled_right: spelled.as_deref() == Some(*bytes) })
    }

    /// The commitments that the lines make, of those that can be read.
    fn commitments(&self) -> impl Iterator<Item = Hash> {
        self.lines.iter().filter_map(|bytes| {
            let line: Line<'_> = serde_json::from_slice(bytes).ok()?;
            let (salt, canonical) = open_line(&line)?;
            Some(commitment(&salt, &canonical, &mut Vec::new()))
        })
    }
}

fn index_of(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Line<'_>>(line).ok().map(|line| line.index)
}

fn open_line(line: &Line<'_>) -> Option<(Hash, Vec<u8>)> {
    let salt = HEXLOWER.decode(line.salt.as_bytes()).ok()?.try_into().ok()?;
    Some((salt, BASE64.decode(line.entry.as_bytes()).ok()?))
}

/// The exported directory.
struct Files(PathBuf);

impl Files {
    /// The bytes of a file; `None` when there is none.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(Fault::new(name, None, FaultKind::Unreadable)),
        }
    }

    /// A missing file was removed when a later one of its kind is there, and cut off when none is.
    fn lost(&self, mut later: impl Iterator<Item = String>) -> FaultKind {
        if later.any(|name| self.0.join(name).exists()) { FaultKind::Removed } else { FaultKind::CutOff }
    }

    /// No file under `tile/` or `entries/` beyond those that the log of this size has.
    fn check_nothing_else(&self, size: u64) -> Result<(), Fault> {
        let mut pending = vec![String::from("tile"), String::from("entries")];
        let mut odd = Vec::new();
        while let Some(name) = pending.pop() {
            let unreadable = |_| Fault::new(&name, None, FaultKind::Unreadable);
            let present = match fs::read_dir(self.0.join(&name)) {
                Ok(present) => present,
                Err(error) if error.kind() == io::ErrorKind::NotFound && size == 0 => continue,
                Err(error) => return Err(unreadable(error)),
            };
            for item in present {
                let item = item.map_err(unreadable)?;
                let path = format!("{name}/{}", item.file_name().to_string_lossy());
                if item.file_type().map_err(unreadable)?.is_dir() {
                    pending.push(path);
                } else if !belongs(&path, size) {
                    odd.push(path);
                }
            }
        }
        odd.into_iter().min().map_or(Ok(()), |path| Err(Fault::new(path, None, FaultKind::Added)))
    }
}

fn belongs(path: &str, size: u64) -> bool {
    if let Some(tile) = TilePath::parse(path) {
        let hashes = size >> (8 * u32::from(tile.level.unwrap_or(0)));
        return tile.is_within(size) && tile == TilePath::at(tile.level, tile.index, hashes);
    }
    let number = path.strip_prefix("entries/").and_then(|rest| rest.strip_suffix(".ndjson"));
    let first = number.and_then(|number| number.parse::<u64>().ok()).and_then(|n| n.checked_mul(ENTRIES_PER_FILE));
    first.is_some_and(|first| first < size && entries_file(first) == path)
}
