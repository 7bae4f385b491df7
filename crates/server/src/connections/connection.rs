//! One connection: its runs, and what operators see of it.

use super::metrics::Figures;
use super::schedule::Schedule;
use super::settings::Settings;
use crate::app::App;
use aceso_base::Timestamp;
use aceso_connect::admin::{AdminError, Doing, Origin, Status};
use aceso_connect::keeper::Keeper;
use aceso_connect::sync::{Leg, Progress, RunError, Sync};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// One connection that is open.
pub(crate) struct Connection {
    pub(super) settings: Settings,
    pub(super) origin: Origin,
    pub(super) sync: Sync,
    state: Arc<Mutex<State>>,
    /// One run at a time.
    pub(super) running: Arc<tokio::sync::Mutex<()>>,
    /// Something waits in the inbox.
    news: Notify,
    /// True when its run is to end: it was paused or removed.
    stop: Arc<watch::Sender<bool>>,
}

/// Why a run ended early. What it took stays taken, and the next one goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunEnd {
    /// By itself.
    Early(RunError),
    /// An operator paused or removed the connection.
    Stopped,
}

impl RunEnd {
    /// A fixed word.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Early(error) => error.code(),
            Self::Stopped => "stopped",
        }
    }
}

impl From<RunEnd> for AdminError {
    fn from(end: RunEnd) -> Self {
        match end {
            RunEnd::Early(error) => Self::Run { code: error.code(), text: error.to_string() },
            RunEnd::Stopped => Self::Stopped,
        }
    }
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
        match connection.run(leg, &|_| {}).await {
            Ok(()) => {}
            Err(RunEnd::Stopped) => return,
            Err(end) => tracing::warn!(code = end.code(), "a sync ended early; it goes on at its next time"),
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
    pub(super) fn new(settings: Settings, origin: Origin, sync: Sync) -> Self {
        let (state, running, stop) = (Arc::default(), Arc::default(), Arc::new(watch::Sender::new(false)));
        Self { settings, origin, sync, state, running, news: Notify::new(), stop }
    }

    /// The same connection, paused or not, with what is known of its runs.
    pub(super) fn with_pause(&self, paused: bool) -> Self {
        let settings = Settings { paused, ..self.settings.clone() };
        let fresh = Self::new(settings, self.origin, self.sync.clone());
        fresh.state().clone_from(&self.state());
        fresh
    }

    /// The same connection, running by itself again. A run that somebody ordered meanwhile is its own: it goes on, the next waits for
    /// its end, and a pause ends it.
    pub(super) fn resumed(&self) -> Self {
        let settings = Settings { paused: false, ..self.settings.clone() };
        let fresh = Self::new(settings, self.origin, self.sync.clone());
        Self {
            state: Arc::clone(&self.state),
            running: Arc::clone(&self.running),
            stop: Arc::clone(&self.stop),
            ..fresh
        }
    }

    /// Ends a run where it is, and lets no other begin.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
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
    ) -> Result<(), RunEnd> {
        let _alone = self.running.lock().await;
        let mut stop = self.stop.subscribe();
        if *stop.borrow() {
            return Err(RunEnd::Stopped);
        }
        {
            let mut state = self.state();
            state.running = Some(leg);
            state.runs += 1;
            state.last_start = Some(self.sync.time());
        }
        let hear = |progress| {
            self.state().progress = Some(progress);
            hear(progress);
        };
        let ended = tokio::select! {
            ended = self.sync.run(leg, &hear) => ended.map_err(RunEnd::Early),
            // As safe anywhere as a kill: what was begun is begun anew.
            _ = stop.wait_for(|stop| *stop) => Err(RunEnd::Stopped),
        };
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
            // Neither a success nor a failure: as if it had not begun.
            Err(RunEnd::Stopped) => state.runs = state.runs.saturating_sub(1),
            Err(RunEnd::Early(error)) => {
                state.failures += 1;
                state.last_error = Some(error.code());
            }
        }
        ended
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its metrics show.
    pub(super) fn figures(&self, keeper: &Keeper) -> Figures {
        let (tally, sent, now) = (self.sync.tally(), self.sync.source().counts(), self.sync.time());
        let token = keeper.status(&self.settings.name).unwrap_or_default();
        let State { runs, failures, running, last_success, .. } = self.state().clone();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let since = |at: Timestamp| now.0.saturating_sub(at.0) / 1000;
        let ended = runs.saturating_sub(u64::from(running.is_some()));
        Figures {
            runs: [ended.saturating_sub(failures), failures],
            objects: [&tally.written, &tally.unchanged, &tally.deleted, &tally.aside].map(read),
            requests: read(&sent.requests),
            retries: read(&sent.retries),
            webhooks: [&tally.webhooks, &tally.refused_webhooks].map(read),
            refused: [&tally.refused_lists, &tally.refused_subscriptions].map(read),
            unknown_codes: read(&tally.unknown_codes),
            letters: self.sync.letters_open().ok(),
            source_lag: tally.newest().map(since),
            success_age: last_success.map(since),
            token_expiry: token.expires.map(|at| -since(at)),
            token_failures: token.failures,
        }
    }

    pub(super) fn counts(&self) -> [(&'static str, u64); 13] {
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
            ("subscriptions_refused", &tally.refused_subscriptions),
            ("lists_incomplete", &tally.incomplete_lists),
            ("webhooks", &tally.webhooks),
            ("webhooks_refused", &tally.refused_webhooks),
        ]
        .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }

    pub(super) fn status(&self, keeper: &Keeper) -> Status {
        let state = self.state().clone();
        let settings = &self.settings;
        let doing = match (settings.paused, state.running, state.last_error) {
            (_, Some(leg), _) => Doing::running(leg),
            (true, None, _) => Doing::Paused,
            (false, None, Some(_)) => Doing::Failing,
            (false, None, None) => Doing::Waiting,
        };
        Status {
            name: settings.name.clone(),
            vendor: settings.vendor.clone(),
            tenant: settings.tenant.clone(),
            url: settings.base.clone(),
            origin: self.origin,
            doing,
            now: state.progress,
            runs: state.runs,
            failed_runs: state.failures,
            last_start: state.last_start,
            last_end: state.last_end,
            last_success: state.last_success,
            last_error: state.last_error,
            lag_seconds: state.last_success.map(|at| self.sync.time().0.saturating_sub(at.0) / 1000),
            window: self.sync.source().limiter().window(),
            schedule: settings.schedule.clone(),
            sweep: settings.sweep.clone(),
            time_zone: settings.time_zone.clone(),
            hooks: settings.hooks.is_some(),
            token: keeper.status(&settings.name).unwrap_or_default(),
            counts: self.counts().to_vec(),
        }
    }
}
