//! What the process takes away from itself before it holds a key.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// No core dump, and no other process of the same user may read this one's memory (prctl(2) `PR_SET_DUMPABLE`, setrlimit(2)
/// `RLIMIT_CORE`).
///
/// # Errors
/// When the system refuses; the caller must not go on with keys then.
pub fn protect_memory() -> std::io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let limit = getrlimit(Resource::Core);
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: limit.maximum })?;
    Ok(())
}

/// Whether a crash of this process would leave no core dump.
#[must_use]
pub fn memory_is_protected() -> bool {
    getrlimit(Resource::Core).current == Some(0)
        && rustix::process::dumpable_behavior().is_ok_and(|behaviour| behaviour == DumpableBehavior::NotDumpable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_protection_there_are_no_core_dumps() {
        protect_memory().unwrap();
        assert!(memory_is_protected());
    }
}
