//! Terminology: is this code a member of that value set, and how do two codes of a system relate?
//!
//! The promise: an answer is yes or no only where everything that decides it is known. A value set, a code system, or a rule that cannot be
//! decided here is [`Contains::Unknown`], never "no". No I/O, no network: what is not loaded is not asked for.
//! [`Terminology`] holds what FHIR 4.0.1 itself publishes and the tables of loaded packages.
//!
//! Source: FHIR R4, Terminology Service (section 4.6) and the operations on [ValueSet] and [CodeSystem].
//!
//! [ValueSet]: https://hl7.org/fhir/R4/valueset-operations.html
//! [CodeSystem]: https://hl7.org/fhir/R4/codesystem-operations.html

mod contains;
mod expand;
mod filter;
mod grammar;
mod lookup;
mod refs;
mod source;
mod store;
mod table;
mod validate;

pub use expand::{ExpandError, ExpandOptions, Expansion, ExpansionMember, MAX_PAGE};
pub use lookup::{Concept, ConceptProperty, LookupError};
pub use refs::DesignationRef;
pub use store::Terminology;
pub use table::{Table, TableError};
pub use validate::{Coded, Finding, ValidateOptions, Verdict};

/// Whether a value set has a code as a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contains {
    /// It does.
    Yes,
    /// Everything that decides it is known, and it does not.
    No,
    /// It cannot be decided: the value set or a code system is not loaded, or a rule of it cannot be evaluated.
    Unknown,
}

/// How a code relates to another of the same code system: the outcomes of `$subsumes` (FHIR R4, value set `concept-subsumption-outcome`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsumption {
    /// Both name the same concept.
    Equivalent,
    /// The first is an ancestor of the second.
    Subsumes,
    /// The second is an ancestor of the first.
    SubsumedBy,
    /// Neither is an ancestor of the other.
    NotSubsumed,
    /// It cannot be decided: the system is not loaded, not complete, or has not both codes.
    Unknown,
}

/// What invariants, bindings and searches ask of terminology.
pub trait Membership: Send + Sync {
    /// Whether the value set with this canonical url, which may end with `|version`, has the code as a member. Without a system (a plain
    /// `code` element) the code is looked for in every system that the value set draws from.
    fn contains(&self, value_set: &str, system: Option<&str>, code: &str) -> Contains;

    /// How code `a` of the code system relates to code `b` of the same system.
    fn subsumes(&self, system: &str, a: &str, b: &str) -> Subsumption;
}

/// Terminology that has nothing loaded: every question is answered with "unknown".
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingLoaded;

impl Membership for NothingLoaded {
    fn contains(&self, _value_set: &str, _system: Option<&str>, _code: &str) -> Contains {
        Contains::Unknown
    }

    fn subsumes(&self, _system: &str, _a: &str, _b: &str) -> Subsumption {
        Subsumption::Unknown
    }
}

#[cfg(test)]
mod tests;
