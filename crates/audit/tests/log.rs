//! The log as a whole: what is appended can be proved, served, resumed and read back.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use aceso_audit::{
    Action, Checkpoint, Entry, LogKeys, Origin, ReadEntriesError, ResumeError, Sequencer, TileError, consistency_proof,
    empty_root, inclusion_proof, leaf_hash, read_entries, serve_tile, verify_consistency, verify_inclusion,
};
use aceso_base::{Timestamp, Token16};
use common::{Log, START, Seeded, Stored, WriteError, caller, entry};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Tile, TileHashReader, TileReader};

const SIZES: [u64; 10] = [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000];

/// Our log as another implementation reads it: by its public paths.
struct Foreign<'a>(&'a Stored, u64);

impl TileReader for Foreign<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // That crate spells the tile height into its own paths.
        let path = |tile: &Tile| tile.path().replacen("tile/8/", "tile/", 1);
        Ok(tiles.iter().map(|tile| serve_tile(self.0, &path(tile), self.1).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn foreign_hash(hash: [u8; 32]) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash)
}

#[test]
fn another_implementation_accepts_checkpoint_tiles_and_proofs_at_every_size() {
    let mut log = Log::new(1);
    let mut heads: Vec<Checkpoint> = Vec::new();
    for size in SIZES {
        log.grow_to(size);
        let note = log.writer.checkpoint();
        let verifier = StandardVerifier::new(&log.writer.verifying_key().to_string()).unwrap();
        let opened = Note::from_bytes(&note).unwrap();
        opened.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        let head = tlog_tiles::Checkpoint::from_bytes(opened.text()).unwrap();
        assert_eq!((head.origin(), head.size()), (log.origin.as_str(), size));
        assert_eq!(head.hash().0, log.writer.root());
        if size > 0 {
            assert_eq!(log.stored.checkpoint.as_ref(), Some(&note));
            check_proofs(&log, size, &heads);
        } else {
            assert_eq!(log.writer.root(), empty_root());
        }
        heads.push(log.head());
    }
}

fn check_proofs(log: &Log, size: u64, older: &[Checkpoint]) {
    let root = log.writer.root();
    let source = Foreign(&log.stored, size);
    let tiles = TileHashReader::new(size, foreign_hash(root), &source);
    assert_eq!(tlog_tiles::tree_hash(size, &tiles).unwrap().0, root);
    for index in [0, 1, 2, 254, 255, 256, 300, 65_535, 65_536, 69_999].into_iter().chain([size - 1]) {
        if index >= size {
            continue;
        }
        let proof = inclusion_proof(&log.stored, index, size).unwrap();
        let leaf = leaf_hash(&log.stored.commitments[index as usize]);
        verify_inclusion(&leaf, index, size, &proof, &root).unwrap();
        let theirs = tlog_tiles::prove_record(size, index, &tiles).unwrap();
        let ours: Vec<_> = proof.iter().copied().map(foreign_hash).collect();
        assert_eq!(ours, theirs);
        tlog_tiles::check_record(&ours, size, foreign_hash(root), index, foreign_hash(leaf)).unwrap();
    }
    for head in older {
        let proof = consistency_proof(&log.stored, head.size, size).unwrap();
        verify_consistency(head.size, size, &proof, &head.root, &root).unwrap();
        if head.size > 0 {
            let ours: Vec<_> = proof.iter().copied().map(foreign_hash).collect();
            assert_eq!(ours, tlog_tiles::prove_tree(size, head.size, &tiles).unwrap());
            let (new, old) = (foreign_hash(root), foreign_hash(head.root));
            tlog_tiles::check_tree(&ours, size, new, head.size, old).unwrap();
        }
    }
}

#[test]
fn every_pair_of_small_sizes_has_proofs_that_hold_and_no_other_size_accepts_them() {
    let mut log = Log::new(2);
    let mut roots = vec![empty_root()];
    for n in 0..40 {
        log.append(&[entry(n)]);
        roots.push(log.writer.root());
    }
    for size in 1..=40_u64 {
        for index in 0..size {
            let proof = inclusion_proof(&log.stored, index, size).unwrap();
            let leaf = leaf_hash(&log.stored.commitments[index as usize]);
            verify_inclusion(&leaf, index, size, &proof, &roots[size as usize]).unwrap();
            assert!(verify_inclusion(&leaf, index, size, &proof, &roots[size as usize - 1]).is_err());
            assert!(index == 0 || verify_inclusion(&leaf, index - 1, size, &proof, &roots[size as usize]).is_err());
        }
        for old in 0..=size {
            let proof = consistency_proof(&log.stored, old, size).unwrap();
            let (old_root, root) = (&roots[old as usize], &roots[size as usize]);
            verify_consistency(old, size, &proof, old_root, root).unwrap();
            assert!(verify_consistency(old, size, &proof, &[1; 32], root).is_err());
            assert!(verify_consistency(old, size, &proof, old_root, &[1; 32]).is_err() || old == 0);
        }
    }
    assert!(inclusion_proof(&log.stored, 40, 40).is_err() && inclusion_proof(&log.stored, 0, 41).is_err());
    assert!(consistency_proof(&log.stored, 3, 2).is_err() && consistency_proof(&log.stored, 3, 41).is_err());
}

#[test]
fn receipts_name_index_size_and_grant_in_order() {
    let mut log = Log::of_size(10);
    let grant = Token16([7; 16]);
    let receipts = log.append(&[entry(2), Entry::by(&caller(), Action::Read).with_grant(grant)]);
    let facts: Vec<_> = receipts.iter().map(|r| (r.index(), r.tree_size(), r.grant())).collect();
    assert_eq!(facts, [(10, 12, None), (11, 12, Some(grant))]);
    assert_eq!(receipts[1].header(), "11/12");
}

#[test]
fn a_refused_write_gives_no_receipt_and_leaves_the_log_as_it_was() {
    for before in [0, 3, 255, 300, 511] {
        let mut log = Log::of_size(before);
        let (root, size, note) = (log.writer.root(), log.writer.size(), log.writer.checkpoint());
        let batch: Vec<Entry> = (0..600).map(entry).collect();
        let refused = log.writer.append(START.plus_seconds(1 << 30), &batch, |_| Err(WriteError::Refused));
        assert!(matches!(refused, Err(WriteError::Refused)));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            log.writer.append::<WriteError>(START.plus_seconds(1 << 30), &batch, |_| panic!("the disk is gone"))
        }));
        assert!(panicked.is_err());
        assert_eq!((log.writer.root(), log.writer.size(), log.writer.checkpoint()), (root, size, note));

        let mut other = Log::of_size(before);
        log.append(&batch);
        other.append(&batch);
        assert_eq!(log.writer.root(), other.writer.root());
        assert_eq!(log.stored.tiles, other.stored.tiles);
        assert_eq!(log.stored.state, other.stored.state);
    }
}

#[test]
fn nothing_is_written_for_no_entries() {
    let mut log = Log::of_size(3);
    let receipts = log.writer.append::<WriteError>(START, &[], |_| panic!("called")).unwrap();
    assert!(receipts.is_empty());
}

#[test]
fn entries_come_back_as_they_were_and_only_with_the_keys_of_the_log() {
    let log = Log::of_size(700);
    let read = read_entries(&log.stored, &log.keys, &log.origin, 0..700).unwrap();
    assert!(read.iter().map(|logged| &logged.entry).eq(&log.entries));
    assert!(read.iter().map(|logged| logged.index).eq(0..700));
    let part = read_entries(&log.stored, &log.keys, &log.origin, 299..301).unwrap();
    assert_eq!(part, read[299..301]);
    assert_eq!(read_entries(&log.stored, &log.keys, &log.origin, 5..5).unwrap(), []);
    let others = LogKeys::generate(&Seeded(9));
    let elsewhere = Origin::parse("audit.example.org/other").unwrap();
    for (keys, origin) in [(&others, &log.origin), (&log.keys, &elsewhere)] {
        let read = read_entries(&log.stored, keys, origin, 3..4);
        assert!(matches!(read, Err(ReadEntriesError::Body { first: 1 })));
    }
    let beyond = read_entries(&log.stored, &log.keys, &log.origin, 699..701);
    assert!(matches!(beyond, Err(ReadEntriesError::Range { size: 700 })));
}

#[test]
fn stored_bodies_that_were_swapped_changed_or_lost_are_named() {
    let log = Log::of_size(700);
    let read = |stored: &Stored| read_entries(stored, &log.keys, &log.origin, 0..700);
    let mut stored = log.stored.clone();
    stored.batches[2].body[40] ^= 1;
    let first = stored.batches[2].first;
    assert!(matches!(read(&stored), Err(ReadEntriesError::Body { first: f }) if f == first));

    let mut stored = log.stored.clone();
    let lost = stored.batches.remove(1);
    assert!(matches!(read(&stored), Err(ReadEntriesError::Gap { index }) if index == lost.first));

    let mut stored = log.stored.clone();
    let last = stored.batches.pop().unwrap();
    assert!(matches!(read(&stored), Err(ReadEntriesError::Gap { index }) if index == last.first));

    let mut stored = log.stored.clone();
    stored.commitments[3] = [0; 32];
    assert!(matches!(read(&stored), Err(ReadEntriesError::Commitment { index: 3 })));
}

#[test]
fn time_in_the_log_never_goes_back_also_across_a_restart() {
    let mut log = Log::new(3);
    let Log { writer, stored, .. } = &mut log;
    for now in [5_000, 4_000, 6_000] {
        writer.append(Timestamp(now), &[entry(0)], |frame| stored.write(frame)).unwrap();
    }
    let mut resumed = Sequencer::resume(&log.keys, &log.origin, &log.stored.state, &log.stored.clone()).unwrap();
    resumed.append(Timestamp(1_000), &[entry(0)], |frame| log.stored.write(frame)).unwrap();
    let read = read_entries(&log.stored, &log.keys, &log.origin, 0..4).unwrap();
    let times: Vec<i64> = read.iter().map(|logged| logged.time.0).collect();
    assert_eq!(times, [5_000, 5_000, 6_000, 6_000]);
}

#[test]
fn a_resumed_log_goes_on_exactly_as_if_it_had_never_stopped() {
    for size in [1, 2, 255, 256, 257, 600, 65_536, 65_537] {
        let (mut log, mut other) = (Log::of_size(size), Log::of_size(size));
        log.writer = Sequencer::resume(&log.keys, &log.origin, &log.stored.state, &log.stored).unwrap();
        let more: Vec<Entry> = (size..size + 300).map(entry).collect();
        log.append(&more);
        other.append(&more);
        assert_eq!(log.writer.checkpoint(), other.writer.checkpoint());
        assert_eq!(log.stored.tiles, other.stored.tiles);
        assert_eq!(log.stored.state, other.stored.state);
    }
}

#[test]
fn a_store_that_does_not_end_as_its_state_says_is_not_resumed() {
    let log = Log::of_size(700);
    let resume = |stored: &Stored| Sequencer::resume(&log.keys, &log.origin, &stored.state, stored).err();

    let mut stored = log.stored.clone();
    stored.commitments.pop();
    assert!(matches!(resume(&stored), Some(ResumeError::Size { expected: 700, stored: 699 })));

    let mut stored = log.stored.clone();
    stored.commitments[699] = [0; 32];
    assert!(matches!(resume(&stored), Some(ResumeError::Tree)));

    let mut stored = log.stored.clone();
    stored.tiles[1].hashes[77] ^= 1;
    assert!(matches!(resume(&stored), Some(ResumeError::Tree)));

    let mut stored = log.stored.clone();
    stored.checkpoint = Log::of_size(699).stored.checkpoint;
    assert!(matches!(resume(&stored), Some(ResumeError::Checkpoint)));

    let mut stored = log.stored.clone();
    stored.state[20] ^= 1;
    assert!(matches!(resume(&stored), Some(ResumeError::Checkpoint)));
    stored.state.pop();
    assert!(matches!(resume(&stored), Some(ResumeError::State)));

    let others = LogKeys::generate(&Seeded(9));
    let resumed = Sequencer::resume(&others, &log.origin, &log.stored.state, &log.stored);
    assert!(matches!(resumed.err(), Some(ResumeError::Checkpoint)));
}

#[test]
fn only_what_is_published_is_served() {
    let log = Log::of_size(700);
    let serve = |path: &str, published| serve_tile(&log.stored, path, published);
    assert_eq!(serve("checkpoint", 0).unwrap(), log.writer.checkpoint());
    assert_eq!(serve("tile/0/000", 700).unwrap().len(), 256 * 32);
    assert_eq!(serve("tile/0/000.p/3", 700).unwrap(), serve("tile/0/000", 700).unwrap()[..96]);
    assert_eq!(serve("tile/0/002.p/188", 700).unwrap().len(), 188 * 32);
    assert_eq!(serve("tile/1/000.p/2", 700).unwrap().len(), 64);
    assert_eq!(serve("tile/entries/002.p/188", 700).unwrap().len(), 188 * 34);
    for (path, published) in [
        ("tile/0/000", 255),
        ("tile/0/002.p/189", 700),
        ("tile/0/002", 700),
        ("tile/0/003.p/1", 700),
        ("tile/1/000.p/3", 700),
        ("tile/1/000", 700),
        ("tile/2/000.p/1", 700),
        ("tile/7/000", u64::MAX),
        ("tile/0/000", 701),
        ("tile/0/x018/x446/x744/x073/x709/x551/615", 700),
    ] {
        assert!(matches!(serve(path, published), Err(TileError::NotFound)), "{path} of {published}");
    }
    assert!(matches!(serve("tile/0/0", 700), Err(TileError::Malformed)));
    assert!(matches!(serve("", 700), Err(TileError::Malformed)));
}

#[test]
fn an_export_is_read_back_entry_by_entry_and_a_missing_line_is_named() {
    let log = Log::of_size(4200);
    let dir = log.export();
    let mut read = Vec::new();
    aceso_audit::each_exported(dir.path(), 4200, &mut |at, _, entry| {
        assert_eq!(at, read.len() as u64);
        read.push(entry.clone());
    })
    .unwrap();
    assert_eq!(read, log.entries);
    let file = dir.path().join("entries/000000.ndjson");
    let text = std::fs::read_to_string(&file).unwrap();
    let without: String =
        text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != 17).map(|(_, line)| line).collect();
    std::fs::write(&file, without).unwrap();
    let fault = aceso_audit::each_exported(dir.path(), 4200, &mut |_, _, _| {}).unwrap_err();
    assert_eq!(fault.entry, Some(17));
}
