//! Searches: which part of the store a question is about, and the page that answers it.

use crate::cursor::{format_of, in_format};
use crate::page::{Answer, BundleWriter};
use crate::scope::{in_compartment, scope_of};
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction, SubjectId};
use aceso_custodian::{DoorError, Inclusion, SearchRequest, SearchScope, Shape, SortRule, Summary};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::{Controls, Query};
use aceso_labels::{Holds, holds};

/// One search as it came.
#[derive(Clone, Debug)]
pub struct SearchCall {
    /// The type that is searched.
    pub rtype: ResourceType,
    /// Only inside this patient (`Patient/[id]/[type]`).
    pub compartment: Option<SubjectId>,
    /// Decoded names and values, in order.
    pub pairs: Vec<(String, String)>,
    /// Whether the parameters came in the URL: then the `self` link may repeat them.
    pub by_url: bool,
}

impl Repository {
    /// search-type (R4 http.html, section 3.1.0.9; search.html).
    ///
    /// # Errors
    /// 400 for a parameter that is unknown, malformed or not served where it is asked; 403; 503.
    pub async fn search(&self, caller: &Caller, call: &SearchCall) -> Result<Answer, Fault> {
        let answer = self.search_or_check(caller, call, false).await?;
        answer.ok_or_else(|| Fault::new(500, "exception", "a search that was only checked"))
    }

    /// Whether a search would be answered, as far as its form and the rules tell: decided and recorded, nothing opened.
    pub(crate) async fn check_search(&self, caller: &Caller, call: &SearchCall) -> Result<(), Fault> {
        self.search_or_check(caller, call, true).await.map(|_| ())
    }

    async fn search_or_check(&self, caller: &Caller, call: &SearchCall, ahead: bool) -> Result<Option<Answer>, Fault> {
        let place = call.place();
        let continued = self.continued_by(caller, &place, &call.pairs)?;
        let (pairs, after) = match &continued {
            Some(continued) => (&continued.pairs, Some(&continued.position)),
            None => (&call.pairs, None),
        };
        let query = Query::parse(call.rtype, pairs)?;
        let scope = match call.compartment {
            Some(subject) if in_compartment(call.rtype) => SearchScope::Compartment(subject),
            Some(_) => {
                return Err(Fault::new(404, "not-supported", "records of this type are in no patient's compartment"));
            }
            None => scope_of(call.rtype, &query.filters)?,
        };
        if query.controls.pretty {
            return Err(Fault::at(400, "not-supported", "http._pretty", "answers are not indented"));
        }
        let count = match query.controls.summary {
            Some(aceso_fhir::search::Summary::Count) => 0,
            _ => self.page_size(query.controls.count),
        };
        let shape = shape_of(&query.controls);
        let request = SearchRequest {
            scope,
            types: &[call.rtype],
            filters: &query.filters,
            sort: &sort_rules(&query.controls),
            count,
            after,
            include: &inclusions(&query.controls, scope)?,
            shape: &shape,
            interaction: Interaction::Search,
        };
        if ahead {
            return match self.door.check_search(caller, &request).await {
                Ok(_) | Err(DoorError::Absent { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        let page = match self.door.search(caller, &request).await {
            // A compartment that is not the caller's to know of looks like an empty one.
            Err(DoorError::Absent { receipt }) => {
                let links = [("self", self.self_link(call))];
                return Ok(Some(Answer { json: BundleWriter::new("searchset", Some(0), &links).finish(), receipt }));
            }
            other => other?,
        };
        let mut links = vec![("self", self.self_link(call))];
        if let Some(next) = &page.next {
            let cursor = self.cursor_text(caller, &place, pairs, next)?;
            let format = in_format(format_of(&call.pairs));
            links.push(("next", format!("{}/{place}?_cursor={cursor}{format}", self.settings.base_url)));
        }
        Ok(Some(self.page(page, &links)))
    }

    fn self_link(&self, call: &SearchCall) -> String {
        let mut url = format!("{}/{}", self.settings.base_url, call.place());
        if call.by_url {
            for (at, (name, value)) in call.pairs.iter().enumerate() {
                url.push(if at == 0 { '?' } else { '&' });
                push_encoded(name, &mut url);
                url.push('=');
                // The link tells what was done (R4 search.html#conformance).
                match value.parse() {
                    Ok(asked) if name == "_count" => url.push_str(&self.page_size(Some(asked)).to_string()),
                    _ => push_encoded(value, &mut url),
                }
            }
        }
        url
    }
}

impl SearchCall {
    fn place(&self) -> String {
        match self.compartment {
            Some(subject) => format!("Patient/{subject}/{}", self.rtype.name()),
            None => self.rtype.name().to_owned(),
        }
    }
}

/// Percent-encodes what is not unreserved (RFC 3986 section 2.3).
pub(crate) fn push_encoded(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:,/|".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn sort_rules(controls: &Controls) -> Vec<SortRule> {
    controls.sort.iter().map(|(param, descending)| SortRule { param, descending: *descending }).collect()
}

pub(crate) fn shape_of(controls: &Controls) -> Shape {
    let elements =
        (!controls.elements.is_empty()).then(|| controls.elements.iter().map(|name| (*name).to_owned()).collect());
    let summary = controls.summary.and_then(|summary| match summary {
        aceso_fhir::search::Summary::True => Some(Summary::True),
        aceso_fhir::search::Summary::Text => Some(Summary::Text),
        aceso_fhir::search::Summary::Data => Some(Summary::Data),
        aceso_fhir::search::Summary::Count | aceso_fhir::search::Summary::False => None,
    });
    Shape { elements, summary, ..Shape::WHOLE }
}

fn inclusions(controls: &Controls, scope: SearchScope) -> Result<Vec<Inclusion>, Fault> {
    let of = |reverse: bool, list: &[aceso_fhir::search::Include]| -> Result<Vec<Inclusion>, Fault> {
        let name = if reverse { "http._revinclude" } else { "http._include" };
        list.iter()
            .map(|include| {
                if include.iterate {
                    return Err(Fault::at(400, "not-supported", name, "the modifier iterate is not supported"));
                }
                if reverse && scope == SearchScope::Directory && holds(include.source) == Holds::Patients {
                    let text = "records of patients that refer to the directory are served inside one patient only";
                    return Err(Fault::at(400, "not-supported", name, text));
                }
                let (source, param, target) = (include.source, include.param, include.target);
                Ok(Inclusion { source, param, target, reverse })
            })
            .collect()
    };
    let mut all = of(false, &controls.include)?;
    all.extend(of(true, &controls.revinclude)?);
    Ok(all)
}
