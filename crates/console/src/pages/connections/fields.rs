//! What is said of a connection, field by field, in words: once for the page and for what keeps it live.

use crate::context::Context;
use crate::ui;
use aceso_base::Timestamp;
use aceso_connect::admin::{Doing, Status};
use maud::{Markup, html};
use serde_json::{Map, Value};

/// The words of one connection.
pub(crate) struct Fields {
    texts: Vec<(&'static str, String)>,
    kinds: Vec<(&'static str, &'static str)>,
}

impl Fields {
    pub(crate) fn of(context: &Context, status: &Status) -> Self {
        let now = context.console.inner.clock.now();
        let when = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), ui::moment_text);
        let (token, token_kind) = token_state(status, now);
        let mut texts = vec![
            ("state", status.doing.as_str().to_owned()),
            ("now", status.now.map_or_else(String::new, |now| format!("{}, {} objects", now.kind, now.objects))),
            ("lag", status.lag_seconds.map_or_else(|| "no run so far".to_owned(), ui::duration)),
            ("runs", status.runs.to_string()),
            ("failed_runs", status.failed_runs.to_string()),
            ("last_success", when(status.last_success)),
            ("last_error", status.last_error.unwrap_or("none").to_owned()),
            ("window", status.window.to_string()),
            ("token", token.to_owned()),
            ("token_expires", status.token.expires.map_or_else(|| "–".to_owned(), ui::moment_text)),
            ("token_refreshed", when(status.token.refreshed)),
            ("token_failures", status.token.failures.to_string()),
            ("token_error", status.token.last_error.unwrap_or("none").to_owned()),
        ];
        texts.extend(status.counts.iter().map(|(name, count)| (*name, count.to_string())));
        let state_kind = match status.doing {
            Doing::Waiting | Doing::ReadingChanges | Doing::ReadingEverything => "ok",
            Doing::Paused => "past",
            Doing::Failing => "bad",
        };
        Self { texts, kinds: vec![("state", state_kind), ("token", token_kind)] }
    }

    /// A field, marked so that it stays live.
    pub(crate) fn show(&self, name: &'static str) -> Markup {
        let text = self.texts.iter().find(|(known, _)| *known == name).map_or("0", |(_, text)| text.as_str());
        match self.kinds.iter().find(|(known, _)| *known == name) {
            Some((_, kind)) => html! { span class={ "state " (kind) } data-field=(name) { (text) } },
            None => html! { span class="num" data-field=(name) { (text) } },
        }
    }

    pub(crate) fn texts(&self) -> Map<String, Value> {
        self.texts.iter().map(|(name, text)| ((*name).to_owned(), text.as_str().into())).collect()
    }

    pub(crate) fn kinds(&self) -> Map<String, Value> {
        self.kinds.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).into())).collect()
    }
}

/// A token in a word. One that has expired is no fault: the next request brings a new one.
fn token_state(status: &Status, now: Timestamp) -> (&'static str, &'static str) {
    match (status.token.failures, status.token.expires) {
        (1.., _) => ("failing", "bad"),
        (0, None) => ("none yet", "past"),
        (0, Some(expires)) if expires <= now => ("expired", "past"),
        (0, Some(_)) => ("valid", "ok"),
    }
}
