//! The one binary: configuration, telemetry, wiring and commands. Holds no rule of its own.

pub mod commands;
pub mod config;
pub mod doctor;
pub mod exit;
pub mod hardening;
pub mod ops;
pub mod shutdown;
pub mod telemetry;
