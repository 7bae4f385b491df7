//! Around every page: the id of the request, headers of defence, the log entry of a refusal, and its page.

use crate::context::{Context, Stamp};
use crate::refusal::{Refused, Why, shown};
use crate::{Console, routes};
use aceso_audit::{Entry, Outcome, Receipt};
use aceso_repository::Fault;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use std::sync::{Arc, OnceLock};

/// Nothing but what this server sends: no inline script or style, no frame, no other host.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];
const RECEIPT: HeaderName = HeaderName::from_static("x-audit-receipt");

pub(crate) async fn around(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let stamp = Stamp { request: console.inner.rng.token16(), context: Arc::new(OnceLock::new()) };
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    request.extensions_mut().insert(stamp.clone());
    let script = is_for_scripts(path);
    let response = if method == Method::POST && !is_from_here(&console, request.headers()) {
        // The extractor is not reached: who asked is not known, and nothing of his is touched.
        Refused(Fault::new(403, "csrf", "the form did not come from a page of this console")).into_response()
    } else {
        next.run(request).await
    };
    let mut response = finished(&console, &stamp, (&method, path), script, response).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(id) = HeaderValue::from_str(&stamp.request.to_string()) {
        headers.insert("x-request-id", id);
    }
    response
}

/// What scripts fetch is answered without a page around it.
fn is_for_scripts(path: &str) -> bool {
    path == "/console/live" || (path.starts_with("/console/audit/") && path != "/console/audit/export.tar")
}

/// Turns a refusal into its page, with an entry of the log if nobody has written one.
async fn finished(
    console: &Console,
    stamp: &Stamp,
    (method, path): (&Method, &str),
    script: bool,
    mut response: Response,
) -> Response {
    let Some(Why(fault)) = response.extensions_mut().remove::<Why>() else { return response };
    let context = stamp.context.get();
    if fault.status == 401 {
        let leave = console.forget_cookie();
        let mut response =
            if script { shown(None, &fault, true) } else { Redirect::to("/console/sign-in").into_response() };
        response.headers_mut().append(header::SET_COOKIE, leave);
        return response;
    }
    // The response was its only holder.
    let Ok(mut fault) = Arc::try_unwrap(fault) else { return response };
    if let (None, Some(context), true) = (&fault.receipt, context, fault.status != 503) {
        match record(context, (method, path), &fault).await {
            Ok(receipt) => fault.receipt = receipt,
            Err(unavailable) => fault = unavailable,
        }
    }
    let mut response = shown(context, &fault, script);
    add_receipt(response.headers_mut(), fault.receipt.as_ref());
    if fault.status == 503 {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

async fn record(context: &Context, (method, path): (&Method, &str), fault: &Fault) -> Result<Option<Receipt>, Fault> {
    let route = routes::ROUTES.iter().find(|route| route.method == method.as_str() && route.path == path);
    let Some(action) = route.and_then(|route| route.action) else { return Ok(None) };
    let code = fault.issues.first().map_or("exception", |issue| issue.code);
    let outcome = if fault.status == 403 { Outcome::denied(code) } else { Outcome::failed(code) };
    let entry = Entry::by(&context.caller, action).with_outcome(outcome);
    context.door().record_refused(entry).await.map(Some).map_err(Fault::from)
}

pub(crate) fn add_receipt(headers: &mut HeaderMap, receipt: Option<&Receipt>) {
    if let Some(value) = receipt.and_then(|receipt| HeaderValue::from_str(&receipt.header()).ok()) {
        headers.insert(RECEIPT, value);
    }
}

/// Browsers say where a form comes from. One that says somewhere else is refused before anything is read.
fn is_from_here(console: &Console, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(&HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    match text(&header::ORIGIN) {
        None => true,
        Some(origin) => {
            let named = origin.split_once("://").map_or("", |(_, host)| host);
            named == console.inner.host || Some(named) == text(&header::HOST)
        }
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

impl Console {
    /// A cookie of this console: not for scripts, not from other sites, and of a secure connection where there is one.
    pub(crate) fn cookie(&self, name: &str, value: &str) -> Option<HeaderValue> {
        let secure = if self.inner.secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")).ok()
    }

    pub(crate) fn forget_cookie(&self) -> HeaderValue {
        if self.inner.secure {
            HeaderValue::from_static("__Host-aceso-console=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0")
        } else {
            HeaderValue::from_static("aceso-console=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
        }
    }
}

pub(crate) async fn nothing_here(_: Context) -> Refused {
    Refused(Fault::new(404, "not-found", "there is nothing at this path"))
}

/// To another page of the console after a form (RFC 9110 section 15.4.4).
pub(crate) fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(value) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}
