//! Search parts, links and tokens.

use super::Fixture;
use super::kit::{Sample, done, entry, key, put, rtype_of, scanned, subject, tenant, token};
use crate::{KeyWrite, Reader, Store as _, TokenStats, Unit};
use aceso_base::{LogicalId, Timestamp, Version};
use aceso_phi::IndexToken;
use std::ops::ControlFlow;

fn found(store: &impl Reader, rtype: &str, values: &[&str]) -> Vec<String> {
    let tokens: Vec<IndexToken> = values.iter().map(|value| token(value)).collect();
    let found = store.by_tokens(&tenant("clinic"), rtype_of(rtype), &tokens, 100).unwrap();
    assert!(!found.limit_hit);
    found.found.iter().map(|one| one.id.to_string()).collect()
}

/// By type and id, only this subject's, only live ones, only those that can be searched.
pub fn a_compartment_is_scanned_in_order_and_by_type<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for (rtype, id, of) in [
        ("Patient", "p", 1),
        ("Observation", "b", 1),
        ("Observation", "a", 1),
        ("Condition", "c", 1),
        ("Condition", "d", 2),
    ] {
        done(&store, put(&key(rtype, id), 1).of(of).unit());
    }
    done(&store, put(&key("Condition", "c"), 2).deleted().unit());
    let mut bare = put(&key("Encounter", "bare"), 1);
    bare.search = None;
    done(&store, bare.unit());
    let ids = |types: &[&str]| scanned(&store, 1, types).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(&[]), ["Observation/a", "Observation/b", "Patient/p"]);
    assert_eq!(ids(&["Patient", "Observation", "Patient"]), ["Observation/a", "Observation/b", "Patient/p"]);
    assert_eq!(ids(&["Patient"]), ["Patient/p"]);
    assert_eq!(ids(&["Condition"]), [""; 0]);
    done(&store, put(&key("Patient", "p"), 2).unit());
    let mut rows = Vec::new();
    store
        .scan_search(&tenant("clinic"), subject(1), &[rtype_of("Patient")], &mut |row| {
            rows.push((row.version, row.updated, row.subject_key_version, row.sealed.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(rows, [(Version(2), Timestamp(2000), 1, b"search of Patient p 2".to_vec())]);
}

/// What a search of a compartment could answer otherwise is counted: own records, links that come and go, moves, the shred.
pub fn every_change_of_a_compartment_is_counted_before_the_answer<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let mut before = [0; 4];
    let mut grew = || {
        let now = [1, 2, 3, 4].map(|number| store.changes_of(subject(number)));
        let grew = [0, 1, 2, 3].map(|at| now[at] > before[at]);
        before = now;
        grew
    };
    let shared = key("Observation", "shared");
    done(&store, put(&shared, 1).of(1).unit());
    assert_eq!(grew(), [true, false, false, false], "a new record");
    done(&store, put(&shared, 2).of(1).with_links(&[2]).unit());
    assert_eq!(grew(), [true, true, false, false], "a new link");
    done(&store, put(&shared, 3).of(1).with_links(&[3]).unit());
    assert_eq!(grew(), [true, true, true, false], "a link that went and one that came");
    done(&store, put(&shared, 4).of(4).with_links(&[3]).unit());
    assert_eq!(grew(), [true, false, true, true], "a move");
    done(&store, put(&shared, 5).of(4).deleted().unit());
    assert_eq!(grew(), [false, false, true, true], "a deletion");
    done(&store, put(&shared, 6).of(4).with_links(&[3]).unit());
    assert_eq!(grew(), [false, false, true, true], "and a return");
    let shred = KeyWrite::ShredSubject { tenant: tenant("clinic"), subject: subject(4), at: Timestamp(9) };
    done(&store, Unit { keys: vec![shred], entries: vec![entry()], ..Unit::default() });
    assert_eq!(grew(), [false, false, true, true], "a shred");
    done(&store, Unit { entries: vec![entry()], ..Unit::default() });
    assert_eq!(grew(), [false; 4], "an entry of the log alone");
}

/// A create, an update, a return and a re-seal that give a token; what takes one away need not.
pub fn every_token_that_is_given_changes_its_mark_before_the_answer<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let patient = rtype_of("Patient");
    let mark = |values: &[&str]| {
        let tokens: Vec<IndexToken> = values.iter().map(|value| token(value)).collect();
        store.mark_of_tokens(patient, &tokens)
    };
    let record = key("Patient", "p");
    let mut seen = vec![mark(&["roe", "jane"])];
    let mut changed = |what: &str| {
        let now = mark(&["roe", "jane"]);
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    done(&store, put(&record, 1).with_tokens(&["roe"]).unit());
    changed("a new record");
    done(&store, put(&record, 2).with_tokens(&["doe", "jane"]).unit());
    changed("another name");
    done(&store, put(&record, 3).deleted().unit());
    done(&store, put(&record, 4).with_tokens(&["roe"]).unit());
    changed("a return");
    let mut again = put(&record, 4).with_tokens(&["roe"]);
    again.reseal = true;
    done(&store, again.unit());
    changed("a re-seal that puts tokens back");
    let before = mark(&["roe"]);
    done(&store, Unit { entries: vec![entry()], ..Unit::default() });
    assert_eq!(mark(&["roe"]), before, "an entry of the log alone");
}

/// Also when nothing was written in between: a mark of one life of the store says nothing about another.
pub fn marks_of_two_openings_are_never_the_same<F: Fixture>() {
    let fixture = F::new();
    let first = fixture.open().mark_of_tokens(rtype_of("Patient"), &[token("roe")]);
    assert_ne!(fixture.open().mark_of_tokens(rtype_of("Patient"), &[token("roe")]), first);
}

/// After `Break` nothing more is visited.
pub fn a_scan_stops_when_told<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for id in ["a", "b", "c"] {
        done(&store, put(&key("Observation", id), 1).unit());
    }
    done(&store, put(&key("Observation", "linked"), 1).of(2).with_links(&[1]).unit());
    let mut seen = 0;
    store
        .scan_search(&tenant("clinic"), subject(1), &[], &mut |_| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 2);
}

/// A record that belongs to several compartments is found in each, sealed for its home; links follow its versions.
pub fn linked_records_come_with_their_own_subject<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let shared = key("Observation", "shared");
    done(&store, put(&key("Observation", "own"), 1).of(2).unit());
    done(&store, put(&shared, 1).of(1).with_links(&[2, 3, 1, 2]).unit());
    let own = ("Observation/own".to_owned(), subject(2));
    let linked = ("Observation/shared".to_owned(), subject(1));
    assert_eq!(scanned(&store, 2, &[]), [own.clone(), linked.clone()]);
    assert_eq!(scanned(&store, 3, &["Observation"]), std::slice::from_ref(&linked));
    assert_eq!(scanned(&store, 3, &["Condition"]), []);
    assert_eq!(scanned(&store, 1, &[]), std::slice::from_ref(&linked));
    done(&store, put(&shared, 2).of(1).with_links(&[3]).unit());
    assert_eq!(scanned(&store, 2, &[]), [own]);
    assert_eq!(scanned(&store, 3, &[]), [linked]);
    let names = |of: u8, types: &[&str], limit| {
        let types: Vec<_> = types.iter().map(|name| rtype_of(name)).collect();
        let found = store.linked(&tenant("clinic"), subject(of), &types, limit).unwrap();
        found.into_iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(3, &[], 10), ["shared"]);
    assert_eq!(names(3, &["Condition"], 10), [""; 0]);
    assert_eq!(names(3, &["Condition", "Observation"], 10), ["shared"]);
    assert_eq!(names(3, &[], 0), [""; 0]);
    assert_eq!((names(1, &[], 10), names(2, &[], 10)), (vec![], vec![]), "its home, and whom it names no more");
    done(&store, put(&shared, 3).of(1).deleted().unit());
    assert_eq!(scanned(&store, 3, &[]), []);
    assert_eq!(names(3, &[], 10), [""; 0]);
}

/// Asked with a subject, a record outside its compartment does not exist.
pub fn search_parts_of_given_records_stay_inside_the_compartment<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let (own, linked, other) = (key("Observation", "own"), key("Observation", "linked"), key("Observation", "other"));
    done(&store, put(&own, 1).of(1).unit());
    done(&store, put(&linked, 1).of(2).with_links(&[1]).unit());
    done(&store, put(&other, 1).of(2).unit());
    let asked = [&other, &linked, &own].map(|key| (key.rtype, key.id.clone()));
    let rows = |subject| {
        let rows = store.search_rows(&tenant("clinic"), subject, &asked).unwrap();
        rows.into_iter().map(|row| row.map(|row| (row.id.to_string(), row.subject))).collect::<Vec<_>>()
    };
    let row = |id: &str, number| Some((id.to_owned(), subject(number)));
    assert_eq!(rows(Some(subject(1))), [None, row("linked", 2), row("own", 1)]);
    assert_eq!(rows(None), [row("other", 2), row("linked", 2), row("own", 1)]);
    assert_eq!(store.search_rows(&tenant("nobody"), None, &asked).unwrap(), [None, None, None]);
}

/// A deletion takes the tokens along.
pub fn tokens_lead_to_live_records_only<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let (a, b) = (key("Patient", "a"), key("Patient", "b"));
    done(&store, put(&a, 1).with_tokens(&["family=smith", "born=1970"]).unit());
    done(&store, put(&b, 1).with_tokens(&["born=1970"]).unit());
    assert_eq!(found(&store, "Patient", &["family=smith", "born=1970"]), ["a", "b"]);
    assert_eq!(found(&store, "Observation", &["born=1970"]), [""; 0]);
    done(&store, put(&a, 2).deleted().unit());
    assert_eq!(found(&store, "Patient", &["family=smith"]), [""; 0]);
    assert_eq!(found(&store, "Patient", &["born=1970"]), ["b"]);
    done(&store, put(&a, 3).with_tokens(&["family=smith"]).unit());
    assert_eq!(found(&store, "Patient", &["family=smith"]), ["a"]);
}

/// Only the tokens of the current version lead to a record.
pub fn tokens_of_replaced_versions_are_gone<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "a");
    done(&store, put(&name, 1).with_tokens(&["old", "kept", "kept"]).unit());
    done(&store, put(&name, 2).with_tokens(&["kept", "new"]).unit());
    assert_eq!(found(&store, "Patient", &["old"]), [""; 0]);
    assert_eq!(found(&store, "Patient", &["kept"]), ["a"]);
    assert_eq!(found(&store, "Patient", &["new"]), ["a"]);
    done(&store, put(&name, 3).unit());
    assert_eq!(found(&store, "Patient", &["kept", "new", "old"]), [""; 0]);
    assert_eq!(store.token_stats(&tenant("clinic")).unwrap(), []);
}

/// Nothing is left out in silence; exactly the limit is no excess.
pub fn more_candidates_than_the_limit_are_told<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for id in ["a", "b", "c"] {
        done(&store, put(&key("Patient", id), 1).with_tokens(&["x", id]).unit());
    }
    let by = |limit| store.by_tokens(&tenant("clinic"), rtype_of("Patient"), &[token("x"), token("a")], limit).unwrap();
    assert_eq!((by(3).found.len(), by(3).limit_hit), (3, false));
    assert_eq!((by(2).found.len(), by(2).limit_hit), (2, true));
}

/// Search part, tokens and links name the new home and nothing of the old one remains.
pub fn a_record_that_changes_its_subject_moves_with_its_index<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "o");
    done(&store, put(&name, 1).of(1).with_tokens(&["t"]).with_links(&[2, 3]).unit());
    done(&store, put(&name, 2).of(2).with_tokens(&["t"]).with_links(&[3]).unit());
    let row = ("Observation/o".to_owned(), subject(2));
    assert_eq!(scanned(&store, 1, &[]), []);
    assert_eq!(scanned(&store, 2, &[]), std::slice::from_ref(&row));
    assert_eq!(scanned(&store, 3, &[]), [row]);
    let found = store.by_tokens(&tenant("clinic"), name.rtype, &[token("t")], 9).unwrap().found;
    assert_eq!(found.iter().map(|one| one.subject).collect::<Vec<_>>(), [subject(2)]);
}

/// All live records of one type, of whatever subject.
pub fn a_scan_of_a_type_crosses_subjects<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for (rtype, id, of) in [("Patient", "a", 1), ("Patient", "b", 2), ("Observation", "c", 1), ("Patient", "d", 3)] {
        done(&store, put(&key(rtype, id), 1).of(of).unit());
    }
    done(&store, put(&key("Patient", "d"), 2).of(3).deleted().unit());
    let mut seen = Vec::new();
    store
        .scan_type(&tenant("clinic"), rtype_of("Patient"), &mut |row| {
            seen.push((LogicalId::parse(row.id).unwrap().to_string(), row.subject));
            ControlFlow::Continue(())
        })
        .unwrap();
    seen.sort();
    assert_eq!(seen, [("a".to_owned(), subject(1)), ("b".to_owned(), subject(2))]);
}

/// What the leakage report says.
pub fn token_statistics_count_rows_values_and_the_largest_group<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for (id, values) in [("a", ["x", "1"]), ("b", ["x", "2"]), ("c", ["x", "3"])] {
        let mut put = put(&key("Patient", id), 1).with_tokens(&values);
        put.tokens.push(IndexToken::from_store(b"othr-same".to_vec()));
        done(&store, put.unit());
    }
    let expected = [
        TokenStats { namespace: *b"othr", rows: 3, distinct: 1, largest: 3 },
        TokenStats { namespace: *b"test", rows: 6, distinct: 4, largest: 3 },
    ];
    assert_eq!(store.token_stats(&tenant("clinic")).unwrap(), expected);
    assert_eq!(store.token_stats(&tenant("nobody")).unwrap(), []);
}

/// Every live record once, with the lists that it was stored with, whatever became of their rows.
pub fn the_index_of_records_is_walked_and_lost_rows_are_counted<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let clinic = tenant("clinic");
    assert_eq!(store.index_rows(&clinic, None, 9).unwrap(), []);
    let (a, b) = (key("Observation", "a"), key("Observation", "b"));
    let whole = put(&a, 1).with_tokens(&["x", "y"]).with_links(&[2, 3]);
    done(&store, whole.clone().unit());
    done(&store, put(&b, 1).unit());
    done(&store, put(&key("Observation", "gone"), 1).unit());
    done(&store, put(&key("Observation", "gone"), 2).deleted().unit());
    let rows = store.index_rows(&clinic, None, 9).unwrap();
    assert_eq!(rows.iter().map(|row| &row.key).collect::<Vec<_>>(), [&a, &b]);
    assert_eq!((&rows[0].head, &rows[0].search), (&whole.row.head, &whole.search));
    assert_eq!((rows[0].tokens.len(), rows[0].links.len(), rows[0].lost), (2, 2, 0));
    assert_eq!(store.index_rows(&clinic, None, 1).unwrap(), rows[..1]);
    assert_eq!(store.index_rows(&clinic, Some(rows[0].number), 9).unwrap(), rows[1..]);
    fixture.lose_index_rows(&store, &a);
    let rows = store.index_rows(&clinic, None, 9).unwrap();
    assert_eq!((rows[0].tokens.len(), rows[0].links.len(), rows[0].lost, rows[1].lost), (2, 2, 4, 0));
}

/// The same version with the same lists: what leads to it leads to it again.
pub fn resealing_with_a_search_part_puts_lost_rows_back<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "a");
    let whole = put(&name, 1).with_tokens(&["x", "y"]).with_links(&[2]);
    done(&store, whole.clone().unit());
    fixture.lose_index_rows(&store, &name);
    assert_eq!((found(&store, "Observation", &["x"]), scanned(&store, 2, &[])), (Vec::new(), Vec::new()));
    let mut again = whole;
    again.reseal = true;
    done(&store, again.unit());
    assert_eq!((found(&store, "Observation", &["x", "y"]).len(), scanned(&store, 2, &[]).len()), (1, 1));
    assert_eq!(store.index_rows(&tenant("clinic"), None, 9).unwrap()[0].lost, 0);
    assert_eq!(store.history(&name, None, 9).unwrap().len(), 1);
}
