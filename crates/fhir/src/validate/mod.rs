//! Validation, in two steps.
//!
//! The first, [`validate`], is one pass against the R4 element definitions that allocates nothing per element: names, shapes,
//! cardinalities, formats of primitives, required codes, references, contained resources and the invariants ele-1, ext-1, dom-2 and ref-1.
//! [`visit`] is the same pass with a visitor that is told every element's definition, place and bytes.
//!
//! The second, [`Validation`], runs on what passed the first, when it is asked for: the other invariants, bindings to value sets, profiles,
//! extensions' own definitions and the rules of bundles. It is bounded in steps and findings.

mod beyond;
mod format;
mod reference;
mod visit;
mod walk;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::definitions::{ResourceType, Severity};
use crate::json::Doc;

pub use beyond::{Report, Validation, ValidationLimits};
pub use visit::{Place, Visitor};

/// What is expected of the document beyond R4.
#[derive(Debug, Clone, Copy, Default)]
pub struct ValidateOptions {
    /// References may be searches (`Patient?identifier=…`), as in transactions.
    pub allow_conditional: bool,
    /// The resource type that the document must have.
    pub expected: Option<ResourceType>,
}

/// One rule that is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How much it matters; what the first step finds is always an error.
    pub severity: Severity,
    /// The kind of fault.
    pub code: IssueCode,
    /// Where, as in FHIRPath: `Patient.contact[1].name.given[0]`. Names of the definitions and indexes only.
    pub expression: String,
    /// Where in the text, in bytes: the value, or the name of a property that is not known.
    pub offset: usize,
    /// The rule, in words, those of the definition where it has some. Never a value; canonical URLs of definitions are named.
    pub message: Cow<'static, str>,
}

/// Kinds of faults: codes of http://hl7.org/fhir/issue-type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssueCode {
    /// Wrong shape: unknown property, array instead of one value, wrong JSON type.
    Structure,
    /// A required element is absent.
    Required,
    /// A value does not have the format of its type.
    Value,
    /// A rule between elements is broken.
    Invariant,
    /// Not one of the codes of a required binding.
    CodeInvalid,
    /// Not a known resource type, or something that is not taken.
    NotSupported,
    /// Too many faults to list, or too many steps to look further.
    TooCostly,
    /// An extension that is not known, or stands where its definition does not allow it.
    Extension,
    /// Something that is named and not known: a profile.
    NotFound,
    /// A rule that only the rest of the content can meet, such as a slice that is missing.
    BusinessRule,
    /// Something that could not be judged because it is not all there to see.
    Suppressed,
}

impl IssueCode {
    /// The code as it is written in `OperationOutcome.issue.code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::Invariant => "invariant",
            Self::CodeInvalid => "code-invalid",
            Self::NotSupported => "not-supported",
            Self::TooCostly => "too-costly",
            Self::Extension => "extension",
            Self::NotFound => "not-found",
            Self::BusinessRule => "business-rule",
            Self::Suppressed => "suppressed",
        }
    }
}

/// Issues are listed up to this number; then one more says that the rest was not looked at.
pub(crate) const MAX_ISSUES: usize = 50;

/// Checks a document against the R4 definitions in one walk. For a valid document nothing is allocated but one list of contained ids a
/// resource, where a reference to one is met, and what has escapes and is no free text (names of members, ids that are referred to, formatted
/// values that are longer than 256 bytes), one at a time.
///
/// # Errors
/// All faults, those of a value in document order, at most 50 and then one that says that there are more.
pub fn validate(doc: &Doc, opts: &ValidateOptions) -> Result<ResourceType, Vec<Issue>> {
    walk::validate(doc.root(), opts, &mut ())
}

/// As [`validate`], and `visitor` is told what the pass comes by. It is told of faulty documents too: use what it gathered only when the
/// result is good.
///
/// # Errors
/// As for [`validate`].
pub fn visit<'a, V: Visitor<'a>>(
    doc: &'a Doc,
    opts: &ValidateOptions,
    visitor: &mut V,
) -> Result<ResourceType, Vec<Issue>> {
    walk::validate(doc.root(), opts, visitor)
}
