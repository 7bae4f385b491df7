//! Names of elements for the log: always the definitions' own text, never a key of a document.

use crate::view::Shape;
use aceso_audit::Entry;
use aceso_fhir::definitions::{ResourceType, TypeRef};
use aceso_fhir::json::Doc;

/// The paths of the top-level elements that a document has.
pub(crate) fn top_level_elements(doc: &Doc, rtype: ResourceType) -> Vec<&'static str> {
    let scope = TypeRef::of_resource(rtype);
    let mut names: Vec<&'static str> =
        doc.root().members().filter_map(|member| scope.child(&member.key)).map(|(element, _)| element.path).collect();
    names.dedup();
    names
}

impl Shape {
    /// The entry with the reason that the caller gave, if he was asked for one.
    pub(crate) fn explain(&self, entry: Entry) -> Entry {
        match self.reason {
            Some(reason) => entry.with_detail(reason),
            None => entry,
        }
    }

    /// The paths of the top-level elements that a shape lets through, those that come with every answer included; empty when it
    /// shows all that the classes open.
    pub(crate) fn element_names(&self, rtype: ResourceType) -> Vec<&'static str> {
        if self.is_whole() {
            return Vec::new();
        }
        let mut names: Vec<&'static str> = TypeRef::of_resource(rtype)
            .elements()
            .iter()
            .filter(|el| self.lets_through(el))
            .map(|el| el.path)
            .collect();
        names.dedup();
        names
    }
}
