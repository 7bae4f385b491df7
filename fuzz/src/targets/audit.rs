//! Entries and checkpoints of the audit log.

use aceso_audit::{Action, Checkpoint, Entry, VerifyingKey};
use aceso_base::{Interaction, Region, SubjectId, Timestamp};
use std::sync::LazyLock;

/// The example of C2SP signed-note: a key whose private half is not here.
const FOREIGN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static KEY: LazyLock<Option<VerifyingKey>> = LazyLock::new(|| VerifyingKey::parse(FOREIGN_KEY).ok());

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let region = Region::parse("us").unwrap();
    let plain = Entry::system(&region, Action::from(Interaction::Read));
    let rich = plain
        .clone()
        .with_subject(SubjectId([7; 16]))
        .with_count(3)
        .with_parameters(["name", "birthdate"])
        .with_policy("v1");
    let encoded = |entry: &Entry| {
        let mut out = Vec::new();
        entry.encode(Timestamp(1_700_000_000_000), &mut out);
        out
    };
    let note =
        b"example.org/log\n5\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n\xe2\x80\x94 example.org/log AAAAAbc=\n"
            .to_vec();
    vec![encoded(&plain), encoded(&rich), note]
}

pub(super) fn target(bytes: &[u8]) {
    if let Ok((time, entry)) = Entry::decode(bytes) {
        let mut again = Vec::new();
        entry.encode(time, &mut again);
        assert!(again == bytes, "two encodings of one entry");
    }
    if let Some(key) = &*KEY {
        assert!(Checkpoint::open(bytes, key).is_err(), "a checkpoint without a signature opened");
    }
}
