//! Answers: headers that every answer about records has, and faults as OperationOutcomes.

use crate::refused::Unrecorded;
use aceso_custodian::Receipt;
use aceso_repository::{Fault, OutcomeIssue, operation_outcome};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const AUDIT_RECEIPT: HeaderName = HeaderName::from_static("x-audit-receipt");

/// FHIR JSON that discloses something: never cached, with the proof of its entry in the log.
pub(crate) fn disclosed(status: StatusCode, json: Vec<u8>, receipt: Option<&Receipt>) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    add_receipt(headers, receipt);
    response
}

pub(crate) fn add_receipt(headers: &mut HeaderMap, receipt: Option<&Receipt>) {
    if let Some(value) = receipt.and_then(|receipt| HeaderValue::from_str(&receipt.header()).ok()) {
        headers.insert(AUDIT_RECEIPT, value);
    }
}

/// A fault as an answer.
pub(crate) struct Refusal(pub(crate) Fault);

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(fault) = self;
        let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = disclosed(status, operation_outcome(&fault), fault.receipt.as_ref());
        let headers = response.headers_mut();
        let code = fault.issues.first().map_or("exception", |issue| issue.code);
        if status == StatusCode::UNAUTHORIZED {
            // Without a token there is no error to name (RFC 6750 section 3.1).
            let challenge = if code == "login" { "Bearer" } else { "Bearer error=\"invalid_token\"" };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(tag) = fault.gone_version.and_then(etag) {
            headers.insert(header::ETAG, tag);
        }
        // What the log cannot take, it is not asked to take again.
        if fault.receipt.is_none() && status != StatusCode::SERVICE_UNAVAILABLE {
            response.extensions_mut().insert(Unrecorded(code));
        }
        response.extensions_mut().insert(Told(fault.issues));
        response
    }
}

/// The issues of a refusal, for those who do not read OperationOutcomes; travels in the response's extensions.
#[derive(Clone)]
struct Told(Vec<OutcomeIssue>);

/// A refusal as problem details (RFC 9457), where FHIR is not spoken. Other answers stay as they are.
pub(crate) fn as_problem(mut response: Response) -> Response {
    let Some(Told(issues)) = response.extensions_mut().remove::<Told>() else { return response };
    let status = response.status();
    let first = issues.first();
    let code = first.map_or("exception", |issue| issue.code);
    let mut problem = serde_json::json!({
        "type": format!("urn:aceso:problem:{code}"),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "code": code,
        "detail": first.map_or("", |issue| issue.diagnostics.as_ref()),
    });
    let places = issues.iter().filter_map(|issue| {
        let pointer = issue.expression.as_ref()?;
        Some(serde_json::json!({ "pointer": pointer, "detail": issue.diagnostics }))
    });
    let places: Vec<serde_json::Value> = places.collect();
    if let (Some(object), false) = (problem.as_object_mut(), places.is_empty()) {
        object.insert("errors".to_owned(), places.into());
    }
    response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(problem.to_string());
    response
}

/// A weak entity tag (R4 http.html, section 3.1.0.1.3).
pub(crate) fn etag(version: u32) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("W/\"{version}\"")).ok()
}

/// An HTTP date (RFC 9110 section 5.6.7).
pub(crate) fn http_date(at: aceso_base::Timestamp) -> Option<HeaderValue> {
    let moment = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    HeaderValue::from_str(&moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// The moment that an HTTP date names; `None` when it is none.
pub(crate) fn parse_http_date(text: &str) -> Option<aceso_base::Timestamp> {
    let moment = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text.trim()).ok()?.to_datetime().ok()?;
    let moment = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(aceso_base::Timestamp(moment.timestamp().as_millisecond()))
}

/// 304: the client has it already. Who asked is in the log all the same.
pub(crate) fn unchanged(receipt: &Receipt) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    add_receipt(response.headers_mut(), Some(receipt));
    response
}

/// Plain JSON outside FHIR.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::CACHE_CONTROL, NO_STORE)];
    (status, headers, value.to_string()).into_response()
}
