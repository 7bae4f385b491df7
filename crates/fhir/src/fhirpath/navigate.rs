//! Steps from an element to its children, over borrowed JSON.

use super::item::{ElementItem, Shape};
use crate::definitions::{Element, Primitive, TypeRef, ValueType};
use crate::json::{Kind, Node};

/// Gives `found` the children with this FHIRPath name, in document order, until it says stop (false). `value` finds
/// `valueQuantity` and whatever else the choice allows; `valueQuantity` finds nothing, as it is no name of an element.
///
/// False when it was stopped.
pub(super) fn step<'a>(element: &ElementItem<'a>, name: &str, found: &mut dyn FnMut(ElementItem<'a>) -> bool) -> bool {
    match element.shape {
        Shape::Complex(scope) => element.node().is_none_or(|node| match members(node, scope, name) {
            Some((definition, value, sibling)) => each(definition, value, sibling, found),
            None => true,
        }),
        // Beside a primitive are its id and extensions.
        Shape::Primitive(_) => element.sibling().is_none_or(|node| match members(node, TypeRef::ELEMENT, name) {
            Some((definition, value, sibling)) => each(definition, value, sibling, found),
            None => true,
        }),
        Shape::Unknown => match element.node().and_then(|node| node.get(name)) {
            Some(node) => each_unknown(node, found),
            None => true,
        },
    }
}

/// Gives `found` all children, in document order.
pub(super) fn children<'a>(element: &ElementItem<'a>, found: &mut dyn FnMut(ElementItem<'a>) -> bool) -> bool {
    let (node, scope) = match element.shape {
        Shape::Complex(scope) => (element.node(), scope),
        Shape::Primitive(_) => (element.sibling(), TypeRef::ELEMENT),
        Shape::Unknown => {
            let members = element.node().into_iter().flat_map(Node::members);
            return members
                .filter(|member| member.key != "resourceType")
                .all(|member| each_unknown(member.value, found));
        }
    };
    let Some(node) = node else { return true };
    let has_siblings = node.child_nodes().any(|child| child.raw_key().starts_with(b"\"_"));
    for child in node.child_nodes() {
        let key = child.key();
        let Some((definition, is_sibling)) = scope.child(&key) else { continue };
        let going = if is_sibling {
            // The value brings its sibling with it; here only what has no value.
            node.get(definition.key).is_some() || each(definition, None, Some(child), found)
        } else {
            let sibling = if has_siblings { sibling_of(node, definition) } else { None };
            each(definition, Some(child), sibling, found)
        };
        if !going {
            return false;
        }
    }
    true
}

type Found<'a> = (&'static Element, Option<Node<'a>>, Option<Node<'a>>);

/// The member that an element's name leads to, and its `_` member.
fn members<'a>(node: Node<'a>, scope: TypeRef, name: &str) -> Option<Found<'a>> {
    let (mut definition, mut value, mut sibling) = (None, None, None);
    for child in node.child_nodes() {
        let key = child.key();
        let (bare, is_sibling) = match key.strip_prefix('_') {
            Some(bare) => (bare, true),
            None => (&*key, false),
        };
        let Some(rest) = bare.strip_prefix(name) else { continue };
        if !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_uppercase()) {
            continue;
        }
        let Some((element, _)) = scope.child(&key) else { continue };
        if element.is_choice() == rest.is_empty() || (element.is_choice() && element.name() != name) {
            continue;
        }
        if definition.is_some_and(|known: &Element| known.id != element.id) {
            continue;
        }
        definition = Some(element);
        if is_sibling {
            sibling = Some(child);
        } else {
            value = Some(child);
            // Only primitives have something beside them.
            if !is_primitive(element) {
                break;
            }
        }
    }
    definition.map(|definition| (definition, value, sibling))
}

fn is_primitive(element: &Element) -> bool {
    matches!(element.value, ValueType::Primitive(primitive) if primitive != Primitive::Xhtml)
}

fn sibling_of<'a>(node: Node<'a>, element: &Element) -> Option<Node<'a>> {
    if !is_primitive(element) {
        return None;
    }
    node.child_nodes().find(|child| child.key().strip_prefix('_') == Some(element.key))
}

/// One element, or each of an array with what stands beside it at the same index.
fn each<'a>(
    definition: &'static Element,
    value: Option<Node<'a>>,
    sibling: Option<Node<'a>>,
    found: &mut dyn FnMut(ElementItem<'a>) -> bool,
) -> bool {
    let is_list = |node: Option<Node<'_>>| node.is_some_and(|node| node.kind() == Kind::Array);
    if !is_list(value) && !is_list(sibling) {
        return single(definition, value, sibling, found);
    }
    let mut values = value.into_iter().flat_map(Node::items);
    let mut siblings = sibling.into_iter().flat_map(Node::items);
    loop {
        let (value, sibling) = (values.next(), siblings.next());
        if value.is_none() && sibling.is_none() {
            return true;
        }
        if !single(definition, value, sibling, found) {
            return false;
        }
    }
}

fn single<'a>(
    definition: &'static Element,
    value: Option<Node<'a>>,
    sibling: Option<Node<'a>>,
    found: &mut dyn FnMut(ElementItem<'a>) -> bool,
) -> bool {
    let sibling = sibling.filter(|node| node.kind() == Kind::Object);
    let value = value.filter(|node| node.kind() != Kind::Null);
    (value.is_none() && sibling.is_none()) || found(ElementItem::new(value, sibling, definition))
}

fn each_unknown<'a>(node: Node<'a>, found: &mut dyn FnMut(ElementItem<'a>) -> bool) -> bool {
    match node.kind() {
        Kind::Null => true,
        Kind::Array => node.items().all(|item| found(ElementItem::unknown(item))),
        _ => found(ElementItem::unknown(node)),
    }
}
