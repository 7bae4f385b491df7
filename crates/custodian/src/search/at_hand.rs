//! A search whose search parts are all open already: nothing has to be opened to find what is shown, so one entry says everything.
//!
//! The order stays: decide, record, open. What is looked at before the entry is durable was opened under an earlier one; until there is
//! a receipt no record is opened and nothing leaves the door, neither an id nor a count. Whatever is not plain here (a denial, a hidden
//! parameter, linked records, inclusions, fewer classes than granted, the time limit) takes the way with two entries.

use super::candidates::Hits;
use super::opened::OpenedType;
use super::watch::Watch;
use super::{SearchRequest, SearchScope};
use crate::door::Custodian;
use aceso_base::{Caller, SubjectId, TenantId};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::SearchView;
use aceso_policy::{Decision, Grant};
use std::sync::Arc;

/// Opened parts up to so many are walked even where a token would lead to a few of them.
const WALKED: usize = 1024;

impl Custodian {
    /// The matches, and the grant that covers them; `None`: the way with two entries.
    pub(super) fn hits_at_hand(&self, caller: &Caller, request: &SearchRequest<'_>) -> Option<(Grant, Hits)> {
        let opened = self.opened_already(caller, request)?;
        let Decision::Granted(grant) = self.decide(caller, request.interaction, &request.target()) else { return None };
        if request.forbidden_parameter(grant.classes()).is_some() {
            return None;
        }
        let mut watch = Watch::start(self);
        let mut hits = Vec::new();
        for (found, values) in opened.rows() {
            watch.step().ok()?;
            let (subject, rtype, id) = (found.subject, found.rtype, &found.id);
            if !grant.covers(&caller.tenant, self.region(), subject, rtype, id, watch.now) {
                return None;
            }
            hits.extend(found.hit(request, &SearchView::open_again(values)?));
        }
        Some((grant, Hits::sorted(hits, false)))
    }

    /// The search parts of what is asked about, if all of them are open.
    fn opened_already(&self, caller: &Caller, request: &SearchRequest<'_>) -> Option<Arc<OpenedType>> {
        let subject = match request.scope {
            SearchScope::Compartment(subject) => subject,
            SearchScope::Directory => SubjectId::DIRECTORY,
            SearchScope::Population => return None,
        };
        if !request.include.is_empty() || request.shape.classes.is_some() {
            return None;
        }
        // A patient without a key, shredded ones too, has nothing that is open.
        self.inner.keyring.latest_subject(&caller.tenant, subject).ok()??;
        self.opened_of(&caller.tenant, subject, request.types).filter(|opened| opened.linked().is_empty())
    }

    /// The search parts of one type of one compartment, if they are open and not too many to walk.
    pub(super) fn opened_of(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        types: &[ResourceType],
    ) -> Option<Arc<OpenedType>> {
        let [rtype] = types else { return None };
        let changes = self.inner.store.changes_of(subject);
        self.inner.opened.get(tenant, subject, *rtype, changes).filter(|opened| opened.len() <= WALKED)
    }
}
