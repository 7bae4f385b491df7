//! `POST /fhir/R4/{type}`: create and conditional create.

use super::parts::{InPath, check_format, no_parameters, of_body, refuse_header, resource_body, resource_type, single};
use super::written::{self, Preferred};
use crate::Api;
use crate::auth::Asking;
use crate::reply::Refusal;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use axum::response::Response;

pub(super) const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

pub(crate) async fn post(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(rtype): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    no_parameters(&uri)?;
    refuse_header(&headers, &header::IF_MATCH)?;
    refuse_header(&headers, &header::IF_NONE_MATCH)?;
    let preferred = Preferred::of(&headers)?;
    let rtype = resource_type(&rtype)?;
    let condition = single(&headers, &IF_NONE_EXIST)?.map(|query| query.trim_start_matches('?'));
    let (body, format) = resource_body(&api, &headers, body).await?;
    let stored = api.repository.create(&caller, rtype, body, condition).await;
    let stored = stored.map_err(|fault| of_body(fault, format))?;
    Ok(written::answer(&api, &caller, preferred, stored).await)
}
