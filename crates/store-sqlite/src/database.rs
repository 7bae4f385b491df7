//! The writer's connection: opened, proven to continue the log, and opened again after the disk has failed.

use crate::apply::execute;
use crate::connection::{Role, fault, open};
use crate::log;
use crate::migrate::migrate;
use crate::read::Readers;
use aceso_base::Timestamp;
use aceso_store::StoreError;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long the emptying of the write-ahead log waits for readers before it is put off.
const ERASE_PATIENCE: Duration = Duration::from_millis(100);

pub(crate) struct Database {
    path: PathBuf,
    connection: Option<Connection>,
    readers: Arc<Readers>,
    quota_pages: Option<u64>,
    #[cfg(test)]
    planned: Option<tests::Fault>,
}

impl Database {
    /// Opens and migrates.
    pub(crate) fn open(path: PathBuf, readers: Arc<Readers>, now: Timestamp) -> Result<Self, StoreError> {
        let mut connection = open(&path, Role::Writer)?;
        migrate(&mut connection, now)?;
        Ok(Self {
            path,
            connection: Some(connection),
            readers,
            quota_pages: None,
            #[cfg(test)]
            planned: None,
        })
    }

    /// The connection, opened again if it was given up. The stored log must end where `log_size` says.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the log on disk is another: nothing may be added to it before a restart has checked it.
    pub(crate) fn ready(&mut self, log_size: u64) -> Result<&Connection, StoreError> {
        if self.connection.is_none() {
            self.readers.pool.reset();
            let connection = open(&self.path, Role::Writer)?;
            if stored_size(&connection)? != log_size {
                return Err(StoreError::Corrupt("the audit log on disk is not the one this process wrote"));
            }
            self.connection = Some(connection);
            self.quota_pages = None;
        }
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    /// Opens the transaction of a batch.
    pub(crate) fn begin(&mut self, log_size: u64, quota_pages: u64) -> Result<(), StoreError> {
        let known = self.quota_pages;
        let connection = self.ready(log_size)?;
        if known != Some(quota_pages) {
            let pages = i64::try_from(quota_pages).unwrap_or(i64::MAX).min(i64::from(u32::MAX - 1));
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(fault)?;
        }
        let begun = execute(connection, "BEGIN IMMEDIATE", []);
        self.quota_pages = Some(quota_pages);
        begun.inspect_err(|error| self.give_up_after(*error))
    }

    /// The connection inside a batch.
    pub(crate) fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    /// Makes the batch durable. `log_size` is the size of the log with this batch, when the batch makes entries.
    ///
    /// A failed write-ahead log leaves it open whether the batch is on the disk. The database is opened again then and asked:
    /// if the batch is there, it is carried over into the database file, which proves that the disk takes it, and counts as done.
    pub(crate) fn commit(&mut self, log_size: Option<u64>) -> Result<(), StoreError> {
        match self.run_commit() {
            Ok(()) => Ok(()),
            Err(error @ StoreError::Full) => Err(error),
            Err(error) => {
                self.connection = None;
                self.readers.pool.reset();
                let stored = open(&self.path, Role::Writer).and_then(|connection| {
                    let size = stored_size(&connection)?;
                    if Some(size) == log_size {
                        checkpoint(&connection, "TRUNCATE")?;
                    }
                    Ok(size)
                });
                if log_size.is_some() && stored.ok() == log_size { Ok(()) } else { Err(error) }
            }
        }
    }

    #[cfg(not(test))]
    fn run_commit(&self) -> Result<(), StoreError> {
        execute(self.connection()?, "COMMIT", [])
    }

    #[cfg(test)]
    fn run_commit(&self) -> Result<(), StoreError> {
        if self.planned != Some(tests::Fault::NotStored) {
            execute(self.connection()?, "COMMIT", [])?;
        }
        self.planned.map_or(Ok(()), |_| Err(StoreError::Io(1)))
    }

    /// Undoes the batch; after a failure of the disk the connection is given up.
    pub(crate) fn roll_back(&mut self, error: StoreError) {
        if let Some(connection) = &self.connection
            && !connection.is_autocommit()
            && execute(connection, "ROLLBACK", []).is_err()
        {
            self.connection = None;
        }
        self.give_up_after(error);
    }

    /// How many pages of the write-ahead log are not yet carried over into the database.
    pub(crate) fn log_pages(&self) -> Result<i64, StoreError> {
        let (_, logged, carried) = checkpoint(self.connection()?, "NOOP")?;
        Ok(logged - carried)
    }

    /// Carries what is in the write-ahead log over into the database; readers and the next commits go on. A failure is left to the
    /// next try: everything acknowledged is durable in the log.
    pub(crate) fn carry_over(&self) -> Result<(), StoreError> {
        checkpoint(self.connection()?, "PASSIVE").map(drop)
    }

    /// Empties the write-ahead log, so that nothing replaced or destroyed is left in it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when a reader holds an old snapshot; try again.
    pub(crate) fn empty_log(&mut self) -> Result<(), StoreError> {
        let connection = self.connection()?;
        connection.busy_timeout(ERASE_PATIENCE).map_err(fault)?;
        let result = checkpoint(connection, "TRUNCATE");
        connection.busy_timeout(Duration::from_secs(5)).map_err(fault)?;
        match result? {
            (0, ..) => Ok(()),
            _ => Err(StoreError::Busy),
        }
    }

    fn give_up_after(&mut self, error: StoreError) {
        if matches!(error, StoreError::Io(_) | StoreError::Corrupt(_)) {
            self.connection = None;
        }
    }
}

/// How many entries the stored log has.
fn stored_size(connection: &Connection) -> Result<u64, StoreError> {
    Ok(log::head(connection)?.map_or(0, |head| head.size))
}

/// Whether it was kept from ending, pages in the log, pages carried over.
pub(crate) fn checkpoint(connection: &Connection, mode: &str) -> Result<(i64, i64, i64), StoreError> {
    let sql = match mode {
        "NOOP" => "PRAGMA wal_checkpoint(NOOP)",
        "PASSIVE" => "PRAGMA wal_checkpoint(PASSIVE)",
        _ => "PRAGMA wal_checkpoint(TRUNCATE)",
    };
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::insert_frame;
    use crate::test_dir::TestDir;
    use aceso_audit::Frame;

    /// A commit that reports a failure of the disk.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// Although the batch is on the disk.
        Stored,
        /// And the batch is not there.
        NotStored,
    }

    const NO_QUOTA: u64 = 1 << 30;

    fn database(dir: &TestDir) -> Database {
        let path = dir.path().join("records.db");
        Database::open(path.clone(), Arc::new(Readers::new(&path)), Timestamp(0)).unwrap()
    }

    fn write(database: &mut Database, first: u64, planned: Option<Fault>) -> Result<(), StoreError> {
        let (state, checkpoint, body) = (vec![1], vec![2], vec![3]);
        let frame = Frame { first, count: 1, commitments: vec![0; 32], body, checkpoint, state, tiles: Vec::new() };
        database.begin(first, NO_QUOTA)?;
        insert_frame(database.connection()?, &frame)?;
        database.planned = planned;
        let result = database.commit(Some(first + 1)).inspect_err(|error| database.roll_back(*error));
        database.planned = None;
        result
    }

    #[test]
    fn a_commit_in_doubt_that_is_on_the_disk_counts_as_done() {
        let dir = TestDir::new();
        let mut database = database(&dir);
        write(&mut database, 0, Some(Fault::Stored)).unwrap();
        assert_eq!(stored_size(database.ready(1).unwrap()), Ok(1));
        write(&mut database, 1, None).unwrap();
    }

    #[test]
    fn a_commit_in_doubt_that_is_not_on_the_disk_is_refused_and_the_next_one_works() {
        let dir = TestDir::new();
        let mut database = database(&dir);
        write(&mut database, 0, None).unwrap();
        assert_eq!(write(&mut database, 1, Some(Fault::NotStored)), Err(StoreError::Io(1)));
        write(&mut database, 1, None).unwrap();
        assert_eq!(stored_size(database.ready(2).unwrap()), Ok(2));
    }

    #[test]
    fn a_log_that_is_not_where_this_process_left_it_takes_nothing_more() {
        let dir = TestDir::new();
        let mut database = database(&dir);
        write(&mut database, 0, None).unwrap();
        database.connection = None;
        assert!(matches!(write(&mut database, 0, None), Err(StoreError::Corrupt(_))));
        assert!(database.ready(1).is_ok());
    }
}
