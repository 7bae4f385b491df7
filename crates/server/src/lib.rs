//! The one binary: configuration, telemetry, wiring and commands. Holds no rule of its own.

pub mod app;
#[cfg(feature = "insecure-benchmark-control")]
mod benchmark_control;
mod cache;
pub mod commands;
pub mod config;
pub mod connections;
pub mod control;
pub mod demo;
mod demo_ehr;
pub mod doctor;
pub mod exit;
pub mod hardening;
pub mod import;
pub mod listener;
pub mod ops;
pub mod packages;
pub mod serve;
pub mod shutdown;
mod synthetic;
pub mod telemetry;
