//! What the second step has to do at each element of the definitions, worked out once.

use std::sync::OnceLock;

use crate::definitions::{Element, Invariant, Strength, TypeRef, ValueType};

/// A binding that the first step did not check.
pub(super) const BINDING: u8 = 1;
/// Invariants that stand at the element.
pub(super) const INVARIANT: u8 = 2;
/// Invariants of the value's type.
pub(super) const TYPE: u8 = 4;
/// An extension.
pub(super) const EXTENSION: u8 = 8;
/// A profile on the type (`SimpleQuantity`).
pub(super) const PROFILE: u8 = 16;

/// Invariants that the first step checks, or that are checked here without FHIRPath: they hold for every element or resource.
pub(super) fn is_checked_elsewhere(key: &str) -> bool {
    matches!(key, "ele-1" | "ext-1" | "ref-1" | "dom-2" | "dom-3" | "dom-4" | "dom-5" | "dom-6")
}

/// What there is to do at an element.
pub(super) fn of(element: &Element) -> u8 {
    static FACTS: OnceLock<Vec<u8>> = OnceLock::new();
    let all = FACTS.get_or_init(|| Element::all().iter().map(work_out).collect());
    all.get(usize::from(element.id)).copied().unwrap_or_default()
}

fn work_out(element: &Element) -> u8 {
    let is_open = |invariant: &'static Invariant| !is_checked_elsewhere(invariant.key);
    let scope = match element.value {
        ValueType::Complex(scope) => Some(scope),
        ValueType::Primitive(_) | ValueType::Resource => None,
    };
    let bound = element.binding().is_some_and(|b| b.strength != Strength::Required || element.codes().is_none());
    let mut facts = 0;
    facts |= if bound { BINDING } else { 0 };
    facts |= if element.invariants().any(is_open) { INVARIANT } else { 0 };
    facts |= if scope.is_some_and(|scope| scope.invariants().any(is_open)) { TYPE } else { 0 };
    facts |= if scope == Some(TypeRef::EXTENSION) { EXTENSION } else { 0 };
    facts | if element.profile().is_some() { PROFILE } else { 0 }
}
