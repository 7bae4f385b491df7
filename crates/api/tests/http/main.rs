//! The HTTP surface, in process: a real store in a folder, real keys, real accounts; requests go through the router.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod support;

mod admin;
mod bad_input;
mod bundles;
mod cursors;
mod interactions;
mod oauth;
mod parameters;
mod patches;
mod refusals;
mod roles;
mod searches;
mod terminology;
mod validation;
mod xml;
