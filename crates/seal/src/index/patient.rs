//! From a record's values to the tokens beside it, and from a query's value to the tokens to look up.

use super::normal;
use super::{
    BIRTH_YEAR, CONTACT, FAMILY, FAMILY_BIRTH_DATE, GIVEN, IDENTIFIER, IDENTIFIER_VALUE, Index, NAME_REST, Plan,
};
use crate::keys::TenantKeys;
use crate::place::push;
use crate::token::tenant_token;
use aceso_fhir::definitions::ResourceType;
use aceso_phi::IndexToken;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// The values of a Patient that have tokens. Identifiers go to [`identifier_tokens`], as for every type.
#[derive(Clone, Copy, Default)]
pub struct PatientValues<'a> {
    /// `Patient.name.family`.
    pub families: &'a [&'a str],
    /// `Patient.name.given`.
    pub givens: &'a [&'a str],
    /// `Patient.name.text`, `.prefix`, `.suffix`: what `name` searches besides.
    pub other_names: &'a [&'a str],
    /// `Patient.telecom.value`, of any system.
    pub contacts: &'a [&'a str],
    /// `Patient.birthDate` as written: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub birth_date: Option<&'a str>,
}

/// The tokens of a Patient under a plan, sorted and each once.
#[must_use]
pub fn patient_tokens(keys: &TenantKeys, plan: Plan, values: &PatientValues<'_>) -> Vec<IndexToken> {
    let Some(patient) = patient() else { return Vec::new() };
    let mut out = Vec::with_capacity(16);
    let mut prefixes = |index: &'static Index, texts: &[&str]| {
        if plan.has(index) {
            let found = texts.iter().filter_map(|text| normal::letters(text));
            out.extend(found.map(|text| tenant_token(keys, index, patient, text.as_bytes())));
        }
    };
    prefixes(&FAMILY, values.families);
    prefixes(&GIVEN, values.givens);
    prefixes(&NAME_REST, values.other_names);
    let contacts = values.contacts.iter().map(|text| normal::contact(text));
    out.extend(contacts.map(|text| tenant_token(keys, &CONTACT, patient, text.as_bytes())));
    if let Some(date) = values.birth_date {
        if let (true, Some(year)) = (plan.has(&BIRTH_YEAR), year_of(date)) {
            out.push(tenant_token(keys, &BIRTH_YEAR, patient, &year.to_be_bytes()));
        }
        if is_full_date(date) {
            let joined = values.families.iter().map(|family| family_and_date(family, date));
            out.extend(joined.map(|value| tenant_token(keys, &FAMILY_BIRTH_DATE, patient, &value)));
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// The tokens of one identifier of a record of any type: by system and value, and by value alone.
#[must_use]
pub fn identifier_tokens(keys: &TenantKeys, rtype: ResourceType, system: Option<&str>, value: &str) -> [IndexToken; 2] {
    let value = normal::identifier(value);
    [
        tenant_token(keys, &IDENTIFIER, rtype, &system_and_value(system.unwrap_or_default(), &value)),
        tenant_token(keys, &IDENTIFIER_VALUE, rtype, value.as_bytes()),
    ]
}

/// How a query finds its candidates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// Rows that have one of these tokens are all there can be; some of them do not match.
    Tokens(Vec<IndexToken>),
    /// No index can tell: all search parts are to be scanned.
    Scan,
}

/// Candidates of `identifier=system|value` (`system` given, empty for `|value`) or `identifier=value` (`None`).
#[must_use]
pub fn identifier_lookup(keys: &TenantKeys, rtype: ResourceType, system: Option<&str>, value: &str) -> Lookup {
    let [with_system, value_only] = identifier_tokens(keys, rtype, system, value);
    Lookup::Tokens(vec![if system.is_some() { with_system } else { value_only }])
}

/// Candidates of `phone=`, `email=` or `telecom=` with a value: exact up to writing; which system is the search's to check.
#[must_use]
pub fn contact_lookup(keys: &TenantKeys, value: &str) -> Lookup {
    let Some(patient) = patient() else { return Lookup::Scan };
    Lookup::Tokens(vec![tenant_token(keys, &CONTACT, patient, normal::contact(value).as_bytes())])
}

/// Candidates of `family=`, starts-with or `:exact`. A scan under three letters, or without the index.
#[must_use]
pub fn family_lookup(keys: &TenantKeys, plan: Plan, text: &str) -> Lookup {
    prefix_lookup(keys, plan, &[&FAMILY], text)
}

/// Candidates of `given=`, likewise.
#[must_use]
pub fn given_lookup(keys: &TenantKeys, plan: Plan, text: &str) -> Lookup {
    prefix_lookup(keys, plan, &[&GIVEN], text)
}

/// Candidates of `name=`: any part of any name.
#[must_use]
pub fn name_lookup(keys: &TenantKeys, plan: Plan, text: &str) -> Lookup {
    prefix_lookup(keys, plan, &[&FAMILY, &GIVEN, &NAME_REST], text)
}

/// Candidates of a birth date in these years (first and last included): one token per year, as a list. A scan when
/// the list would name every bucket anyway.
#[must_use]
pub fn birth_date_lookup(keys: &TenantKeys, plan: Plan, years: RangeInclusive<u16>) -> Lookup {
    let Some(patient) = patient().filter(|_| plan.has(&BIRTH_YEAR)) else { return Lookup::Scan };
    let buckets = 1_usize << BIRTH_YEAR.bits;
    let mut tokens: Vec<IndexToken> = Vec::with_capacity(buckets);
    for year in years {
        let token = tenant_token(keys, &BIRTH_YEAR, patient, &year.to_be_bytes());
        if !tokens.contains(&token) {
            tokens.push(token);
        }
        if tokens.len() == buckets {
            return Lookup::Scan;
        }
    }
    Lookup::Tokens(tokens)
}

/// Candidates of a **whole** family name (`family:exact=`) together with a full birth date: near-unique. A starts-with
/// search may not use it: it would lose the longer names.
#[must_use]
pub fn family_birth_date_lookup(keys: &TenantKeys, family: &str, birth_date: &str) -> Lookup {
    let Some(patient) = patient().filter(|_| is_full_date(birth_date)) else { return Lookup::Scan };
    Lookup::Tokens(vec![tenant_token(keys, &FAMILY_BIRTH_DATE, patient, &family_and_date(family, birth_date))])
}

fn prefix_lookup(keys: &TenantKeys, plan: Plan, indexes: &[&'static Index], text: &str) -> Lookup {
    let planned = indexes.iter().all(|index| plan.has(index));
    match (patient(), normal::letters(text)) {
        (Some(patient), Some(letters)) if planned => {
            let tokens = indexes.iter().map(|index| tenant_token(keys, index, patient, letters.as_bytes()));
            Lookup::Tokens(tokens.collect())
        }
        _ => Lookup::Scan,
    }
}

fn patient() -> Option<ResourceType> {
    ResourceType::parse("Patient")
}

fn system_and_value(system: &str, value: &str) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(system.len() + value.len() + 8));
    push(&mut out, system.as_bytes());
    push(&mut out, value.as_bytes());
    out
}

fn family_and_date(family: &str, date: &str) -> Zeroizing<Vec<u8>> {
    let family = normal::family_name(family);
    let mut out = Zeroizing::new(Vec::with_capacity(family.len() + date.len() + 8));
    push(&mut out, family.as_bytes());
    push(&mut out, date.as_bytes());
    out
}

fn is_full_date(date: &str) -> bool {
    date.len() == 10
        && date.bytes().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

fn year_of(date: &str) -> Option<u16> {
    date.get(..4).filter(|year| year.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}
