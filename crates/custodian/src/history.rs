//! The versions of one record.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use crate::open::OpenFailure;
use crate::view::{Shape, View};
use aceso_audit::{Receipt, RecordRef};
use aceso_base::{Caller, Interaction, LogicalId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_policy::{Scope, Target};
use aceso_store::{RecordKey, RecordRow};

/// One version in a history: what it was, or that it was deleted.
#[derive(Debug)]
pub enum HistoryItem {
    /// A version with content.
    Version(View),
    /// The record was deleted.
    Deleted {
        /// The version that says so.
        version: Version,
        /// When.
        at: Timestamp,
    },
}

impl HistoryItem {
    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self {
            Self::Version(view) => view.version(),
            Self::Deleted { version, .. } => *version,
        }
    }

    /// When it came into being.
    #[must_use]
    pub const fn updated(&self) -> Timestamp {
        match self {
            Self::Version(view) => view.updated(),
            Self::Deleted { at, .. } => *at,
        }
    }
}

impl Custodian {
    /// Versions of a record, newest first, at most `count`; with `before`, only those below it.
    ///
    /// # Errors
    /// As for [`Custodian::read`].
    pub async fn history(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: &LogicalId,
        before: Option<Version>,
        count: usize,
    ) -> Result<(Vec<HistoryItem>, Receipt), DoorError> {
        let key = RecordKey { tenant: caller.tenant.clone(), rtype, id: id.clone() };
        let newest = self.inner.freshness.newest(&key);
        let Some(head) = self.inner.store.head(&key).map_err(unavailable)? else {
            return Err(self.absent(caller, Interaction::History, (rtype, id), newest).await);
        };
        let rows = self.inner.store.history(&key, before, count).map_err(unavailable)?;
        let target = Target { rtype: Some(rtype), subject: head.subject, scope: Scope::Record(id.clone()) };
        let versions: Vec<RecordRef> =
            rows.iter().map(|row| RecordRef { rtype, id: id.clone(), version: row.head.version }).collect();
        let (grant, receipt) = self
            .admit(caller, Interaction::History, &target, |entry| {
                entry.with_subject(head.subject).with_records(versions)
            })
            .await?;
        if !Newest::allows(newest, &head) || !is_complete(&rows, head.version, before, count) {
            return Err(self.unreadable(caller, &key, &head, OpenFailure::RolledBack).await);
        }
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.head.deleted {
                items.push(HistoryItem::Deleted { version: row.head.version, at: row.head.updated });
                continue;
            }
            // A version from before the record moved to another patient is that patient's: it is not shown under this grant.
            if row.head.subject != head.subject {
                continue;
            }
            match self.open_view(&grant, &receipt, &key, row, &Shape::WHOLE) {
                Ok(view) => items.push(HistoryItem::Version(view)),
                Err(failure) => return Err(self.unreadable(caller, &key, &row.head, failure).await),
            }
        }
        Ok((items, receipt))
    }
}

/// Whether the rows are the versions that were asked for without a gap: versions count up from the first by one. A writer
/// that came in between may have added newer ones.
fn is_complete(rows: &[RecordRow], head: Version, before: Option<Version>, count: usize) -> bool {
    let below = before.map_or(head, |before| head.min(Version(before.0.saturating_sub(1))));
    let from = rows.first().map_or(0, |row| row.head.version.0);
    let to = rows.last().map_or(0, |row| row.head.version.0);
    let follow = rows.windows(2).all(|pair| matches!(pair, [a, b] if a.head.version == b.head.version.next()));
    follow && (count == 0 || from >= below.0) && (rows.len() == count || to <= 1)
}
