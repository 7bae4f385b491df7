//! Discriminators: how the slices of an element are told apart (R4 profiling.html, section 5.1.0.14).

use super::compile::text;
use super::model::{Discriminator, DiscriminatorKind, Step};
use crate::json::Node;

/// One discriminator; `None` when its kind or path is not understood.
pub(super) fn compile_discriminator(node: Node<'_>) -> Option<Discriminator> {
    let kind = match &*text(node, "type") {
        "value" | "pattern" => DiscriminatorKind::Value,
        "exists" => DiscriminatorKind::Exists,
        "type" => DiscriminatorKind::Type,
        "profile" => DiscriminatorKind::Profile,
        _ => return None,
    };
    let mut path = Vec::new();
    let given = text(node, "path");
    // Parentheses may hold dots: `extension('http://a.b').value`.
    let mut rest = given.as_ref();
    while !rest.is_empty() {
        let open = rest.find(['.', '(']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(open);
        let (argument, after) = match after.strip_prefix('(') {
            Some(inside) => inside.split_once(')').map(|(argument, after)| (Some(argument), after))?,
            None => (None, after),
        };
        rest = match after.strip_prefix('.') {
            Some(rest) if !rest.is_empty() => rest,
            None if after.is_empty() => after,
            _ => return None,
        };
        match (name, argument) {
            ("$this", None) => {}
            ("resolve", Some("")) => path.push(Step::Resolve),
            ("ofType", Some(name)) => path.push(Step::OfType(name.trim().into())),
            ("extension", Some(url)) => path.push(Step::Extension(url.trim().trim_matches(['\'', '"']).into())),
            (name, None) if !name.is_empty() => path.push(Step::Child(name.trim_end_matches("[x]").into())),
            _ => return None,
        }
    }
    Some(Discriminator { kind, path })
}
