//! The store as the rest of the product holds it.

use crate::carrier::Carrier;
use crate::changes::{Changes, GivenTokens};
use crate::connection::{Role, fault, open};
use crate::database::Database;
use crate::log::{LogHead, head};
use crate::migrate::{is_current, migrate};
use crate::queue::{Bounds, Queue};
use crate::read::Readers;
use crate::writer::Writer;
use aceso_audit::{LogReader, Sequencer};
use aceso_base::{Clock, SubjectId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::IndexToken;
use aceso_store::{Committing, Health, Store, StoreError, TokenMark, Unit};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of one page of the database.
const PAGE_BYTES: u64 = 4096;

/// Limits of the store.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Below this many free bytes on the disk, every unit is refused as [`StoreError::Full`].
    pub disk_reserve: u64,
    /// The database file may not grow beyond this many bytes; `None`: as far as the disk allows.
    pub quota: Option<u64>,
    /// Units that may wait; one more is refused as [`StoreError::Busy`].
    pub queue_units: usize,
    /// Bytes that may wait.
    pub queue_bytes: usize,
    /// Units in one commit.
    pub batch_units: usize,
    /// Bytes in one commit.
    pub batch_bytes: usize,
    /// How long a commit waits for more units at most while many write at once. Whoever writes alone does not wait.
    pub gather: Duration,
    /// Pages of 4 KB in the write-ahead log from which on they are carried over into the database.
    pub log_pages: u32,
}

impl Default for Options {
    /// 64 MiB reserve, no quota, 4096 units or 32 MiB waiting, 512 units or 4 MiB a commit, 0.4 ms for more, 16 MB of write-ahead log.
    fn default() -> Self {
        Self {
            disk_reserve: 64 << 20,
            quota: None,
            queue_units: 4096,
            queue_bytes: 32 << 20,
            batch_units: 512,
            batch_bytes: 4 << 20,
            gather: Duration::from_micros(400),
            log_pages: 4000,
        }
    }
}

/// A database that is read before its log can be continued: wrapped keys, documents, and the log's state for
/// [`Sequencer::resume`].
pub struct Inspection {
    pub(crate) readers: Readers,
    head: Option<LogHead>,
}

impl Inspection {
    /// What [`Sequencer::resume`] needs; `None` for a log without entries, for [`Sequencer::create`].
    #[must_use]
    pub fn log_state(&self) -> Option<&[u8]> {
        self.head.as_ref().map(|head| head.state.as_slice())
    }

    /// The stored log.
    #[must_use]
    pub fn log(&self) -> &(dyn LogReader + Send + Sync) {
        &self.readers
    }
}

/// Sealed records, keys, documents and the audit log in one SQLite database with one writer thread.
///
/// Dropping it (or [`SqliteStore::close`]) writes what waits, empties the write-ahead log and ends the thread.
pub struct SqliteStore {
    pub(crate) readers: Arc<Readers>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    // Held for as long as this process may write.
    _lock: File,
}

impl SqliteStore {
    /// Opens the database for reading, created and brought to the newest schema if no other process has it open.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`]; [`StoreError::InUse`] when the schema is older and another process has it open;
    /// [`StoreError::Corrupt`] when the log's head does not fit its rows.
    pub fn inspect(path: &Path, now: Timestamp) -> Result<Inspection, StoreError> {
        let current = path.exists() && open(path, Role::Reader).and_then(|connection| is_current(&connection))?;
        if !current {
            let _lock = lock(path)?;
            migrate(&mut open(path, Role::Writer)?, now)?;
        }
        let readers = Readers::new(path);
        let head = readers.pool.snapshot(head)?;
        Ok(Inspection { readers, head })
    }

    /// Starts the writer. The sequencer must stand exactly where the stored log ends.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process writes here; [`StoreError::Corrupt`] when the sequencer is not at the
    /// end of the stored log; [`StoreError::Setting`] and others as the engine reports them.
    pub fn start(
        path: &Path,
        sequencer: Sequencer,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let readers = Arc::new(Readers::new(path));
        let mut database = Database::open(path.to_owned(), Arc::clone(&readers), clock.now())?;
        let connection = database.ready(sequencer.size())?;
        let fits = match head(connection)? {
            Some(head) => head.size == sequencer.size() && head.checkpoint == sequencer.checkpoint(),
            None => sequencer.size() == 0,
        };
        if !fits {
            return Err(StoreError::Corrupt("the stored audit log ends elsewhere than its sequencer"));
        }
        let queue = Arc::new(Queue::new(Bounds {
            queue_units: options.queue_units,
            queue_bytes: options.queue_bytes,
            batch_units: options.batch_units,
            batch_bytes: options.batch_bytes,
            gather: options.gather,
        }));
        let opening = connection.query_row("SELECT randomblob(8)", [], |row| row.get(0)).map_err(fault)?;
        let shared = Arc::new(Shared::new(path, &options, GivenTokens::new(opening)));
        shared.measure()?;
        let writer = Writer {
            database,
            queue: Arc::clone(&queue),
            shared: Arc::clone(&shared),
            sequencer,
            clock,
            counters: None,
            tenants: HashMap::new(),
            erased: false,
            touched: Vec::new(),
            given: Vec::new(),
            measured: None,
            log_pages: i64::from(options.log_pages),
            carrier: Carrier::start(path)?,
        };
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::Io(error.raw_os_error().unwrap_or(0)))?;
        Ok(Self { readers, queue, shared, writer: Some(writer), _lock: lock })
    }

    /// Sets how far the database file may grow, in bytes; `None`: as far as the disk allows. Holds from the next commit on.
    pub fn set_quota(&self, quota: Option<u64>) {
        self.shared.quota_pages.store(pages(quota), Ordering::Relaxed);
    }

    /// Writes what waits, empties the write-ahead log and closes the database. Blocks until that is done.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue.close();
        self.readers.pool.reset();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has let its waiters go already.
            drop(writer.join());
        }
    }
}

impl Store for SqliteStore {
    fn commit(&self, unit: Unit) -> Committing<'_> {
        let waiting = self.queue.push(unit);
        Box::pin(async move { waiting?.await.unwrap_or(Err(StoreError::Closed.into())) })
    }

    fn changes_of(&self, subject: SubjectId) -> u64 {
        self.shared.changes.of(subject)
    }

    fn mark_of_tokens(&self, rtype: ResourceType, tokens: &[IndexToken]) -> TokenMark {
        self.shared.given.mark(rtype, tokens)
    }

    fn health(&self) -> Health {
        let last = self.shared.last_commit.load(Ordering::Relaxed);
        Health {
            disk_free: self.shared.disk_free.load(Ordering::Relaxed),
            disk_reserve: self.shared.disk_reserve,
            last_commit: (last != i64::MIN).then_some(Timestamp(last)),
            queue_depth: self.queue.depth(),
            failed: *self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn log(&self) -> &(dyn LogReader + Send + Sync) {
        &*self.readers
    }
}

/// What the writer tells and is told while it works.
pub(crate) struct Shared {
    directory: PathBuf,
    disk_reserve: u64,
    disk_free: AtomicU64,
    last_commit: AtomicI64,
    failed: Mutex<Option<StoreError>>,
    pub(crate) quota_pages: AtomicU64,
    pub(crate) changes: Changes,
    pub(crate) given: GivenTokens,
}

impl Shared {
    fn new(path: &Path, options: &Options, given: GivenTokens) -> Self {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self {
            directory: directory.to_owned(),
            disk_reserve: options.disk_reserve,
            disk_free: AtomicU64::new(0),
            last_commit: AtomicI64::new(i64::MIN),
            failed: Mutex::new(None),
            quota_pages: AtomicU64::new(pages(options.quota)),
            changes: Changes::default(),
            given,
        }
    }

    pub(crate) fn succeeded(&self, now: Timestamp) {
        self.last_commit.store(now.0, Ordering::Relaxed);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn failed(&self, error: StoreError) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(crate) fn measure(&self) -> Result<(), StoreError> {
        let space = rustix::fs::statvfs(&self.directory).map_err(|error| StoreError::Io(error.raw_os_error()))?;
        self.disk_free.store(space.f_bavail.saturating_mul(space.f_frsize), Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn has_space(&self) -> bool {
        self.disk_free.load(Ordering::Relaxed) >= self.disk_reserve
    }
}

/// The engine's own largest number of pages stands for no quota.
fn pages(quota: Option<u64>) -> u64 {
    quota.map_or(u64::from(u32::MAX - 1), |bytes| (bytes / PAGE_BYTES).max(1))
}

/// Takes the right to write, for as long as the file is open; a second writer would fork the audit log.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let broken = |error: std::io::Error| StoreError::Io(error.raw_os_error().unwrap_or(0));
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(&name).map_err(broken)?;
    // One that an older version made was readable by others. It never held anything.
    file.set_permissions(Permissions::from_mode(0o600)).map_err(broken)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
        Err(TryLockError::Error(error)) => Err(broken(error)),
    }
}
