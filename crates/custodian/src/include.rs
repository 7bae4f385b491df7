//! `_include` and `_revinclude`: records that come along, each decided, recorded and redacted on its own.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use crate::open::OpenFailure;
use crate::search::{Hit, SearchRequest, SearchScope};
use crate::view::Shape;
use aceso_audit::{Entry, Outcome, Receipt};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, TenantId};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::{Query, SearchParam, SearchView, visit_tokens};
use aceso_labels::ClassSet;
use aceso_phi::Phi;
use aceso_policy::{Decision, Grant, Scope, Target};
use aceso_seal::{Place, open_search};
use aceso_store::{RecordKey, RecordRow};
use std::collections::BTreeSet;

/// One inclusion (R4 search.html, section 3.1.1.5.4).
pub struct Inclusion {
    /// The type that holds the reference.
    pub source: ResourceType,
    /// The reference parameter.
    pub param: &'static SearchParam,
    /// Only targets of this type.
    pub target: Option<ResourceType>,
    /// `_revinclude`: records that refer to the matches.
    pub reverse: bool,
}

/// A record that comes along, and the grant to show it.
pub(crate) type Brought = (Grant, RecordKey, RecordRow);

type Name = (ResourceType, LogicalId);

impl Custodian {
    /// Decides for every record that the inclusions lead to. What the caller may not see is left out, like a record that is not there.
    pub(crate) async fn included(
        &self,
        caller: &Caller,
        (grant, receipt): (&Grant, &Receipt),
        page: &[Hit],
        (inclusions, wanted): (&[Inclusion], Option<ClassSet>),
    ) -> Result<Vec<Brought>, DoorError> {
        let mut names: BTreeSet<Name> = BTreeSet::new();
        for inclusion in inclusions {
            let found = if inclusion.reverse {
                self.referring(caller, page, inclusion).await?
            } else {
                self.referred(caller, (grant, receipt), page, inclusion)?
            };
            names.extend(found);
        }
        for hit in page {
            names.remove(&(hit.rtype, hit.id.clone()));
        }
        if names.len() > MAX_INCLUDED {
            let entry = Entry::by(caller, Interaction::Search).with_outcome(Outcome::failed("too-many-included"));
            return Err(DoorError::TooCostly { receipt: self.record_one(entry).await? });
        }
        let names: Vec<Name> = names.into_iter().collect();
        let newest = self.newest_of_all(&caller.tenant, &names);
        let rows = self.inner.store.currents(&caller.tenant, &names).map_err(unavailable)?;
        let mut brought = Vec::with_capacity(rows.len());
        for (((rtype, id), row), newest) in names.into_iter().zip(rows).zip(newest) {
            let Some(row) = row.filter(|row| !row.head.deleted || !Newest::allows(newest, &row.head)) else { continue };
            let target = Target { rtype: Some(rtype), subject: row.head.subject, scope: Scope::Record(id.clone()) };
            if let Decision::Granted(grant) = self.decide_for(caller, Interaction::Read, &target, wanted) {
                let key = RecordKey { tenant: caller.tenant.clone(), rtype, id };
                if !Newest::allows(newest, &row.head) {
                    return Err(self.unreadable(caller, &key, &row.head, OpenFailure::RolledBack).await);
                }
                brought.push((grant, key, row));
            }
        }
        Ok(brought)
    }

    /// What the log knows of these records, asked before their rows are read.
    fn newest_of_all(&self, tenant: &TenantId, names: &[Name]) -> Vec<Option<Newest>> {
        names.iter().map(|(rtype, id)| self.inner.freshness.look(tenant, *rtype, id).1).collect()
    }

    /// The records that the page's records refer to.
    fn referred(
        &self,
        caller: &Caller,
        (grant, receipt): (&Grant, &Receipt),
        page: &[Hit],
        inclusion: &Inclusion,
    ) -> Result<Vec<Name>, DoorError> {
        let hits: Vec<&Hit> = page.iter().filter(|hit| hit.rtype == inclusion.source).collect();
        let sources: Vec<Name> = hits.iter().map(|hit| (hit.rtype, hit.id.clone())).collect();
        let rows = self.inner.store.search_rows(&caller.tenant, None, &sources).map_err(unavailable)?;
        let mut room = Phi::new(Vec::new());
        let mut found = Vec::new();
        for (hit, row) in hits.into_iter().zip(rows) {
            let Some(row) = row else { continue };
            let (grant, receipt) = hit.own.as_ref().map_or((grant, receipt), |own| (&own.grant, &own.receipt));
            let key = self.inner.keyring.subject(&caller.tenant, row.subject, row.subject_key_version);
            let Some(key) = key.map_err(|_| DoorError::Unavailable("keys"))? else { continue };
            let place = Place {
                region: &self.inner.region,
                tenant: &caller.tenant,
                subject: row.subject,
                rtype: row.rtype,
                id: &row.id,
                version: row.version,
            };
            // Did open a moment ago; if it does not now, the record itself fails to open next and is reported there.
            if open_search(&key, grant, receipt, &place, row.sealed.as_bytes(), self.now(), &mut room).is_err() {
                continue;
            }
            let Ok(view) = SearchView::open(room.expose()) else { continue };
            visit_tokens(
                &view,
                |param| param == inclusion.param,
                |_, canonical| {
                    found.extend(
                        name_of(canonical).filter(|(rtype, _)| inclusion.target.is_none_or(|only| only == *rtype)),
                    );
                },
            );
        }
        Ok(found)
    }

    /// The records of the same compartments that refer to the page's records: a search of its own, decided and recorded as such.
    async fn referring(&self, caller: &Caller, page: &[Hit], inclusion: &Inclusion) -> Result<Vec<Name>, DoorError> {
        let mut found = Vec::new();
        let subjects: BTreeSet<SubjectId> = page.iter().map(|hit| hit.subject).collect();
        for subject in subjects {
            let targets: Vec<String> = page
                .iter()
                .filter(|hit| hit.subject == subject && inclusion.target.is_none_or(|only| only == hit.rtype))
                .map(|hit| format!("{}/{}", hit.rtype.name(), hit.id))
                .collect();
            let pair = (inclusion.param.code.to_owned(), targets.join(","));
            let Ok(query) = Query::parse(inclusion.source, &[pair]) else { continue };
            let request = SearchRequest {
                scope: SearchScope::of_subject(subject),
                types: &[inclusion.source],
                filters: &query.filters,
                sort: &[],
                count: MAX_INCLUDED,
                after: None,
                include: &[],
                shape: &Shape::WHOLE,
                interaction: Interaction::Search,
            };
            match self.find(caller, &request).await {
                Ok(hits) => found.extend(hits.into_iter().map(|(id, _)| (inclusion.source, id))),
                Err(DoorError::Absent { .. } | DoorError::Forbidden { .. } | DoorError::ParameterForbidden { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// How many records inclusions may bring to one page.
const MAX_INCLUDED: usize = 1000;

fn name_of(canonical: &[u8]) -> Option<Name> {
    let (rtype, id) = std::str::from_utf8(canonical).ok()?.split_once('/')?;
    Some((ResourceType::parse(rtype)?, LogicalId::parse(id).ok()?))
}
