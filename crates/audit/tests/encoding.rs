//! The stored formats do not move: permanent vectors, and one encoding per value.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::fmt::Write;
use std::path::Path;

use aceso_audit::{Action, Entry, Outcome};
use aceso_base::{Purpose, Role, SubjectId, Timestamp, Token16, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;
use common::{Log, caller, entry, record_id};
use data_encoding::HEXLOWER;

/// Compares with a file under `vectors/`. Those files are never rewritten: a stored format that changes gets a new version
/// byte and a new file.
fn assert_vector(name: &str, lines: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    if !path.exists() {
        std::fs::write(&path, lines).unwrap();
        panic!("{name} was not there; it has been written: look at it and keep it");
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), lines, "{name}");
}

fn canonical(entry: &Entry, time: i64) -> Vec<u8> {
    let mut out = Vec::new();
    entry.encode(Timestamp(time), &mut out);
    out
}

/// An entry with every field.
fn full() -> Entry {
    let mut caller = caller();
    caller.roles = Role::ALL.iter().copied().collect();
    caller.purpose = Purpose::EmergencyTreatment;
    let id = record_id(u64::from(u32::MAX));
    Entry::by(&caller, Action::Everything)
        .with_detail("detail")
        .with_outcome(Outcome::failed("open-failed"))
        .with_grant(Token16([1; 16]))
        .with_classes(ClassSet::ALL)
        .with_elements(["Patient.name", "Observation.value[x]"])
        .with_parameters(["birthdate"])
        .with_subjects([SubjectId::DIRECTORY, SubjectId::of_patient(id.as_str()).unwrap()])
        .with_record(ResourceType::parse("Observation").unwrap(), &id, Version(u32::MAX))
        .with_record(ResourceType::parse("Patient").unwrap(), &id, Version(1))
        .with_key(Token16([2; 16]), 300)
        .with_count(u64::MAX)
        .with_policy("labels-1/policy-1")
}

#[test]
fn canonical_bytes_are_those_of_the_permanent_vectors() {
    let mut lines = String::new();
    for (n, entry) in (0..10).map(entry).chain([full()]).enumerate() {
        let time = 1_795_000_000_000 + n as i64;
        writeln!(lines, "{} {}", HEXLOWER.encode(&canonical(&entry, time)), entry.to_json(Timestamp(time)).unwrap())
            .unwrap();
    }
    assert_vector("entries-v1.txt", &lines);
}

#[test]
fn every_action_role_and_purpose_keeps_its_number() {
    let mut lines = String::new();
    for &action in Action::ALL {
        writeln!(lines, "action {} {} {}", action.code(), action.class().as_str(), action.as_str()).unwrap();
    }
    for &role in Role::ALL {
        let mut caller = caller();
        caller.roles = [role].into_iter().collect();
        writeln!(lines, "role {role} {}", HEXLOWER.encode(&canonical(&Entry::by(&caller, Action::Read), 0))).unwrap();
    }
    for &purpose in Purpose::ALL {
        let mut caller = caller();
        caller.purpose = purpose;
        writeln!(lines, "purpose {purpose} {}", HEXLOWER.encode(&canonical(&Entry::by(&caller, Action::Read), 0)))
            .unwrap();
    }
    assert_vector("codes-v1.txt", &lines);
}

#[test]
fn commitments_checkpoint_and_state_are_those_of_the_permanent_vectors() {
    let log = Log::of_size(7);
    let mut lines = String::new();
    for commitment in &log.stored.commitments {
        writeln!(lines, "commitment {}", HEXLOWER.encode(commitment)).unwrap();
    }
    writeln!(lines, "state {}", HEXLOWER.encode(&log.stored.state)).unwrap();
    writeln!(lines, "key {}", log.writer.verifying_key()).unwrap();
    writeln!(lines, "secret {}", HEXLOWER.encode(&log.keys.to_secret_bytes())).unwrap();
    lines.push_str(std::str::from_utf8(&log.writer.checkpoint()).unwrap());
    assert_vector("log-v1.txt", &lines);
}

#[test]
fn a_body_that_was_sealed_long_ago_still_opens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/body-v1.txt");
    let log = Log::of_size(7);
    if !path.exists() {
        let lines: String = log
            .stored
            .batches
            .iter()
            .map(|b| format!("{} {} {}\n", b.first, b.count, HEXLOWER.encode(&b.body)))
            .collect();
        std::fs::write(&path, lines).unwrap();
        panic!("body-v1.txt was not there; it has been written: look at it and keep it");
    }
    let mut stored = log.stored.clone();
    stored.batches.clear();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let parts: Vec<&str> = line.split(' ').collect();
        stored.batches.push(aceso_audit::SealedBatch {
            first: parts[0].parse().unwrap(),
            count: parts[1].parse().unwrap(),
            body: HEXLOWER.decode(parts[2].as_bytes()).unwrap(),
        });
    }
    let read = aceso_audit::read_entries(&stored, &log.keys, &log.origin, 0..7).unwrap();
    assert!(read.iter().map(|logged| &logged.entry).eq(&log.entries));
}

#[test]
fn bytes_that_decode_are_the_bytes_that_encode() {
    for entry in (0..10).map(entry).chain([full()]) {
        let bytes = canonical(&entry, 77);
        assert_eq!(Entry::decode(&bytes), Ok((Timestamp(77), entry.clone())));
        for at in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok((time, other)) = Entry::decode(&changed) {
                    assert_ne!((time, &other), (Timestamp(77), &entry));
                    assert_eq!(canonical(&other, time.0), changed, "byte {at} bit {bit}");
                }
            }
        }
        assert!(Entry::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }
}

#[test]
fn an_unknown_version_is_refused() {
    let mut bytes = canonical(&entry(0), 0);
    bytes[0] = 2;
    assert_eq!(Entry::decode(&bytes).unwrap_err().field, "version");
}

#[test]
fn padded_numbers_and_lists_longer_than_the_rest_are_refused() {
    let bytes = canonical(&Entry::system(&caller().region, Action::Heartbeat), 0);
    // The last five bytes are the empty lists: elements, parameters, subjects, records, keys.
    assert_eq!(bytes[bytes.len() - 5..], [0; 5]);
    let head = &bytes[..bytes.len() - 5];
    for tail in [&[0x80, 0, 0, 0, 0, 0][..], &[0, 0, 0, 0, 0x80, 0], &[0xff; 9], &[0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f]]
    {
        assert!(Entry::decode(&[head, tail].concat()).is_err());
    }
}
