//! Insurances of a patient → `Coverage`, consents → `Consent`.

use super::common::{address, contact_point, human_name};
use super::{Kept, Mapper, keep, text};
use crate::elation::model::{Consent, Insurance};
use crate::fhir::{Object, Text, Tree, concept, identifier, object, system, text_concept, typed_identifier};
use crate::table;

/// One insurance. The carrier and the insured person are contained: they exist in this insurance only.
pub(super) fn coverage<'a>(m: &mut Mapper<'_, 'a>, list: &'static str, index: usize, insurance: Insurance<'a>) {
    let Insurance {
        id,
        rank,
        member_id,
        group_id,
        carrier,
        plan,
        insurance_company,
        insurance_plan,
        payment_program,
        copay,
        deductible,
        start_date,
        end_date,
        address: line,
        suite,
        city,
        state,
        zip,
        phone,
        extension,
        relationship_to_insured,
        insured_person_id,
        insured_person_first_name,
        insured_person_last_name,
        insured_person_gender,
        insured_person_dob,
        insured_person_ssn,
        insured_person_address,
        insured_person_city,
        insured_person_state,
        insured_person_zip,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = insurance;
    let mut kept = Kept::default();
    keep!(kept: extension, created_date, deleted_date);
    kept.rest(rest);
    // An insurance without an id is known by its place only.
    let part = id.map_or_else(|| format!("{list}:{index}"), |id| format!("insurance:{}", &*id.text()));
    let own = m.free(m.part(&part), &part);
    let gone = list == "deleted_insurances" || deleted_date.is_some();
    let mut out = m.start("Coverage", &own);

    let company = insurance_company.and_then(|id| identifier(m.system("insurance_companies"), Some(id.text())));
    let mut payor = object! {
        "name" => text(carrier),
        "identifier" => company.map(|company| vec![company]),
        "telecom" => contact_point("phone", phone, None).map(|phone| vec![phone]),
    };
    let place = address([line, suite], city, state, zip);
    payor.push("address", place);
    if payor.is_empty() {
        payor.set("name", "Unknown payor");
    }
    payor.set("resourceType", "Organization");
    payor.set("id", "payor");
    out.push("contained", payor);

    let gender = m.code(&mut kept, &table::INSURED_GENDER, "insurances.insured_person_gender", insured_person_gender);
    let born = m.day(&mut kept, "insurances.insured_person_dob", insured_person_dob);
    let mut insured = object! {
        "name" => human_name(None, [insured_person_first_name, None], insured_person_last_name, None).map(|n| vec![n]),
        "gender" => gender.and_then(|row| row.cell(1)),
        "birthDate" => born,
        "identifier" => typed_identifier("SS", Some(system::SSN), text(insured_person_ssn)).map(|ssn| vec![ssn]),
    };
    insured.push(
        "address",
        address([insured_person_address, None], insured_person_city, insured_person_state, insured_person_zip),
    );
    if !insured.is_empty() {
        insured.set("resourceType", "RelatedPerson");
        insured.set("id", "insured");
        insured.set("patient", m.to_patient());
        out.push("contained", insured);
        out.set("subscriber", object! { "reference" => "#insured" });
    }
    out.push("identifier", id.and_then(|id| identifier(m.system("patient_insurances"), Some(id.text()))));
    out.push("identifier", typed_identifier("MB", None, text(member_id)));
    out.set("status", if gone { "cancelled" } else { "active" });
    out.set("type", m.coded(&mut kept, &table::PAYMENT_PROGRAM, "insurances.payment_program", payment_program));
    out.set("subscriberId", text(insured_person_id));
    out.set("beneficiary", m.to_patient());
    let relationship = m.coded(
        &mut kept,
        &table::SUBSCRIBER_RELATIONSHIP,
        "insurances.relationship_to_insured",
        relationship_to_insured,
    );
    out.set("relationship", relationship);
    let (start, end) =
        (m.day(&mut kept, "insurances.start_date", start_date), m.day(&mut kept, "insurances.end_date", end_date));
    out.set("period", object! { "start" => start, "end" => end });
    out.push("payor", object! { "reference" => "#payor" });
    out.push("class", class("group", text(group_id), None));
    out.push(
        "class",
        match insurance_plan {
            Some(id) => class("plan", Some(id.text()), text(plan)),
            None => class("plan", text(plan), None),
        },
    );
    let order = m.code(&mut kept, &table::INSURANCE_RANK, "insurances.rank", rank);
    out.set("order", order.and_then(|row| row.cell(1)).map(|order| Tree::Raw(order.into())));
    for (kind, amount, name) in [("copay", copay, "copay"), ("deductible", deductible, "deductible")] {
        match amount.and_then(|amount| amount.number()) {
            Some(number) => out.push("costToBeneficiary", cost(kind, number)),
            None => kept.member(name, amount.as_ref()),
        }
    }
    m.emit("Coverage", own, out, kept);
}

fn class<'a>(code: &'static str, value: Option<Text<'a>>, name: Option<Text<'a>>) -> Option<Object<'a>> {
    let value = value?;
    let kind = object! { "system" => "http://terminology.hl7.org/CodeSystem/coverage-class", "code" => code };
    Some(object! { "type" => concept(vec![kind], None), "value" => value, "name" => name })
}

/// What the patient pays himself, in US dollars: the interface has amounts in no other currency.
fn cost<'a>(code: &'static str, amount: Text<'a>) -> Object<'a> {
    let kind = object! { "system" => "http://terminology.hl7.org/CodeSystem/coverage-copay-type", "code" => code };
    object! {
        "type" => concept(vec![kind], None),
        "valueMoney" => object! { "value" => Tree::Raw(amount), "currency" => "USD" },
    }
}

/// Whether the patient lets an application have his data.
pub(super) fn consent<'a>(m: &mut Mapper<'_, 'a>, index: usize, consent: Consent<'a>) {
    let Consent { application, consented, is_active, last_modified_date, rest, node: _ } = consent;
    let mut kept = Kept::default();
    kept.rest(rest);
    keep!(kept: consented, is_active);
    let part = text(application).map_or_else(|| format!("consent:{index}"), |name| format!("consent:{}", &*name));
    let own = m.free(m.part(&part), &part);
    let mut out = m.start("Consent", &own);
    let agreed = consented.is_some_and(|flag| flag.is_true());
    let status = match is_active {
        Some(flag) if !flag.is_true() => "inactive",
        _ if consented.is_some() && !agreed => "rejected",
        _ => "active",
    };
    out.set("status", status);
    let scope =
        object! { "system" => "http://terminology.hl7.org/CodeSystem/consentscope", "code" => "patient-privacy" };
    out.set("scope", concept(vec![scope], None));
    let category = object! { "system" => "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code" => "IDSCL" };
    out.push("category", concept(vec![category], None));
    out.set("patient", m.to_patient());
    out.set("dateTime", m.time(&mut kept, "consents.last_modified_date", last_modified_date));
    let policy = text(application).unwrap_or_else(|| "Sharing with an application".into());
    out.set("policyRule", text_concept(Some(policy)));
    out.set("provision", consented.map(|flag| object! { "type" => if flag.is_true() { "permit" } else { "deny" } }));
    m.emit("Consent", own, out, kept);
}
