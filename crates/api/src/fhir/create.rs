//! `POST /fhir/R4/{type}`: create and conditional create.

use super::parts::{check_accept, json_body, resource_type};
use super::written;
use crate::Api;
use crate::auth::Asking;
use crate::reply::Refusal;
use aceso_repository::Fault;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

pub(crate) async fn post(
    State(api): State<Api>,
    Asking(caller): Asking,
    Path(rtype): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_accept(&headers)?;
    let rtype = resource_type(&rtype)?;
    let body = json_body(&api, &headers, body).await?;
    let condition = headers
        .get("if-none-exist")
        .map(|value| value.to_str().map_err(|_| Fault::at(400, "value", "http.If-None-Exist", "not readable text")))
        .transpose()?;
    let stored =
        api.repository.create(&caller, rtype, body, condition.map(|query| query.trim_start_matches('?'))).await?;
    written::answer(&api, &caller, &headers, stored).await
}
