//! What holds between the entries of a bundle, beyond its invariants (R4 bundle.html, sections 2.36.4 and 2.36.5).

use super::item::resource_type;
use super::reference::of_url_parts;
use super::{Core, IssueCode};
use crate::definitions::Severity;
use crate::json::Node;

impl<'a> Core<'_, 'a> {
    /// `fullUrl` and id of each entry, and references that only the bundle itself can resolve.
    pub(super) fn bundle(&mut self) {
        let root = self.root;
        for entry in root.get("entry").into_iter().flat_map(Node::items) {
            if !self.step(1) {
                return;
            }
            let (url, resource) = (entry.get("fullUrl"), entry.get("resource"));
            let (Some(url), Some(resource)) = (url, resource) else { continue };
            let (text, id) = (url.as_str().unwrap_or_default(), resource.get("id").and_then(Node::as_str));
            if let (Some((rtype, own)), Some(id)) = (of_url_parts(&text), id)
                && (own != id || Some(rtype) != resource_type(resource))
            {
                let message = "fullUrl names another record than the resource's type and id";
                self.report(url, "", Severity::Error, IssueCode::Value, message);
            }
        }
        let mut references = Vec::new();
        urn_references(root, &mut references);
        for reference in references {
            if !self.step(1) {
                return;
            }
            let text = reference.as_str().unwrap_or_default();
            if self.resolve(0, &text).is_none() {
                let message = "no entry of the bundle has this as its fullUrl";
                self.report(reference, "", Severity::Warning, IssueCode::NotFound, message);
            }
        }
    }
}

/// References by UUID: they mean an entry of this bundle and nothing outside it.
fn urn_references<'a>(node: Node<'a>, out: &mut Vec<Node<'a>>) {
    // Depth is bounded by the parser.
    for child in node.child_nodes() {
        if child.key() == "reference" && child.raw().starts_with(b"\"urn:uuid:") {
            out.push(child);
        }
        urn_references(child, out);
    }
}
