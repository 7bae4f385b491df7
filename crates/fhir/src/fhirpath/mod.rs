//! FHIRPath: normative 2.0.0 with what R4 adds, and the functions of later versions that the public test suite uses.
//!
//! An expression is compiled once ([`Expression::compile`]), may be checked against a type ([`Expression::check`]), and is evaluated over
//! borrowed JSON: items are places in the document with their definitions, so types, choices (`value` for `valueQuantity`) and what stands
//! beside a primitive are right, and nothing of the document is copied or built. Numbers are exact decimals.
//!
//! Every evaluation has a budget ([`Limits`]). Errors tell the place in the expression and never a value of the document.
//!
//! Not there: `elementDefinition` and `slice`, which need profiles; `%factory` and the terminology object `%terminologies` of later versions.
//!
//! Source: <http://hl7.org/fhirpath/N1/> and <http://hl7.org/fhir/R4/fhirpath.html>.

mod arithmetic;
mod boundary;
mod check;
mod compile;
mod context;
mod error;
mod eval;
mod functions;
mod item;
mod navigate;
mod order;
mod pattern;
mod program;
mod quantity;
pub(crate) mod syntax;
mod temporal;
mod types;

pub use check::CheckOptions;
pub use context::{Conformance, Context, Limits, Resolver, Trace};
pub use error::{CompileError, CompileProblem, EvaluationError, EvaluationProblem, Position};
pub use item::{ElementItem, Item, Text, Value};
pub(crate) use order::{is_duration, order, order_to_now};
pub use quantity::{Calendar, Quantity, Unit};
pub use temporal::{Date, DateTime, Time};
pub use types::TypeInfo;

use crate::definitions::TypeRef;

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: Box<str>,
    program: program::Program,
}

impl Expression {
    /// Reads an expression: its grammar, its functions and how many arguments they take, its types and literals.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        let failed = |(problem, at)| CompileError { problem, position: Position::of(text, at) };
        let tree = syntax::parse(text).map_err(|error| failed((CompileProblem::Syntax(error.problem), error.at)))?;
        Ok(Self { text: text.into(), program: compile::compile(tree).map_err(failed)? })
    }

    /// Looks for what cannot be right when the focus is of this type: elements that it does not have, operators and
    /// functions on types that they are not for. What is not known, such as the target of a reference, is not judged.
    ///
    /// # Errors
    /// The first such place.
    pub fn check(&self, root: TypeRef, options: CheckOptions) -> Result<(), CompileError> {
        check::check(&self.program, root, options)
            .map_err(|(problem, at)| CompileError { problem, position: Position::of(&self.text, at) })
    }

    /// The items that the expression gives for this focus.
    ///
    /// # Errors
    /// An item of a wrong type, several where one is needed, something that the context does not have, or a limit that is reached.
    pub fn evaluate<'a>(&self, focus: &Item<'a>, context: &Context<'a>) -> Result<Vec<Item<'a>>, EvaluationError> {
        eval::run(&self.program, focus, context).map(|items| items.into_vec()).map_err(|fault| self.error(fault))
    }

    /// What an invariant says: true for `true` and for one item that is no boolean (FHIRPath 2.0.0, section 4.5), false for `false` and
    /// for nothing.
    ///
    /// # Errors
    /// As [`Expression::evaluate`]; several items are one too.
    pub fn evaluate_bool<'a>(&self, focus: &Item<'a>, context: &Context<'a>) -> Result<bool, EvaluationError> {
        let items = eval::run(&self.program, focus, context).map_err(|fault| self.error(fault))?;
        match items.as_slice() {
            [] => Ok(false),
            [item] => Ok(eval::truth(item)),
            _ => Err(self.error(error::Fault::new(EvaluationProblem::NotSingle, 0))),
        }
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[cold]
    fn error(&self, fault: error::Fault) -> EvaluationError {
        EvaluationError { problem: fault.problem, position: Position::of(&self.text, fault.at) }
    }
}

#[cfg(test)]
mod tests;
