//! FHIR sources with SMART Backend Services, over real HTTP: a plain server, and fakes of four EHRs made from published facts.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod ehrs;
mod expected;
mod fakes;
#[path = "../sync/place.rs"]
mod place;
mod plain;
mod rig;
