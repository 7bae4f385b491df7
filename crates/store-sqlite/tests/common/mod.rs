//! What the integration tests share.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use aceso_audit::Sequencer;
use aceso_base::{Clock, SystemClock, Timestamp};
use aceso_store::suite::{log_keys, origin};
use aceso_store_sqlite::{Options, SqliteStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder of a test's own, removed at the end.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("aceso-sqlite-suite-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("records.db")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Opens the store the way a server does: look first, then continue the log.
pub(crate) fn start(path: &Path) -> SqliteStore {
    let options = Options { disk_reserve: 0, ..Options::default() };
    SqliteStore::start(path, sequencer(path), Arc::new(SystemClock), options).unwrap()
}

/// The sequencer that continues the stored log.
pub(crate) fn sequencer(path: &Path) -> Sequencer {
    let now: Timestamp = SystemClock.now();
    let inspection = SqliteStore::inspect(path, now).unwrap();
    match inspection.log_state() {
        Some(state) => Sequencer::resume(&log_keys(), &origin(), state, inspection.log()).unwrap(),
        None => Sequencer::create(&log_keys(), &origin()).unwrap(),
    }
}
