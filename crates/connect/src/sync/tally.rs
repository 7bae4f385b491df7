//! What a sync has done, counted.

use super::engine::Verdict;
use aceso_base::Timestamp;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What was done, since the process began.
#[derive(Debug, Default)]
pub struct Tally {
    /// Objects that were read.
    pub read: AtomicU64,
    /// Of these, new or changed, and written.
    pub written: AtomicU64,
    /// Of these, known as they were.
    pub unchanged: AtomicU64,
    /// Of these, gone from the source.
    pub deleted: AtomicU64,
    /// Of these, set aside.
    pub aside: AtomicU64,
    /// Codes that no mapping table knows.
    pub unknown_codes: AtomicU64,
    /// Lists that the source refused: their kinds are left out.
    pub refused_lists: AtomicU64,
    /// Lists of which the source said itself that they may not be whole.
    pub incomplete_lists: AtomicU64,
    /// Subscriptions to webhooks that the source refused.
    pub refused_subscriptions: AtomicU64,
    /// Webhooks taken.
    pub webhooks: AtomicU64,
    /// Webhooks refused.
    pub refused_webhooks: AtomicU64,
    /// The latest change at the source that was taken in, milliseconds since the epoch; 0 before the first that says when it was.
    newest: AtomicI64,
}

impl Tally {
    /// When the latest change at the source was made that is taken in; `None` before the first that says when it was.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        Some(self.newest.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Timestamp)
    }

    /// Notes what became of an object, and when it was changed at the source.
    pub(super) fn count(&self, verdict: Verdict, changed: Option<Timestamp>) {
        let counter = match verdict {
            Verdict::Written => &self.written,
            Verdict::Unchanged => &self.unchanged,
            Verdict::Deleted => &self.deleted,
            Verdict::Aside => &self.aside,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(Timestamp(at)) = changed.filter(|_| verdict != Verdict::Aside) {
            self.newest.fetch_max(at, Ordering::Relaxed);
        }
    }
}
