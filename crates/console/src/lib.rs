//! The web console: pages rendered on the server from what the door gives out, and nothing else.
//!
//! A page shows [`View`](aceso_custodian::View)s, entries of the log and facts about sealed rows. Each comes from a call that is
//! decided and recorded like one of the API. The console knows no keys, no rows and no unveiled values, and holds no rule of its
//! own about who may see what.

mod assets;
mod context;
mod export;
mod form;
mod guard;
mod layout;
mod live;
mod pages;
mod proofs;
mod reading;
mod refusal;
pub mod routes;
mod session;
mod ui;

use aceso_base::{Clock, Randomness};
use aceso_connect::admin::Administration;
use aceso_identity::Identity;
use aceso_repository::Repository;
use axum::Router;
use std::sync::Arc;
use tokio::sync::watch;

/// How well one part of the process is, for the operators' page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is looked at.
    pub name: &'static str,
    /// Well, or what to do about it.
    pub state: Result<(), &'static str>,
}

/// What the process tells of itself.
pub trait Health: Send + Sync {
    /// The checks of readiness.
    fn checks(&self) -> Vec<Check>;
    /// Units of work that wait for a commit.
    fn queue_depth(&self) -> usize;
    /// Free bytes where the data lies, as last measured.
    fn disk_free(&self) -> u64;
}

/// What the console is made of.
pub struct Parts {
    /// FHIR interactions, and behind them the door.
    pub repository: Repository,
    /// People and sessions.
    pub identity: Arc<Identity>,
    /// Health of the process.
    pub health: Arc<dyn Health>,
    /// Connections, for operators.
    pub connections: Arc<dyn Administration>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Randomness>,
    /// Where people reach the server: with `https`, cookies are for secure connections only.
    pub public_url: String,
    /// The OAuth client by which people sign in.
    pub client_id: String,
    /// Turns true when the process stops: live streams end then.
    pub stopping: watch::Receiver<bool>,
}

/// The console. Cheap to clone.
#[derive(Clone)]
pub struct Console {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) repository: Repository,
    pub(crate) identity: Arc<Identity>,
    pub(crate) health: Arc<dyn Health>,
    pub(crate) connections: Arc<dyn Administration>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Randomness>,
    pub(crate) sessions: session::Sessions,
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
}

impl Console {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { repository, identity, health, connections, clock, rng, public_url, client_id, stopping } = parts;
        let sessions = session::Sessions::new(Arc::clone(&identity), Arc::clone(&clock), Arc::clone(&rng), client_id);
        let (scheme, host) = public_url.split_once("://").unwrap_or(("http", public_url.as_str()));
        let inner = Inner {
            repository,
            identity,
            health,
            connections,
            clock,
            rng,
            sessions,
            secure: scheme == "https",
            host: host.split('/').next().unwrap_or_default().to_owned(),
            stopping,
            streams: Arc::new(tokio::sync::Semaphore::new(live::MAX_STREAMS)),
        };
        Self { inner: Arc::new(inner) }
    }

    /// All routes of [`routes::ROUTES`].
    pub fn router(self) -> Router {
        routes::router(self)
    }
}
