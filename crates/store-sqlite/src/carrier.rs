//! Carries the write-ahead log over into the database, beside the writer.
//!
//! A pass over the whole log writes and syncs megabytes. Done between two batches it held up everybody who waited for a commit; here the
//! writer goes on meanwhile, and afterwards carries over itself the little that came in between, so that the log can begin anew.

use crate::connection::{Role, open};
use crate::database::checkpoint;
use aceso_store::StoreError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub(crate) struct Carrier {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Desk {
    step: Mutex<Step>,
    asked: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Idle,
    /// A pass is wanted or under way.
    Asked,
    /// It has ended, well or not.
    Ended,
    Closed,
}

impl Carrier {
    /// Starts the thread; it opens a connection of its own when it is first asked.
    pub(crate) fn start(path: &Path) -> Result<Self, StoreError> {
        let desk = Arc::new(Desk::default());
        let (at, path) = (Arc::clone(&desk), path.to_owned());
        let thread = std::thread::Builder::new()
            .name("store-carrier".to_owned())
            .spawn(move || at.work(&path))
            .map_err(|error| StoreError::Io(error.raw_os_error().unwrap_or(0)))?;
        Ok(Self { desk, thread: Some(thread) })
    }

    /// Whether no pass is wanted, under way, or ended without the writer knowing of it.
    pub(crate) fn is_idle(&self) -> bool {
        *self.desk.lock() == Step::Idle
    }

    /// Asks for a pass, if none is under way.
    pub(crate) fn ask(&self) {
        let mut step = self.desk.lock();
        if *step == Step::Idle {
            *step = Step::Asked;
            self.desk.asked.notify_one();
        }
    }

    /// Whether a pass has ended since it was asked for; says so once.
    pub(crate) fn has_ended(&self) -> bool {
        let mut step = self.desk.lock();
        let ended = *step == Step::Ended;
        if ended {
            *step = Step::Idle;
        }
        ended
    }

    /// Ends the thread, after the pass that is under way.
    pub(crate) fn stop(&mut self) {
        *self.desk.lock() = Step::Closed;
        self.desk.asked.notify_one();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Desk {
    fn work(&self, path: &Path) {
        let mut connection: Option<Connection> = None;
        while self.wait() {
            // A failure is left to the writer, which does the same and shows at its next commit what the disk says.
            let open = connection.take().map_or_else(|| open(path, Role::Carrier), Ok);
            connection = open.ok().filter(|connection| checkpoint(connection, "PASSIVE").is_ok());
            let mut step = self.lock();
            if *step == Step::Asked {
                *step = Step::Ended;
            }
        }
    }

    /// Until a pass is asked for; false: no more.
    fn wait(&self) -> bool {
        let idle = |step: &mut Step| matches!(*step, Step::Idle | Step::Ended);
        let step = self.asked.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        *step != Step::Closed
    }

    fn lock(&self) -> MutexGuard<'_, Step> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
