//! `PUT /fhir/R4/{type}/{id}` and `PUT /fhir/R4/{type}?…`: update and conditional update.

use super::parts::{check_accept, json_body, resource_type};
use super::written;
use crate::Api;
use crate::auth::Asking;
use crate::reply::Refusal;
use aceso_base::{Caller, LogicalId, Version};
use aceso_repository::{Fault, UpdateCall, parse_etag};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;

pub(crate) async fn put(
    State(api): State<Api>,
    Asking(caller): Asking,
    Path((rtype, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let id = LogicalId::parse(&id).map_err(|_| Fault::at(400, "value", "id", "the id in the URL is not a FHIR id"))?;
    answer(&api, &caller, &rtype, Some(id), None, &headers, body).await
}

pub(crate) async fn put_conditional(
    State(api): State<Api>,
    Asking(caller): Asking,
    Path(rtype): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    answer(&api, &caller, &rtype, None, Some(uri.query().unwrap_or_default()), &headers, body).await
}

async fn answer(
    api: &Api,
    caller: &Caller,
    rtype: &str,
    id: Option<LogicalId>,
    condition: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_accept(headers)?;
    let rtype = resource_type(rtype)?;
    let if_match = if_match(headers)?;
    let body = json_body(api, headers, body).await?;
    let stored = api.repository.update(caller, UpdateCall { rtype, id, condition, if_match, body }).await?;
    written::answer(api, caller, headers, stored).await
}

pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Version>, Refusal> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    Ok(Some(parse_etag(value.to_str().unwrap_or_default())?))
}
