//! What was done to an exported log is named: where it is first seen, and what it is.

mod common;

use aceso_audit::{Entry, ExportError, Fault, FaultKind, LogKeys, Verified, export, exported_key, verify};
use common::{Dir, Log, Seeded, entry};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

fn check(log: &Log, dir: &Dir, kept: Option<&[u8]>) -> Result<Verified, Fault> {
    verify(dir.path(), log.writer.verifying_key(), kept, &mut |_, _| {})
}

fn expect(log: &Log, dir: &Dir, file: &str, entry: impl Into<Option<u64>>, kind: FaultKind) {
    let fault = Fault { file: file.to_owned(), entry: entry.into(), kind };
    assert_eq!(check(log, dir, None), Err(fault));
}

#[test]
fn an_export_verifies_at_every_size_and_against_every_older_checkpoint() {
    let mut log = Log::new(1);
    let mut kept = vec![log.writer.checkpoint()];
    for size in [0, 1, 2, 255, 256, 257, 5_000, 65_537] {
        log.grow_to(size);
        let dir = log.export();
        for older in kept.iter().map(|note| Some(note.as_slice())).chain([None]) {
            assert_eq!(check(&log, &dir, older), Ok(Verified { size, root: log.writer.root() }));
        }
        assert_eq!(exported_key(dir.path()).as_ref(), Ok(log.writer.verifying_key()));
        kept.push(log.writer.checkpoint());
    }
}

#[test]
fn an_export_says_how_far_it_is_and_does_not_write_over_anything() {
    let log = Log::of_size(9_000);
    let dir = Dir::new();
    let mut heard = Vec::new();
    export(&log.stored, &log.keys, &log.origin, dir.path(), &mut |done, all| heard.push((done, all))).unwrap();
    assert_eq!(heard, [(0, 9_000), (4_096, 9_000), (8_192, 9_000), (9_000, 9_000)]);
    let again = export(&log.stored, &log.keys, &log.origin, dir.path(), &mut |_, _| {});
    assert!(matches!(again, Err(ExportError::NotEmpty)));
}

#[test]
fn a_line_of_an_export_holds_index_salt_canonical_bytes_and_the_same_for_people() {
    let log = Log::of_size(3);
    let text = String::from_utf8(log.export().read("entries/000000.ndjson")).unwrap();
    let line: Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
    assert_eq!(line["index"], 2);
    assert_eq!(HEXLOWER.decode(line["salt"].as_str().unwrap().as_bytes()).unwrap().len(), 32);
    let (_, decoded) = Entry::decode(&BASE64.decode(line["entry"].as_str().unwrap().as_bytes()).unwrap()).unwrap();
    assert_eq!(decoded, log.entries[2]);
    assert_eq!(line["shown"]["action"], "update");
    assert_eq!(line["shown"]["reason"], "not-own-record");
    assert_eq!(line["shown"]["roles"], serde_json::json!(["physician", "auditor"]));
}

#[test]
fn any_byte_changed_in_any_file_is_found_in_that_file() {
    let log = Log::of_size(700);
    let dir = log.export();
    for name in dir.files() {
        let length = dir.read(&name).len();
        for step in 0..24 {
            let at = (length - 1) * step / 23;
            let whole = dir.read(&name);
            dir.change(&name, |bytes| bytes[at] ^= 1);
            let fault = check(&log, &dir, None).unwrap_err();
            assert!(fault.file == name || fault.file.starts_with("checkpoint"), "{name} byte {at}: {fault}");
            dir.write(&name, &whole);
        }
    }
    assert!(check(&log, &dir, None).is_ok());
}

#[test]
fn a_changed_commitment_tile_hash_salt_body_or_shown_text_is_named_with_its_entry() {
    let log = Log::of_size(700);
    let dir = log.export();
    type Edit = Box<dyn Fn(&mut Vec<u8>)>;
    let cases: [(&str, Edit, u64); 4] = [
        ("tile/entries/001", Box::new(|b| b[34 * 10 + 2] ^= 1), 266),
        ("tile/entries/001", Box::new(|b| b[34 * 10] ^= 1), 266),
        ("tile/0/002.p/188", Box::new(|b| b[32 * 187 + 31] ^= 0x80), 699),
        ("tile/1/000.p/2", Box::new(|b| b[32] ^= 1), 256),
    ];
    for (name, edit, entry) in cases {
        let whole = dir.read(name);
        dir.change(name, edit);
        expect(&log, &dir, name, entry, FaultKind::Changed);
        dir.write(name, &whole);
    }
    let name = "entries/000000.ndjson";
    for (from, to) in [
        ("\"salt\":\"", "\"salt\":\"00"),
        ("\"entry\":\"AQ", "\"entry\":\"Ag"),
        ("u-4711", "u-4712"),
        ("{\"index\"", "{ \"index\""),
    ] {
        let whole = dir.read(name);
        dir.change_lines(name, |lines| lines[435] = lines[435].replacen(from, to, 1));
        assert_ne!(dir.read(name), whole, "{from}");
        expect(&log, &dir, name, 435, FaultKind::Changed);
        dir.write(name, &whole);
    }
}

#[test]
fn what_was_taken_out_of_the_middle_is_removed_and_what_is_missing_at_the_end_is_cut_off() {
    let log = Log::of_size(9_000);
    let with = |file: &str, entry: u64, kind: FaultKind, edit: &dyn Fn(&Dir)| {
        let dir = log.export();
        edit(&dir);
        expect(&log, &dir, file, entry, kind);
    };
    with("entries/000000.ndjson", 17, FaultKind::Removed, &|d| {
        d.change_lines("entries/000000.ndjson", |lines| drop(lines.remove(17)));
    });
    with("entries/000000.ndjson", 4_095, FaultKind::Removed, &|d| {
        d.change_lines("entries/000000.ndjson", |lines| drop(lines.pop()));
    });
    with("entries/000002.ndjson", 8_999, FaultKind::CutOff, &|d| {
        d.change_lines("entries/000002.ndjson", |lines| drop(lines.pop()));
    });
    with("entries/000001.ndjson", 4_096, FaultKind::Removed, &|d| d.remove("entries/000001.ndjson"));
    with("entries/000002.ndjson", 8_192, FaultKind::CutOff, &|d| d.remove("entries/000002.ndjson"));
    with("tile/entries/005", 1_280, FaultKind::Removed, &|d| d.remove("tile/entries/005"));
    with("tile/entries/035.p/40", 8_960, FaultKind::CutOff, &|d| d.remove("tile/entries/035.p/40"));
    with("tile/0/007", 1_792, FaultKind::Removed, &|d| d.remove("tile/0/007"));
    with("tile/1/000.p/35", 0, FaultKind::CutOff, &|d| d.remove("tile/1/000.p/35"));
    with("tile/entries/035.p/40", 8_999, FaultKind::CutOff, &|d| {
        d.change("tile/entries/035.p/40", |bytes| bytes.truncate(39 * 34));
    });
    with("tile/0/001", 511, FaultKind::Removed, &|d| d.change("tile/0/001", |bytes| bytes.truncate(255 * 32)));
    let dir = log.export();
    dir.remove("checkpoint");
    expect(&log, &dir, "checkpoint", None, FaultKind::Removed);
    let dir = log.export();
    dir.remove("key");
    expect(&log, &dir, "key", None, FaultKind::Removed);
}

#[test]
fn an_entry_taken_out_with_the_rest_renumbered_is_still_seen() {
    let log = Log::of_size(700);
    let dir = log.export();
    dir.change_lines("entries/000000.ndjson", |lines| {
        lines.remove(17);
        for (at, line) in lines.iter_mut().enumerate().skip(17) {
            *line = line.replacen(&format!("\"index\":{}", at + 1), &format!("\"index\":{at}"), 1);
        }
    });
    expect(&log, &dir, "entries/000000.ndjson", 17, FaultKind::Removed);
}

#[test]
fn two_entries_that_changed_places_are_out_of_order() {
    let log = Log::of_size(700);
    let dir = log.export();
    dir.change_lines("entries/000000.ndjson", |lines| lines.swap(20, 600));
    expect(&log, &dir, "entries/000000.ndjson", 20, FaultKind::Reordered);

    let dir = log.export();
    dir.change_lines("entries/000000.ndjson", |lines| {
        lines.swap(20, 21);
        lines[20] = lines[20].replacen("\"index\":21", "\"index\":20", 1);
        lines[21] = lines[21].replacen("\"index\":20", "\"index\":21", 1);
    });
    expect(&log, &dir, "entries/000000.ndjson", 20, FaultKind::Reordered);

    let dir = log.export();
    dir.change("tile/entries/001", |b| (0..34).for_each(|k| b.swap(34 * 3 + k, 34 * 9 + k)));
    expect(&log, &dir, "tile/entries/001", 259, FaultKind::Reordered);

    let dir = log.export();
    dir.change("tile/0/001", |b| (0..32).for_each(|k| b.swap(32 * 3 + k, 32 * 9 + k)));
    expect(&log, &dir, "tile/0/001", 259, FaultKind::Reordered);
}

#[test]
fn what_the_log_does_not_account_for_was_added() {
    let log = Log::of_size(700);
    let dir = log.export();
    dir.change_lines("entries/000000.ndjson", |lines| {
        lines.push(lines[699].replacen("\"index\":699", "\"index\":700", 1))
    });
    expect(&log, &dir, "entries/000000.ndjson", 700, FaultKind::Added);
    let dir = log.export();
    dir.change_lines("entries/000000.ndjson", |lines| lines.insert(5, lines[4].clone()));
    expect(&log, &dir, "entries/000000.ndjson", 5, FaultKind::Added);
    for name in ["entries/000001.ndjson", "entries/notes.txt", "tile/0/003", "tile/entries/002", "tile/2/000.p/1"] {
        let dir = log.export();
        dir.write(name, b"");
        expect(&log, &dir, name, None, FaultKind::Added);
    }
    let dir = log.export();
    dir.change("tile/0/000", |bytes| bytes.extend([0; 32]));
    expect(&log, &dir, "tile/0/000", 256, FaultKind::Added);
}

#[test]
fn another_key_and_a_bad_signature_are_told_apart() {
    let log = Log::of_size(10);
    let dir = log.export();
    let other = LogKeys::generate(&Seeded(9)).verifying_key(&log.origin).unwrap();
    let fault = |file: &str, kind| Err(Fault { file: file.to_owned(), entry: None, kind });
    assert_eq!(verify(dir.path(), &other, None, &mut |_, _| {}), fault("key", FaultKind::WrongKey));
    dir.write("key", format!("{other}\n").as_bytes());
    assert_eq!(verify(dir.path(), &other, None, &mut |_, _| {}), fault("checkpoint", FaultKind::WrongKey));

    let dir = log.export();
    dir.change("checkpoint", |bytes| {
        let at = bytes.windows(4).position(|w| w == b"\n10\n").unwrap();
        bytes[at + 2] = b'1';
    });
    expect(&log, &dir, "checkpoint", None, FaultKind::BadSignature);
}

#[test]
fn an_older_state_is_cut_off_when_a_newer_checkpoint_was_kept() {
    let mut log = Log::of_size(600);
    let yesterday = log.export();
    log.grow_to(700);
    let kept = log.writer.checkpoint();
    let fault = Fault { file: "checkpoint".to_owned(), entry: Some(600), kind: FaultKind::CutOff };
    assert_eq!(check(&log, &yesterday, Some(&kept)), Err(fault));
    // Without it nothing can tell, and the documentation says so.
    assert!(check(&log, &yesterday, None).is_ok());
}

#[test]
fn a_rewritten_and_signed_again_past_is_a_fork() {
    let kept = {
        let log = Log::of_size(600);
        log.writer.checkpoint()
    };
    for size in [600, 601, 5_000] {
        let mut forked = Log::new(1);
        forked.append(&[entry(99)]);
        forked.grow_to(size);
        let dir = forked.export();
        assert!(check(&forked, &dir, None).is_ok());
        let fault = Fault { file: "checkpoint".to_owned(), entry: None, kind: FaultKind::Fork };
        assert_eq!(check(&forked, &dir, Some(&kept)), Err(fault));
    }
}

#[test]
fn a_kept_checkpoint_that_is_not_of_this_log_is_refused() {
    let log = Log::of_size(10);
    let dir = log.export();
    let other = Log::new(9).writer.checkpoint();
    let fault = |kind| Err(Fault { file: "kept checkpoint".to_owned(), entry: None, kind });
    assert_eq!(check(&log, &dir, Some(&other)), fault(FaultKind::WrongKey));
    assert_eq!(check(&log, &dir, Some(b"not a note")), fault(FaultKind::Changed));
}

#[test]
fn all_files_rewritten_alike_without_the_key_do_not_fit_the_signed_root() {
    let log = Log::of_size(200);
    let mut other = Log::new(1);
    other.append(&[entry(99)]);
    other.grow_to(200);
    let dir = other.export();
    dir.write("checkpoint", &log.writer.checkpoint());
    expect(&log, &dir, "checkpoint", None, FaultKind::Changed);
}

#[test]
fn a_fault_reads_as_a_sentence() {
    let fault = Fault { file: "entries/000000.ndjson".to_owned(), entry: Some(17), kind: FaultKind::Removed };
    assert_eq!(fault.to_string(), "entries/000000.ndjson, entry 17: was removed");
}
