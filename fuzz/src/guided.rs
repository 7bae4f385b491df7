//! One target under libFuzzer, which keeps inputs that reach new code and changes those. `ACESO_FUZZ_TARGET` names the target.
//!
//! `cargo xtask fuzz --guided` builds it with the instrumentation and gives it seeds, words and limits.

#![no_main]
#![expect(clippy::print_stderr, reason = "a tool that reports to a terminal")]

use aceso_fuzz::{Target, find};
use std::sync::LazyLock;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("ACESO_FUZZ_TARGET").unwrap_or_default();
    find(&name).unwrap_or_else(|| {
        eprintln!("ACESO_FUZZ_TARGET names no target");
        std::process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
