//! The values of an object, as elements: a value and what extends it, together.

use crate::definitions::{Element, ResourceType, TypeRef, ValueType};
use crate::json::{Kind, Node};

/// One value of an element: in JSON a value, its `_name` sibling, or both.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) element: &'static Element,
    pub(super) value: Option<Node<'a>>,
    pub(super) extra: Option<Node<'a>>,
}

impl<'a> Item<'a> {
    /// Where a finding about it stands.
    pub(super) fn node(&self, around: Node<'a>) -> Node<'a> {
        self.value.or(self.extra).unwrap_or(around)
    }

    /// The object that its children are members of, and their scope.
    pub(super) fn members(&self) -> Option<(Node<'a>, TypeRef)> {
        match self.element.value {
            ValueType::Complex(scope) => Some((self.value?, scope)),
            ValueType::Primitive(_) => Some((self.extra?, TypeRef::ELEMENT)),
            ValueType::Resource => {
                let node = self.value?;
                Some((node, TypeRef::of_resource(resource_type(node)?)))
            }
        }
    }
}

pub(super) fn resource_type(node: Node<'_>) -> Option<ResourceType> {
    ResourceType::parse(&node.get("resourceType")?.as_str()?)
}

/// The values of all elements of an object, in written order.
pub(super) fn items<'a>(object: Node<'a>, scope: TypeRef) -> Vec<Item<'a>> {
    let mut all: Vec<Item<'a>> = Vec::with_capacity(object.len());
    for member in object.child_nodes() {
        let Some((element, is_sibling)) = scope.child(&member.key()) else { continue };
        // Where value and sibling both stand, the one that comes first takes the other along.
        let other = match is_sibling {
            true => object.get(element.key),
            false if matches!(element.value, ValueType::Primitive(_)) => sibling(object, element),
            false => None,
        };
        if other.is_some_and(|other| other.span().start < member.span().start) {
            continue;
        }
        let (value, extra) = if is_sibling { (other, Some(member)) } else { (Some(member), other) };
        if !element.array {
            all.push(Item { element, value, extra });
            continue;
        }
        let (mut values, mut extras) =
            (value.into_iter().flat_map(Node::items), extra.into_iter().flat_map(Node::items));
        for _ in 0..value.map_or(0, Node::len).max(extra.map_or(0, Node::len)) {
            let present = |node: &Node<'_>| node.kind() != Kind::Null;
            let (value, extra) = (values.next().filter(present), extras.next().filter(present));
            all.push(Item { element, value, extra });
        }
    }
    all
}

fn sibling<'a>(object: Node<'a>, element: &Element) -> Option<Node<'a>> {
    object.child_nodes().find(|child| child.key().strip_prefix('_') == Some(element.key))
}
