//! Changes to a resource that a client describes instead of sending the whole (R4 http.html, section 3.1.0.6).
//!
//! A patch makes a new JSON text out of a document. What it does not touch keeps its bytes: number texts (`1.10`), escapes, the
//! order of members. Nothing is validated here and nothing is stored: the result is a text like any other body.
//!
//! Errors name the operation by its number, and its place as far as the place is made of names of the definitions and of
//! indexes. They never repeat a value, neither of the document nor of the patch.

mod compare;
mod element;
#[cfg(test)]
mod element_tests;
mod error;
mod fhirpath_patch;
mod json_patch;
mod pointer;
#[cfg(test)]
mod tests;
mod tree;
mod xml_patch;

pub use error::{PatchError, PatchProblem};
pub use fhirpath_patch::FhirPathPatch;
pub use json_patch::JsonPatch;
pub use xml_patch::XmlPatch;

use crate::json;

/// How much a patch may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchLimits {
    /// Operations in one patch.
    pub operations: usize,
    /// Steps of work: values looked at, moved or compared by all operations together.
    pub work: usize,
    /// What the result may be: all that is added or copied together is no longer than `max_bytes`, nothing nests deeper than
    /// `max_depth`.
    pub json: json::Limits,
}

impl Default for PatchLimits {
    /// 1,000 operations, 20,000,000 steps, [`json::Limits::default`].
    fn default() -> Self {
        Self { operations: 1_000, work: 20_000_000, json: json::Limits::default() }
    }
}
