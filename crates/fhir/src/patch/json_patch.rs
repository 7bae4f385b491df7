//! JSON Patch (RFC 6902).

use super::pointer::{Tokens, place, tokens};
use super::tree::{Tree, Value};
use super::{PatchError, PatchLimits, PatchProblem};
use crate::definitions::ResourceType;
use crate::json::{Doc, Kind, Node};
use std::borrow::Cow;

/// A JSON Patch that was read: a list of operations, each of them well-formed.
pub struct JsonPatch<'a> {
    operations: Vec<Operation<'a>>,
    limits: PatchLimits,
}

impl<'a> JsonPatch<'a> {
    /// Reads all operations, before any document is looked at: what is no patch is refused whatever it would meet.
    ///
    /// # Errors
    /// [`PatchError`] with the number of the operation that is malformed ([`PatchProblem::is_malformed`]).
    pub fn read(patch: &'a Doc, limits: &PatchLimits) -> Result<Self, PatchError> {
        let whole = |problem| PatchError { problem, operation: None, place: String::new() };
        let operations = patch.root();
        if operations.kind() != Kind::Array {
            return Err(whole(PatchProblem::NotAPatch));
        }
        if operations.len() > limits.operations {
            return Err(whole(PatchProblem::TooManyOperations));
        }
        let read = |(at, node)| {
            Operation::read(node).map_err(|problem| PatchError { problem, operation: Some(at), place: String::new() })
        };
        let operations = operations.items().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { operations, limits: *limits })
    }

    /// The document after the operations, as JSON text; the first that fails fails all of them.
    ///
    /// The text is the record: hand it to [`Doc::parse`], which takes it over and wipes it in the end.
    ///
    /// # Errors
    /// [`PatchError`] with the number of the operation that does not fit the document, or goes beyond a limit.
    pub fn apply(&self, target: &Doc) -> Result<Vec<u8>, PatchError> {
        let rtype =
            target.root().get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name));
        let mut tree = Tree::new(target.root(), &self.limits);
        for (at, operation) in self.operations.iter().enumerate() {
            operation.run(&mut tree).map_err(|(problem, path)| PatchError {
                problem,
                operation: Some(at),
                place: place(rtype, path),
            })?;
        }
        tree.text().map_err(|problem| PatchError { problem, operation: None, place: String::new() })
    }
}

/// One operation, its pointers split.
struct Operation<'a> {
    what: What<'a>,
    path: Tokens<'a>,
}

enum What<'a> {
    Add(Node<'a>),
    Remove,
    Replace(Node<'a>),
    Move { from: Tokens<'a> },
    Copy { from: Tokens<'a> },
    Test(Node<'a>),
}

/// What is wrong, and at which of the operation's pointers.
type At<'o, 'a> = (PatchProblem, &'o [Cow<'a, str>]);

impl<'a> Operation<'a> {
    /// Members that no operation defines are ignored (RFC 6902, section 4).
    fn read(node: Node<'a>) -> Result<Self, PatchProblem> {
        if node.kind() != Kind::Object {
            return Err(PatchProblem::NotAPatch);
        }
        let pointer = |name: &str| {
            let text = node.get(name).and_then(Node::as_str).ok_or(PatchProblem::BadOperation)?;
            match text {
                Cow::Borrowed(text) => tokens(text),
                Cow::Owned(text) => {
                    Ok(tokens(&text)?.into_iter().map(|token| Cow::Owned(token.into_owned())).collect())
                }
            }
        };
        let value = || node.get("value").ok_or(PatchProblem::BadOperation);
        let op = node.get("op").and_then(Node::as_str).ok_or(PatchProblem::BadOperation)?;
        let path = pointer("path")?;
        let what = match op.as_ref() {
            "add" => What::Add(value()?),
            "remove" => What::Remove,
            "replace" => What::Replace(value()?),
            "move" => What::Move { from: pointer("from")? },
            "copy" => What::Copy { from: pointer("from")? },
            "test" => What::Test(value()?),
            _ => return Err(PatchProblem::UnknownOperation),
        };
        Ok(Self { what, path })
    }

    fn run<'o>(&'o self, tree: &mut Tree<'o>) -> Result<(), At<'o, 'a>> {
        let path = self.path.as_slice();
        let here = |problem| (problem, path);
        match &self.what {
            What::Add(value) => tree.add(path, Value::Source(*value)).map_err(here),
            What::Remove => tree.remove(path).map(|_| ()).map_err(here),
            What::Replace(value) => tree.replace(path, Value::Source(*value)).map_err(here),
            What::Move { from } => {
                if path.len() > from.len() && path.starts_with(from) {
                    return Err(here(PatchProblem::NoDocument));
                }
                if path == from.as_slice() {
                    // Nothing changes, but there has to be something.
                    return tree.reach(from).map_err(|problem| (problem, from.as_slice()));
                }
                let value = tree.remove(from).map_err(|problem| (problem, from.as_slice()))?;
                tree.add(path, value).map_err(here)
            }
            What::Copy { from } => {
                let value = tree.copy(from).map_err(|problem| (problem, from.as_slice()))?;
                tree.add(path, value).map_err(here)
            }
            What::Test(value) => match tree.equals(path, *value) {
                Ok(true) => Ok(()),
                Ok(false) => Err(here(PatchProblem::TestFailed)),
                Err(problem) => Err(here(problem)),
            },
        }
    }
}
