//! What reads bytes from outside, as functions that panic when a property is broken.
//!
//! The runner changes good inputs in many small ways; it does not follow the coverage of the code. It builds with everything else:
//! `cargo xtask fuzz`, and a minute for each target in `cargo xtask test`. `cargo xtask fuzz --guided` runs the same targets under
//! libFuzzer. Inputs that once broke a property stand in `regressions/` and are replayed by every test run.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken property is a panic, which the driver reports"
)]

mod edits;
mod mutate;
mod run;
mod seeds;
mod targets;

pub use run::{Broken, hold, keep, regressions, replay};
pub use seeds::write as write_seeds;
pub use targets::{TARGETS, Target, find};
