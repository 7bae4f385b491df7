//! Elation: what its API 2.0 can do, what its failures mean, the envelopes around its objects, and their mapping to FHIR.
//!
//! Facts and where they are from: `docs/connectors/elation.md`. Nothing was ever tried against the real service.

mod capabilities;
mod envelope;
mod map;
mod model;
#[cfg(test)]
mod tests;
mod vendor;

pub use capabilities::{CAPABILITIES, ERRORS};
pub use envelope::{Action, Delivery, ErrorBody, Listed, Page, PublishedEvent, Subscription, subscription_request};
pub use vendor::Elation;

use aceso_fhir::json::{Doc, Kind, Limits, Node};

use crate::fhir::{Kept, Text};
use crate::pattern::{MapCode, MapContext, MapError, Mapped, UnknownCode};
use map::Mapper;
use model::{Misshapen, Place, Read};

/// Makes FHIR resources of one object of the vendor.
///
/// `kind` is one of [`CAPABILITIES`]; `object` is the JSON text of the object, which is wiped afterwards. The same text
/// and context always give the same records.
///
/// # Errors
/// [`MapError`] with the member that is wrong: not the shape of its model, required and absent, a patient who is not
/// known here. Codes and dates that nobody knows are no errors: they are kept and counted in [`Mapped::unknown`].
pub fn map(kind: &str, object: Vec<u8>, ctx: &MapContext<'_>) -> Result<Mapped, MapError> {
    let Some(known) = CAPABILITIES.resource(kind) else {
        return Err(MapError { kind: "", path: String::new(), code: MapCode::Shape });
    };
    let kind = known.kind;
    let misshapen = |path: String| MapError { kind, path, code: MapCode::Shape };
    let doc = Doc::parse(object, &Limits::default()).map_err(|_| misshapen(String::new()))?;
    let node = doc.root();
    match kind {
        "practices" => object_of(node, kind, ctx, |found: &model::Practice<'_>| found.id, map::practice),
        "physicians" => object_of(node, kind, ctx, |found: &model::Physician<'_>| found.id, map::physician),
        "patients" => object_of(node, kind, ctx, |found: &model::Patient<'_>| found.id, map::patient),
        "problems" => object_of(node, kind, ctx, |found: &model::Problem<'_>| found.id, map::problem),
        "allergies" => object_of(node, kind, ctx, |found: &model::Allergy<'_>| found.id, map::allergy),
        "drug_intolerances" => {
            object_of(node, kind, ctx, |found: &model::DrugIntolerance<'_>| found.id, map::drug_intolerance)
        }
        "medications" => object_of(node, kind, ctx, |found: &model::MedOrder<'_>| found.id, map::medication_order),
        "discontinued_medications" => {
            object_of(node, kind, ctx, |found: &model::Discontinuation<'_>| found.id, map::discontinuation)
        }
        "prescription_fills" => object_of(node, kind, ctx, |found: &model::Fill<'_>| found.id, map::fill),
        "lab_orders" => object_of(node, kind, ctx, |found: &model::LabOrder<'_>| found.id, map::lab_order),
        "reports" => object_of(node, kind, ctx, |found: &model::Report<'_>| found.id, map::report),
        "vitals" => object_of(node, kind, ctx, |found: &model::Vitals<'_>| found.id, map::vitals),
        "appointments" => object_of(node, kind, ctx, |found: &model::Appointment<'_>| found.id, map::appointment),
        _ => Err(misshapen(String::new())),
    }
}

/// Reads a model, maps it, and adds what every object gets.
fn object_of<'c, 'a, T: Read<'a>>(
    node: Node<'a>,
    kind: &'static str,
    ctx: &MapContext<'c>,
    id: impl Fn(&T) -> Option<model::Id<'a>>,
    map: impl Fn(&mut Mapper<'c, 'a>, T) -> Result<(), MapError>,
) -> Result<Mapped, MapError> {
    let shape = |Misshapen(path)| MapError { kind, path, code: MapCode::Shape };
    let found = T::read(node, &Place::ROOT).map_err(shape)?;
    let mut mapper = Mapper::new(*ctx, kind, CAPABILITIES.version, id(&found))?;
    map(&mut mapper, found)?;
    mapper.date_by_its_own_word(node);
    let mut strange = Kept::default();
    let mut count = 0;
    keep_strange(node, &mut String::new(), &mut strange, &mut count);
    let mut mapped = mapper.finish(strange)?;
    mapped.unknown.extend((0..count).map(|_| UnknownCode { member: "", table: "control-characters" }));
    Ok(mapped)
}

/// Texts with control characters cannot be FHIR strings, whatever element they belong to: they are kept as JSON.
fn keep_strange<'a>(node: Node<'a>, path: &mut String, kept: &mut Kept<'a>, count: &mut usize) {
    let length = path.len();
    match node.kind() {
        Kind::String => {
            let text = node.as_str().map(Text::from);
            if text.is_some_and(|text| !text.trim().is_empty() && !text.is_fhir_string()) {
                kept.put(path.clone(), node);
                *count += 1;
            }
        }
        Kind::Array => {
            for (index, item) in node.items().enumerate() {
                path.push_str(&format!(".{index}"));
                keep_strange(item, path, kept, count);
                path.truncate(length);
            }
        }
        Kind::Object => {
            for member in node.members() {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&member.key);
                keep_strange(member.value, path, kept, count);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
