//! `GET /oauth2/jwks` (RFC 7517): the public keys of access tokens.

use crate::Api;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

pub(crate) async fn get(State(api): State<Api>) -> Response {
    ([(CONTENT_TYPE, "application/jwk-set+json")], api.identity.jwks().to_string()).into_response()
}
