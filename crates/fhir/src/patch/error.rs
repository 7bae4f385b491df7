/// Why a patch was not applied. Carries no value of the document or of the patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PatchError {
    /// The rule that is broken.
    pub problem: PatchProblem,
    /// Which operation, from 0; `None` when the patch as a whole is meant.
    pub operation: Option<usize>,
    /// What the operation is about, such as `Patient.name[0].family`: names of the R4 definitions and indexes only, as far as the
    /// operation's own path consists of them. Empty when it says nothing.
    pub place: String,
}

impl std::fmt::Display for PatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.operation {
            Some(operation) => write!(f, "operation {operation}: {}", self.problem),
            None => write!(f, "{}", self.problem),
        }
    }
}

/// What is wrong with a patch, or why it does not fit the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PatchProblem {
    /// The patch is no JSON array of objects (RFC 6902, section 3).
    #[error("a JSON Patch is an array of objects")]
    NotAPatch,
    /// A member that the operation needs is missing or has the wrong kind.
    #[error("a member of the operation is missing or of the wrong kind")]
    BadOperation,
    /// `op` is none of add, remove, replace, move, copy, test.
    #[error("unknown operation")]
    UnknownOperation,
    /// Not a JSON Pointer (RFC 6901).
    #[error("not a JSON Pointer")]
    BadPointer,
    /// The patch is no Parameters resource of operations (R4 fhirpatch.html).
    #[error("a FHIRPath Patch is a Parameters resource with a list of operations")]
    NotParameters,
    /// The patch is no well-formed XML.
    #[error("an XML Patch is a well-formed XML document")]
    NotXml,
    /// An XML Patch without an operation.
    #[error("the patch has no operation")]
    NoOperations,
    /// Not a selector, or one beyond those that are served (RFC 5261, section 4.1).
    #[error("not a selector that is served")]
    BadSelector,
    /// Not FHIRPath.
    #[error("not a FHIRPath expression")]
    BadPath,
    /// More operations than [`super::PatchLimits::operations`].
    #[error("too many operations")]
    TooManyOperations,
    /// More work than [`super::PatchLimits::work`].
    #[error("the operations take too much work")]
    TooCostly,
    /// The operations add more text than the result may have.
    #[error("the result is too long")]
    TooLong,
    /// The result would nest deeper than allowed.
    #[error("the result nests too deeply")]
    TooDeep,
    /// There is nothing at the place that the operation names.
    #[error("there is nothing at this place")]
    NothingThere,
    /// There is no XML form of the document, or what came of it is no FHIR XML.
    #[error("the result is no resource in XML")]
    NoXmlForm,
    /// The path cannot be evaluated on this resource.
    #[error("the path has no result on this resource")]
    NoResult,
    /// The path leads to several elements, or to one value that is none of the resource.
    #[error("the path must lead to one element")]
    NotOne,
    /// The path leads to something that is no element of the resource.
    #[error("the path does not lead to an element of the resource")]
    NoElement,
    /// The path does not lead to the whole of one list.
    #[error("the path must lead to a list, all of it")]
    NotAList,
    /// The definitions have no element of this name and type here.
    #[error("the definitions have no such element here")]
    UnknownElement,
    /// An element that comes once is there.
    #[error("the element is there and may not be repeated")]
    AlreadyThere,
    /// The value has not the kind of the element.
    #[error("the value has another type than the element")]
    WrongType,
    /// Something is needed in which the value can be put.
    #[error("the value cannot be put here")]
    NoRoom,
    /// A value would be moved into itself, or the document removed.
    #[error("the operation would leave no document")]
    NoDocument,
    /// A `test` did not hold.
    #[error("the test does not hold")]
    TestFailed,
}

impl PatchProblem {
    /// Whether the patch itself is wrong, whatever the document is; otherwise it does not fit this document.
    #[must_use]
    pub const fn is_malformed(self) -> bool {
        matches!(
            self,
            Self::NotAPatch
                | Self::BadOperation
                | Self::UnknownOperation
                | Self::BadPointer
                | Self::NotParameters
                | Self::BadPath
                | Self::NotXml
                | Self::NoOperations
                | Self::BadSelector
                | Self::TooManyOperations
        )
    }
}
