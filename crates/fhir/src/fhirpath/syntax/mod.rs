//! The text of an expression as a tree (FHIRPath 2.0.0, appendix A), before names mean anything.
//!
//! Knows nothing of FHIR and of the rest of the crate: the generator of the search tables compiles these files too.

mod lexer;
mod parser;

#[cfg(test)]
mod tests;

/// How deep a tree may be: calls, parentheses and operators inside each other, and steps one after another.
pub(crate) const MAX_DEPTH: u16 = 120;
/// The longest text that is looked at, in bytes.
pub(crate) const MAX_TEXT: usize = 64 << 10;

/// Parses a whole expression.
///
/// # Errors
/// The first place where the text leaves the grammar, or is longer or deeper than allowed.
pub(crate) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    parser::parse(text)
}

/// Where and why a text is not an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// In bytes from the start of the text.
    pub(crate) at: u32,
    /// The rule.
    pub(crate) problem: &'static str,
}

/// One node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    /// Where it begins; for an operation, a call or a step: where its operator or name is. In bytes.
    pub(crate) at: u32,
    /// Levels below and including this one.
    pub(crate) height: u16,
    /// What it is.
    pub(crate) kind: ExprKind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExprKind {
    /// `{}`
    Nothing,
    /// `true`, `false`
    Boolean(bool),
    /// `'…'`, unescaped.
    Text(String),
    /// Digits, perhaps with a fraction, as written.
    Number(String),
    /// `@2015-02`, without the `@`.
    Date(String),
    /// `@2015-02-04T14:34Z`, without the `@`.
    DateTime(String),
    /// `@T14:34`, without `@T`.
    Time(String),
    /// `4 days`, `10 'mg'`.
    Quantity {
        /// The number as written.
        value: String,
        /// The unit.
        unit: String,
        /// Whether the unit is a calendar word rather than a text in quotes.
        calendar: bool,
    },
    /// `%name`
    Variable(String),
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    /// `of.name`, or a name alone.
    Member {
        /// What it is a member of; `None` for the focus.
        of: Option<Box<Expr>>,
        /// The name, without back ticks.
        name: String,
    },
    /// `of.name(arguments)`, or a call alone.
    Call {
        /// What it is called on; `None` for the focus.
        of: Option<Box<Expr>>,
        /// The function.
        name: String,
        /// In order.
        arguments: Vec<Expr>,
    },
    /// `of[index]`
    Item {
        /// The collection.
        of: Box<Expr>,
        /// Which one.
        index: Box<Expr>,
    },
    /// `-of`, `+of`
    Sign {
        /// Minus.
        negative: bool,
        /// The number.
        of: Box<Expr>,
    },
    /// `of is T`, `of as T`
    Type {
        /// What is looked at.
        of: Box<Expr>,
        /// `as`
        cast: bool,
        /// The type.
        name: TypeName,
    },
    /// Operands with the same operator between them: two, or more for `|`, `and`, `or`.
    Operation {
        /// The operator.
        operator: Operator,
        /// From left to right.
        operands: Vec<Expr>,
    },
}

/// The name of a type: `Patient`, `System.String`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeName {
    /// Where it begins, in bytes.
    pub(crate) at: u32,
    /// `System` or `FHIR`.
    pub(crate) namespace: Option<String>,
    /// The name.
    pub(crate) name: String,
}

/// Operators between two expressions, by name of the specification (section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Union,
    Plus,
    Minus,
    Concatenate,
    Times,
    Divide,
    Div,
    Mod,
}
