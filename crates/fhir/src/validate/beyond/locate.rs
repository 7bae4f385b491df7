//! From a value back to its place: only findings need it.

use crate::definitions::{ResourceType, TypeRef, ValueType};
use crate::json::{Kind, Node};

/// The FHIRPath of `target` in the valid resource at `root`; that of the nearest element around it when it is no element's value.
pub(super) fn locate(root: Node<'_>, rtype: ResourceType, target: Node<'_>) -> String {
    let mut out = rtype.name().to_owned();
    let mut scope = TypeRef::of_resource(rtype);
    let (mut at, wanted) = (root, target.span());
    'down: while at.span() != wanted {
        let around = |node: &Node<'_>| node.span().start <= wanted.start && wanted.end <= node.span().end;
        let Some(member) = at.child_nodes().find(around) else { break };
        let Some((element, is_sibling)) = scope.child(&member.key()) else { break };
        out.push('.');
        out.push_str(element.name());
        at = member;
        if at.kind() == Kind::Array {
            if at.span() == wanted {
                break;
            }
            let Some((index, item)) = at.items().enumerate().find(|(_, item)| around(item)) else { break };
            out.push_str(&format!("[{index}]"));
            at = item;
        }
        scope = match element.value {
            _ if is_sibling => TypeRef::ELEMENT,
            ValueType::Complex(inner) => inner,
            ValueType::Primitive(_) => break 'down,
            ValueType::Resource => {
                match at.get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name)) {
                    Some(inner) => TypeRef::of_resource(inner),
                    None => break 'down,
                }
            }
        };
    }
    out
}
