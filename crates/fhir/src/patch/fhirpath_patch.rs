//! FHIRPath Patch (R4 fhirpatch.html): operations in a Parameters resource, on elements rather than on JSON members.
//!
//! A primitive is its value and what stands beside it (`_name`): both come, go and move together. Names and
//! cardinalities are those of the definitions. Objects and lists that a deletion leaves empty go with it, as JSON in FHIR knows none.

use super::element::{New, Spot, find_element, holder_of};
use super::tree::Tree;
use super::{PatchError, PatchLimits, PatchProblem};
use crate::fhirpath::{Context, Expression, Item};
use crate::json::{Doc, Kind, Node};
use std::borrow::Cow;

/// A FHIRPath Patch that was read: a list of operations, each of them well-formed, its path compiled.
pub struct FhirPathPatch<'a> {
    operations: Vec<Operation<'a>>,
    limits: PatchLimits,
}

struct Operation<'a> {
    path: Expression,
    what: What<'a>,
}

enum What<'a> {
    Add { name: Cow<'a, str>, value: New<'a> },
    Insert { index: usize, value: New<'a> },
    Delete,
    Replace(New<'a>),
    Move { source: usize, destination: usize },
}

/// What is wrong, and with which element.
type At = (PatchProblem, String);

fn here(problem: PatchProblem) -> At {
    (problem, String::new())
}

impl<'a> FhirPathPatch<'a> {
    /// Reads all operations, before any document is looked at.
    ///
    /// # Errors
    /// [`PatchError`] with the number of the operation that is malformed ([`PatchProblem::is_malformed`]).
    pub fn read(patch: &'a Doc, limits: &PatchLimits) -> Result<Self, PatchError> {
        let whole = |problem| PatchError { problem, operation: None, place: String::new() };
        let root = patch.root();
        if root.get("resourceType").and_then(Node::as_str).as_deref() != Some("Parameters") {
            return Err(whole(PatchProblem::NotParameters));
        }
        let listed = root.get("parameter");
        if listed.is_some_and(|list| list.kind() != Kind::Array) {
            return Err(whole(PatchProblem::NotParameters));
        }
        if listed.map_or(0, Node::len) > limits.operations {
            return Err(whole(PatchProblem::TooManyOperations));
        }
        let read = |(at, node)| {
            Operation::read(node).map_err(|problem| PatchError { problem, operation: Some(at), place: String::new() })
        };
        let nodes = listed.into_iter().flat_map(Node::items);
        Ok(Self { operations: nodes.enumerate().map(read).collect::<Result<_, _>>()?, limits: *limits })
    }

    /// The resource after the operations, as JSON text; the first that fails fails all of them.
    ///
    /// # Errors
    /// [`PatchError`] with the number of the operation that does not fit the resource, or goes beyond a limit.
    pub fn apply(&self, target: &Doc) -> Result<Vec<u8>, PatchError> {
        let mut done: Option<Doc> = None;
        let mut work = self.limits.work;
        for (at, operation) in self.operations.iter().enumerate() {
            let base = done.as_ref().unwrap_or(target);
            let fail = |(problem, place)| PatchError { problem, operation: Some(at), place };
            // Every operation reads the whole text once more.
            work = work.checked_sub(base.node_count()).ok_or_else(|| fail(here(PatchProblem::TooCostly)))?;
            let text = operation.run(base, &self.limits, self.operations.len()).map_err(fail)?;
            let parsed = Doc::parse(text, &self.limits.json);
            done = Some(parsed.map_err(|_| fail(here(PatchProblem::TooLong)))?);
        }
        Ok(done.as_ref().unwrap_or(target).text().to_vec())
    }
}

/// Steps of FHIRPath that all operations of a patch may take together, and one of them alone.
const STEPS: u64 = 10_000_000;
const STEPS_OF_ONE: u64 = 1_000_000;

impl<'a> Operation<'a> {
    fn read(parameter: Node<'a>) -> Result<Self, PatchProblem> {
        let parts = Parts::read(parameter)?;
        let path = parts.path.ok_or(PatchProblem::BadOperation)?;
        let path = Expression::compile(&path).map_err(|_| PatchProblem::BadPath)?;
        let value = parts.value.ok_or(PatchProblem::BadOperation);
        let number = |given: Option<usize>| given.ok_or(PatchProblem::BadOperation);
        let what = match parts.kind.ok_or(PatchProblem::BadOperation)?.as_ref() {
            "add" => What::Add { name: parts.name.ok_or(PatchProblem::BadOperation)?, value: value? },
            "insert" => What::Insert { index: number(parts.index)?, value: value? },
            "delete" => What::Delete,
            "replace" => What::Replace(value?),
            "move" => What::Move { source: number(parts.source)?, destination: number(parts.destination)? },
            _ => return Err(PatchProblem::UnknownOperation),
        };
        Ok(Self { path, what })
    }

    fn run(&self, base: &Doc, limits: &PatchLimits, operations: usize) -> Result<Vec<u8>, At> {
        let mut context = Context::of_resource(base.root());
        context.limits.steps = (STEPS / operations.max(1) as u64).min(STEPS_OF_ONE);
        let found = self.path.evaluate(&Item::resource(base.root()), &context);
        let found = found.map_err(|_| here(PatchProblem::NoResult))?;
        let mut tree = Tree::new(base.root(), limits);
        match &self.what {
            What::Add { name, value } => add(&mut tree, base, one(&found)?, (name, value))?,
            What::Delete if found.is_empty() => {}
            What::Delete => {
                let spot = Spot::of(base, one(&found)?).map_err(here)?;
                spot.delete(&mut tree).map_err(|problem| (problem, spot.place()))?;
            }
            What::Replace(value) => {
                let spot = Spot::of(base, one(&found)?).map_err(here)?;
                spot.replace(&mut tree, value).map_err(|problem| (problem, spot.place()))?;
            }
            What::Insert { index, value } => {
                let (spot, length) = list(&mut tree, base, &found)?;
                let fits = if *index <= length { Ok(()) } else { Err(PatchProblem::NothingThere) };
                fits.and_then(|()| spot.insert(&mut tree, *index, value)).map_err(|problem| (problem, spot.place()))?;
            }
            What::Move { source, destination } => {
                let (spot, length) = list(&mut tree, base, &found)?;
                let fits = if (*source).max(*destination) < length { Ok(()) } else { Err(PatchProblem::NothingThere) };
                fits.and_then(|()| spot.shift(&mut tree, *source, *destination))
                    .map_err(|problem| (problem, spot.place()))?;
            }
        }
        tree.text().map_err(here)
    }
}

fn one<'f, 'a>(found: &'f [Item<'a>]) -> Result<&'f Item<'a>, At> {
    match found {
        [] => Err(here(PatchProblem::NothingThere)),
        [only] => Ok(only),
        _ => Err(here(PatchProblem::NotOne)),
    }
}

/// The list that a path leads to: all of its items, and nothing else.
fn list<'d>(tree: &mut Tree<'_>, base: &'d Doc, found: &[Item<'d>]) -> Result<(Spot<'d>, usize), At> {
    let first = found.first().ok_or_else(|| here(PatchProblem::NothingThere))?;
    let spot = Spot::of(base, first).map_err(here)?;
    let length = spot.length(tree).map_err(here)?;
    let same = found.iter().enumerate().all(|(at, item)| {
        let other = Spot::of(base, item);
        other.is_ok_and(|other| {
            (&other.holder, other.element.id, other.index) == (&spot.holder, spot.element.id, Some(at))
        })
    });
    if same && found.len() == length { Ok((spot, length)) } else { Err((PatchProblem::NotAList, spot.place())) }
}

/// Adds an element to the one that was found (R4 fhirpatch.html, `add`): as the last of a list, or where there is none yet.
fn add<'x>(tree: &mut Tree<'x>, base: &'x Doc, found: &Item<'x>, (name, value): (&str, &New<'x>)) -> Result<(), At> {
    let primitive = found.scope().is_none();
    let (holder, scope) = holder_of(tree, base, found).map_err(here)?;
    let element =
        find_element(scope, name, value.suffix()).filter(|el| !primitive || matches!(el.key, "id" | "extension"));
    let element = element.ok_or_else(|| (PatchProblem::UnknownElement, scope.name().to_owned()))?;
    let spot = Spot { holder, element, index: None };
    // Of a choice there is one.
    let mut variants = scope.elements().iter().filter(|other| other.path == element.path);
    if !element.array
        && variants.any(|element| Spot { holder: spot.holder.clone(), element, index: None }.is_there(tree))
    {
        return Err((PatchProblem::AlreadyThere, spot.place()));
    }
    spot.add(tree, value).map_err(|problem| (problem, spot.place()))
}

/// The parts of an operation.
#[derive(Default)]
struct Parts<'a> {
    kind: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    value: Option<New<'a>>,
    index: Option<usize>,
    source: Option<usize>,
    destination: Option<usize>,
}

impl<'a> Parts<'a> {
    fn read(parameter: Node<'a>) -> Result<Self, PatchProblem> {
        let named = parameter.get("name").and_then(Node::as_str);
        if named.as_deref() != Some("operation") {
            return Err(PatchProblem::NotParameters);
        }
        let mut parts = Self::default();
        for part in parameter.get("part").into_iter().flat_map(Node::items) {
            let name = part.get("name").and_then(Node::as_str).ok_or(PatchProblem::BadOperation)?;
            let text = || part.get("valueString").or_else(|| part.get("valueCode")).and_then(Node::as_str);
            let number = || part.get("valueInteger").and_then(Node::number_text).and_then(|text| text.parse().ok());
            let again = match name.as_ref() {
                "type" => put(&mut parts.kind, text()),
                "path" => put(&mut parts.path, text()),
                "name" => put(&mut parts.name, text()),
                "value" => put(&mut parts.value, Some(New::read(part)?)),
                "index" => put(&mut parts.index, number()),
                "source" => put(&mut parts.source, number()),
                "destination" => put(&mut parts.destination, number()),
                _ => return Err(PatchProblem::BadOperation),
            };
            again?;
        }
        Ok(parts)
    }
}

/// Each part comes once, and with a value of its kind.
fn put<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), PatchProblem> {
    match (slot.is_some(), value) {
        (false, Some(value)) => {
            *slot = Some(value);
            Ok(())
        }
        _ => Err(PatchProblem::BadOperation),
    }
}
