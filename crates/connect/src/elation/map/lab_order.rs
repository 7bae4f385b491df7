//! Lab orders → one `ServiceRequest` for each test, held together by the requisition.

use super::common::{address, contact_point, diagnoses};
use super::{Kept, Mapper, SEPARATOR, keep, text};
use crate::elation::model::{
    BodySite, LabOrder, LabOrderContent, LabSite, OrderSpecimen, OrderedTest, Resolution, Source, SpecimenModifier,
};
use crate::fhir::{BASE, Object, Text, coding, concept, identifier, object, system};
use crate::pattern::MapError;
use crate::table;

/// What all requests of an order share.
struct Shared<'a> {
    members: Object<'a>,
    reasons: Vec<(Option<String>, Object<'a>)>,
    collected: Option<Text<'a>>,
    site: Option<Object<'a>>,
    restricted: bool,
}

/// One order. Members of the order itself that have no place are kept with its first request.
pub(in crate::elation) fn lab_order<'a>(m: &mut Mapper<'_, 'a>, order: LabOrder<'a>) -> Result<(), MapError> {
    let LabOrder {
        id: _,
        patient,
        practice,
        ordering_physician,
        content,
        requisition,
        vendor,
        site,
        resolution,
        specimens,
        submissions,
        answers,
        bill_type,
        confidential,
        ccs,
        facility,
        special_insurance,
        tags,
        follow_up_method,
        printable_view,
        test_date,
        document_date,
        chart_date,
        signed_date,
        signed_by,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = order;
    m.dated(None, created_date, deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: submissions, answers, bill_type, ccs, facility, special_insurance, tags, follow_up_method, printable_view);
    keep!(kept: chart_date, signed_date, signed_by, created_date, deleted_date);
    kept.rest(rest);
    let mut members = Object::default();
    members.push("identifier", identifier(m.system("lab_orders"), Some(m.id.clone())));
    members.set("requisition", identifier(m.system("requisitions"), text(requisition)));
    let state = resolved(m, resolution, &mut members, &mut kept);
    members.set(
        "status",
        match state {
            _ if m.deleted => "entered-in-error",
            Some(state) => state,
            None if signed_date.is_some() => "active",
            None => "draft",
        },
    );
    members.set("intent", "order");
    let laboratory = object! { "system" => system::SNOMED, "code" => "108252007", "display" => "Laboratory procedure" };
    members.push("category", concept(vec![laboratory], None));
    members.set("subject", m.to_patient());
    members.set("authoredOn", m.time(&mut kept, "document_date", document_date));
    members.set("occurrenceDateTime", m.day(&mut kept, "test_date", test_date));
    members.set("requester", m.refer("Practitioner", "physicians", ordering_physician));
    members.push("performer", m.refer("Organization", "lab_vendors", vendor));
    members.push("supportingInfo", m.refer("Organization", "practices", practice));
    let mut shared = Shared {
        members,
        reasons: Vec::new(),
        collected: None,
        site: site.map(|site| place(m, site, &mut kept)),
        restricted: confidential.is_some_and(|flag| flag.is_true()),
    };
    if !shared.restricted {
        keep!(kept: confidential);
    }
    let tests = content.map(|content| ordered(m, content, &mut shared, &mut kept)).unwrap_or_default();
    let specimens: Vec<_> = specimens.into_iter().flat_map(|list| list.items).collect();
    requests(m, &shared, tests, specimens, kept);
    Ok(())
}

/// One request for each test; an order without tests is one request.
fn requests<'a>(
    m: &mut Mapper<'_, 'a>,
    shared: &Shared<'a>,
    tests: Vec<(usize, OrderedTest<'a>)>,
    specimens: Vec<(usize, OrderSpecimen<'a>)>,
    mut order_kept: Kept<'a>,
) {
    let ids: Vec<Option<String>> = tests.iter().map(|(_, test)| test.id.map(|id| id.text().to_string())).collect();
    // A specimen that names no test of this order goes with the first.
    let place_of = |specimen: &OrderSpecimen<'_>| {
        let named = specimen.test.map(|id| id.text().to_string());
        ids.iter().position(|id| id.is_some() && *id == named).unwrap_or(0)
    };
    let mut specimens: Vec<(usize, usize, OrderSpecimen<'a>)> =
        specimens.into_iter().map(|(index, specimen)| (place_of(&specimen), index, specimen)).collect();
    let mut keys: Vec<String> = Vec::new();
    let mut tests = tests.into_iter();
    for at in 0..ids.len().max(1) {
        let test = tests.next();
        let key = test.as_ref().map_or_else(|| "order".to_owned(), |(_, test)| key_of(test));
        let own = m.part(&format!("test:{key}{SEPARATOR}{}", keys.iter().filter(|other| **other == key).count()));
        keys.push(key);
        let mut kept = std::mem::take(&mut order_kept);
        let mut out = m.start("ServiceRequest", &own);
        if shared.restricted {
            out = m.start_restricted("ServiceRequest", &own);
        }
        out.append(shared.members.clone());
        let mut reasons = shared.reasons.clone();
        if let Some((index, test)) = test {
            let mut inner = Kept::default();
            requested(m, &mut out, test, &mut reasons, &mut inner);
            kept.absorb(&format!("content.tests.{index}"), inner);
        }
        out.set("reasonCode", reasons.into_iter().map(|(_, reason)| reason).collect::<Vec<_>>());
        let (taken, left): (Vec<_>, Vec<_>) = specimens.into_iter().partition(|(place, _, _)| *place == at);
        specimens = left;
        for (_, index, specimen) in taken {
            let mut inner = Kept::default();
            contain(m, &mut out, index, specimen, shared.collected.clone(), &mut inner);
            kept.absorb(&format!("specimens.{index}"), inner);
        }
        if let Some(site) = &shared.site {
            out.push("contained", site.clone());
            out.push("locationReference", object! { "reference" => "#site" });
        }
        m.emit("ServiceRequest", own, out, kept);
    }
}

/// What tells the tests of an order apart.
fn key_of(test: &OrderedTest<'_>) -> String {
    let key = test.id.map(|id| id.text()).or_else(|| text(test.code)).or_else(|| text(test.name));
    key.map(|key| key.to_string()).unwrap_or_default()
}

/// Whether the order is open, and which report answers it.
fn resolved<'a>(
    m: &mut Mapper<'_, 'a>,
    resolution: Option<Resolution<'a>>,
    members: &mut Object<'a>,
    kept: &mut Kept<'a>,
) -> Option<&'static str> {
    let Resolution { id, state, note, document, resolving_document, created_date, deleted_date, rest, node: _ } =
        resolution?;
    let mut inner = Kept::default();
    keep!(inner: id, note, document, created_date, deleted_date);
    if deleted_date.is_some() {
        inner.member("state", state.as_ref());
    }
    inner.rest(rest);
    members.push("supportingInfo", m.refer("DiagnosticReport", "reports", resolving_document));
    let row = m.code(&mut inner, &table::RESOLUTION, "resolution.state", state);
    kept.absorb("resolution", inner);
    if m.deleted {
        kept.member("resolution.state", state.as_ref());
    }
    row.and_then(|row| row.cell(1)).filter(|_| deleted_date.is_none())
}

/// The content of an order: what holds for all its tests goes to `shared`.
fn ordered<'a>(
    m: &mut Mapper<'_, 'a>,
    content: LabOrderContent<'a>,
    shared: &mut Shared<'a>,
    kept: &mut Kept<'a>,
) -> Vec<(usize, OrderedTest<'a>)> {
    let LabOrderContent {
        id,
        tests,
        icd10_codes,
        fasting_method,
        stat_method,
        collection_datetime,
        patient_instructions,
        test_center_notes,
        standing_order_frequency,
        standing_order_end_date,
        rest,
        node: _,
    } = content;
    let mut inner = Kept::default();
    keep!(inner: id, standing_order_frequency, standing_order_end_date);
    inner.rest(rest);
    diagnoses("icd10_codes", icd10_codes, &mut inner, &mut shared.reasons);
    let fasting = m.code(&mut inner, &table::FASTING_METHOD, "content.fasting_method", fasting_method);
    let stat = m.code(&mut inner, &table::STAT_METHOD, "content.stat_method", stat_method);
    shared.members.set("priority", stat.and_then(|row| row.cell(1)));
    for (code, shown) in [(fasting, fasting.and_then(|row| row.cell(1))), (stat, stat.and_then(|row| row.cell(2)))] {
        let system = format!("{BASE}CodeSystem/elation-order-detail");
        let detail = code.map(|row| object! { "system" => system, "code" => row.source(), "display" => shown });
        shared.members.push("orderDetail", detail.map(|detail| concept(vec![detail], None)));
    }
    shared.collected = m.time(&mut inner, "content.collection_datetime", collection_datetime);
    let tests: Vec<_> = tests.into_iter().flat_map(|tests| tests.items).collect();
    // The time of collection is said by the specimens; it is kept for orders that list none.
    keep!(inner: collection_datetime);
    shared.members.set("patientInstruction", text(patient_instructions));
    shared.members.push("note", text(test_center_notes).map(|note| object! { "text" => note }));
    kept.absorb("content", inner);
    tests
}

/// One test: vendor's code, CPT, and its own diagnoses.
fn requested<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    test: OrderedTest<'a>,
    reasons: &mut Vec<(Option<String>, Object<'a>)>,
    kept: &mut Kept<'a>,
) {
    let OrderedTest {
        id,
        name,
        code,
        cpts,
        icd10_codes,
        questions,
        synonyms,
        compendium,
        lab_vendor,
        procedure_class,
        practice_created,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = test;
    keep!(kept: questions, synonyms, lab_vendor, procedure_class, practice_created, created_date, deleted_date);
    kept.rest(rest);
    out.push("identifier", id.and_then(|id| identifier(m.system("lab_order_tests"), Some(id.text()))));
    let vendor = match compendium {
        Some(id) => m.system(&format!("compendiums/{}", &*id.text())),
        None => m.system("test_codes"),
    };
    let mut codings: Vec<Object<'a>> = Vec::new();
    let own = coding(vendor, text(code), None);
    if own.is_none() {
        keep!(kept: code, compendium);
    }
    codings.extend(own);
    for (index, cpt) in cpts.into_iter().flat_map(|list| list.items) {
        match coding(system::CPT, text(Some(cpt)), None) {
            Some(coding) => codings.push(coding),
            None => kept.put(format!("cpts.{index}"), cpt.node()),
        }
    }
    out.set("code", concept(codings, text(name)));
    diagnoses("icd10_codes", icd10_codes, kept, reasons);
}

/// A specimen, contained: it exists for this order only.
fn contain<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    index: usize,
    specimen: OrderSpecimen<'a>,
    collected: Option<Text<'a>>,
    kept: &mut Kept<'a>,
) {
    let OrderSpecimen { id, lab_order, test, container_id, description, body_site, modifiers, rest, node: _ } =
        specimen;
    keep!(kept: lab_order, test);
    kept.rest(rest);
    let mut site = Object::default();
    if let Some(BodySite { code, text: said, deleted_date, rest, node: _ }) = body_site {
        let mut inner = Kept::default();
        keep!(inner: deleted_date);
        inner.rest(rest);
        kept.absorb("body_site", inner);
        site = concept(coding(BODY_SITE, text(code), None).into_iter().collect(), text(said));
    }
    for (at, modifier) in modifiers.into_iter().flat_map(|list| list.items) {
        let SpecimenModifier { modifier, sequence, specimen, deleted_date, rest, node: _ } = modifier;
        let mut inner = Kept::default();
        inner.rest(rest);
        keep!(inner: modifier, sequence, specimen, deleted_date);
        kept.absorb(&format!("modifiers.{at}"), inner);
    }
    let name = format!("specimen-{index}");
    let mut inside = object! {
        "collection" => object! { "collectedDateTime" => collected, "bodySite" => site },
        "note" => text(description).map(|note| vec![object! { "text" => note }]),
        "identifier" => id.and_then(|id| identifier(m.system("specimens"), Some(id.text()))).map(|id| vec![id]),
    };
    inside.push(
        "container",
        identifier(m.system("containers"), text(container_id)).map(|id| {
            object! { "identifier" => vec![id] }
        }),
    );
    if inside.is_empty() {
        return;
    }
    inside.set("resourceType", "Specimen");
    inside.set("id", name.clone());
    inside.set("subject", m.to_patient());
    out.push("contained", inside);
    out.push("specimen", object! { "reference" => format!("#{name}") });
}

const BODY_SITE: &str = "http://terminology.hl7.org/CodeSystem/v2-0550";

/// Where the patient goes to, contained: laboratories' sites are no part of the directory.
fn place<'a>(m: &mut Mapper<'_, 'a>, site: LabSite<'a>, kept: &mut Kept<'a>) -> Object<'a> {
    let LabSite {
        id,
        name,
        address: line,
        suite,
        city,
        state,
        zip,
        phone,
        fax,
        vendor,
        practice_created,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = site;
    let mut inner = Kept::default();
    keep!(inner: vendor, practice_created, created_date, deleted_date);
    inner.rest(rest);
    kept.absorb("site", inner);
    let points: Vec<Object<'a>> =
        contact_point("phone", phone, None).into_iter().chain(contact_point("fax", fax, None)).collect();
    object! {
        "resourceType" => "Location",
        "id" => "site",
        "identifier" => id.and_then(|id| identifier(m.system("lab_vendor_patient_sites"), Some(id.text()))).map(|id| vec![id]),
        "name" => text(name),
        "telecom" => points,
        "address" => address([line, suite], city, state, zip),
    }
}
