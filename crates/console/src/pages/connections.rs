//! The operators' pages of connected systems: how they are, one run now, a pause, and what was set aside. No value of a record is on them.

mod fields;
mod parts;

pub(crate) use fields::Fields;
pub(crate) use parts::token_table;

use crate::context::Context;
use crate::form::Form;
use crate::guard::{add_receipt, see_other};
use crate::layout::{Section, page};
use crate::refusal::Refused;
use aceso_connect::admin::{AdminError, By, Status};
use aceso_connect::sync::Leg;
use aceso_custodian::Receipt;
use aceso_policy::AdminAction;
use aceso_repository::{Fault, decode_pairs};
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

/// Letters on a page.
const SHOWN: usize = 50;

/// What was just done, as the page tells it: the word in the address, and the sentence.
const DONE: &[(&str, &str)] = &[
    ("sync", "The run has been started. It goes on while you look."),
    ("paused", "Paused: its run has ended, and nothing runs by itself."),
    ("resumed", "Resumed: it runs by its schedule again."),
    ("retried", "The object was read again and taken. Its letter is gone."),
    ("still", "The object was read again and is still set aside; its letter says why."),
    (
        "discarded",
        "The letter was discarded. Its object comes again only when it changes at the source, or with a sweep.",
    ),
];

async fn admit(context: &Context, what: &'static str) -> Result<Receipt, Refused> {
    Ok(context.door().admit_admin(&context.caller, AdminAction::ManageConnections, what).await?)
}

fn by(context: &Context) -> By {
    By::from(&context.caller)
}

pub(crate) async fn list(context: Context) -> Result<Response, Refused> {
    let receipt = admit(&context, "connections-list").await?;
    let all = context.console.inner.connections.list(&by(&context));
    let body = html! {
        div class="head" {
            h1 { "Connections" }
            p class="muted" {
                "Other systems whose records come in, sealed before they are stored. Who looks after them sees how they run, and no patient. "
                span class="live" data-live-state { "not live" }
            }
        }
        @if all.is_empty() {
            div class="card" {
                p { "No other system is connected." }
                p class="muted" { "Add one with a section " code { "[connect.NAME]" } " of the configuration, with " code { "aceso connections add" } ", or with " code { "POST /admin/v1/connections" } "." }
            }
        }
        div data-live="connections" {
            @for status in &all { (parts::card(&context, status, true)) }
        }
    };
    Ok(shown(&context, "Connections", &body, &receipt))
}

pub(crate) async fn one(context: Context, Path(name): Path<String>, uri: Uri) -> Result<Response, Refused> {
    let receipt = admit(&context, "connection-status").await?;
    let (mut after, mut done) = (None, None);
    for (field, value) in decode_pairs(uri.query().unwrap_or_default())? {
        match field.as_str() {
            "after" => after = Some(value),
            "done" => done = DONE.iter().find(|(word, _)| *word == value).map(|(_, sentence)| *sentence),
            _ => return Err(Fault::new(400, "not-supported", "not a question of this page").into()),
        }
    }
    let connections = &context.console.inner.connections;
    let status = connections.status(&by(&context), &name)?;
    let mut letters = connections.letters(&by(&context), &name, after.as_deref(), SHOWN + 1)?;
    let more = letters.len() > SHOWN;
    letters.truncate(SHOWN);
    let body = html! {
        p class="crumbs" { a href="/console/connections" { "Connections" } " / " (name) }
        @if let Some(sentence) = done { div class="card told" role="status" { (sentence) } }
        h1 class="visually-hidden" { "Connection " (name) }
        div data-live="connections" {
            (parts::card(&context, &status, false))
            div class="grid two" {
                (parts::token(&context, &status))
                (parts::counts(&context, &status))
            }
        }
        (parts::letters(&context, &name, &letters, more))
    };
    Ok(shown(&context, &format!("Connection {name}"), &body, &receipt))
}

fn shown(context: &Context, title: &str, body: &Markup, receipt: &Receipt) -> Response {
    let mut response = page(Some(context), title, Section::Connections, body);
    add_receipt(response.headers_mut(), Some(receipt));
    response
}

pub(crate) async fn sync(
    context: Context,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let form = Form::of(&context, &headers, body).await?;
    let leg = match form.get("reads") {
        None | Some("changes") => Leg::Changes,
        Some("everything") => Leg::Everything,
        Some(_) => return Err(Fault::new(400, "value", "changes or everything").into()),
    };
    let receipt = admit(&context, "connection-sync").await?;
    context.console.inner.connections.start(&by(&context), &name, leg).await?;
    Ok(back(&name, "sync", &receipt))
}

pub(crate) async fn pause(
    context: Context,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    Form::of(&context, &headers, body).await?;
    let receipt = admit(&context, "connection-pause").await?;
    context.console.inner.connections.pause(&by(&context), &name, true).await?;
    Ok(back(&name, "paused", &receipt))
}

pub(crate) async fn resume(
    context: Context,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    Form::of(&context, &headers, body).await?;
    let receipt = admit(&context, "connection-resume").await?;
    context.console.inner.connections.pause(&by(&context), &name, false).await?;
    Ok(back(&name, "resumed", &receipt))
}

pub(crate) async fn retry(
    context: Context,
    Path((name, letter)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    Form::of(&context, &headers, body).await?;
    let receipt = admit(&context, "letter-retry").await?;
    match context.console.inner.connections.retry(&by(&context), &name, &letter).await {
        Ok(()) => Ok(back(&name, "retried", &receipt)),
        Err(AdminError::StillAside) => Ok(back(&name, "still", &receipt)),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn discard(
    context: Context,
    Path((name, letter)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    Form::of(&context, &headers, body).await?;
    let receipt = admit(&context, "letter-discard").await?;
    context.console.inner.connections.discard(&by(&context), &name, &letter).await?;
    Ok(back(&name, "discarded", &receipt))
}

/// To the page of the connection, which tells what was done. The name is one that the port knew.
fn back(name: &str, done: &str, receipt: &Receipt) -> Response {
    let mut response = see_other(&format!("/console/connections/{name}?done={done}"));
    add_receipt(response.headers_mut(), Some(receipt));
    response
}

/// All connections that he reaches, as texts for the live parts of pages.
pub(crate) fn live(context: &Context) -> Value {
    let told = |status: &Status| {
        let fields = Fields::of(context, status);
        json!({ "name": status.name, "fields": fields.texts(), "kinds": fields.kinds() })
    };
    context.console.inner.connections.list(&by(context)).iter().map(told).collect()
}

/// All connections that he reaches, for the proof panel; nothing for who may not look after them.
pub(crate) async fn for_panel(context: &Context) -> Result<Option<Vec<Status>>, Refused> {
    if !context.may(AdminAction::ManageConnections) {
        return Ok(None);
    }
    let _ = admit(context, "token-states").await?;
    Ok(Some(context.console.inner.connections.list(&by(context))))
}
