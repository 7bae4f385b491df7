//! Medication orders, their end, and what the pharmacy gave.

use super::clinical::reasons;
use super::{Chart, drug};
use crate::facts::{Course, Fill, Order, OrderKind, Patient};
use crate::kind::Kind;
use crate::random::within;
use crate::world::Space;
use serde_json::{Value, json};

/// The order at this place: its course, the place of the course's first order, the order.
pub(super) fn order(facts: &Patient, index: usize) -> Option<(&Course, usize, Order)> {
    let mut first = 0;
    for course in &facts.courses {
        if let Some(order) = course.orders.get(index.checked_sub(first)?) {
            return Some((course, first, *order));
        }
        first += course.orders.len();
    }
    None
}

/// The discontinued course at this place, and the place of its first order.
pub(super) fn stopped(facts: &Patient, index: usize) -> Option<(usize, &Course)> {
    let firsts = facts.courses.iter().scan(0, |sum, course| {
        let first = *sum;
        *sum += course.orders.len();
        Some((first, course))
    });
    firsts.filter(|(_, course)| course.stopped.is_some()).nth(index)
}

/// The fill at this place and its course.
pub(super) fn fill(facts: &Patient, index: usize) -> Option<(&Course, Fill)> {
    facts.courses.iter().flat_map(|course| course.fills.iter().map(move |fill| (course, *fill))).nth(index)
}

fn first_order_of(facts: &Patient, wanted: &Course) -> usize {
    facts.courses.iter().take_while(|course| !std::ptr::eq(*course, wanted)).map(|course| course.orders.len()).sum()
}

pub(super) fn medication(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let (course, first, order) = order(chart.facts, index)?;
    let (physician, practice) = chart.staff(course.visit)?;
    let kind = match order.kind {
        OrderKind::New => "New",
        OrderKind::Refill => "Refill",
        OrderKind::DoseChange => "DoseChange",
    };
    let quantity = 10 * (1 + within(chart.hash(1), 9));
    let refills = within(chart.hash(2), 4);
    let thread = chart.world.first_of(Kind::Medications, chart.patient) + first as u64;
    let signed = chart.unless_null(3, 8, chart.time(order.at));
    Some(json!({
        "id": chart.id(),
        "medication": drug(chart.world, &course.rxnorm, &course.name),
        "order_type": kind,
        "medication_type": chart.unless_null(4, 6, if within(chart.hash(5), 8) == 0 { "otc" } else { "prescription" }),
        "directions": directions(course, order.kind),
        "qty": chart.unless_null(6, 9, format!("{quantity}.00")),
        "qty_units": chart.unless_null(7, 6, "TABLET"),
        "auth_refills": refills,
        "days_supply": chart.unless_null(8, 4, quantity / 2),
        "num_samples": null,
        "pharmacy_instructions": chart.unless_null(9, 2, "Dispense as written."),
        "start_date": chart.unless_null(10, 5, chart.date(order.at)),
        "icd10_codes": reasons(chart, course.visit),
        "notes": course.reason,
        "thread": {
            "id": chart.world.id_in(Space::Thread, thread),
            "is_permanent": course.stopped.is_none(),
            "dc_date": course.stopped.map(|at| chart.date(at)),
        },
        "is_doc_med": course.documented,
        "fulfillment": fulfillment(chart, course, order),
        "prescribing_physician": (!course.documented).then_some(physician),
        "practice": practice,
        "patient": chart.patient_id(),
        "document_date": chart.time(order.at),
        "chart_date": chart.time(order.at),
        "signed_by": signed.as_ref().map(|_| physician),
        "signed_date": signed,
        "created_date": chart.created(),
        "last_modified": chart.changed(),
        "deleted_date": null,
    }))
}

fn directions(course: &Course, kind: OrderKind) -> &str {
    match (kind, course.directions.as_deref()) {
        (OrderKind::DoseChange, _) => "Take 2 tablets by mouth once daily",
        (_, Some(text)) => text,
        (_, None) => "Take 1 tablet by mouth once daily",
    }
}

fn fulfillment(chart: &Chart<'_>, course: &Course, order: Order) -> Value {
    if course.documented {
        return Value::Null;
    }
    let surescripts = within(chart.hash(20), 3) != 0;
    json!({
        "type": if surescripts { "surescripts" } else { "paper" },
        "state": if surescripts { "success" } else { "printed" },
        "time_completed": surescripts.then(|| chart.time(order.at + 120)),
        "pharmacy_ncpdpid": surescripts.then(|| pharmacy(chart)),
        "detail": null,
    })
}

fn pharmacy(chart: &Chart<'_>) -> String {
    format!("99{:05}", within(chart.hash(21), 40))
}

pub(super) fn discontinued(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let (first, course) = stopped(chart.facts, index)?;
    let at = course.stopped?;
    let (physician, practice) = chart.staff(course.visit)?;
    let last = first + course.orders.len().checked_sub(1)?;
    let thread = chart.world.first_of(Kind::Medications, chart.patient) + first as u64;
    Some(json!({
        "id": chart.id(),
        "last_medication_order": chart.sibling(Kind::Medications, last),
        "med_order": chart.sibling(Kind::Medications, last),
        "thread": chart.world.id_in(Space::Thread, thread),
        "discontinue_date": chart.date(at),
        "reason": chart.unless_null(1, 3, "Course completed"),
        "prescribing_physician": physician,
        "supervising_physician": null,
        "is_documented": course.documented,
        "medication": drug(chart.world, &course.rxnorm, &course.name),
        "documenting_personnel": physician,
        "document_date": chart.time(at),
        "chart_date": chart.time(at),
        "signed_date": chart.unless_null(2, 6, chart.time(at)),
        "created_date": chart.created(),
        "deleted_date": null,
        "patient": chart.patient_id(),
        "practice": practice,
    }))
}

pub(super) fn prescription_fill(chart: &Chart<'_>, index: usize) -> Option<Value> {
    let (course, fill) = fill(chart.facts, index)?;
    let (_, practice) = chart.staff(course.visit)?;
    let order = first_order_of(chart.facts, course) + fill.order;
    let note = match fill.status {
        "AK" => Some("Patient did not pick up."),
        "AJ" => Some("Partial quantity; remainder to follow."),
        _ => None,
    };
    Some(json!({
        "id": chart.id(),
        "fill_status": fill.status,
        "fill_date": fill.at.map(|at| chart.date(at)),
        "medication_order": chart.sibling(Kind::Medications, order),
        "note_from_pharmacy": note,
        "patient": chart.patient_id(),
        "pharmacy_ncpdpid": pharmacy(chart),
        "practice": practice,
    }))
}
