//! Where references lead: inside the document, or by what they say themselves.

use std::collections::BTreeMap;

use super::super::reference::{Shape, shape};
use super::conform::Within;
use super::item::{Item, resource_type};
use super::{Core, IssueCode};
use crate::definitions::{ResourceType, Severity, TypeRef};
use crate::json::Node;
use crate::profiles::{Rule, TypeRule};

/// The resources of a bundle by what refers to them: `fullUrl`, and `Type/id`.
pub(super) type Index<'a> = BTreeMap<String, Node<'a>>;

const TYPES: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'v, 'a> Core<'v, 'a> {
    /// The resource that a reference leads to inside the document.
    pub(super) fn resolve(&mut self, resource: usize, reference: &str) -> Option<Node<'a>> {
        if let Some(id) = reference.strip_prefix('#') {
            let holder = self.resources.get(resource)?.holder;
            if id.is_empty() {
                return Some(holder);
            }
            let contained = holder.get("contained").into_iter().flat_map(Node::items);
            return contained.into_iter().find(|inner| inner.get("id").and_then(Node::as_str).as_deref() == Some(id));
        }
        if self.rtype != ResourceType::BUNDLE {
            return None;
        }
        let root = self.root;
        let index = self.references.get_or_insert_with(|| index(root));
        let plain = reference.split("/_history/").next().unwrap_or(reference);
        index.get(plain).copied()
    }

    /// The resources that values, which are references, lead to; `None` when one leads out of the document.
    pub(super) fn resolved(&mut self, within: Within<'v>, values: &[Item<'a>]) -> Option<Vec<Item<'a>>> {
        let mut found = Vec::with_capacity(values.len());
        for item in values {
            let reference = item.value?.get("reference")?.as_str()?;
            let node = self.resolve(within.resource, &reference)?;
            // A resource inside another is an item of `contained`: that is the element that says "a resource".
            let (element, _) = TypeRef::of_resource(ResourceType::PATIENT).child("contained")?;
            found.push(Item { element, value: Some(node), extra: None });
        }
        Some(found)
    }

    /// The type of what a reference leads to, as far as it can be told.
    pub(super) fn target_type(&mut self, resource: usize, node: Node<'a>) -> Option<ResourceType> {
        let literal = node.get("reference").and_then(Node::as_str);
        match literal.as_deref().map(shape) {
            Some(Ok(Shape::Relative(found) | Shape::Conditional(found))) => Some(found),
            Some(Ok(Shape::Local(_) | Shape::Absolute)) => {
                let text = literal.unwrap_or_default();
                match self.resolve(resource, &text) {
                    Some(found) => resource_type(found),
                    None => of_url(&text),
                }
            }
            _ => node.get("type").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name)),
        }
    }

    /// A reference against the types and profiles that it may lead to; of a profile only the type counts.
    pub(super) fn targets(&mut self, within: Within<'v>, allowed: &[&'v TypeRule], node: Node<'a>) {
        if allowed.iter().any(|rule| rule.targets.is_empty()) {
            return;
        }
        let Some(found) = self.target_type(within.resource, node) else { return };
        if self.allows_target(allowed.iter().flat_map(|rule| &rule.targets), found) == Some(false) {
            let message =
                format!("the profile {} does not allow references to this resource type", within.profile.url());
            self.report(node, "", Severity::Error, IssueCode::Structure, message);
        }
    }

    /// Whether references lead to the types that the rules of a slice name; `None` when that cannot be told.
    pub(super) fn leads_to(&mut self, within: Within<'v>, rules: &[&'v Rule], values: &[Item<'a>]) -> Option<bool> {
        let mut decided = Some(false);
        for item in values {
            let Some(found) = item.value.and_then(|node| self.target_type(within.resource, node)) else {
                decided = None;
                continue;
            };
            match self.allows_target(rules.iter().flat_map(|rule| &rule.types).flat_map(|kind| &kind.targets), found) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => decided = None,
            }
        }
        decided
    }

    fn allows_target(&self, targets: impl Iterator<Item = &'v Box<str>>, found: ResourceType) -> Option<bool> {
        let mut decided = Some(false);
        for target in targets {
            let named = target.strip_prefix(TYPES);
            if named == Some("Resource") || named == Some(found.name()) {
                return Some(true);
            }
            if named.is_some_and(|name| ResourceType::parse(name).is_some()) {
                continue;
            }
            match self.settings.profiles.find(target) {
                Some(profile) if profile.constrained() == TypeRef::of_resource(found) => return Some(true),
                Some(_) => {}
                None => decided = None,
            }
        }
        decided
    }
}

/// The type in an absolute URL of a record.
fn of_url(text: &str) -> Option<ResourceType> {
    of_url_parts(text).map(|(found, _)| found)
}

/// Type and id in an absolute URL of a record: `https://a.b/fhir/Patient/1`.
pub(super) fn of_url_parts(text: &str) -> Option<(ResourceType, &str)> {
    let plain = text.split("/_history/").next()?;
    let mut parts = plain.rsplit('/');
    let (id, name) = (parts.next()?, parts.next()?);
    Some((ResourceType::parse(name).filter(|_| text.starts_with("http"))?, id))
}

fn index(root: Node<'_>) -> Index<'_> {
    let mut index = Index::new();
    for entry in root.get("entry").into_iter().flat_map(Node::items) {
        let Some(resource) = entry.get("resource") else { continue };
        if let Some(url) = entry.get("fullUrl").and_then(Node::as_str) {
            index.entry(url.into_owned()).or_insert(resource);
        }
        if let (Some(found), Some(id)) = (resource_type(resource), resource.get("id").and_then(Node::as_str)) {
            index.entry(format!("{}/{id}", found.name())).or_insert(resource);
        }
    }
    index
}
