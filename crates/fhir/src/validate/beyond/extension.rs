//! Extensions against their own definitions.

use super::collect::Task;
use super::{Core, IssueCode, is_plain_canonical};
use crate::definitions::{Severity, TypeRef, ValueType};
use crate::json::Node;

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
        self.placed(profile, task);
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
}
