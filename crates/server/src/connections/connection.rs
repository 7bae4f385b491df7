//! One connection: its runs, and what operators see of it.

use super::schedule::Schedule;
use super::settings::Settings;
use crate::app::App;
use aceso_base::Timestamp;
use aceso_connect::keeper::Keeper;
use aceso_connect::sync::{Leg, Progress, RunError, Sync};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// One connection that is open.
pub(crate) struct Connection {
    pub(super) settings: Settings,
    pub(super) sync: Sync,
    state: Mutex<State>,
    /// One run at a time.
    pub(super) running: tokio::sync::Mutex<()>,
    /// Something waits in the inbox.
    news: Notify,
}

/// What a connection is doing.
#[derive(Clone, Debug, Default)]
struct State {
    runs: u64,
    failures: u64,
    running: Option<Leg>,
    progress: Option<Progress>,
    last_start: Option<Timestamp>,
    last_end: Option<Timestamp>,
    last_success: Option<Timestamp>,
    last_error: Option<&'static str>,
}

/// A connection's own time: at start what was missed, then by schedule, and at once what webhooks bring.
pub(super) async fn by_schedule(connection: Arc<Connection>, app: App) {
    let Settings { schedule, sweep, time_zone, hooks, .. } = &connection.settings;
    let (Ok(changes), Ok(sweeps)) = (Schedule::parse(schedule, time_zone), Schedule::parse(sweep, time_zone)) else {
        return;
    };
    if let Some(target) = hooks
        && let Err(error) = connection.sync.subscribe(target).await
    {
        tracing::warn!(code = error.code(), "webhooks of a connection could not be subscribed");
    }
    let mut leg = Leg::Changes;
    loop {
        if let Err(error) = connection.run(leg, &|_| {}).await {
            tracing::warn!(code = error.code(), "a sync ended early; it goes on at its next time");
        }
        let now = app.clock.now();
        let (change, sweep) = (changes.after(now), sweeps.after(now));
        let next = match (change, sweep) {
            (Some(change), Some(sweep)) if sweep <= change => {
                leg = Leg::Everything;
                sweep
            }
            (Some(change), _) => {
                leg = Leg::Changes;
                change
            }
            (None, Some(sweep)) => {
                leg = Leg::Everything;
                sweep
            }
            (None, None) => return,
        };
        loop {
            let left = next.0.saturating_sub(app.clock.now().0);
            let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { break };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left)) => break,
                () = connection.news.notified() => {
                    if let Err(error) = connection.sync.drain().await {
                        tracing::warn!(code = error.code(), "a webhook could not be worked off; it is at the next run");
                    }
                }
            }
        }
    }
}

impl Connection {
    pub(super) fn new(settings: Settings, sync: Sync) -> Self {
        let (state, running) = (Mutex::default(), tokio::sync::Mutex::new(()));
        Self { settings, sync, state, running, news: Notify::new() }
    }

    pub(crate) const fn sync(&self) -> &Sync {
        &self.sync
    }

    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    pub(super) async fn run(
        &self,
        leg: Leg,
        hear: &(dyn Fn(Progress) + Send + std::marker::Sync),
    ) -> Result<(), RunError> {
        let _alone = self.running.lock().await;
        {
            let mut state = self.state();
            state.running = Some(leg);
            state.runs += 1;
            state.last_start = Some(self.sync.time());
        }
        let ended = self
            .sync
            .run(leg, &|progress| {
                self.state().progress = Some(progress);
                hear(progress);
            })
            .await;
        let now = self.sync.time();
        let mut state = self.state();
        state.running = None;
        state.progress = None;
        state.last_end = Some(now);
        match &ended {
            Ok(()) => {
                state.last_success = Some(now);
                state.last_error = None;
            }
            Err(error) => {
                state.failures += 1;
                state.last_error = Some(error.code());
            }
        }
        ended
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> [(&'static str, u64); 11] {
        let (tally, sent) = (self.sync.tally(), self.sync.source().counts());
        [
            ("requests", &sent.requests),
            ("retries", &sent.retries),
            ("read", &tally.read),
            ("written", &tally.written),
            ("unchanged", &tally.unchanged),
            ("deleted", &tally.deleted),
            ("set_aside", &tally.aside),
            ("unknown_codes", &tally.unknown_codes),
            ("lists_refused", &tally.refused_lists),
            ("webhooks", &tally.webhooks),
            ("webhooks_refused", &tally.refused_webhooks),
        ]
        .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }

    pub(super) fn summary(&self, keeper: &Keeper) -> Value {
        let state = self.state().clone();
        let token = keeper.status(&self.settings.name).unwrap_or_default();
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let doing = match (self.settings.paused, state.running, state.last_error) {
            (_, Some(Leg::Changes), _) => "reading changes",
            (_, Some(Leg::Everything), _) => "reading everything",
            (true, None, _) => "paused",
            (false, None, Some(_)) => "failing",
            (false, None, None) => "waiting",
        };
        let lag = state.last_success.map(|at| self.sync.time().0.saturating_sub(at.0) / 1000);
        let mut value = json!({
            "connection": self.settings.name,
            "vendor": self.settings.vendor,
            "tenant": self.settings.tenant,
            "state": doing,
            "now": state.progress.map(|progress| json!({ "kind": progress.kind, "objects": progress.objects })),
            "runs": state.runs,
            "failed_runs": state.failures,
            "last_start": time(state.last_start),
            "last_end": time(state.last_end),
            "last_success": time(state.last_success),
            "last_error": state.last_error,
            "lag_seconds": lag,
            "window": self.sync.source().limiter().window(),
            "schedule": self.settings.schedule,
            "sweep": self.settings.sweep,
            "time_zone": self.settings.time_zone,
            "token_expires": time(token.expires),
            "token_refreshed": time(token.refreshed),
            "token_failures": token.failures,
            "token_error": token.last_error,
        });
        if let Some(object) = value.as_object_mut() {
            object.extend(self.counts().into_iter().map(|(name, count)| (name.to_owned(), json!(count))));
        }
        value
    }
}
