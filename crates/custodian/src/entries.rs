//! Names of elements for the log: always the definitions' own text, never a key of a document.

use crate::view::Shape;
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
    /// The element paths that a shape narrows to; empty when it shows all that the classes open.
    pub(crate) fn element_names(&self, rtype: ResourceType) -> Vec<&'static str> {
        let scope = TypeRef::of_resource(rtype);
        let wanted = self.elements.as_deref().unwrap_or_default();
        let named = |name: &String| scope.elements().iter().find(|element| element.name() == name);
        wanted.iter().filter_map(named).map(|element| element.path).collect()
    }
}
