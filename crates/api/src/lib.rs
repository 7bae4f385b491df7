//! HTTP: FHIR R4, OAuth 2.0 tokens and the audit log's tiles. Turns requests into calls and answers into bytes; holds no rules.

mod audit;
mod auth;
mod fhir;
mod oauth;
mod refused;
mod reply;
mod request_id;
pub mod routes;

use aceso_base::Randomness;
use aceso_identity::Identity;
use aceso_repository::{Repository, capability_statement};
use axum::Router;
use std::sync::Arc;

/// What the endpoints work with.
#[derive(Clone)]
pub struct Api {
    pub(crate) repository: Repository,
    pub(crate) identity: Arc<Identity>,
    pub(crate) rng: Arc<dyn Randomness>,
    pub(crate) capability: Arc<[u8]>,
    pub(crate) public_url: Arc<str>,
    pub(crate) doubts: Arc<refused::Doubts>,
}

impl Api {
    /// Puts the parts together. `public_url` is where clients reach the server, without a slash at the end.
    #[must_use]
    pub fn new(repository: Repository, identity: Arc<Identity>, rng: Arc<dyn Randomness>, public_url: &str) -> Self {
        // The date of what the software can do, not of the process: the statement is the same after every restart.
        const ABILITIES_SINCE: &str = "2026-11-22";
        let capability = capability_statement(repository.settings(), env!("CARGO_PKG_VERSION"), ABILITIES_SINCE);
        let doubts = Arc::default();
        Self { repository, identity, rng, capability: capability.into(), public_url: public_url.into(), doubts }
    }

    /// All routes of [`routes::ROUTES`].
    pub fn router(self) -> Router {
        routes::router(self)
    }
}
