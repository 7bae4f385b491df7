//! `Patient/[id]/$everything` (R4 patient-operation-everything.html).

use crate::cursor::{format_of, in_format};
use crate::page::{Answer, count_of};
use crate::scope::in_compartment;
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId};
use aceso_custodian::{SearchRequest, SearchScope, Shape};
use aceso_fhir::Format;
use aceso_fhir::definitions::ResourceType;

impl Repository {
    /// All records of one patient's compartment, page by page. `pairs` may hold `_count`, `_type` and `_cursor`.
    ///
    /// # Errors
    /// 400 for other parameters, 403, 404 or 503 as a [`Fault`].
    pub async fn everything(
        &self,
        caller: &Caller,
        id: &LogicalId,
        pairs: &[(String, String)],
    ) -> Result<Answer, Fault> {
        let subject = SubjectId::of_patient(id.as_str()).ok_or_else(Fault::not_found)?;
        let place = format!("Patient/{subject}/$everything");
        let continued = self.continued_by(caller, &place, pairs)?;
        let format = in_format(format_of(pairs));
        let (pairs, after) = match &continued {
            Some(continued) => (continued.pairs.as_slice(), Some(&continued.position)),
            None => (pairs, None),
        };
        let asked = Asked::read(pairs)?;
        let request = SearchRequest {
            scope: SearchScope::Compartment(subject),
            types: &asked.types,
            filters: &[],
            sort: &[],
            count: self.page_size(asked.count),
            after,
            include: &[],
            shape: &Shape::WHOLE,
            interaction: Interaction::Everything,
        };
        let page = self.door.search(caller, &request).await?;
        if page.total == 0 && asked.types.is_empty() {
            return Err(Fault { receipt: Some(page.receipt), ..Fault::not_found() });
        }
        let base = &self.settings.base_url;
        let mut links = vec![("self", format!("{base}/{place}"))];
        if let Some(next) = &page.next {
            let cursor = self.cursor_text(caller, &place, pairs, next)?;
            links.push(("next", format!("{base}/{place}?_cursor={cursor}{format}")));
        }
        Ok(self.page(page, &links))
    }
}

#[derive(Default)]
struct Asked {
    count: Option<u32>,
    types: Vec<ResourceType>,
}

impl Asked {
    fn read(pairs: &[(String, String)]) -> Result<Self, Fault> {
        let mut asked = Self::default();
        for (at, (name, value)) in pairs.iter().enumerate() {
            match name.as_str() {
                "_count" if asked.count.is_none() => asked.count = Some(count_of(value)?),
                "_type" if asked.types.is_empty() => {
                    for name in value.split(',') {
                        let rtype = ResourceType::parse(name)
                            .filter(|rtype| in_compartment(*rtype))
                            .ok_or_else(|| Fault::at(400, "value", "http._type", "not types of a patient's records"))?;
                        asked.types.push(rtype);
                    }
                }
                "_format" if Format::of_parameter(value).is_some() => {}
                _ => {
                    let place = format!("http.parameter[{}]", at + 1);
                    return Err(Fault::at(
                        400,
                        "not-supported",
                        place,
                        "not a parameter of $everything on this server",
                    ));
                }
            }
        }
        Ok(asked)
    }
}
