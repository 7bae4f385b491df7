//! Index tokens are equal where a search needs it and nowhere else.

#![expect(clippy::panic, reason = "tests fail by panicking")]

#[expect(dead_code, reason = "used by the other tests")]
mod common;

use aceso_phi::IndexToken;
use aceso_seal::index::{
    Lookup, PatientValues, Plan, birth_date_lookup, contact_lookup, family_birth_date_lookup, family_lookup,
    given_lookup, identifier_lookup, identifier_tokens, name_lookup, patient_tokens,
};
use aceso_seal::subject_token;
use common::{OTHER_PATIENT, PATIENT, Tenant, rtype};
use proptest::prelude::*;
use std::collections::BTreeSet;

const LARGE: u64 = 1 << 20;

fn ann<'a>() -> PatientValues<'a> {
    PatientValues {
        families: &["O'Brien"],
        givens: &["Ann", "Mary"],
        other_names: &["Dr. Ann O'Brien"],
        contacts: &["+1 555 123 4567", "ann@example.org"],
        birth_date: Some("1970-02-03"),
    }
}

fn finds(tokens: &[IndexToken], lookup: &Lookup) -> bool {
    match lookup {
        Lookup::Tokens(wanted) => wanted.iter().any(|token| tokens.contains(token)),
        Lookup::Scan => panic!("there is an index for this"),
    }
}

#[test]
fn every_lookup_finds_the_patient_however_the_value_is_written() {
    let tenant = Tenant::new("us", "acme");
    let (keys, plan) = (&tenant.keys, Plan::for_population(LARGE));
    let tokens = patient_tokens(keys, plan, &ann());
    for family in ["O'Brien", "obrien", "O’BRIEN", "OBr", "o'bri", "Óbrien"] {
        assert!(finds(&tokens, &family_lookup(keys, plan, family)), "{family}");
        assert!(finds(&tokens, &name_lookup(keys, plan, family)), "{family}");
    }
    for given in ["Ann", "ANN", "mary", "Mar"] {
        assert!(finds(&tokens, &given_lookup(keys, plan, given)), "{given}");
        assert!(finds(&tokens, &name_lookup(keys, plan, given)), "{given}");
    }
    assert!(finds(&tokens, &name_lookup(keys, plan, "Dr. Ann")));
    for contact in ["+1 (555) 123-4567", "15551234567", "ANN@example.org"] {
        assert!(finds(&tokens, &contact_lookup(keys, contact)), "{contact}");
    }
    assert!(finds(&tokens, &birth_date_lookup(keys, plan, 1970..=1970)));
    assert!(finds(&tokens, &birth_date_lookup(keys, plan, 1968..=1971)));
    assert!(finds(&tokens, &family_birth_date_lookup(keys, "OBRIEN", "1970-02-03")));
    assert!(!finds(&tokens, &family_birth_date_lookup(keys, "OBRIEN", "1970-02-04")));
    assert!(!finds(&tokens, &contact_lookup(keys, "+1 555 123 4568")));
}

#[test]
fn identifiers_are_found_with_and_without_their_system() {
    let tenant = Tenant::new("us", "acme");
    let (keys, patient) = (&tenant.keys, rtype("Patient"));
    let tokens = identifier_tokens(keys, patient, Some("urn:mrn"), "MRN-0012 34");
    assert!(finds(&tokens, &identifier_lookup(keys, patient, Some("urn:mrn"), "mrn001234")));
    assert!(finds(&tokens, &identifier_lookup(keys, patient, None, "MRN-001234")));
    assert!(!finds(&tokens, &identifier_lookup(keys, patient, Some("urn:other"), "MRN-001234")));
    assert!(!finds(&tokens, &identifier_lookup(keys, patient, Some(""), "MRN-001234")));
    assert!(!finds(&tokens, &identifier_lookup(keys, rtype("Encounter"), None, "MRN-001234")));
    let plain = identifier_tokens(keys, patient, None, "---");
    assert_ne!(plain, identifier_tokens(keys, patient, None, "--"));
}

#[test]
fn what_has_no_index_is_a_scan_and_never_an_empty_answer() {
    let tenant = Tenant::new("us", "acme");
    let (keys, plan) = (&tenant.keys, Plan::for_population(LARGE));
    for short in ["", "O", "O'B", "王"] {
        assert_eq!(family_lookup(keys, plan, short), Lookup::Scan, "{short}");
    }
    assert_eq!(family_lookup(keys, Plan::STRICT, "O'Brien"), Lookup::Scan);
    assert_eq!(name_lookup(keys, Plan::for_population(100_000), "O'Brien"), Lookup::Scan);
    assert_eq!(birth_date_lookup(keys, Plan::STRICT, 1970..=1970), Lookup::Scan);
    assert_eq!(birth_date_lookup(keys, plan, 1900..=2026), Lookup::Scan);
    assert_eq!(family_birth_date_lookup(keys, "O'Brien", "1970-02"), Lookup::Scan);
}

#[test]
fn the_strict_plan_leaves_no_truncated_token_beside_a_patient() {
    let tenant = Tenant::new("us", "acme");
    let classes = |plan| -> BTreeSet<char> {
        patient_tokens(&tenant.keys, plan, &ann()).iter().map(|token| char::from(token.as_bytes()[0])).collect()
    };
    assert_eq!(classes(Plan::STRICT), BTreeSet::from(['C', 'I']));
    assert_eq!(classes(Plan::for_population(LARGE)), BTreeSet::from(['C', 'D', 'I', 'N']));
}

#[test]
fn equal_values_of_different_tenants_regions_types_or_parameters_have_different_tokens() {
    // Keys from the same bytes: region, tenant and tuple have to tell them apart.
    let twins =
        [Tenant::with("us", "acme", &Fixed), Tenant::with("ksa", "acme", &Fixed), Tenant::with("us", "rival", &Fixed)];
    let plan = Plan::for_population(LARGE);
    let same = PatientValues {
        families: &["Same"],
        givens: &["Same"],
        other_names: &["Same"],
        contacts: &["Same"],
        birth_date: Some("1970"),
    };
    let mut all: Vec<IndexToken> = Vec::new();
    for tenant in &twins {
        let tokens = patient_tokens(&tenant.keys, plan, &same);
        assert_eq!(tokens.len(), 5);
        all.extend(tokens);
        for rtype in [rtype("Patient"), rtype("Encounter")] {
            all.extend(identifier_tokens(&tenant.keys, rtype, None, "Same"));
        }
        for patient in [PATIENT, OTHER_PATIENT] {
            let (_, subject) = tenant.subject(patient, 1);
            for (rtype, param) in
                [(rtype("Observation"), "code"), (rtype("Observation"), "category"), (rtype("Condition"), "code")]
            {
                all.push(subject_token(&subject, rtype, param, b"Same"));
            }
        }
    }
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert!(all.iter().all(|token| token.as_bytes().len() <= 24));
}

struct Fixed;

impl aceso_base::Randomness for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

#[test]
fn a_subject_token_is_the_same_again_for_the_same_key_and_value() {
    let tenant = Tenant::new("us", "acme");
    let (wrapped, subject) = tenant.subject(PATIENT, 1);
    let again = tenant.keys.open_subject(common::subject_id(PATIENT), 1, &wrapped).unwrap();
    let token = |key, value: &[u8]| subject_token(key, rtype("Observation"), "code", value);
    assert_eq!(token(&subject, b"8480-6"), token(&again, b"8480-6"));
    assert_ne!(token(&subject, b"8480-6"), token(&subject, b"8480-7"));
    assert_eq!(token(&subject, b"8480-6").as_bytes().len(), 10);
    let (_, next) = tenant.subject(PATIENT, 2);
    assert_ne!(token(&subject, b"8480-6"), token(&next, b"8480-6"));
}

#[test]
fn truncated_tokens_use_all_their_buckets_and_no_more() {
    let tenant = Tenant::new("us", "acme");
    let plan = Plan::for_population(LARGE);
    let buckets = |values: &dyn Fn(u32) -> Vec<IndexToken>| (0..4000).flat_map(values).collect::<BTreeSet<_>>().len();
    let letters = |n: u32| [n / 676, n / 26, n].iter().map(|n| char::from(b'a' + (n % 26) as u8)).collect::<String>();
    let family =
        |n| patient_tokens(&tenant.keys, plan, &PatientValues { families: &[&letters(n)], ..Default::default() });
    let given = |n| patient_tokens(&tenant.keys, plan, &PatientValues { givens: &[&letters(n)], ..Default::default() });
    let born = |n: u32| {
        let date = (1900 + n % 120).to_string();
        patient_tokens(&tenant.keys, plan, &PatientValues { birth_date: Some(&date), ..Default::default() })
    };
    assert_eq!((buckets(&family), buckets(&given), buckets(&born)), (64, 4, 8));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_beginning_of_a_name_finds_it(name in "\\PC{1,12}", keep in 1_usize..12) {
        let keys = &TENANT.keys;
        let plan = Plan::for_population(LARGE);
        let tokens = patient_tokens(keys, plan, &PatientValues { families: &[&name], ..Default::default() });
        let beginning: String = name.chars().take(keep).collect();
        match family_lookup(keys, plan, &beginning) {
            Lookup::Scan => {}
            found => prop_assert!(finds(&tokens, &found)),
        }
    }
}

static TENANT: std::sync::LazyLock<Tenant> = std::sync::LazyLock::new(|| Tenant::new("us", "acme"));
