//! `POST /fhir/R4`: batch and transaction.

use super::parts::{check_accept, json_body};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

pub(crate) async fn post(
    State(api): State<Api>,
    Asking(caller): Asking,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_accept(&headers)?;
    let body = json_body(&api, &headers, body).await?;
    let answer = api.repository.bundle(&caller, body).await?;
    Ok(disclosed(StatusCode::OK, answer.json, answer.receipt.as_ref()))
}
