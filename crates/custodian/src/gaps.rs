//! What a search does not find although the log knows of it: looked at again, then missed.

use crate::door::Custodian;
use crate::freshness::{Expectation, Newest, Verdict};
use crate::open::OpenFailure;
use crate::search::{Candidates, GrantedHits, SearchRequest, SearchStop};
use aceso_audit::Receipt;
use aceso_base::{Caller, LogicalId, SubjectId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_policy::Grant;
use aceso_store::RecordKey;

/// A walk that did not find what the log says is there.
#[derive(Clone, Copy)]
pub(crate) struct Gap {
    subject: Option<SubjectId>,
    /// Nobody was writing there.
    sure: bool,
}

/// So often a compartment is looked at while others write to it.
const LOOKS: u32 = 5;

impl Custodian {
    /// As [`Custodian::granted_hits`]. Where the rows that were walked are not those that the log knows of, they are looked at
    /// again, and missed when nobody is writing there.
    pub(crate) async fn whole_hits(
        &self,
        caller: &Caller,
        permission: (&Grant, &Receipt),
        request: &SearchRequest<'_>,
    ) -> Result<GrantedHits, SearchStop> {
        let mut looks = 0;
        loop {
            let mut lookup = self.look_up(caller, permission.0, request).await;
            let (found, gap) = self.granted_hits(caller, permission, request, lookup.as_mut())?;
            if let Some(lookup) = lookup {
                self.share_lookup(lookup).await;
            }
            looks += 1;
            match gap {
                None => return Ok(found),
                Some(Gap { subject, sure: true }) if looks > 1 => return Err(SearchStop::Incomplete { subject }),
                // Somebody is writing there all the time.
                Some(Gap { sure: false, .. }) if looks == LOOKS => return Ok(found),
                Some(_) => self.settle().await.map_err(|_| SearchStop::Unavailable("store"))?,
            }
        }
    }
}

impl Candidates<'_> {
    /// Adds a row to the sum that is not checked by [`Candidates::check`].
    pub(crate) fn count(&mut self, rtype: ResourceType, id: &LogicalId, version: Version) {
        self.found = self.found.wrapping_add(self.term(rtype, id, version));
    }

    pub(crate) fn term(&self, rtype: ResourceType, id: &LogicalId, version: Version) -> u64 {
        let freshness = &self.door.inner.freshness;
        freshness.term(freshness.look(&self.caller.tenant, rtype, id).0, version)
    }

    /// Whether a walk found all that the log knows of.
    pub(crate) fn compare(&mut self, expected: &Expectation, subject: Option<SubjectId>, found: u64) {
        match self.door.inner.freshness.judge(expected, found) {
            Verdict::Complete => {}
            verdict => self.gap = Some(Gap { subject, sure: verdict == Verdict::Incomplete }),
        }
    }

    /// A candidate has no search part: deleted since, or taken away.
    pub(crate) fn check_gone(&mut self, rtype: ResourceType, id: &LogicalId) {
        let (_, newest) = self.door.inner.freshness.look(&self.caller.tenant, rtype, id);
        if let Some(newest) = newest.filter(|newest| !newest.deleted) {
            self.behind.push((rtype, id.clone(), newest.version));
        }
    }

    /// Fails for a live record whose search part is not there, also at a second look.
    pub(crate) fn missed(&self, rtype: ResourceType, id: LogicalId) -> Result<(), SearchStop> {
        let store = &self.door.inner.store;
        let key = RecordKey { tenant: self.caller.tenant.clone(), rtype, id };
        let newest = self.door.inner.freshness.newest(&key);
        if newest.is_none_or(|newest| newest.deleted) {
            return Ok(());
        }
        let head = store.head(&key).map_err(SearchStop::store)?;
        if let Some(head) = &head {
            if Newest::allows(newest, head) && head.deleted {
                return Ok(());
            }
            if store.shredded(&key.tenant, head.subject).map_err(SearchStop::store)? {
                return Ok(());
            }
            let names = [(rtype, key.id.clone())];
            let row = store.search_rows(&key.tenant, None, &names).map_err(SearchStop::store)?.pop().flatten();
            let after = store.head(&key).map_err(SearchStop::store)?;
            if row.is_some() || after.is_some_and(|after| after.version != head.version) {
                return Ok(());
            }
        }
        let (version, subject) = head.map_or((Version(0), SubjectId::DIRECTORY), |head| (head.version, head.subject));
        Err(SearchStop::Unreadable { rtype, id: key.id, version, subject, failure: OpenFailure::Missing })
    }
}
