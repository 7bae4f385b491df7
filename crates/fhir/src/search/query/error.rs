//! Why a query is refused, without a word of it.

use std::fmt;

use crate::search::Refusal;

/// Which parameter an error is about: its name when it is one of ours, else its position in the request, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamPlace {
    /// A name of the definitions.
    Named(&'static str),
    /// The position.
    At(usize),
}

impl fmt::Display for ParamPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::At(position) => write!(f, "parameter {position}"),
        }
    }
}

/// A query that is not understood or not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {problem}")]
pub struct QueryError {
    /// Which parameter.
    pub parameter: ParamPlace,
    /// What is wrong with it.
    pub problem: QueryProblem,
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryProblem {
    /// No such parameter for this type.
    #[error("not a search parameter of this resource type")]
    Unknown,
    /// Known to R4 and not served by this server.
    #[error("this parameter is not supported")]
    NotSupported,
    /// Known to R4 and not served.
    #[error("this parameter is not supported: {}", refusal(*.0))]
    NotServed(Refusal),
    /// A modifier of R4 that does not go with the parameter, or is not served.
    #[error("the modifier {0} is not supported here")]
    ModifierNotSupported(&'static str),
    /// A modifier that R4 does not know.
    #[error("unknown modifier")]
    UnknownModifier,
    /// `name.name`
    #[error("chained parameters are not supported")]
    Chain,
    /// `_has`
    #[error("reverse chaining is not supported")]
    ReverseChain,
    /// No value, or an empty one.
    #[error("a value is missing")]
    Empty,
    /// A backslash before anything but `\`, `,`, `|` or `$`.
    #[error("a backslash may only stand before a backslash, a comma, a vertical bar or a dollar sign")]
    Escape,
    /// Not `true` or `false`.
    #[error("must be true or false")]
    NotBoolean,
    /// Not a number.
    #[error("must be a number with an optional comparison prefix")]
    NotNumber,
    /// Not a date.
    #[error("must be a date or dateTime with an optional comparison prefix")]
    NotDate,
    /// Too many or too few parts.
    #[error("the value does not have the parts that this parameter needs")]
    Parts,
    /// Not a reference.
    #[error("must be an id, Type/id or an absolute URL")]
    NotReference,
    /// The parameter does not refer to that type.
    #[error("this parameter does not refer to that resource type")]
    WrongTarget,
    /// Not a count.
    #[error("must be a non-negative whole number")]
    NotCount,
    /// Not one of the codes that the parameter takes.
    #[error("not one of the values that this parameter takes")]
    NotAllowed,
    /// Given twice.
    #[error("may be given once only")]
    Repeated,
}

fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::FullText => "full text is not indexed",
        Refusal::NamedQuery => "there are no named queries",
        Refusal::Geography => "positions are not indexed",
        Refusal::InlineResource => "its value is a whole resource",
    }
}
