//! The second step: what a resource that has the right structure owes beyond it.
//!
//! Nothing here is looked at before the first step found no fault, so names, shapes and formats are those of R4. Work is counted in steps
//! and findings are bounded: a profile or document that is made to be slow ends in an error that says so.

mod binding;
mod bounds;
mod bundle;
mod collect;
mod conform;
mod context;
mod extension;
mod facts;
mod invariant;
mod item;
mod locate;
mod reference;
mod slicing;

use std::borrow::Cow;

use super::{Issue, IssueCode, ValidateOptions, walk};
use crate::definitions::{ResourceType, Severity, TypeRef};
use crate::json::{Doc, Node};
use crate::profiles::{Profile, Profiles};
use crate::terminology::Membership;
use collect::Collector;

#[cfg(test)]
mod tests;

/// How much work a validation may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidationLimits {
    /// Findings that are listed; one more says that the rest was not looked at.
    pub issues: usize,
    /// Rules that are applied, values that are compared with slices, steps of FHIRPath.
    pub steps: u64,
}

impl Default for ValidationLimits {
    /// 200 findings, 20 million steps: about a second of one core, and a hundred times what the largest bundle of the synthetic data takes.
    fn default() -> Self {
        Self { issues: 200, steps: 20_000_000 }
    }
}

/// What is checked of a document, and against what.
#[derive(Clone, Copy)]
pub struct Validation<'s> {
    /// The first step.
    pub structure: ValidateOptions,
    /// Profiles and extension definitions that are known.
    pub profiles: &'s Profiles,
    /// Who knows value sets.
    pub terminology: &'s dyn Membership,
    /// Whether the invariants of the definitions and profiles are evaluated.
    pub invariants: bool,
    /// Whether the profiles that resources claim in `meta.profile` are checked.
    pub claimed: bool,
    /// Profiles that the document itself has to meet, by canonical URL.
    pub asked: &'s [&'s str],
    /// The instant of `now()` in invariants.
    pub now: aceso_base::Timestamp,
    /// How much work it may be.
    pub limits: ValidationLimits,
}

/// What a validation found.
#[derive(Debug)]
pub struct Report {
    /// The resource type, where the document has one.
    pub rtype: Option<ResourceType>,
    /// All findings: those of the first step, or those of the second.
    pub issues: Vec<Issue>,
}

impl Report {
    /// Whether nothing is an error.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.issues.iter().all(|issue| issue.severity != Severity::Error)
    }
}

impl Validation<'_> {
    /// Checks a document: the first step, then, where it found nothing, the second.
    #[must_use]
    pub fn run(&self, doc: &Doc) -> Report {
        let mut collector = Collector::default();
        let rtype = match walk::validate(doc.root(), &self.structure, &mut collector) {
            Ok(rtype) => rtype,
            Err(issues) => {
                let named = doc.root().get("resourceType").and_then(Node::as_str);
                return Report { rtype: named.and_then(|name| ResourceType::parse(&name)), issues };
            }
        };
        let mut core = Core {
            settings: self,
            root: doc.root(),
            rtype,
            resources: &collector.resources,
            references: None,
            issues: Vec::new(),
            steps: self.limits.steps,
            depth: 0,
            stopped: false,
        };
        core.definitions(&collector);
        core.profiles();
        if rtype == ResourceType::BUNDLE {
            core.bundle();
        }
        Report { rtype: Some(rtype), issues: core.issues }
    }
}

/// A resource of the document: itself, contained, or in a bundle or parameters.
#[derive(Clone, Copy)]
struct Inner<'a> {
    rtype: ResourceType,
    node: Node<'a>,
    /// The resource that its local references are about: the one that contains it, or itself.
    holder: Node<'a>,
}

/// The state of one validation.
struct Core<'v, 'a> {
    settings: &'v Validation<'v>,
    root: Node<'a>,
    rtype: ResourceType,
    resources: &'v [Inner<'a>],
    references: Option<reference::Index<'a>>,
    issues: Vec<Issue>,
    steps: u64,
    /// Profiles inside profiles.
    depth: u8,
    stopped: bool,
}

impl<'v, 'a> Core<'v, 'a> {
    /// Every resource against the profiles that it claims, and the document against those that are asked for.
    fn profiles(&mut self) {
        let settings = self.settings;
        for canonical in settings.asked {
            match settings.profiles.find(canonical) {
                Some(profile) => self.resource_profile(0, profile, self.root),
                None => self.unknown_profile(self.root, canonical, Severity::Error),
            }
        }
        if !settings.claimed {
            return;
        }
        for number in 0..self.resources.len() {
            let Some(resource) = self.resources.get(number).copied() else { return };
            let claims = resource.node.get("meta").and_then(|meta| meta.get("profile"));
            for claim in claims.into_iter().flat_map(Node::items) {
                let Some(canonical) = claim.as_str() else { continue };
                match settings.profiles.find(&canonical) {
                    Some(profile) if number == 0 && settings.asked.iter().any(|url| same_canonical(url, profile)) => {}
                    Some(profile) => self.resource_profile(number, profile, claim),
                    None if is_type_of(&canonical, resource.rtype) => {}
                    None => self.unknown_profile(claim, &canonical, Severity::Warning),
                }
            }
        }
    }

    /// A resource against one profile; `named` is where the profile was asked for.
    fn resource_profile(&mut self, number: usize, profile: &'v Profile, named: Node<'a>) {
        let Some(resource) = self.resources.get(number).copied() else { return };
        if profile.constrained() != TypeRef::of_resource(resource.rtype) {
            let message = format!("the profile {} is for {}", profile.url(), profile.constrained().name());
            return self.report(named, "", Severity::Error, IssueCode::Structure, message);
        }
        self.conforms(profile, number, resource.node);
    }

    fn unknown_profile(&mut self, node: Node<'a>, canonical: &str, severity: Severity) {
        let name = if is_plain_canonical(canonical) { canonical } else { "that is named here" };
        let message = match self.settings.profiles.unusable(canonical) {
            Some(problem) => format!("the profile {name} cannot be used: {problem}"),
            None => format!("the profile {name} is not known: nothing was checked against it"),
        };
        self.report(node, "", severity, IssueCode::NotFound, message);
    }

    /// Takes `count` steps; false when there are none left, which is reported once.
    fn step(&mut self, count: u64) -> bool {
        if self.stopped {
            return false;
        }
        match self.steps.checked_sub(count) {
            Some(left) => self.steps = left,
            None => {
                self.stopped = true;
                self.steps = 0;
                let message = "the validation was stopped: it takes too many steps";
                self.push(self.root, "", Severity::Error, IssueCode::TooCostly, message.into());
            }
        }
        !self.stopped
    }

    /// A finding about a value, or about what is missing in it (`.name`).
    fn report(
        &mut self,
        node: Node<'a>,
        missing: &str,
        severity: Severity,
        code: IssueCode,
        message: impl Into<Cow<'static, str>>,
    ) {
        if self.stopped {
            return;
        }
        if self.issues.len() >= self.settings.limits.issues {
            self.stopped = true;
            let message = "more was found and is not listed";
            return self.push(self.root, "", Severity::Error, IssueCode::TooCostly, message.into());
        }
        self.push(node, missing, severity, code, message.into());
    }

    #[cold]
    fn push(&mut self, node: Node<'a>, missing: &str, severity: Severity, code: IssueCode, message: Cow<'static, str>) {
        let mut expression = locate::locate(self.root, self.rtype, node);
        if !missing.is_empty() {
            expression.push('.');
            expression.push_str(missing);
        }
        self.issues.push(Issue { severity, code, expression, offset: node.span().start, message });
    }
}

/// Whether this is the definition of the type itself, which every resource of the type meets by its structure.
fn is_type_of(canonical: &str, rtype: ResourceType) -> bool {
    let url = canonical.split('|').next().unwrap_or_default();
    url.strip_prefix("http://hl7.org/fhir/StructureDefinition/").is_some_and(|name| {
        name == rtype.name() || name == "Resource" || name == TypeRef::of_resource(rtype).base_name()
    })
}

fn same_canonical(canonical: &str, profile: &Profile) -> bool {
    canonical.split('|').next() == Some(profile.url())
}

/// Whether a text is a canonical URL and nothing more, so that it can be named.
fn is_plain_canonical(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'/' | b':' | b'|');
    text.len() <= 255 && (text.starts_with("http://") || text.starts_with("https://")) && text.bytes().all(is_plain)
}
