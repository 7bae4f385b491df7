use std::borrow::Cow;
use std::ops::Range;

use zeroize::Zeroize;

use super::scan::unescape;
use super::{JsonError, Limits, parse};

/// A parsed JSON text: the text itself and a flat list of its values. The text is overwritten with zeros on drop.
///
/// Has no `Debug`, no `Clone`: the text is a record.
pub struct Doc {
    pub(super) text: String,
    pub(super) slots: Vec<Slot>,
}

impl Doc {
    /// Takes over the text and reads it once. On an error the text is overwritten with zeros.
    ///
    /// # Errors
    /// The first rule of RFC 8259 (or of [`Limits`], or a duplicate name, a lone surrogate, a NUL) that is broken.
    pub fn parse(text: Vec<u8>, limits: &Limits) -> Result<Self, JsonError> {
        parse::parse(text, limits)
    }

    /// The text as it was given, byte for byte.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { doc: self, index: 0 }
    }

    /// How many values the document holds, the root and all arrays and objects included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slice(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl Drop for Doc {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept as text.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value of the text. `start..end` is the value, `key_start..key_end` the member name with its quotes (empty for
/// an item or the root), `next` the slot after the value and all that is inside it, `count` the direct children.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) key_start: u32,
    pub(super) key_end: u32,
    pub(super) next: u32,
    pub(super) count: u32,
    pub(super) kind: Kind,
    /// The string (or the member name) has escapes.
    pub(super) escaped: bool,
    pub(super) key_escaped: bool,
}

impl Slot {
    pub(super) const NOTHING: Self = Self {
        start: 0,
        end: 0,
        key_start: 0,
        key_end: 0,
        next: 0,
        count: 0,
        kind: Kind::Null,
        escaped: false,
        key_escaped: false,
    };
}

/// One value in a [`Doc`]: a place, cheap to copy.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    doc: &'a Doc,
    index: u32,
}

/// One member of an object.
pub struct Member<'a> {
    /// The member name, unescaped.
    pub key: Cow<'a, str>,
    /// Bytes of the member name in the text, quotes included.
    pub key_span: Range<usize>,
    /// The member's value.
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// What the value is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.slot().kind
    }

    /// Bytes of the value in [`Doc::text`]; quotes and brackets included.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let slot = self.slot();
        slot.start as usize..slot.end as usize
    }

    /// The value as it was written.
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        let slot = self.slot();
        self.doc.slice(slot.start, slot.end).as_bytes()
    }

    /// Members in written order; none when this is not an object.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        Members(self.children(Kind::Object))
    }

    /// Items in written order; none when this is not an array.
    #[must_use]
    pub fn items(self) -> Items<'a> {
        Items(self.children(Kind::Array))
    }

    /// The value of the member with this name (linear in the number of members).
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.children(Kind::Object).find(|child| child.has_key(key))
    }

    /// How many members or items; 0 for any other kind.
    #[must_use]
    pub fn len(self) -> usize {
        self.slot().count as usize
    }

    /// Whether there is no member or item.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The text of a string, unescaped; copied only when it has escapes.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let slot = self.slot();
        if slot.kind != Kind::String {
            return None;
        }
        let inner = self.doc.slice(slot.start + 1, slot.end.saturating_sub(1));
        Some(if slot.escaped { Cow::Owned(owned(inner)) } else { Cow::Borrowed(inner) })
    }

    /// The characters of a string, unescaped one by one: nothing is copied. None when this is no string.
    pub(crate) fn chars(self) -> Option<impl Iterator<Item = char> + use<'a>> {
        let slot = self.slot();
        let inner = self.doc.slice(slot.start + 1, slot.end.saturating_sub(1));
        (slot.kind == Kind::String).then(|| unescape(inner))
    }

    /// The value of a boolean.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        let slot = self.slot();
        (slot.kind == Kind::Bool).then(|| slot.end - slot.start == 4)
    }

    /// The text of a number, exactly as written (`1.10`, `1e400`).
    #[must_use]
    pub fn number_text(self) -> Option<&'a str> {
        let slot = self.slot();
        (slot.kind == Kind::Number).then(|| self.doc.slice(slot.start, slot.end))
    }

    /// Bytes of the member name in the text, quotes included; empty when this is not a member's value.
    #[must_use]
    pub fn key_span(self) -> Range<usize> {
        let slot = self.slot();
        slot.key_start as usize..slot.key_end as usize
    }

    /// The member name, unescaped; empty when this is not a member's value.
    #[must_use]
    pub fn key(self) -> Cow<'a, str> {
        let slot = self.slot();
        let inner = self.doc.slice(slot.key_start + 1, slot.key_end.saturating_sub(1));
        if slot.key_escaped { Cow::Owned(owned(inner)) } else { Cow::Borrowed(inner) }
    }

    /// The member name as it was written, quotes included; empty when this is not a member's value.
    #[must_use]
    pub fn raw_key(self) -> &'a [u8] {
        let slot = self.slot();
        self.doc.slice(slot.key_start, slot.key_end).as_bytes()
    }

    /// Whether the text of a string differs from what is written between its quotes.
    pub(crate) fn is_escaped(self) -> bool {
        self.slot().escaped
    }

    /// Members' values or items, whichever this has.
    pub(crate) fn child_nodes(self) -> Children<'a> {
        Children { doc: self.doc, next: self.index + 1, left: self.slot().count }
    }

    pub(super) fn slot(self) -> Slot {
        self.doc.slots.get(self.index as usize).copied().unwrap_or(Slot::NOTHING)
    }

    fn has_key(self, key: &str) -> bool {
        let slot = self.slot();
        let inner = self.doc.slice(slot.key_start + 1, slot.key_end.saturating_sub(1));
        if slot.key_escaped { unescape(inner).eq(key.chars()) } else { inner == key }
    }

    fn children(self, kind: Kind) -> Children<'a> {
        let slot = self.slot();
        Children { doc: self.doc, next: self.index + 1, left: if slot.kind == kind { slot.count } else { 0 } }
    }
}

fn owned(escaped: &str) -> String {
    let mut text = String::with_capacity(escaped.len());
    text.extend(unescape(escaped));
    text
}

/// The values directly inside one value.
#[derive(Clone)]
pub(crate) struct Children<'a> {
    doc: &'a Doc,
    next: u32,
    left: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.left = self.left.checked_sub(1)?;
        let node = Node { doc: self.doc, index: self.next };
        self.next = node.slot().next;
        Some(node)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

/// Iterator of [`Node::members`].
#[derive(Clone)]
pub struct Members<'a>(Children<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let value = self.0.next()?;
        Some(Member { key: value.key(), key_span: value.key_span(), value })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Members<'_> {}

/// Iterator of [`Node::items`].
#[derive(Clone)]
pub struct Items<'a>(Children<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Items<'_> {}
