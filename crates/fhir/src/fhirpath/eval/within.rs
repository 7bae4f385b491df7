//! One item where one is expected (FHIRPath 2.0.0, section 4.5), and arguments of the types that functions take.

use rust_decimal::Decimal;

use super::{Call, Collection, Evaluator, Scope};
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::{Item, Text, Value};
use crate::fhirpath::program::Ref;

impl<'r, 'a> Evaluator<'r, 'a> {
    pub(super) fn single(&self, items: Collection<'a>, at: u32) -> Result<Option<Item<'a>>, Fault> {
        if items.len() > 1 {
            return Err(Fault::new(Problem::NotSingle, at));
        }
        Ok(items.into_iter().next())
    }

    /// A boolean, or true for one item of another type.
    pub(in crate::fhirpath) fn boolean(&self, items: Collection<'a>, at: u32) -> Result<Option<bool>, Fault> {
        Ok(self.single(items, at)?.map(|item| truth(&item)))
    }

    pub(super) fn text(&self, items: Collection<'a>, what: &'static str, at: u32) -> Result<Option<Text<'a>>, Fault> {
        let Some(item) = self.single(items, at)? else { return Ok(None) };
        match item.text() {
            Some(text) => Ok(Some(text)),
            None if is_empty_primitive(&item) => Ok(None),
            None => Err(Fault::new(Problem::Type(what), at)),
        }
    }

    pub(super) fn integer(&self, items: Collection<'a>, what: &'static str, at: u32) -> Result<Option<i32>, Fault> {
        let Some(item) = self.single(items, at)? else { return Ok(None) };
        match item.value() {
            Some(Value::Integer(value)) => Ok(Some(value)),
            None if is_empty_primitive(&item) => Ok(None),
            _ => Err(Fault::new(Problem::Type(what), at)),
        }
    }

    pub(super) fn number(&self, items: Collection<'a>, what: &'static str, at: u32) -> Result<Option<Decimal>, Fault> {
        let Some(item) = self.single(items, at)? else { return Ok(None) };
        match item.value() {
            Some(Value::Integer(value)) => Ok(Some(value.into())),
            Some(Value::Decimal(value)) => Ok(Some(value)),
            None if is_empty_primitive(&item) => Ok(None),
            _ => Err(Fault::new(Problem::Type(what), at)),
        }
    }

    /// An argument that is evaluated once, where the call stands.
    pub(super) fn argument(&mut self, call: &Call<'r, '_, 'a>, index: usize) -> Result<Option<Collection<'a>>, Fault> {
        match call.arguments.get(index) {
            Some(argument) => self.apart(*argument, call.scope).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn text_argument(&mut self, call: &Call<'r, '_, 'a>, index: usize) -> Result<Option<Text<'a>>, Fault> {
        let items = self.argument(call, index)?.unwrap_or_default();
        self.text(items, call.function.name, call.at)
    }

    pub(super) fn integer_argument(&mut self, call: &Call<'r, '_, 'a>, index: usize) -> Result<Option<i32>, Fault> {
        let items = self.argument(call, index)?.unwrap_or_default();
        self.integer(items, call.function.name, call.at)
    }

    /// An argument that is evaluated for one item of the input.
    pub(super) fn for_item(
        &mut self,
        argument: Ref,
        item: &Item<'a>,
        index: usize,
        scope: Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Fault> {
        let index = i32::try_from(index).ok();
        self.apart(argument, Scope { this: Some(item), index, total: scope.total })
    }
}

pub(in crate::fhirpath) fn truth(item: &Item<'_>) -> bool {
    match item.value() {
        Some(Value::Boolean(value)) => value,
        _ => true,
    }
}

/// A primitive element that has no value, only an id or extensions.
pub(super) fn is_empty_primitive(item: &Item<'_>) -> bool {
    matches!(item, Item::Element(element) if !element.has_value() && element.node().is_none())
}
