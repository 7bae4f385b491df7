//! Invariants: of the definitions, and of profiles. Each expression is compiled once, when it is first needed.

use std::cell::Cell;
use std::sync::OnceLock;

use super::collect::Task;
use super::conform::Within;
use super::facts::is_checked_elsewhere;
use super::item::Item;
use super::{Core, Inner, IssueCode};
use crate::definitions::{Invariant, Severity, TypeRef};
use crate::fhirpath::{self, Context, EvaluationError, Expression};
use crate::json::{Kind, Node};
use crate::profiles::{Rule, RuleInvariant};

/// Steps of FHIRPath that one invariant of one value may take.
const STEPS_EACH: u64 = 2_000_000;

/// What an expression said.
enum Verdict {
    Holds,
    Broken,
    /// It could not be evaluated: why.
    Undecided(String),
}

impl<'v, 'a> Core<'v, 'a> {
    /// The invariants of a resource as a whole.
    pub(super) fn resource_invariants(&mut self, number: usize) {
        let Some(resource) = self.resources.get(number).copied() else { return };
        if !self.settings.invariants {
            return;
        }
        for invariant in TypeRef::of_resource(resource.rtype).invariants() {
            if !self.step(1) {
                return;
            }
            if is_checked_elsewhere(invariant.key) {
                if !holds(invariant.key, &resource) {
                    self.broken(resource.node, invariant);
                }
            } else {
                self.decide(invariant, &fhirpath::Item::resource(resource.node), number, resource.node);
            }
        }
    }

    /// An invariant of an element or of its type.
    pub(super) fn invariant(&mut self, invariant: &'static Invariant, task: &Task<'a>) {
        if !self.settings.invariants || is_checked_elsewhere(invariant.key) || !self.step(1) {
            return;
        }
        let focus = fhirpath::Item::element(Some(task.node), None, task.element);
        self.decide(invariant, &focus, task.resource as usize, task.node);
    }

    /// The invariants that a profile adds to its type.
    pub(super) fn type_invariants(&mut self, within: Within<'v>, rule: &'v Rule, node: Node<'a>, scope: TypeRef) {
        if !rule.invariants.is_empty() {
            self.rule_invariants(within, rule, node, &fhirpath::Item::complex(node, scope));
        }
    }

    /// The invariants that a profile adds to an element.
    pub(super) fn element_invariants(&mut self, within: Within<'v>, rule: &'v Rule, item: &Item<'a>, node: Node<'a>) {
        if !rule.invariants.is_empty() {
            let focus = fhirpath::Item::element(item.value, item.extra, item.element);
            self.rule_invariants(within, rule, node, &focus);
        }
    }

    fn rule_invariants(&mut self, within: Within<'v>, rule: &'v Rule, node: Node<'a>, focus: &fhirpath::Item<'a>) {
        if !self.settings.invariants {
            return;
        }
        for invariant in &rule.invariants {
            if !self.step(1) {
                return;
            }
            let RuleInvariant { key, severity, human, expression } = invariant;
            match self.evaluate(expression.compiled(), focus, within.resource) {
                Verdict::Holds => {}
                Verdict::Broken => {
                    let message = format!("{key}: {human} ({})", within.profile.url());
                    self.report(node, "", *severity, IssueCode::Invariant, message);
                }
                Verdict::Undecided(why) => self.undecided(node, key, &why),
            }
        }
    }

    fn decide(&mut self, invariant: &'static Invariant, focus: &fhirpath::Item<'a>, resource: usize, node: Node<'a>) {
        match self.evaluate(compiled(invariant), focus, resource) {
            Verdict::Holds => {}
            Verdict::Broken => self.broken(node, invariant),
            Verdict::Undecided(why) => self.undecided(node, invariant.key, &why),
        }
    }

    fn evaluate(&mut self, expression: Option<&Expression>, focus: &fhirpath::Item<'a>, resource: usize) -> Verdict {
        let outcome = self.ask(expression, focus, resource, Vec::new(), Expression::evaluate_bool);
        match outcome {
            Ok(true) => Verdict::Holds,
            Ok(false) => Verdict::Broken,
            Err(why) => Verdict::Undecided(why),
        }
    }

    /// What an expression says in one of the document's resources; its steps are charged. An error is why it could not be evaluated.
    pub(super) fn ask<T>(
        &mut self,
        expression: Option<&Expression>,
        focus: &fhirpath::Item<'a>,
        resource: usize,
        variables: Vec<(String, Vec<fhirpath::Item<'a>>)>,
        ask: impl for<'x> FnOnce(&Expression, &fhirpath::Item<'x>, &Context<'x>) -> Result<T, EvaluationError>,
    ) -> Result<T, String> {
        let expression = expression.ok_or("its expression is not FHIRPath")?;
        let inner = self.resources.get(resource).copied();
        let spent = Cell::new(0);
        let context = Context {
            resource: inner.map(|inner| fhirpath::Item::resource(inner.node)),
            root_resource: inner.map(|inner| fhirpath::Item::resource(inner.holder)),
            bundle: Some(self.root),
            now: Some(self.settings.now),
            terminology: Some(self.settings.terminology),
            filtering_as: true,
            spent: Some(&spent),
            limits: fhirpath::Limits { steps: self.steps.min(STEPS_EACH), ..fhirpath::Limits::default() },
            variables,
            ..Context::empty()
        };
        let outcome = ask(expression, focus, &context);
        self.step(spent.get());
        outcome.map_err(|error| error.to_string())
    }

    fn broken(&mut self, node: Node<'a>, invariant: &'static Invariant) {
        let message = format!("{}: {}", invariant.key, invariant.human);
        self.report(node, "", invariant.severity, IssueCode::Invariant, message);
    }

    pub(super) fn undecided(&mut self, node: Node<'a>, key: &str, why: &str) {
        let message = format!("{key} was not checked: {why}");
        self.report(node, "", Severity::Warning, IssueCode::NotSupported, message);
    }
}

/// The expression of an invariant of the definitions. A test compiles all of them.
pub(super) fn compiled(invariant: &'static Invariant) -> Option<&'static Expression> {
    static ALL: OnceLock<Vec<OnceLock<Option<Expression>>>> = OnceLock::new();
    let all = ALL.get_or_init(|| Invariant::all().iter().map(|_| OnceLock::new()).collect());
    all.get(usize::from(invariant.number))?.get_or_init(|| Expression::compile(invariant.expression).ok()).as_ref()
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
