use super::snapshot::SnapshotHead;
use super::*;
use aceso_base::Region;
use aceso_seal::SystemRandomness;

fn tenant() -> TenantId {
    TenantId::parse("clinic").unwrap()
}

fn rtype(name: &str) -> ResourceType {
    ResourceType::parse(name).unwrap()
}

fn write(map: &Freshness, subject: u8, name: &str, version: u32, deleted: bool) {
    let id = LogicalId::parse(name).unwrap();
    let newest = Newest { version: Version(version), deleted };
    map.note_parts(&tenant(), (rtype("Observation"), &id), SubjectId([subject; 16]), newest);
}

fn sum_of(map: &Freshness, rows: &[(&str, u32)]) -> u64 {
    rows.iter().fold(0, |sum, (name, version)| {
        let mark = map.mark(&tenant(), rtype("Observation"), &LogicalId::parse(name).unwrap());
        sum.wrapping_add(map.term(mark, Version(*version)))
    })
}

fn judge(map: &Freshness, subject: Option<u8>, rows: &[(&str, u32)]) -> Verdict {
    let subject = subject.map(|number| SubjectId([number; 16]));
    let expected = map.expect(&tenant(), subject, &[rtype("Observation")]);
    map.judge(&expected, sum_of(map, rows))
}

#[test]
fn a_compartment_is_complete_with_exactly_its_live_records_in_their_newest_versions() {
    let map = Freshness::new(&SystemRandomness);
    write(&map, 1, "a", 1, false);
    write(&map, 1, "b", 1, false);
    write(&map, 2, "c", 1, false);
    write(&map, 1, "a", 2, false);
    write(&map, 1, "gone", 1, false);
    write(&map, 1, "gone", 2, true);
    // Again and out of order: nothing changes.
    write(&map, 1, "a", 1, false);
    write(&map, 1, "gone", 1, false);
    assert_eq!(judge(&map, Some(1), &[("b", 1), ("a", 2)]), Verdict::Complete);
    assert_eq!(judge(&map, None, &[("b", 1), ("a", 2), ("c", 1)]), Verdict::Complete);
    for wrong in [&[("a", 2)][..], &[("a", 1), ("b", 1)], &[("a", 2), ("b", 1), ("gone", 1)], &[]] {
        assert_eq!(judge(&map, Some(1), wrong), Verdict::Incomplete, "{wrong:?}");
    }
    // A record that moves to another patient.
    write(&map, 2, "b", 2, false);
    assert_eq!(judge(&map, Some(1), &[("a", 2)]), Verdict::Complete);
    assert_eq!(judge(&map, Some(2), &[("b", 2), ("c", 1)]), Verdict::Complete);
    // A shred takes the patient out of the total, once.
    map.note_shred(&tenant(), SubjectId([2; 16]));
    map.note_shred(&tenant(), SubjectId([2; 16]));
    assert_eq!(judge(&map, None, &[("a", 2)]), Verdict::Complete);
    let every = map.expect(&tenant(), Some(SubjectId([1; 16])), &[]);
    assert_eq!(map.judge(&every, sum_of(&map, &[("a", 2)])), Verdict::Complete);
}

#[test]
fn while_a_write_is_under_way_nothing_is_said_to_be_missing() {
    let map = Freshness::new(&SystemRandomness);
    write(&map, 1, "a", 1, false);
    let key = RecordKey { tenant: tenant(), rtype: rtype("Observation"), id: LogicalId::parse("a").unwrap() };
    let flight = map.begin([(&key, SubjectId([2; 16]))].into_iter());
    // Where the record was, where it goes, and over all.
    for subject in [Some(1), Some(2), None] {
        assert_eq!(judge(&map, subject, &[("other", 1)]), Verdict::Unknown, "{subject:?}");
    }
    assert_eq!(judge(&map, Some(1), &[("a", 1)]), Verdict::Complete);
    flight.land();
    assert_eq!(judge(&map, Some(1), &[("other", 1)]), Verdict::Incomplete);
    map.reached(7);
    drop(map.begin([(&key, SubjectId([1; 16]))].into_iter()));
    map.reached(9);
    assert_eq!(judge(&map, Some(1), &[]), Verdict::Unknown);
    assert_eq!(map.complete_to(), 7);
    let lost = map.lost().unwrap();
    assert_eq!(lost.from, 7);
    map.found(&lost);
    assert_eq!((judge(&map, Some(1), &[]), map.complete_to()), (Verdict::Incomplete, 9));
    assert!(map.lost().is_none());
}

const FILE: &str = include_str!("../../vectors/freshness-1.txt");

fn vector(name: &str) -> Vec<u8> {
    let line = FILE.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect()
}

/// Bytes that count up.
struct Counting;

impl Randomness for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
    }
}

struct NoLog;

impl LogReader for NoLog {
    fn size(&self) -> Result<u64, aceso_audit::ReadError> {
        Ok(0)
    }
    fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, aceso_audit::ReadError> {
        Ok(None)
    }
    fn commitments(&self, _: std::ops::Range<u64>) -> Result<Vec<aceso_audit::Hash>, aceso_audit::ReadError> {
        Ok(Vec::new())
    }
    fn full_tile(&self, _: u8, _: u64) -> Result<Option<Vec<u8>>, aceso_audit::ReadError> {
        Ok(None)
    }
    fn bodies(&self, _: std::ops::Range<u64>) -> Result<Vec<aceso_audit::SealedBatch>, aceso_audit::ReadError> {
        Ok(Vec::new())
    }
}

fn sample() -> Freshness {
    let map = Freshness::new(&Counting);
    write(&map, 1, "a", 3, false);
    write(&map, 1, "b", 2, true);
    write(&map, 2, "c", 1, false);
    map.note_shred(&tenant(), SubjectId([2; 16]));
    map
}

#[test]
fn a_snapshot_of_format_1_is_written_and_read_as_the_vectors_say() {
    let origin = Origin::parse("log.example").unwrap();
    let (head, body) = sample().capture(&NoLog, &origin, &Counting).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    println!("head {}\nbody {}", hex(&head.to_bytes()), hex(&body));
    assert_eq!((head.to_bytes(), body), (vector("head"), vector("body")));
    let head = SnapshotHead::from_bytes(&vector("head")).unwrap();
    assert!(head.is_of(&NoLog, &origin));
    assert!(!head.is_of(&NoLog, &Origin::parse("other.example").unwrap()));
    assert_eq!(head.chunk_name(1), "000102030405060708090a0b0c0d0e0f/000001");
    let map = Freshness::restore(&head, &vector("body")).unwrap();
    assert_eq!(judge(&map, Some(1), &[("a", 3)]), Verdict::Complete);
    assert_eq!(judge(&map, None, &[("a", 3)]), Verdict::Complete);
    let newest = |name: &str| map.look(&tenant(), rtype("Observation"), &LogicalId::parse(name).unwrap()).1;
    assert_eq!(newest("a"), Some(Newest { version: Version(3), deleted: false }));
    assert_eq!(newest("b"), Some(Newest { version: Version(2), deleted: true }));
    assert_eq!(newest("d"), None);
}

#[test]
fn a_snapshot_that_does_not_fit_itself_is_refused() {
    let head = SnapshotHead::from_bytes(&vector("head")).unwrap();
    let body = vector("body");
    for cut in 0..body.len() {
        assert!(Freshness::restore(&head, &body[..cut]).is_none(), "{cut}");
    }
    assert!(Freshness::restore(&head, &[body.as_slice(), &[0; 16]].concat()).is_none());
    let mut stray = body.clone();
    *stray.last_mut().unwrap() = 0xf0;
    assert!(Freshness::restore(&head, &stray).is_none());
    let bytes = vector("head");
    for cut in 0..bytes.len() {
        assert!(SnapshotHead::from_bytes(&bytes[..cut]).is_none(), "{cut}");
    }
    let mut other = bytes.clone();
    other[0] = 2;
    assert!(SnapshotHead::from_bytes(&other).is_none());
}

#[test]
fn entries_that_were_not_granted_or_change_nothing_are_not_noted() {
    let map = Freshness::new(&SystemRandomness);
    let id = LogicalId::parse("a").unwrap();
    let entry = |action: Action| {
        Entry::system(&Region::parse("us").unwrap(), action).with_tenant(&tenant()).with_record(
            rtype("Observation"),
            &id,
            Version(4),
        )
    };
    map.note_entry(&entry(Action::Read));
    map.note_entry(&entry(Action::Create).with_outcome(Outcome::denied("classes")));
    assert_eq!(map.look(&tenant(), rtype("Observation"), &id).1, None);
    map.note_entry(&entry(Action::Create));
    assert_eq!(map.look(&tenant(), rtype("Observation"), &id).1.map(|newest| newest.version), Some(Version(4)));
}
