//! Strict JSON (RFC 8259) into a flat list of nodes over the owned text.
//!
//! The text is never copied or rebuilt: a node is a kind and a byte range, so what was written is what can be sealed and
//! given back, number texts included. The text is overwritten with zeros when the document is dropped.

mod doc;
mod error;
mod parse;
mod scan;
mod write;

pub use doc::{Doc, Items, Kind, Member, Members, Node};
pub use error::{JsonError, JsonProblem};
pub use write::{minify, write, write_string};

/// How much of a hostile text is looked at before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub max_bytes: usize,
    /// Arrays and objects inside each other; `[]` has depth 1. Parsing does not recurse, but writing and validating do,
    /// once per level: keep it far below what a thread's stack takes (thousands).
    pub max_depth: usize,
    /// Values in the text (object keys are not counted).
    pub max_nodes: usize,
}

impl Default for Limits {
    /// 16 MiB, 64 levels, 2,000,000 values.
    fn default() -> Self {
        Self { max_bytes: 16 << 20, max_depth: 64, max_nodes: 2_000_000 }
    }
}

#[cfg(test)]
mod tests;
