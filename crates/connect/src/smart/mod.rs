//! FHIR R4 sources with SMART Backend Services: one client, with a profile for each EHR's ways.
//!
//! A resource of the source becomes a resource here, under an id of its own (`map`). Which types are asked for, and with which
//! search parameters, is decided by the source's CapabilityStatement (`offer`) within the profile (`profile`).
//! Facts and where they are from: `docs/connectors/fhir.md`. Nothing was ever tried against a vendor's servers.

mod bundle;
mod errors;
mod kinds;
mod map;
mod offer;
mod options;
mod profile;
mod references;
#[cfg(test)]
mod tests;
mod vendor;

pub use options::{OptionError, Options};
pub use profile::Profile;

use crate::keeper::DISCOVERY;

/// A FHIR source of one connection.
pub struct Fhir {
    profile: &'static Profile,
    /// Base address, without a slash at its end: what references below it mean is known.
    base: String,
    options: Options,
    /// [`Options::patients`], as the common part wants them.
    panel: Vec<String>,
}

/// The names of the profiles.
pub(crate) const NAMES: &[&str] = &["fhir", "epic", "oracle-health", "athenahealth", "eclinicalworks"];

impl Fhir {
    /// The source at `base` by the profile of this name; `None` when there is no such profile.
    ///
    /// # Errors
    /// [`OptionError`] when the profile needs an option that is not there, or cannot follow one.
    pub fn open(profile: &str, base: &str, options: Options) -> Option<Result<Self, OptionError>> {
        let profile = profile::named(profile)?;
        let base = base.trim_end_matches('/').to_owned();
        Some(profile.check(&options).map(|()| Self { profile, base, panel: options.patients.clone(), options }))
    }
}

/// Where the document is that names the token endpoint of a source.
pub(crate) fn discovery(base: &str) -> String {
    format!("{}{DISCOVERY}", base.trim_end_matches('/'))
}

/// What to ask for when nothing is said: reading and searching what the profile takes.
pub(crate) fn usual_scopes(profile: &str, options: &Options) -> Vec<String> {
    profile::named(profile).map(|profile| profile.scopes(options)).unwrap_or_default()
}
