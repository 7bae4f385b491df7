//! `/appointments/`.

use super::{Any, Decimal, Expanded, Flag, Id, Metadata, ServiceLocation, Str, Time, model};

model! {
    /// An appointment, or time that is blocked (schema `Appointment`).
    Appointment {
        id: Id<'a>, patient: Id<'a>, physician: Id<'a>, practice: Id<'a>, scheduled_date: Time<'a>, duration: Decimal<'a>,
        status: AppointmentStatus<'a>, mode: Str<'a>, time_slot_type: Str<'a>, time_slot_status: Str<'a>,
        service_location: Expanded<'a, ServiceLocation<'a>>, reason: Str<'a>, description: Str<'a>, instructions: Str<'a>,
        telehealth_details: Str<'a>, appointment_type_id: Id<'a>, billing_details: Any<'a>, payment: Any<'a>,
        transportation_details: Any<'a>, is_blocking: Flag<'a>, recurring_event_schedule: Id<'a>, metadata: Metadata<'a>,
        created_date: Time<'a>, last_modified_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// How far it is.
    AppointmentStatus { status: Str<'a>, room: Str<'a>, status_date: Time<'a>, status_detail: Str<'a> }
}
