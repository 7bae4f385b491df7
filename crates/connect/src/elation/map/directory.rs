//! Physicians → `Practitioner` and `PractitionerRole`, practices → `Organization` and a `Location` for each place.

use super::common::{address, contact_point, human_name};
use super::{Kept, Mapper, keep, text};
use crate::elation::model::{Physician, Practice, ServiceLocation};
use crate::fhir::{Object, Text, coding, concept, identifier, object, system, text_concept};
use crate::pattern::MapError;
use crate::table;

/// A physician, and his role at his practice.
pub(in crate::elation) fn physician<'a>(m: &mut Mapper<'_, 'a>, physician: Physician<'a>) -> Result<(), MapError> {
    let Physician {
        id: _,
        first_name,
        last_name,
        credentials,
        npi,
        license,
        license_state,
        specialty,
        email,
        fax,
        practice,
        user_id,
        is_active,
        metadata,
        rest,
        node: _,
    } = physician;
    let mut kept = Kept::default();
    kept.rest(rest);
    let own = m.part("");
    let mut out = m.start("Practitioner", &own);
    out.push("identifier", identifier(m.system("physicians"), Some(m.id.clone())));
    out.push("identifier", identifier(system::NPI, text(npi)));
    out.push("identifier", user_id.and_then(|id| identifier(m.system("users"), Some(id.text()))));
    out.push("identifier", m.metadata(metadata, &mut kept));
    out.set("active", is_active.map(|flag| flag.is_true()));
    out.push("name", human_name(None, [first_name, None], last_name, credentials));
    out.push("telecom", contact_point("email", email, Some("work")));
    out.push("telecom", contact_point("fax", fax, Some("work")));
    let issuer = text(license_state).map(|state| object! { "display" => state });
    match text(license) {
        Some(number) => out.push(
            "qualification",
            object! {
                "identifier" => vec![object! { "value" => number }],
                "code" => text_concept(Some("Medical license".into())),
                "issuer" => issuer,
            },
        ),
        None => keep!(kept: license_state),
    }
    m.emit("Practitioner", own.clone(), out, kept);
    if practice.is_none() && text(specialty).is_none() {
        return Ok(());
    }
    let role = m.part("role");
    let mut out = m.start("PractitionerRole", &role);
    out.set("active", is_active.map(|flag| flag.is_true()));
    out.set("practitioner", Mapper::to_own("Practitioner", &own));
    out.set("organization", m.refer("Organization", "practices", practice));
    out.push("specialty", text_concept(text(specialty)));
    m.emit("PractitionerRole", role, out, Kept::default());
    Ok(())
}

/// A practice and where it sees patients.
pub(in crate::elation) fn practice<'a>(m: &mut Mapper<'_, 'a>, practice: Practice<'a>) -> Result<(), MapError> {
    let Practice {
        id: _,
        name,
        address_line1,
        address_line2,
        city,
        state,
        zip,
        timezone,
        status,
        elation_root_oid,
        physicians,
        employers,
        service_locations,
        metadata,
        rest,
        node: _,
    } = practice;
    let mut kept = Kept::default();
    keep!(kept: timezone, physicians, employers);
    kept.rest(rest);
    let own = m.part("");
    let mut out = m.start("Organization", &own);
    out.push("identifier", identifier(m.system("practices"), Some(m.id.clone())));
    let oid = text(elation_root_oid).map(|oid| Text::from(format!("urn:oid:{}", oid.trim())));
    out.push("identifier", identifier("urn:ietf:rfc:3986", oid));
    out.push("identifier", m.metadata(metadata, &mut kept));
    let row = m.code(&mut kept, &table::PRACTICE_STATUS, "status", status);
    out.set("active", row.and_then(|row| row.cell(1)).map(|cell| cell == "true"));
    out.set("name", text(name).unwrap_or_else(|| "Unnamed practice".into()));
    out.push("address", address([address_line1, address_line2], city, state, zip));
    m.emit("Organization", own.clone(), out, kept);
    for (index, place) in service_locations.into_iter().flat_map(|list| list.items) {
        location(m, &own, index, place);
    }
    Ok(())
}

/// A place of a practice. Its logical id comes from its own id, so that appointments lead to it.
fn location<'a>(m: &mut Mapper<'_, 'a>, practice_id: &aceso_base::LogicalId, index: usize, place: ServiceLocation<'a>) {
    let ServiceLocation {
        id,
        name,
        practice,
        address_line1,
        address_line2,
        city,
        state,
        zip,
        phone,
        fax,
        email,
        is_primary,
        place_of_service,
        place_of_service_code,
        status,
        timezone,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = place;
    let mut kept = Kept::default();
    keep!(kept: practice, is_primary, timezone, created_date, deleted_date);
    kept.rest(rest);
    let part = format!("service_location:{index}");
    let own = match id {
        Some(id) => m.free(m.mint("service_locations", &id.text(), ""), &part),
        None => m.part(&part),
    };
    let mut out = m.start("Location", &own);
    out.push("identifier", id.and_then(|id| identifier(m.system("service_locations"), Some(id.text()))));
    let row = m.code(&mut kept, &table::LOCATION_STATUS, "service_locations.status", status);
    if deleted_date.is_some() {
        keep!(kept: status);
    }
    out.set("status", if deleted_date.is_some() { Some("inactive") } else { row.and_then(|row| row.cell(1)) });
    out.set("name", text(name));
    let code = place_of_service_code.and_then(|code| code.number()).filter(|code| !code.starts_with('-'));
    if code.is_none() {
        keep!(kept: place_of_service_code);
    }
    let padded = code.map(|code| Text::from(format!("{:0>2}", &*code)));
    let cms = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set";
    out.push("type", concept(coding(cms, padded, None).into_iter().collect(), text(place_of_service)));
    let points: Vec<Object<'a>> = [("phone", phone), ("fax", fax), ("email", email)]
        .into_iter()
        .filter_map(|(system, value)| contact_point(system, value, Some("work")))
        .collect();
    out.set("telecom", points);
    out.set("address", address([address_line1, address_line2], city, state, zip));
    out.set("managingOrganization", Mapper::to_own("Organization", practice_id));
    m.emit("Location", own, out, kept);
}
