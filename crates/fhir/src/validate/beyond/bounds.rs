//! Values against the smallest and the largest that a profile allows.

use std::cmp::Ordering;

use super::conform::Within;
use super::item::Item;
use super::{Core, IssueCode};
use crate::definitions::{Severity, ValueType};
use crate::fhirpath;
use crate::json::Node;
use crate::profiles::{Bound, BoundKind, Rule};

impl<'v, 'a> Core<'v, 'a> {
    /// A value against both bounds. A distance is subtracted from now for the smallest and added for the largest value.
    pub(super) fn bounds(&mut self, within: Within<'v>, rule: &'v Rule, item: &Item<'a>, node: Node<'a>) {
        if item.value.is_none() {
            return;
        }
        let both = [(&rule.least, Ordering::Less, "smaller"), (&rule.most, Ordering::Greater, "larger")];
        for (bound, beyond, word) in both {
            let Some(bound) = bound else { continue };
            let url = within.profile.url();
            match self.order(bound, item, beyond == Ordering::Less) {
                Some(order) if order == beyond => {
                    let message = format!("{word} than the profile allows ({url})");
                    self.report(node, "", Severity::Error, IssueCode::Value, message);
                }
                Some(_) => {}
                None => {
                    let message = format!("not checked: whether it is {word} than the profile allows ({url})");
                    self.report(node, "", Severity::Information, IssueCode::NotSupported, message);
                }
            }
        }
    }

    /// The order of a value and a bound; `None` when it cannot be told.
    fn order(&self, bound: &Bound, item: &Item<'a>, is_least: bool) -> Option<Ordering> {
        if !bound.is_for(item.element.value) {
            return None;
        }
        let value = fhirpath::Item::element(item.value, item.extra, item.element);
        match (bound.kind, item.element.value) {
            (BoundKind::Quantity, ValueType::Primitive(_)) => {
                fhirpath::order_to_now(&value, self.settings.now, &bound.item(), is_least)
            }
            _ => fhirpath::order(&value, &bound.item()),
        }
    }
}
