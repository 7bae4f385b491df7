//! Patients → `Patient`, and an `Observation` for sexual orientation.

use super::common::{address, contact_point, human_name};
use super::coverage::{consent, coverage};
use super::{Kept, Mapper, keep, text};
use crate::elation::model::{EmergencyContact, Employer, Guarantor, Many, Patient, PatientStatus, PreviousName, Str};
use crate::fhir::{Object, Text, concept, identifier, object, system, text_concept, typed_identifier};
use crate::pattern::{MapError, UnknownCode};
use crate::table;

const CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";

/// One patient and what hangs on him: long, because a model is taken apart in one place.
pub(in crate::elation) fn patient<'a>(m: &mut Mapper<'_, 'a>, patient: Patient<'a>) -> Result<(), MapError> {
    let Patient {
        id: _,
        first_name,
        middle_name,
        last_name,
        suffix,
        actual_name,
        previous_first_name,
        previous_last_name,
        previous_name,
        mothers_maiden_name,
        dob,
        sex,
        legal_gender_marker,
        legal_gender_marker_display,
        gender_identity,
        sexual_orientation,
        pronouns,
        pronouns_display,
        race,
        ethnicity,
        preferred_language,
        ssn,
        address: home,
        previous_address,
        phones,
        emails,
        preferred_contact,
        insurances,
        deleted_insurances,
        guarantor,
        emergency_contact,
        employer,
        occupation,
        consents,
        patient_status,
        primary_physician,
        caregiver_practice,
        preferred_service_location,
        primary_care_provider,
        primary_care_provider_npi,
        preference,
        master_patient,
        merged_into_chart,
        metadata,
        tags,
        notes,
        vip,
        verified,
        sms_opt_in_status,
        timezone,
        created_date,
        last_modified,
        deleted_date,
        rest,
        node: _,
    } = patient;
    m.dated(last_modified, last_modified.or(created_date), deleted_date);
    let own = m.part("");
    m.belongs_to(&own);
    let mut kept = Kept::default();
    keep!(kept: legal_gender_marker_display, pronouns_display, preferred_contact, occupation, preferred_service_location);
    keep!(kept: primary_care_provider, preference, tags, notes, vip, verified, sms_opt_in_status, timezone);
    keep!(kept: created_date, last_modified, deleted_date);
    kept.rest(rest);

    let mut out = m.start("Patient", &own);
    out.push("identifier", identifier(m.system("patients"), Some(m.id.clone())));
    out.push("identifier", typed_identifier("SS", Some(system::SSN), text(ssn)));
    out.push("identifier", master_patient.and_then(|id| identifier(m.system("master_patients"), Some(id.text()))));
    out.push("identifier", m.metadata(metadata, &mut kept));
    names(
        &mut out,
        human_name(Some("official"), [first_name, middle_name], last_name, suffix),
        actual_name,
        human_name(Some("old"), [previous_first_name, None], previous_last_name, None),
    );
    if let Some(PreviousName { first_name, middle_name, last_name, suffix, rest, node: _ }) = previous_name {
        out.push("name", human_name(Some("old"), [first_name, middle_name], last_name, suffix));
        let mut inner = Kept::default();
        inner.rest(rest);
        kept.absorb("previous_name", inner);
    }
    telecom(m, &mut out, &mut kept, phones, emails);
    let row = m.code(&mut kept, &table::SEX, "sex", sex);
    out.set("gender", row.and_then(|row| row.cell(1)));
    out.set("birthDate", m.day(&mut kept, "dob", dob));
    state(m, &mut out, &mut kept, patient_status, deleted_date.is_some() || merged_into_chart.is_some());
    for (name, usage, place) in [("address", "home", home), ("previous_address", "old", previous_address)] {
        let Some(place) = place else { continue };
        let mut built = address([place.address_line1, place.address_line2], place.city, place.state, place.zip);
        if !built.is_empty() {
            built.set("use", usage);
        }
        out.push("address", built);
        let mut inner = Kept::default();
        inner.rest(place.rest);
        kept.absorb(name, inner);
    }
    contacts(m, &mut out, &mut kept, emergency_contact, guarantor, employer);
    language(m, &mut out, &mut kept, preferred_language);
    out.push("generalPractitioner", m.refer("Practitioner", "physicians", primary_physician));
    out.push(
        "generalPractitioner",
        text(primary_care_provider_npi).map(|npi| {
            object! { "type" => "Practitioner", "identifier" => identifier(system::NPI, Some(npi)) }
        }),
    );
    out.set("managingOrganization", m.refer("Organization", "practices", caregiver_practice));
    if let Some(survivor) = merged_into_chart {
        let id = m.mint("patients", &survivor.text(), "");
        if m.is_known("Patient", &id) {
            let other = object! { "reference" => format!("Patient/{id}") };
            out.push("link", object! { "other" => other, "type" => "replaced-by" });
        } else {
            m.unknown.push(UnknownCode { member: "merged_into_chart", table: "patient" });
            keep!(kept: merged_into_chart);
        }
    }
    out.push(
        "extension",
        row.and_then(|row| row.cell(2)).map(|code| {
            object! { "url" => format!("{CORE}us-core-sex"), "valueCode" => code }
        }),
    );
    out.push("extension", text(mothers_maiden_name).map(|name| {
        object! { "url" => "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString" => name }
    }));
    out.push("extension", omb(m, &mut kept, "us-core-race", &table::RACE, "race", race));
    out.push("extension", omb(m, &mut kept, "us-core-ethnicity", &table::ETHNICITY, "ethnicity", ethnicity));
    let identity = m.coded(&mut kept, &table::GENDER_IDENTITY, "gender_identity", gender_identity);
    out.push(
        "extension",
        identity.map(|identity| {
            object! { "url" => format!("{CORE}us-core-genderIdentity"), "valueCodeableConcept" => identity }
        }),
    );
    let spoken = m.coded(&mut kept, &table::PRONOUNS, "pronouns", pronouns.filter(|p| &*p.text() != "None"));
    out.push("extension", spoken.map(|spoken| pronoun(spoken)));
    out.push("extension", legal_marker(legal_gender_marker));
    m.emit("Patient", own, out, kept);

    orientation(m, sexual_orientation);
    for (index, insurance) in insurances.into_iter().flat_map(|list| list.items) {
        coverage(m, "insurances", index, insurance);
    }
    for (index, insurance) in deleted_insurances.into_iter().flat_map(|list| list.items) {
        coverage(m, "deleted_insurances", index, insurance);
    }
    for (index, given) in consents.into_iter().flat_map(|list| list.items) {
        consent(m, index, given);
    }
    Ok(())
}

fn names<'a>(out: &mut Object<'a>, official: Option<Object<'a>>, actual: Option<Str<'a>>, old: Option<Object<'a>>) {
    out.push("name", official);
    out.push("name", text(actual).map(|name| object! { "use" => "usual", "text" => name }));
    out.push("name", old);
}

fn telecom<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    phones: Option<Many<'a, crate::elation::model::Phone<'a>>>,
    emails: Option<Many<'a, crate::elation::model::Email<'a>>>,
) {
    for (index, phone) in phones.into_iter().flat_map(|list| list.items) {
        let mut inner = Kept::default();
        out.push("telecom", m.phone(phone, &mut inner));
        kept.absorb(&format!("phones.{index}"), inner);
    }
    for (index, email) in emails.into_iter().flat_map(|list| list.items) {
        let mut inner = Kept::default();
        out.push("telecom", m.email(email, &mut inner));
        kept.absorb(&format!("emails.{index}"), inner);
    }
}

/// `active` and `deceased[x]`. A chart that is deleted or merged away is not active, whatever its state says.
fn state<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    status: Option<PatientStatus<'a>>,
    gone: bool,
) {
    let mut active = None;
    if let Some(PatientStatus { status, deceased_date, inactive_reason, last_status_change, notes, rest, node: _ }) =
        status
    {
        let mut inner = Kept::default();
        keep!(inner: inactive_reason, last_status_change, notes);
        inner.rest(rest);
        let row = m.code(&mut inner, &table::PATIENT_STATUS, "patient_status.status", status);
        if gone {
            inner.member("status", status.as_ref());
        }
        active = row.and_then(|row| row.cell(1)).map(|cell| cell == "true");
        let died = m.day(&mut inner, "patient_status.deceased_date", deceased_date);
        let deceased = row.is_some_and(|row| row.cell(2) == Some("true"));
        if died.is_none() && deceased {
            out.set("deceasedBoolean", true);
        } else if died.is_some() && !deceased {
            inner.member("status", status.as_ref());
        }
        out.set("deceasedDateTime", died);
        kept.absorb("patient_status", inner);
    }
    out.set("active", if gone { Some(false) } else { active });
}

fn contacts<'a>(
    m: &Mapper<'_, 'a>,
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    emergency: Option<EmergencyContact<'a>>,
    guarantor: Option<Guarantor<'a>>,
    employer: Option<Employer<'a>>,
) {
    if let Some(e) = emergency {
        let EmergencyContact {
            id,
            first_name,
            last_name,
            relationship,
            phone,
            address_line1,
            address_line2,
            city,
            state,
            zip,
            rest,
            node: _,
        } = e;
        let mut inner = Kept::default();
        keep!(inner: id);
        inner.rest(rest);
        kept.absorb("emergency_contact", inner);
        let person = object! {
            "name" => human_name(None, [first_name, None], last_name, None),
            "telecom" => contact_point("phone", phone, None).map(|phone| vec![phone]),
            "address" => address([address_line1, address_line2], city, state, zip),
        };
        out.push("contact", contact("C", "http://terminology.hl7.org/CodeSystem/v2-0131", text(relationship), person));
    }
    if let Some(g) = guarantor {
        let Guarantor {
            id,
            first_name,
            last_name,
            relationship,
            phone,
            email,
            address: line,
            city,
            state,
            zip,
            rest,
            node: _,
        } = g;
        let mut inner = Kept::default();
        keep!(inner: id);
        inner.rest(rest);
        kept.absorb("guarantor", inner);
        let points: Vec<Object<'a>> =
            contact_point("phone", phone, None).into_iter().chain(contact_point("email", email, None)).collect();
        let person = object! {
            "name" => human_name(None, [first_name, None], last_name, None),
            "telecom" => points,
            "address" => address([line, None], city, state, zip),
        };
        out.push(
            "contact",
            contact("GUAR", "http://terminology.hl7.org/CodeSystem/v3-RoleClass", text(relationship), person),
        );
    }
    if let Some(Employer { code, name, description, rest, node: _ }) = employer {
        let mut inner = Kept::default();
        keep!(inner: description);
        inner.rest(rest);
        kept.absorb("employer", inner);
        let company = object! {
            "identifier" => identifier(m.system("employers"), text(code)),
            "display" => text(name),
        };
        let person = object! { "organization" => company };
        out.push("contact", contact("E", "http://terminology.hl7.org/CodeSystem/v2-0131", None, person));
    }
}

/// A contact, unless nothing but its role is known.
fn contact<'a>(
    code: &'static str,
    system: &'static str,
    relationship: Option<Text<'a>>,
    mut person: Object<'a>,
) -> Option<Object<'a>> {
    if person.is_empty() && relationship.is_none() {
        return None;
    }
    // Without a way to reach somebody pat-1 asks for a name at least: the relationship is all that is known of him.
    if person.is_empty() {
        person.set("name", object! { "text" => relationship.clone() });
    }
    let role = concept(vec![object! { "system" => system, "code" => code }], relationship);
    person.push("relationship", role);
    Some(person)
}

fn language<'a>(m: &mut Mapper<'_, 'a>, out: &mut Object<'a>, kept: &mut Kept<'a>, name: Option<Str<'a>>) {
    let Some(said) = text(name) else { return };
    let row = m.code(kept, &table::LANGUAGE, "preferred_language", name);
    let coding = row.and_then(|row| row.cell(1)).map(|code| object! { "system" => "urn:ietf:bcp:47", "code" => code });
    let spoken = concept(coding.into_iter().collect(), Some(said));
    out.push("communication", object! { "language" => spoken, "preferred" => true });
}

/// US Core race and ethnicity: the category of OMB where the table has one, and the words of the source.
fn omb<'a>(
    m: &mut Mapper<'_, 'a>,
    kept: &mut Kept<'a>,
    name: &str,
    table: &'static table::Table,
    member: &'static str,
    value: Option<Str<'a>>,
) -> Option<Object<'a>> {
    let said = text(value)?;
    let row = m.code(kept, table, member, value);
    let mut extension = object! { "url" => format!("{CORE}{name}") };
    extension.push(
        "extension",
        row.and_then(|row| {
            row.cell(1).map(|code| {
                object! { "url" => "ombCategory", "valueCoding" => object! { "system" => row.cell(2), "code" => code } }
            })
        }),
    );
    extension.push("extension", object! { "url" => "text", "valueString" => said });
    Some(extension)
}

/// The pronouns extension of HL7 (individual-pronouns).
fn pronoun(spoken: Object<'_>) -> Object<'_> {
    let value = object! { "url" => "value", "valueCodeableConcept" => spoken };
    object! {
        "url" => "http://hl7.org/fhir/StructureDefinition/individual-pronouns",
        "extension" => vec![value],
    }
}

/// The marker of legal documents (individual-recordedSexOrGender): what is recorded, and that it is the legal one.
fn legal_marker<'a>(marker: Option<Str<'a>>) -> Option<Object<'a>> {
    let value = object! { "url" => "value", "valueCodeableConcept" => text_concept(Some(text(marker)?)) };
    let kind = text_concept(Some("Legal gender marker".into()));
    Some(object! {
        "url" => "http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender",
        "extension" => vec![value, object! { "url" => "type", "valueCodeableConcept" => kind }],
    })
}

/// US Core sexual orientation: an observation of its own.
fn orientation<'a>(m: &mut Mapper<'_, 'a>, value: Option<Str<'a>>) {
    let mut kept = Kept::default();
    let Some(said) = m.coded(&mut kept, &table::SEXUAL_ORIENTATION, "sexual_orientation", value) else { return };
    let id = m.part("sexual-orientation");
    let mut out = m.start("Observation", &id);
    let category = "http://terminology.hl7.org/CodeSystem/observation-category";
    out.set("status", if m.deleted { "entered-in-error" } else { "final" });
    out.push("category", concept(vec![object! { "system" => category, "code" => "social-history" }], None));
    let code = object! { "system" => system::LOINC, "code" => "76690-7", "display" => "Sexual orientation" };
    out.set("code", concept(vec![code], None));
    out.set("subject", m.to_patient());
    out.set("valueCodeableConcept", said);
    m.emit("Observation", id, out, kept);
}
