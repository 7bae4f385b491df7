//! Patients: demographics, contacts, insurances, consents.

use super::names::{STREETS, TOWNS, first_names, last_names};
use super::{Chart, date};
use crate::facts::{Address, DAY};
use crate::random::{choose, mix, within};
use crate::world::{Space, World};
use serde_json::{Map, Value, json};

/// Who a patient of the start is: what a duplicate is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) first: String,
    pub(crate) last: String,
    /// `YYYY-MM-DD`
    pub(crate) dob: String,
    pub(crate) sex: String,
}

/// The person of this number, without making the rest of him.
pub(crate) fn person(world: &World, patient: u64) -> Option<Person> {
    let facts = world.facts_of(patient)?;
    let hash = |salt| mix(&[world.seed, patient, salt]);
    let (first, last) = match world.round_of(patient) {
        0 => (facts.first.clone(), facts.last.clone()),
        _ => (pick(hash(1), first_names(facts.female)), pick(hash(2), last_names())),
    };
    let dob = date(facts.birth * DAY + world.shift(patient));
    Some(Person { first, last, dob, sex: if facts.female { "Female" } else { "Male" }.to_owned() })
}

fn pick(hash: u64, from: &[&str]) -> String {
    choose(hash, from).copied().unwrap_or_default().to_owned()
}

pub(super) fn patient(chart: &Chart<'_>) -> Option<Value> {
    let facts = chart.facts;
    let itself = chart.world.round_of(chart.patient) == 0;
    let person = person(chart.world, chart.patient)?;
    let (physician, practice) = chart.staff(facts.visits.len().checked_sub(1)?)?;
    let npi = chart.world.facts.physicians.get(facts.visits.last()?.physician).map(|physician| physician.npi.clone());
    let mut body = blank();
    let mut set = |member: &str, value: Value| {
        body.insert(member.to_owned(), value);
    };
    set("id", json!(chart.id()));
    set("first_name", json!(person.first));
    set("middle_name", json!(facts.middle.as_ref().filter(|_| itself)));
    set("last_name", json!(person.last));
    set("actual_name", json!(chart.unless_null(10, 2, person.first.clone()).filter(|_| !itself)));
    set("previous_last_name", json!(facts.maiden.as_ref().filter(|_| itself)));
    set("mothers_maiden_name", json!(facts.mothers_maiden.as_ref().filter(|_| itself)));
    set("dob", json!(person.dob));
    set("sex", json!(person.sex));
    set("legal_gender_marker", json!(chart.unless_null(11, 3, if facts.female { "F" } else { "M" })));
    set("pronouns", json!(chart.unless_null(12, 2, if facts.female { "she_her_hers" } else { "he_him_his" })));
    set("race", json!(race(facts.race.as_deref())));
    set("ethnicity", json!(ethnicity(facts.ethnicity.as_deref())));
    set("preferred_language", json!(facts.language));
    set("ssn", json!(chart.unless_null(13, 5, ssn(chart, itself))));
    set("address", address(&home(chart, itself)));
    set("phones", phones(chart, itself));
    set("emails", emails(chart, &person));
    set("insurances", insurances(chart, &person));
    set("emergency_contact", emergency_contact(chart));
    set("consents", consents(chart));
    set("patient_status", status(chart));
    set("primary_physician", json!(physician));
    set("caregiver_practice", json!(practice));
    set("primary_care_provider", json!(physician));
    set("primary_care_provider_npi", json!(npi));
    set("metadata", json!(itself.then(|| json!({ "object_id": null, "object_web_link": null, "data": {} }))));
    set("notes", json!(chart.unless_null(14, 2, "Prefers calls in the afternoon.")));
    set("verified", json!(within(chart.hash(15), 3) != 0));
    set("created_date", json!(chart.created()));
    set("last_modified", json!(chart.changed()));
    Some(Value::Object(body))
}

/// A patient of whom nothing is known: every member that the API sends, null or empty.
pub(crate) fn blank() -> Map<String, Value> {
    const NULL: &[&str] = &[
        "id",
        "first_name",
        "middle_name",
        "last_name",
        "suffix",
        "actual_name",
        "previous_first_name",
        "previous_last_name",
        "mothers_maiden_name",
        "dob",
        "sex",
        "legal_gender_marker",
        "gender_identity",
        "sexual_orientation",
        "pronouns",
        "race",
        "ethnicity",
        "preferred_language",
        "ssn",
        "address",
        "previous_address",
        "guarantor",
        "emergency_contact",
        "employer",
        "patient_status",
        "primary_physician",
        "caregiver_practice",
        "primary_care_provider",
        "primary_care_provider_npi",
        "master_patient",
        "merged_into_chart",
        "metadata",
        "notes",
        "sms_opt_in_status",
        "created_date",
        "last_modified",
        "deleted_date",
    ];
    const LISTS: &[&str] = &["phones", "emails", "insurances", "deleted_insurances", "consents", "tags"];
    let mut body = Map::new();
    body.extend(NULL.iter().map(|member| ((*member).to_owned(), Value::Null)));
    body.extend(LISTS.iter().map(|member| ((*member).to_owned(), json!([]))));
    body.extend(["vip", "verified"].map(|member| (member.to_owned(), json!(false))));
    body
}

fn race(code: Option<&str>) -> &'static str {
    match code {
        Some("1002-5") => "American Indian or Alaska Native",
        Some("2028-9") => "Asian",
        Some("2054-5") => "Black or African American",
        Some("2076-8") => "Native Hawaiian or Other Pacific Islander",
        Some("2106-3") => "White",
        _ => "No race specified",
    }
}

fn ethnicity(code: Option<&str>) -> &'static str {
    match code {
        Some("2135-2") => "Hispanic or Latino",
        Some("2186-5") => "Not Hispanic or Latino",
        _ => "No ethnicity specified",
    }
}

/// Numbers of area 999 are never given to anybody.
fn ssn(chart: &Chart<'_>, itself: bool) -> Option<String> {
    match itself {
        true => chart.facts.ssn.clone(),
        false => Some(format!("999{:06}", within(chart.hash(20), 1_000_000))),
    }
}

fn home(chart: &Chart<'_>, itself: bool) -> Address {
    if itself {
        return chart.facts.address.clone();
    }
    let (town, zip) = choose(chart.hash(21), TOWNS).copied().unwrap_or_default();
    let street = choose(chart.hash(22), STREETS).copied().unwrap_or_default();
    let number = 1 + within(chart.hash(23), 900);
    Address { line: format!("{number} {street}"), city: town.to_owned(), state: "MA".to_owned(), zip: zip.to_owned() }
}

fn address(address: &Address) -> Value {
    json!({
        "address_line1": address.line,
        "address_line2": null,
        "city": address.city,
        "state": address.state,
        "zip": address.zip,
    })
}

fn phones(chart: &Chart<'_>, itself: bool) -> Value {
    let line = within(chart.hash(24), 10_000);
    let home = match itself {
        true => chart.facts.phone.as_deref().unwrap_or_default().replace('-', ""),
        false => format!("617555{line:04}"),
    };
    let mut phones = vec![json!({ "phone": home, "phone_type": "Home" })];
    if within(chart.hash(25), 2) == 0 {
        phones.push(json!({ "phone": format!("857555{:04}", within(chart.hash(26), 10_000)), "phone_type": "Mobile" }));
    }
    Value::Array(phones)
}

fn emails(chart: &Chart<'_>, person: &Person) -> Value {
    match within(chart.hash(27), 3) {
        0 => json!([]),
        _ => {
            json!([{ "email": format!("{}.{}.{}@example.com", person.first, person.last, chart.patient).to_lowercase() }])
        }
    }
}

fn insurances(chart: &Chart<'_>, person: &Person) -> Value {
    let Some(carrier) = chart.facts.insurance.as_deref() else { return json!([]) };
    let primary = insurance(chart.world, chart.patient, 0, carrier, "primary", person);
    match within(chart.hash(30), 5) {
        0 => json!([primary, insurance(chart.world, chart.patient, 1, "Medicare", "secondary", person)]),
        _ => json!([primary]),
    }
}

/// An insurance of a patient.
pub(crate) fn insurance(world: &World, patient: u64, number: u64, carrier: &str, rank: &str, person: &Person) -> Value {
    let hash = |salt| mix(&[world.seed, patient, number, salt]);
    let named = carrier.bytes().fold(0_u64, |sum, byte| within(sum * 31 + u64::from(byte), 10_007));
    let relation = if within(hash(1), 4) == 0 { "Spouse" } else { "Self" };
    let own = relation == "Self";
    json!({
        "id": world.id_in(Space::Insurance, patient * 64 + number),
        "insurance_company": world.id_in(Space::Carrier, named),
        "insurance_plan": world.id_in(Space::Plan, named),
        "rank": rank,
        "carrier": carrier,
        "plan": (within(hash(2), 3) != 0).then(|| format!("{carrier} PPO")),
        "member_id": format!("M{:09}", within(hash(3), 1_000_000_000)),
        "group_id": (within(hash(4), 3) != 0).then(|| format!("G{:05}", within(hash(5), 100_000))),
        "copay": (within(hash(6), 3) != 0).then(|| format!("{}.00", 10 + 5 * within(hash(7), 9))),
        "deductible": null,
        "payment_program": payment_program(carrier),
        "relationship_to_insured": relation,
        "insured_person_first_name": own.then_some(person.first.as_str()),
        "insured_person_last_name": person.last,
        "insured_person_dob": own.then_some(person.dob.as_str()),
        "insured_person_gender": own.then(|| person.sex.get(..1)).flatten(),
        "insured_person_address": null,
        "insured_person_city": null,
        "insured_person_state": null,
        "insured_person_zip": null,
        "insured_person_ssn": null,
        "insured_person_id": null,
        "start_date": null,
        "end_date": null,
    })
}

/// Only the programmes that the interface names.
fn payment_program(carrier: &str) -> Option<&'static str> {
    match carrier {
        "Medicare" => Some("Medicare Part B"),
        "Medicaid" => Some("Medicaid"),
        _ => None,
    }
}

fn emergency_contact(chart: &Chart<'_>) -> Value {
    if within(chart.hash(40), 2) == 0 {
        return Value::Null;
    }
    let female = within(chart.hash(41), 2) == 0;
    json!({
        "first_name": choose(chart.hash(42), first_names(female)),
        "last_name": choose(chart.hash(43), last_names()),
        "relationship": "Spouse",
        "phone": format!("617555{:04}", within(chart.hash(44), 10_000)),
        "address_line1": null,
        "address_line2": null,
        "city": null,
        "state": null,
        "zip": null,
    })
}

fn consents(chart: &Chart<'_>) -> Value {
    match within(chart.hash(50), 3) {
        0 => json!([]),
        _ => json!([{
            "consented": within(chart.hash(51), 5) != 0,
            "application": "HIE",
            "last_modified_date": chart.created(),
        }]),
    }
}

fn status(chart: &Chart<'_>) -> Value {
    let deceased = chart.facts.deceased.map(|at| chart.date(at));
    let status = if deceased.is_some() { "deceased" } else { "active" };
    json!({
        "status": status,
        "deceased_date": deceased,
        "inactive_reason": null,
        "last_status_change": chart.changed(),
        "notes": null,
    })
}
