//! Connections: which there are, what runs when, and what operators see of them.

mod connection;
mod hooks;
mod intake;
pub mod order;
mod schedule;
mod settings;
pub mod shared;

pub use hooks::router as hooks;
pub use settings::{KeptProof, Settings};

use crate::app::{App, unreachable};
use crate::exit::Failure;
use aceso_audit::{Action, Entry, Outcome};
use aceso_base::{TenantId, Timestamp};
use aceso_connect::http::{Bounds, Http};
use aceso_connect::keeper::Keeper;
use aceso_connect::limiter::Limiter;
use aceso_connect::pattern::ConnectionId;
use aceso_connect::source::Source;
use aceso_connect::sync::{Leg, Progress, Sync};
use aceso_connect::vendor::Vendor;
use aceso_store::{DocumentWrite, Reader as _, Store as _, Unit};
use connection::{Connection, by_schedule};
use intake::{AppIntake, SealedTokens};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Sealed settings.
const SPACE: &str = "connections";

/// All connections of a process. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    inner: Arc<Inner>,
}

struct Inner {
    keeper: Keeper,
    open: Mutex<BTreeMap<String, Arc<Connection>>>,
    changed: Notify,
}

/// The vendor of this name.
///
/// # Errors
/// [`Failure::Usage`] names the vendors that there are.
pub(crate) fn vendor(name: &str) -> Result<Arc<dyn Vendor>, Failure> {
    aceso_connect::vendor_named(name)
        .ok_or_else(|| Failure::Usage(format!("--vendor is one of: {}", aceso_connect::VENDORS.join(", "))))
}

impl Connections {
    /// Opens all connections that are kept. None runs by this.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when settings do not open.
    pub async fn open(app: &App) -> Result<Self, Failure> {
        let http = Http::new(Bounds::default()).map_err(|error| unreachable("connections", error.to_string()))?;
        let vault = Arc::new(SealedTokens(app.clone()));
        let sharing = shared::sharing(app.door());
        let keeper = Keeper::sharing(http, vault, sharing, Arc::clone(&app.clock), Arc::clone(&app.rng));
        let inner = Inner { keeper, open: Mutex::default(), changed: Notify::new() };
        let connections = Self { inner: Arc::new(inner) };
        connections.open_kept(app).await?;
        Ok(connections)
    }

    async fn open_kept(&self, app: &App) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let block = app.store.documents(SPACE, after.as_deref(), 100).map_err(store)?;
            let Some((last, _)) = block.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, document) in block {
                let damaged = || unreachable("connections", "the settings of one do not open; restore the database");
                let plain = app.door().open_document(SPACE, &key, document.bytes).map_err(|_| damaged())?;
                let settings = Settings::decode(&plain).ok_or_else(damaged)?;
                self.take_in(app, settings).await?;
            }
        }
    }

    async fn take_in(&self, app: &App, settings: Settings) -> Result<Arc<Connection>, Failure> {
        settings.check()?;
        let tenant = TenantId::parse(&settings.tenant).map_err(|error| Failure::Usage(error.to_string()))?;
        let id = ConnectionId::parse(&settings.name).map_err(|error| Failure::Usage(error.to_string()))?;
        self.inner.keeper.register(&settings.name, &settings.base, settings.credentials()?);
        let limiter = Limiter::new(settings.budget(), Arc::clone(&app.rng));
        let source = Source::new(vendor(&settings.vendor)?, id, &settings.base, self.inner.keeper.clone(), limiter);
        let intake = Arc::new(AppIntake::open(app, &tenant, &settings.name).await?);
        let sync = Sync::new(source, intake, Arc::clone(&app.clock));
        let connection = Arc::new(Connection::new(settings, sync));
        self.all().insert(connection.settings.name.clone(), Arc::clone(&connection));
        self.inner.changed.notify_waiters();
        Ok(connection)
    }

    /// Keeps a new connection and opens it. Its source is not asked for anything yet.
    ///
    /// # Errors
    /// [`Failure::Usage`] for settings that cannot be, or a name that is taken.
    pub async fn add(&self, app: &App, settings: Settings) -> Result<Value, Failure> {
        settings.check()?;
        if !app.config.tenants.iter().any(|tenant| tenant.as_str() == settings.tenant) {
            return Err(Failure::Usage("no such tenant in the configuration".to_owned()));
        }
        if self.get(&settings.name).is_some() {
            return Err(Failure::NotSo("a connection of this name exists".to_owned()));
        }
        keep(app, &settings.name, Some(&settings), "connection-added").await?;
        let connection = self.take_in(app, settings).await?;
        Ok(connection.summary(&self.inner.keeper))
    }

    /// As [`Connections::add`], for a source that begins anew under a name that was known before.
    ///
    /// # Errors
    /// As for [`Connections::add`].
    pub async fn add_anew(&self, app: &App, settings: Settings) -> Result<Value, Failure> {
        let name = settings.name.clone();
        let paused = Settings { paused: true, ..settings };
        self.add(app, paused).await?;
        self.named(&name)?.sync.forget_progress().await.map_err(intake)?;
        self.pause(app, &name, false).await
    }

    /// Forgets a connection, its token and its settings. Records that came by it stay.
    ///
    /// # Errors
    /// [`Failure::NotSo`] when there is none.
    pub async fn remove(&self, app: &App, name: &str) -> Result<Value, Failure> {
        let connection = self.named(name)?;
        let _alone = connection.running.lock().await;
        keep(app, name, None, "connection-removed").await?;
        self.all().remove(name);
        let _ = self.inner.keeper.forget(name).await;
        self.inner.changed.notify_waiters();
        Ok(json!({ "removed": name }))
    }

    /// Stops what runs by itself, or lets it run again.
    ///
    /// # Errors
    /// [`Failure::NotSo`] when there is no such connection.
    pub async fn pause(&self, app: &App, name: &str, paused: bool) -> Result<Value, Failure> {
        let connection = self.named(name)?;
        let settings = Settings { paused, ..connection.settings.clone() };
        let _alone = connection.running.lock().await;
        keep(app, name, Some(&settings), if paused { "connection-paused" } else { "connection-resumed" }).await?;
        let connection = self.take_in(app, settings).await?;
        Ok(connection.summary(&self.inner.keeper))
    }

    /// All connections, for operators.
    #[must_use]
    pub fn list(&self) -> Value {
        let all: Vec<Arc<Connection>> = self.all().values().cloned().collect();
        all.iter().map(|connection| connection.summary(&self.inner.keeper)).collect()
    }

    /// One connection, for operators.
    ///
    /// # Errors
    /// [`Failure::NotSo`] when there is none.
    pub fn status(&self, name: &str) -> Result<Value, Failure> {
        Ok(self.named(name)?.summary(&self.inner.keeper))
    }

    /// Runs a connection now and waits for it.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when the run ended early, with its reason.
    pub async fn sync(
        &self,
        name: &str,
        leg: Leg,
        hear: &(dyn Fn(Progress) + Send + std::marker::Sync),
    ) -> Result<Value, Failure> {
        let connection = self.named(name)?;
        let before = connection.counts();
        let began = std::time::Instant::now();
        connection.run(leg, hear).await.map_err(|error| unreachable("the source or the store", error.to_string()))?;
        let after = connection.counts();
        let mut report = serde_json::Map::new();
        report.insert("connection".to_owned(), json!(name));
        for ((key, now), (_, then)) in after.into_iter().zip(before) {
            report.insert(key.to_owned(), json!(now.saturating_sub(then)));
        }
        report.insert("seconds".to_owned(), json!((began.elapsed().as_millis() as f64) / 1000.0));
        Ok(Value::Object(report))
    }

    /// Letters of a connection.
    ///
    /// # Errors
    /// [`Failure::NotSo`] when there is no such connection.
    pub fn letters(&self, name: &str, limit: usize) -> Result<Value, Failure> {
        let connection = self.named(name)?;
        let letters = connection.sync.letters(None, limit).map_err(intake)?;
        Ok(letters
            .into_iter()
            .map(|(letter, what)| {
                json!({
                    "letter": letter,
                    "kind": what.kind,
                    "source_id": what.id,
                    "reason": what.reason,
                    "place": what.place,
                    "tries": what.tries,
                    "first": Timestamp(what.first).to_string(),
                    "last": Timestamp(what.last).to_string(),
                })
            })
            .collect())
    }

    /// Tries a letter again.
    ///
    /// # Errors
    /// [`Failure::NotSo`] when there is no such connection or letter, or its object is still refused.
    pub async fn retry_letter(&self, app: &App, name: &str, letter: &str) -> Result<Value, Failure> {
        use aceso_connect::sync::Retried;
        let connection = self.named(name)?;
        app.note_order(Action::Administered, "letter-retried").await?;
        match connection.sync.retry_letter(letter).await.map_err(intake)? {
            Retried::Taken => Ok(json!({ "letter": letter, "taken": true })),
            Retried::Still => Err(Failure::NotSo("the object is still set aside; its letter says why".to_owned())),
            Retried::NoLetter => Err(no_letter()),
        }
    }

    /// Removes a letter.
    ///
    /// # Errors
    /// [`Failure::NotSo`] when there is no such connection or letter.
    pub async fn discard_letter(&self, app: &App, name: &str, letter: &str) -> Result<Value, Failure> {
        let connection = self.named(name)?;
        app.note_order(Action::Administered, "letter-discarded").await?;
        match connection.sync.discard_letter(letter).await.map_err(intake)? {
            true => Ok(json!({ "letter": letter, "discarded": true })),
            false => Err(no_letter()),
        }
    }

    /// Runs everything by its schedule until the process ends.
    pub async fn serve(self, app: App) {
        let mut tasks: BTreeMap<String, (Arc<Connection>, tokio::task::JoinHandle<()>)> = BTreeMap::new();
        loop {
            let changed = self.inner.changed.notified();
            let open: BTreeMap<String, Arc<Connection>> = self.all().clone();
            tasks.retain(|name, (running, task)| {
                let same = open.get(name).is_some_and(|now| Arc::ptr_eq(now, running));
                if !same {
                    task.abort();
                }
                same
            });
            for (name, connection) in open {
                if !connection.settings.paused && !tasks.contains_key(&name) {
                    let task = tokio::spawn(by_schedule(Arc::clone(&connection), app.clone()));
                    tasks.insert(name, (connection, task));
                }
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Connection>> {
        self.all().get(name).cloned()
    }

    fn named(&self, name: &str) -> Result<Arc<Connection>, Failure> {
        self.get(name).ok_or_else(|| Failure::NotSo("there is no connection of this name".to_owned()))
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Connection>>> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep(app: &App, name: &str, settings: Option<&Settings>, what: &'static str) -> Result<(), Failure> {
    let sealed = settings.map(|settings| app.door().seal_document(SPACE, name, &settings.encode())).transpose();
    let bytes = sealed.map_err(|error| unreachable("connections", error.to_string()))?;
    let unit = Unit {
        documents: vec![DocumentWrite { space: SPACE.to_owned(), key: name.to_owned(), bytes }],
        entries: vec![
            Entry::system(&app.config.region, Action::Administered)
                .with_detail(what)
                .with_user(&crate::app::local_operator()),
        ],
        ..Unit::default()
    };
    let kept = app.store.commit(unit).await;
    kept.map(|_| ()).map_err(|error| unreachable("connections", format!("cannot be kept: {error}")))
}

/// Puts a refused webhook into the log.
pub(crate) async fn note_refused_webhook(app: &App, reason: &'static str) -> Result<(), Failure> {
    let entry = Entry::system(&app.config.region, Action::LoginFailed)
        .with_detail("webhook")
        .with_outcome(Outcome::denied(reason));
    let unit = Unit { entries: vec![entry], ..Unit::default() };
    let noted = app.store.commit(unit).await;
    noted.map(|_| ()).map_err(|error| unreachable("the audit log", error.to_string()))
}

fn store(error: aceso_store::StoreError) -> Failure {
    unreachable("the store", error.to_string())
}

fn intake(error: aceso_connect::sync::IntakeError) -> Failure {
    unreachable("the store", error.to_string())
}

fn no_letter() -> Failure {
    Failure::NotSo("there is no such letter".to_owned())
}
