//! `GET /oauth2/userinfo`: who the token speaks for.

use crate::Api;
use crate::auth::SignedIn;
use crate::reply::json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

pub(crate) async fn get(State(api): State<Api>, SignedIn(verified): SignedIn) -> Response {
    let value = serde_json::to_value(api.identity.userinfo(&verified)).unwrap_or_default();
    json(StatusCode::OK, &value)
}
