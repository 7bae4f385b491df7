//! Codes and their value sets.

use super::{Core, IssueCode};
use crate::definitions::{Severity, Strength, TypeRef, ValueType};
use crate::json::{Kind, Node};
use crate::terminology::Contains;

impl<'a> Core<'_, 'a> {
    /// A value of a bound element against the value set.
    pub(super) fn bound(&mut self, strength: Strength, value_set: &str, value: ValueType, node: Node<'a>) {
        let Some(contains) = self.is_member(value_set, value, node) else {
            // A text alone is no code; an extension may say why there is none.
            let is_concept = value == ValueType::Complex(TypeRef::CODEABLE_CONCEPT);
            if is_concept && strength == Strength::Required && node.get("extension").is_none() {
                let message = format!("a code of the required value set {value_set} is needed");
                self.report(node, "", Severity::Error, IssueCode::CodeInvalid, message);
            }
            return;
        };
        let (severity, word) = match strength {
            Strength::Required => (Severity::Error, "required"),
            Strength::Extensible => (Severity::Warning, "extensible"),
            Strength::Preferred => (Severity::Information, "preferred"),
        };
        match contains {
            Contains::Yes => {}
            Contains::No => {
                let message = format!("no code of the {word} value set {value_set}");
                self.report(node, "", severity, IssueCode::CodeInvalid, message);
            }
            Contains::Unknown if strength == Strength::Required => {
                let message = format!("not checked: what the required value set {value_set} holds is not known here");
                self.report(node, "", Severity::Information, IssueCode::NotSupported, message);
            }
            Contains::Unknown => {}
        }
    }

    /// Whether a code of the value is in the value set; `None` when it has no code that could be.
    pub(super) fn is_member(&mut self, value_set: &str, value: ValueType, node: Node<'a>) -> Option<Contains> {
        let terminology = self.settings.terminology;
        let one = |coding: Node<'a>| {
            let code = coding.get("code")?.as_str()?;
            let system = coding.get("system").and_then(Node::as_str);
            Some(terminology.contains(value_set, system.as_deref(), &code))
        };
        match value {
            ValueType::Complex(TypeRef::CODEABLE_CONCEPT) => {
                let mut best = None;
                for coding in node.get("coding").into_iter().flat_map(Node::items) {
                    if !self.step(1) {
                        return None;
                    }
                    match one(coding) {
                        Some(Contains::Yes) => return Some(Contains::Yes),
                        Some(Contains::Unknown) => best = Some(Contains::Unknown),
                        Some(Contains::No) => best = best.or(Some(Contains::No)),
                        None => {}
                    }
                }
                best
            }
            ValueType::Complex(_) => one(node),
            _ if node.kind() == Kind::String => Some(terminology.contains(value_set, None, &node.as_str()?)),
            _ => None,
        }
    }
}
