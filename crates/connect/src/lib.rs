//! Connecting an EHR: what every vendor's connector has in common ([`pattern`]), and the vendors ([`elation`]).
//!
//! A vendor is data and pure functions: what it can do, how its failures are answered, typed models of what it sends,
//! and the mapping of these to FHIR R4. Nothing in these modules does I/O, reads a clock or keeps state.

pub mod elation;
pub mod pattern;

mod fhir;
mod table;
