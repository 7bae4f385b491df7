//! Searching: plan, record, open the small search parts, check every candidate exactly, then open only what is shown.
//!
//! Two entries stand in the log for one search: the first before any search part is opened (who asked for what), the
//! second before any record is opened (which records are shown). No candidate is shown unchecked, so truncated tokens
//! and other false hits cost time, never correctness.

use crate::access::unavailable;
use crate::cursor::Position;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::facts::{Facts, Order, matches};
use crate::gaps::Gap;
use crate::include::Inclusion;
use crate::linked::{Admitted, LEFT_OUT, LinkedStop, MAX_LINKED};
use crate::open::{OpenFailure, Plain};
use crate::view::{Shape, View};
use aceso_audit::{Entry, Outcome, Receipt, RecordRef};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::{Filter, SearchParam, SearchView};
use aceso_labels::{ClassSet, param_classes, param_classes_modified};
use aceso_phi::Phi;
use aceso_policy::{Decision, Grant, Scope, Target};
use aceso_seal::{Place, SubjectKey, open_search};
use aceso_store::{RecordKey, RecordRow, SearchRow};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How far a search reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchScope {
    /// Inside one patient.
    Compartment(SubjectId),
    /// Records about no patient.
    Directory,
    /// Across patients, by an allow-listed index.
    Population,
}

/// One rule of `_sort`.
#[derive(Clone, Copy, Debug)]
pub struct SortRule {
    /// By what.
    pub param: &'static SearchParam,
    /// The other way round.
    pub descending: bool,
}

/// One search.
pub struct SearchRequest<'a> {
    /// How far.
    pub scope: SearchScope,
    /// Which types; empty: every type of the compartment.
    pub types: &'a [ResourceType],
    /// All must match.
    pub filters: &'a [Filter],
    /// Order of the answer, most significant first; then by type and id.
    pub sort: &'a [SortRule],
    /// How many matches at most in this page; 0 asks for the total only.
    pub count: usize,
    /// Go on after this place.
    pub after: Option<&'a Position>,
    /// What else to bring along.
    pub include: &'a [Inclusion],
    /// What to show of each record.
    pub shape: &'a Shape,
    /// `search` or `everything`, as the log shall say.
    pub interaction: Interaction,
}

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Records that match.
    pub matches: Vec<View>,
    /// Records that came along with them.
    pub included: Vec<View>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Position>,
    /// How many match in all.
    pub total: usize,
    /// The entry that lists what was shown.
    pub receipt: Receipt,
}

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
struct Hits {
    hits: Vec<Hit>,
    /// The rules left linked records out.
    left_out: bool,
}

pub(crate) type Name = (ResourceType, LogicalId);

/// Matches, and inside a patient the candidates that are linked to him.
pub(crate) type GrantedHits = (Vec<Hit>, Option<(SubjectId, Vec<Name>)>);

impl Custodian {
    /// Searches.
    ///
    /// # Errors
    /// [`DoorError::Forbidden`] when the role may not search there, [`DoorError::ParameterForbidden`] for a parameter that reads
    /// elements which the caller may not see, [`DoorError::TooCostly`], [`DoorError::Unreadable`], [`DoorError::Unavailable`].
    /// A compartment that is not the caller's to know of answers like an empty one ([`DoorError::Absent`]).
    pub async fn search(&self, caller: &Caller, request: &SearchRequest<'_>) -> Result<Page, DoorError> {
        let (grant, receipt) = self.admit_search(caller, request).await?;
        let Hits { hits, left_out } = self.hits(caller, &grant, &receipt, request).await?;
        let total = hits.len();
        let start = request.after.map_or(0, |after| after.start(&hits, request.sort.is_empty()));
        let shown: &[Hit] = hits.get(start..).unwrap_or_default();
        let page = shown.get(..request.count.min(shown.len())).unwrap_or_default();
        let next = page.last().filter(|_| page.len() < shown.len());
        let next = next.map(|last| Position::after(start.saturating_add(page.len()), last));
        self.show(caller, (&grant, &receipt), request, Chosen { page, next, total, left_out }).await
    }

    /// The ids of the records that match, for conditional interactions: nothing is shown, the right to write is what counts.
    ///
    /// # Errors
    /// As for [`Custodian::search`].
    pub async fn find(
        &self,
        caller: &Caller,
        request: &SearchRequest<'_>,
    ) -> Result<Vec<(LogicalId, Version)>, DoorError> {
        self.find_recorded(caller, request).await.map(|(found, _)| found)
    }

    /// As [`Custodian::find`], with the entry of the log: for answers that say what was found.
    ///
    /// # Errors
    /// As for [`Custodian::search`].
    pub async fn find_recorded(
        &self,
        caller: &Caller,
        request: &SearchRequest<'_>,
    ) -> Result<(Vec<(LogicalId, Version)>, Receipt), DoorError> {
        let (grant, receipt) = self.admit_search(caller, request).await?;
        let Hits { hits, left_out } = self.hits(caller, &grant, &receipt, request).await?;
        if left_out {
            let entry = Entry::by(caller, request.interaction).with_subjects(request.scope.subject());
            let _ = self.record_one(entry.with_outcome(Outcome::denied(LEFT_OUT))).await?;
        }
        Ok((hits.into_iter().map(|hit| (hit.id, hit.version)).collect(), receipt))
    }

    /// Whether a search would be made, as far as the rules tell: decided and recorded, nothing opened.
    ///
    /// # Errors
    /// As for [`Custodian::search`].
    pub async fn check_search(&self, caller: &Caller, request: &SearchRequest<'_>) -> Result<Receipt, DoorError> {
        self.admit_search(caller, request).await.map(|(_, receipt)| receipt)
    }

    async fn admit_search(&self, caller: &Caller, request: &SearchRequest<'_>) -> Result<(Grant, Receipt), DoorError> {
        let target = request.target();
        let entry = Entry::by(caller, request.interaction)
            .with_parameters(request.filters.iter().map(|filter| filter.param.code))
            .with_subjects(request.scope.subject());
        let grant = match self.decide_for(caller, request.interaction, &target, request.searched_classes()) {
            Decision::Granted(grant) => grant,
            Decision::Denied(denial) => return Err(self.refuse(entry, &denial).await),
        };
        let entry = entry.with_grant(grant.id()).with_policy(self.engine().version());
        if let Some(parameter) = request.forbidden_parameter(grant.classes()) {
            let receipt = self.record_one(entry.with_outcome(Outcome::denied("parameter"))).await?;
            return Err(DoorError::ParameterForbidden { receipt, parameter });
        }
        let receipt = self.record_one(entry).await?;
        Ok((grant, receipt))
    }

    /// All matches in the order of the answer: those under the grant, then the linked ones under their own.
    async fn hits(
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
        hits.sort_unstable_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Ok(Hits { hits, left_out })
    }

    /// The matches that the grant covers, the candidates that are linked to the searched patient and not covered, and what may be
    /// lacking.
    pub(crate) fn granted_hits(
        &self,
        caller: &Caller,
        (grant, receipt): (&Grant, &Receipt),
        request: &SearchRequest<'_>,
    ) -> Result<(GrantedHits, Option<Gap>), SearchStop> {
        let mut search = Candidates::new(self, caller, (grant, receipt), request);
        match request.scope {
            SearchScope::Compartment(subject) => search.compartment(subject)?,
            SearchScope::Directory => search.compartment(SubjectId::DIRECTORY)?,
            SearchScope::Population => match grant.subject() {
                // A patient who searches everybody finds himself.
                Some(own) => search.compartment(own)?,
                None => search.population()?,
            },
        }
        if let Some(stop) = search.failed {
            return Err(stop);
        }
        search.catch_up()?;
        let within = search.within.filter(|subject| !subject.is_directory());
        Ok(((search.hits, within.map(|subject| (subject, search.linked))), search.gap))
    }

    async fn show(
        &self,
        caller: &Caller,
        (searched, receipt): (&Grant, &Receipt),
        request: &SearchRequest<'_>,
        Chosen { page, next, total, left_out }: Chosen<'_>,
    ) -> Result<Page, DoorError> {
        let narrower = self.narrower(caller, searched, request).await?;
        let grant = narrower.as_ref().unwrap_or(searched);
        let shown = self.rows_of(caller, page).await?;
        let covered = || shown.iter().filter(|shown| shown.own.is_none());
        let records = covered().map(|Shown { key, row, .. }| RecordRef {
            rtype: key.rtype,
            id: key.id.clone(),
            version: row.head.version,
        });
        let subjects: BTreeSet<SubjectId> = covered().map(|shown| shown.row.head.subject).collect();
        let elements = request.types.first().map(|t| request.shape.element_names(*t)).unwrap_or_default();
        let mut entry = self
            .granted(caller, grant)
            .with_subjects(subjects)
            .with_records(records)
            .with_count(total as u64)
            .with_elements(elements.iter().copied());
        entry = request.shape.explain(entry);
        if left_out {
            entry = entry.with_detail(LEFT_OUT);
        }
        let wanted = request.shape.classes;
        let included = self.included(caller, (searched, receipt), page, (request.include, wanted)).await?;
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

    async fn search_stopped(&self, caller: &Caller, request: &SearchRequest<'_>, stop: SearchStop) -> DoorError {
        let (outcome, unreadable, subject, record) = match stop {
            SearchStop::Unavailable(code) => return DoorError::Unavailable(code),
            SearchStop::TooCostly => (Outcome::failed("too-costly"), false, None, None),
            SearchStop::Incomplete { subject } => (Outcome::failed(OpenFailure::Missing.code()), true, subject, None),
            SearchStop::Unreadable { rtype, id, version, subject, failure } => {
                (Outcome::failed(failure.code()), true, Some(subject), Some((rtype, id, version)))
            }
        };
        let action = if unreadable { aceso_audit::Action::OpenFailed } else { request.interaction.into() };
        let mut entry = Entry::by(caller, action).with_outcome(outcome).with_subjects(subject);
        if let Some((rtype, id, version)) = record {
            entry = entry.with_record(rtype, &id, version);
        }
        match self.record_one(entry).await {
            Ok(receipt) if unreadable => DoorError::Unreadable { receipt },
            Ok(receipt) => DoorError::TooCostly { receipt },
            Err(error) => error,
        }
    }
}

/// The page of the hits that is shown.
struct Chosen<'h> {
    page: &'h [Hit],
    next: Option<Position>,
    total: usize,
    left_out: bool,
}

/// One record of a page, and its own permission if it has one.
struct Shown<'h> {
    key: RecordKey,
    row: RecordRow,
    own: Option<&'h Admitted>,
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
    pub(crate) failed: Option<SearchStop>,
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
            failed: None,
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
        if let Some(mut named) = self.by_subject_tokens(&key)? {
            // Linked records have tokens under the keys of their own patients.
            let linked = inner.store.linked(tenant, subject, self.request.types, MAX_LINKED.saturating_add(1));
            self.linked.extend(linked.map_err(SearchStop::store)?);
            named.retain(|name| !self.linked.contains(name));
            let rows = inner.store.search_rows(tenant, Some(subject), &named).map_err(SearchStop::store)?;
            let mut room = Phi::new(Vec::new());
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

    /// Opens the search parts of the whole compartment, one after the other, without an allocation per row.
    fn scan(&mut self, subject: SubjectId, key: &Arc<SubjectKey>) -> Result<(), SearchStop> {
        let door = self.door;
        let mut room: Plain = Phi::new(Vec::with_capacity(1024));
        let mut linked = Vec::new();
        let started = door.now();
        let mut seen = 0_u32;
        let types = self.request.types;
        let expected = door.inner.freshness.expect(&self.caller.tenant, Some(subject), types);
        self.found = 0;
        let scanned = door.inner.store.scan_search(&self.caller.tenant, subject, types, &mut |row| {
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(1024) && door.over_budget(started) {
                self.failed = Some(SearchStop::TooCostly);
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
            match self.check(found, key, row.sealed, &mut room) {
                Ok(()) => ControlFlow::Continue(()),
                Err(stop) => {
                    self.failed = Some(stop);
                    ControlFlow::Break(())
                }
            }
        });
        scanned.map_err(SearchStop::store)?;
        if self.failed.is_none() {
            self.compare(&expected, Some(subject), self.found);
        }
        if !linked.is_empty() {
            let rows = door.inner.store.search_rows(&self.caller.tenant, None, &linked).map_err(SearchStop::store)?;
            for row in rows.into_iter().flatten() {
                self.check_row(&row, &mut room)?;
            }
        }
        Ok(())
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
        self.check(found, &key, row.sealed.as_bytes(), room)
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

    fn check(&mut self, found: Found, key: &SubjectKey, sealed: &[u8], room: &mut Plain) -> Result<(), SearchStop> {
        let Found { rtype, id, version, updated, subject } = found;
        let freshness = &self.door.inner.freshness;
        let (mark, newest) = freshness.look(&self.caller.tenant, rtype, &id);
        self.found = self.found.wrapping_add(freshness.term(mark, version));
        if let Some(newest) = newest.filter(|newest| newest.version > version) {
            self.behind.push((rtype, id, newest.version));
            return Ok(());
        }
        let place =
            Place { region: &self.door.inner.region, tenant: &self.caller.tenant, subject, rtype, id: &id, version };
        let opened = open_search(key, self.grant, self.receipt, &place, sealed, self.door.now(), room);
        let view = opened.ok().and_then(|()| SearchView::open(room.expose()).ok()).filter(|view| view.rtype() == rtype);
        let Some(view) = view else {
            return Err(SearchStop::Unreadable { rtype, id, version, subject, failure: OpenFailure::Sealed });
        };
        let facts = Facts { id: &id, updated };
        if !self.request.filters.iter().all(|filter| matches(filter, &view, facts)) {
            return Ok(());
        }
        let order = self.request.sort.iter().map(|rule| Order::of(rule, &view, facts)).collect();
        self.hits.push(Hit { rtype, id, version, subject, order, own: None });
        Ok(())
    }
}

struct Found {
    rtype: ResourceType,
    id: LogicalId,
    version: Version,
    updated: Timestamp,
    subject: SubjectId,
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

impl SearchScope {
    /// The scope of one subject.
    #[must_use]
    pub fn of_subject(subject: SubjectId) -> Self {
        if subject.is_directory() { Self::Directory } else { Self::Compartment(subject) }
    }

    fn subject(self) -> Option<SubjectId> {
        match self {
            Self::Compartment(subject) => Some(subject),
            Self::Directory | Self::Population => None,
        }
    }
}

impl SearchRequest<'_> {
    fn target(&self) -> Target {
        let rtype = match self.types {
            [one] => Some(*one),
            _ => None,
        };
        let (subject, scope) = match self.scope {
            SearchScope::Compartment(subject) => (subject, Scope::Compartment),
            SearchScope::Directory => (SubjectId::DIRECTORY, Scope::Compartment),
            SearchScope::Population => (SubjectId::DIRECTORY, Scope::Population),
        };
        Target { rtype, subject, scope }
    }

    /// The classes that are needed at most, where less than everything is wanted: those to show, and those that filters, sorting
    /// and inclusions read. What a question reads is opened to compare it, never to show it.
    pub(crate) fn searched_classes(&self) -> Option<ClassSet> {
        let wanted = self.shape.classes?.union(ClassSet::STRUCTURE);
        Some(self.parameters().fold(wanted, |all, (_, classes)| all.union(classes)))
    }

    /// The first parameter that reads, filters by or sorts by what the classes do not open.
    pub(crate) fn forbidden_parameter(&self, granted: ClassSet) -> Option<&'static str> {
        self.parameters().find(|(_, classes)| !classes.is_subset_of(granted)).map(|(code, _)| code)
    }

    fn parameters(&self) -> impl Iterator<Item = (&'static str, ClassSet)> {
        let filters = self.filters.iter().map(|filter| {
            let SearchParam { rtype, code, .. } = *filter.param;
            (code, param_classes_modified(rtype, code, filter.modifier))
        });
        let sorts = self.sort.iter().map(|rule| rule.param);
        // A reverse inclusion is a search of its own, with its own decision.
        let includes = self.include.iter().filter(|include| !include.reverse).map(|include| include.param);
        let others = sorts.chain(includes).map(|param| (param.code, param_classes(param.rtype, param.code)));
        filters.chain(others)
    }
}

impl Custodian {
    pub(crate) fn over_budget(&self, started: Timestamp) -> bool {
        let spent = self.now().0.saturating_sub(started.0);
        u128::try_from(spent).unwrap_or(0) > self.inner.search_budget.as_millis()
    }
}
