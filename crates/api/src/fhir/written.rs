//! Answers to writes: no body unless the client prefers one, and then it is a read of its own, decided and recorded as such.

use super::parts::single;
use crate::Api;
use crate::reply::{Refusal, add_receipt, disclosed, etag, http_date};
use aceso_base::Caller;
use aceso_custodian::{Receipt, Shape};
use aceso_repository::{Fault, ReadCall, Stored, WriteStatus, stored_outcome};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// `Prefer: return=…` (R4 http.html, section 3.1.0.1.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Preferred {
    Minimal,
    Representation,
    Outcome,
}

const PREFER: HeaderName = HeaderName::from_static("prefer");

impl Preferred {
    /// Reads the header, before anything is done. `handling` is about unknown search parameters and has no meaning for a write.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let Some(value) = single(headers, &PREFER)? else { return Ok(Self::Minimal) };
        let mut preferred = Self::Minimal;
        for part in value.split([',', ';']).map(str::trim) {
            preferred = match part {
                "return=minimal" => Self::Minimal,
                "return=representation" => Self::Representation,
                "return=OperationOutcome" => Self::Outcome,
                "handling=strict" | "handling=lenient" => preferred,
                _ => {
                    let text = "one of return=minimal, return=representation, return=OperationOutcome";
                    return Err(Fault::at(400, "not-supported", "http.Prefer", text).into());
                }
            };
        }
        Ok(preferred)
    }
}

/// The answer to a write that was done.
pub(super) async fn answer(api: &Api, caller: &Caller, preferred: Preferred, stored: Stored) -> Response {
    let status = match stored.status {
        WriteStatus::Created => StatusCode::CREATED,
        WriteStatus::Ok => StatusCode::OK,
        WriteStatus::Deleted => StatusCode::NO_CONTENT,
    };
    let mut response = match preferred {
        Preferred::Representation if status != StatusCode::NO_CONTENT => {
            representation(api, caller, status, &stored).await
        }
        Preferred::Outcome if status != StatusCode::NO_CONTENT => disclosed(status, stored_outcome(&stored), None),
        _ => status.into_response(),
    };
    let settings = api.repository.settings();
    let location = format!("{}/{}/{}/_history/{}", settings.base_url, stored.rtype.name(), stored.id, stored.version);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(location) = HeaderValue::from_str(&location)
        && stored.status != WriteStatus::Deleted
    {
        headers.insert(header::LOCATION, location);
    }
    if let Some(tag) = etag(stored.version.0) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(date) = stored.updated.and_then(http_date) {
        headers.insert(header::LAST_MODIFIED, date);
    }
    add_receipt(headers, Some(&stored.receipt));
    response
}

/// 204 for a delete that had nothing to do.
pub(super) fn nothing(receipt: &Receipt) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add_receipt(response.headers_mut(), Some(receipt));
    response
}

/// Exactly the version that was written. Whoever may write and not read gets the status alone: the write stands.
async fn representation(api: &Api, caller: &Caller, status: StatusCode, stored: &Stored) -> Response {
    let (rtype, id) = (stored.rtype, stored.id.clone());
    let call = ReadCall { rtype, id, version: Some(stored.version), shape: Shape::WHOLE };
    match api.repository.read(caller, &call).await {
        Ok(instance) => disclosed(status, instance.json, Some(&instance.receipt)),
        Err(_) => status.into_response(),
    }
}
