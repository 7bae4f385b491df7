//! `/physicians/`, `/practices/`.

use super::{Any, Decimal, Flag, Id, Many, Metadata, Str, Time, model};

model! {
    /// A physician of a practice.
    Physician {
        id: Id<'a>, first_name: Str<'a>, last_name: Str<'a>, credentials: Str<'a>, npi: Str<'a>, license: Str<'a>,
        license_state: Str<'a>, specialty: Str<'a>, email: Str<'a>, fax: Str<'a>, practice: Id<'a>, user_id: Id<'a>,
        is_active: Flag<'a>, metadata: Metadata<'a>,
    }
}

model! {
    /// A practice.
    Practice {
        id: Id<'a>, name: Str<'a>, address_line1: Str<'a>, address_line2: Str<'a>, city: Str<'a>, state: Str<'a>,
        zip: Str<'a>, timezone: Str<'a>, status: Str<'a>, elation_root_oid: Str<'a>, physicians: Many<'a, Id<'a>>,
        employers: Any<'a>, service_locations: Many<'a, ServiceLocation<'a>>, metadata: Metadata<'a>,
    }
}

model! {
    /// Where patients are seen.
    ServiceLocation {
        id: Id<'a>, name: Str<'a>, practice: Id<'a>, address_line1: Str<'a>, address_line2: Str<'a>, city: Str<'a>,
        state: Str<'a>, zip: Str<'a>, phone: Str<'a>, fax: Str<'a>, email: Str<'a>, is_primary: Flag<'a>,
        place_of_service: Str<'a>, place_of_service_code: Decimal<'a>, status: Str<'a>, timezone: Str<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}
