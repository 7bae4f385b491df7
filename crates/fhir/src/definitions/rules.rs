//! Rules beyond structure: bindings, invariants and type profiles of the definitions.

use super::{Element, TypeRef};
use crate::generated::rules::{
    BINDINGS, ELEMENT_BINDINGS, ELEMENT_INVARIANTS, ELEMENT_PROFILES, INVARIANTS, SCOPE_INVARIANTS,
};

/// How much a finding matters: the codes of <http://hl7.org/fhir/issue-severity> that a validator gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The resource does not meet the rule.
    Error,
    /// It may be wrong, or is not as it should be.
    Warning,
    /// Something that was not looked at, or that may be of interest.
    Information,
}

impl Severity {
    /// The code as it is written in `OperationOutcome.issue.severity`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// How strictly an element is bound to a value set (R4 terminologies.html, section 4.1.3). Examples bind nothing and are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// A code of the value set, and no other.
    Required,
    /// A code of the value set if one fits.
    Extensible,
    /// A code of the value set is encouraged.
    Preferred,
}

/// The value set that the codes of an element come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// How strictly.
    pub strength: Strength,
    /// The canonical URL, which may end with `|version`.
    pub value_set: &'static str,
}

/// A rule of the definitions as a FHIRPath expression that must be true of what it is evaluated on.
#[derive(Debug, PartialEq, Eq)]
pub struct Invariant {
    /// The index in the table of all invariants. Changes when the generator changes: do not store it.
    pub number: u16,
    /// The key in the specification: `pat-1`.
    pub key: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// The rule in words.
    pub human: &'static str,
    /// The rule in FHIRPath.
    pub expression: &'static str,
}

impl Invariant {
    /// All invariants of the definitions but ele-1, in order of [`Invariant::number`].
    #[must_use]
    pub fn all() -> &'static [Self] {
        &INVARIANTS
    }
}

impl Element {
    /// The value set that codes of this element come from; `None` when there is none, or only examples.
    #[must_use]
    pub fn binding(&self) -> Option<&'static Binding> {
        BINDINGS.get(usize::from(ELEMENT_BINDINGS.get(usize::from(self.id))?.checked_sub(1)?))
    }

    /// Rules that stand at this element. Those of its type, or of the backbone element that it begins, stand at
    /// [`TypeRef::invariants`]; ele-1 holds everywhere and stands nowhere.
    pub fn invariants(&self) -> impl Iterator<Item = &'static Invariant> + use<> {
        let found = ELEMENT_INVARIANTS.binary_search_by_key(&self.id, |(id, _)| *id).ok();
        numbered(found.and_then(|at| ELEMENT_INVARIANTS.get(at)).map_or(&[], |(_, numbers)| numbers))
    }

    /// The profile that the definitions ask of a value of this element (`SimpleQuantity`, `MoneyQuantity`), by its canonical URL.
    #[must_use]
    pub fn profile(&self) -> Option<&'static str> {
        let at = ELEMENT_PROFILES.binary_search_by_key(&self.id, |(id, _)| *id).ok()?;
        ELEMENT_PROFILES.get(at).map(|(_, profile)| *profile)
    }
}

impl TypeRef {
    /// Rules about every value of this type, or every occurrence of this backbone element; those that it inherits are among them.
    pub fn invariants(self) -> impl Iterator<Item = &'static Invariant> + use<> {
        numbered(SCOPE_INVARIANTS.get(usize::from(self.0)).copied().unwrap_or_default())
    }
}

fn numbered(numbers: &'static [u16]) -> impl Iterator<Item = &'static Invariant> {
    numbers.iter().filter_map(|number| INVARIANTS.get(usize::from(*number)))
}
