//! The FHIR R4 interactions: what a request means, in terms of reads, searches and writes through the door.
//!
//! Knows FHIR's rules (conditional interactions, bundles, paging, capability statement) and nothing of keys, rows or HTTP. What
//! comes back is JSON text made of [`aceso_custodian::View`]s, or a [`Fault`] that becomes an OperationOutcome.

mod batch;
mod body;
mod bundle;
mod capability;
mod conditional;
mod cursor;
mod definitions;
mod entry;
mod everything;
mod fault;
mod history;
mod instance;
mod outcome;
mod page;
mod patch;
mod plan;
mod references;
mod respond;
mod scope;
mod search;
mod terminology;
mod transaction;
mod validation;
mod views;
mod write;

pub use bundle::{Beside, BundleAnswer, ResolvedReferences};
pub use capability::capability_statement;
pub use conditional::decode_pairs;
pub use definitions::{Definitions, InForce, ProfilesOnWrite};
pub use entry::{parse_etag, parse_version};
pub use fault::{Fault, OutcomeIssue};
pub use instance::{Found, Instance, ReadCall};
pub use outcome::{operation_outcome, stored_outcome};
pub use page::Answer;
pub use patch::{PatchCall, PatchFormat};
pub use search::SearchCall;
pub use terminology::{TerminologyInput, TerminologyOperation};
pub use validation::{ValidateCall, WriteCounts};
pub use views::ViewsCall;
pub use write::{Deleted, Stored, UpdateCall, WriteStatus};

use aceso_base::Randomness;
use aceso_custodian::Custodian;
use aceso_fhir::json::Limits;
use std::sync::Arc;

/// What a repository is told by the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the FHIR endpoint as clients see it, without a slash at the end.
    pub base_url: String,
    /// Bounds of a request body.
    pub body_bytes: usize,
    /// Bounds of nesting in a request body.
    pub json_depth: usize,
    /// Matches on a page when the client does not say.
    pub default_page: usize,
    /// Most matches on a page.
    pub max_page: usize,
}

/// The FHIR interactions. Cheap to clone.
#[derive(Clone)]
pub struct Repository {
    pub(crate) door: Custodian,
    pub(crate) settings: Arc<Settings>,
    pub(crate) rng: Arc<dyn Randomness>,
    pub(crate) definitions: Definitions,
    pub(crate) on_write: Arc<validation::Counters>,
}

impl Repository {
    /// A repository behind this door.
    #[must_use]
    pub fn new(door: Custodian, settings: Settings, rng: Arc<dyn Randomness>) -> Self {
        Self { door, settings: Arc::new(settings), rng, definitions: Definitions::default(), on_write: Arc::default() }
    }

    /// The same with packages and terminology beside those of the build.
    #[must_use]
    pub fn with_definitions(self, definitions: Definitions) -> Self {
        Self { definitions, ..self }
    }

    /// Packages and terminology of every tenant.
    #[must_use]
    pub const fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// The door that it uses.
    #[must_use]
    pub const fn door(&self) -> &Custodian {
        &self.door
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { max_bytes: self.settings.body_bytes, max_depth: self.settings.json_depth, ..Limits::default() }
    }
}
