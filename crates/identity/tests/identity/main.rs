//! The service on a real store, as its callers use it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod sessions;
mod support;
mod tokens;
