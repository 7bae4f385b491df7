//! FHIR XML to JSON and back (R4 xml.html, json.html), driven by the element tables; lossless in both directions.
//!
//! Kept: the text of numbers, ids and extensions of primitives, gaps in repeating primitives, contained resources, white
//! space in strings, the narrative's XHTML as it was written (its line ends as XML reads them). Dropped, because they are no
//! part of a resource (xml.html): comments, processing instructions and white space between elements outside the
//! narrative, `xsi:schemaLocation` on the root. An explicit `+` of an integer is dropped too: JSON has none.
//!
//! What is read must be in the order of the definitions, as xml.html demands; [`to_json_in_any_order`] is for what does not.
//! What is written is one line: attributes `id`, `url`, `value`, then the elements in their order, with the
//! escapes of Canonical XML. Neither direction judges values beyond what the other notation needs: a required element may
//! be absent and a code unknown; [`crate::validate`] says so.

use crate::definitions::{Element, TypeRef};

mod cursor;
mod div;
mod error;
mod read;
pub(crate) mod tag;
pub(crate) mod text;
mod trail;
mod write;

pub use error::{XmlError, XmlProblem};
pub use read::{to_json, to_json_in_any_order};
pub use write::from_json;

/// The namespace of FHIR elements.
pub const FHIR_NAMESPACE: &str = "http://hl7.org/fhir";
/// The namespace of the narrative's elements.
pub const XHTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// A rule that is broken, and where, in bytes.
type Fault = (XmlProblem, usize);

/// Whether XML has the element as an attribute: `id` of an element that is no resource, `url` of an extension (xml.html).
fn is_attribute(scope: TypeRef, is_resource: bool, element: &Element) -> bool {
    match element.key {
        "id" => !is_resource,
        "url" => scope == TypeRef::EXTENSION,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
