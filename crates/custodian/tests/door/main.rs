//! The door, on a real store: what it shows, to whom, what it refuses, and what it leaves in the log.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod freshness;
mod keys;
mod linked;
mod lookups;
mod narrow;
mod opened;
mod reads;
mod refusals;
mod searches;
mod tampering;
mod writes;
