//! Refusals before the door: a token that does not hold, a request that makes no sense. They are evidence like any denial.

use crate::door::Custodian;
use crate::error::DoorError;
use aceso_audit::{Entry, Outcome, Receipt};

impl Custodian {
    /// Puts a refusal into the log that no decision led to. The entry opens nothing: it has no grant.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`] when it cannot be made durable, or when the entry is none of a refusal.
    pub async fn record_refused(&self, entry: Entry) -> Result<Receipt, DoorError> {
        if matches!(entry.outcome(), Outcome::Granted) {
            return Err(DoorError::Unavailable("not a refusal"));
        }
        self.record_one(entry).await
    }
}
