//! Where extensions stand: the contexts of their definitions (R4 defining-extensions.html, "Context").

use super::collect::Task;
use super::{Core, Inner, IssueCode, locate};
use crate::definitions::{Element, ResourceType, Severity, TypeRef, ValueType};
use crate::fhirpath::{self, Expression};
use crate::json::{Kind, Node};
use crate::profiles::{ContextKind, Profile, Source};

/// Whether a context is where an extension stands.
enum Standing {
    Yes,
    No,
    /// Its expression could not be evaluated: why.
    Undecided(String),
}

/// What holds an extension.
struct Holder<'a> {
    item: fhirpath::Item<'a>,
    /// The extension that it is, if it is one.
    extension: Option<Node<'a>>,
}

impl<'v, 'a> Core<'v, 'a> {
    /// An extension against the contexts of its definition, of which one has to be its place, and against their invariants, which all have
    /// to hold.
    pub(super) fn placed(&mut self, profile: &'v Profile, task: &Task<'a>) {
        let Some(resource) = self.resources.get(task.resource as usize).copied() else { return };
        let is_open = profile.contexts.iter().any(|(kind, expression)| {
            *kind == ContextKind::Element && stands_in_element(&resource, task, &expression.text)
        });
        if is_open && profile.context_invariants.is_empty() {
            return;
        }
        let Some(holder) = self.holder(&resource, task) else { return };
        let mut standing = if is_open || profile.contexts.is_empty() { Standing::Yes } else { Standing::No };
        for (kind, expression) in profile.contexts.iter().filter(|_| !is_open) {
            let found = match kind {
                ContextKind::Element => Standing::No,
                ContextKind::Extension => stands_in_extension(&holder, &expression.text),
                ContextKind::FhirPath => self.is_selected(expression, &resource, task, &holder),
            };
            match found {
                Standing::Yes => {
                    standing = Standing::Yes;
                    break;
                }
                Standing::Undecided(why) => standing = Standing::Undecided(why),
                Standing::No => {}
            }
        }
        match standing {
            Standing::Yes => {}
            Standing::No => {
                let message = format!("the extension {} is not defined for this place", profile.url());
                self.report(task.node, "", Severity::Error, IssueCode::Extension, message);
            }
            Standing::Undecided(why) => {
                self.undecided(task.node, &format!("a context of the extension {}", profile.url()), &why);
            }
        }
        for invariant in &profile.context_invariants {
            self.context_invariant(invariant, profile, task, &holder);
        }
    }

    /// A rule on what holds the extension; `%extension` is the extension (R4 structuredefinition.html, `contextInvariant`).
    fn context_invariant(&mut self, rule: &'v Source, profile: &'v Profile, task: &Task<'a>, holder: &Holder<'a>) {
        if !self.settings.invariants || !self.step(1) {
            return;
        }
        let extension = vec![fhirpath::Item::complex(task.node, TypeRef::EXTENSION)];
        let variables = vec![("extension".to_owned(), extension)];
        let resource = task.resource as usize;
        match self.ask(rule.compiled(), &holder.item, resource, variables, Expression::evaluate_bool) {
            Ok(true) => {}
            Ok(false) => {
                let message = format!("the extension {} is only for where {} holds", profile.url(), rule.text);
                self.report(task.node, "", Severity::Error, IssueCode::Invariant, message);
            }
            Err(why) => self.undecided(task.node, &format!("where the extension {} stands", profile.url()), &why),
        }
    }

    /// Whether the expression, evaluated on the resource, gives what holds the extension.
    fn is_selected(
        &mut self,
        expression: &'v Source,
        resource: &Inner<'a>,
        task: &Task<'a>,
        holder: &Holder<'a>,
    ) -> Standing {
        let focus = fhirpath::Item::resource(resource.node);
        let own = places(&holder.item);
        let found =
            self.ask(expression.compiled(), &focus, task.resource as usize, Vec::new(), |it, focus, context| {
                Ok(it.evaluate(focus, context)?.iter().any(|item| places(item) == own))
            });
        match found {
            Ok(true) => Standing::Yes,
            Ok(false) => Standing::No,
            Err(why) => Standing::Undecided(why),
        }
    }

    /// What holds an extension: looked for from its resource down, and charged by what is passed on the way.
    fn holder(&mut self, resource: &Inner<'a>, task: &Task<'a>) -> Option<Holder<'a>> {
        let wanted = task.node.span();
        let around = |node: &Node<'_>| node.span().start <= wanted.start && wanted.end <= node.span().end;
        let mut scope = TypeRef::of_resource(resource.rtype);
        let mut at = resource.node;
        let mut holder = Holder { item: fhirpath::Item::resource(resource.node), extension: None };
        loop {
            let member = at.child_nodes().find(around)?;
            let (element, is_sibling) = scope.child(&member.key())?;
            let (mut value, mut index) = (member, None);
            if value.kind() == Kind::Array {
                let (found, item) = value.items().enumerate().find(|(_, item)| around(item))?;
                (value, index) = (item, Some(found));
            }
            if !self.step((at.len() + index.unwrap_or(0)) as u64 / STEP + 1) {
                return None;
            }
            if value.span() == wanted {
                return Some(holder);
            }
            holder = if is_sibling {
                let beside = at.get(element.key);
                let beside = index.map_or(beside, |index| beside.and_then(|values| values.items().nth(index)));
                Holder { item: fhirpath::Item::element(beside, Some(value), element), extension: None }
            } else {
                let is_extension = element.value == ValueType::Complex(TypeRef::EXTENSION);
                let extension = is_extension.then_some(value);
                Holder { item: fhirpath::Item::element(Some(value), None, element), extension }
            };
            scope = match element.value {
                _ if is_sibling => TypeRef::ELEMENT,
                ValueType::Complex(inner) => inner,
                ValueType::Resource => {
                    let name = value.get("resourceType").and_then(Node::as_str)?;
                    TypeRef::of_resource(ResourceType::parse(&name)?)
                }
                ValueType::Primitive(_) => return None,
            };
            at = value;
        }
    }
}

/// Members or items that are passed in one step.
const STEP: u64 = 16;

/// Where an item stands in the document: its value, and what is beside it.
fn places(item: &fhirpath::Item<'_>) -> [Option<std::ops::Range<usize>>; 2] {
    [item.node(), item.sibling()].map(|node| node.map(|node| node.span()))
}

/// The extension stands directly in one with this URL.
fn stands_in_extension(holder: &Holder<'_>, expression: &str) -> Standing {
    let url = holder.extension.and_then(|extension| extension.get("url")).and_then(Node::as_str);
    let wanted = expression.split('|').next().unwrap_or_default();
    if url.is_some_and(|url| *url == *wanted) { Standing::Yes } else { Standing::No }
}

fn stands_in_element(resource: &Inner<'_>, task: &Task<'_>, expression: &str) -> bool {
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
