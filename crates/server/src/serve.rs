//! A process that serves: listeners, background work, and an orderly end.

use crate::app::{App, CONSOLE_CLIENT, unreachable};
use crate::config::{Config, LogFormat};
use crate::connections::{Administered, Connections, hooks};
use crate::control;
use crate::exit::Failure;
use crate::listener::Bounded;
use crate::ops;
use crate::shutdown::{Drained, Shutdown, serve_until};
use crate::telemetry::{self, GaugeDef, Metrics};
use aceso_api::Api;
use aceso_audit::Action;
use aceso_connect::admin::Administration;
use aceso_console::Console;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// A server whose listeners are open.
pub struct Serving {
    /// The parts.
    pub app: App,
    /// The connected systems.
    pub connections: Connections,
    /// Where the public listener really is.
    pub address: SocketAddr,
    /// Where the operators' listener really is.
    pub ops_address: SocketAddr,
    listener: TcpListener,
    ops_listener: TcpListener,
    metrics: Arc<Metrics>,
}

const ROWS_LEFT: GaugeDef =
    GaugeDef { name: "aceso_keys_rows_left", help: "Rows that still have to move to the newest tenant key." };
const TREE_SIZE: GaugeDef = GaugeDef { name: "aceso_audit_tree_size", help: "Entries in the audit log." };
const QUEUE: GaugeDef = GaugeDef { name: "aceso_store_queue_depth", help: "Units of work that wait for a commit." };
const DISK_FREE: GaugeDef = GaugeDef { name: "aceso_store_disk_free_bytes", help: "Free space, as last measured." };

/// Silence in the log is evidence only if it cannot last: an entry at least this often.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Pause between two steps of the key sweep, so that requests go first.
const SWEEP_PAUSE: Duration = Duration::from_millis(20);
/// Pause between two walks over the index.
const INDEX_AGAIN: Duration = Duration::from_secs(6 * 3600);
/// How long events stay in the outbox. Nobody reads it so far; a reader that was away for longer begins anew.
const OUTBOX_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// A snapshot of the freshness map whenever the log has grown by so many entries: reading them takes about a second.
const SNAPSHOT_EVERY: u64 = 200_000;
/// At an orderly end it is worth writing for fewer.
const SNAPSHOT_AT_END: u64 = 2_000;
/// How often the sweep looks whether there is work.
const SWEEP_LOOK: Duration = Duration::from_secs(15);

impl Serving {
    /// Opens the listeners, then everything behind them. Addresses with port 0 get a free one, and links name it.
    ///
    /// # Errors
    /// [`Failure`] when an address is taken or the data cannot be opened.
    pub async fn open(mut config: Config) -> Result<Self, Failure> {
        let listener = bind(config.listen, "listen").await?;
        let ops_listener = bind(config.ops_listen, "ops_listen").await?;
        let local = |error: std::io::Error| unreachable("the listener", format!("has no address ({:?})", error.kind()));
        let (address, ops_address) = (listener.local_addr().map_err(local)?, ops_listener.local_addr().map_err(local)?);
        if config.listen.port() == 0 {
            config.public_url = format!("http://{address}");
        }
        let app = App::open(config).await?;
        let connections = Connections::open(&app).await?;
        control::listen(&app, &connections)?;
        let metrics = Arc::new(Metrics::new());
        watch_app(&app, &metrics);
        connections.watch(&metrics);
        Ok(Self { app, connections, address, ops_address, listener, ops_listener, metrics })
    }

    /// Serves until told to stop, then answers what has begun.
    ///
    /// # Errors
    /// [`Failure`] when a listener fails or the log takes no entry.
    pub async fn run(self, shutdown: &Shutdown) -> Result<(), Failure> {
        let Self { app, connections, listener, ops_listener, metrics, .. } = self;
        app.note(Action::SystemStart).await?;
        tracing::info!(state = "serving", port = self.address.port(), "listening");
        let background = [
            tokio::spawn(heartbeat(app.clone())),
            tokio::spawn(sweep(app.clone())),
            tokio::spawn(check_index(app.clone())),
            tokio::spawn(keep_snapshot(app.clone())),
            tokio::spawn(connections.clone().serve(app.clone())),
        ];
        let ops = ops::router(Arc::clone(&metrics), Arc::new(app.clone()));
        let drain = app.config.limits.drain;
        let ops_end = shutdown.clone();
        let ops_task = tokio::spawn(async move { serve_until(ops_listener, ops, &ops_end, Duration::ZERO).await });
        let administered: Arc<dyn Administration> =
            Arc::new(Administered { app: app.clone(), connections: connections.clone() });
        let api = Api::new(aceso_api::Parts {
            repository: app.repository.clone(),
            identity: Arc::clone(&app.identity),
            rng: Arc::clone(&app.rng),
            connections: Arc::clone(&administered),
            public_url: app.config.public_url.clone(),
        });
        let console = console(&app, administered, shutdown);
        let routes = api.router().merge(console.router()).merge(hooks(&app, &connections));
        let public = telemetry::http::measured(in_time(routes, app.config.limits.request), &metrics);
        let listener = Bounded::new(listener, app.config.limits.connections);
        let ended = serve_until(listener, public, shutdown, drain).await;
        for task in background {
            task.abort();
        }
        ops_task.abort();
        let _ = std::fs::remove_file(control::socket(&app.config.data_dir));
        app.note(Action::SystemStop).await?;
        keep_at_the_end(&app).await;
        match ended {
            Ok(Drained::All) => tracing::info!(state = "stopped", "every request was answered"),
            Ok(Drained::TimeUp) => tracing::warn!(state = "stopped", "the drain time was up"),
            Err(error) => return Err(unreachable("the listener", format!("failed ({:?})", error.kind()))),
        }
        Ok(())
    }
}

/// The web console on the same parts as the API.
fn console(app: &App, connections: Arc<dyn Administration>, shutdown: &Shutdown) -> Console {
    let door = app.door().clone();
    // Long on a long log, so beside everything else; a question that comes before is answered all the same.
    tokio::task::spawn_blocking(move || door.warm_log_index());
    Console::new(aceso_console::Parts {
        repository: app.repository.clone(),
        identity: Arc::clone(&app.identity),
        health: Arc::new(app.clone()),
        connections,
        clock: Arc::clone(&app.clock),
        rng: Arc::clone(&app.rng),
        public_url: app.config.public_url.clone(),
        client_id: CONSOLE_CLIENT.to_owned(),
        stopping: shutdown.subscribe(),
    })
}

/// `aceso serve`.
///
/// # Errors
/// [`Failure`].
pub fn run(config: Config) -> Result<(), Failure> {
    telemetry::install(config.log_format, config.log_level, Arc::new(aceso_base::SystemClock))
        .map_err(|_| Failure::Usage("this process logs already".to_owned()))?;
    runtime()?.block_on(async {
        let shutdown = Shutdown::on_signals().map_err(signals)?;
        Serving::open(config).await?.run(&shutdown).await
    })
}

pub(crate) fn signals(error: std::io::Error) -> Failure {
    unreachable("signals", format!("cannot be listened to ({:?})", error.kind()))
}

/// The runtime of every command that needs one.
///
/// # Errors
/// [`Failure::Unreachable`] when the system gives no threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| unreachable("the runtime", format!("does not start ({:?})", error.kind())))
}

async fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        unreachable("the listener", format!("{key} cannot be opened ({:?}); choose another address", error.kind()))
    })
}

/// Ends a request that takes too long. What it has committed stays committed.
fn in_time(router: Router, limit: Duration) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| async move {
        match tokio::time::timeout(limit, next.run(request)).await {
            Ok(response) => response,
            Err(_) => too_late(),
        }
    }))
}

fn too_late() -> Response {
    let body = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"timeout","diagnostics":"the request took too long"}]}"#;
    (StatusCode::SERVICE_UNAVAILABLE, [("content-type", "application/fhir+json; charset=utf-8")], body).into_response()
}

fn watch_app(app: &App, metrics: &Arc<Metrics>) {
    crate::cache::watch(app.door(), metrics);
    let repository = app.repository.clone();
    metrics.at_scrape(move |metrics| {
        let counts = repository.write_counts();
        metrics.counter(&crate::telemetry::names::PROFILE_FINDINGS, &[("outcome", "warned")]).raise_to(counts.warned);
        metrics.counter(&crate::telemetry::names::PROFILE_FINDINGS, &[("outcome", "refused")]).raise_to(counts.refused);
    });
    let app = app.clone();
    metrics.at_scrape(move |metrics| {
        use aceso_store::Store as _;
        let health = app.store.health();
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        metrics.gauge(&QUEUE, &[]).set(number(health.queue_depth as u64));
        metrics.gauge(&DISK_FREE, &[]).set(number(health.disk_free));
        if let Ok(size) = app.store.log().size() {
            metrics.gauge(&TREE_SIZE, &[]).set(number(size));
        }
        let left = app.config.tenants.iter().filter_map(|tenant| app.door().key_status(tenant).ok());
        metrics.gauge(&ROWS_LEFT, &[]).set(number(left.map(|status| status.left()).sum()));
    });
}

async fn heartbeat(app: App) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        if app.note(Action::Heartbeat).await.is_err() {
            tracing::error!(reason = "audit-unavailable", "no heartbeat could be recorded");
        }
    }
}

/// Finishes key rotations in the background.
async fn sweep(app: App) {
    let by = crate::app::local_operator();
    loop {
        for tenant in &app.config.tenants {
            loop {
                match app.door().rewrap_step(tenant, &by).await {
                    Ok(Some(_)) => tokio::time::sleep(SWEEP_PAUSE).await,
                    Ok(None) => break,
                    Err(_) => {
                        tracing::warn!(reason = "keys-unavailable", "the key sweep waits");
                        break;
                    }
                }
            }
        }
        tokio::time::sleep(SWEEP_LOOK).await;
    }
}

/// Walks over the index from time to time and puts lost rows back, in small steps.
async fn check_index(app: App) {
    let by = crate::app::local_operator();
    loop {
        for tenant in &app.config.tenants {
            let (mut after, mut repaired, mut broken) = (None, 0, 0);
            loop {
                match app.door().index_step(tenant, &by, after).await {
                    Ok((progress, next)) => {
                        repaired += progress.repaired;
                        broken += progress.broken;
                        after = next;
                    }
                    Err(_) => {
                        tracing::warn!(reason = "index-unavailable", "the walk over the index waits");
                        break;
                    }
                }
                if after.is_none() {
                    break;
                }
                tokio::time::sleep(SWEEP_PAUSE).await;
            }
            if repaired + broken > 0 {
                tracing::warn!(count = repaired, rows = broken, "index rows were lost or changed; see the audit log");
            }
        }
        let kept = OUTBOX_KEPT.as_millis();
        let before = app.clock.now().0.saturating_sub(i64::try_from(kept).unwrap_or(i64::MAX));
        if app.door().forget_events(aceso_base::Timestamp(before)).await.is_err() {
            tracing::warn!(reason = "store-unavailable", "old events stay in the outbox");
        }
        tokio::time::sleep(INDEX_AGAIN).await;
    }
}

/// Writes a snapshot of the freshness map whenever the log has grown enough.
async fn keep_snapshot(app: App) {
    loop {
        tokio::time::sleep(SWEEP_LOOK).await;
        if app.door().write_snapshot(SNAPSHOT_EVERY).await.is_err() {
            tracing::warn!(reason = "snapshot-failed", "the next start reads more of the log");
        }
    }
}

/// A snapshot at the end, when it spares the next start something.
pub(crate) async fn keep_at_the_end(app: &App) {
    if app.door().write_snapshot(SNAPSHOT_AT_END).await.is_err() {
        tracing::warn!(reason = "snapshot-failed", "the next start reads more of the log");
    }
}

/// The log format of a person at a terminal.
pub(crate) const fn for_people() -> LogFormat {
    LogFormat::Text
}
