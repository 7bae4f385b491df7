//! Evaluation: one pass over the compiled form, with a budget.

pub(super) mod conversion;
mod equality;
pub(super) mod existence;
pub(super) mod fhir;
pub(super) mod filtering;
mod html;
pub(super) mod math;
mod operators;
mod sets;
pub(super) mod strings;
pub(super) mod subsetting;
pub(super) mod tree;
mod within;

pub(super) use within::truth;

use std::sync::Arc;

use smallvec::SmallVec;

use super::context::Context;
use super::error::{EvaluationProblem as Problem, Fault};
use super::functions::Function;
use super::item::{ElementItem, Item, Text, Value};
use super::navigate;
use super::program::{Extra, Kind, Program, Ref, Variable};
use super::types::TypeSpecifier;

/// Items in order. One item needs no memory of its own.
pub(super) type Collection<'a> = SmallVec<[Item<'a>; 1]>;
pub(super) type Outcome<'a> = Result<Collection<'a>, Fault>;
/// How a function runs.
pub(super) type Run = for<'r, 's, 'a> fn(&mut Evaluator<'r, 'a>, Call<'r, 's, 'a>) -> Outcome<'a>;

/// A call under evaluation: its input is there, its arguments are not evaluated yet.
pub(super) struct Call<'r, 's, 'a> {
    pub(super) function: &'static Function,
    pub(super) input: Collection<'a>,
    pub(super) arguments: &'r [Ref],
    pub(super) extra: &'r Extra,
    pub(super) scope: Scope<'s, 'a>,
    pub(super) at: u32,
}

/// What `$this`, `$index` and `$total` are.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    pub(super) this: Option<&'s Item<'a>>,
    pub(super) index: Option<i32>,
    pub(super) total: Option<&'s Collection<'a>>,
}

pub(super) struct Evaluator<'r, 'a> {
    program: &'r Program,
    pub(super) context: &'r Context<'a>,
    pub(super) focus: &'r Item<'a>,
    steps: u64,
    depth: u16,
    /// What `defineVariable` defined, in order; an operand or argument gives back what it defined.
    variables: Vec<(Arc<str>, Collection<'a>)>,
}

pub(super) fn run<'a>(program: &Program, focus: &Item<'a>, context: &Context<'a>) -> Outcome<'a> {
    let mut evaluator =
        Evaluator { program, context, focus, steps: context.limits.steps, depth: 0, variables: Vec::new() };
    let outcome = evaluator.eval(program.root, Scope { this: Some(focus), index: None, total: None });
    if let Some(spent) = context.spent {
        spent.set(spent.get().saturating_add(context.limits.steps.saturating_sub(evaluator.steps)));
    }
    outcome
}

/// The order of two items; `None` when there is none or it cannot be told.
pub(super) fn order(left: &Item<'_>, right: &Item<'_>) -> Option<std::cmp::Ordering> {
    equality::compare(left, right).ok().flatten()
}

pub(super) fn one<'a>(item: impl Into<Item<'a>>) -> Outcome<'a> {
    Ok(SmallVec::from_buf([item.into()]))
}

pub(super) fn none<'a>() -> Outcome<'a> {
    Ok(Collection::new())
}

/// A value, or nothing.
pub(super) fn maybe<'a>(item: Option<impl Into<Item<'a>>>) -> Outcome<'a> {
    Ok(item.map(Into::into).into_iter().collect())
}

impl<'r, 'a> Evaluator<'r, 'a> {
    /// Takes from the budget.
    pub(super) fn charge(&mut self, steps: usize, at: u32) -> Result<(), Fault> {
        match self.steps.checked_sub(steps as u64) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                self.steps = 0;
                Err(Fault::new(Problem::TooManySteps, at))
            }
        }
    }

    pub(super) fn bound(&self, items: &Collection<'_>, at: u32) -> Result<(), Fault> {
        if items.len() > self.context.limits.items { Err(Fault::new(Problem::TooManyItems, at)) } else { Ok(()) }
    }

    /// Charges for a text that is made or read.
    pub(super) fn bound_text(&mut self, bytes: usize, at: u32) -> Result<(), Fault> {
        if bytes > self.context.limits.text {
            return Err(Fault::new(Problem::TextTooLong, at));
        }
        self.charge(bytes / 64, at)
    }

    pub(super) fn eval(&mut self, operation: Ref, scope: Scope<'_, 'a>) -> Outcome<'a> {
        let program = self.program;
        let operation = program.get(operation);
        let at = operation.at;
        self.charge(1, at)?;
        if self.depth >= self.context.limits.depth {
            return Err(Fault::new(Problem::TooDeep, at));
        }
        self.depth += 1;
        let outcome = self.kind(&operation.kind, at, scope);
        self.depth -= 1;
        let items = outcome?;
        self.bound(&items, at)?;
        Ok(items)
    }

    fn kind(&mut self, kind: &'r Kind, at: u32, scope: Scope<'_, 'a>) -> Outcome<'a> {
        match kind {
            Kind::Nothing => none(),
            Kind::Literal(value) => one(value.clone()),
            Kind::This => maybe(scope.this.cloned()),
            Kind::Index => maybe(scope.index),
            Kind::Total => Ok(scope.total.cloned().unwrap_or_default()),
            Kind::Variable(variable) => self.variable(variable, at),
            Kind::Root(wanted) => Ok(scope.this.filter(|item| is_of(item, *wanted)).cloned().into_iter().collect()),
            Kind::Path { of, names } => {
                let mut out = Collection::new();
                self.path(*of, names, at, scope, &mut |item| {
                    out.push(item);
                    true
                })?;
                Ok(out)
            }
            Kind::Present { path, wanted } => self.present(*path, *wanted, scope),
            Kind::Item { of, index } => self.item(*of, *index, at, scope),
            Kind::Call { of, function, arguments, extra } => {
                let input = self.input(*of, scope)?;
                self.charge(input.len(), at)?;
                (function.run)(self, Call { function, input, arguments, extra, scope, at })
            }
            Kind::Sign { negative, of } => {
                let of = self.eval(*of, scope)?;
                self.sign(of, *negative, at)
            }
            Kind::Is { of, wanted } => self.is(*of, *wanted, at, scope),
            Kind::As { of, wanted, only } => self.cast(*of, *wanted, *only, at, scope),
            Kind::Operation { operator, operands } => self.operation(*operator, operands, at, scope),
        }
    }

    /// What stands before the dot, or the focus.
    fn input(&mut self, of: Option<Ref>, scope: Scope<'_, 'a>) -> Outcome<'a> {
        match of {
            Some(of) => self.eval(of, scope),
            None => maybe(scope.this.cloned()),
        }
    }

    /// An operand or an argument: what it defines is not known outside.
    pub(super) fn apart(&mut self, operation: Ref, scope: Scope<'_, 'a>) -> Outcome<'a> {
        let known = self.variables.len();
        let outcome = self.eval(operation, scope);
        self.variables.truncate(known);
        outcome
    }

    fn path(
        &mut self,
        of: Option<Ref>,
        names: &[Box<str>],
        at: u32,
        scope: Scope<'_, 'a>,
        found: &mut dyn FnMut(Item<'a>) -> bool,
    ) -> Result<(), Fault> {
        match of {
            None => match scope.this {
                Some(item) => self.walk(item, names, at, found).map(|_| ()),
                None => Ok(()),
            },
            Some(of) => {
                for item in self.eval(of, scope)? {
                    if !self.walk(&item, names, at, found)? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// Nothing is collected between the steps. False: `found` has seen enough.
    fn walk(
        &mut self,
        item: &Item<'a>,
        names: &[Box<str>],
        at: u32,
        found: &mut dyn FnMut(Item<'a>) -> bool,
    ) -> Result<bool, Fault> {
        match item {
            Item::Element(element) => self.walk_element(element, names, at, found),
            Item::Value(Value::Type(info)) => Ok(match names {
                [name] if &**name == "name" => found(Text::Borrowed(info.name).into()),
                [name] if &**name == "namespace" => found(Text::Borrowed(info.namespace).into()),
                _ => true,
            }),
            Item::Value(_) => Ok(true),
        }
    }

    fn walk_element(
        &mut self,
        element: &ElementItem<'a>,
        names: &[Box<str>],
        at: u32,
        found: &mut dyn FnMut(Item<'a>) -> bool,
    ) -> Result<bool, Fault> {
        let Some((name, rest)) = names.split_first() else { return Ok(found(Item::Element(*element))) };
        let mut fault = None;
        let going = navigate::step(element, name, &mut |child| match self
            .charge(1, at)
            .and_then(|()| self.walk_element(&child, rest, at, found))
        {
            Ok(going) => going,
            Err(failed) => {
                fault = Some(failed);
                false
            }
        });
        fault.map_or(Ok(going), Err)
    }

    fn present(&mut self, path: Ref, wanted: bool, scope: Scope<'_, 'a>) -> Outcome<'a> {
        let program = self.program;
        let operation = program.get(path);
        let Kind::Path { of, names } = &operation.kind else { return none() };
        let mut is_there = false;
        self.path(*of, names, operation.at, scope, &mut |_| {
            is_there = true;
            false
        })?;
        one(is_there == wanted)
    }

    fn item(&mut self, of: Ref, index: Ref, at: u32, scope: Scope<'_, 'a>) -> Outcome<'a> {
        let items = self.eval(of, scope)?;
        let index = self.apart(index, scope)?;
        let index = self.integer(index, "[]", at)?;
        let index = index.and_then(|index| usize::try_from(index).ok());
        Ok(index.and_then(|index| items.into_iter().nth(index)).into_iter().collect())
    }

    fn is(&mut self, of: Option<Ref>, wanted: TypeSpecifier, at: u32, scope: Scope<'_, 'a>) -> Outcome<'a> {
        let input = self.input(of, scope)?;
        maybe(self.single(input, at)?.map(|item| wanted.is_type_of(&item)))
    }

    fn cast(
        &mut self,
        of: Option<Ref>,
        wanted: TypeSpecifier,
        only: bool,
        at: u32,
        scope: Scope<'_, 'a>,
    ) -> Outcome<'a> {
        let mut items = self.input(of, scope)?;
        if only && items.len() > 1 && !self.context.filtering_as {
            return Err(Fault::new(Problem::NotSingle, at));
        }
        self.charge(items.len(), at)?;
        items.retain(|item| wanted.selects(item));
        Ok(items)
    }

    fn variable(&mut self, variable: &Variable, at: u32) -> Outcome<'a> {
        let context = self.context;
        let or_focus = |item: &Option<Item<'a>>| Some(item.as_ref().unwrap_or(self.focus).clone());
        match variable {
            Variable::Resource => maybe(or_focus(&context.resource)),
            Variable::RootResource => maybe(or_focus(if context.root_resource.is_some() {
                &context.root_resource
            } else {
                &context.resource
            })),
            Variable::Context => maybe(or_focus(&context.context)),
            Variable::Named(name) => {
                if let Some((_, items)) = self.variables.iter().rev().find(|(known, _)| **known == **name) {
                    return Ok(items.clone());
                }
                match context.variables.iter().find(|(known, _)| **known == **name) {
                    Some((_, items)) => Ok(items.iter().cloned().collect()),
                    None => Err(Fault::new(Problem::UnknownVariable, at)),
                }
            }
        }
    }

    /// Defines a variable for what follows in the same chain.
    pub(super) fn define(&mut self, name: &str, items: Collection<'a>, at: u32) -> Result<(), Fault> {
        const FIXED: [&str; 6] = ["resource", "rootResource", "context", "ucum", "sct", "loinc"];
        let is_known = FIXED.contains(&name)
            || self.variables.iter().any(|(known, _)| **known == *name)
            || self.context.variables.iter().any(|(known, _)| known == name);
        if is_known {
            return Err(Fault::new(Problem::Redefined, at));
        }
        self.variables.push((name.into(), items));
        Ok(())
    }
}

fn is_of(item: &Item<'_>, wanted: super::types::FhirType) -> bool {
    matches!(item, Item::Element(element) if wanted.is_base_of(element.shape))
}
