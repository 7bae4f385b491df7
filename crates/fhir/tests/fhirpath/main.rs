//! FHIRPath against the public suite, the definitions of R4, and another engine.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod cases;
mod definitions;
mod opinion;
mod suite;
