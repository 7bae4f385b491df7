//! The R4 element definitions as compact tables, generated from the official StructureDefinitions.
//!
//! A walk over a resource starts at a [`TypeRef`] and steps by JSON member name; nothing is allocated.

mod element;
pub(crate) mod keyhash;
mod resource_type;
mod rules;

pub(crate) use element::Scope;
pub use element::{Element, Primitive, TypeRef, ValueType};
pub use resource_type::{ResourceType, patient_params};
pub use rules::{Binding, Invariant, Severity, Strength};

#[cfg(test)]
mod tests;
