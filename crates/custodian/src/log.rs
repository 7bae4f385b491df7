//! The audit log for those who may read it: tiles and checkpoints for everybody's verifier, entries for auditors.

use crate::door::Custodian;
use aceso_audit::{
    Checkpoint, ExportError, LoggedEntry, ReadEntriesError, TileError, export, read_entries, serve_tile,
};
use std::ops::Range;
use std::path::Path;

impl Custodian {
    /// The newest checkpoint, a C2SP signed note; `None` for an empty log.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Vec<u8>> {
        self.inner.store.log().latest_checkpoint().ok().flatten()
    }

    /// A tile or entry bundle by its C2SP tlog-tiles path (`tile/0/000`, `tile/entries/000.p/7`). Holds no health data.
    ///
    /// # Errors
    /// [`TileError`] for a path that names no tile of the log.
    pub fn tile(&self, path: &str) -> Result<Vec<u8>, TileError> {
        let log = self.inner.store.log();
        serve_tile(log, path, log.size()?)
    }

    /// Entries of the log, opened. Whoever calls this records the reading first.
    ///
    /// # Errors
    /// [`ReadEntriesError`] names the first entry that is not as it should be.
    pub fn log_entries(&self, range: Range<u64>) -> Result<Vec<LoggedEntry>, ReadEntriesError> {
        read_entries(self.inner.store.log(), &self.inner.log.keys, &self.inner.log.origin, range)
    }

    /// Writes the whole log to a folder for offline verification.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export_log(&self, folder: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Checkpoint, ExportError> {
        export(self.inner.store.log(), &self.inner.log.keys, &self.inner.log.origin, folder, progress)
    }
}
