//! The one writer of a log: puts entries in order, commits to them, signs, and gives receipts for what became durable.

use aceso_base::{Timestamp, Token16};
use aws_lc_rs::signature::Ed25519KeyPair;

use crate::entry::Entry;
use crate::keys::{BodyPlace, EntryKeys, LogKeys, SecretBytesError, commitment};
use crate::note::{Checkpoint, NoteError, Origin, VerifyingKey};
use crate::reader::{LogReader, ReadError};
use crate::tiles::{FullTile, TILE_WIDTH};
use crate::tree::{Frontier, Hash, Mark, TiledTree, leaf_hash};

const STATE_VERSION: u8 = 1;

/// Proof, for other rooms of this process, that an entry is durable. Only [`Sequencer::append`] makes one.
#[must_use = "a receipt is what opens sealed records and what an answer shows"]
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) index: u64,
    pub(crate) tree_size: u64,
    pub(crate) grant: Option<Token16>,
}

impl Receipt {
    /// The entry's index in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The size of the log as of the checkpoint that covers the entry.
    #[must_use]
    pub const fn tree_size(&self) -> u64 {
        self.tree_size
    }

    /// The grant that the entry names: what may be opened on this receipt.
    #[must_use]
    pub const fn grant(&self) -> Option<Token16> {
        self.grant
    }

    /// The text of the `X-Audit-Receipt` header: `index/size`.
    #[must_use]
    pub fn header(&self) -> String {
        format!("{}/{}", self.index, self.tree_size)
    }
}

/// One batch, to be stored in one transaction, all of it or nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Index of the first entry.
    pub first: u64,
    /// How many entries, at least one.
    pub count: u32,
    /// 32 bytes per entry: the data of its leaf.
    pub commitments: Vec<u8>,
    /// The sealed entries; one blob for the batch.
    pub body: Vec<u8>,
    /// The new head as a C2SP signed note; replaces the one before.
    pub checkpoint: Vec<u8>,
    /// What [`Sequencer::resume`] needs; replaces the one before. Under a kilobyte.
    pub state: Vec<u8>,
    /// The hash tiles, of any level, that this batch filled.
    pub tiles: Vec<FullTile>,
}

/// A batch could not be made; nothing was written and the log is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// More than 2^32-1 entries at once.
    #[error("too many entries in one batch")]
    TooMany,
    /// The cipher refused.
    #[error("the entries could not be sealed")]
    Seal,
}

/// The log cannot be continued from what is stored.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The state is not one that this version wrote.
    #[error("the stored state of the audit log is malformed")]
    State,
    /// The store holds fewer or more entries than the state says.
    #[error("the audit log holds {stored} entries where its state says {expected}")]
    Size {
        /// As the state says.
        expected: u64,
        /// As the store says.
        stored: u64,
    },
    /// Stored commitments or tiles are not those that the state commits to.
    #[error("the stored tree of the audit log does not match its state")]
    Tree,
    /// The checkpoint is missing, badly signed, or not that of the state.
    #[error("the stored checkpoint of the audit log is not that of its state")]
    Checkpoint,
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] SecretBytesError),
}

/// The one writer of a log. Not for sharing: two sequencers on one log would fork it.
pub struct Sequencer {
    origin: Origin,
    signing: Ed25519KeyPair,
    verifying: VerifyingKey,
    keys: EntryKeys,
    tree: TiledTree,
    last_time: Timestamp,
    scratch: Vec<u8>,
}

impl Sequencer {
    /// A new, empty log.
    ///
    /// # Errors
    /// [`SecretBytesError`] when the keys cannot be used.
    pub fn create(keys: &LogKeys, origin: &Origin) -> Result<Self, SecretBytesError> {
        let signing = keys.signing_key()?;
        Ok(Self {
            origin: origin.clone(),
            verifying: VerifyingKey::of(origin, &signing),
            signing,
            keys: keys.entry_keys(),
            tree: TiledTree::default(),
            last_time: Timestamp(i64::MIN),
            scratch: Vec::new(),
        })
    }

    /// Continues a log from the `state` of its last frame, after checking that the store ends as the state says: same
    /// size, same partial tiles, same signed head.
    ///
    /// # Errors
    /// [`ResumeError`]. The log must not be continued then: it was changed, cut off, or belongs to other keys.
    pub fn resume(keys: &LogKeys, origin: &Origin, state: &[u8], log: &dyn LogReader) -> Result<Self, ResumeError> {
        let (frontier, last_time) = decode_state(state).ok_or(ResumeError::State)?;
        let (expected, stored) = (frontier.size(), log.size()?);
        if expected != stored {
            return Err(ResumeError::Size { expected, stored });
        }
        let mut sequencer = Self::create(keys, origin)?;
        let note = log.latest_checkpoint()?.ok_or(ResumeError::Checkpoint)?;
        let head = Checkpoint::open(&note, &sequencer.verifying).map_err(|_: NoteError| ResumeError::Checkpoint)?;
        if head.size != expected || head.root != frontier.root() {
            return Err(ResumeError::Checkpoint);
        }
        let partial = read_partial_tiles(log, expected)?;
        sequencer.tree = TiledTree::from_parts(frontier, partial).ok_or(ResumeError::Tree)?;
        sequencer.last_time = last_time;
        Ok(sequencer)
    }

    /// Puts entries at the end of the log, as one batch: calls `write` once with the frame, and when it returns `Ok`, which
    /// it must only do after the frame is durable, gives one receipt per entry, in order. When it returns `Err` or panics,
    /// there are no receipts and the log is as before; so `Err` must mean that the frame is not and will not be stored,
    /// and a write whose end is unknown (a failed fsync) must end the process instead.
    ///
    /// Every entry gets the time `now`, or that of the entry before if the clock went back. No entries: nothing is written.
    ///
    /// # Errors
    /// Those of `write`, and [`AppendError`] before it is called.
    pub fn append<E: From<AppendError>>(
        &mut self,
        now: Timestamp,
        entries: &[Entry],
        write: impl FnOnce(&Frame) -> Result<(), E>,
    ) -> Result<Vec<Receipt>, E> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let count = u32::try_from(entries.len()).map_err(|_| AppendError::TooMany)?;
        let mut batch = Batch { mark: Some(self.tree.mark()), last_time: self.last_time, tiles: Vec::new(), log: self };
        let frame = batch.build(now, count, entries)?;
        write(&frame)?;
        batch.mark = None;
        let tree_size = batch.log.size();
        let indexes = frame.first..;
        Ok(entries.iter().zip(indexes).map(|(entry, index)| Receipt { index, tree_size, grant: entry.grant }).collect())
    }

    /// How many entries the log has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.frontier().size()
    }

    /// The root over all entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.frontier().root()
    }

    /// The log's name.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key under which the log's checkpoints verify.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The present head, signed: also of an empty log, which has no frame yet.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        let head = Checkpoint { origin: self.origin.clone(), size: self.size(), root: self.root() };
        head.sign(&self.signing, &self.verifying)
    }
}

/// A batch under way. Dropped before it is written, it puts the log back.
struct Batch<'a> {
    log: &'a mut Sequencer,
    mark: Option<Mark>,
    last_time: Timestamp,
    tiles: Vec<FullTile>,
}

impl Batch<'_> {
    fn build(&mut self, now: Timestamp, count: u32, entries: &[Entry]) -> Result<Frame, AppendError> {
        let Self { log, tiles, .. } = self;
        let (first, previous_root) = (log.size(), log.root());
        let time = now.max(log.last_time);
        let mut commitments = Vec::with_capacity(entries.len() * 32);
        let mut body = EntryKeys::begin_body(entries.len() * 320);
        let mut canonical = Vec::with_capacity(512);
        for (entry, index) in entries.iter().zip(first..) {
            canonical.clear();
            entry.encode(time, &mut canonical);
            let length = u32::try_from(canonical.len()).map_err(|_| AppendError::Seal)?;
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(&canonical);
            let commitment = commitment(&log.keys.salt(index), &canonical, &mut log.scratch);
            commitments.extend_from_slice(&commitment);
            log.tree.push(leaf_hash(&commitment), tiles);
        }
        let place = BodyPlace { origin: &log.origin, first, count, previous_root: &previous_root };
        log.keys.seal(&place, &mut body).map_err(|_| AppendError::Seal)?;
        log.last_time = time;
        let state = encode_state(log.tree.frontier(), time);
        Ok(Frame { first, count, commitments, body, checkpoint: log.checkpoint(), state, tiles: tiles.clone() })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Some(mark) = self.mark.take() {
            self.log.tree.roll_back(mark, &self.tiles);
            self.log.last_time = self.last_time;
        }
    }
}

/// Version byte, size, time of the last entry, frontier nodes from the largest.
fn encode_state(frontier: &Frontier, last_time: Timestamp) -> Vec<u8> {
    let mut state = Vec::with_capacity(17 + frontier.nodes().len() * 32);
    state.push(STATE_VERSION);
    state.extend_from_slice(&frontier.size().to_be_bytes());
    state.extend_from_slice(&last_time.0.to_be_bytes());
    frontier.nodes().iter().for_each(|node| state.extend_from_slice(node));
    state
}

fn decode_state(state: &[u8]) -> Option<(Frontier, Timestamp)> {
    let (&version, rest) = state.split_first()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (time, nodes) = rest.split_first_chunk::<8>()?;
    let (nodes, []) = nodes.as_chunks::<32>() else { return None };
    let frontier = Frontier::from_parts(u64::from_be_bytes(*size), nodes.to_vec())?;
    (version == STATE_VERSION).then(|| (frontier, Timestamp(i64::from_be_bytes(*time))))
}

/// The hashes of the tile that is not yet full, at every level.
fn read_partial_tiles(log: &dyn LogReader, size: u64) -> Result<Vec<Vec<Hash>>, ResumeError> {
    let width = u64::from(TILE_WIDTH);
    let tail = log.commitments(size - size % width..size)?;
    let mut partial = vec![tail.iter().map(|commitment| leaf_hash(commitment)).collect::<Vec<_>>()];
    let (mut below, mut level) = (size / width, 0_u8);
    while below > 0 {
        let mut hashes = Vec::with_capacity(TILE_WIDTH as usize);
        for index in below - below % width..below {
            let tile = log.full_tile(level, index)?.ok_or(ResumeError::Tree)?;
            hashes.push(crate::tiles::tile_root(&tile).ok_or(ResumeError::Tree)?);
        }
        partial.push(hashes);
        below /= width;
        level += 1;
    }
    Ok(partial)
}
