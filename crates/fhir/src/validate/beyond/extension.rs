//! Extensions against their own definitions.

use super::collect::Task;
use super::{Core, Inner, IssueCode, is_plain_canonical, locate};
use crate::definitions::{Element, Severity, TypeRef, ValueType};
use crate::json::Node;
use crate::profiles::{ContextKind, Profile};

impl<'a> Core<'_, 'a> {
    /// An extension: is it known, may it stand here, is it as its definition says?
    pub(super) fn extension(&mut self, task: &Task<'a>) {
        let Some(url) = task.node.get("url").and_then(Node::as_str) else { return };
        let is_inside = task.holder.is_some_and(|holder| holder.value == ValueType::Complex(TypeRef::EXTENSION));
        // Parts of an extension have names, not URLs: the definition of the whole says what they are.
        if is_inside && !url.contains(':') {
            return;
        }
        let is_modifier = task.element.key == "modifierExtension";
        let profile = self.settings.profiles.find(&url).filter(|found| found.constrained() == TypeRef::EXTENSION);
        let Some(profile) = profile else { return self.unknown_extension(task.node, &url, is_modifier) };
        if profile.modifier != is_modifier {
            let message = if is_modifier {
                "the definition of this extension does not make it a modifier"
            } else {
                "an extension that modifies must stand in modifierExtension"
            };
            self.report(task.node, "", Severity::Error, IssueCode::Extension, message);
        }
        if !self.may_stand(profile, task) {
            let message = format!("the extension {} is not defined for this place", profile.url());
            self.report(task.node, "", Severity::Error, IssueCode::Extension, message);
        }
        self.conforms(profile, task.resource as usize, task.node);
    }

    fn unknown_extension(&mut self, node: Node<'a>, url: &str, is_modifier: bool) {
        let name = if is_plain_canonical(url) { url } else { "that is used here" };
        if let Some(problem) = self.settings.profiles.unusable(url) {
            let message = format!("the definition of the extension {name} cannot be used: {problem}");
            return self.report(node, "", Severity::Warning, IssueCode::Extension, message);
        }
        let (severity, message) = if is_modifier {
            (
                Severity::Error,
                format!("the modifier extension {name} is not known: what it changes cannot be understood"),
            )
        } else {
            (Severity::Information, format!("the extension {name} is not known"))
        };
        self.report(node, "", severity, IssueCode::Extension, message);
    }

    /// Whether one of the contexts of the definition is where the extension stands.
    fn may_stand(&self, profile: &Profile, task: &Task<'a>) -> bool {
        let Some(resource) = self.resources.get(task.resource as usize) else { return true };
        profile.contexts.is_empty()
            || profile.contexts.iter().any(|(kind, expression)| match kind {
                // Expressions of contexts are not evaluated: none of the published definitions has one.
                ContextKind::FhirPath => true,
                ContextKind::Extension => self.stands_in_extension(task, expression),
                ContextKind::Element => self.stands_in_element(resource, task, expression),
            })
    }

    fn stands_in_extension(&self, task: &Task<'a>, expression: &str) -> bool {
        let is_extension = task.holder.is_some_and(|holder| holder.value == ValueType::Complex(TypeRef::EXTENSION));
        // Which extension holds it is not known here; its definition says which parts it may have.
        is_extension && !expression.is_empty()
    }

    fn stands_in_element(&self, resource: &Inner<'a>, task: &Task<'a>, expression: &str) -> bool {
        // The definitions mean every place by `Element`, whole resources too: their own extensions stand so.
        if expression == "Element" {
            return true;
        }
        let Some(holder) = task.holder.filter(|holder| holder.value != ValueType::Resource) else {
            let scope = TypeRef::of_resource(resource.rtype);
            return matches!(expression, "Resource") || expression == scope.name() || expression == scope.base_name();
        };
        if expression == holder.path || is_of_type(holder, expression) {
            return true;
        }
        if !expression.contains('.') {
            return false;
        }
        // A path through data types: `Patient.name.family`.
        let place = locate::locate(resource.node, resource.rtype, task.node);
        let mut path = String::with_capacity(place.len());
        let mut is_index = false;
        for letter in place.chars() {
            is_index = (is_index || letter == '[') && letter != ']';
            if !is_index && letter != ']' {
                path.push(letter);
            }
        }
        let path = path.rsplit_once('.').map_or("", |(path, _)| path);
        path == expression.replace("[x]", "")
    }
}

/// Whether a value of the element is of the type, or of one that is derived from it.
fn is_of_type(element: &Element, name: &str) -> bool {
    match element.value {
        ValueType::Complex(scope) => {
            let base = scope.base_name();
            scope.name() == name
                || base == name
                || TypeRef::of_datatype(base).is_some_and(|base| base.base_name() == name)
        }
        ValueType::Primitive(primitive) => {
            let own = format!("{primitive:?}");
            let base = match own.as_str() {
                "Code" | "Id" | "Markdown" => "string",
                "Canonical" | "Oid" | "Url" | "Uuid" => "uri",
                "PositiveInt" | "UnsignedInt" => "integer",
                _ => "",
            };
            base == name
                || own.strip_prefix(|c: char| c.is_ascii_uppercase()).is_some_and(|rest| {
                    name.strip_prefix(|c: char| c.is_ascii_lowercase()) == Some(rest)
                        && own.chars().next().map(|c| c.to_ascii_lowercase()) == name.chars().next()
                })
        }
        ValueType::Resource => false,
    }
}
