//! PyPI `aics-tlog`, which shares nothing with this crate, judges our exports as we do.
//!
//! Needs a Python with that package: `cargo xtask test` makes one and says where in `ACESO_PARTS_PYTHON`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;
use std::process::Command;

use aceso_audit::verify;
use common::{Dir, Log, entry};

/// The foreign verdict: whether it accepts, and what it said.
fn foreign(dir: &Dir, vkey: &str, kept: Option<&[u8]>) -> (bool, String) {
    let python = std::env::var("ACESO_PARTS_PYTHON").expect(
        "ACESO_PARTS_PYTHON names no Python with aics-tlog: run `cargo xtask test`, or \
         `python3 -m venv V && V/bin/pip install --ignore-requires-python aics-tlog==0.2.1` and set it to V/bin/python",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/verify_tlog.py");
    let mut command = Command::new(python);
    command.arg(script).arg(dir.path()).args(["--vkey", vkey]);
    let note = Dir::new();
    if let Some(kept) = kept {
        note.write("kept", kept);
        command.arg("--kept").arg(note.path().join("kept"));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => (true, said),
        Some(1) if said.starts_with("refused: ") => (false, said),
        other => panic!("the foreign verifier did not run ({other:?}): {said}"),
    }
}

/// Both verdicts must be the expected one.
fn agree(log: &Log, dir: &Dir, kept: Option<&[u8]>, accepted: bool, what: &str) {
    let key = log.writer.verifying_key();
    let ours = verify(dir.path(), key, kept, &mut |_, _| {});
    assert_eq!(ours.is_ok(), accepted, "{what}: ours: {ours:?}");
    let (theirs, said) = foreign(dir, &key.to_string(), kept);
    assert_eq!(theirs, accepted, "{what}: theirs: {said}");
}

#[test]
fn a_foreign_verifier_accepts_exports_of_every_size_and_their_growth() {
    let mut log = Log::new(1);
    let mut kept = log.writer.checkpoint();
    for size in [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000] {
        log.grow_to(size);
        agree(&log, &log.export(), Some(&kept), true, &format!("size {size}"));
        kept = log.writer.checkpoint();
    }
}

#[test]
fn a_foreign_verifier_refuses_what_we_refuse() {
    let mut log = Log::of_size(700);
    let older = log.export();
    let tampered = |what: &str, edit: &dyn Fn(&Dir)| {
        let dir = log.export();
        edit(&dir);
        agree(&log, &dir, None, false, what);
    };
    tampered("a flipped byte of a commitment", &|d| d.change("tile/entries/001", |b| b[345] ^= 1));
    tampered("a flipped byte of a leaf tile", &|d| d.change("tile/0/001", |b| b[345] ^= 1));
    tampered("a flipped byte of an upper tile", &|d| d.change("tile/1/000.p/2", |b| b[40] ^= 1));
    tampered("a changed size", &|d| {
        let note = String::from_utf8(d.read("checkpoint")).unwrap();
        d.write("checkpoint", note.replacen("\n700\n", "\n699\n", 1).as_bytes());
    });
    tampered("a flipped byte of the signature", &|d| {
        d.change("checkpoint", |b| {
            let at = b.len() - 20;
            b[at] = if b[at] == b'A' { b'B' } else { b'A' };
        })
    });
    tampered("a salt", &|d| {
        d.change_lines("entries/000000.ndjson", |lines| {
            lines[9] = lines[9].replacen("\"salt\":\"", "\"salt\":\"00", 1);
        })
    });
    tampered("two swapped entries", &|d| d.change_lines("entries/000000.ndjson", |lines| lines.swap(3, 4)));
    tampered("the last entry dropped", &|d| d.change_lines("entries/000000.ndjson", |lines| drop(lines.pop())));
    tampered("the last bundle dropped", &|d| d.remove("tile/entries/002.p/188"));
    tampered("a bundle dropped", &|d| d.remove("tile/entries/001"));
    tampered("two swapped commitments", &|d| d.change("tile/entries/001", |b| (0..34).for_each(|k| b.swap(k, 34 + k))));
    let other = Log::new(9);
    let dir = log.export();
    assert!(!foreign(&dir, &other.writer.verifying_key().to_string(), None).0, "another key");

    log.grow_to(900);
    agree(&log, &older, Some(&log.writer.checkpoint()), false, "an older state with a newer checkpoint");
    let kept = log.writer.checkpoint();
    let mut fork = Log::new(1);
    fork.append(&[entry(99)]);
    for size in [900, 1_000] {
        fork.grow_to(size);
        agree(&fork, &fork.export(), Some(&kept), false, "a fork");
        agree(&fork, &fork.export(), None, true, "a fork by itself");
    }
}
