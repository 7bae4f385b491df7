//! Searching: plan, record, open the small search parts, check every candidate exactly, then open only what is shown.
//!
//! Two entries stand in the log for one search: the first before any search part is opened (who asked for what), the
//! second before any record is opened (which records are shown). Where every search part is open already, one entry says both
//! (`at_hand`). No candidate is shown unchecked, so truncated tokens and other false hits cost time, never correctness.
//!
//! `candidates` finds and checks, `opened` remembers search parts that are open already, `lookup` shares with other processes what index
//! tokens led to, `show` opens what is shown.

mod at_hand;
mod candidates;
mod lookup;
mod opened;
mod show;
mod watch;

pub(crate) use candidates::{Candidates, GrantedHits, Hit, Name, SearchStop};
pub(crate) use lookup::Lookup;
pub(crate) use opened::OpenedTypes;

use crate::cursor::Position;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::include::Inclusion;
use crate::linked::LEFT_OUT;
use crate::open::OpenFailure;
use crate::view::{Shape, View};
use aceso_audit::{Entry, Outcome, Receipt};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::{Filter, SearchParam};
use aceso_labels::{ClassSet, param_classes, param_classes_modified};
use aceso_policy::{Decision, Grant, Scope, Target};
use candidates::Hits;
use show::{Chosen, Searched};

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

impl Custodian {
    /// Searches.
    ///
    /// # Errors
    /// [`DoorError::Forbidden`] when the role may not search there, [`DoorError::ParameterForbidden`] for a parameter that reads
    /// elements which the caller may not see, [`DoorError::TooCostly`], [`DoorError::Unreadable`], [`DoorError::Unavailable`].
    /// A compartment that is not the caller's to know of answers like an empty one ([`DoorError::Absent`]).
    pub async fn search(&self, caller: &Caller, request: &SearchRequest<'_>) -> Result<Page, DoorError> {
        if let Some((grant, hits)) = self.hits_at_hand(caller, request) {
            return self.show(caller, Searched::AtHand(&grant), request, chosen(request, &hits)).await;
        }
        let (grant, receipt) = self.admit_search(caller, request).await?;
        let hits = self.hits(caller, &grant, &receipt, request).await?;
        self.show(caller, Searched::Recorded(&grant, &receipt), request, chosen(request, &hits)).await
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
        let entry = request.asked(Entry::by(caller, request.interaction));
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

/// The page that is asked for.
fn chosen<'h>(request: &SearchRequest<'_>, Hits { hits, left_out }: &'h Hits) -> Chosen<'h> {
    let start = request.after.map_or(0, |after| after.start(hits, request.sort.is_empty()));
    let shown: &[Hit] = hits.get(start..).unwrap_or_default();
    let page = shown.get(..request.count.min(shown.len())).unwrap_or_default();
    let next = page.last().filter(|_| page.len() < shown.len());
    let next = next.map(|last| Position::after(start.saturating_add(page.len()), last));
    Chosen { page, next, total: hits.len(), left_out: *left_out }
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
    /// What was asked for, as the log has it.
    fn asked(&self, entry: Entry) -> Entry {
        entry.with_parameters(self.parameter_names()).with_subjects(self.scope.subject())
    }

    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &'static str> {
        self.filters.iter().map(|filter| filter.param.code)
    }

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
