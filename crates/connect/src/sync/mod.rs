//! Sync jobs: bring the records of one connection in, and keep them as they are at the source.
//!
//! Three legs find changes: lists of what was changed since the last run, webhooks (with a list of past events to catch up from), and
//! a slow sweep over everything that compares keyed hashes of content and finds what is gone. All three end in the same
//! place, which takes an object at most once per state: records, and the note that says so, are one unit of work. A process
//! that is killed anywhere repeats some reading and no writing.

mod bundle;
mod canonical;
mod changes;
mod due;
mod engine;
mod letters;
mod lists;
mod object;
mod ports;
mod run;
mod sweep;
mod tally;
mod webhook;

pub use engine::Sync;
pub use letters::{Letter, Retried};
pub use ports::{Intake, IntakeError, Keyed, Note, Space};
pub use run::{Leg, Progress, RunError};
pub use tally::Tally;
pub use webhook::{Delivery, Subscribed};
