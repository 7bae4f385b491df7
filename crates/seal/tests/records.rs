//! Sealed records open in their own place, under their own grant, and nowhere else.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

#[expect(dead_code, reason = "used by the other tests")]
mod common;

use aceso_base::{Role, Version};
use aceso_labels::{ClassSet, DataClass};
use aceso_phi::Sealed;
use aceso_policy::Scope;
use aceso_seal::{
    OpenError, Place, RecordToSeal, SealError, SubjectKey, SystemRandomness, TenantKeys, header, open_record,
    seal_record,
};
use common::{Door, NOW, OTHER_PATIENT, PARTS, PATIENT, STRUCTURE, Tenant, id, rtype, subject_id};
use proptest::prelude::*;

const HEADER: usize = 90;

fn seal(tenant: &Tenant, subject: &SubjectKey, place: &Place<'_>) -> Sealed {
    let record = RecordToSeal { structure: STRUCTURE, parts: PARTS };
    seal_record(&tenant.keys, subject, place, &record, &SystemRandomness).unwrap()
}

/// Opens under a grant of everything in the place, so that only the cryptography can refuse.
fn open_all(
    door: &mut Door,
    keys: &TenantKeys,
    subject: &SubjectKey,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<(), OpenError> {
    let (grant, receipt) = door.anyone(Role::Physician, place);
    open_record(keys, Some(subject), &grant, &receipt, place, sealed, NOW).map(|opened| {
        assert_eq!(opened.expose().structure, STRUCTURE);
        for (class, part) in DataClass::ALL.into_iter().zip(opened.expose().parts) {
            assert_eq!(part.is_some(), class == DataClass::Structure || grant.classes().contains(class));
            assert!(part.is_none_or(|part| part == PARTS[usize::from(class.code())]));
        }
    })
}

#[test]
fn a_sealed_record_opens_and_shows_exactly_the_granted_classes() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let sealed = seal(&tenant, &subject, &place);
    for role in [Role::Physician, Role::Nurse, Role::Billing, Role::FrontDesk, Role::Researcher] {
        let (grant, receipt) = door.anyone(role, &place);
        assert!(grant.classes() != ClassSet::STRUCTURE, "{role}");
        let opened = open_record(&tenant.keys, Some(&subject), &grant, &receipt, &place, &sealed, NOW).unwrap();
        for class in DataClass::ALL.into_iter().skip(1) {
            let at = usize::from(class.code());
            let expected = grant.classes().contains(class).then_some(PARTS[at]);
            assert_eq!(opened.expose().parts[at], expected, "{role} {class}");
        }
    }
    let (billing, _) = door.anyone(Role::Billing, &place);
    assert!(!billing.classes().contains(DataClass::Clinical));
}

#[test]
fn a_structure_only_read_needs_no_key_of_the_patient_and_any_other_does() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let sealed = seal(&tenant, &subject, &place);
    let (grant, receipt) = door.anyone(Role::Auditor, &place);
    assert_eq!(grant.classes(), ClassSet::STRUCTURE);
    for given in [None, Some(&subject)] {
        let opened = open_record(&tenant.keys, given, &grant, &receipt, &place, &sealed, NOW).unwrap();
        assert_eq!(opened.expose().structure, STRUCTURE);
        assert!(opened.expose().parts[1..].iter().all(Option::is_none));
    }
    let (grant, receipt) = door.anyone(Role::Billing, &place);
    let refused = open_record(&tenant.keys, None, &grant, &receipt, &place, &sealed, NOW);
    assert_eq!(refused.err(), Some(OpenError::KeyNeeded));
}

#[test]
fn no_grant_of_this_place_or_no_receipt_of_this_grant_means_no_bytes() {
    let (mut door, tenant, id, other) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"), id("obs-2"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let sealed = seal(&tenant, &subject, &place);
    let open = |grant: &_, receipt: &_, place: &Place<'_>, now| {
        open_record(&tenant.keys, Some(&subject), grant, receipt, place, &sealed, now).map(|_| ())
    };
    let (grant, receipt) = door.ask(Role::Physician, &place, Scope::Record(id.clone()));
    let (second_grant, second_receipt) = door.ask(Role::Physician, &place, Scope::Record(id.clone()));
    assert_eq!(open(&grant, &receipt, &place, NOW), Ok(()));
    assert_eq!(open(&grant, &second_receipt, &place, NOW), Err(OpenError::NoReceipt));
    assert_eq!(open(&second_grant, &receipt, &place, NOW), Err(OpenError::NoReceipt));
    assert_eq!(open(&grant, &receipt, &Place { id: &other, ..place }, NOW), Err(OpenError::NotGranted));
    let someone = Place { subject: subject_id(OTHER_PATIENT), ..place };
    assert_eq!(open(&grant, &receipt, &someone, NOW), Err(OpenError::NotGranted));
    assert_eq!(open(&grant, &receipt, &Place { rtype: rtype("Condition"), ..place }, NOW), Err(OpenError::NotGranted));
    assert_eq!(open(&grant, &receipt, &place, grant.expires()), Err(OpenError::NotGranted));
    let far = Tenant::new("ksa", "acme");
    assert_eq!(open(&grant, &receipt, &Place { region: &far.region, ..place }, NOW), Err(OpenError::NotGranted));
}

#[test]
fn a_row_moved_to_any_other_place_does_not_open() {
    let (mut door, tenant, first, second) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"), id("obs-2"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&first);
    let sealed = seal(&tenant, &subject, &place);
    open_all(&mut door, &tenant.keys, &subject, &place, &sealed).unwrap();
    let (ksa, rival) = (Tenant::new("ksa", "acme"), Tenant::new("us", "rival"));
    for wrong in [
        Place { region: &ksa.region, ..place },
        Place { tenant: &rival.tenant, ..place },
        Place { subject: subject_id(OTHER_PATIENT), ..place },
        Place { subject: aceso_base::SubjectId::DIRECTORY, ..place },
        Place { rtype: rtype("Condition"), ..place },
        Place { id: &second, ..place },
        Place { version: Version(2), ..place },
        Place { version: Version(4), ..place },
    ] {
        let refused = open_all(&mut door, &tenant.keys, &subject, &wrong, &sealed);
        assert_eq!(refused, Err(OpenError::Unreadable), "{wrong:?}");
    }
}

#[test]
fn keys_of_another_tenant_region_or_patient_open_nothing_even_from_the_same_bytes() {
    let mut door = Door::new();
    let (tenant, id) = (Tenant::with("us", "acme", &Fixed), id("obs-1"));
    let (wrapped, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let sealed = seal(&tenant, &subject, &place);
    let twins = [Tenant::with("ksa", "acme", &Fixed), Tenant::with("us", "rival", &Fixed)];
    for twin in &twins {
        assert!(twin.keys.open_subject(subject_id(PATIENT), 1, &wrapped).is_err());
        assert!(open_all(&mut door, &twin.keys, &subject, &place, &sealed).is_err());
        assert!(open_all(&mut door, &twin.keys, &subject, &twin.place(&id), &sealed).is_err());
    }
    let (_, other_version) = tenant.subject(PATIENT, 2);
    let (_, other_key) = tenant.subject(PATIENT, 1);
    let (_, other_patient) = tenant.subject(OTHER_PATIENT, 1);
    for wrong in [other_version, other_key, other_patient] {
        let refused = open_all(&mut door, &tenant.keys, &wrong, &place, &sealed);
        assert_eq!(refused, Err(OpenError::Unreadable));
    }
}

/// The same bytes for everyone.
struct Fixed;

impl aceso_base::Randomness for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

#[test]
fn every_flipped_bit_every_cut_and_every_added_byte_is_refused() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let sealed = seal(&tenant, &subject, &place);
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let all_present = header(&sealed).unwrap().classes;
    assert!(
        all_present.is_subset_of(grant.classes()),
        "the grant must reach every part for this test to mean something"
    );
    let refused = |bytes: Vec<u8>| {
        let sealed = Sealed::from_store(bytes);
        open_record(&tenant.keys, Some(&subject), &grant, &receipt, &place, &sealed, NOW).err()
    };
    let good = sealed.as_bytes();
    assert_eq!(refused(good.to_vec()), None);
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.to_vec();
            bytes[at] ^= 1 << bit;
            assert_eq!(refused(bytes), Some(OpenError::Unreadable), "byte {at} bit {bit}");
        }
        assert_eq!(refused(good[..at].to_vec()), Some(OpenError::Unreadable), "cut at {at}");
    }
    assert_eq!(refused([good, &[0]].concat()), Some(OpenError::Unreadable));
}

#[test]
fn parts_cannot_be_swapped_dropped_doubled_or_taken_from_another_row() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let (one, two) = (seal(&tenant, &subject, &place), seal(&tenant, &subject, &place));
    let (one, two) = (split(&one), split(&two));
    let mut check = |what: &str, head: &[u8], parts: &[&Vec<u8>]| {
        let bytes = parts.iter().fold(head.to_vec(), |mut all, part| {
            all.extend_from_slice(part);
            all
        });
        let result = open_all(&mut door, &tenant.keys, &subject, &place, &Sealed::from_store(bytes));
        assert_eq!(result.err(), Some(OpenError::Unreadable), "{what}");
    };
    for at in 0..one.1.len() {
        let mut parts: Vec<&Vec<u8>> = one.1.iter().collect();
        parts[at] = &two.1[at];
        check("part of another row of the same place", &one.0, &parts);
        let mut parts: Vec<&Vec<u8>> = one.1.iter().collect();
        parts.remove(at);
        check("part dropped", &one.0, &parts);
        let mut parts: Vec<&Vec<u8>> = one.1.iter().collect();
        parts.insert(at, &one.1[at]);
        check("part doubled", &one.0, &parts);
    }
    let mut swapped = one.1.clone();
    let numbers = (swapped[1][0], swapped[2][0]);
    swapped.swap(1, 2);
    (swapped[1][0], swapped[2][0]) = numbers;
    check("two parts swapped under each other's number", &one.0, &swapped.iter().collect::<Vec<_>>());
    let head = [&one.0[..58], &two.0[58..]].concat();
    check("commitment of another row", &head, &one.1.iter().collect::<Vec<_>>());
}

/// Header and parts.
fn split(sealed: &Sealed) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (head, mut rest) = sealed.as_bytes().split_at(HEADER);
    let mut parts = Vec::new();
    while let Some(length) = rest.get(1..5) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize + 33;
        parts.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    (head.to_vec(), parts)
}

#[test]
fn an_unknown_format_or_suite_is_refused_before_anything_else() {
    let (tenant, id) = (Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 9);
    let sealed = seal(&tenant, &subject, &tenant.place(&id));
    let good = header(&sealed).unwrap();
    assert_eq!((good.tenant_key_version, good.subject_key_version), (1, 9));
    assert!(!good.classes.contains(DataClass::Financial) && good.classes.contains(DataClass::Sensitive));
    for (at, value) in [(0, 0), (0, 2), (0, 255), (1, 0), (1, 2)] {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[at] = value;
        assert_eq!(header(&Sealed::from_store(bytes)), Err(SealError::Format));
    }
    assert_eq!(header(&Sealed::from_store(Vec::new())), Err(SealError::Format));
}

#[test]
fn what_is_no_record_is_not_sealed() {
    let (tenant, id) = (Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let rival = Tenant::new("us", "rival");
    let seal = |keys, place: &Place<'_>, structure, parts| {
        seal_record(keys, &subject, place, &RecordToSeal { structure, parts }, &SystemRandomness).err()
    };
    assert_eq!(seal(&tenant.keys, &place, b"", PARTS), Some(SealError::Structure));
    let mut parts = PARTS;
    parts[0] = b"x";
    assert_eq!(seal(&tenant.keys, &place, STRUCTURE, parts), Some(SealError::Structure));
    assert_eq!(seal(&rival.keys, &place, STRUCTURE, PARTS), Some(SealError::OtherKeys));
    let other = Place { subject: subject_id(OTHER_PATIENT), ..place };
    assert_eq!(seal(&tenant.keys, &other, STRUCTURE, PARTS), Some(SealError::OtherKeys));
}

#[test]
fn plaintext_is_not_in_the_sealed_bytes_and_sealing_twice_never_gives_the_same() {
    let (tenant, id) = (Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let (one, two) = (seal(&tenant, &subject, &place), seal(&tenant, &subject, &place));
    for part in PARTS.into_iter().chain([STRUCTURE]).filter(|part| !part.is_empty()) {
        assert!(!one.as_bytes().windows(part.len()).any(|window| window == part));
    }
    let ((_, one), (_, two)) = (split(&one), split(&two));
    assert!(one.iter().zip(&two).all(|(a, b)| a[5..] != b[5..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_sealed_comes_back(
        structure in proptest::collection::vec(any::<u8>(), 1..3000),
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..2000), 6),
    ) {
        let (mut door, tenant, id) = (DOOR.lock().unwrap(), Tenant::new("us", "acme"), id("obs-1"));
        let (_, subject) = tenant.subject(PATIENT, 1);
        let place = tenant.place(&id);
        let mut record = RecordToSeal { structure: &structure, parts: [&[]; 7] };
        for (slot, part) in record.parts.iter_mut().skip(1).zip(&parts) {
            *slot = part;
        }
        let sealed = seal_record(&tenant.keys, &subject, &place, &record, &SystemRandomness).unwrap();
        let (grant, receipt) = door.anyone(Role::Physician, &place);
        let opened = open_record(&tenant.keys, Some(&subject), &grant, &receipt, &place, &sealed, NOW).unwrap();
        prop_assert_eq!(opened.expose().structure, &structure[..]);
        for class in grant.classes().iter() {
            let at = usize::from(class.code());
            prop_assert_eq!(opened.expose().parts[at], Some(record.parts[at]));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), forge in any::<bool>()) {
        let mut bytes = bytes;
        if forge && bytes.len() > 1 {
            (bytes[0], bytes[1]) = (1, 1);
        }
        let _ = header(&Sealed::from_store(bytes));
    }
}

static DOOR: std::sync::LazyLock<std::sync::Mutex<Door>> =
    std::sync::LazyLock::new(|| std::sync::Mutex::new(Door::new()));
