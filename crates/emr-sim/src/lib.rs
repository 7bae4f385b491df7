//! draft

mod changes;
mod core;
mod deliver;
mod facts;
mod faults;
mod filters;
mod kind;
mod limiter;
mod lists;
mod objects;
mod options;
mod patients;
mod random;
mod reply;
mod serve;
mod simulator;
mod store;
mod tokens;
mod truth;
mod webhooks;
mod world;

pub use crate::core::Count;
pub use faults::{Fault, FaultControl, FaultPlan, Script, WebhookFault, WebhookPlan};
pub use kind::Kind;
pub use options::{Credentials, Options, RateLimit, Retry, StartError};
pub use simulator::{Changed, Simulator};
pub use truth::{Entry, Truth};
pub use webhooks::DeliveryStatus;
