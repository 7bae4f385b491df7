//! What operators ask of connections: the port behind `aceso connections`, `/admin/v1/connections` and the console's page.
//!
//! Nothing here holds a secret that came out of a store, a token, or anything of a record. Whether somebody may ask at all is decided
//! and recorded by the door before; this port knows whose connections he reaches.

use crate::keeper::{BoxFuture, TokenStatus};
use crate::sync::{Leg, Letter, Progress};
use aceso_base::{Caller, Timestamp};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// Who gives an order.
#[derive(Clone, Debug)]
pub enum By {
    /// Whoever may run commands on the machine: he reaches all connections.
    Machine,
    /// Somebody whom the door admitted: he reaches the connections of his tenant, others look absent.
    Caller(Box<Caller>),
}

impl By {
    /// Whether connections of this tenant are his.
    #[must_use]
    pub fn reaches(&self, tenant: &str) -> bool {
        match self {
            Self::Machine => true,
            Self::Caller(caller) => caller.tenant.as_str() == tenant,
        }
    }
}

impl From<&Caller> for By {
    fn from(caller: &Caller) -> Self {
        Self::Caller(Box::new(caller.clone()))
    }
}

/// Five fields of cron: when changes are looked for, if nothing else is said.
pub const USUAL_SCHEDULE: &str = "*/5 * * * *";
/// When everything is compared.
pub const USUAL_SWEEP: &str = "17 3 * * *";
/// The zone of both.
pub const USUAL_TIME_ZONE: &str = "UTC";
/// Most requests at once.
pub const USUAL_CONCURRENCY: u32 = 8;
/// The algorithm of a key.
pub const USUAL_ALGORITHM: &str = "ES384";

/// A connection to add. [`Administration::add`] checks every member.
#[derive(Clone)]
pub struct NewConnection {
    /// Its name: 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// One of [`crate::VENDORS`].
    pub vendor: String,
    /// Whose data comes in.
    pub tenant: String,
    /// Base address of the interface.
    pub url: String,
    /// Token endpoint; the vendor's usual one when it is not given.
    pub token_url: Option<String>,
    /// Our client id there.
    pub client_id: String,
    /// How we prove who we are.
    pub proof: NewProof,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// When changes are looked for: five fields of cron.
    pub schedule: String,
    /// When everything is compared.
    pub sweep: String,
    /// Time zone of both, a name of the IANA database.
    pub time_zone: String,
    /// Most requests at once.
    pub concurrency: u32,
    /// Most requests a second; 0: as many as the source takes.
    pub per_second: u32,
    /// Where the source sends webhooks to, if it does.
    pub hooks: Option<String>,
    /// Nothing runs by itself.
    pub paused: bool,
    /// What the vendor wants to know beside its address: name and value (`docs/connectors/fhir.md`).
    pub options: Vec<(String, String)>,
}

/// An option of a connection, as people write it: `NAME=VALUE`.
#[must_use]
pub fn option(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// What an option must look like.
pub const OPTION_RULE: &str = "each is NAME=VALUE";

/// A secret on its way in.
#[derive(Clone)]
pub enum NewProof {
    /// A client secret.
    Secret(Zeroizing<String>),
    /// A private key that signs assertions.
    Key {
        /// `RS384` or `ES384`.
        algorithm: String,
        /// The key id that the other system knows.
        key_id: String,
        /// PEM.
        pem: Zeroizing<String>,
    },
}

/// Where a connection is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration: it goes when its section goes.
    Configuration,
    /// In the store, sealed: added by an operator.
    Store,
}

impl Origin {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Store => "store",
        }
    }
}

/// What a connection does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Its next time will come.
    Waiting,
    /// A run of changes.
    ReadingChanges,
    /// A run over everything.
    ReadingEverything,
    /// Nothing runs by itself.
    Paused,
    /// The last run ended early.
    Failing,
}

impl Doing {
    /// The words in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::ReadingChanges => "reading changes",
            Self::ReadingEverything => "reading everything",
            Self::Paused => "paused",
            Self::Failing => "failing",
        }
    }

    /// Of a run.
    #[must_use]
    pub const fn running(leg: Leg) -> Self {
        match leg {
            Leg::Changes => Self::ReadingChanges,
            Leg::Everything => Self::ReadingEverything,
        }
    }
}

/// A connection as operators see it.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whose interface it speaks.
    pub vendor: String,
    /// Whose data comes in.
    pub tenant: String,
    /// Base address of the interface.
    pub url: String,
    /// Where it is written down.
    pub origin: Origin,
    /// What it does now.
    pub doing: Doing,
    /// How far the present run is.
    pub now: Option<Progress>,
    /// Runs since the process began.
    pub runs: u64,
    /// Of these, ended early.
    pub failed_runs: u64,
    /// When the last run began.
    pub last_start: Option<Timestamp>,
    /// When the last run ended.
    pub last_end: Option<Timestamp>,
    /// When a run last ended well.
    pub last_success: Option<Timestamp>,
    /// Why the last run ended early, a fixed word.
    pub last_error: Option<&'static str>,
    /// Seconds since a run last ended well.
    pub lag_seconds: Option<i64>,
    /// Requests at once that the source takes, as learnt.
    pub window: u32,
    /// Five fields of cron.
    pub schedule: String,
    /// Five fields of cron.
    pub sweep: String,
    /// Zone of both.
    pub time_zone: String,
    /// Whether the source is asked to send webhooks.
    pub hooks: bool,
    /// Its token, without the token.
    pub token: TokenStatus,
    /// What was done since the process began, by name.
    pub counts: Vec<(&'static str, u64)>,
}

impl Status {
    /// As commands and `/admin/v1` answer it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "connection": self.name,
            "vendor": self.vendor,
            "tenant": self.tenant,
            "url": self.url,
            "origin": self.origin.as_str(),
            "state": self.doing.as_str(),
            "now": self.now.map(progress),
            "runs": self.runs,
            "failed_runs": self.failed_runs,
            "last_start": time(self.last_start),
            "last_end": time(self.last_end),
            "last_success": time(self.last_success),
            "last_error": self.last_error,
            "lag_seconds": self.lag_seconds,
            "window": self.window,
            "schedule": self.schedule,
            "sweep": self.sweep,
            "time_zone": self.time_zone,
            "hooks": self.hooks,
            "token_expires": time(self.token.expires),
            "token_refreshed": time(self.token.refreshed),
            "token_failures": self.token.failures,
            "token_error": self.token.last_error,
        });
        add(&mut object, counted(&self.counts));
        object
    }

    /// A count by its name; 0 when there is none.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.counts.iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| *count)
    }
}

/// A letter with its name.
#[derive(Clone, Debug)]
pub struct NamedLetter {
    /// The keyed id of its object: tells nothing about the source.
    pub name: String,
    /// What is known.
    pub letter: Letter,
}

impl NamedLetter {
    /// As commands and `/admin/v1` answer it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Letter { kind, id, reason, place, tries, first, last } = &self.letter;
        json!({
            "letter": self.name,
            "kind": kind,
            "source_id": id,
            "reason": reason,
            "place": place,
            "tries": tries,
            "first": Timestamp(*first).to_string(),
            "last": Timestamp(*last).to_string(),
        })
    }
}

/// How a job stands.
#[derive(Clone, Debug)]
pub enum JobState {
    /// It waits for another run of its connection, or runs.
    Running(Option<Progress>),
    /// It ended well, with what it did.
    Done(Vec<(&'static str, u64)>),
    /// It ended early, for this reason.
    Failed(&'static str),
}

/// A run that somebody started.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id, 32 hexadecimal digits.
    pub id: String,
    /// Which connection.
    pub connection: String,
    /// Over what.
    pub leg: Leg,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: JobState,
}

impl Job {
    /// As `/admin/v1` answers it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (state, now, error) = match &self.state {
            JobState::Running(now) => ("running", now.map(progress), None),
            JobState::Done(_) => ("done", None, None),
            JobState::Failed(error) => ("failed", None, Some(*error)),
        };
        let mut object = json!({
            "job": self.id,
            "connection": self.connection,
            "reads": match self.leg { Leg::Changes => "changes", Leg::Everything => "everything" },
            "state": state,
            "now": now,
            "started": self.started.to_string(),
            "ended": time(self.ended),
            "error": error,
        });
        if let JobState::Done(counts) = &self.state {
            add(&mut object, counted(counts));
        }
        object
    }
}

/// Why an order is not carried out. Texts carry no value that was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// No such connection, or none that he may know of.
    #[error("there is no connection of this name")]
    NoConnection,
    /// No such letter.
    #[error("there is no such letter")]
    NoLetter,
    /// No such job, or the process that knew it is gone.
    #[error("there is no such job")]
    NoJob,
    /// The name is taken.
    #[error("a connection of this name exists")]
    Taken,
    /// The configuration says otherwise, and goes before an order.
    #[error("this connection stands in the configuration: change connect.{name}{key} there and start anew")]
    OfConfiguration {
        /// The connection.
        name: String,
        /// Which key, with a dot before it; empty for the section.
        key: &'static str,
    },
    /// A letter was tried again, in vain.
    #[error("the object is still set aside; its letter says why")]
    StillAside,
    /// A setting is not as it must be.
    #[error("{setting}: {rule}")]
    Setting {
        /// Which, as in `/admin/v1` and the configuration.
        setting: &'static str,
        /// What it must be.
        rule: String,
    },
    /// The run was stopped: somebody paused or removed the connection.
    #[error("the run was stopped by an operator")]
    Stopped,
    /// The run ended early.
    #[error("the source or the store: {text}")]
    Run {
        /// A fixed word.
        code: &'static str,
        /// What happened.
        text: String,
    },
    /// The store, the log or the keys cannot be used now.
    #[error("{0}")]
    Unavailable(String),
}

impl AdminError {
    /// A setting that is not as it must be.
    #[must_use]
    pub fn setting(setting: &'static str, rule: impl std::fmt::Display) -> Self {
        Self::Setting { setting, rule: rule.to_string() }
    }

    /// How it is answered over HTTP: the status and the fixed word beside it (docs/errors).
    #[must_use]
    pub const fn answer(&self) -> (u16, &'static str) {
        match self {
            Self::NoConnection | Self::NoLetter | Self::NoJob => (404, "not-found"),
            Self::Taken => (409, "conflict"),
            Self::OfConfiguration { .. } | Self::StillAside => (409, "business-rule"),
            Self::Setting { .. } => (422, "value"),
            Self::Stopped | Self::Run { .. } | Self::Unavailable(_) => (503, "transient"),
        }
    }
}

/// The port. Every function but those that only look is an entry of the log, with the name of who ordered it.
pub trait Administration: Send + Sync {
    /// All connections that he reaches, by name.
    fn list(&self, by: &By) -> Vec<Status>;

    /// One connection.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`].
    fn status(&self, by: &By, name: &str) -> Result<Status, AdminError>;

    /// Keeps a new connection and opens it. Its source is not asked for anything yet.
    ///
    /// # Errors
    /// [`AdminError::Setting`], [`AdminError::Taken`], [`AdminError::Unavailable`].
    fn add<'a>(&'a self, by: &'a By, new: NewConnection) -> BoxFuture<'a, Result<Status, AdminError>>;

    /// Forgets a connection, its secret and its token. Records that came by it stay.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::OfConfiguration`], [`AdminError::Unavailable`].
    fn remove<'a>(&'a self, by: &'a By, name: &'a str) -> BoxFuture<'a, Result<(), AdminError>>;

    /// Stops what runs, and lets nothing run by itself; or lets it run by itself again.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::OfConfiguration`], [`AdminError::Unavailable`].
    fn pause<'a>(&'a self, by: &'a By, name: &'a str, paused: bool) -> BoxFuture<'a, Result<Status, AdminError>>;

    /// Starts a run and does not wait for it. One that was started and has not ended is the same job.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`].
    fn start<'a>(&'a self, by: &'a By, name: &'a str, leg: Leg) -> BoxFuture<'a, Result<Job, AdminError>>;

    /// A run that was started. The process remembers the newest ones.
    ///
    /// # Errors
    /// [`AdminError::NoJob`].
    fn job(&self, by: &By, id: &str) -> Result<Job, AdminError>;

    /// Letters of a connection by name, after the given one.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::Unavailable`].
    fn letters(&self, by: &By, name: &str, after: Option<&str>, limit: usize) -> Result<Vec<NamedLetter>, AdminError>;

    /// One letter.
    ///
    /// # Errors
    /// [`AdminError::NoConnection`], [`AdminError::NoLetter`], [`AdminError::Unavailable`].
    fn letter(&self, by: &By, name: &str, letter: &str) -> Result<NamedLetter, AdminError>;

    /// Reads the object of a letter again and takes it, if it can be taken now.
    ///
    /// # Errors
    /// As for [`Administration::letter`], and [`AdminError::StillAside`].
    fn retry<'a>(&'a self, by: &'a By, name: &'a str, letter: &'a str) -> BoxFuture<'a, Result<(), AdminError>>;

    /// Gives an object up.
    ///
    /// # Errors
    /// As for [`Administration::letter`].
    fn discard<'a>(&'a self, by: &'a By, name: &'a str, letter: &'a str) -> BoxFuture<'a, Result<(), AdminError>>;
}

/// Counts as members of an answer.
#[must_use]
pub fn counted(counts: &[(&'static str, u64)]) -> Map<String, Value> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect()
}

fn add(object: &mut Value, members: Map<String, Value>) {
    if let Some(object) = object.as_object_mut() {
        object.extend(members);
    }
}

fn progress(now: Progress) -> Value {
    json!({ "kind": now.kind, "objects": now.objects })
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
