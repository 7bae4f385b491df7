//! Logs and metrics in which no value of a patient can appear.
//!
//! The log writes only fields that stand in [`fields`], metrics have only labels that the code itself spells
//! out, or that an operator has given to a connection as its name.

mod fields;
pub mod http;
mod log;
mod metrics;
pub mod names;
mod process;

pub use fields::{FieldKind, LOGGABLE};
pub use log::{LogLayer, install, quiet_panics};
pub use metrics::{Counter, CounterDef, Gauge, GaugeDef, Histogram, HistogramDef, Metrics, Sampled};
