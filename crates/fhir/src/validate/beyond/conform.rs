//! A value against a profile: the rules of the profile beside the members of the value.

use super::item::{Item, items, resource_type};
use super::{Core, IssueCode};
use crate::definitions::{Severity, TypeRef, ValueType};
use crate::json::Node;
use crate::profiles::{Profile, Rule, TypeRule};

/// Profiles inside profiles, as types of elements or in discriminators; deeper ones are not looked at, and that is reported.
const MAX_DEPTH: u8 = 16;

/// Where a rule is applied: in which profile, and in which of the document's resources.
#[derive(Clone, Copy)]
pub(super) struct Within<'v> {
    pub(super) profile: &'v Profile,
    pub(super) resource: usize,
}

impl<'v, 'a> Core<'v, 'a> {
    /// The value of the profile's type at `node` against the profile.
    pub(super) fn conforms(&mut self, profile: &'v Profile, resource: usize, node: Node<'a>) {
        if self.depth >= MAX_DEPTH {
            let message = format!("not checked: the profile {} stands too deep inside others", profile.url());
            return self.report(node, "", Severity::Error, IssueCode::TooCostly, message);
        }
        self.depth += 1;
        let within = Within { profile, resource };
        self.held(within, &profile.root, ValueType::Complex(profile.constrained()), Some(node), node);
        self.type_invariants(within, &profile.root, node, profile.constrained());
        self.children(within, &profile.root, node, profile.constrained());
        self.depth -= 1;
    }

    /// Whether the value meets the profile; nothing is reported. `None` when it could not be worked out.
    pub(super) fn would_conform(&mut self, profile: &'v Profile, resource: usize, node: Node<'a>) -> Option<bool> {
        let before = self.issues.len();
        self.conforms(profile, resource, node);
        let found = self.issues.iter().skip(before).map(|issue| (issue.severity, issue.code));
        let faults: Vec<_> = found.filter(|(severity, _)| *severity == Severity::Error).collect();
        if self.stopped || faults.iter().any(|(_, code)| *code == IssueCode::TooCostly) {
            return None;
        }
        self.issues.truncate(before);
        Some(faults.is_empty())
    }

    /// The members of an object against the children of a rule.
    fn children(&mut self, within: Within<'v>, rule: &'v Rule, object: Node<'a>, scope: TypeRef) {
        if rule.children.is_empty() {
            return;
        }
        let all = items(object, scope);
        for child in &rule.children {
            let is_meant = |item: &&Item<'a>| {
                item.element.place == child.place && (child.key.is_empty() || *item.element.key == *child.key)
            };
            let own: Vec<Item<'a>> = all.iter().filter(is_meant).copied().collect();
            if !self.step(1 + own.len() as u64) {
                return;
            }
            self.count(within, child, own.len(), object);
            for item in &own {
                self.item(within, child, item, object);
            }
            self.slices(within, child, &own, object);
        }
    }

    /// How many there are of an element, or of a slice of it.
    pub(super) fn count(&mut self, within: Within<'v>, rule: &'v Rule, count: usize, object: Node<'a>) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let what = || {
            let slice = if rule.slice.is_empty() { String::new() } else { format!(" of the slice {}", rule.slice) };
            format!("{slice} ({})", within.profile.url())
        };
        if count < rule.min {
            let message = format!("at least {} needed{}", rule.min, what());
            self.report(object, &rule.name, Severity::Error, IssueCode::Required, message);
        }
        if count > rule.max {
            let message = match rule.max {
                0 => format!("not allowed{}", what()),
                max => format!("at most {max} allowed{}", what()),
            };
            self.report(object, &rule.name, Severity::Error, IssueCode::Structure, message);
        }
    }

    /// One value against the rule of its element or slice.
    pub(super) fn item(&mut self, within: Within<'v>, rule: &'v Rule, item: &Item<'a>, around: Node<'a>) {
        let node = item.node(around);
        let url = within.profile.url();
        // What is of another type is not looked into.
        if !rule.types.is_empty() && !self.types(within, rule, item, node) {
            return;
        }
        self.held(within, rule, item.element.value, item.value, node);
        if rule.max_length != 0
            && item.value.and_then(Node::as_str).is_some_and(|t| t.chars().count() > rule.max_length as usize)
        {
            let message = format!("longer than {} characters ({url})", rule.max_length);
            self.report(node, "", Severity::Error, IssueCode::Value, message);
        }
        self.bounds(within, rule, item, node);
        self.element_invariants(within, rule, item, node);
        let content = if rule.content.is_empty() { None } else { at_path(&within.profile.root, &rule.content) };
        for rule in std::iter::once(rule).chain(content) {
            match item.members() {
                Some((object, scope)) if rule.scope == scope || rule.scope == TypeRef::ELEMENT => {
                    self.children(within, rule, object, scope);
                }
                // A primitive without a sibling has neither id nor extensions.
                None => {
                    for child in &rule.children {
                        self.count(within, child, 0, node);
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// A value against what the rule fixes and which codes it allows.
    fn held(&mut self, within: Within<'v>, rule: &'v Rule, kind: ValueType, value: Option<Node<'a>>, node: Node<'a>) {
        let url = within.profile.url();
        if rule.fixed.as_ref().is_some_and(|fixed| !value.is_some_and(|value| fixed.equals(value))) {
            let message = format!("not the value that the profile fixes ({url})");
            self.report(node, "", Severity::Error, IssueCode::Value, message);
        }
        if rule.pattern.as_ref().is_some_and(|pattern| !value.is_some_and(|value| pattern.fits(value))) {
            let message = format!("does not hold what the profile asks for as a pattern ({url})");
            self.report(node, "", Severity::Error, IssueCode::Value, message);
        }
        if let (Some((strength, value_set)), Some(value)) = (&rule.binding, value) {
            self.bound(*strength, value_set, kind, value);
        }
    }

    /// Whether the value is of a type that the rule allows; what the rule says of the type is checked too.
    fn types(&mut self, within: Within<'v>, rule: &'v Rule, item: &Item<'a>, node: Node<'a>) -> bool {
        let resource = item.value.filter(|_| item.element.value == ValueType::Resource).and_then(resource_type);
        let fits = |rule: &&TypeRule| match resource {
            Some(found) => *rule.code == *found.name() || matches!(&*rule.code, "Resource" | "DomainResource"),
            None => rule.key.is_empty() || *rule.key == *item.element.key,
        };
        let allowed: Vec<&'v TypeRule> = rule.types.iter().filter(fits).collect();
        if allowed.is_empty() {
            let message = format!("the profile does not allow this type here ({})", within.profile.url());
            self.report(node, "", Severity::Error, IssueCode::Structure, message);
            return false;
        }
        match item.element.value {
            // An extension is held against its own definition wherever it stands.
            ValueType::Complex(TypeRef::EXTENSION) | ValueType::Primitive(_) => {}
            ValueType::Complex(TypeRef::REFERENCE) => self.targets(within, &allowed, node),
            ValueType::Complex(_) | ValueType::Resource => self.type_profiles(within, &allowed, node),
        }
        true
    }

    /// The profiles on a type: one of them has to be met.
    fn type_profiles(&mut self, within: Within<'v>, allowed: &[&'v TypeRule], node: Node<'a>) {
        if allowed.iter().any(|rule| rule.profiles.is_empty()) {
            return;
        }
        let profiles = self.settings.profiles;
        let urls = || allowed.iter().flat_map(|rule| rule.profiles.iter());
        let known: Vec<&'v Profile> = urls().filter_map(|url| profiles.find(url)).collect();
        match known.as_slice() {
            [only] if urls().count() == 1 => self.conforms(only, within.resource, node),
            // One that is not known may be the one that is met.
            _ if known.len() < urls().count() => {}
            several => {
                for profile in several {
                    if self.would_conform(profile, within.resource, node) != Some(false) {
                        return;
                    }
                }
                let message = format!("meets none of the profiles that {} allows here", within.profile.url());
                self.report(node, "", Severity::Error, IssueCode::Value, message);
            }
        }
    }
}

/// The rule at a path below the root (`item`, `item.answer`).
fn at_path<'r>(root: &'r Rule, path: &str) -> Option<&'r Rule> {
    path.split('.').try_fold(root, |rule, name| rule.children.iter().find(|child| *child.name == *name))
}
