//! The page of a search: the rows of what was found, their entry in the log, and then, record by record, the opening.

use super::{Hit, Page, SearchRequest};
use crate::access::unavailable;
use crate::cursor::Position;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::linked::{Admitted, LEFT_OUT};
use crate::open::OpenFailure;
use crate::view::{Shape, View};
use aceso_audit::{Entry, Receipt, RecordRef};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId};
use aceso_fhir::definitions::ResourceType;
use aceso_policy::{Decision, Grant};
use aceso_store::{RecordKey, RecordRow};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The page of the hits that is shown.
pub(super) struct Chosen<'h> {
    pub(super) page: &'h [Hit],
    pub(super) next: Option<Position>,
    pub(super) total: usize,
    pub(super) left_out: bool,
}

/// On what the page was found.
#[derive(Clone, Copy)]
pub(super) enum Searched<'a> {
    /// Search parts were opened for it, under an entry of their own.
    Recorded(&'a Grant, &'a Receipt),
    /// Everything was open already: the entry of what is shown says also what was asked for.
    AtHand(&'a Grant),
}

impl<'a> Searched<'a> {
    const fn grant(self) -> &'a Grant {
        let (Self::Recorded(grant, _) | Self::AtHand(grant)) = self;
        grant
    }
}

/// One record of a page, and its own permission if it has one.
struct Shown<'h> {
    key: RecordKey,
    row: RecordRow,
    own: Option<&'h Admitted>,
}

impl Custodian {
    /// Records what is shown, then opens it.
    pub(super) async fn show(
        &self,
        caller: &Caller,
        searched: Searched<'_>,
        request: &SearchRequest<'_>,
        Chosen { page, next, total, left_out }: Chosen<'_>,
    ) -> Result<Page, DoorError> {
        let narrower = self.narrower(caller, searched.grant(), request).await?;
        let grant = narrower.as_ref().unwrap_or(searched.grant());
        let shown = match (self.rows_of(caller, page).await, searched) {
            (Ok(shown), _) => shown,
            (Err(error), Searched::Recorded(..)) => return Err(error),
            (Err(error), Searched::AtHand(grant)) => {
                let _ = self.record_one(request.asked(self.granted(caller, grant))).await?;
                return Err(error);
            }
        };
        let covered = || shown.iter().filter(|shown| shown.own.is_none());
        let records = covered().map(|Shown { key, row, .. }| RecordRef {
            rtype: key.rtype,
            id: key.id.clone(),
            version: row.head.version,
        });
        let mut subjects: BTreeSet<SubjectId> = covered().map(|shown| shown.row.head.subject).collect();
        // Not said yet: inside whom was searched, and by what.
        let (inside, asked) = match searched {
            Searched::Recorded(..) => (None, None),
            Searched::AtHand(_) => (request.scope.subject(), Some(request.parameter_names())),
        };
        subjects.extend(inside);
        let elements = request.types.first().map(|t| request.shape.element_names(*t)).unwrap_or_default();
        let mut entry = self
            .granted(caller, grant)
            .with_parameters(asked.into_iter().flatten())
            .with_subjects(subjects)
            .with_records(records)
            .with_count(total as u64)
            .with_elements(elements.iter().copied());
        entry = request.shape.explain(entry);
        if left_out {
            entry = entry.with_detail(LEFT_OUT);
        }
        let wanted = request.shape.classes;
        let included = match searched {
            Searched::Recorded(grant, receipt) => {
                self.included(caller, (grant, receipt), page, (request.include, wanted)).await?
            }
            Searched::AtHand(_) => Vec::new(),
        };
        let mut entries = vec![entry];
        let linked = shown.iter().filter_map(|shown| Some((shown.own?, shown)));
        entries.extend(linked.map(|(own, Shown { key, row, .. })| {
            self.granted(caller, own.to_show())
                .with_subject(row.head.subject)
                .with_record(key.rtype, &key.id, row.head.version)
                .with_elements(elements.iter().copied())
        }));
        entries.extend(included.iter().map(|(grant, key, row)| {
            self.granted(caller, grant).with_subject(row.head.subject).with_record(key.rtype, &key.id, row.head.version)
        }));
        let mut receipts = self.record(entries).await?.into_iter();
        let receipt = receipts.next().ok_or(DoorError::Unavailable("the log gave no receipt"))?;
        let mut matches = Vec::with_capacity(shown.len());
        for Shown { key, row, own } in &shown {
            let view = match own {
                None => self.open_listed(caller, (grant, &receipt), (key, row), request.shape).await?,
                Some(own) => {
                    let receipt = receipts.next().ok_or(DoorError::Unavailable("the log gave no receipt"))?;
                    self.open_listed(caller, (own.to_show(), &receipt), (key, row), request.shape).await?
                }
            };
            matches.extend(view);
        }
        let mut brought = Vec::with_capacity(included.len());
        for ((grant, key, row), receipt) in included.iter().zip(receipts) {
            brought.extend(self.open_listed(caller, (grant, &receipt), (key, row), request.shape).await?);
        }
        Ok(Page { matches, included: brought, next, total, receipt })
    }

    /// The grant to show with, where less is wanted than the search itself had to read.
    async fn narrower(
        &self,
        caller: &Caller,
        searched: &Grant,
        request: &SearchRequest<'_>,
    ) -> Result<Option<Grant>, DoorError> {
        let Some(wanted) = request.shape.classes.filter(|wanted| !searched.classes().is_subset_of(*wanted)) else {
            return Ok(None);
        };
        match self.decide_for(caller, request.interaction, &request.target(), Some(wanted)) {
            Decision::Granted(grant) => Ok(Some(grant)),
            Decision::Denied(denial) => Err(self.refuse(Entry::by(caller, request.interaction), &denial).await),
        }
    }

    /// One record of a page; `None` for a patient who was shredded meanwhile.
    async fn open_listed(
        &self,
        caller: &Caller,
        (grant, receipt): (&Grant, &Receipt),
        (key, row): (&RecordKey, &RecordRow),
        shape: &Shape,
    ) -> Result<Option<View>, DoorError> {
        match self.open_view(grant, receipt, key, row, shape) {
            Ok(view) => Ok(Some(view)),
            Err(OpenFailure::NoKey) => Ok(None),
            Err(failure) => Err(self.unreadable(caller, key, &row.head, failure).await),
        }
    }

    /// The sealed rows of the versions that were found to match, still in the order of the page.
    async fn rows_of<'h>(&self, caller: &Caller, page: &'h [Hit]) -> Result<Vec<Shown<'h>>, DoorError> {
        let names: Vec<(ResourceType, LogicalId)> = page.iter().map(|hit| (hit.rtype, hit.id.clone())).collect();
        let rows = self.inner.store.currents(&caller.tenant, &names).map_err(unavailable)?;
        let mut found = Vec::with_capacity(rows.len());
        for (hit, row) in page.iter().zip(rows) {
            let own = hit.own.as_ref();
            let key = RecordKey { tenant: caller.tenant.clone(), rtype: hit.rtype, id: hit.id.clone() };
            // Rows are replaced, never removed: one that was found a moment ago and is not there was taken away.
            let Some(row) = row else {
                let newest = self.inner.freshness.newest(&key);
                return Err(self.absent(caller, Interaction::Read, (hit.rtype, &hit.id), newest).await);
            };
            match row.head.version.cmp(&hit.version) {
                Ordering::Less => {
                    return Err(self.unreadable(caller, &key, &row.head, OpenFailure::RolledBack).await);
                }
                // The version that was found was no deletion.
                Ordering::Equal if row.head.deleted => {
                    return Err(self.unreadable(caller, &key, &row.head, OpenFailure::RolledBack).await);
                }
                // Deleted since: no longer a match.
                _ if row.head.deleted => {}
                Ordering::Equal => found.push(Shown { key, row, own }),
                // Changed since: the version that was checked is shown, not one that nobody has looked at.
                Ordering::Greater => {
                    let checked = self.inner.store.version(&key, hit.version).map_err(unavailable)?;
                    found.extend(checked.map(|row| Shown { key, row, own }));
                }
            }
        }
        Ok(found)
    }
}
