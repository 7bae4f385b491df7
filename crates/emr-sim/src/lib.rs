//! A simulated EHR with the interface of Elation's API, for tests and the demo. A tool: nothing of it is in what a clinic runs.
//!
//! A [`Simulator`] is a server on a port of its own, in this process. Its people come from the synthetic patients of
//! `testdata/synthea` (nobody real), turned into Elation's objects; more patients than those twelve are the same charts under
//! other names, shifted in time, with other values. Nothing of that is stored: an object is made when it is asked for, so
//! ten thousand patients start at once. Only what changes is kept. Everything is the same for the same seed, the same day of
//! start and the same order of requests.
//!
//! [`Simulator::truth`] is a snapshot of all it holds, to compare a copy with. [`Simulator::faults`] sets what goes wrong.
//! Objects, tokens, limits and deliveries go by [`Options::clock`]; how long an answer waits and how long the simulator is dead
//! is real time.
//!
//! Written from a note of facts about the interface, whose sections are named in the code ("note"). No code, text or table of
//! anybody's was taken over. The names of members that the note does not list (practices, physicians, problems, allergies,
//! drug intolerances, vitals, discontinued medications, fills, immunizations, published events) follow the public documentation; those of visit
//! notes, and the inside of insurances, consents and emergency contacts, are from memory and may differ from the real ones.
//!
//! # What is covered
//!
//! | real interface | here |
//! |---|---|
//! | token endpoint | `client_credentials` and `refresh_token`, client in the form; expiry, early expiry, scopes enforced (403), fine scopes as a beta that a tenant may lack |
//! | | not: `password`, `authorization_code`, `act_as_user` with `X-On-Behalf-Of` |
//! | paging | cursor by default, both ways; `offset` switches; 100 at most, 25 unless asked |
//! | filters | `last_modified__*` on patients and visit notes only; `document_date__*`, `reported_date__*`, `discontinue_date__*`, `fill_date__*`, `from_date`/`to_date`, `from_signed_date`/`to_signed_date`; `patient`, `practice`, `thread` and some more as comma lists; unknown ones are ignored |
//! | | not: `order_by` |
//! | reading | practices, physicians, patients, medications, discontinued medications, prescription fills, lab orders, reports (`Lab` with grids, `Imaging` without), problems, allergies, drug intolerances, vitals, appointments, immunizations, visit notes |
//! | | not: the other forty-odd types, printable documents, C-CDA, files behind `files[]`, versions other than 2.0 |
//! | writing | patients: `POST`, `PUT`, `PATCH`, field errors, 409 with `redirect`; everything else 405 |
//! | deletion | soft: out of lists, 410 at its address; a deleted patient takes his chart with him, and brings it back when the deletion is undone |
//! | subscriptions | `/app/subscriptions/` and `/subscriptions/`; Ed25519 key each; 409 when made twice; `http` targets only; none for practices, discontinued medications and fills |
//! | deliveries | signed over the raw body; only 200 accepted; retried with doubling waits for 72 h; `saved`, `deleted`; several events for one save; `resource_url`; nothing to the application that wrote |
//! | published events | list and get, 30 days; not: `PUT` and `PATCH` |
//! | limits | 429 by a limiter of its own and by faults, with and without Retry-After; the real limits are not public |
//! | errors | shapes of Django REST framework; 502 and 504 are HTML as from a gateway |
//!
//! Assumed, because nothing says it: what a list shows of deleted objects (nothing), what `data` holds beside `resource_url`
//! (null), how long retries wait, that a merged chart keeps its documents, that times have whole seconds.
//!
//! # Starting one
//!
//! ```no_run
//! # async fn start() -> Result<(), aceso_emr_sim::StartError> {
//! use aceso_emr_sim::{Fault, Kind, Options, Simulator};
//!
//! let simulator = Simulator::start(Options { seed: 7, patients: 100, ..Options::default() }).await?;
//! simulator.faults().script("/patients/", [Fault::Truncate, Fault::TooMany { retry_after: None }]);
//! simulator.change(25);
//! let truth = simulator.truth();
//! for entry in truth.entries(Kind::Patients).filter(|entry| !entry.deleted) {
//!     let body = truth.body(Kind::Patients, entry.id);
//! }
//! simulator.stop().await;
//! # Ok(())
//! # }
//! ```

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
pub use facts::synthetic_bundles;
pub use faults::{Fault, FaultControl, FaultPlan, Script, WebhookFault, WebhookPlan};
pub use kind::Kind;
pub use options::{Credentials, Earlier, Options, RateLimit, Retry, StartError};
pub use simulator::{Changed, Simulator};
pub use truth::{Entry, Truth};
pub use webhooks::DeliveryStatus;
