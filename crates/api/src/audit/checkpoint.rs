//! `GET /audit/checkpoint`: the signed head (C2SP tlog-checkpoint).

use super::admit;
use crate::Api;
use crate::auth::Asking;
use crate::fhir::parts::no_parameters;
use crate::reply::{Refusal, add_receipt};
use aceso_repository::Fault;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

pub(crate) async fn get(State(api): State<Api>, Asking(caller): Asking, uri: Uri) -> Result<Response, Refusal> {
    no_parameters(&uri)?;
    let receipt = admit(&api, &caller, "checkpoint").await?;
    let note = api.repository.door().checkpoint().ok_or_else(|| Fault::new(503, "transient", "no checkpoint yet"))?;
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    let mut response = (headers, note).into_response();
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}
