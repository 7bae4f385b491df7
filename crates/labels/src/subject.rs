//! Which patient a record belongs to.

use aceso_base::SubjectId;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Node;

/// Whose record a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectFound {
    /// A patient's.
    Patient(SubjectId),
    /// Of no patient: no element that could name one names one.
    Directory,
    /// It names a patient, but not as `Patient/<lower-case UUID>`, so nobody can say whose key seals it.
    Unresolvable,
}

/// The patient that a resource belongs to: a `Patient` to itself, any other to the first patient that the elements of
/// its rule name, in the order of the rule.
#[must_use]
pub fn subject_of(root: Node<'_>, rtype: ResourceType) -> SubjectFound {
    let _ = (root, rtype);
    SubjectFound::Unresolvable
}

/// The further patients that the elements of the rule name, each once, in the order found.
#[must_use]
pub fn other_subjects(root: Node<'_>, rtype: ResourceType) -> Vec<SubjectId> {
    let _ = (root, rtype);
    Vec::new()
}
