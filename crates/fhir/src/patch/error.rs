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
            Self::NotAPatch | Self::BadOperation | Self::UnknownOperation | Self::BadPointer | Self::TooManyOperations
        )
    }
}
