//! Connecting other systems: what every vendor's connector has in common ([`pattern`], [`vendor`]), the vendors ([`elation`]),
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
pub mod source;
pub mod sync;
pub mod vendor;

mod fhir;
mod ids;
mod table;

pub use ids::IdKey;

use std::sync::Arc;

/// The vendors that there are, by name.
pub const VENDORS: &[&str] = &["elation"];

/// The vendor of this name.
#[must_use]
pub fn vendor_named(name: &str) -> Option<Arc<dyn vendor::Vendor>> {
    match name {
        "elation" => Some(Arc::new(elation::Elation)),
        _ => None,
    }
}

/// Where a vendor's token endpoint usually is, below its base address.
#[must_use]
pub fn usual_token_address(vendor: &str, base: &str) -> Option<String> {
    match vendor {
        "elation" => Some(format!("{base}/oauth2/token/")),
        _ => None,
    }
}
