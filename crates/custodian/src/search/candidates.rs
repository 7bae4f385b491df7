//! The candidates of one search, opened and checked one by one.

use super::lookup::Lookup;
use super::opened::OpenedType;
use super::watch::Watch;
use super::{SearchRequest, SearchScope};
use crate::door::Custodian;
use crate::error::DoorError;
use crate::facts::{Facts, Order, matches};
use crate::gaps::Gap;
use crate::linked::{Admitted, LinkedStop, MAX_LINKED};
use crate::open::{OpenFailure, Plain};
use aceso_audit::Receipt;
use aceso_base::{Caller, LogicalId, Region, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::SearchView;
use aceso_phi::Phi;
use aceso_policy::Grant;
use aceso_seal::{Place, SubjectKey, may_open, open_search};
use aceso_store::SearchRow;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A record that matches.
pub(crate) struct Hit {
    pub(crate) rtype: ResourceType,
    pub(crate) id: LogicalId,
    pub(crate) version: Version,
    pub(crate) subject: SubjectId,
    order: Vec<Order>,
    /// For a record that is linked to the searched patient and another's: the permission for it alone.
    pub(crate) own: Option<Admitted>,
}

/// What the search found, in the order of the answer.
pub(super) struct Hits {
    pub(super) hits: Vec<Hit>,
    /// The rules left linked records out.
    pub(super) left_out: bool,
}

impl Hits {
    pub(super) fn sorted(mut hits: Vec<Hit>, left_out: bool) -> Self {
        hits.sort_unstable_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Self { hits, left_out }
    }
}

pub(crate) type Name = (ResourceType, LogicalId);

/// Matches, and inside a patient the candidates that are linked to him.
pub(crate) type GrantedHits = (Vec<Hit>, Option<(SubjectId, Vec<Name>)>);

impl Custodian {
    /// All matches in the order of the answer: those under the grant, then the linked ones under their own.
    pub(super) async fn hits(
        &self,
        caller: &Caller,
        grant: &Grant,
        receipt: &Receipt,
        request: &SearchRequest<'_>,
    ) -> Result<Hits, DoorError> {
        let stopped = |stop| self.search_stopped(caller, request, stop);
        let (mut hits, linked) = match self.whole_hits(caller, (grant, receipt), request).await {
            Ok(found) => found,
            Err(stop) => return Err(stopped(stop).await),
        };
        let mut left_out = false;
        if let Some(linked) = linked {
            match self.linked_hits(caller, request, linked).await {
                Ok(found) => {
                    hits.extend(found.hits);
                    left_out = found.left_out;
                }
                Err(LinkedStop::Search(stop)) => return Err(stopped(stop).await),
                Err(LinkedStop::Door(error)) => return Err(error),
            }
        }
        Ok(Hits::sorted(hits, left_out))
    }

    /// The matches that the grant covers, the candidates that are linked to the searched patient and not covered, and what may be
    /// lacking.
    pub(crate) fn granted_hits(
        &self,
        caller: &Caller,
        (grant, receipt): (&Grant, &Receipt),
        request: &SearchRequest<'_>,
        lookup: Option<&mut Lookup>,
    ) -> Result<(GrantedHits, Option<Gap>), SearchStop> {
        let mut search = Candidates::new(self, caller, (grant, receipt), request);
        match request.scope {
            SearchScope::Compartment(subject) => search.compartment(subject)?,
            SearchScope::Directory => search.compartment(SubjectId::DIRECTORY)?,
            SearchScope::Population => match grant.subject() {
                // A patient who searches everybody finds himself.
                Some(own) => search.compartment(own)?,
                None => search.population(lookup)?,
            },
        }
        search.catch_up()?;
        let within = search.within.filter(|subject| !subject.is_directory());
        Ok(((search.hits, within.map(|subject| (subject, search.linked))), search.gap))
    }
}

/// Why a search ended before its answer.
pub(crate) enum SearchStop {
    Unavailable(&'static str),
    TooCostly,
    /// Live records of this compartment (none: of the type, over all of them) have no row, or another one.
    Incomplete {
        subject: Option<SubjectId>,
    },
    Unreadable {
        rtype: ResourceType,
        id: LogicalId,
        version: Version,
        subject: SubjectId,
        failure: OpenFailure,
    },
}

/// The candidates of one search, checked one by one.
pub(crate) struct Candidates<'a> {
    pub(crate) door: &'a Custodian,
    pub(crate) caller: &'a Caller,
    pub(crate) grant: &'a Grant,
    pub(crate) receipt: &'a Receipt,
    pub(crate) request: &'a SearchRequest<'a>,
    pub(crate) hits: Vec<Hit>,
    /// Records whose search part is older than the version that the log knows: changed since, or set back by somebody.
    pub(crate) behind: Vec<(ResourceType, LogicalId, Version)>,
    /// The sum over the rows that were checked, as the log has it.
    pub(crate) found: u64,
    pub(crate) gap: Option<Gap>,
    /// The compartment that is searched; `None` across patients.
    pub(crate) within: Option<SubjectId>,
    /// Candidates of that compartment that are another patient's: the grant does not cover them.
    pub(crate) linked: Vec<Name>,
}

/// More candidates than this by a token, and scanning the compartment is the cheaper way.
const SELECTIVE: usize = 256;

impl<'a> Candidates<'a> {
    pub(crate) const fn new(
        door: &'a Custodian,
        caller: &'a Caller,
        (grant, receipt): (&'a Grant, &'a Receipt),
        request: &'a SearchRequest<'a>,
    ) -> Self {
        Self {
            door,
            caller,
            grant,
            receipt,
            request,
            hits: Vec::new(),
            behind: Vec::new(),
            found: 0,
            gap: None,
            within: None,
            linked: Vec::new(),
        }
    }
}

impl Candidates<'_> {
    fn compartment(&mut self, subject: SubjectId) -> Result<(), SearchStop> {
        self.within = Some(subject);
        let inner = &self.door.inner;
        let tenant = &self.caller.tenant;
        let key = inner.keyring.latest_subject(tenant, subject).map_err(|_| SearchStop::Unavailable("keys"))?;
        // No key: no such patient, or a shredded one. Either way there is nothing to find.
        let Some((_, key)) = key else { return Ok(()) };
        // Looking at every opened part is cheaper than asking the store for a few.
        if let Some(opened) = self.door.opened_of(tenant, subject, self.request.types) {
            return self.check_opened(&opened);
        }
        if let Some(mut named) = self.by_subject_tokens(&key)? {
            // Linked records have tokens under the keys of their own patients.
            let linked = inner.store.linked(tenant, subject, self.request.types, MAX_LINKED.saturating_add(1));
            self.linked.extend(linked.map_err(SearchStop::store)?);
            named.retain(|name| !self.linked.contains(name));
            let rows = inner.store.search_rows(tenant, Some(subject), &named).map_err(SearchStop::store)?;
            let mut room: Plain = Phi::new(Vec::new());
            for ((rtype, id), row) in named.iter().zip(rows) {
                match row {
                    Some(row) => self.check_row(&row, &mut room)?,
                    None => self.check_gone(*rtype, id),
                }
            }
            return Ok(());
        }
        self.scan(subject, &key)
    }

    /// Candidates by the tokens of one filter, where the request has one that is indexed and selective.
    fn by_subject_tokens(&self, key: &SubjectKey) -> Result<Option<Vec<(ResourceType, LogicalId)>>, SearchStop> {
        let [rtype] = self.request.types else { return Ok(None) };
        let keys = self.door.inner.keyring.tenant(&self.caller.tenant).map_err(|_| SearchStop::Unavailable("keys"))?;
        for filter in self.request.filters {
            let Some(tokens) = crate::tokens::of_filter_in_compartment(&keys, key, *rtype, filter) else { continue };
            let store = &self.door.inner.store;
            let found = store.by_tokens(&self.caller.tenant, *rtype, &tokens, SELECTIVE).map_err(SearchStop::store)?;
            if found.limit_hit {
                continue;
            }
            return Ok(Some(found.found.into_iter().map(|candidate| (*rtype, candidate.id)).collect()));
        }
        Ok(None)
    }

    /// Opens the search parts of the whole compartment, one after the other, without an allocation per row. What was opened
    /// is kept for the next search, where there is room.
    fn scan(&mut self, subject: SubjectId, key: &Arc<SubjectKey>) -> Result<(), SearchStop> {
        let (door, tenant, types) = (self.door, &self.caller.tenant, self.request.types);
        let inner = &door.inner;
        let mut opening = match types {
            [rtype] => inner.opened.begin(subject, *rtype, inner.store.changes_of(subject)),
            _ => None,
        };
        let mut room: Plain = Phi::new(Vec::with_capacity(1024));
        let mut linked = Vec::new();
        let mut watch = Watch::start(door);
        let mut stopped = None;
        let expected = inner.freshness.expect(tenant, Some(subject), types);
        self.found = 0;
        let scanned = inner.store.scan_search(tenant, subject, types, &mut |row| {
            if let Err(stop) = watch.step() {
                stopped = Some(stop);
                return ControlFlow::Break(());
            }
            let Ok(id) = LogicalId::parse(row.id) else { return ControlFlow::Continue(()) };
            if row.subject != subject || row.subject_key_version != key.version() {
                if row.subject == subject {
                    self.count(row.rtype, &id, row.version);
                }
                linked.push((row.rtype, id));
                return ControlFlow::Continue(());
            }
            let found = Found { rtype: row.rtype, id, version: row.version, updated: row.updated, subject };
            match self.check(&found, key, row.sealed, &mut room) {
                Ok(Checked::Opened) => {
                    opening.take_if(|opening| !opening.push(&found, room.expose()));
                    ControlFlow::Continue(())
                }
                Ok(Checked::Behind) => {
                    opening = None;
                    ControlFlow::Continue(())
                }
                Err(stop) => {
                    stopped = Some(stop);
                    ControlFlow::Break(())
                }
            }
        });
        scanned.map_err(SearchStop::store)?;
        if let Some(stop) = stopped {
            return Err(stop);
        }
        self.compare(&expected, Some(subject), self.found);
        self.check_named(&linked)?;
        // What lacks something is not kept.
        if let Some(opening) = opening.filter(|_| self.gap.is_none()) {
            inner.opened.keep(tenant, opening, linked, || inner.store.changes_of(subject));
        }
        Ok(())
    }

    /// The same on search parts that are open already: every part passes the gate of grant and receipt as if it were opened now.
    fn check_opened(&mut self, opened: &OpenedType) -> Result<(), SearchStop> {
        let mut watch = Watch::start(self.door);
        for (found, values) in opened.rows() {
            watch.step()?;
            let gate = may_open(self.grant, self.receipt, &self.place(found), watch.now);
            match gate.ok().and_then(|()| SearchView::open_again(values)) {
                Some(view) => self.keep(found, &view),
                None => return Err(found.unreadable(OpenFailure::Sealed)),
            }
        }
        self.check_named(opened.linked())
    }

    fn check_named(&mut self, names: &[(ResourceType, LogicalId)]) -> Result<(), SearchStop> {
        if names.is_empty() {
            return Ok(());
        }
        let rows = self.door.inner.store.search_rows(&self.caller.tenant, None, names).map_err(SearchStop::store)?;
        let mut room: Plain = Phi::new(Vec::new());
        rows.iter().flatten().try_for_each(|row| self.check_row(row, &mut room))
    }

    /// Checks a candidate of any compartment that the grant reaches.
    pub(crate) fn check_row(&mut self, row: &SearchRow, room: &mut Plain) -> Result<(), SearchStop> {
        let inner = &self.door.inner;
        if !self.grant.covers(&self.caller.tenant, &inner.region, row.subject, row.rtype, &row.id, self.door.now()) {
            // A record of another patient that is linked to this one gets a decision of its own.
            if self.within.is_some() {
                self.linked.push((row.rtype, row.id.clone()));
            }
            return Ok(());
        }
        let key = inner.keyring.subject(&self.caller.tenant, row.subject, row.subject_key_version);
        let Some(key) = key.map_err(|_| SearchStop::Unavailable("keys"))? else { return Ok(()) };
        let found = Found {
            rtype: row.rtype,
            id: row.id.clone(),
            version: row.version,
            updated: row.updated,
            subject: row.subject,
        };
        self.check(&found, &key, row.sealed.as_bytes(), room).map(|_| ())
    }

    /// Looks again at the records that were behind the log. What still is was set back.
    pub(crate) fn catch_up(&mut self) -> Result<(), SearchStop> {
        let mut room: Plain = Phi::new(Vec::new());
        while !self.behind.is_empty() {
            let behind = std::mem::take(&mut self.behind);
            let names: Vec<_> = behind.iter().map(|(rtype, id, _)| (*rtype, id.clone())).collect();
            // Inside a compartment, what has left it since is no candidate any more.
            let within = self.within;
            let rows =
                self.door.inner.store.search_rows(&self.caller.tenant, within, &names).map_err(SearchStop::store)?;
            for ((rtype, id, newest), row) in behind.into_iter().zip(rows) {
                let Some(row) = row else {
                    self.missed(rtype, id)?;
                    continue;
                };
                if row.version < newest {
                    let (version, subject) = (row.version, row.subject);
                    return Err(SearchStop::Unreadable {
                        rtype,
                        id,
                        version,
                        subject,
                        failure: OpenFailure::RolledBack,
                    });
                }
                self.check_row(&row, &mut room)?;
            }
        }
        Ok(())
    }

    fn check(
        &mut self,
        found: &Found,
        key: &SubjectKey,
        sealed: &[u8],
        room: &mut Plain,
    ) -> Result<Checked, SearchStop> {
        let freshness = &self.door.inner.freshness;
        let (mark, newest) = freshness.look(&self.caller.tenant, found.rtype, &found.id);
        self.found = self.found.wrapping_add(freshness.term(mark, found.version));
        if let Some(newest) = newest.filter(|newest| newest.version > found.version) {
            self.behind.push((found.rtype, found.id.clone(), newest.version));
            return Ok(Checked::Behind);
        }
        let place = self.place(found);
        let opened = open_search(key, self.grant, self.receipt, &place, sealed, self.door.now(), room);
        let view = opened.ok().and_then(|()| SearchView::open(room.expose()).ok());
        match view.filter(|view| view.rtype() == found.rtype) {
            Some(view) => self.keep(found, &view),
            None => return Err(found.unreadable(OpenFailure::Sealed)),
        }
        Ok(Checked::Opened)
    }

    /// Keeps the record when every filter matches.
    fn keep(&mut self, found: &Found, view: &SearchView<'_>) {
        self.hits.extend(found.hit(self.request, view));
    }

    fn place<'a>(&'a self, found: &'a Found) -> Place<'a> {
        found.place(&self.door.inner.region, &self.caller.tenant)
    }
}

/// What became of a row.
enum Checked {
    /// Opened, and among the hits if it matches.
    Opened,
    /// Older than the log says: looked at again in the end.
    Behind,
}

/// A row, and where it was found.
pub(super) struct Found {
    pub(super) rtype: ResourceType,
    pub(super) id: LogicalId,
    pub(super) version: Version,
    pub(super) updated: Timestamp,
    pub(super) subject: SubjectId,
}

impl Found {
    /// The record as a hit, when every filter matches.
    pub(super) fn hit(&self, request: &SearchRequest<'_>, view: &SearchView<'_>) -> Option<Hit> {
        let facts = Facts { id: &self.id, updated: self.updated };
        if !request.filters.iter().all(|filter| matches(filter, view, facts)) {
            return None;
        }
        let order = request.sort.iter().map(|rule| Order::of(rule, view, facts)).collect();
        let Self { rtype, version, subject, .. } = *self;
        Some(Hit { rtype, id: self.id.clone(), version, subject, order, own: None })
    }

    fn place<'a>(&'a self, region: &'a Region, tenant: &'a TenantId) -> Place<'a> {
        let Self { rtype, ref id, version, subject, .. } = *self;
        Place { region, tenant, subject, rtype, id, version }
    }

    fn unreadable(&self, failure: OpenFailure) -> SearchStop {
        let Self { rtype, version, subject, .. } = *self;
        SearchStop::Unreadable { rtype, id: self.id.clone(), version, subject, failure }
    }
}

impl Hit {
    fn sort_key(&self) -> (&[Order], ResourceType, &LogicalId) {
        (&self.order, self.rtype, &self.id)
    }
}

impl SearchStop {
    pub(crate) const fn store(error: aceso_store::StoreError) -> Self {
        Self::Unavailable(error.code())
    }
}
