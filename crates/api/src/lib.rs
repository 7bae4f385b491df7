//! HTTP: FHIR R4, OAuth 2.0 tokens, the audit log's tiles, and administration. Turns requests into calls and answers into bytes; holds no rules.

mod admin;
mod audit;
mod auth;
mod fhir;
mod format;
mod oauth;
mod refused;
mod reply;
mod request_id;
pub mod routes;

use aceso_base::Randomness;
use aceso_connect::admin::Administration;
use aceso_identity::Identity;
use aceso_repository::{Repository, capability_statement};
use axum::Router;
use std::sync::Arc;

pub use admin::openapi;

/// What the endpoints are made of.
pub struct Parts {
    /// FHIR interactions, and behind them the door.
    pub repository: Repository,
    /// People, clients, tokens.
    pub identity: Arc<Identity>,
    /// Randomness.
    pub rng: Arc<dyn Randomness>,
    /// Connections, for operators.
    pub connections: Arc<dyn Administration>,
    /// Where clients reach the server, without a slash at the end.
    pub public_url: String,
}

/// What the endpoints work with. Cheap to clone: every layer of every request has its own.
#[derive(Clone)]
pub struct Api(Arc<Room>);

/// What is in it; none of it is public.
pub struct Room {
    pub(crate) repository: Repository,
    pub(crate) identity: Arc<Identity>,
    pub(crate) rng: Arc<dyn Randomness>,
    pub(crate) connections: Arc<dyn Administration>,
    pub(crate) capability: Arc<[u8]>,
    /// The same in XML.
    pub(crate) capability_xml: Option<Arc<[u8]>>,
    pub(crate) public_url: Arc<str>,
    pub(crate) doubts: Arc<refused::Doubts>,
}

impl Api {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        // The date of what the software can do, not of the process: the statement is the same after every restart.
        const ABILITIES_SINCE: &str = "2026-11-22";
        let Parts { repository, identity, rng, connections, public_url } = parts;
        let capability = capability_statement(repository.settings(), env!("CARGO_PKG_VERSION"), ABILITIES_SINCE);
        // Once: the statement is large, and nobody has to sign in to ask for it.
        let capability_xml = format::to_xml(capability.clone(), repository.settings().json_depth).ok().map(Arc::from);
        let (capability, public_url, doubts) = (capability.into(), public_url.into(), Arc::default());
        Self(Arc::new(Room { repository, identity, rng, connections, capability, capability_xml, public_url, doubts }))
    }

    /// All routes of [`routes::ROUTES`].
    pub fn router(self) -> Router {
        routes::router(self)
    }
}

impl std::ops::Deref for Api {
    type Target = Room;

    fn deref(&self) -> &Room {
        &self.0
    }
}
