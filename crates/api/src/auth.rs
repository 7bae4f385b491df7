//! From a bearer token and a purpose header to the caller of the request.

use crate::Api;
use crate::reply::Refusal;
use crate::request_id::Stamped;
use aceso_base::{Caller, Purpose};
use aceso_identity::Verified;
use aceso_repository::Fault;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use std::sync::Arc;

/// Who asks, and why.
pub(crate) struct Asking(pub(crate) Caller);

/// Who asks, where no purpose of use matters.
pub(crate) struct SignedIn(pub(crate) Arc<Verified>);

impl FromRequestParts<Api> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        verified(&parts.headers, api).map(Self)
    }
}

impl FromRequestParts<Api> for Asking {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let verified = verified(&parts.headers, api)?;
        let purpose = purpose(&parts.headers, api, &verified)?;
        let request = parts.extensions.get::<Stamped>().map_or_else(|| api.rng.token16(), |stamped| stamped.0);
        Ok(Self(verified.caller(purpose, request)))
    }
}

fn verified(headers: &HeaderMap, api: &Api) -> Result<Arc<Verified>, Refusal> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let bearer = match (given.next(), given.next()) {
        (Some(only), None) => only.to_str().ok().and_then(strip_bearer),
        (Some(_), Some(_)) => return Err(unauthorized("more than one Authorization header")),
        (None, _) => None,
    };
    let bearer = bearer.ok_or_else(|| unauthorized("an Authorization header with a bearer token is needed"))?;
    api.identity.verify(bearer).map_err(|error| {
        tracing::info!(code = error.code(), "token refused");
        unauthorized("the access token is not valid")
    })
}

fn strip_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(text: &'static str) -> Refusal {
    Refusal(Fault::new(401, "login", text))
}

/// The purpose asked for, or the default of the role. Whether the role may act for it is the policy's decision, so that a refusal
/// is in the log.
fn purpose(headers: &HeaderMap, api: &Api, verified: &Verified) -> Result<Purpose, Refusal> {
    let engine = api.repository.door().engine();
    match headers.get("x-purpose-of-use") {
        Some(value) => value.to_str().ok().and_then(Purpose::parse).ok_or_else(|| {
            Refusal(Fault::at(400, "value", "http.X-Purpose-Of-Use", "not a purpose of use that this server knows"))
        }),
        None => engine
            .default_purpose(verified.roles)
            .ok_or_else(|| Refusal(Fault::new(403, "forbidden", "the account has no role, so no purpose of use"))),
    }
}
