//! From a bearer token and a purpose header to the caller of the request.

use crate::Api;
use crate::fhir::parts::single;
use crate::refused::Who;
use crate::reply::Refusal;
use crate::request_id::Stamped;
use aceso_base::{Caller, Purpose};
use aceso_identity::Verified;
use aceso_repository::Fault;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use std::sync::Arc;

/// Who asks, and why.
pub(crate) struct Asking(pub(crate) Caller);

/// Who asks, where no purpose of use matters.
pub(crate) struct SignedIn(pub(crate) Arc<Verified>);

impl FromRequestParts<Api> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        verified(&parts.headers, api, stamped(parts)).map(Self)
    }
}

impl FromRequestParts<Api> for Asking {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let stamped = stamped(parts);
        let verified = verified(&parts.headers, api, stamped)?;
        let purpose = purpose(&parts.headers, api, &verified);
        if let Some(stamped) = stamped {
            stamped.asker.is(Who::Known(Arc::clone(&verified), purpose.as_ref().ok().copied()));
        }
        let request = stamped.map_or_else(|| api.rng.token16(), |stamped| stamped.id);
        Ok(Self(verified.caller(purpose?, request)))
    }
}

fn stamped(parts: &Parts) -> Option<&Stamped> {
    parts.extensions.get::<Stamped>()
}

fn verified(headers: &HeaderMap, api: &Api, stamped: Option<&Stamped>) -> Result<Arc<Verified>, Refusal> {
    let doubtful = |why: &'static str| {
        if let Some(stamped) = stamped {
            stamped.asker.is(Who::Doubtful(why));
        }
    };
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let only = match (given.next(), given.next()) {
        (Some(only), None) => only,
        (Some(_), Some(_)) => {
            doubtful("several-credentials");
            return Err(unauthorized("security", "more than one Authorization header"));
        }
        (None, _) => return Err(unauthorized("login", "an Authorization header with a bearer token is needed")),
    };
    let Some(bearer) = only.to_str().ok().and_then(strip_bearer) else {
        doubtful("not-a-bearer-token");
        return Err(unauthorized("security", "an Authorization header with a bearer token is needed"));
    };
    api.identity.verify(bearer).map_err(|error| {
        tracing::info!(code = error.code(), "token refused");
        doubtful(error.code());
        unauthorized("security", "the access token is not valid")
    })
}

fn strip_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(code: &'static str, text: &'static str) -> Refusal {
    Refusal(Fault::new(401, code, text))
}

/// The purpose asked for, or the default of the role. Whether the role may act for it is the policy's decision, so that a refusal
/// is in the log.
fn purpose(headers: &HeaderMap, api: &Api, verified: &Verified) -> Result<Purpose, Refusal> {
    let engine = api.repository.door().engine();
    if headers.contains_key(&BREAK_GLASS_REASON) {
        let text = "emergency access by a reason of one's own is not served: send the request without this header";
        return Err(Refusal(Fault::at(400, "not-supported", "http.X-Break-Glass-Reason", text)));
    }
    match single(headers, &PURPOSE_OF_USE)? {
        Some(value) => Purpose::parse(value).ok_or_else(|| {
            Refusal(Fault::at(400, "value", "http.X-Purpose-Of-Use", "not a purpose of use that this server knows"))
        }),
        None => engine
            .default_purpose(verified.roles)
            .ok_or_else(|| Refusal(Fault::new(403, "forbidden", "the account has no role, so no purpose of use"))),
    }
}

/// Asks for more than role and purpose open. Nobody may believe that his reason was taken when it was not.
const BREAK_GLASS_REASON: HeaderName = HeaderName::from_static("x-break-glass-reason");
const PURPOSE_OF_USE: HeaderName = HeaderName::from_static("x-purpose-of-use");
