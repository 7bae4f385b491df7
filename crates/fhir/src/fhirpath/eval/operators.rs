//! Operators (FHIRPath 2.0.0, section 6).

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::equality::{NotComparable, compare, equal, equivalent};
use super::sets::{Set, weight};
use super::{Collection, Evaluator, Outcome, Scope, maybe, none, one};
use crate::fhirpath::arithmetic;
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::{Item, Value};
use crate::fhirpath::program::Ref;
use crate::fhirpath::syntax::Operator;

impl<'r, 'a> Evaluator<'r, 'a> {
    pub(super) fn operation(
        &mut self,
        operator: Operator,
        operands: &'r [Ref],
        at: u32,
        scope: Scope<'_, 'a>,
    ) -> Outcome<'a> {
        match operator {
            Operator::And => self.listed(operands, false, at, scope),
            Operator::Or => self.listed(operands, true, at, scope),
            Operator::Union => {
                let mut items = Collection::new();
                for operand in operands {
                    items.extend(self.apart(*operand, scope)?);
                    self.bound(&items, at)?;
                }
                Ok(Set::of(self, items, at)?.into_items())
            }
            _ => {
                let [left, right] = operands else { return none() };
                let left = self.apart(*left, scope)?;
                if operator == Operator::Implies {
                    return self.implies(left, *right, at, scope);
                }
                let right = self.apart(*right, scope)?;
                self.two(operator, left, right, at)
            }
        }
    }

    /// `and`, `or`: three-valued; the operand that decides ends it.
    fn listed(&mut self, operands: &'r [Ref], decisive: bool, at: u32, scope: Scope<'_, 'a>) -> Outcome<'a> {
        let mut is_unknown = false;
        for operand in operands {
            let items = self.apart(*operand, scope)?;
            match self.boolean(items, at)? {
                Some(value) if value == decisive => return one(decisive),
                Some(_) => {}
                None => is_unknown = true,
            }
        }
        if is_unknown { none() } else { one(!decisive) }
    }

    fn implies(&mut self, left: Collection<'a>, right: Ref, at: u32, scope: Scope<'_, 'a>) -> Outcome<'a> {
        let left = self.boolean(left, at)?;
        if left == Some(false) {
            return one(true);
        }
        let right = self.apart(right, scope)?;
        match (left, self.boolean(right, at)?) {
            (_, Some(true)) => one(true),
            (Some(true), Some(false)) => one(false),
            _ => none(),
        }
    }

    fn two(&mut self, operator: Operator, left: Collection<'a>, right: Collection<'a>, at: u32) -> Outcome<'a> {
        match operator {
            Operator::Xor => {
                let (left, right) = (self.boolean(left, at)?, self.boolean(right, at)?);
                maybe(left.zip(right).map(|(left, right)| left != right))
            }
            Operator::Equal => maybe(self.equal(&left, &right, at)?),
            Operator::NotEqual => maybe(self.equal(&left, &right, at)?.map(|equal| !equal)),
            Operator::Equivalent => one(self.equivalent(&left, right, at)?),
            Operator::NotEquivalent => one(!self.equivalent(&left, right, at)?),
            Operator::In => self.contains(right, left, at),
            Operator::Contains => self.contains(left, right, at),
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                self.ordered(operator, left, right, at)
            }
            Operator::Concatenate => {
                let left = self.text(left, "&", at)?;
                let right = self.text(right, "&", at)?;
                let (left, right) = (left.as_deref().unwrap_or(""), right.as_deref().unwrap_or(""));
                self.bound_text(left.len() + right.len(), at)?;
                one(Value::String(format!("{left}{right}").into()))
            }
            _ => self.arithmetic(operator, left, right, at),
        }
    }

    fn equal(&mut self, left: &Collection<'a>, right: &Collection<'a>, at: u32) -> Result<Option<bool>, Fault> {
        if left.is_empty() || right.is_empty() {
            return Ok(None);
        }
        if left.len() != right.len() {
            return Ok(Some(false));
        }
        let mut is_unknown = false;
        for (left, right) in left.iter().zip(right) {
            self.charge(1 + weight(left).min(weight(right)), at)?;
            match equal(left, right) {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => is_unknown = true,
            }
        }
        Ok((!is_unknown).then_some(true))
    }

    /// In any order.
    fn equivalent(&mut self, left: &Collection<'a>, mut right: Collection<'a>, at: u32) -> Result<bool, Fault> {
        if left.len() != right.len() {
            return Ok(false);
        }
        for item in left {
            self.charge(right.len() + weight(item), at)?;
            match right.iter().position(|other| equivalent(item, other)) {
                Some(found) => drop(right.swap_remove(found)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn contains(&mut self, items: Collection<'a>, item: Collection<'a>, at: u32) -> Outcome<'a> {
        let Some(item) = self.single(item, at)? else { return none() };
        for other in &items {
            self.charge(1 + weight(other).min(weight(&item)), at)?;
            if equal(other, &item) == Some(true) {
                return one(true);
            }
        }
        one(false)
    }

    fn ordered(&mut self, operator: Operator, left: Collection<'a>, right: Collection<'a>, at: u32) -> Outcome<'a> {
        let (left, right) = (self.single(left, at)?, self.single(right, at)?);
        let Some((left, right)) = left.zip(right) else { return none() };
        let order = compare(&left, &right).map_err(|NotComparable| Fault::new(Problem::Type("a comparison"), at))?;
        maybe(order.map(|order| match operator {
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        }))
    }

    fn arithmetic(&mut self, operator: Operator, left: Collection<'a>, right: Collection<'a>, at: u32) -> Outcome<'a> {
        let mismatch = || Fault::new(Problem::Type("an arithmetic operator"), at);
        let (left, right) = (self.single(left, at)?, self.single(right, at)?);
        let Some((left, right)) = left.zip(right) else { return none() };
        let is_absent = |item: &Item<'_>| super::within::is_empty_primitive(item);
        let (left, right) = match (left.value(), right.value()) {
            (Some(left), Some(right)) => (left, right),
            _ if is_absent(&left) || is_absent(&right) => return none(),
            _ => return Err(mismatch()),
        };
        if let (Value::String(left), Value::String(right), Operator::Plus) = (&left, &right, operator) {
            self.bound_text(left.len() + right.len(), at)?;
            return one(Value::String(format!("{}{}", left.as_str(), right.as_str()).into()));
        }
        match arithmetic::apply(operator, &left, &right) {
            Some(result) => maybe(result),
            None => Err(mismatch()),
        }
    }

    pub(super) fn sign(&mut self, items: Collection<'a>, negative: bool, at: u32) -> Outcome<'a> {
        let Some(item) = self.single(items, at)? else { return none() };
        let is_absent = super::within::is_empty_primitive(&item);
        match item.value() {
            Some(Value::Integer(value)) => maybe(if negative { value.checked_neg() } else { Some(value) }),
            Some(Value::Decimal(value)) => one(if negative && !value.is_zero() { -value } else { value }),
            Some(Value::Quantity(mut quantity)) => {
                if negative {
                    quantity.value *= Decimal::NEGATIVE_ONE;
                }
                one(Value::Quantity(quantity))
            }
            None if is_absent => none(),
            _ => Err(Fault::new(Problem::Type("a sign"), at)),
        }
    }
}
