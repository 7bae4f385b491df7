//! Documents and their revisions.

use super::Fixture;
use super::kit::{done, refused};
use crate::{Document, DocumentWrite, Precondition, Reader, Unit};

fn write(space: &str, key: &str, bytes: Option<&[u8]>) -> Unit {
    let document = DocumentWrite { space: space.into(), key: key.into(), bytes: bytes.map(<[u8]>::to_vec) };
    Unit { documents: vec![document], ..Unit::default() }
}

fn expecting(mut unit: Unit, expected: Option<u64>) -> Unit {
    let conditions = unit.documents.iter().map(|document| Precondition::DocumentRevision {
        space: document.space.clone(),
        key: document.key.clone(),
        expected,
    });
    unit.preconditions = conditions.collect();
    unit
}

/// Of two writers who read the same revision, the second is refused.
pub fn documents_are_replaced_only_at_the_expected_revision<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    assert_eq!(store.document("people", "ann").unwrap(), None);
    done(&store, expecting(write("people", "ann", Some(b"1")), None));
    assert_eq!(refused(&store, expecting(write("people", "ann", Some(b"2")), None)), 0);
    let Document { revision, bytes } = store.document("people", "ann").unwrap().unwrap();
    assert_eq!(bytes, b"1");
    done(&store, expecting(write("people", "ann", Some(b"3")), Some(revision)));
    assert_eq!(refused(&store, expecting(write("people", "ann", Some(b"4")), Some(revision))), 0);
    assert_eq!(store.document("people", "ann").unwrap().unwrap().bytes, b"3");
    assert_eq!(store.document("clients", "ann").unwrap(), None);
}

/// A document that was removed and made again has a new revision, so an old one never fits by chance.
pub fn revisions_never_repeat<F: Fixture>() {
    let fixture = F::new();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let store = fixture.open();
        for _ in 0..2 {
            done(&store, write("jobs", "sync", Some(b"x")));
            seen.push(store.document("jobs", "sync").unwrap().unwrap().revision);
            done(&store, write("jobs", "sync", None));
            assert_eq!(store.document("jobs", "sync").unwrap(), None);
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b));
}

/// In pages, one space only.
pub fn documents_are_listed_by_key<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for (space, key) in [("a", "2"), ("a", "1"), ("b", "1"), ("a", "3")] {
        done(&store, write(space, key, Some(key.as_bytes())));
    }
    let keys = |after, limit| {
        let found = store.documents("a", after, limit).unwrap();
        found.into_iter().map(|(key, document)| (key, document.bytes)).collect::<Vec<_>>()
    };
    let one = |key: &str| (key.to_owned(), key.as_bytes().to_vec());
    assert_eq!(keys(None, 2), [one("1"), one("2")]);
    assert_eq!(keys(Some("2"), 2), [one("3")]);
    assert_eq!(keys(Some("3"), 2), []);
}
