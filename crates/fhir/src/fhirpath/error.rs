//! Why an expression cannot be compiled or evaluated, and where in its text.

use std::fmt;

/// A place in the text of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes from the start.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl Position {
    pub(super) fn of(text: &str, offset: u32) -> Self {
        let offset = (offset as usize).min(text.len());
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..).map_or(0, |line| line.chars().count()) + 1;
        Self { offset, line: before.matches('\n').count() + 1, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// Why a text is no expression that can be evaluated. Quotes nothing but names of functions and types that are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at {position}")]
pub struct CompileError {
    /// The rule that is broken.
    pub problem: CompileProblem,
    /// Where.
    pub position: Position,
}

/// The rule that the text of an expression breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileProblem {
    /// The text leaves the grammar (FHIRPath 2.0.0, appendix A), or is too long or too deep.
    #[error("{0}")]
    Syntax(&'static str),
    /// No function has this name.
    #[error("unknown function")]
    UnknownFunction,
    /// The function is not called with this number of arguments.
    #[error("{function}() is called with the wrong number of arguments")]
    Arguments {
        /// The function.
        function: &'static str,
    },
    /// A type is expected as the argument, or no type has this name.
    #[error("unknown type")]
    UnknownType,
    /// A number, date, time or quantity that there is not.
    #[error("{0} that does not exist or is too large")]
    Literal(&'static str),
    /// A regular expression that cannot be compiled, or is too large.
    #[error("a regular expression that cannot be used")]
    Pattern,
    /// The type has no such element (found by [`super::Expression::check`]).
    #[error("no such element in {scope}")]
    UnknownElement {
        /// The type, by name or path of the definitions.
        scope: &'static str,
    },
    /// An operator or function gets a type that it is not for (found by [`super::Expression::check`]).
    #[error("{0} cannot be used with this type")]
    Type(&'static str),
    /// The order of the items has no meaning here (found by [`super::Expression::check`]).
    #[error("{0}() needs an order, and these items have none")]
    Unordered(&'static str),
}

/// Why an evaluation ended without a result. Quotes neither the document nor the expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at {position}")]
pub struct EvaluationError {
    /// What went wrong.
    pub problem: EvaluationProblem,
    /// At which operator, function or name.
    pub position: Position,
}

/// What went wrong in an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationProblem {
    /// More than one item where one is expected (FHIRPath 2.0.0, section 4.5).
    #[error("one item is expected, and there are several")]
    NotSingle,
    /// An item of another type than the operator or function takes.
    #[error("{0} cannot be used with an item of this type")]
    Type(&'static str),
    /// An argument has a value that the function does not take.
    #[error("{0}() does not take this argument")]
    Argument(&'static str),
    /// `%name` that is not defined.
    #[error("unknown variable")]
    UnknownVariable,
    /// A variable that is already defined.
    #[error("the variable is already defined")]
    Redefined,
    /// Something that [`super::Context`] does not have: time, terminology, profiles.
    #[error("{0} is not available here")]
    Unavailable(&'static str),
    /// More than [`super::Limits::steps`].
    #[error("the evaluation takes too many steps")]
    TooManySteps,
    /// More than [`super::Limits::items`].
    #[error("a collection has too many items")]
    TooManyItems,
    /// Longer than [`super::Limits::text`].
    #[error("a text is too long")]
    TextTooLong,
    /// Arguments inside arguments deeper than [`super::Limits::depth`].
    #[error("the evaluation is too deep")]
    TooDeep,
    /// A regular expression that cannot be compiled, or is too large.
    #[error("a regular expression that cannot be used")]
    Pattern,
}

/// An error on the way: the place is turned into line and column once it leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) problem: EvaluationProblem,
    pub(super) at: u32,
}

impl Fault {
    #[cold]
    pub(super) fn new(problem: EvaluationProblem, at: u32) -> Self {
        Self { problem, at }
    }
}
