//! The door: the one room in which stored bytes become readable.
//!
//! Every way through has the same order: decide (`policy` makes a [`Grant`](aceso_policy::Grant)), record (`audit` makes a
//! [`Receipt`] once the entry is durable), open (`seal` wants both), redact, and out comes a [`View`], the only type of
//! the product that holds a record and can be written out. Writing goes through the same door: decide, then one unit
//! of work holds the new version, its index, its outbox event and its audit entry.

mod access;
mod boot;
#[cfg(feature = "insecure-benchmark-control")]
mod control;
mod cursor;
mod door;
mod entries;
mod error;
mod facts;
mod freshness;
mod gaps;
mod history;
mod include;
mod keyring;
mod keys;
mod leakage;
mod linked;
mod log;
mod log_index;
mod open;
mod population;
mod read;
mod refused;
mod roots;
mod search;
mod secrets;
mod shared;
mod snapshots;
mod stored;
mod sweep;
mod tokens;
mod view;
mod write;

pub use aceso_audit::Receipt;
pub use aceso_seal::index::{Plan, PlannerError};
pub use aceso_seal::{KeyProvider, SystemRandomness};
pub use boot::{BootError, Prepared, prepare};
pub use cursor::{CursorError, Position};
pub use door::{Custodian, Parts};
pub use error::DoorError;
pub use history::HistoryItem;
pub use include::Inclusion;
pub use keys::{KeyStatus, RewrapProgress, RootStatus, ShredReceipt};
pub use leakage::{IndexLeakage, LeakageReport};
pub use log::{EntryProof, LogPage};
pub use log_index::LogQuestion;
pub use read::Fresh;
pub use search::{Page, SearchRequest, SearchScope, SortRule};
pub use shared::{SharedCounts, SharedError, SharedParts, SharedSecrets};
pub use snapshots::{SnapshotUse, StartReport};
pub use stored::StoredForm;
pub use sweep::IndexProgress;
pub use view::{Shape, Summary, View};
pub use write::{Change, Expected, Guard, Referred, Written};
