//! Connections: which there are, what runs when, and what operators see of them.

mod admin;
mod connection;
mod hooks;
mod intake;
mod jobs;
pub mod metrics;
pub mod order;
mod schedule;
mod settings;
pub mod shared;

pub(crate) use admin::Administered;
pub use hooks::router as hooks;
pub(crate) use schedule::Schedule;
pub use settings::{KeptProof, Settings};

use crate::app::{App, unreachable};
use crate::config::Problem;
use crate::exit::Failure;
use aceso_audit::{Action, Entry, Outcome};
use aceso_base::TenantId;
use aceso_connect::NoVendor;
use aceso_connect::admin::{AdminError, By, Job, NamedLetter, Origin, Status};
use aceso_connect::http::{Bounds, Http};
use aceso_connect::keeper::Keeper;
use aceso_connect::limiter::Limiter;
use aceso_connect::pattern::ConnectionId;
use aceso_connect::source::Source;
use aceso_connect::sync::{IntakeError, Leg, Progress, Sync};
use aceso_connect::vendor::Vendor;
use aceso_store::{DocumentWrite, Reader as _, Store as _, Unit};
use connection::{Connection, by_schedule};
use intake::{AppIntake, SealedTokens};
use jobs::Jobs;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Sealed settings of those that operators have added.
const SPACE: &str = "connections";
/// Which of those in the configuration an operator has paused: documents that hold their format only.
const PAUSED: &str = "connections-paused";
const PAUSED_FORMAT: u8 = 1;

/// All connections of a process. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    inner: Arc<Inner>,
}

struct Inner {
    keeper: Keeper,
    open: Mutex<BTreeMap<String, Arc<Connection>>>,
    changed: Notify,
    /// One pause, resumption or removal at a time.
    orders: tokio::sync::Mutex<()>,
    jobs: Jobs,
}

/// What a run has done.
pub(crate) struct Report {
    pub(crate) counts: Vec<(&'static str, u64)>,
    pub(crate) took: Duration,
}

/// The vendor that settings name.
///
/// # Errors
/// [`AdminError::Setting`] names the vendors that there are, or what is wrong with the options.
fn vendor(name: &str, base: &str, options: &[(String, String)]) -> Result<Arc<dyn Vendor>, AdminError> {
    aceso_connect::vendor_named(name, base, options).map_err(|error| match error {
        NoVendor::Unknown => AdminError::setting("vendor", format!("is one of: {}", aceso_connect::VENDORS.join(", "))),
        NoVendor::Options(error) => AdminError::setting("options", error),
    })
}

impl Connections {
    /// Opens all connections: those in the configuration, and those that are kept. None runs by this.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when settings do not open, [`Failure::Configuration`] for a secret that cannot be had and for a name
    /// that is in both places.
    pub async fn open(app: &App) -> Result<Self, Failure> {
        let http = Http::new(Bounds::default()).map_err(|error| unreachable("connections", error.to_string()))?;
        let vault = Arc::new(SealedTokens(app.clone()));
        let sharing = shared::sharing(app.door());
        let keeper = Keeper::sharing(http, vault, sharing, Arc::clone(&app.clock), Arc::clone(&app.rng));
        let (open, changed, orders, jobs) =
            (Mutex::default(), Notify::new(), tokio::sync::Mutex::default(), Jobs::default());
        let inner = Inner { keeper, open, changed, orders, jobs };
        let connections = Self { inner: Arc::new(inner) };
        connections.open_configured(app).await?;
        connections.open_kept(app).await?;
        Ok(connections)
    }

    async fn open_configured(&self, app: &App) -> Result<(), Failure> {
        for configured in &app.config.connections {
            let settings = configured.settings().map_err(|problem| Failure::Configuration(vec![problem]))?;
            let stopped = app.store.document(PAUSED, &configured.name).map_err(store)?;
            let paused = settings.paused || stopped.is_some();
            self.take_in(app, Settings { paused, ..settings }, Origin::Configuration).await?;
        }
        Ok(())
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
                if self.get(&settings.name).is_some() {
                    return Err(Failure::Configuration(vec![in_both_places(&settings.name)]));
                }
                self.take_in(app, settings, Origin::Store).await?;
            }
        }
    }

    async fn take_in(&self, app: &App, settings: Settings, origin: Origin) -> Result<Arc<Connection>, AdminError> {
        settings.check()?;
        let tenant = TenantId::parse(&settings.tenant).map_err(|error| AdminError::setting("tenant", error))?;
        let id = ConnectionId::parse(&settings.name).map_err(|error| AdminError::setting("name", error))?;
        self.inner.keeper.register(&settings.name, &settings.base, settings.credentials()?);
        let vendor = vendor(&settings.vendor, &settings.base, &settings.options)?;
        let published = vendor.capabilities().limits.requests_per_minute;
        let limiter = Limiter::with_minute(settings.budget(), published, Arc::clone(&app.rng));
        let source = Source::new(vendor, id, &settings.base, self.inner.keeper.clone(), limiter);
        let intake = AppIntake::open(app, &tenant, &settings.name).await;
        let intake = intake.map_err(|failure| AdminError::Unavailable(failure.to_string()))?;
        let sync = Sync::new(source, Arc::new(intake), Arc::clone(&app.clock));
        Ok(self.put(Connection::new(settings, origin, sync)))
    }

    /// In the place of what had its name.
    fn put(&self, connection: Connection) -> Arc<Connection> {
        let connection = Arc::new(connection);
        self.all().insert(connection.settings.name.clone(), Arc::clone(&connection));
        self.inner.changed.notify_waiters();
        connection
    }

    /// Keeps a new connection and opens it. Its source is not asked for anything yet.
    ///
    /// # Errors
    /// [`AdminError::Setting`] for settings that cannot be, [`AdminError::Taken`].
    pub async fn add(&self, app: &App, by: &By, settings: Settings) -> Result<Status, AdminError> {
        settings.check()?;
        let served = app.config.tenants.iter().any(|tenant| tenant.as_str() == settings.tenant);
        if !served || !by.reaches(&settings.tenant) {
            return Err(AdminError::setting("tenant", "is none of the tenants whose connections you may add"));
        }
        if self.get(&settings.name).is_some() {
            return Err(AdminError::Taken);
        }
        let name = settings.name.clone();
        let change = (SPACE, name.as_str(), Some(settings.encode()));
        keep(app, by, &settings.tenant, change, "connection-added").await?;
        let connection = self.take_in(app, settings, Origin::Store).await?;
        Ok(connection.status(&self.inner.keeper))
    }

    /// As [`Connections::add`], for a source that begins anew under a name that was known before.
    ///
    /// # Errors
    /// As for [`Connections::add`].
    pub async fn add_anew(&self, app: &App, by: &By, settings: Settings) -> Result<Status, AdminError> {
        let name = settings.name.clone();
        let paused = Settings { paused: true, ..settings };
        self.add(app, by, paused).await?;
        self.named(by, &name)?.sync.forget_progress().await.map_err(intake)?;
        self.pause(app, by, &name, false).await
    }

    /// Forgets a connection, its token and its settings. A run of it ends. Records that came by it stay.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::OfConfiguration`].
    pub async fn remove(&self, app: &App, by: &By, name: &str) -> Result<(), AdminError> {
        let _order = self.inner.orders.lock().await;
        let connection = self.named(by, name)?;
        if connection.origin == Origin::Configuration {
            return Err(AdminError::OfConfiguration { name: name.to_owned(), key: "" });
        }
        connection.stop();
        let _alone = connection.running.lock().await;
        let kept = keep(app, by, &connection.settings.tenant, (SPACE, name, None), "connection-removed").await;
        if let Err(error) = kept {
            // What was stopped goes on when the order could not be kept.
            self.put(connection.with_pause(connection.settings.paused));
            return Err(error);
        }
        self.all().remove(name);
        let _ = self.inner.keeper.forget(name).await;
        self.inner.changed.notify_waiters();
        Ok(())
    }

    /// Ends a run and lets nothing run by itself; or lets it run by itself again. What the configuration pauses, an order does not resume.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::OfConfiguration`].
    pub async fn pause(&self, app: &App, by: &By, name: &str, paused: bool) -> Result<Status, AdminError> {
        let _order = self.inner.orders.lock().await;
        let connection = self.named(by, name)?;
        let (space, value) = match connection.origin {
            Origin::Store => {
                let settings = Settings { paused, ..connection.settings.clone() };
                (SPACE, Some(settings.encode()))
            }
            Origin::Configuration => {
                let held = app.config.connections.iter().any(|known| known.name == name && known.paused);
                if held && !paused {
                    return Err(AdminError::OfConfiguration { name: name.to_owned(), key: ".paused" });
                }
                (PAUSED, paused.then(|| zeroize::Zeroizing::new(vec![PAUSED_FORMAT])))
            }
        };
        if !paused {
            keep(app, by, &connection.settings.tenant, (space, name, value), "connection-resumed").await?;
            if !connection.settings.paused {
                return Ok(connection.status(&self.inner.keeper));
            }
            return Ok(self.put(connection.resumed()).status(&self.inner.keeper));
        }
        connection.stop();
        let alone = connection.running.lock().await;
        let kept = keep(app, by, &connection.settings.tenant, (space, name, value), "connection-paused").await;
        // What was stopped goes on when the order could not be kept.
        let now = self.put(connection.with_pause(kept.is_ok() || connection.settings.paused));
        drop(alone);
        kept?;
        Ok(now.status(&self.inner.keeper))
    }

    /// All connections that he reaches, for operators.
    #[must_use]
    pub fn list(&self, by: &By) -> Vec<Status> {
        let all: Vec<Arc<Connection>> = self.all().values().cloned().collect();
        let his = all.iter().filter(|connection| by.reaches(&connection.settings.tenant));
        his.map(|connection| connection.status(&self.inner.keeper)).collect()
    }

    /// One connection, for operators.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`].
    pub fn status(&self, by: &By, name: &str) -> Result<Status, AdminError> {
        Ok(self.named(by, name)?.status(&self.inner.keeper))
    }

    /// Runs a connection now and waits for it.
    ///
    /// # Errors
    /// [`AdminError::Run`] when the run ended early, with its reason.
    pub(crate) async fn sync(
        &self,
        name: &str,
        leg: Leg,
        hear: &(dyn Fn(Progress) + Send + std::marker::Sync),
    ) -> Result<Report, AdminError> {
        let connection = self.get(name).ok_or(AdminError::NoConnection)?;
        let before = connection.counts();
        let began = std::time::Instant::now();
        connection.run(leg, hear).await?;
        let after = connection.counts().into_iter().zip(before);
        let counts = after.map(|((key, now), (_, then))| (key, now.saturating_sub(then))).collect();
        Ok(Report { counts, took: began.elapsed() })
    }

    /// Starts a run and does not wait for it.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`].
    pub async fn start(&self, app: &App, by: &By, name: &str, leg: Leg) -> Result<Job, AdminError> {
        self.named(by, name)?;
        app.note_order(by, Action::Administered, "connection-sync").await.map_err(unavailable)?;
        Ok(Jobs::start(self, &app.clock, app.rng.token16(), name, leg))
    }

    /// A run that was started.
    ///
    /// # Errors
    /// [`AdminError::NoJob`].
    pub fn job(&self, by: &By, id: &str) -> Result<Job, AdminError> {
        let job = self.jobs().get(id).ok_or(AdminError::NoJob)?;
        self.named(by, &job.connection).map_err(|_| AdminError::NoJob)?;
        Ok(job)
    }

    fn jobs(&self) -> &Jobs {
        &self.inner.jobs
    }

    /// Letters of a connection.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::Unavailable`].
    pub fn letters(
        &self,
        by: &By,
        name: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<NamedLetter>, AdminError> {
        let found = self.named(by, name)?.sync.letters(after, limit).map_err(intake)?;
        Ok(found.into_iter().map(|(name, letter)| NamedLetter { name, letter }).collect())
    }

    /// One letter.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::NoLetter`], [`AdminError::Unavailable`].
    pub fn letter(&self, by: &By, name: &str, letter: &str) -> Result<NamedLetter, AdminError> {
        let found = self.named(by, name)?.sync.letter(letter).map_err(intake)?;
        found.map(|found| NamedLetter { name: letter.to_owned(), letter: found }).ok_or(AdminError::NoLetter)
    }

    /// Tries a letter again.
    ///
    /// # Errors
    /// As for [`Connections::letter`], and [`AdminError::StillAside`].
    pub async fn retry_letter(&self, app: &App, by: &By, name: &str, letter: &str) -> Result<(), AdminError> {
        use aceso_connect::sync::Retried;
        let connection = self.named(by, name)?;
        app.note_order(by, Action::Administered, "letter-retried").await.map_err(unavailable)?;
        match connection.sync.retry_letter(letter).await.map_err(intake)? {
            Retried::Taken => Ok(()),
            Retried::Still => Err(AdminError::StillAside),
            Retried::NoLetter => Err(AdminError::NoLetter),
        }
    }

    /// Removes a letter.
    ///
    /// # Errors
    /// As for [`Connections::letter`].
    pub async fn discard_letter(&self, app: &App, by: &By, name: &str, letter: &str) -> Result<(), AdminError> {
        let connection = self.named(by, name)?;
        app.note_order(by, Action::Administered, "letter-discarded").await.map_err(unavailable)?;
        match connection.sync.discard_letter(letter).await.map_err(intake)? {
            true => Ok(()),
            false => Err(AdminError::NoLetter),
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

    fn named(&self, by: &By, name: &str) -> Result<Arc<Connection>, AdminError> {
        let found = self.get(name).filter(|connection| by.reaches(&connection.settings.tenant));
        found.ok_or(AdminError::NoConnection)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Connection>>> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both places, and how to get out of it.
fn in_both_places(name: &str) -> Problem {
    let at = format!("connect.{name}");
    let text = format!(
        "a connection of this name stands in the store, too: it was added by `aceso connections add` or /admin/v1. Take the section \
         out, run `aceso connections remove {name}`, and put the section back; or give it another name"
    );
    Problem { at, text }
}

/// A document as it shall be: its space, its name, and its content, if it is to stay.
type Change<'a> = (&'static str, &'a str, Option<zeroize::Zeroizing<Vec<u8>>>);

/// Keeps a change, and says in the same unit of work who has made it.
async fn keep(
    app: &App,
    by: &By,
    tenant: &str,
    (space, name, value): Change<'_>,
    what: &'static str,
) -> Result<(), AdminError> {
    let sealed = value.map(|value| app.door().seal_document(space, name, &value)).transpose();
    let bytes = sealed.map_err(|error| AdminError::Unavailable(error.to_string()))?;
    let entry = app.order_by(by, Action::Administered).with_detail(what);
    let entry = match TenantId::parse(tenant) {
        Ok(tenant) => entry.with_tenant(&tenant),
        Err(_) => entry,
    };
    let unit = Unit {
        documents: vec![DocumentWrite { space: space.to_owned(), key: name.to_owned(), bytes }],
        entries: vec![entry],
        ..Unit::default()
    };
    let kept = app.store.commit(unit).await;
    kept.map(|_| ()).map_err(|error| AdminError::Unavailable(format!("cannot be kept: {error}")))
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

fn intake(error: IntakeError) -> AdminError {
    AdminError::Unavailable(error.to_string())
}

fn unavailable(failure: Failure) -> AdminError {
    AdminError::Unavailable(failure.to_string())
}

impl From<AdminError> for Failure {
    /// As a command tells it: settings by the names of its options.
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Setting { setting, rule } => Self::Usage(format!("{}: {rule}", option(setting))),
            AdminError::Run { text, .. } => unreachable("the source or the store", text),
            AdminError::Unavailable(text) => unreachable("the store", text),
            other => Self::NotSo(other.to_string()),
        }
    }
}

fn option(setting: &str) -> String {
    match setting {
        "name" => "NAME".to_owned(),
        "secret" | "key" => format!("--{setting}-file"),
        "scopes" | "options" => format!("--{}", setting.trim_end_matches('s')),
        other => format!("--{}", other.replace('_', "-")),
    }
}
