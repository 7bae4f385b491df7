//! Entries, frames, checkpoints and tile paths of the audit log.

use crate::edits;
use aceso_audit::{
    Action, AppendError, Checkpoint, Entry, Frame, Hash, LogKeys, LogReader, Origin, ReadError, SealedBatch, Sequencer,
    TilePath, VerifyingKey, read_entries,
};
use aceso_base::{Interaction, Region, SubjectId, Timestamp};
use aceso_testkit::PlannedRandomness;
use std::ops::Range;
use std::sync::LazyLock;

pub(super) const WORDS: &[&str] =
    &["\u{2014} ", "\n\n", "aceso.example/us", "tile/", "tile/entries/", "x001/", ".p/", "000", "255"];

/// Before edits of the frame: of its sealed entries, its commitments, its checkpoint, its state. No entry begins like these.
const PARTS: [u8; 4] = [0xf0, 0xf1, 0xf2, 0xf3];

/// A log of one frame, and its keys.
struct Log {
    keys: LogKeys,
    origin: Origin,
    verifying: VerifyingKey,
    stored: Stored,
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let keys = LogKeys::generate(&PlannedRandomness::seeded(3));
    let origin = Origin::parse("aceso.example/us").unwrap();
    let mut sequencer = Sequencer::create(&keys, &origin).unwrap();
    let mut frame = None;
    let keep = |made: &Frame| {
        frame = Some(made.clone());
        Ok::<(), AppendError>(())
    };
    sequencer.append(Timestamp(1_700_000_000_000), &entries(), keep).unwrap();
    let frame = frame.unwrap();
    let stored =
        Stored { body: frame.body, commitments: frame.commitments, checkpoint: frame.checkpoint, state: frame.state };
    let log = Log { verifying: sequencer.verifying_key().clone(), keys, origin, stored };
    assert!(log.reads_back(&log.stored) && log.continues(&log.stored), "the genuine log does not read back");
    log
});

fn entries() -> [Entry; 3] {
    let region = Region::parse("us").unwrap();
    let plain = Entry::system(&region, Action::from(Interaction::Read));
    let rich = plain.clone().with_subject(SubjectId([7; 16])).with_count(3);
    let rich = rich.with_parameters(["name", "birthdate"]).with_policy("v1");
    [plain.clone(), rich, plain]
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let encoded = entries().map(|entry| {
        let mut out = Vec::new();
        entry.encode(Timestamp(1_700_000_000_000), &mut out);
        out
    });
    let mut seeds = encoded.to_vec();
    seeds.push(LOG.stored.checkpoint.clone());
    seeds.extend(PARTS.iter().flat_map(|part| edits::seeds(*part)));
    seeds.extend(["tile/0/000", "tile/entries/x001/234.p/7", "tile/3/999"].map(|path| path.as_bytes().to_vec()));
    seeds
}

pub(super) fn target(bytes: &[u8]) {
    if let Some((part, edits)) = bytes.split_first()
        && PARTS.contains(part)
    {
        return changed(*part, edits);
    }
    if let Ok((time, entry)) = Entry::decode(bytes) {
        let mut again = Vec::new();
        entry.encode(time, &mut again);
        assert!(again == bytes, "two encodings of one entry");
    }
    head(bytes);
    if let Ok(path) = std::str::from_utf8(bytes)
        && let Some(tile) = TilePath::parse(path)
    {
        assert!(tile.to_string() == path, "two paths of one tile");
    }
}

/// A log of which one part was changed.
fn changed(part: u8, edits: &[u8]) {
    let genuine = &LOG.stored;
    let mut stored = genuine.clone();
    let place = match part {
        0xf0 => &mut stored.body,
        0xf1 => &mut stored.commitments,
        0xf2 => &mut stored.checkpoint,
        _ => &mut stored.state,
    };
    *place = edits::apply(place, edits);
    head(&stored.checkpoint);
    let same = stored.body == genuine.body && stored.hashes() == genuine.hashes();
    assert!(LOG.reads_back(&stored) == same, "changed entries read back, or the genuine ones do not");
    // The sealed entries are checked when they are read; the tree is checked before the log goes on.
    let continues = LOG.continues(&stored);
    assert!(!continues || stored.hashes() == genuine.hashes(), "the log goes on over changed commitments");
    let unchanged =
        stored.hashes() == genuine.hashes() && stored.checkpoint == genuine.checkpoint && stored.state == genuine.state;
    assert!(continues || !unchanged, "the genuine log does not go on");
}

/// A checkpoint that opens is the one that was signed, whatever stands around its text.
fn head(note: &[u8]) {
    if let Ok(head) = Checkpoint::open(note, &LOG.verifying) {
        let genuine = Checkpoint::open(&LOG.stored.checkpoint, &LOG.verifying).expect("the signed checkpoint opens");
        assert!(head == genuine, "a checkpoint opens that nobody signed");
    }
}

impl Log {
    fn reads_back(&self, stored: &Stored) -> bool {
        read_entries(stored, &self.keys, &self.origin, 0..3).is_ok_and(|read| read.len() == 3)
    }

    /// Whether a sequencer goes on from what is stored; if so it stands where the genuine one stood.
    fn continues(&self, stored: &Stored) -> bool {
        let resumed = Sequencer::resume(&self.keys, &self.origin, &stored.state, stored);
        resumed.is_ok_and(|sequencer| {
            let head = Checkpoint::open(&self.stored.checkpoint, &self.verifying).expect("the signed checkpoint opens");
            assert!(sequencer.size() == head.size && sequencer.root() == head.root, "the log goes on from elsewhere");
            true
        })
    }
}

/// A store of one frame.
#[derive(Clone)]
struct Stored {
    body: Vec<u8>,
    commitments: Vec<u8>,
    checkpoint: Vec<u8>,
    state: Vec<u8>,
}

impl Stored {
    /// The commitments as the log asks for them: what stands behind the third is never looked at.
    fn hashes(&self) -> Option<&[u8]> {
        self.commitments.get(..96)
    }
}

impl LogReader for Stored {
    fn size(&self) -> Result<u64, ReadError> {
        Ok(3)
    }

    fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(Some(self.checkpoint.clone()))
    }

    fn commitments(&self, range: Range<u64>) -> Result<Vec<Hash>, ReadError> {
        let all: Vec<Hash> = self.commitments.as_chunks().0.to_vec();
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        all.get(range).map(<[Hash]>::to_vec).ok_or_else(|| ReadError::corrupt("a commitment is missing"))
    }

    fn full_tile(&self, _: u8, _: u64) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(None)
    }

    fn bodies(&self, _: Range<u64>) -> Result<Vec<SealedBatch>, ReadError> {
        Ok(vec![SealedBatch { first: 0, count: 3, body: self.body.clone() }])
    }
}
