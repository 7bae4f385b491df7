//! Live parts of pages, by server-sent events: the head of the log for everybody who is signed in, its entries for those who may read
//! it, the progress of a key sweep and how connections are for operators.
//!
//! One entry of the log says that somebody began to watch. A stream ends after [`LIFE`] and the browser opens it anew, so that
//! who lost a right does not go on watching.

use crate::context::Context;
use crate::refusal::Refused;
use crate::ui;
use aceso_audit::{Checkpoint, LoggedEntry};
use aceso_policy::AdminAction;
use aceso_repository::Fault;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use data_encoding::HEXLOWER;
use futures_core::Stream;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Streams at once, of everybody.
pub(crate) const MAX_STREAMS: usize = 256;
/// How often there is something new at most.
const TICK: Duration = Duration::from_secs(1);
const LIFE: Duration = Duration::from_secs(300);
/// Entries in one message; what came beside them is in the log all the same.
const BURST: u64 = 20;

pub(crate) async fn get(context: Context) -> Result<Response, Refused> {
    let slot = context.console.inner.streams.clone().try_acquire_owned();
    let slot = slot.map_err(|_| Fault::new(503, "transient", "too many live pages are open"))?;
    let wanted = Wanted {
        entries: context.may(AdminAction::ReadAudit),
        keys: context.may(AdminAction::ManageKeys),
        connections: context.may(AdminAction::ManageConnections),
    };
    // The head of the log tells nothing but how long it is; entries, key counts and connections are admitted like any reading of them.
    let rights = [
        (wanted.entries, AdminAction::ReadAudit),
        (wanted.keys, AdminAction::ManageKeys),
        (wanted.connections, AdminAction::ManageConnections),
    ];
    if let Some((_, action)) = rights.into_iter().find(|(granted, _)| *granted) {
        let _ = context.door().admit_admin(&context.caller, action, "stream").await?;
    }
    let (send, events) = mpsc::channel(4);
    tokio::spawn(watch(context, wanted, send));
    Ok(Sse::new(Events { events, _slot: slot }).into_response())
}

#[derive(Clone, Copy)]
struct Wanted {
    entries: bool,
    keys: bool,
    connections: bool,
}

async fn watch(context: Context, wanted: Wanted, send: mpsc::Sender<Event>) {
    let mut stopping = context.console.inner.stopping.clone();
    let end = tokio::time::Instant::now() + LIFE;
    let names = ui::Names::of(&context);
    let mut seen = None;
    let mut left = None;
    let mut states = None;
    while tokio::time::Instant::now() < end {
        // Signed out, expired or disabled: the stream ends with the session.
        if !context.console.inner.sessions.goes_on(&context.reference).await {
            return;
        }
        let mut events = Vec::new();
        if let Some((size, root)) = head(&context).filter(|(size, _)| seen != Some(*size)) {
            let fresh = seen.filter(|_| wanted.entries).map_or(size, |from: u64| from.max(size.saturating_sub(BURST)));
            events.push(Event::default().event("head").data(json!({ "size": size, "root": root }).to_string()));
            for logged in context.door().log_entries(fresh..size).unwrap_or_default() {
                events.extend(entry(&context, &logged, &names));
            }
            seen = Some(size);
        }
        if wanted.keys
            && let Ok(status) = context.door().key_status(&context.caller.tenant)
        {
            let now = Some((status.primary, status.left()));
            if left != now {
                let total: u64 = status.usage.iter().map(|row| row.subject_keys + row.records).sum();
                let told = json!({ "primary": status.primary, "left": status.left(), "total": total });
                events.push(Event::default().event("keys").data(told.to_string()));
                left = now;
            }
        }
        if wanted.connections {
            let now = crate::pages::connections::live(&context).to_string();
            if states.as_ref() != Some(&now) {
                events.push(Event::default().event("connections").data(&now));
                states = Some(now);
            }
        }
        for event in events {
            if send.send(event).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = send.closed() => return,
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Size and root of the signed head.
fn head(context: &Context) -> Option<(u64, String)> {
    let note = context.door().checkpoint()?;
    let head = Checkpoint::open(&note, &context.door().log_key().ok()?).ok()?;
    Some((head.size, HEXLOWER.encode(&head.root)))
}

/// An entry as the row of the page shows it; those of other tenants are left out.
fn entry(context: &Context, logged: &LoggedEntry, names: &ui::Names) -> Option<Event> {
    let LoggedEntry { index, time, entry, .. } = logged;
    if entry.tenant().is_some_and(|tenant| *tenant != context.caller.tenant) {
        return None;
    }
    let patient = entry.subjects().iter().find(|subject| !subject.is_directory()).map(ToString::to_string);
    let told = json!({
        "index": index,
        "time": time.to_string(),
        "roles": entry.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "user": entry.user().map(|user| user.as_str()),
        "name": entry.user().map(|user| names.name(user)),
        "purpose": entry.purpose().map(|purpose| purpose.as_str()),
        "action": entry.action().as_str(),
        "detail": entry.detail().map(|code| code.as_str()),
        "classes": entry.classes().iter().map(|class| class.as_str()).collect::<Vec<_>>(),
        "patient": patient,
        "records": entry.records().len(),
        "record": entry.records().first().map(|record| format!("{} v{}", record.rtype.name(), record.version)),
        "outcome": entry.outcome().as_str(),
        "reason": entry.outcome().reason().map(|code| code.as_str()),
    });
    Some(Event::default().event("entry").data(told.to_string()))
}

struct Events {
    events: mpsc::Receiver<Event>,
    _slot: OwnedSemaphorePermit,
}

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(task).map(|event| event.map(Ok))
    }
}
