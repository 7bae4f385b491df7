//! Records, current and past.

use super::Fixture;
use super::kit::{Sample, done, key, put, refused, rtype_of, tenant};
use crate::{Reader, Unit};
use aceso_base::{LogicalId, Timestamp, Version};

/// The first version can be read in every way.
pub fn a_new_record_is_current_and_its_own_history<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "p1");
    assert_eq!(store.head(&name).unwrap(), None);
    let first = put(&name, 1);
    done(&store, first.clone().unit());
    assert_eq!(store.head(&name).unwrap(), Some(first.row.head.clone()));
    assert_eq!(store.current(&name).unwrap(), Some(first.row.clone()));
    assert_eq!(store.version(&name, Version(1)).unwrap(), Some(first.row.clone()));
    assert_eq!(store.version(&name, Version(2)).unwrap(), None);
    assert_eq!(store.history(&name, None, 10).unwrap(), [first.row]);
}

/// After an update both versions can be read, exactly.
pub fn an_update_keeps_what_it_replaced<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "o1");
    let (first, second) = (put(&name, 1), put(&name, 2).under(9));
    done(&store, first.clone().unit());
    done(&store, second.clone().unit());
    assert_eq!(store.current(&name).unwrap(), Some(second.row.clone()));
    assert_eq!(store.version(&name, Version(1)).unwrap(), Some(first.row));
    assert_eq!(store.version(&name, Version(2)).unwrap(), Some(second.row));
}

/// Pages of the history are complete.
pub fn history_is_newest_first_and_pages_without_gaps<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "o1");
    (1..=7).for_each(|version| done(&store, put(&name, version).unit()));
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store.history(&name, before, 3).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.head.version);
        seen.extend(page.iter().map(|row| row.head.version.0));
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
}

/// A deleted record is known as deleted, keeps its past, and its next version makes it live.
pub fn a_deletion_is_a_version_and_the_record_can_come_back<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "o1");
    done(&store, put(&name, 1).unit());
    done(&store, put(&name, 2).deleted().unit());
    let current = store.current(&name).unwrap().unwrap();
    assert!(current.head.deleted && current.sealed.as_bytes().is_empty());
    assert_eq!(store.counts(&tenant("clinic")).unwrap(), []);
    done(&store, put(&name, 3).unit());
    assert_eq!(store.head(&name).unwrap().map(|head| head.deleted), Some(false));
    let deleted: Vec<bool> = store.history(&name, None, 9).unwrap().iter().map(|row| row.head.deleted).collect();
    assert_eq!(deleted, [false, true, false]);
    assert_eq!(store.counts(&tenant("clinic")).unwrap(), [(rtype_of("Observation"), 1)]);
}

/// Gaps stay in their place.
pub fn several_records_are_read_in_the_order_asked<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let (a, b) = (key("Patient", "a"), key("Observation", "b"));
    let ids = [&b, &key("Patient", "none"), &a].map(|key| (key.rtype, key.id.clone()));
    assert_eq!(store.currents(&tenant("clinic"), &ids).unwrap(), [None, None, None]);
    done(&store, Unit { puts: vec![put(&a, 1), put(&b, 1)], ..Unit::default() });
    let found = store.currents(&tenant("clinic"), &ids).unwrap();
    assert_eq!(found, [Some(put(&b, 1).row), None, Some(put(&a, 1).row)]);
}

/// The same names under another tenant are other records.
pub fn records_of_tenants_do_not_meet<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let here = key("Patient", "p1");
    let mut there = here.clone();
    there.tenant = tenant("hospital");
    done(&store, put(&here, 1).with_tokens(&["same"]).unit());
    assert_eq!(store.current(&there).unwrap(), None);
    let mut other = put(&there, 1).of(2).with_tokens(&["same"]);
    other.row.head.updated = Timestamp(5);
    done(&store, other.clone().unit());
    assert_eq!(store.current(&there).unwrap(), Some(other.row));
    assert_eq!(store.current(&here).unwrap(), Some(put(&here, 1).row));
    let found = store.by_tokens(&there.tenant, there.rtype, &[super::kit::token("same")], 9).unwrap();
    assert_eq!(found.found.iter().map(|one| one.subject).collect::<Vec<_>>(), [super::subject(2)]);
}

/// In order of time and id, in pages, deleted ones left out.
pub fn live_records_are_found_by_the_time_of_their_change<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for (id, at) in [("a", 30), ("b", 10), ("c", 20), ("d", 20), ("e", 99)] {
        let mut put = put(&key("Observation", id), 1);
        put.row.head.updated = Timestamp(at);
        done(&store, put.unit());
    }
    done(&store, put(&key("Observation", "c"), 2).deleted().unit());
    let (clinic, rtype) = (tenant("clinic"), rtype_of("Observation"));
    let mut seen = Vec::new();
    let mut after: Option<(Timestamp, LogicalId)> = None;
    loop {
        let from = after.as_ref().map(|(at, id)| (*at, id));
        let page = store.updated_between(&clinic, rtype, Timestamp(10), Timestamp(99), from, 2).unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.head.updated, last.id.clone()));
        seen.extend(page.iter().map(|one| one.id.to_string()));
    }
    assert_eq!(seen, ["b", "d", "a"]);
}

/// What was acknowledged is there in the next process.
pub fn everything_is_there_after_opening_again<F: Fixture>() {
    let fixture = F::new();
    let name = key("Patient", "p1");
    let store = fixture.open();
    done(&store, put(&name, 1).unit());
    done(&store, put(&name, 2).with_tokens(&["x"]).unit());
    drop(store);
    let store = fixture.open();
    assert_eq!(store.history(&name, None, 9).unwrap(), [put(&name, 2).row, put(&name, 1).row]);
    done(&store, put(&name, 3).unit());
    assert_eq!(store.changes(0, 9).unwrap().last().map(|event| event.seq), Some(3));
}

/// A gap, a repetition or a wrong first version is refused, also without a precondition.
pub fn versions_must_follow_each_other<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "p1");
    assert_eq!(refused(&store, put(&name, 2).unit()), 0);
    done(&store, put(&name, 1).unit());
    for wrong in [1, 3] {
        assert_eq!(refused(&store, put(&name, wrong).unit()), 0);
    }
    let twice = Unit { puts: vec![put(&name, 2), put(&name, 3)], ..Unit::default() };
    assert_eq!(refused(&store, twice), 1);
    assert_eq!(store.history(&name, None, 9).unwrap(), [put(&name, 1).row]);
}
