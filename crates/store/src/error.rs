//! What can go wrong. No message carries a value of the data.

use aceso_audit::Receipt;

/// The store could not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too much is waiting; try again shortly.
    #[error("the store's queue is full")]
    Busy,
    /// The disk is full, or its reserve is reached; works again on its own when there is space.
    #[error("no disk space for the store")]
    Full,
    /// Reading or writing the disk failed. A commit that failed so may or may not be found done after a restart;
    /// nothing of it was acknowledged.
    #[error("the store's disk does not work (code {0})")]
    Io(i32),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Stored bytes break a rule of the format; the text names the rule.
    #[error("the store's content is damaged: {0}")]
    Corrupt(&'static str),
    /// The database was written by a newer version of the product.
    #[error("the store's schema is version {found}, this program knows up to {known}")]
    NewerSchema {
        /// What the database says.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The engine did not take a setting that durability or safety depends on; the text names it.
    #[error("the store's engine refused the setting {0}")]
    Setting(&'static str),
    /// Another process has the store open for writing.
    #[error("another process has the store open")]
    InUse,
    /// The audit entries of a batch could not be sealed; without entries nothing is written.
    #[error("the audit entries could not be sealed")]
    Audit,
    /// Any other failure of the engine, by its code.
    #[error("the store's engine failed (code {0})")]
    Engine(i32),
}

impl StoreError {
    /// A stable name for metrics, answers and `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Busy => "store-busy",
            Self::Full => "store-full",
            Self::Io(_) => "store-io",
            Self::Closed => "store-closed",
            Self::Corrupt(_) => "store-corrupt",
            Self::NewerSchema { .. } => "store-newer-schema",
            Self::Setting(_) => "store-setting",
            Self::InUse => "store-in-use",
            Self::Audit => "store-audit",
            Self::Engine(_) => "store-engine",
        }
    }
}

/// A unit of work that was not applied.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition did not hold, or a step does not fit the stored rows. The unit's `on_refused` entries are in the log.
    #[error("the unit of work was refused at step {failed}")]
    Refused {
        /// Which: counts through preconditions, then puts, keys, documents; see [`crate::Unit::step`].
        failed: usize,
        /// One for each of the unit's `on_refused` entries, in order.
        receipts: Vec<Receipt>,
    },
    /// Nothing was acknowledged, nothing is visible, no entry was made. See [`StoreError::Io`] for the one doubt.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}
