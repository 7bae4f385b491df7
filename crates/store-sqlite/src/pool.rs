//! A few read connections, lent to whoever asks for the length of one call.

use crate::connection::{Role, fault, open};
use aceso_store::StoreError;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// At most this many read connections, about 2 MB of cache each. More would not read faster on a small machine.
const CONNECTIONS: usize = 4;

pub(crate) struct Pool {
    path: PathBuf,
    idle: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Default)]
struct Idle {
    // The one used last is lent first: its cache is warm.
    connections: Vec<Connection>,
    open: usize,
}

impl Pool {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default(), returned: Condvar::new() }
    }

    /// Lends a connection; waits while all are lent, which takes as long as a call of somebody else does.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut lent = Lent { pool: self, connection: Some(self.take()?) };
        let result = match &lent.connection {
            Some(connection) => call(connection),
            None => Err(StoreError::Closed),
        };
        if result.is_err() {
            // Its state is in doubt: the next call opens a fresh one.
            lent.connection = None;
        }
        result
    }

    /// Like [`Pool::with`], and all statements of the call see the same snapshot.
    pub(crate) fn snapshot<T>(&self, call: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.with(|connection| {
            connection.prepare_cached("BEGIN DEFERRED").and_then(|mut s| s.execute([])).map_err(fault)?;
            let result = call(connection)?;
            connection.prepare_cached("COMMIT").and_then(|mut s| s.execute([])).map_err(fault)?;
            Ok(result)
        })
    }

    /// Closes the idle connections, so that the engine opens the files anew.
    pub(crate) fn reset(&self) {
        let mut idle = self.lock();
        idle.open = idle.open.saturating_sub(idle.connections.len());
        idle.connections.clear();
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let mut idle = self.lock();
        loop {
            if let Some(connection) = idle.connections.pop() {
                return Ok(connection);
            }
            if idle.open < CONNECTIONS {
                idle.open += 1;
                drop(idle);
                return open(&self.path, Role::Reader).inspect_err(|_| self.give_back(None));
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, connection: Option<Connection>) {
        let mut idle = self.lock();
        match connection {
            Some(connection) => idle.connections.push(connection),
            None => idle.open = idle.open.saturating_sub(1),
        }
        drop(idle);
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the connection back also when the call panics; a connection inside a snapshot is closed instead.
struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let usable = self.connection.take().filter(Connection::is_autocommit);
        self.pool.give_back(usable);
    }
}
