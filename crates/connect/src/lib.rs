//! Connecting an EHR: what every vendor's connector has in common ([`pattern`]), and the vendors.
//!
//! A vendor is data and pure functions: what it can do, how its failures are answered, typed models of what it sends,
//! and the mapping of these to FHIR R4. Nothing in these modules does I/O, reads a clock or keeps state.

pub mod pattern;
