//! Appointments: those of the visits, one to come, and blocks without a patient.

use super::{Chart, instant, is_block};
use crate::facts::{DAY, Seconds};
use crate::random::within;
use crate::world::{Place, Space};
use serde_json::{Value, json};

pub(super) fn appointment(chart: &Chart<'_>, index: usize) -> Option<Value> {
    if is_block(chart.world, chart.kind, Place { patient: chart.patient, index }) {
        return block(chart);
    }
    let visits = &chart.facts.visits;
    let (at, minutes, visit, status, reason) = match visits.get(index) {
        Some(visit) => {
            let status = if within(chart.hash(1), 3) == 0 { "Billed" } else { "Checked Out" };
            (visit.at + chart.shift, visit.minutes, index, status, Some(visit.title.as_str()))
        }
        None => {
            let status = if within(chart.hash(1), 4) == 0 { "Confirmed" } else { "Scheduled" };
            (to_come(chart, 3), 30, visits.len().checked_sub(1)?, status, chart.unless_null(2, 3, "Follow up"))
        }
    };
    let staff = chart.staff(visit)?;
    let location = chart.unless_null(6, 3, visits.get(visit)?.practice as u64);
    let mut appointment = body(chart, at, minutes, staff, Some((chart.patient_id(), status)), reason);
    let location = location.map(|practice| chart.world.id_in(Space::ServiceLocation, practice));
    appointment.as_object_mut()?.insert("service_location".to_owned(), json!(location));
    Some(appointment)
}

fn block(chart: &Chart<'_>) -> Option<Value> {
    let staff = chart.staff(0)?;
    Some(body(chart, to_come(chart, 1), 60, staff, None, Some("Staff meeting")))
}

/// A quarter of an hour of an office day, so many days ahead or more.
fn to_come(chart: &Chart<'_>, days: i64) -> Seconds {
    let day = days + within(chart.hash(3), 60).cast_signed();
    let quarter = within(chart.hash(4), 32).cast_signed();
    chart.world.today + day * DAY + 13 * 3600 + quarter * 900
}

fn body(
    chart: &Chart<'_>,
    at: Seconds,
    minutes: i64,
    (physician, practice): (i64, i64),
    patient: Option<(i64, &str)>,
    reason: Option<&str>,
) -> Value {
    let video = patient.is_some() && within(chart.hash(5), 6) == 0;
    json!({
        "id": chart.id(),
        "scheduled_date": instant(at),
        "duration": minutes,
        "patient": patient.map(|(id, _)| id),
        "physician": physician,
        "practice": practice,
        "status": patient.map(|(_, status)| json!({
            "status": status,
            "room": null,
            "status_date": chart.changed(),
            "status_detail": null,
        })),
        "mode": if video { "VIDEO" } else { "IN_PERSON" },
        "time_slot_type": if patient.is_some() { "appointment" } else { "event" },
        "service_location": null,
        "reason": reason,
        "description": null,
        "telehealth_details": if video { Some("https://video.example.com/room") } else { None },
        "metadata": null,
        "created_date": chart.created(),
        "last_modified_date": chart.changed(),
        "deleted_date": null,
    })
}
