//! Collections without repetition: what equals (FHIRPath 2.0.0, section 6.1.1) an item that is in it is in it.
//!
//! A few items are compared one by one; more are found by a hash that equal items share.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use smallvec::SmallVec;

use super::equality::equal;
use super::{Collection, Evaluator};
use crate::fhirpath::error::Fault;
use crate::fhirpath::item::{Item, Shape, Value, decimal};
use crate::fhirpath::types;
use crate::json::{Kind, Node};

/// Up to this many items no index is made.
const FEW: usize = 8;

#[derive(Default)]
pub(super) struct Set<'a> {
    items: Collection<'a>,
    /// From a hash to the places in `items`; filled once there are more than a few.
    index: HashMap<u64, SmallVec<[u32; 2]>>,
}

impl<'a> Set<'a> {
    pub(super) fn of(run: &mut Evaluator<'_, 'a>, items: Collection<'a>, at: u32) -> Result<Self, Fault> {
        let mut set = Self::default();
        if items.len() <= 1 {
            set.items = items;
            return Ok(set);
        }
        for item in items {
            set.insert(run, item, at)?;
        }
        Ok(set)
    }

    /// True when it was new.
    pub(super) fn insert(&mut self, run: &mut Evaluator<'_, 'a>, item: Item<'a>, at: u32) -> Result<bool, Fault> {
        if self.contains(run, &item, at)? {
            return Ok(false);
        }
        if self.items.len() >= FEW {
            if self.index.is_empty() {
                for (place, known) in self.items.iter().enumerate() {
                    self.index.entry(hash(known)).or_default().push(place as u32);
                }
            }
            self.index.entry(hash(&item)).or_default().push(self.items.len() as u32);
        }
        self.items.push(item);
        run.bound(&self.items, at)?;
        Ok(true)
    }

    pub(super) fn contains(&self, run: &mut Evaluator<'_, 'a>, item: &Item<'a>, at: u32) -> Result<bool, Fault> {
        if self.index.is_empty() {
            for known in &self.items {
                if is_equal(run, known, item, at)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        run.charge(1 + weight(item), at)?;
        let Some(places) = self.index.get(&hash(item)) else { return Ok(false) };
        for place in places {
            if let Some(known) = self.items.get(*place as usize)
                && is_equal(run, known, item, at)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn into_items(self) -> Collection<'a> {
        self.items
    }
}

fn is_equal<'a>(run: &mut Evaluator<'_, 'a>, known: &Item<'a>, item: &Item<'a>, at: u32) -> Result<bool, Fault> {
    run.charge(1 + weight(known).min(weight(item)), at)?;
    Ok(equal(known, item) == Some(true))
}

/// What a comparison costs at most: the document's bytes of the element.
pub(super) fn weight(item: &Item<'_>) -> usize {
    item.node().map_or(0, |node| node.span().len() / 64)
}

/// Equal items have equal hashes. Dates and quantities are equal in many spellings: they share one each.
fn hash(item: &Item<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let is_complex = matches!(item, Item::Element(element) if !matches!(element.shape, Shape::Primitive(_)));
    match item.value() {
        Some(Value::Boolean(value)) => (1, value).hash(&mut hasher),
        // A number equals a quantity without unit.
        Some(Value::Integer(_) | Value::Decimal(_) | Value::Quantity(_)) => 2.hash(&mut hasher),
        Some(Value::String(text)) => (3, text.as_str()).hash(&mut hasher),
        Some(Value::Date(_) | Value::DateTime(_)) => 4.hash(&mut hasher),
        Some(Value::Time(_)) => 5.hash(&mut hasher),
        Some(Value::Type(info)) => (6, info.name).hash(&mut hasher),
        None if is_complex && item.scope().is_some_and(types::is_quantity) => 2.hash(&mut hasher),
        None => {
            for node in item.node().into_iter().chain(item.sibling()) {
                tree(node).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

/// Does not depend on the order of members, nor on how a number is written.
fn tree(node: Node<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match node.kind() {
        Kind::Null => 0.hash(&mut hasher),
        Kind::Bool => node.as_bool().hash(&mut hasher),
        Kind::String => node.as_str().unwrap_or_default().hash(&mut hasher),
        Kind::Number => {
            let text = node.number_text().unwrap_or_default();
            match decimal(text) {
                Some(value) => value.normalize().hash(&mut hasher),
                None => text.hash(&mut hasher),
            }
        }
        Kind::Array => node.items().for_each(|item| tree(item).hash(&mut hasher)),
        Kind::Object => {
            let mut sum = 0u64;
            for member in node.members() {
                let mut each = DefaultHasher::new();
                (&*member.key, tree(member.value)).hash(&mut each);
                sum = sum.wrapping_add(each.finish());
            }
            sum.hash(&mut hasher);
        }
    }
    hasher.finish()
}
