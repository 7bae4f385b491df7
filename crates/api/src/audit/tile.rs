//! `GET /audit/tile/…`: hash tiles and entry bundles (C2SP tlog-tiles). They hold salted commitments, no health data.

use super::admit;
use crate::Api;
use crate::auth::Asking;
use crate::fhir::parts::{InPath, no_parameters};
use crate::reply::{Refusal, add_receipt};
use aceso_repository::Fault;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

pub(crate) async fn get(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(path): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    no_parameters(&uri)?;
    let receipt = admit(&api, &caller, "tile").await?;
    let tile = api
        .repository
        .door()
        .tile(&format!("tile/{path}"))
        .map_err(|_| Fault::new(404, "not-found", "the log has no such tile"))?;
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "no-store")];
    let mut response = (headers, tile).into_response();
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}
