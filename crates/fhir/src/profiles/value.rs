//! Values that a profile fixes, and how a value of a record is held against them.

use std::fmt;

use crate::json::{Doc, Kind, Limits, Node, write};

/// A JSON value out of a profile. Compared, never changed.
pub(crate) struct Value(Doc);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0.text()))
    }
}

impl Value {
    /// A copy of a value.
    pub(crate) fn of(node: Node<'_>) -> Option<Self> {
        let mut text = Vec::new();
        write(node, &mut text);
        Self::parse(text)
    }

    /// A value from its text.
    pub(crate) fn parse(text: Vec<u8>) -> Option<Self> {
        Doc::parse(text, &Limits::default()).ok().map(Self)
    }

    pub(crate) fn root(&self) -> Node<'_> {
        self.0.root()
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.0.text()
    }

    /// Whether `node` is exactly this: the same members and items, numbers to the digit (R4 elementdefinition.html, `fixed[x]`).
    pub(crate) fn equals(&self, node: Node<'_>) -> bool {
        equal(self.0.root(), node)
    }

    /// Whether `node` has at least this: every member, and for every item of an array one that fits (`pattern[x]`).
    pub(crate) fn fits(&self, node: Node<'_>) -> bool {
        fits(self.0.root(), node)
    }
}

fn equal(own: Node<'_>, other: Node<'_>) -> bool {
    if own.kind() != other.kind() || own.len() != other.len() {
        return false;
    }
    match own.kind() {
        Kind::Object => own.child_nodes().all(|m| other.get(&m.key()).is_some_and(|value| equal(m, value))),
        Kind::Array => own.items().zip(other.items()).all(|(a, b)| equal(a, b)),
        _ => same_scalar(own, other),
    }
}

fn fits(own: Node<'_>, other: Node<'_>) -> bool {
    if own.kind() != other.kind() {
        return false;
    }
    match own.kind() {
        Kind::Object => own.child_nodes().all(|m| other.get(&m.key()).is_some_and(|value| fits(m, value))),
        Kind::Array => own.items().all(|wanted| other.items().any(|item| fits(wanted, item))),
        _ => same_scalar(own, other),
    }
}

fn same_scalar(own: Node<'_>, other: Node<'_>) -> bool {
    own.raw() == other.raw() || ((own.is_escaped() || other.is_escaped()) && own.as_str() == other.as_str())
}
