//! Medication orders → `MedicationRequest` with a contained `Medication`, discontinuations → `MedicationStatement`,
//! fills → `MedicationDispense`.

use super::common::diagnoses;
use super::{Kept, Mapper, keep, text};
use crate::elation::model::{
    Decimal, Discontinuation, Expanded, Fill, Fulfillment, Many, MedOrder, Medication, MedicationThread, Source, Str,
};
use crate::fhir::{
    BASE, Measured, Object, Text, Tree, coding, concept, identifier, object, quantity, system, text_concept,
};
use crate::pattern::{MapCode, MapError};
use crate::table;

/// An order: the codes are in `medicationCodeableConcept`, so that a search finds them; form, strength and the like are
/// in a contained `Medication` that an extension points to.
pub(in crate::elation) fn medication_order<'a>(m: &mut Mapper<'_, 'a>, order: MedOrder<'a>) -> Result<(), MapError> {
    let MedOrder {
        id: _,
        patient,
        practice,
        prescribing_physician,
        documenting_personnel,
        medication,
        medication_type,
        order_type,
        is_doc_med,
        directions,
        qty,
        qty_units,
        num_samples,
        auth_refills,
        days_supply,
        start_date,
        allow_substitutions,
        icd10_codes,
        thread,
        fulfillment,
        notes,
        pharmacy_instructions,
        send_rx_reminder,
        show_in_chart_feed,
        document_date,
        chart_date,
        signed_date,
        signed_by,
        created_date,
        last_modified,
        deleted_date,
        rest,
        node: _,
    } = order;
    m.dated(last_modified, last_modified.or(created_date), deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: num_samples, pharmacy_instructions, send_rx_reminder, show_in_chart_feed, chart_date, signed_date, signed_by);
    keep!(kept: created_date, last_modified, deleted_date);
    kept.rest(rest);
    let own = m.part("");
    let mut out = m.start("MedicationRequest", &own);
    out.push("identifier", identifier(m.system("medications"), Some(m.id.clone())));
    let documented = is_doc_med.is_some_and(|flag| flag.is_true());
    let stopped = !m.deleted && has_ended(m, thread.as_ref());
    out.set(
        "status",
        match () {
            () if m.deleted => "entered-in-error",
            () if stopped => "stopped",
            () if documented || signed_date.is_some() => "active",
            () => "draft",
        },
    );
    // A documented medication is what the patient says or another has prescribed: no order of this practice.
    out.set("intent", if documented { "plan" } else { "order" });
    out.set("reportedBoolean", is_doc_med.map(|flag| flag.is_true()));
    out.push("category", m.coded(&mut kept, &table::ORDER_TYPE, "order_type", order_type));
    out.push("category", m.coded(&mut kept, &table::MEDICATION_TYPE, "medication_type", medication_type));
    let medication = medication.ok_or_else(|| m.fail("medication", MapCode::Missing))?;
    let route = drug(m, &mut out, medication);
    out.set("subject", m.to_patient());
    out.push("supportingInformation", m.refer("Organization", "practices", practice));
    out.set("authoredOn", m.time(&mut kept, "document_date", document_date));
    out.set("requester", m.refer("Practitioner", "physicians", prescribing_physician));
    out.set("recorder", m.refer("Practitioner", "physicians", documenting_personnel));
    let mut reasons = Vec::new();
    diagnoses("icd10_codes", icd10_codes, &mut kept, &mut reasons);
    out.set("reasonCode", reasons.into_iter().map(|(_, reason)| reason).collect::<Vec<_>>());
    course(m, &mut out, &mut kept, thread);
    out.push("note", text(notes).map(|note| object! { "text" => note }));
    out.push("dosageInstruction", object! { "text" => text(directions), "route" => text_concept(route) });
    let mut dispense = Object::default();
    dispense.set("validityPeriod", m.day(&mut kept, "start_date", start_date).map(|day| object! { "start" => day }));
    dispense.set("numberOfRepeatsAllowed", whole(&mut kept, "auth_refills", auth_refills));
    dispense.set("quantity", amount(m, &mut kept, qty, qty_units));
    dispense.set("expectedSupplyDuration", days(&mut kept, days_supply));
    dispense.set("performer", fulfilment(fulfillment, &mut kept));
    out.set("dispenseRequest", dispense);
    out.set("substitution", allow_substitutions.map(|flag| object! { "allowedBoolean" => flag.is_true() }));
    m.emit("MedicationRequest", own, out, kept);
    Ok(())
}

/// Whether the course had ended when the object was received.
fn has_ended(m: &mut Mapper<'_, '_>, thread: Option<&MedicationThread<'_>>) -> bool {
    let end = thread.and_then(|thread| thread.dc_date).map(|day| day.text().to_string());
    end.is_some_and(|end| end.get(..10).is_some_and(|day| m.has_begun(day)))
}

/// The course of treatment: its orders share a group identifier.
fn course<'a>(m: &mut Mapper<'_, 'a>, out: &mut Object<'a>, kept: &mut Kept<'a>, thread: Option<MedicationThread<'a>>) {
    let Some(MedicationThread { id, is_permanent, dc_date, rest, node: _ }) = thread else { return };
    let mut inner = Kept::default();
    keep!(inner: dc_date);
    inner.rest(rest);
    kept.absorb("thread", inner);
    out.set("groupIdentifier", id.and_then(|id| identifier(m.system("medication_threads"), Some(id.text()))));
    let therapy = "http://terminology.hl7.org/CodeSystem/medicationrequest-course-of-therapy";
    out.set(
        "courseOfTherapyType",
        is_permanent.map(|flag| {
            let (code, display) = if flag.is_true() {
                ("continuous", "Continuous long term therapy")
            } else {
                ("acute", "Short course (acute) therapy")
            };
            concept(vec![object! { "system" => therapy, "code" => code, "display" => display }], None)
        }),
    );
}

/// `medicationCodeableConcept`, and the contained `Medication` with what a concept cannot say. Gives the route, which
/// belongs to the dosage.
fn drug<'a>(m: &mut Mapper<'_, 'a>, out: &mut Object<'a>, medication: Medication<'a>) -> Option<Text<'a>> {
    let Medication {
        id,
        name,
        brand_name,
        generic_name,
        form,
        route,
        strength,
        kind,
        is_controlled,
        creation_type,
        practice,
        ndcs,
        active_ndcs,
        rxnorm_cuis,
        created_date,
        market_end_date,
        obsolete_date,
        rest,
        node: _,
    } = medication;
    let mut inner = Kept::default();
    keep!(inner: brand_name, strength, is_controlled, creation_type, practice, active_ndcs);
    keep!(inner: created_date, market_end_date, obsolete_date);
    inner.member("type", kind.as_ref());
    inner.rest(rest);
    let mut codings = Vec::new();
    codings.extend(each(rxnorm_cuis).filter_map(|cui| coding(system::RXNORM, Some(cui), None)));
    codings.extend(each(ndcs).filter_map(|ndc| coding(system::NDC, Some(ndc), None)));
    let shown = text(name).or_else(|| text(brand_name)).or_else(|| text(generic_name));
    let said = concept(codings, shown);
    out.set("medicationCodeableConcept", if said.is_empty() { unnamed() } else { said });
    let mut contained = object! {
        "identifier" => id.and_then(|id| identifier(m.system("drugs"), Some(id.text()))).map(|id| vec![id]),
        "code" => text_concept(text(generic_name)),
        "form" => text_concept(text(form)),
    };
    if let Some(extension) = inner.extension() {
        contained.push("extension", extension);
    }
    if !contained.is_empty() {
        contained.set("resourceType", "Medication");
        contained.set("id", "drug");
        out.push("contained", contained);
        out.push(
            "extension",
            object! {
                "url" => format!("{BASE}StructureDefinition/medication-detail"),
                "valueReference" => object! { "reference" => "#drug" },
            },
        );
    }
    text(route)
}

fn each<'a>(list: Option<Many<'a, Str<'a>>>) -> impl Iterator<Item = Text<'a>> {
    list.into_iter().flat_map(|list| list.items).filter_map(|(_, item)| text(Some(item)))
}

/// A quantity with a unit of the pharmacy.
fn amount<'a>(
    m: &mut Mapper<'_, 'a>,
    kept: &mut Kept<'a>,
    qty: Option<Decimal<'a>>,
    units: Option<Str<'a>>,
) -> Option<Object<'a>> {
    let Some(value) = qty.and_then(|qty| qty.number()) else {
        keep!(kept: qty);
        kept.member("qty_units", units.as_ref());
        return None;
    };
    let row = m.code(kept, &table::QUANTITY_UNIT, "qty_units", units);
    let ucum = row.and_then(|row| row.cell(1));
    Some(quantity(Measured { comparator: None, value }, text(units), ucum))
}

/// A whole number from 0 to 2³¹−1; anything else is kept.
fn whole<'a>(kept: &mut Kept<'a>, name: &str, value: Option<Decimal<'a>>) -> Option<Tree<'a>> {
    let value = value?;
    match value.number().filter(|digits| digits.parse::<i32>().is_ok_and(|number| number >= 0)) {
        Some(digits) => Some(Tree::Raw(digits)),
        None => {
            kept.put(name, value.node());
            None
        }
    }
}

fn days<'a>(kept: &mut Kept<'a>, supply: Option<Decimal<'a>>) -> Option<Object<'a>> {
    let supply = supply?;
    let Some(value) = supply.number() else {
        kept.put("days_supply", supply.node());
        return None;
    };
    Some(quantity(Measured { comparator: None, value }, Some("days".into()), Some("d")))
}

/// The pharmacy; how the order went there has no place in FHIR.
fn fulfilment<'a>(fulfillment: Option<Fulfillment<'a>>, kept: &mut Kept<'a>) -> Option<Object<'a>> {
    let Fulfillment { kind, state, time_completed, pharmacy_ncpdpid, detail, service_location, rest, node: _ } =
        fulfillment?;
    let mut inner = Kept::default();
    keep!(inner: state, time_completed, detail);
    inner.member("type", kind.as_ref());
    match service_location {
        Some(Expanded::Id(id)) => inner.put("service_location", id.node()),
        Some(Expanded::Object(place)) => inner.put("service_location", place.node()),
        None => {}
    }
    inner.rest(rest);
    kept.absorb("fulfillment", inner);
    pharmacy(pharmacy_ncpdpid)
}

fn pharmacy(ncpdp: Option<Str<'_>>) -> Option<Object<'_>> {
    let identifier = identifier(system::NCPDP, text(ncpdp))?;
    Some(object! { "type" => "Organization", "identifier" => identifier })
}

/// A discontinuation: the statement that a medication was stopped, based on its order.
pub(in crate::elation) fn discontinuation<'a>(
    m: &mut Mapper<'_, 'a>,
    discontinuation: Discontinuation<'a>,
) -> Result<(), MapError> {
    let Discontinuation {
        id: _,
        patient,
        practice,
        med_order,
        last_medication_order,
        thread,
        medication,
        reason,
        discontinue_date,
        is_documented,
        prescribing_physician,
        supervising_physician,
        documenting_personnel,
        document_date,
        chart_date,
        signed_date,
        signed_by,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = discontinuation;
    m.dated(None, created_date, deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: practice, last_medication_order, is_documented, prescribing_physician, supervising_physician);
    keep!(kept: chart_date, signed_date, signed_by, created_date, deleted_date);
    kept.rest(rest);
    let own = m.part("");
    let mut out = m.start("MedicationStatement", &own);
    out.push("identifier", identifier(m.system("discontinued_medications"), Some(m.id.clone())));
    out.push("identifier", thread.and_then(|id| identifier(m.system("medication_threads"), Some(id.text()))));
    out.push("basedOn", m.refer("MedicationRequest", "medications", med_order));
    out.set("status", if m.deleted { "entered-in-error" } else { "stopped" });
    out.push("statusReason", text_concept(text(reason)));
    match medication {
        Some(medication) => {
            let route = drug(m, &mut out, medication);
            out.push("dosage", object! { "route" => text_concept(route) });
        }
        None => out.set("medicationCodeableConcept", unnamed()),
    }
    out.set("subject", m.to_patient());
    let end = m.day(&mut kept, "discontinue_date", discontinue_date);
    out.set("effectivePeriod", end.map(|end| object! { "end" => end }));
    out.set("dateAsserted", m.time(&mut kept, "document_date", document_date));
    out.set("informationSource", m.refer("Practitioner", "physicians", documenting_personnel));
    m.emit("MedicationStatement", own, out, kept);
    Ok(())
}

/// A medication that the source does not name.
fn unnamed<'a>() -> Object<'a> {
    let absent = object! {
        "url" => "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode" => "unknown",
    };
    object! { "extension" => vec![absent] }
}

/// What a pharmacy says of an order.
pub(in crate::elation) fn fill<'a>(m: &mut Mapper<'_, 'a>, fill: Fill<'a>) -> Result<(), MapError> {
    let Fill {
        id: _,
        patient,
        practice,
        medication_order,
        fill_status,
        fill_date,
        pharmacy_ncpdpid,
        note_from_pharmacy,
        rest,
        node: _,
    } = fill;
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: practice);
    kept.rest(rest);
    let own = m.part("");
    let mut out = m.start("MedicationDispense", &own);
    out.push("identifier", identifier(m.system("prescription_fills"), Some(m.id.clone())));
    let row = m.code(&mut kept, &table::FILL_STATUS, "fill_status", fill_status);
    out.set("status", row.and_then(|row| row.cell(1)).unwrap_or("unknown"));
    let shown = row.filter(|row| row.keeps_source()).and_then(|row| row.cell(2));
    out.set("statusReasonCodeableConcept", text_concept(shown.map(Into::into)));
    out.set("medicationCodeableConcept", unnamed());
    out.set("subject", m.to_patient());
    out.push("performer", pharmacy(pharmacy_ncpdpid).map(|actor| object! { "actor" => actor }));
    out.push("authorizingPrescription", m.refer("MedicationRequest", "medications", medication_order));
    // Only what was handed over has a time of handing over.
    let filled = m.day(&mut kept, "fill_date", fill_date);
    if row.and_then(|row| row.cell(1)) == Some("completed") {
        out.set("whenHandedOver", filled);
    } else {
        keep!(kept: fill_date);
    }
    out.push("note", text(note_from_pharmacy).map(|note| object! { "text" => note }));
    m.emit("MedicationDispense", own, out, kept);
    Ok(())
}
