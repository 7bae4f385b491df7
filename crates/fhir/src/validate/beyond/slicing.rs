//! Slices: which value belongs to which, and whether there are enough of each.

use super::conform::Within;
use super::item::{Item, items, resource_type};
use super::{Core, IssueCode};
use crate::definitions::{Severity, Strength, TypeRef, ValueType};
use crate::json::Node;
use crate::profiles::{Contents, Discriminator, DiscriminatorKind, Profile, Rule, Slicing, Step};
use crate::terminology::Contains;

impl<'v, 'a> Core<'v, 'a> {
    /// The values of an element against its slices.
    pub(super) fn slices(&mut self, within: Within<'v>, rule: &'v Rule, all: &[Item<'a>], object: Node<'a>) {
        let Some(slicing) = rule.slicing.as_deref() else { return };
        let mut members: Vec<Vec<Item<'a>>> = slicing.slices.iter().map(|_| Vec::new()).collect();
        let (mut last, mut beside, mut undecided) = (0, false, false);
        for item in all {
            let (found, unknown) = self.slice_of(within, slicing, item);
            undecided |= unknown;
            let node = item.node(object);
            match found {
                Some(number) => {
                    if slicing.ordered && number < last {
                        let message = format!("the slices are not in their order ({})", within.profile.url());
                        self.report(node, "", Severity::Error, IssueCode::Structure, message);
                    }
                    if slicing.contents == Contents::OpenAtEnd && beside {
                        let message = format!("comes after what belongs to no slice ({})", within.profile.url());
                        self.report(node, "", Severity::Error, IssueCode::Structure, message);
                    }
                    last = number;
                    if let Some(members) = members.get_mut(number) {
                        members.push(*item);
                    }
                }
                None if slicing.contents == Contents::Closed && !unknown => {
                    let message =
                        format!("belongs to no slice, and only slices are allowed ({})", within.profile.url());
                    self.report(node, "", Severity::Error, IssueCode::Structure, message);
                }
                None => beside = true,
            }
        }
        if undecided {
            let message = format!("not checked: the slices cannot all be told apart here ({})", within.profile.url());
            self.report(object, &rule.name, Severity::Information, IssueCode::NotSupported, message);
        }
        for (slice, members) in slicing.slices.iter().zip(&members) {
            if !undecided || members.len() > slice.max as usize {
                self.count(within, slice, members.len(), object);
            }
            for item in members {
                self.item(within, slice, item, object);
            }
            self.slices(within, slice, members, object);
        }
    }

    /// The slice that a value belongs to, and whether one could not be decided.
    fn slice_of(&mut self, within: Within<'v>, slicing: &'v Slicing, item: &Item<'a>) -> (Option<usize>, bool) {
        let mut unknown = false;
        for (number, slice) in slicing.slices.iter().enumerate() {
            match self.is_in_slice(within, slice, &slicing.by, item) {
                Some(true) => return (Some(number), false),
                Some(false) => {}
                None => unknown = true,
            }
        }
        (None, unknown)
    }

    fn is_in_slice(
        &mut self,
        within: Within<'v>,
        slice: &'v Rule,
        by: &'v [Discriminator],
        item: &Item<'a>,
    ) -> Option<bool> {
        let mut decided = Some(true);
        if by.is_empty() {
            // Slices that nothing tells apart are only for people to read.
            return None;
        }
        for discriminator in by {
            if !self.step(1) {
                return None;
            }
            match self.discriminates(within, slice, discriminator, item) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => decided = None,
            }
        }
        decided
    }

    /// Whether a value has what the slice says at the discriminator's path.
    fn discriminates(
        &mut self,
        within: Within<'v>,
        slice: &'v Rule,
        by: &'v Discriminator,
        item: &Item<'a>,
    ) -> Option<bool> {
        let mut rules = vec![slice];
        let mut values = vec![*item];
        for (at, step) in by.path.iter().enumerate() {
            match step {
                Step::Child(name) => {
                    if **name == *"url" && by.path.len() == at + 1 && values.iter().all(is_extension) {
                        return self.is_extension_of(&rules, &values);
                    }
                    rules = self.rules_named(&rules, name);
                    values = self.values_named(&values, name);
                }
                Step::Extension(url) => {
                    rules = self.rules_named(&rules, "extension");
                    rules.retain(|rule| {
                        rule.types.iter().any(|kind| kind.profiles.iter().any(|profile| **profile == **url))
                    });
                    values = self.values_named(&values, "extension");
                    values.retain(|item| url_of(item).is_some_and(|found| *found == **url));
                }
                Step::OfType(name) => values.retain(|item| type_name(item) == &**name),
                Step::Resolve => {
                    let targets = rules.iter().flat_map(|rule| &rule.types).flat_map(|kind| &kind.targets);
                    let profiles: Vec<&'v Profile> =
                        targets.filter_map(|url| self.settings.profiles.find(url)).collect();
                    if by.kind == DiscriminatorKind::Type && by.path.len() == at + 1 {
                        return self.leads_to(within, &rules, &values);
                    }
                    rules = profiles.iter().map(|profile| &profile.root).collect();
                    values = self.resolved(within, &values)?;
                }
            }
        }
        match by.kind {
            DiscriminatorKind::Value => self.any_fits(&rules, &values),
            DiscriminatorKind::Exists => {
                let wanted = rules.iter().find_map(|rule| match (rule.min, rule.max) {
                    (_, 0) => Some(false),
                    (1.., _) => Some(true),
                    _ => None,
                })?;
                Some(wanted != values.is_empty())
            }
            DiscriminatorKind::Type => Some(rules.iter().any(|rule| values.iter().any(|item| has_type(rule, item)))),
            DiscriminatorKind::Profile => self.any_conforms(within, &rules, &values),
        }
    }

    /// The rules one step down, through the profiles of types where a rule has no such child itself.
    fn rules_named(&self, rules: &[&'v Rule], name: &'v str) -> Vec<&'v Rule> {
        let mut found: Vec<&'v Rule> = rules.iter().flat_map(|rule| rule.named(name)).collect();
        if found.is_empty() {
            let profiles = rules.iter().flat_map(|rule| &rule.types).flat_map(|kind| &kind.profiles);
            let known = profiles.filter_map(|url| self.settings.profiles.find(url));
            found.extend(known.flat_map(|profile| profile.root.named(name)));
        }
        found
    }

    fn values_named(&mut self, values: &[Item<'a>], name: &str) -> Vec<Item<'a>> {
        let mut found = Vec::new();
        for (object, scope) in values.iter().filter_map(Item::members) {
            found.extend(items(object, scope).into_iter().filter(|item| item.element.name() == name));
        }
        found
    }

    fn is_extension_of(&self, rules: &[&'v Rule], values: &[Item<'a>]) -> Option<bool> {
        let fixed = rules.iter().flat_map(|rule| rule.named("url")).filter_map(|rule| rule.fixed.as_ref());
        let (fixed, profiles): (Vec<_>, Vec<_>) =
            (fixed.collect(), rules.iter().flat_map(|rule| &rule.types).flat_map(|kind| &kind.profiles).collect());
        if fixed.is_empty() && profiles.is_empty() {
            return None;
        }
        Some(values.iter().any(|item| {
            let url = item.value.and_then(|value| value.get("url"));
            let plain = |profile: &str| profile.split('|').next().map(str::to_owned);
            url.is_some_and(|url| {
                fixed.iter().any(|fixed| fixed.equals(url))
                    || profiles.iter().any(|profile| url.as_str().as_deref() == plain(profile).as_deref())
            })
        }))
    }

    fn any_fits(&mut self, rules: &[&'v Rule], values: &[Item<'a>]) -> Option<bool> {
        let mut decided = None;
        for rule in rules {
            if !self.step(1 + values.len() as u64) {
                return None;
            }
            if values.is_empty() && determines(rule) {
                decided = Some(false);
            }
            for item in values {
                match self.fits(rule, item) {
                    Some(true) => return Some(true),
                    Some(false) => decided = Some(false),
                    None => {}
                }
            }
        }
        decided
    }

    /// Whether a value has what the rule fixes, here or further down; `None` when it fixes nothing.
    fn fits(&mut self, rule: &'v Rule, item: &Item<'a>) -> Option<bool> {
        if let Some(fixed) = &rule.fixed {
            return Some(item.value.is_some_and(|value| fixed.equals(value)));
        }
        if let Some(pattern) = &rule.pattern {
            return Some(item.value.is_some_and(|value| pattern.fits(value)));
        }
        let mut decided = None;
        for child in rule.children.iter().filter(|child| determines(child)) {
            let values = self.values_named(&[*item], &child.name);
            let rules: Vec<&'v Rule> =
                std::iter::once(child).chain(child.slices()).filter(|rule| determines(rule)).collect();
            match self.any_fits(&rules, &values) {
                Some(false) => return Some(false),
                Some(true) => decided = Some(true),
                None => {}
            }
        }
        if decided.is_none()
            && let (Some((Strength::Required, value_set)), Some(value)) = (&rule.binding, item.value)
        {
            return match self.is_member(value_set, item.element.value, value) {
                Some(Contains::Yes) => Some(true),
                Some(Contains::No) => Some(false),
                Some(Contains::Unknown) | None => None,
            };
        }
        decided
    }

    fn any_conforms(&mut self, within: Within<'v>, rules: &[&'v Rule], values: &[Item<'a>]) -> Option<bool> {
        let mut decided = Some(false);
        let urls = rules.iter().flat_map(|rule| &rule.types).flat_map(|kind| kind.profiles.iter().chain(&kind.targets));
        let urls: Vec<&'v Box<str>> = urls.collect();
        for item in values {
            let Some(value) = item.value else { continue };
            for url in &urls {
                let Some(profile) = self.settings.profiles.find(url) else {
                    decided = None;
                    continue;
                };
                let is_type = item.members().is_some_and(|(_, scope)| scope == profile.constrained());
                match is_type.then(|| self.would_conform(profile, within.resource, value)) {
                    Some(Some(true)) => return Some(true),
                    Some(None) => decided = None,
                    Some(Some(false)) | None => {}
                }
            }
        }
        decided
    }
}

/// Whether a rule says of values what they are: it fixes something here or below.
fn determines(rule: &Rule) -> bool {
    rule.fixed.is_some()
        || rule.pattern.is_some()
        || matches!(rule.binding, Some((Strength::Required, _)))
        || rule.children.iter().any(determines)
        || rule.slices().iter().any(determines)
}

fn is_extension(item: &Item<'_>) -> bool {
    item.element.value == ValueType::Complex(TypeRef::EXTENSION)
}

fn url_of(item: &Item<'_>) -> Option<String> {
    Some(item.value?.get("url")?.as_str()?.into_owned())
}

/// The name of a value's type as FHIR writes it; of a primitive in a choice that of its member, without the element's name.
fn type_name<'i>(item: &'i Item<'_>) -> &'i str {
    match item.element.value {
        ValueType::Complex(scope) => scope.name(),
        ValueType::Resource => item.value.and_then(resource_type).map_or("", |found| found.name()),
        ValueType::Primitive(_) => "",
    }
}

fn has_type(rule: &Rule, item: &Item<'_>) -> bool {
    let resource = item.value.filter(|_| item.element.value == ValueType::Resource).and_then(resource_type);
    rule.types.is_empty()
        || rule.types.iter().any(|kind| match resource {
            Some(found) => *kind.code == *found.name(),
            None => *kind.key == *item.element.key,
        })
}
