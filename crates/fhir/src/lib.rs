//! FHIR R4 (4.0.1): strict JSON, XML, the element definitions, validation, and search parameters.
//!
//! No I/O, no async, no global state. Errors and issues name elements and places, never a value of the data.

pub mod definitions;
pub mod fhirpath;
mod format;
#[rustfmt::skip]
mod generated;
pub mod json;
pub mod packages;
pub mod patch;
pub mod profiles;
pub mod search;
pub mod terminology;
mod validate;
pub mod xml;

pub use format::Format;
pub use validate::{
    Issue, IssueCode, Place, Report, ValidateOptions, Validation, ValidationLimits, Visitor, validate, visit,
};
