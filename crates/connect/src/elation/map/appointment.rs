//! Appointments, and time that is blocked, → `Appointment`.

use super::{Kept, Mapper, keep, text};
use crate::elation::model::{Appointment, AppointmentStatus, Expanded, Source};
use crate::fhir::{Object, Text, Tree, identifier, object, text_concept};
use crate::pattern::MapError;
use crate::table;

/// One appointment. Without a patient it blocks time, and belongs to the directory.
pub(in crate::elation) fn appointment<'a>(
    m: &mut Mapper<'_, 'a>,
    appointment: Appointment<'a>,
) -> Result<(), MapError> {
    let Appointment {
        id: _,
        patient,
        physician,
        practice,
        scheduled_date,
        duration,
        status,
        mode,
        time_slot_type,
        time_slot_status,
        service_location,
        reason,
        description,
        instructions,
        telehealth_details,
        appointment_type_id,
        billing_details,
        payment,
        transportation_details,
        is_blocking,
        recurring_event_schedule,
        metadata,
        created_date,
        last_modified_date,
        deleted_date,
        rest,
        node: _,
    } = appointment;
    m.dated(last_modified_date, last_modified_date.or(created_date), deleted_date);
    if patient.is_some() {
        m.subject_of(patient)?;
    }
    let mut kept = Kept::default();
    keep!(kept: time_slot_status, telehealth_details, appointment_type_id, billing_details, payment);
    keep!(kept: transportation_details, is_blocking, recurring_event_schedule, last_modified_date, deleted_date);
    kept.rest(rest);
    let own = m.part("");
    let mut out = m.start("Appointment", &own);
    out.push("identifier", identifier(m.system("appointments"), Some(m.id.clone())));
    out.push("identifier", m.metadata(metadata, &mut kept));
    let answer = state(m, &mut out, &mut kept, status);
    out.push("serviceType", m.coded(&mut kept, &table::APPOINTMENT_MODE, "mode", mode));
    out.set("appointmentType", m.coded(&mut kept, &table::TIME_SLOT_TYPE, "time_slot_type", time_slot_type));
    out.push("reasonCode", text_concept(text(reason)));
    out.set("description", text(description));
    out.set("patientInstruction", text(instructions));
    out.push("supportingInformation", m.refer("Organization", "practices", practice));
    out.set("created", m.time(&mut kept, "created_date", created_date));
    let start = m.instant(&mut kept, "scheduled_date", scheduled_date);
    let minutes = duration
        .and_then(|duration| duration.number())
        .filter(|digits| digits.parse::<i32>().is_ok_and(|minutes| minutes > 0));
    if minutes.is_none() {
        keep!(kept: duration);
    }
    out.set("end", start.as_ref().zip(minutes.as_ref()).and_then(|(start, minutes)| end_of(start, minutes)));
    out.set("start", start);
    out.set("minutesDuration", minutes.map(Tree::Raw));
    participants(
        m,
        &mut out,
        &mut kept,
        physician.and_then(|id| m.refer("Practitioner", "physicians", Some(id))),
        answer,
        service_location,
    );
    m.emit("Appointment", own, out, kept);
    Ok(())
}

/// `status`; gives the patient's answer.
fn state<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    status: Option<AppointmentStatus<'a>>,
) -> &'static str {
    let mut found = None;
    if let Some(AppointmentStatus { status, room, status_date, status_detail, rest, node: _ }) = status {
        let mut inner = Kept::default();
        keep!(inner: room, status_date, status_detail);
        inner.rest(rest);
        found = m.code(&mut inner, &table::APPOINTMENT_STATUS, "status.status", status);
        if m.deleted {
            keep!(inner: status);
        }
        kept.absorb("status", inner);
    }
    // A state that is not known is not guessed: the time is taken, whatever has become of it.
    let state = found.and_then(|row| row.cell(1)).unwrap_or("booked");
    out.set("status", if m.deleted { "entered-in-error" } else { state });
    found.and_then(|row| row.cell(2)).unwrap_or("needs-action")
}

fn participants<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    physician: Option<Object<'a>>,
    answer: &'static str,
    place: Option<Expanded<'a, crate::elation::model::ServiceLocation<'a>>>,
) {
    if let Some(patient) = m.to_patient() {
        out.push("participant", object! { "actor" => patient, "status" => answer });
    }
    out.push("participant", physician.map(|actor| object! { "actor" => actor, "status" => "accepted" }));
    let place = match place {
        Some(Expanded::Id(id)) => m.refer("Location", "service_locations", Some(id)),
        Some(Expanded::Object(place)) => {
            kept.put("service_location", place.node());
            let mut actor = m.refer("Location", "service_locations", place.id);
            if let Some(actor) = actor.as_mut() {
                actor.set("display", text(place.name));
            }
            actor
        }
        None => None,
    };
    out.push("participant", place.map(|actor| object! { "actor" => actor, "status" => "accepted" }));
    if !out.has("participant") {
        // An appointment has a participant (1..*, app-1): of this one nobody is known.
        let nobody = object! { "display" => "Not said" };
        out.push("participant", object! { "actor" => nobody, "status" => "needs-action" });
    }
}

/// The end, in the zone of the start. None for times that no calendar holds.
fn end_of(start: &str, minutes: &str) -> Option<Text<'static>> {
    let moment: jiff::Timestamp = start.parse().ok()?;
    let end = moment.checked_add(jiff::SignedDuration::from_mins(minutes.parse().ok()?)).ok()?;
    Some(end.to_string().into())
}
