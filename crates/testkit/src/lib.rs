//! What tests share: time and randomness that can be set, one planted patient, synthetic patients, the built binary.
//!
//! Fails by panicking, as tests do. Never a dependency of anything but tests (`cargo xtask check`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test kit fails by panicking"
)]

mod caller;
mod canary;
mod client;
mod clinic;
mod clock;
mod needles;
mod percentiles;
mod process;
mod randomness;
mod redis;
pub mod schema;
mod synthea;

pub use caller::caller;
pub use canary::{Canary, Hit};
pub use client::{Answer, Client};
pub use clinic::{Clinic, PASSWORD};
pub use clock::SetClock;
pub use needles::{Needle, encodings};
pub use percentiles::percentiles;
pub use process::{Running, TestConfig, binary, folder, free_port, run, run_with_input};
pub use randomness::PlannedRandomness;
pub use redis::{RedisReply, RedisServer, TlsRedis};
pub use synthea::{Bundle, bundles, first_patients};
