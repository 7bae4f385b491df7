//! Invariants: of the definitions, and of profiles.

use super::collect::Task;
use super::conform::Within;
use super::facts::is_checked_elsewhere;
use super::{Core, Inner, IssueCode};
use crate::definitions::{Element, Invariant, TypeRef};
use crate::json::{Kind, Node};
use crate::profiles::Rule;

impl<'v, 'a> Core<'v, 'a> {
    /// The invariants of a resource as a whole.
    pub(super) fn resource_invariants(&mut self, number: usize) {
        let Some(resource) = self.resources.get(number).copied() else { return };
        if !self.settings.invariants || !self.step(1) {
            return;
        }
        for invariant in TypeRef::of_resource(resource.rtype).invariants() {
            if is_checked_elsewhere(invariant.key) {
                if !holds(invariant.key, &resource) {
                    self.broken(resource.node, invariant);
                }
            }
        }
    }

    /// An invariant of an element or of its type.
    pub(super) fn invariant(&mut self, invariant: &'static Invariant, task: &Task<'a>) {
        let _ = (invariant, task);
    }

    /// The invariants that a profile adds to its type.
    pub(super) fn rule_invariants(&mut self, within: Within<'v>, rule: &'v Rule, node: Node<'a>, scope: TypeRef) {
        let _ = (within, rule, node, scope);
    }

    /// The invariants that a profile adds to an element.
    pub(super) fn element_invariants(
        &mut self,
        within: Within<'v>,
        rule: &'v Rule,
        value: Node<'a>,
        element: &'static Element,
    ) {
        let _ = (within, rule, value, element);
    }

    fn broken(&mut self, node: Node<'a>, invariant: &'static Invariant) {
        let message = format!("{}: {}", invariant.key, invariant.human);
        self.report(node, "", invariant.severity, IssueCode::Invariant, message);
    }
}

/// The invariants of every DomainResource, which would each walk the whole resource as an expression; true for all others.
fn holds(key: &str, resource: &Inner<'_>) -> bool {
    let node = resource.node;
    let is_contained = node.span() != resource.holder.span();
    let contained = || node.get("contained").into_iter().flat_map(Node::items);
    let meta = |inner: Node<'_>, name: &str| inner.get("meta").is_some_and(|meta| meta.get(name).is_some());
    match key {
        "dom-3" => contained().all(|inner| is_used(inner, node)),
        "dom-4" => contained().all(|inner| !meta(inner, "versionId") && !meta(inner, "lastUpdated")),
        "dom-5" => contained().all(|inner| !meta(inner, "security")),
        // A contained resource should not have a narrative: the one around it tells its story (R4 references.html, section 2.3.0.2).
        "dom-6" => is_contained || node.get("text").is_some_and(|text| text.get("div").is_some()),
        _ => true,
    }
}

/// dom-3: something refers to the contained resource, or it refers to what contains it.
fn is_used(inner: Node<'_>, around: Node<'_>) -> bool {
    let own = inner.get("id").and_then(Node::as_str).map(|id| format!("#{id}"));
    own.is_none_or(|own| has_text(around, &own)) || has_text(inner, "#")
}

fn has_text(node: Node<'_>, text: &str) -> bool {
    match node.kind() {
        Kind::String => node.as_str().is_some_and(|found| found == text),
        _ => node.child_nodes().any(|child| has_text(child, text)),
    }
}
