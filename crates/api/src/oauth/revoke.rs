//! `POST /oauth2/revoke` (RFC 7009): works on the next request.

use super::form::{Form, OAuthRefusal, bad_request};
use crate::Api;
use crate::request_id::Stamped;
use aceso_base::RequestId;
use aceso_identity::{ClientAuth, Secret};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

pub(crate) async fn post(
    State(api): State<Api>,
    Extension(Stamped { id: request, .. }): Extension<Stamped>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, OAuthRefusal> {
    let mut form = Form::read(&headers, body).await?;
    let token = form.take("token").map(Secret::from).ok_or_else(|| bad_request("token is needed"))?;
    let auth = client(&mut form, request)?;
    api.identity.revoke(&auth, &token).await?;
    Ok(StatusCode::OK.into_response())
}

pub(super) fn client(form: &mut Form, request: RequestId) -> Result<ClientAuth, OAuthRefusal> {
    let id = form.client_id.take().ok_or_else(|| bad_request("client_id is needed"))?;
    Ok(ClientAuth { id, secret: form.client_secret.take(), request: Some(request) })
}
