//! `GET /fhir/R4/{type}`, `POST …/_search`, and the same inside a patient's compartment.

use super::parts::{InPath, check_format, form_pairs, logical_id, pairs, resource_type};
use crate::Api;
use crate::auth::Asking;
use crate::format::Wanted;
use crate::reply::{Refusal, disclosed};
use aceso_base::{Caller, SubjectId};
use aceso_repository::{Fault, SearchCall};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

type Pairs = Vec<(String, String)>;

pub(crate) async fn get(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(rtype): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    answer(&api, &caller, &rtype, None, pairs(&uri)?, true).await
}

pub(crate) async fn post(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(rtype): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let pairs = form_pairs(&api, &headers, &uri, body).await?;
    let wanted = Wanted::by(&headers, &pairs)?;
    Ok(wanted.mark(answer(&api, &caller, &rtype, None, pairs, false).await))
}

pub(crate) async fn get_compartment(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((owner, id, rtype)): InPath<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    let subject = compartment(&owner, &id)?;
    answer(&api, &caller, &rtype, Some(subject), pairs(&uri)?, true).await
}

pub(crate) async fn post_compartment(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((owner, id, rtype)): InPath<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let subject = compartment(&owner, &id)?;
    let pairs = form_pairs(&api, &headers, &uri, body).await?;
    let wanted = Wanted::by(&headers, &pairs)?;
    Ok(wanted.mark(answer(&api, &caller, &rtype, Some(subject), pairs, false).await))
}

fn compartment(owner: &str, id: &str) -> Result<SubjectId, Refusal> {
    if owner != "Patient" {
        return Err(Fault::new(404, "not-supported", "compartments are served for Patient only").into());
    }
    let id = logical_id(id)?;
    SubjectId::of_patient(id.as_str()).ok_or_else(|| Fault::new(404, "not-found", "there is no such record").into())
}

async fn answer(
    api: &Api,
    caller: &Caller,
    rtype: &str,
    compartment: Option<SubjectId>,
    pairs: Pairs,
    by_url: bool,
) -> Result<Response, Refusal> {
    let call = SearchCall { rtype: resource_type(rtype)?, compartment, pairs, by_url };
    let page = api.repository.search(caller, &call).await?;
    Ok(disclosed(StatusCode::OK, page.json, Some(&page.receipt)))
}
