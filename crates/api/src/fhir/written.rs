//! Answers to writes: no body unless the client prefers one, and then it is a read of its own, decided and recorded as such.

use crate::Api;
use crate::reply::{Refusal, add_receipt, disclosed, etag, http_date};
use aceso_base::Caller;
use aceso_custodian::Shape;
use aceso_repository::{Fault, ReadCall, Stored, WriteStatus};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// `Prefer: return=…` (R4 http.html, section 3.1.0.1.8).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Preferred {
    Minimal,
    Representation,
    Outcome,
}

fn preferred(headers: &HeaderMap) -> Result<Preferred, Refusal> {
    for value in headers.get_all("prefer") {
        for part in value.to_str().unwrap_or_default().split([',', ';']) {
            match part.trim() {
                "return=minimal" => return Ok(Preferred::Minimal),
                "return=representation" => return Ok(Preferred::Representation),
                "return=OperationOutcome" => return Ok(Preferred::Outcome),
                "respond-async" => {
                    return Err(
                        Fault::at(400, "not-supported", "http.Prefer", "asynchronous requests are not served").into()
                    );
                }
                _ => {}
            }
        }
    }
    Ok(Preferred::Minimal)
}

pub(super) async fn answer(
    api: &Api,
    caller: &Caller,
    headers: &HeaderMap,
    stored: Stored,
) -> Result<Response, Refusal> {
    let preferred = preferred(headers)?;
    let status = match stored.status {
        WriteStatus::Created => StatusCode::CREATED,
        WriteStatus::Ok => StatusCode::OK,
        WriteStatus::Deleted => StatusCode::NO_CONTENT,
    };
    let mut response = match preferred {
        Preferred::Representation if status != StatusCode::NO_CONTENT => {
            let call = ReadCall { rtype: stored.rtype, id: stored.id.clone(), version: None, shape: Shape::WHOLE };
            match api.repository.read(caller, &call).await {
                Ok(instance) => disclosed(status, instance.json, Some(&instance.receipt)),
                // He may write and not read: the write stands, and nothing comes back.
                Err(fault) if matches!(fault.status, 403 | 404) => status.into_response(),
                Err(fault) => return Err(fault.into()),
            }
        }
        Preferred::Outcome if status != StatusCode::NO_CONTENT => {
            let done = br#"{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational","diagnostics":"stored"}]}"#;
            disclosed(status, done.to_vec(), None)
        }
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
    if stored.receipt.is_some() {
        add_receipt(headers, stored.receipt.as_ref());
    }
    Ok(response)
}
