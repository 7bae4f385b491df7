//! The audit log on disk.

use super::Fixture;
use super::kit::{block_on, entry, verify_log};
use crate::{Store, Unit};

/// Tiles, commitments and checkpoint agree, whatever the batches were, and the next process goes on where the last ended.
pub fn the_log_verifies_over_many_batches_and_restarts<F: Fixture>() {
    let fixture = F::new();
    let mut expected = 0;
    for round in 1..=3 {
        let store = fixture.open();
        let waiting: Vec<_> = (0..60_usize)
            .map(|number| {
                let count = 1 + number % 7 * round;
                expected += count as u64;
                store.commit(Unit { entries: vec![entry(); count], ..Unit::default() })
            })
            .collect();
        waiting.into_iter().for_each(|waiting| assert!(block_on(waiting).is_ok()));
        assert_eq!(verify_log(store.log()), expected);
    }
    assert!(expected > 1024, "several full tiles");
}

/// Any range gives exactly its commitments, and the batches that touch it; beyond the end is an error.
pub fn parts_of_the_log_are_read_exactly<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    for count in [3, 1, 5, 2] {
        block_on(store.commit(Unit { entries: vec![entry(); count], ..Unit::default() })).unwrap();
    }
    let all = store.log().commitments(0..11).unwrap();
    for from in 0..11_u64 {
        for to in from..=11 {
            let part = store.log().commitments(from..to).unwrap();
            assert_eq!(part, all[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()]);
            let bodies = store.log().bodies(from..to).unwrap();
            assert_eq!(bodies.is_empty(), from == to);
            if let (Some(first), Some(last)) = (bodies.first(), bodies.last()) {
                assert!(first.first <= from && first.first + u64::from(first.count) > from);
                assert!(last.first < to && last.first + u64::from(last.count) >= to);
            }
        }
    }
    assert!(store.log().commitments(0..12).is_err());
    assert_eq!(store.log().full_tile(0, 0).unwrap(), None);
}
