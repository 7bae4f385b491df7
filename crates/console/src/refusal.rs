//! Refusals and failures as pages that say what happened and what to do.

use crate::context::Context;
use crate::layout::{Section, page};
use aceso_connect::admin::AdminError;
use aceso_custodian::DoorError;
use aceso_repository::Fault;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use std::sync::Arc;

/// A request that is not answered with what it asked for. What is around all handlers makes a page of it.
pub(crate) struct Refused(pub(crate) Fault);

/// Travels in the response until the page is made.
#[derive(Clone)]
pub(crate) struct Why(pub(crate) Arc<Fault>);

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<DoorError> for Refused {
    fn from(error: DoorError) -> Self {
        Self(error.into())
    }
}

impl From<AdminError> for Refused {
    fn from(error: AdminError) -> Self {
        let (status, code) = error.answer();
        Self(Fault::new(status, code, error.to_string()))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.extensions_mut().insert(Why(Arc::new(self.0)));
        response
    }
}

/// The page of a refusal; plain JSON for scripts.
pub(crate) fn shown(context: Option<&Context>, fault: &Fault, script: bool) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let told = fault.issues.first().map_or("", |issue| issue.diagnostics.as_ref());
    if script {
        let body = serde_json::json!({ "error": told, "entry": fault.receipt.as_ref().map(|receipt| receipt.index()) });
        return (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    }
    let (title, lead) = words(fault.status);
    // Another purpose helps where the rules said no, and where there is another.
    let elsewhere = fault.status == 403 && context.is_some_and(|context| context.purposes().count() > 1);
    let body = html! {
        div class="notice" {
            p class="notice-code" { (fault.status) }
            h1 { (title) }
            p class="lead" { (lead) }
            @if !told.is_empty() && fault.status != 404 { p { "The server says: " b { (told) } "." } }
            @if let Some(receipt) = &fault.receipt {
                p class="muted" {
                    "This request is in the audit log as entry " b class="num" { "#" (receipt.index()) } "."
                }
            }
            @if let Some(context) = context {
                p class="muted" {
                    "You are signed in as " b { (context.role_names()) } ", acting for " b { (context.caller.purpose) } "."
                    @if elsewhere { " Another purpose may allow more: " a href="/console/me" { "who am I" } "." }
                }
                p { a class="button" href="/console" { "Back to the start" } }
            } @else {
                p { a class="button" href="/console/sign-in" { "Sign in" } }
            }
        }
    };
    (status, page(context, title, Section::None, &body)).into_response()
}

const fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        403 => (
            "Not for this role and purpose",
            "The door stayed shut: nothing was opened. That is how the system is meant to work, not a fault.",
        ),
        404 => ("Nothing here", "There is no such page or record, or it is not one that you may know of."),
        410 => ("Deleted", "This record was deleted. Its earlier versions stay sealed."),
        400 | 422 => (
            "Something is missing or malformed",
            "Nothing was opened and nothing was changed. Go back and put it right.",
        ),
        409 => ("Not as things stand", "What you asked for is at odds with how things are now. Nothing was changed."),
        500 => ("This does not open", "Stored bytes did not open as they should. The operators see it in the log."),
        503 => ("Not now", "The store, the log or the key service cannot be used at the moment. Nothing was opened."),
        _ => ("That did not work", "The request was not answered."),
    }
}
