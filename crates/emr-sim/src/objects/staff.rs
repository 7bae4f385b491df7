//! Practices and physicians.

use super::instant;
use crate::kind::Kind;
use crate::world::{Space, World};
use serde_json::{Value, json};

pub(super) fn practice(world: &World, ordinal: u64) -> Option<Value> {
    let at = usize::try_from(ordinal).ok()?;
    let facts = world.facts.practices.get(at)?;
    let physicians = world.facts.physicians.iter().enumerate().filter(|(_, physician)| physician.practice == at);
    let physicians: Vec<i64> = physicians.map(|(place, _)| world.id(Kind::Physicians, place as u64)).collect();
    let id = world.id(Kind::Practices, ordinal);
    let created = instant(world.created(Kind::Practices, ordinal));
    Some(json!({
        "id": id,
        "name": facts.name,
        "address_line1": facts.address.line,
        "address_line2": null,
        "city": facts.address.city,
        "state": facts.address.state,
        "zip": facts.address.zip,
        "timezone": "US/Eastern",
        "employers": [],
        "physicians": physicians,
        "service_locations": [{
            "id": world.id_in(Space::ServiceLocation, ordinal),
            "name": facts.name,
            "is_primary": true,
            "place_of_service": null,
            "address_line1": facts.address.line,
            "address_line2": null,
            "city": facts.address.city,
            "state": facts.address.state,
            "zip": facts.address.zip,
            "phone": facts.phone,
            "fax": null,
            "email": null,
            "practice": id,
            "created_date": created,
            "deleted_date": null,
        }],
        "elation_root_oid": null,
        "metadata": { "object_id": facts.source, "object_web_link": null, "data": null },
    }))
}

pub(super) fn physician(world: &World, ordinal: u64) -> Option<Value> {
    let facts = world.facts.physicians.get(usize::try_from(ordinal).ok()?)?;
    Some(json!({
        "id": world.id(Kind::Physicians, ordinal),
        "first_name": facts.first,
        "last_name": facts.last,
        "credentials": "MD",
        "is_active": true,
        "email": facts.email,
        "npi": facts.npi,
        "license": null,
        "license_state": null,
        "specialty": facts.specialty,
        "user_id": 1000 + ordinal,
        "practice": world.id(Kind::Practices, facts.practice as u64),
        "metadata": null,
    }))
}
