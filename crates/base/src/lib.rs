//! Typed ids, the caller's context, and clock and randomness as traits.
//!
//! No I/O, no async, no global state. Everything here may appear in logs: ids are random or chosen by operators,
//! never taken from a patient's data.

mod caller;
mod clock;
mod ids;
mod randomness;

pub use caller::{Caller, Interaction, Purpose, Role, RoleSet};
pub use clock::{Clock, SystemClock, Timestamp};
pub use ids::{InvalidId, LogicalId, Region, RequestId, SubjectId, TenantId, Token16, UserId, Version};
pub use randomness::Randomness;
