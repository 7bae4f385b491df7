//! Permanent vectors: what format 1 and index version 1 wrote must open, and be found, for ever.
//!
//! Nonces are made inside the module, so sealed bytes are opened here and not made again. The line `made with` in each
//! file says which planned keys they were made with. A new format gets a file of its own; the old ones stay.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[expect(dead_code, reason = "used by the other tests")]
mod common;

use aceso_base::{LogicalId, Randomness, Role};
use aceso_phi::{IndexToken, Phi, Sealed};
use aceso_seal::index::{PatientValues, Plan, identifier_tokens, patient_tokens};
use aceso_seal::{
    IndexDigest, RecordToSeal, SubjectKey, TenantKeys, WrappedIndexRoot, WrappedSubjectKey, WrappedTenantKey,
    check_search, open_document, open_record, open_search, reseal_search, seal_document, seal_record, seal_search,
    subject_token,
};
use common::{CarelessProvider, Door, NOW, OTHER_PATIENT, PARTS, PATIENT, STRUCTURE, Tenant, id, rtype, subject_id};
use data_encoding::HEXLOWER;
use std::fmt::Write;
use std::sync::atomic::{AtomicU8, Ordering};

/// Bytes that count up: keys that anyone can write down.
struct Counting(AtomicU8);

impl Randomness for Counting {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

const FILE: &str = include_str!("../vectors/format-1.txt");
/// Search parts and documents since format 2, under the keys of the first file.
const FILE_2: &str = include_str!("../vectors/format-2.txt");

fn vector(name: &str) -> Vec<u8> {
    of_file(FILE, name)
}

fn of_file(file: &str, name: &str) -> Vec<u8> {
    let line = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    HEXLOWER.decode(line.as_bytes()).unwrap()
}

fn tenant() -> Tenant {
    let row = WrappedTenantKey { version: 1, bytes: vector("tenant-key") };
    let root = WrappedIndexRoot { bytes: vector("index-root") };
    let blank = Tenant::new("us", "acme");
    let keys =
        TenantKeys::open(&CarelessProvider, &blank.region, &blank.tenant, std::slice::from_ref(&row), &root).unwrap();
    Tenant { keys, row, root, ..blank }
}

fn subject(tenant: &Tenant) -> SubjectKey {
    let wrapped = WrappedSubjectKey { tenant_key_version: 1, bytes: vector("subject-key") };
    tenant.keys.open_subject(subject_id(PATIENT), 1, &wrapped).unwrap()
}

fn record_id() -> LogicalId {
    id("057aa36e-b892-9964-75b9-ffb46b097e35")
}

#[test]
fn a_record_of_format_1_opens() {
    let (mut door, tenant, id) = (Door::new(), tenant(), record_id());
    let (subject, place) = (subject(&tenant), tenant.place(&id));
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let sealed = Sealed::from_store(vector("record"));
    let opened = open_record(&tenant.keys, Some(&subject), &grant, &receipt, &place, &sealed, NOW).unwrap();
    assert_eq!(opened.expose().structure, STRUCTURE);
    for class in grant.classes().iter() {
        let at = usize::from(class.code());
        assert_eq!(opened.expose().parts[at], Some(PARTS[at]));
    }
}

#[test]
fn a_search_part_of_format_1_opens() {
    let (mut door, tenant, id) = (Door::new(), tenant(), record_id());
    let (subject, place) = (subject(&tenant), tenant.place(&id));
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let mut out = Phi::new(Vec::new());
    open_search(&subject, &grant, &receipt, &place, &vector("search"), NOW, &mut out).unwrap();
    assert_eq!(out.expose(), b"code=8480-6");
}

#[test]
fn a_search_part_of_format_1_is_made_one_of_format_2() {
    let (tenant, id) = (tenant(), record_id());
    let (subject, place) = (subject(&tenant), tenant.place(&id));
    assert_eq!(check_search(&subject, &place, &vector("search")), Ok(None));
    let index = IndexDigest::of(place.subject, &tokens(&tenant, &subject), &[]);
    let anew = reseal_search(&subject, &place, &vector("search"), index).unwrap();
    assert_eq!(check_search(&subject, &place, anew.as_bytes()), Ok(Some(index)));
}

#[test]
fn a_search_part_of_format_2_opens() {
    let (mut door, tenant, id) = (Door::new(), tenant(), record_id());
    let (subject, place) = (subject(&tenant), tenant.place(&id));
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let mut out = Phi::new(Vec::new());
    let sealed = of_file(FILE_2, "search");
    open_search(&subject, &grant, &receipt, &place, &sealed, NOW, &mut out).unwrap();
    assert_eq!(out.expose(), b"code=8480-6");
    let index = IndexDigest::of(place.subject, &tokens(&tenant, &subject), &[subject_id(OTHER_PATIENT)]);
    assert_eq!(check_search(&subject, &place, &sealed), Ok(Some(index)));
}

#[test]
fn a_document_of_format_2_opens() {
    let document = Sealed::from_store(of_file(FILE_2, "document"));
    assert_eq!(open_document(&tenant().keys, "signing-key", "1", &document).unwrap().as_slice(), b"private key");
}

#[test]
fn a_document_of_format_1_opens() {
    let document = Sealed::from_store(vector("document"));
    assert_eq!(open_document(&tenant().keys, "signing-key", "1", &document).unwrap().as_slice(), b"private key");
}

#[test]
fn tokens_of_index_version_1_are_the_same_again() {
    let tenant = tenant();
    let expected: Vec<_> = FILE.lines().filter_map(|line| line.strip_prefix("token ")).collect();
    let made: Vec<_> = tokens(&tenant, &subject(&tenant)).iter().map(|t| HEXLOWER.encode(t.as_bytes())).collect();
    assert_eq!(made, expected);
}

fn tokens(tenant: &Tenant, subject: &SubjectKey) -> Vec<IndexToken> {
    let values = PatientValues {
        families: &["O'Brien"],
        givens: &["Ann"],
        other_names: &["Mrs."],
        contacts: &["+1 555 123 4567"],
        birth_date: Some("1970-02-03"),
    };
    let mut tokens = patient_tokens(&tenant.keys, Plan::for_population(1 << 20), &values);
    tokens.extend(identifier_tokens(&tenant.keys, rtype("Patient"), Some("urn:mrn"), "MRN-1"));
    tokens.push(subject_token(subject, rtype("Observation"), "code", b"8480-6"));
    tokens
}

#[test]
fn today_the_same_kinds_of_bytes_are_made_as_stand_in_the_vectors() {
    let rng = Counting(AtomicU8::new(0));
    let tenant = Tenant::with("us", "acme", &rng);
    let wrapped = tenant.keys.new_subject_key(subject_id(PATIENT), 1, &rng).unwrap();
    let subject = tenant.keys.open_subject(subject_id(PATIENT), 1, &wrapped).unwrap();
    let id = record_id();
    let place = tenant.place(&id);
    let record = RecordToSeal { structure: STRUCTURE, parts: PARTS };
    let mut out = String::from("# format 1, index version 1; made with key bytes that count up from 0\n");
    let mut line = |name: &str, bytes: &[u8]| writeln!(out, "{name} {}", HEXLOWER.encode(bytes)).unwrap();
    line("tenant-key", &tenant.row.bytes);
    line("index-root", &tenant.root.bytes);
    line("subject-key", &wrapped.bytes);
    line("record", seal_record(&tenant.keys, &subject, &place, &record, &rng).unwrap().as_bytes());
    for token in tokens(&tenant, &subject) {
        line("token", token.as_bytes());
    }
    let kinds = |text: &str| -> Vec<(String, usize)> {
        let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
        lines.map(|(name, bytes)| (name.to_owned(), bytes.len())).collect()
    };
    let unchanged = |kinds: Vec<(String, usize)>| -> Vec<(String, usize)> {
        kinds.into_iter().filter(|(name, _)| name != "search" && name != "document").collect()
    };
    assert_eq!(kinds(&out), unchanged(kinds(FILE)));
    let index = IndexDigest::of(place.subject, &tokens(&tenant, &subject), &[subject_id(OTHER_PATIENT)]);
    let search = seal_search(&subject, &place, b"code=8480-6", index).unwrap();
    let document = seal_document(&tenant.keys, "signing-key", "1", b"private key").unwrap();
    let hex = |sealed: &Sealed| HEXLOWER.encode(sealed.as_bytes());
    let out = format!("search {}\ndocument {}\n", hex(&search), hex(&document));
    println!("{out}");
    assert_eq!(kinds(&out), kinds(FILE_2));
}
