//! `POST /oauth2/token` (RFC 6749 section 3.2).

use super::form::{Form, OAuthRefusal, bad_request};
use crate::Api;
use crate::reply::json;
use crate::request_id::Stamped;
use aceso_identity::{Secret, TokenRequest};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

pub(crate) async fn post(
    State(api): State<Api>,
    Extension(Stamped { id: request, .. }): Extension<Stamped>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, OAuthRefusal> {
    let mut form = Form::read(&headers, body).await?;
    let grant_type = form.take("grant_type").ok_or_else(|| bad_request("grant_type is needed"))?;
    let request = TokenRequest {
        grant_type,
        username: form.take("username"),
        password: form.take("password").map(Secret::from),
        refresh_token: form.take("refresh_token").map(Secret::from),
        scope: form.take("scope"),
        client_id: form.client_id.take(),
        client_secret: form.client_secret.take(),
        request: Some(request),
    };
    let token = api.identity.token(request).await?;
    Ok(json(StatusCode::OK, &token.to_json()))
}
