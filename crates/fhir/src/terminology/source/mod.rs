//! Code systems and value sets on their way into a table: read from JSON, written as bytes.
//!
//! The generator of the shipped table uses these files too (by their path), so that what is shipped and what operators load have one form.
//! They depend on nothing but the standard library.

pub(crate) mod layout;
pub(crate) mod model;
mod pool;
pub(crate) mod read;
pub(crate) mod write;
