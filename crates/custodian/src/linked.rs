//! Records that name several patients: sealed for one, found in the compartments of the others.
//!
//! A search inside a patient has a grant for that patient. A record of somebody else that is linked to him is outside of it: each
//! gets a decision of its own, as a record of its own subject, and an entry of its own before its search part is opened. What the
//! rules refuse is left out and changes nothing in the answer: a patient sees his own records and no other.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::search::{Candidates, Hit, Name, SearchRequest, SearchStop};
use aceso_audit::{Entry, Receipt};
use aceso_base::{Caller, Interaction, SubjectId};
use aceso_phi::Phi;
use aceso_policy::{Decision, Grant, Scope, Target};
use aceso_store::SearchRow;
use std::collections::BTreeSet;

/// A linked record's own permission, and the entry that recorded it.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) grant: Grant,
    pub(crate) receipt: Receipt,
    /// To show with, where less is wanted than the search itself had to read.
    narrower: Option<Grant>,
}

impl Admitted {
    /// The grant under which the record is shown.
    pub(crate) fn to_show(&self) -> &Grant {
        self.narrower.as_ref().unwrap_or(&self.grant)
    }
}

/// More linked records than this in one compartment, and the search is refused as too costly: never cut.
pub(crate) const MAX_LINKED: usize = 1000;
/// On the entry of what a search shows: the rules left linked records out.
pub(crate) const LEFT_OUT: &str = "linked-left-out";

/// What came of the linked records of one search.
#[derive(Default)]
pub(crate) struct Linked {
    pub(crate) hits: Vec<Hit>,
    /// The rules left some out.
    pub(crate) left_out: bool,
}

/// Why it came to no end.
pub(crate) enum LinkedStop {
    Search(SearchStop),
    Door(DoorError),
}

impl Custodian {
    /// Decides, records and checks the linked candidates of a search inside `subject`.
    pub(crate) async fn linked_hits(
        &self,
        caller: &Caller,
        request: &SearchRequest<'_>,
        (subject, names): (SubjectId, Vec<Name>),
    ) -> Result<Linked, LinkedStop> {
        let mut linked = Linked::default();
        let names: Vec<Name> = names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        if names.is_empty() {
            return Ok(linked);
        }
        if names.len() > MAX_LINKED {
            return Err(LinkedStop::Search(SearchStop::TooCostly));
        }
        // Asked with the subject: what is linked no more has no row here.
        let rows = self.inner.store.search_rows(&caller.tenant, Some(subject), &names);
        let rows = rows.map_err(|error| LinkedStop::Door(unavailable(error)))?;
        let mut admitted: Vec<(SearchRow, (Grant, Option<Grant>))> = Vec::new();
        for row in rows.into_iter().flatten() {
            match self.linked_grant(caller, request, &row) {
                Some(grants) => admitted.push((row, grants)),
                None => linked.left_out = true,
            }
        }
        if admitted.is_empty() {
            return Ok(linked);
        }
        let entries = admitted.iter().map(|(row, (grant, _))| self.linked_entry(caller, request, row, grant)).collect();
        let receipts = self.record(entries).await.map_err(LinkedStop::Door)?;
        let mut room = Phi::new(Vec::with_capacity(1024));
        for ((row, (grant, narrower)), receipt) in admitted.into_iter().zip(receipts) {
            let mut search = Candidates::new(self, caller, (&grant, &receipt), request);
            search.within = Some(subject);
            search.check_row(&row, &mut room).map_err(LinkedStop::Search)?;
            search.catch_up().map_err(LinkedStop::Search)?;
            let found = std::mem::take(&mut search.hits);
            if let Some(mut hit) = found.into_iter().next() {
                hit.own = Some(Admitted { grant, receipt, narrower });
                linked.hits.push(hit);
            }
        }
        Ok(linked)
    }

    /// The grant for one linked record, and the one to show it with where that is narrower; none where the rules refuse it or hide
    /// what the search asks by.
    fn linked_grant(
        &self,
        caller: &Caller,
        request: &SearchRequest<'_>,
        row: &SearchRow,
    ) -> Option<(Grant, Option<Grant>)> {
        let target = Target { rtype: Some(row.rtype), subject: row.subject, scope: Scope::Record(row.id.clone()) };
        let decide = |wanted| match self.decide_for(caller, request.interaction, &target, wanted) {
            Decision::Granted(grant) => Some(grant),
            Decision::Denied(_) => None,
        };
        let grant = decide(request.searched_classes())?;
        if request.forbidden_parameter(grant.classes()).is_some() {
            return None;
        }
        match request.shape.classes.filter(|wanted| !grant.classes().is_subset_of(*wanted)) {
            Some(wanted) => Some((grant, Some(decide(Some(wanted))?))),
            None => Some((grant, None)),
        }
    }

    /// As the first entry of a search: who asked by what, here about this one record. What is shown has an entry of its own.
    fn linked_entry(&self, caller: &Caller, request: &SearchRequest<'_>, row: &SearchRow, grant: &Grant) -> Entry {
        // A condition of a write is looked up by the right to write. The entry of that is a search: it changes no record.
        let action = match request.interaction {
            Interaction::Everything => Interaction::Everything,
            _ => Interaction::Search,
        };
        Entry::by(caller, action)
            .with_parameters(request.parameter_names())
            .with_subject(row.subject)
            .with_record(row.rtype, &row.id, row.version)
            .with_grant(grant.id())
            .with_policy(self.engine().version())
            .with_detail("linked")
    }
}
