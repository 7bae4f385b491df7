//! `GET /fhir/R4/metadata`: what the server can do. Needs no token and holds nothing of a record.

use crate::Api;
use crate::reply::FHIR_JSON;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

pub(crate) async fn get(State(api): State<Api>) -> Response {
    ([(CONTENT_TYPE, FHIR_JSON)], api.capability.to_vec()).into_response()
}
