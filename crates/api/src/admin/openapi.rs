//! `GET /admin/v1/openapi.json`: what is described there is what is served, which tests hold.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

/// The description of `/admin/v1` (OpenAPI 3.1).
pub const DOCUMENT: &str = include_str!("openapi.json");

pub(crate) async fn get() -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], DOCUMENT).into_response()
}
