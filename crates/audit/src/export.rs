//! Writing a log out, so that it can be checked without this program's data, keys or trust.
//!
//! The directory is a C2SP tlog-tiles log (`checkpoint`, `tile/…`, `tile/entries/…`) that foreign tools read, and beside it
//! `key` (the C2SP vkey, one line) and `entries/NNNNNN.ndjson`, 4096 entries each: per line the index, the salt, the
//! canonical bytes, and the same entry for people. `entries/` is the readable log and is to be guarded as such; all else may be
//! given to anybody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use aceso_base::Timestamp;

use crate::entry::Entry;
use crate::keys::LogKeys;
use crate::note::{Checkpoint, NoteError, Origin};
use crate::reader::{LogReader, ReadEntriesError, ReadError, read_entries};
use crate::sequencer::Sequencer;
use crate::tiles::{TileError, TilePath, serve_tile};
use crate::tree::Hash;

/// Entries in one file under `entries/`: a whole number of bundles, so that a verifier walks both in step.
pub(crate) const ENTRIES_PER_FILE: u64 = 4096;

/// A log could not be written out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The directory exists and is not empty.
    #[error("the directory for the export is not empty")]
    NotEmpty,
    /// A file could not be written.
    #[error("{file}: {source}")]
    Write {
        /// The file, relative to the directory.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The stored entries could not be read back.
    #[error(transparent)]
    Entries(#[from] ReadEntriesError),
    /// The stored tree could not be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The stored checkpoint is not one of these keys, or is ahead of the log.
    #[error("the stored checkpoint is not one of this log: {0}")]
    Checkpoint(#[from] NoteError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] crate::keys::SecretBytesError),
    /// An entry could not be shown.
    #[error("entry {index} could not be written as JSON")]
    Json {
        /// Its index.
        index: u64,
    },
}

impl From<ReadError> for ExportError {
    fn from(error: ReadError) -> Self {
        Self::Entries(error.into())
    }
}

/// Takes the files of an export one after the other: name below the export's folder, and content.
pub type Sink<'a> = dyn FnMut(&str, &[u8]) -> io::Result<()> + 'a;

/// Writes the log as of its latest checkpoint to a directory, which is made, or empty. `progress` hears after every few
/// thousand entries how many of how many are written. Returns the checkpoint.
///
/// # Errors
/// [`ExportError`]; what was written by then stays, and does not verify.
pub fn export(
    log: &dyn LogReader,
    keys: &LogKeys,
    origin: &Origin,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checkpoint, ExportError> {
    let out = Directory::make(out)?;
    export_into(log, keys, origin, &mut |name, bytes| out.write(name, bytes), progress)
}

/// As [`export`], to wherever `sink` puts the files; the checkpoint comes last.
///
/// # Errors
/// As for [`export`].
pub fn export_into(
    log: &dyn LogReader,
    keys: &LogKeys,
    origin: &Origin,
    sink: &mut Sink<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checkpoint, ExportError> {
    let mut out = Out(sink);
    let key = keys.verifying_key(origin)?;
    let note = match log.latest_checkpoint()? {
        Some(note) => note,
        None => Sequencer::create(keys, origin)?.checkpoint(),
    };
    let head = Checkpoint::open(&note, &key)?;
    out.write("key", format!("{key}\n").as_bytes())?;
    let mut first = 0;
    while first < head.size {
        progress(first, head.size);
        let next = head.size.min(first + ENTRIES_PER_FILE);
        write_entries(log, keys, origin, &mut out, first..next)?;
        first = next;
    }
    for tile in TilePath::all(head.size) {
        let path = tile.to_string();
        out.write(&path, &serve_tile(log, &path, head.size)?)?;
    }
    // Last, so that an export that broke off has no checkpoint.
    out.write("checkpoint", &note)?;
    progress(head.size, head.size);
    Ok(head)
}

fn write_entries(
    log: &dyn LogReader,
    keys: &LogKeys,
    origin: &Origin,
    out: &mut Out<'_, '_>,
    range: std::ops::Range<u64>,
) -> Result<(), ExportError> {
    let first = range.start;
    let entries = read_entries(log, keys, origin, range)?;
    let mut text = Vec::with_capacity(entries.len() * 1024);
    for logged in &entries {
        let line = line(logged.index, &logged.salt, &logged.canonical, logged.time, &logged.entry);
        text.extend(line.map_err(|_| ExportError::Json { index: logged.index })?);
    }
    out.write(&entries_file(first), &text)
}

/// The file that holds the entry with this index.
pub(crate) fn entries_file(index: u64) -> String {
    format!("entries/{:06}.ndjson", index / ENTRIES_PER_FILE)
}

/// One line of a file under `entries/`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line<'a> {
    pub(crate) index: u64,
    pub(crate) salt: &'a str,
    pub(crate) entry: &'a str,
    #[serde(borrow)]
    pub(crate) shown: &'a RawValue,
}

/// The line of an entry, with its end of line. The only spelling that a verifier accepts.
pub(crate) fn line(
    index: u64,
    salt: &Hash,
    canonical: &[u8],
    time: Timestamp,
    entry: &Entry,
) -> Result<Vec<u8>, serde_json::Error> {
    let shown = RawValue::from_string(entry.to_json(time)?)?;
    let (salt, entry) = (HEXLOWER.encode(salt), BASE64.encode(canonical));
    let mut line = serde_json::to_vec(&Line { index, salt: &salt, entry: &entry, shown: &shown })?;
    line.push(b'\n');
    Ok(line)
}

struct Out<'a, 'b>(&'a mut Sink<'b>);

impl Out<'_, '_> {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        (self.0)(name, bytes).map_err(|source| ExportError::Write { file: name.to_owned(), source })
    }
}

struct Directory(PathBuf);

impl Directory {
    fn make(path: &Path) -> Result<Self, ExportError> {
        let failed = |source| ExportError::Write { file: String::from("."), source };
        fs::create_dir_all(path).map_err(failed)?;
        let mut present = fs::read_dir(path).map_err(failed)?;
        if present.next().is_some() { Err(ExportError::NotEmpty) } else { Ok(Self(path.to_owned())) }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.0.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, bytes)
    }
}
