//! Connecting other systems: what every vendor's connector has in common ([`pattern`], [`vendor`]), the vendors ([`elation`], [`smart`]),
//! and what brings their records in.
//!
//! A vendor is data and pure functions: what it can do, how its failures are answered, typed models of what it sends,
//! and the mapping of these to FHIR R4; it does no I/O, reads no clock and keeps no state. The rest knows no vendor:
//!
//! - [`http`]: requests, bounded in time and size, with errors that name no address and no body.
//! - [`keeper`]: access tokens. Nobody else sees one: callers get a [`keeper::Access`] that sends requests.
//! - [`limiter`]: how many requests at once, learnt from the answers.
//! - [`source`]: reading by the rules of token, load and error table.
//! - [`admin`]: what operators ask of connections, as a port.
//! - [`sync`]: jobs that bring the records in and keep them as they are at the source.

pub mod admin;
pub mod elation;
pub mod http;
pub mod keeper;
pub mod limiter;
pub mod pattern;
pub mod smart;
pub mod source;
pub mod sync;
pub mod vendor;

mod fhir;
mod ids;
mod table;

pub use ids::IdKey;

use std::sync::Arc;

/// The vendors that there are, by name.
pub const VENDORS: &[&str] = &["elation", "fhir", "epic", "oracle-health", "athenahealth", "eclinicalworks"];

/// Why a connection to a vendor cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVendor {
    /// Not one of [`VENDORS`].
    #[error("no such vendor")]
    Unknown,
    /// The options are not those of the vendor.
    #[error(transparent)]
    Options(#[from] smart::OptionError),
}

/// The vendor of this name, for the source at `base` and with these options (name and value).
///
/// # Errors
/// [`NoVendor`].
pub fn vendor_named(name: &str, base: &str, options: &[(String, String)]) -> Result<Arc<dyn vendor::Vendor>, NoVendor> {
    if name == "elation" {
        let elation: Arc<dyn vendor::Vendor> = Arc::new(elation::Elation);
        return if options.is_empty() { Ok(elation) } else { Err(smart::OptionError::None.into()) };
    }
    let opened = smart::Fhir::open(name, base, smart::Options::parse(options)?).ok_or(NoVendor::Unknown)?;
    Ok(Arc::new(opened?))
}

/// Where a vendor's token endpoint usually is, below its base address, or where it says so.
#[must_use]
pub fn usual_token_address(vendor: &str, base: &str) -> Option<String> {
    match vendor {
        "elation" => Some(format!("{base}/oauth2/token/")),
        name if smart::NAMES.contains(&name) => Some(smart::discovery(base)),
        _ => None,
    }
}

/// The scopes to ask a vendor for when none are named; empty: those that it gives by default.
///
/// # Errors
/// [`NoVendor`] for options that are none.
pub fn usual_scopes(vendor: &str, options: &[(String, String)]) -> Result<Vec<String>, NoVendor> {
    Ok(smart::usual_scopes(vendor, &smart::Options::parse(options)?))
}
