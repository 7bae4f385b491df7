//! Whatever the batches and whatever the change: untouched verifies, touched does not.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use aceso_audit::{FaultKind, Sequencer, verify};
use common::{Dir, Log, WriteError, entry};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Refuse(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u64..90).prop_map(Step::Append),
        1 => (1_u64..300).prop_map(Step::Refuse),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..14)
}

fn play(steps: &[Step]) -> Log {
    let mut log = Log::new(4);
    log.append(&[entry(0)]);
    for step in steps {
        let size = log.writer.size();
        let batch = |count: u64| (size..size + count).map(entry).collect::<Vec<_>>();
        match step {
            Step::Append(count) => drop(log.append(&batch(*count))),
            Step::Refuse(count) => {
                let refused = log.writer.append(common::START, &batch(*count), |_| Err(WriteError::Refused));
                assert!(matches!(refused, Err(WriteError::Refused)));
            }
            Step::Restart => {
                log.writer = Sequencer::resume(&log.keys, &log.origin, &log.stored.state, &log.stored).unwrap();
            }
        }
    }
    log
}

#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, u8),
    Remove,
    Empty,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (any::<prop::sample::Index>(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => any::<prop::sample::Index>().prop_map(Change::Cut),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => Just(Change::Remove),
        1 => Just(Change::Empty),
    ]
}

fn apply(dir: &Dir, name: &str, change: &Change) {
    match change {
        Change::Flip(at, bit) => dir.change(name, |b| {
            let at = at.index(b.len());
            b[at] ^= 1 << bit;
        }),
        Change::Cut(at) => dir.change(name, |b| b.truncate(at.index(b.len()))),
        Change::Insert(at, byte) => dir.change(name, |b| b.insert(at.index(b.len()), *byte)),
        Change::Remove => dir.remove(name),
        Change::Empty => dir.write(name, b""),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_history_verifies_and_any_change_to_any_file_is_found(
        steps in steps(),
        file in any::<prop::sample::Index>(),
        change in change(),
    ) {
        let log = play(&steps);
        let dir = log.export();
        let key = log.writer.verifying_key();
        let verified = verify(dir.path(), key, None, &mut |_, _| {});
        prop_assert_eq!(verified.map(|v| v.size), Ok(log.writer.size()));
        let names = dir.files();
        let name = file.get(&names);
        apply(&dir, name, &change);
        let fault = verify(dir.path(), key, None, &mut |_, _| {});
        prop_assert!(fault.is_err(), "{} {:?}", name, change);
        if let Err(fault) = fault {
            prop_assert!(fault.file == *name || fault.file == "checkpoint", "{} {:?}: {}", name, change, fault);
            prop_assert!(fault.kind != FaultKind::Unreadable);
        }
    }
}
