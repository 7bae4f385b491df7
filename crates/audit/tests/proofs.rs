//! Proofs against the vectors of transparency-dev and against a log that another implementation wrote.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use aceso_audit::{
    Checkpoint, Hash, NoteError, ProofError, VerifyingKey, empty_root, leaf_hash, node_hash, verify_consistency,
    verify_inclusion,
};
use data_encoding::BASE64;
use serde::Deserialize;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Hashes that are not 32 bytes are refused here by their type, as a verifier must.
fn hash(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).unwrap().try_into().ok()
}

fn hashes(texts: &Option<Vec<String>>) -> Option<Vec<Hash>> {
    texts.iter().flatten().map(|text| hash(text)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    name: String,
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    name: String,
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// The names of the vectors on which we differ from `wantErr`.
fn disagreements<V: for<'a> Deserialize<'a>>(file: &str, judge: impl Fn(&V) -> (String, bool, bool)) -> Vec<String> {
    let text = std::fs::read_to_string(testdata(file)).unwrap();
    let vectors: Vec<V> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(vectors.len(), 98);
    vectors.iter().map(judge).filter(|(_, refused, want)| refused != want).map(|(name, ..)| name).collect()
}

#[test]
fn every_inclusion_vector_is_judged_as_the_reference_does() {
    let different = disagreements("merkle/inclusion.ndjson", |v: &Inclusion| {
        let (leaf, root, proof) = (hash(&v.leaf_hash), hash(&v.root), hashes(&v.proof));
        let fine = leaf.zip(root).zip(proof).is_some_and(|((leaf, root), proof)| {
            verify_inclusion(&leaf, v.leaf_idx, v.tree_size, &proof, &root).is_ok()
        });
        (v.name.clone(), !fine, v.want_err)
    });
    assert_eq!(different, Vec::<String>::new());
}

#[test]
fn every_consistency_vector_is_judged_as_the_reference_does_but_the_one_with_roots_that_are_no_hashes() {
    let different = disagreements("merkle/consistency.ndjson", |v: &Consistency| {
        let (old, new, proof) = (hash(&v.root1), hash(&v.root2), hashes(&v.proof));
        let fine = old
            .zip(new)
            .zip(proof)
            .is_some_and(|((old, new), proof)| verify_consistency(v.size1, v.size2, &proof, &old, &new).is_ok());
        (v.name.clone(), !fine, v.want_err)
    });
    let text = std::fs::read_to_string(testdata("merkle/consistency.ndjson")).unwrap();
    let vectors = text.lines().map(|line| serde_json::from_str::<Consistency>(line).unwrap());
    let no_hashes: Vec<String> = vectors.filter(|v| !v.want_err && hash(&v.root1).is_none()).map(|v| v.name).collect();
    assert_eq!(different, no_hashes);
    assert_eq!(different.len(), 1);
}

/// The key of the log under `testdata/tessera`, from transparency-dev/tessera `testdata/build_log.sh`.
const TESSERA_KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

fn tessera(size: u64, key: &VerifyingKey) -> Checkpoint {
    Checkpoint::open(&std::fs::read(testdata(&format!("tessera/checkpoint.{size}"))).unwrap(), key).unwrap()
}

fn tree(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&tree(left), &tree(right))
        }
    }
}

#[test]
fn a_log_by_another_implementation_verifies_at_every_size() {
    let key = VerifyingKey::parse(TESSERA_KEY).unwrap();
    assert_eq!(key.to_string(), TESSERA_KEY);
    for size in 0..=15_u64 {
        let head = tessera(size, &key);
        assert_eq!(head.size, size);
        if size == 0 {
            assert_eq!(head.root, empty_root());
            continue;
        }
        let tile = std::fs::read(testdata(&format!("tessera/tile/0/000.p/{size}"))).unwrap();
        let leaves = tile.as_chunks::<32>().0;
        assert_eq!(leaves.len() as u64, size);
        assert_eq!(tree(leaves), head.root);
        let bundle = std::fs::read(testdata(&format!("tessera/tile/entries/000.p/{size}"))).unwrap();
        let mut rest = bundle.as_slice();
        for leaf in leaves {
            let (length, after) = rest.split_first_chunk::<2>().unwrap();
            let (entry, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            assert_eq!(leaf_hash(entry), *leaf);
            rest = after;
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn a_checkpoint_that_was_touched_does_not_open() {
    let key = VerifyingKey::parse(TESSERA_KEY).unwrap();
    let note = std::fs::read(testdata("tessera/checkpoint.15")).unwrap();
    for at in 0..note.len() {
        let mut changed = note.clone();
        changed[at] ^= 1;
        assert!(Checkpoint::open(&changed, &key).is_err(), "byte {at}");
    }
    let text = String::from_utf8(note).unwrap();
    for (from, to, error) in [
        ("\n15\n", "\n14\n", NoteError::BadSignature),
        ("\n15\n", "\n015\n", NoteError::Malformed),
        ("\n15\n", "\n+15\n", NoteError::Malformed),
        ("\n\n", "\n\n\n", NoteError::Malformed),
        ("\u{2014} ", "- ", NoteError::Malformed),
        ("example.com", "example.net", NoteError::WrongKey),
        ("cs=\n\n", "cs=\nmore\n\n", NoteError::BadSignature),
    ] {
        assert_eq!(Checkpoint::open(text.replace(from, to).as_bytes(), &key), Err(error), "{from:?} to {to:?}");
    }
}

#[test]
fn a_checkpoint_opens_with_the_signatures_of_witnesses_on_it() {
    let key = VerifyingKey::parse(TESSERA_KEY).unwrap();
    let mut note = std::fs::read(testdata("tessera/checkpoint.15")).unwrap();
    note.extend_from_slice(format!("\u{2014} witness.example {}\n", BASE64.encode(&[9; 76])).as_bytes());
    assert_eq!(Checkpoint::open(&note, &key), Ok(tessera(15, &key)));
}

#[test]
fn a_verifier_key_with_another_name_or_hash_is_refused() {
    for text in [
        "example.com/log/testdata+33d7b497+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
        "example.com/log/testdatb+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
        "example.com/log/testdata+33d7b496+AuHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
        "example.com/log/testdata+33d7b496",
        "",
    ] {
        assert_eq!(VerifyingKey::parse(text), Err(NoteError::Key));
    }
}

#[test]
fn proofs_for_sizes_that_cannot_be_are_refused() {
    assert!(matches!(verify_inclusion(&[0; 32], 1, 1, &[], &[0; 32]), Err(ProofError::Size)));
    assert!(matches!(verify_inclusion(&[0; 32], 0, 0, &[], &[0; 32]), Err(ProofError::Size)));
    assert!(matches!(verify_consistency(2, 1, &[], &[0; 32], &[0; 32]), Err(ProofError::Size)));
    assert!(verify_inclusion(&[0; 32], u64::MAX - 1, u64::MAX, &[[0; 32]; 64], &[0; 32]).is_err());
    assert!(verify_consistency(1 << 63, u64::MAX, &[[0; 32]; 64], &[0; 32], &[0; 32]).is_err());
    assert!(verify_consistency(u64::MAX - 1, u64::MAX, &[[0; 32]; 64], &[0; 32], &[0; 32]).is_err());
}
