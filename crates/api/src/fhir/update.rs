//! `PUT /fhir/R4/{type}/{id}` and `PUT /fhir/R4/{type}?…`: update and conditional update.

use super::create::IF_NONE_EXIST;
use super::parts::{InPath, check_format, no_parameters, of_body, refuse_header, resource_body, resource_type, single};
use super::written::{self, Preferred};
use crate::Api;
use crate::auth::Asking;
use crate::reply::Refusal;
use aceso_base::{Caller, LogicalId, Version};
use aceso_repository::{Fault, UpdateCall, parse_etag};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;

pub(crate) async fn put(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    no_parameters(&uri)?;
    let id = LogicalId::parse(&id).map_err(|_| Fault::at(400, "value", "id", "the id in the URL is not a FHIR id"))?;
    answer(&api, &caller, &rtype, Some(id), None, &headers, body).await
}

pub(crate) async fn put_conditional(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(rtype): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
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
    refuse_header(headers, &IF_NONE_EXIST)?;
    refuse_header(headers, &header::IF_NONE_MATCH)?;
    let preferred = Preferred::of(headers)?;
    let rtype = resource_type(rtype)?;
    let if_match = if_match(headers)?;
    let (body, format) = resource_body(api, headers, body).await?;
    let call = UpdateCall { rtype, id, condition, if_match, body };
    let stored = api.repository.update(caller, call).await.map_err(|fault| of_body(fault, format))?;
    Ok(written::answer(api, caller, preferred, stored).await)
}

pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Version>, Refusal> {
    Ok(single(headers, &header::IF_MATCH)?.map(|tag| parse_etag(tag, "http.If-Match")).transpose()?)
}
