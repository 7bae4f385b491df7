//! Practices and physicians.

use super::instant;
use crate::kind::Kind;
use crate::world::World;
use serde_json::{Value, json};

pub(super) fn practice(world: &World, ordinal: u64) -> Option<Value> {
    let at = usize::try_from(ordinal).ok()?;
    let facts = world.facts.practices.get(at)?;
    let physicians = world.facts.physicians.iter().enumerate().filter(|(_, physician)| physician.practice == at);
    let physicians: Vec<i64> = physicians.map(|(place, _)| world.id(Kind::Physicians, place as u64)).collect();
    Some(json!({
        "id": world.id(Kind::Practices, ordinal),
        "name": facts.name,
        "address_line1": facts.address.line,
        "address_line2": null,
        "city": facts.address.city,
        "state": facts.address.state,
        "zip": facts.address.zip,
        "phone": facts.phone,
        "timezone": "US/Eastern",
        "physicians": physicians,
        "service_locations": [],
        "status": "Production",
        "metadata": { "object_id": facts.source, "object_web_link": null, "data": {} },
        "created_date": instant(world.created(Kind::Practices, ordinal)),
    }))
}

pub(super) fn physician(world: &World, ordinal: u64) -> Option<Value> {
    let facts = world.facts.physicians.get(usize::try_from(ordinal).ok()?)?;
    Some(json!({
        "id": world.id(Kind::Physicians, ordinal),
        "first_name": facts.first,
        "middle_name": null,
        "last_name": facts.last,
        "credentials": "MD",
        "npi": facts.npi,
        "email": facts.email,
        "specialty": facts.specialty,
        "license": null,
        "license_state": null,
        "is_active": true,
        "practice": world.id(Kind::Practices, facts.practice as u64),
        "caregiver_practices": [world.id(Kind::Practices, facts.practice as u64)],
        "metadata": null,
        "created_date": instant(world.created(Kind::Physicians, ordinal)),
    }))
}
