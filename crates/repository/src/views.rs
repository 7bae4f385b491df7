//! Records as views, for pages that render them: the same questions as over FHIR, answered without a Bundle.

use crate::scope::scope_of;
use crate::{Fault, ReadCall, Repository};
use aceso_base::{Caller, Interaction, SubjectId};
use aceso_custodian::{DoorError, Page, Position, Receipt, SearchRequest, SearchScope, Shape, SortRule, View};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::Query;

/// A question to which views are the answer.
#[derive(Clone, Debug)]
pub struct ViewsCall<'a> {
    /// The type that is searched.
    pub rtype: ResourceType,
    /// Only inside this patient.
    pub compartment: Option<SubjectId>,
    /// Search parameters and `_sort`, as in a FHIR search.
    pub pairs: &'a [(String, String)],
    /// How many at most.
    pub count: usize,
    /// Go on where a page ended: what [`Repository::next_views`] made of it, for the same caller and question.
    pub after: Option<&'a str>,
    /// What to open of each; [`Shape::classes`] narrows the grant.
    pub shape: Shape,
}

impl Repository {
    /// One record as a view.
    ///
    /// # Errors
    /// 404, 410, 403, 500 or 503 as a [`Fault`].
    pub async fn view(&self, caller: &Caller, call: &ReadCall) -> Result<(View, Receipt), Fault> {
        Ok(self.door.read(caller, call.rtype, &call.id, call.version, &call.shape).await?)
    }

    /// Records that match, as views. `None` for a compartment that is not the caller's to know of.
    ///
    /// # Errors
    /// 400 for a parameter that is unknown, malformed or not served where it is asked; 403; 503.
    pub async fn views(&self, caller: &Caller, call: &ViewsCall<'_>) -> Result<Option<Page>, Fault> {
        let query = Query::parse(call.rtype, call.pairs)?;
        let after = call.after.map(|cursor| self.place_of(caller, call, cursor)).transpose()?;
        let scope = match call.compartment {
            Some(subject) => SearchScope::Compartment(subject),
            None => scope_of(call.rtype, &query.filters)?,
        };
        let sort: Vec<SortRule> =
            query.controls.sort.iter().map(|(param, descending)| SortRule { param, descending: *descending }).collect();
        let request = SearchRequest {
            scope,
            types: &[call.rtype],
            filters: &query.filters,
            sort: &sort,
            count: call.count,
            after: after.as_ref(),
            include: &[],
            shape: &call.shape,
            interaction: Interaction::Search,
        };
        match self.door.search(caller, &request).await {
            Ok(page) => Ok(Some(page)),
            Err(DoorError::Absent { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The place after a page as one opaque text, sealed and bound to the caller and the question; `None` after the last page.
    ///
    /// # Errors
    /// 400 when the keys cannot be used.
    pub fn next_views(&self, caller: &Caller, call: &ViewsCall<'_>, page: &Page) -> Result<Option<String>, Fault> {
        let text = |next| self.cursor_text(caller, &place(call), call.pairs, next);
        page.next.as_ref().map(text).transpose()
    }

    fn place_of(&self, caller: &Caller, call: &ViewsCall<'_>, cursor: &str) -> Result<Position, Fault> {
        let continued = self.continued(caller, &place(call), cursor)?;
        if continued.pairs != call.pairs {
            return Err(Fault::at(400, "value", "http._cursor", "the page is one of another question"));
        }
        Ok(continued.position)
    }
}

/// What a cursor is bound to beside its caller.
fn place(call: &ViewsCall<'_>) -> String {
    let inside = call.compartment.map(|subject| subject.to_string()).unwrap_or_default();
    format!("views/{}/{inside}", call.rtype.name())
}
