//! The console over its router: who gets which page, what it shows and hides, and what a hostile request gets.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod connections;
mod defence;
mod log;
mod records;
mod roles;
mod support;
