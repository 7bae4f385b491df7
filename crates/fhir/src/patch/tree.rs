//! The document as it is being changed: what no operation has touched stays a place in its text.

use super::compare::equal;
use super::pointer::index;
use super::{PatchLimits, PatchProblem};
use crate::json::{Kind, Node, write_string};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// One value: a place in the document or in the patch, or one that was opened so that something in it can change.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Source(Node<'a>),
    Object(Vec<Member<'a>>),
    Array(Vec<Value<'a>>),
    Null,
}

const NULL: &[u8] = b"null";

#[derive(Clone)]
pub(super) struct Member<'a> {
    pub(super) key: Key<'a>,
    pub(super) value: Value<'a>,
}

/// The name of a member: as it was written, or one that an operation brings.
#[derive(Clone)]
pub(super) enum Key<'a> {
    /// The name of this member's value.
    Source(Node<'a>),
    Name(Zeroizing<String>),
}

impl<'a> Key<'a> {
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Source(node) => node.key(),
            Self::Name(name) => Cow::Borrowed(name),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Source(node) => out.extend_from_slice(node.raw_key()),
            Self::Name(name) => write_string(name, out),
        }
    }

    /// An upper bound of the bytes that it is written as.
    fn size(&self) -> usize {
        match self {
            Self::Source(node) => node.raw_key().len(),
            Self::Name(name) => name.len().saturating_mul(6).saturating_add(2),
        }
    }
}

/// Counts the steps of work.
pub(super) struct Work {
    left: usize,
}

impl Work {
    pub(super) const fn new(limit: usize) -> Self {
        Self { left: limit }
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), PatchProblem> {
        self.left = self.left.checked_sub(steps).ok_or(PatchProblem::TooCostly)?;
        Ok(())
    }
}

impl<'a> Value<'a> {
    /// A member of an object that is being made.
    pub(super) fn member(name: &str, value: Self) -> Member<'a> {
        Member { key: Key::Name(Zeroizing::new(name.to_owned())), value }
    }

    /// Whether it is `null`.
    pub(super) fn is_null(&self) -> bool {
        match self {
            Self::Source(node) => node.kind() == Kind::Null,
            Self::Null => true,
            Self::Object(_) | Self::Array(_) => false,
        }
    }

    /// How many members or items; 0 for any other kind.
    fn len(&self) -> usize {
        match self {
            Self::Source(node) => node.len(),
            Self::Object(members) => members.len(),
            Self::Array(items) => items.len(),
            Self::Null => 0,
        }
    }

    /// Opens one level, so that what is directly inside can be reached and changed.
    fn open(&mut self, work: &mut Work) -> Result<(), PatchProblem> {
        let Self::Source(node) = *self else { return Ok(()) };
        work.spend(1 + node.len())?;
        match node.kind() {
            Kind::Object => {
                let members =
                    node.child_nodes().map(|child| Member { key: Key::Source(child), value: Self::Source(child) });
                *self = Self::Object(members.collect());
            }
            Kind::Array => *self = Self::Array(node.items().map(Self::Source).collect()),
            _ => {}
        }
        Ok(())
    }

    /// An upper bound of the bytes that it is written as, and how many arrays and objects lie inside each other.
    fn measure(&self, work: &mut Work) -> Result<(usize, usize), PatchProblem> {
        work.spend(1)?;
        match self {
            Self::Source(node) => Ok((node.raw().len(), depth(*node, work)?)),
            Self::Null => Ok((NULL.len(), 0)),
            Self::Object(members) => {
                let (mut size, mut deepest) = (2_usize, 0);
                for Member { key, value } in members {
                    let (bytes, depth) = value.measure(work)?;
                    size = size.saturating_add(bytes).saturating_add(key.size()).saturating_add(2);
                    deepest = deepest.max(depth);
                }
                Ok((size, deepest + 1))
            }
            Self::Array(items) => {
                let (mut size, mut deepest) = (2_usize, 0);
                for item in items {
                    let (bytes, depth) = item.measure(work)?;
                    size = size.saturating_add(bytes).saturating_add(1);
                    deepest = deepest.max(depth);
                }
                Ok((size, deepest + 1))
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Source(node) => out.extend_from_slice(node.raw()),
            Self::Null => out.extend_from_slice(NULL),
            Self::Object(members) => {
                out.push(b'{');
                for (at, Member { key, value }) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    key.write(out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
            Self::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
        }
    }
}

/// Bounded by the limits under which the text was read.
fn depth(node: Node<'_>, work: &mut Work) -> Result<usize, PatchProblem> {
    if !matches!(node.kind(), Kind::Array | Kind::Object) {
        return Ok(0);
    }
    work.spend(node.len())?;
    let mut deepest = 0;
    for child in node.child_nodes() {
        deepest = deepest.max(depth(child, work)?);
    }
    Ok(deepest + 1)
}

/// A document that operations change.
pub(super) struct Tree<'a> {
    root: Value<'a>,
    work: Work,
    /// Bytes that may still be added.
    room: usize,
    max_depth: usize,
}

/// The tokens of a path, unescaped.
type Path<'p> = [Cow<'p, str>];

impl<'a> Tree<'a> {
    pub(super) fn new(root: Node<'a>, limits: &PatchLimits) -> Self {
        Self {
            root: Value::Source(root),
            work: Work::new(limits.work),
            room: limits.json.max_bytes,
            max_depth: limits.json.max_depth,
        }
    }

    /// Puts a value at a place: a member of an object (in the place of the one with this name, else as the last), an item of an
    /// array (those behind it move), or the whole document (RFC 6902, section 4.1).
    pub(super) fn add(&mut self, path: &Path<'_>, value: Value<'a>) -> Result<(), PatchProblem> {
        self.take_in(path, &value)?;
        let Some((last, holder)) = path.split_last() else {
            self.root = value;
            return Ok(());
        };
        match self.open_at(holder)? {
            (Value::Object(members), work) => {
                work.spend(members.len())?;
                match members.iter_mut().find(|member| member.key.text() == *last) {
                    Some(member) => member.value = value,
                    None => members.push(Member { key: Key::Name(Zeroizing::new(last.to_string())), value }),
                }
            }
            (Value::Array(items), work) => {
                let at = if last == "-" { Some(items.len()) } else { index(last) };
                let at = at.filter(|at| *at <= items.len()).ok_or(PatchProblem::NothingThere)?;
                work.spend(items.len() - at)?;
                items.insert(at, value);
            }
            (Value::Source(_) | Value::Null, _) => return Err(PatchProblem::NoRoom),
        }
        Ok(())
    }

    /// Takes the value at a place out and gives it back (RFC 6902, section 4.2).
    pub(super) fn remove(&mut self, path: &Path<'_>) -> Result<Value<'a>, PatchProblem> {
        let (last, holder) = path.split_last().ok_or(PatchProblem::NoDocument)?;
        match self.open_at(holder)? {
            (Value::Object(members), work) => {
                work.spend(members.len())?;
                let at = members.iter().position(|member| member.key.text() == *last);
                Ok(members.remove(at.ok_or(PatchProblem::NothingThere)?).value)
            }
            (Value::Array(items), work) => {
                let at = index(last).filter(|at| *at < items.len()).ok_or(PatchProblem::NothingThere)?;
                work.spend(items.len() - at)?;
                Ok(items.remove(at))
            }
            (Value::Source(_) | Value::Null, _) => Err(PatchProblem::NothingThere),
        }
    }

    /// Puts a value in the place of another (RFC 6902, section 4.3).
    pub(super) fn replace(&mut self, path: &Path<'_>, value: Value<'a>) -> Result<(), PatchProblem> {
        self.take_in(path, &value)?;
        *at(&mut self.root, path, &mut self.work)? = value;
        Ok(())
    }

    /// Whether there is anything at a place.
    pub(super) fn reach(&mut self, path: &Path<'_>) -> Result<(), PatchProblem> {
        at(&mut self.root, path, &mut self.work).map(|_| ())
    }

    /// How many members or items the value at a place has; 0 where there is none.
    pub(super) fn length(&mut self, path: &Path<'_>) -> Result<usize, PatchProblem> {
        match at(&mut self.root, path, &mut self.work) {
            Ok(value) => Ok(value.len()),
            Err(PatchProblem::NothingThere) => Ok(0),
            Err(problem) => Err(problem),
        }
    }

    /// A copy of the value at a place.
    pub(super) fn copy(&mut self, path: &Path<'_>) -> Result<Value<'a>, PatchProblem> {
        let value = at(&mut self.root, path, &mut self.work)?;
        // Before it is made: a copy of a copy of a copy grows fast.
        let (size, _) = value.measure(&mut self.work)?;
        if size > self.room {
            return Err(PatchProblem::TooLong);
        }
        Ok(value.clone())
    }

    /// Whether the value at a place equals this one (RFC 6902, section 4.6).
    pub(super) fn equals(&mut self, path: &Path<'_>, other: Node<'_>) -> Result<bool, PatchProblem> {
        let value = at(&mut self.root, path, &mut self.work)?;
        equal(value, other, &mut self.work)
    }

    /// The text of the document. Allocated once, so that no part of it is left behind in memory.
    pub(super) fn text(mut self) -> Result<Vec<u8>, PatchProblem> {
        self.work = Work::new(usize::MAX);
        let (size, _) = self.root.measure(&mut self.work)?;
        let mut text = Vec::with_capacity(size);
        self.root.write(&mut text);
        Ok(text)
    }

    /// Checks that a value may come to a place, and takes it off the account.
    fn take_in(&mut self, path: &Path<'_>, value: &Value<'a>) -> Result<(), PatchProblem> {
        let (size, depth) = value.measure(&mut self.work)?;
        self.room = self.room.checked_sub(size).ok_or(PatchProblem::TooLong)?;
        if path.len() + depth > self.max_depth {
            return Err(PatchProblem::TooDeep);
        }
        Ok(())
    }

    fn open_at(&mut self, path: &Path<'_>) -> Result<(&mut Value<'a>, &mut Work), PatchProblem> {
        let value = at(&mut self.root, path, &mut self.work)?;
        value.open(&mut self.work)?;
        Ok((value, &mut self.work))
    }
}

/// The value at a place, with everything on the way to it opened.
fn at<'t, 'a>(root: &'t mut Value<'a>, path: &Path<'_>, work: &mut Work) -> Result<&'t mut Value<'a>, PatchProblem> {
    let mut value = root;
    for token in path {
        value.open(work)?;
        value = match value {
            Value::Object(members) => {
                work.spend(members.len())?;
                let found = members.iter_mut().find(|member| member.key.text() == *token);
                &mut found.ok_or(PatchProblem::NothingThere)?.value
            }
            Value::Array(items) => index(token).and_then(|at| items.get_mut(at)).ok_or(PatchProblem::NothingThere)?,
            Value::Source(_) | Value::Null => return Err(PatchProblem::NothingThere),
        };
    }
    Ok(value)
}
