//! Who may see which data classes of whose record, and for what purpose: the first step of the door.
//!
//! Only [`Engine::decide`] makes a [`Grant`], and without a grant nothing is opened. The rules are Cedar text in `policies/`,
//! checked against a schema when they are loaded; the order of the questions is code (`gates.rs`).

#![cfg_attr(
    feature = "insecure-benchmark-control",
    expect(dead_code, reason = "the benchmark's control asks no rules")
)]

mod engine;
#[cfg(not(feature = "insecure-benchmark-control"))]
mod gates;
#[cfg(feature = "insecure-benchmark-control")]
#[path = "control.rs"]
mod gates;
mod grant;
mod matrix;
mod rules;

pub use engine::{AdminAction, Classes, Engine, PolicyError};
pub use grant::{Decision, Denial, DenialReason, Grant, Scope, Target};
pub use rules::{Kind, Question};
