//! The compiled form: a flat list of operations that refer to each other by index.

use regex::Regex;

use super::functions::Function;
use super::item::Value;
use super::syntax::Operator;
use super::types::{FhirType, TypeSpecifier};

/// The index of an operation.
pub(super) type Ref = u32;

/// Operations; the last one is the whole expression.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) operations: Vec<Operation>,
    pub(super) root: Ref,
}

#[derive(Debug)]
pub(super) struct Operation {
    /// Where in the text, for errors.
    pub(super) at: u32,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Nothing,
    Literal(Value<'static>),
    Variable(Variable),
    This,
    Index,
    Total,
    /// The focus, when it is of the type that a path begins with: `Patient.name`.
    Root(FhirType),
    /// Steps by name, from an operation or from the focus.
    Path {
        of: Option<Ref>,
        names: Box<[Box<str>]>,
    },
    /// `exists()` (`wanted`) or `empty()` of a path, without collecting it.
    Present {
        path: Ref,
        wanted: bool,
    },
    Item {
        of: Ref,
        index: Ref,
    },
    Call {
        of: Option<Ref>,
        function: &'static Function,
        arguments: Box<[Ref]>,
        extra: Extra,
    },
    Sign {
        negative: bool,
        of: Ref,
    },
    Is {
        of: Option<Ref>,
        wanted: TypeSpecifier,
    },
    /// `only`: `as`, which takes one item; else `ofType`.
    As {
        of: Option<Ref>,
        wanted: TypeSpecifier,
        only: bool,
    },
    Operation {
        operator: Operator,
        operands: Box<[Ref]>,
    },
}

/// What a call has beside its arguments.
#[derive(Debug)]
pub(super) enum Extra {
    None,
    /// A regular expression that was written as a literal.
    Pattern(Regex),
    /// `sort`: which keys go down.
    Descending(Box<[bool]>),
}

#[derive(Debug)]
pub(super) enum Variable {
    Resource,
    RootResource,
    Context,
    Named(Box<str>),
}

impl Program {
    pub(super) fn get(&self, at: Ref) -> &Operation {
        const NOTHING: Operation = Operation { at: 0, kind: Kind::Nothing };
        self.operations.get(at as usize).unwrap_or(&NOTHING)
    }
}
