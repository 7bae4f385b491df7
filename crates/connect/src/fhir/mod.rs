//! Building FHIR JSON: a tree that leaves out what is empty and writes numbers as they came.

mod kept;
mod moment;
mod number;
mod provenance;
mod terms;
mod text;
mod tree;

#[cfg(test)]
pub(crate) use kept::SOURCE_EXTENSION;
pub(crate) use kept::{Kept, SOURCE_FHIR};
pub(crate) use moment::{Moment, timestamp};
pub(crate) use number::{Measured, decimal, measured};
pub(crate) use provenance::{Origin, provenance};
pub(crate) use terms::{coding, concept, identifier, quantity, system, text_concept, typed_identifier};
pub(crate) use text::Text;
pub(crate) use tree::{Object, Tree, object};

/// Where everything that the product names in FHIR lives. It will never move: stored records carry it.
pub(crate) const BASE: &str = "https://aceso.health/fhir/";
