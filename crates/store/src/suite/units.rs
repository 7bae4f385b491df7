//! Units of work: all or nothing, in order, and honest about failure.

use super::Fixture;
use super::kit::{
    Sample, at_version, block_on, commit, done, entry, key, put, refused, rtype_of, tenant, token, verify_log,
};
use crate::{CommitError, DocumentWrite, EventKind, KeyWrite, Precondition, Reader, Step, Store, StoreError, Unit};
use aceso_base::{Timestamp, Version};
use std::sync::Barrier;

/// None of a refused unit's steps is done, and the log has what it wrote for that case.
pub fn a_refused_unit_changes_nothing_and_writes_its_other_entries<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let (fine, wrong) = (key("Patient", "fine"), key("Patient", "wrong"));
    let unit = Unit {
        puts: vec![put(&fine, 1).with_tokens(&["t"]), put(&wrong, 5)],
        documents: vec![DocumentWrite { space: "s".into(), key: "k".into(), bytes: Some(vec![1]) }],
        entries: vec![entry(), entry(), entry()],
        on_refused: vec![entry(), entry()],
        ..Unit::default()
    };
    match commit(&store, unit) {
        Err(CommitError::Refused { failed: 1, receipts }) => {
            assert_eq!(receipts.iter().map(aceso_audit::Receipt::index).collect::<Vec<_>>(), [0, 1]);
        }
        other => unreachable!("{other:?}"),
    }
    assert_eq!(store.head(&fine).unwrap(), None);
    assert_eq!(store.document("s", "k").unwrap(), None);
    assert_eq!(store.changes(0, 9).unwrap(), []);
    assert_eq!(store.counts(&tenant("clinic")).unwrap(), []);
    assert_eq!(verify_log(store.log()), 2);
}

/// The number in the refusal leads to the field and the position.
pub fn each_step_can_refuse_and_is_named<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "p");
    let build = |condition: Option<u32>, version: u32, tenant_key: u32| Unit {
        preconditions: vec![at_version(&key("Patient", "other"), None), at_version(&name, condition)],
        puts: vec![put(&name, version)],
        keys: vec![KeyWrite::DestroyTenantKey { tenant: tenant("clinic"), version: tenant_key }],
        ..Unit::default()
    };
    for (unit, step) in [
        (build(Some(4), 1, 9), Step::Precondition(1)),
        (build(None, 2, 9), Step::Put(0)),
        (build(None, 1, 9), Step::Key(0)),
    ] {
        let shape = build(None, 1, 9);
        assert_eq!(shape.step(refused(&store, unit)), step);
    }
    assert_eq!(store.head(&name).unwrap(), None);
}

/// The same expected version by many at once: exactly one is applied, the others are told.
pub fn of_two_units_on_one_version_one_wins<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "p");
    done(&store, put(&name, 1).unit());
    for version in 2..12 {
        let barrier = Barrier::new(4);
        let won: usize = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut unit = put(&name, version).unit();
                        unit.preconditions = vec![at_version(&name, Some(version - 1))];
                        barrier.wait();
                        match commit(&store, unit) {
                            Ok(_) => 1,
                            Err(CommitError::Refused { failed: 0, .. }) => 0,
                            Err(other) => unreachable!("{other:?}"),
                        }
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
        assert_eq!(store.head(&name).unwrap().unwrap().version, Version(version));
    }
    // Both waiting before the writer looks: one batch.
    let unit = || Unit { preconditions: vec![at_version(&name, Some(11))], ..put(&name, 12).unit() };
    let (first, second) = (store.commit(unit()), store.commit(unit()));
    assert!(block_on(first).is_ok());
    assert!(matches!(block_on(second), Err(CommitError::Refused { failed: 0, .. })));
    assert_eq!(store.history(&name, None, 99).unwrap().len(), 12);
}

/// Many "create if there is none like it" at once make one record.
pub fn of_many_conditional_creates_one_wins<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let waiting: Vec<_> = (0..16)
        .map(|number| {
            let name = key("Patient", &format!("p{number}"));
            let condition = Precondition::NoRowWithToken {
                tenant: tenant("clinic"),
                rtype: name.rtype,
                token: token("mrn"),
                but: Vec::new(),
            };
            store.commit(Unit { preconditions: vec![condition], ..put(&name, 1).with_tokens(&["mrn"]).unit() })
        })
        .collect();
    let won = waiting.into_iter().map(block_on).filter(Result::is_ok).count();
    assert_eq!(won, 1);
    assert_eq!(store.counts(&tenant("clinic")).unwrap(), [(rtype_of("Patient"), 1)]);
}

/// A collision of truncated tokens that was found out does not stand in the way.
pub fn a_token_that_was_looked_at_does_not_block<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let (known, other) = (key("Patient", "known"), key("Patient", "other"));
    done(&store, put(&known, 1).with_tokens(&["t"]).unit());
    let condition = |but: &[&crate::RecordKey]| Precondition::NoRowWithToken {
        tenant: tenant("clinic"),
        rtype: known.rtype,
        token: token("t"),
        but: but.iter().map(|key| key.id.clone()).collect(),
    };
    let unit = |but: &[&crate::RecordKey]| Unit { preconditions: vec![condition(but)], ..Unit::default() };
    assert_eq!(refused(&store, unit(&[])), 0);
    done(&store, unit(&[&known]));
    done(&store, put(&other, 1).with_tokens(&["t"]).unit());
    assert_eq!(refused(&store, unit(&[&known])), 0);
    done(&store, unit(&[&known, &other]));
    done(&store, put(&known, 2).deleted().unit());
    done(&store, unit(&[&other]));
}

/// Indexes of a unit are its own and ascend; units are numbered in the order they were handed over.
pub fn receipts_come_one_for_each_entry_in_order<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let grant = aceso_base::Token16([3; 16]);
    let waiting: Vec<_> = (1..=20)
        .map(|count| store.commit(Unit { entries: vec![entry().with_grant(grant); count], ..Unit::default() }))
        .collect();
    let mut next = 0;
    for (waiting, count) in waiting.into_iter().zip(1..) {
        let receipts = block_on(waiting).unwrap();
        assert_eq!(receipts.len(), count);
        for receipt in receipts {
            assert_eq!((receipt.index(), receipt.grant()), (next, Some(grant)));
            assert!(receipt.tree_size() > receipt.index());
            next += 1;
        }
    }
    assert_eq!(verify_log(store.log()), next);
}

/// Readers on other connections see what was acknowledged, at once.
pub fn a_read_after_the_answer_sees_the_write<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    let name = key("Observation", &format!("o-{thread}-{number}"));
                    done(store, put(&name, 1).unit());
                    assert!(store.current(&name).unwrap().is_some());
                }
            });
        }
    });
    assert_eq!(store.counts(&tenant("clinic")).unwrap(), [(rtype_of("Observation"), 200)]);
}

/// The outbox tells what happened, only what was asked to be told, and pages.
pub fn events_come_in_order_without_gaps<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "p");
    let mut silent = put(&key("Patient", "silent"), 1);
    silent.event = false;
    done(&store, put(&name, 1).unit());
    done(&store, silent.unit());
    done(&store, put(&name, 2).unit());
    done(&store, put(&name, 3).deleted().unit());
    done(&store, put(&name, 4).unit());
    let events = store.changes(0, 99).unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.seq, event.version.0, event.kind)).collect();
    let expected = [
        (1, 1, EventKind::Created),
        (2, 2, EventKind::Updated),
        (3, 3, EventKind::Deleted),
        (4, 4, EventKind::Created),
    ];
    assert_eq!(told, expected);
    assert!(events.iter().all(|event| event.key == name && event.subject == super::subject(1)));
    assert_eq!(store.changes(2, 1).unwrap(), events[2..3]);
    assert_eq!(store.changes(4, 9).unwrap(), []);
}

/// Old ones go, the rest stays, and no position comes twice, also after a restart.
pub fn old_events_are_forgotten_and_positions_go_on<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "p");
    for version in 1..=4 {
        done(&store, put(&name, version).unit());
    }
    let forget = |before| Unit { forget_events_before: Some(Timestamp(before)), ..Unit::default() };
    let left = |store: &F::Store| store.changes(0, 99).unwrap().iter().map(|event| event.seq).collect::<Vec<_>>();
    done(&store, forget(1000));
    assert_eq!(left(&store), [1, 2, 3, 4]);
    done(&store, forget(3000));
    assert_eq!(left(&store), [3, 4]);
    done(&store, forget(9000));
    assert_eq!(left(&store), [0; 0]);
    drop(store);
    let store = fixture.open();
    done(&store, put(&name, 5).unit());
    assert_eq!(left(&store), [5]);
}

/// Nothing is acknowledged while the disk is full, nothing half is left, and it works again without help.
pub fn a_full_disk_acknowledges_nothing_and_recovers<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let large = |id: &str| {
        let mut put = put(&key("Observation", id), 1);
        put.row.sealed = aceso_phi::Sealed::from_store(vec![1; 200_000]);
        put.unit()
    };
    done(&store, large("before"));
    let size = verify_log(store.log());
    fixture.fill_disk(&store, true);
    for _ in 0..3 {
        let waiting: Vec<_> = ["a", "b", "c"].map(|id| store.commit(large(id))).into_iter().collect();
        for waiting in waiting {
            assert!(matches!(block_on(waiting), Err(CommitError::Unavailable(StoreError::Full))));
        }
    }
    assert_eq!(store.health().failed, Some(StoreError::Full));
    assert_eq!(store.head(&key("Observation", "a")).unwrap(), None);
    assert_eq!(verify_log(store.log()), size);
    fixture.fill_disk(&store, false);
    done(&store, large("a"));
    assert_eq!(store.health().failed, None);
    assert_eq!(verify_log(store.log()), size + 1);
    drop(store);
    assert_eq!(verify_log(fixture.open().log()), size + 1);
}

/// The rule that everything is audited is not the store's.
pub fn a_unit_without_entries_is_applied_too<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Patient", "p");
    assert_eq!(commit(&store, Unit { puts: vec![put(&name, 1)], ..Unit::default() }).unwrap(), []);
    assert!(store.head(&name).unwrap().is_some());
    assert_eq!(verify_log(store.log()), 0);
}

/// Handing over is what counts.
pub fn a_dropped_waiter_does_not_take_the_unit_back<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    drop(store.commit(put(&key("Patient", "p"), 1).unit()));
    done(&store, Unit { entries: vec![entry()], ..Unit::default() });
    assert!(store.head(&key("Patient", "p")).unwrap().is_some());
    assert_eq!(verify_log(store.log()), 2);
}
