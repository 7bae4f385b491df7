//! JSON Patch (RFC 6902).

use super::pointer::{Tokens, place, tokens};
use super::tree::{Tree, Value};
use super::{PatchError, PatchLimits, PatchProblem};
use crate::definitions::ResourceType;
use crate::json::{Doc, Kind, Node};
use std::borrow::Cow;

/// The document after the operations of a JSON Patch, as JSON text; the first operation that fails fails all of them.
///
/// The text is the record: hand it to [`Doc::parse`], which takes it over and wipes it in the end.
///
/// # Errors
/// [`PatchError`] with the number of the operation that is malformed, does not fit the document, or goes beyond a limit.
pub fn json_patch(target: &Doc, patch: &Doc, limits: &PatchLimits) -> Result<Vec<u8>, PatchError> {
    let whole = |problem| PatchError { problem, operation: None, place: String::new() };
    let operations = patch.root();
    if operations.kind() != Kind::Array {
        return Err(whole(PatchProblem::NotAPatch));
    }
    if operations.len() > limits.operations {
        return Err(whole(PatchProblem::TooManyOperations));
    }
    let rtype = target.root().get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name));
    // All of them are read before the first is done: what is no patch is refused whatever the document is.
    let read = |(at, node)| {
        Operation::read(node).map_err(|problem| PatchError { problem, operation: Some(at), place: String::new() })
    };
    let operations = operations.items().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut tree = Tree::new(target.root(), limits);
    for (at, operation) in operations.iter().enumerate() {
        operation.run(&mut tree).map_err(|(problem, path)| PatchError {
            problem,
            operation: Some(at),
            place: place(rtype, path),
        })?;
    }
    tree.text().map_err(whole)
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

    fn run<'o>(&'o self, tree: &mut Tree<'a>) -> Result<(), At<'o, 'a>> {
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
