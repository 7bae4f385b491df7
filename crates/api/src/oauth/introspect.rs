//! `POST /oauth2/introspect` (RFC 7662).

use super::form::{Form, OAuthRefusal, bad_request};
use super::revoke::client;
use crate::Api;
use crate::reply::json;
use crate::request_id::Stamped;
use aceso_identity::Secret;
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
    let token = form.take("token").map(Secret::from).ok_or_else(|| bad_request("token is needed"))?;
    let auth = client(&mut form, request)?;
    let found = api.identity.introspect(&auth, &token).await?;
    let value = serde_json::to_value(found).map_err(|_| bad_request("not answerable"))?;
    Ok(json(StatusCode::OK, &value))
}
