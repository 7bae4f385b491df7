//! What the envelope costs, warm: the key of the subject is open, the grant and its receipt are at hand.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench fails by panicking and prints")]

#[path = "../tests/common/mod.rs"]
#[expect(dead_code, reason = "used by the tests")]
mod common;

use aceso_base::{Role, SubjectId};
use aceso_phi::Phi;
use aceso_seal::index::{PatientValues, Plan, patient_tokens};
use aceso_seal::{
    IndexDigest, RecordToSeal, SystemRandomness, open_record, open_search, seal_record, seal_search, subject_token,
};
use aceso_testkit::percentiles;
use common::{Door, NOW, PATIENT, Tenant, id, rtype};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// Sizes of a Synthea Observation split by class: 700 bytes of structure, 420 of clinical, 60 of narrative parts.
const STRUCTURE: [u8; 700] = [b's'; 700];
const CLINICAL: [u8; 420] = [b'c'; 420];
const NARRATIVE: [u8; 60] = [b'n'; 60];
const OTHER: [u8; 200] = [b'o'; 200];
const SEARCH: [u8; 320] = [b'v'; 320];

fn all(criterion: &mut Criterion) {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("057aa36e-b892-9964-75b9-ffb46b097e35"));
    let (wrapped, subject) = tenant.subject(PATIENT, 1);
    let (keys, place) = (&tenant.keys, tenant.place(&id));
    let observation = RecordToSeal { structure: &STRUCTURE, parts: [&[], &[], &[], &CLINICAL, &[], &[], &NARRATIVE] };
    let everything =
        RecordToSeal { structure: &STRUCTURE, parts: [&[], &OTHER, &OTHER, &CLINICAL, &OTHER, &OTHER, &NARRATIVE] };
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let (auditor, auditor_receipt) = door.anyone(Role::Auditor, &place);

    for (name, record) in [("3 parts", &observation), ("7 parts", &everything)] {
        criterion.bench_function(&format!("seal record, {name}"), |b| {
            b.iter(|| seal_record(keys, &subject, &place, black_box(record), &SystemRandomness).unwrap());
        });
        let sealed = seal_record(keys, &subject, &place, record, &SystemRandomness).unwrap();
        criterion.bench_function(&format!("open record, {name}, granted classes"), |b| {
            b.iter(|| open_record(keys, Some(&subject), &grant, &receipt, &place, black_box(&sealed), NOW).unwrap());
        });
        criterion.bench_function(&format!("open record, {name}, structure only"), |b| {
            b.iter(|| open_record(keys, None, &auditor, &auditor_receipt, &place, black_box(&sealed), NOW).unwrap());
        });
        let sealing = percentiles(&format!("seal record, {name}"), || {
            seal_record(keys, &subject, &place, black_box(record), &SystemRandomness).unwrap()
        });
        let opening = percentiles(&format!("open record, {name}, granted classes"), || {
            open_record(keys, Some(&subject), &grant, &receipt, &place, black_box(&sealed), NOW).unwrap()
        });
        println!("{sealing}\n{opening}");
    }

    let index = IndexDigest::of(place.subject, &[], &[]);
    criterion.bench_function("seal search part, 320 bytes", |b| {
        b.iter(|| seal_search(&subject, &place, black_box(&SEARCH), index).unwrap());
    });
    let search = seal_search(&subject, &place, &SEARCH, index).unwrap();
    let mut out = Phi::new(Vec::new());
    criterion.bench_function("open search part, 320 bytes", |b| {
        b.iter(|| {
            open_search(&subject, &grant, &receipt, &place, black_box(search.as_bytes()), NOW, &mut out).unwrap()
        });
    });
    criterion.bench_function("subject token", |b| {
        b.iter(|| subject_token(&subject, rtype("Observation"), "code", black_box(b"http://loinc.org|8480-6")));
    });
    let plan = Plan::for_population(1 << 20);
    let values = PatientValues {
        families: &["O'Brien"],
        givens: &["Ann", "Mary"],
        other_names: &["Dr."],
        contacts: &["+1 555 123 4567"],
        birth_date: Some("1970-02-03"),
    };
    criterion.bench_function("tokens of a patient", |b| b.iter(|| patient_tokens(keys, plan, black_box(&values))));
    criterion.bench_function("open subject key", |b| {
        let subject = SubjectId::of_patient(PATIENT).unwrap();
        b.iter(|| keys.open_subject(subject, 1, black_box(&wrapped)).unwrap());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1)).sample_size(30);
    targets = all
}
criterion_main!(benches);
