//! One connection to the database, with settings that are asked for and then checked.

use aceso_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one writer: about 4 MB of page cache.
    Writer,
    /// Reads only: about 2 MB of page cache.
    Reader,
    /// Carries the write-ahead log over and does nothing else.
    Carrier,
}

/// After a checkpoint has emptied a log that grew beyond this, the file is cut back to it.
const LOG_FILE_KEEP_BYTES: i64 = 32 * 1024 * 1024;

/// Opens the database and proves that every setting took hold.
///
/// # Errors
/// [`StoreError::Setting`] names the setting that did not; anything else as the engine reports it.
pub(crate) fn open(path: &Path, role: Role) -> Result<Connection, StoreError> {
    let access = match role {
        Role::Writer => {
            create_private(path)?;
            OpenFlags::SQLITE_OPEN_READ_WRITE
        }
        Role::Carrier => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(fault)?;
    // Nobody who can only send SQL may switch the safety of the file format off.
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        // Plans do not depend on bound values. Without this, a statement that could use a partial index is prepared anew
        // each time it is run with other values, which took a sixth of the time of a search.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        if connection.set_db_config(config, value).map_err(fault)? != value {
            return Err(StoreError::Setting("database configuration"));
        }
    }
    if role == Role::Writer {
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(fault)?;
        if mode != "wal" {
            return Err(StoreError::Setting("journal_mode"));
        }
    }
    for &(name, value) in settings(role) {
        connection.pragma_update(None, name, value).map_err(fault)?;
        let found: i64 = connection.pragma_query_value(None, name, |row| row.get(0)).map_err(fault)?;
        if found != value {
            return Err(StoreError::Setting(name));
        }
    }
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

fn settings(role: Role) -> &'static [(&'static str, i64)] {
    match role {
        Role::Writer => &[
            // FULL: a commit returns after the log is on the disk.
            ("synchronous", 2),
            ("foreign_keys", 1),
            // A destroyed key must not survive in free space of a page.
            ("secure_delete", 1),
            ("cell_size_check", 1),
            ("temp_store", 2),
            ("mmap_size", 0),
            // Most of what is written is appended and not looked at again: what does not fit the processor's cache only costs memory.
            ("cache_size", -4_000),
            // Checkpoints run between batches, after the waiters have their answers.
            ("wal_autocheckpoint", 0),
            ("journal_size_limit", LOG_FILE_KEEP_BYTES),
        ],
        // FULL: the log is synced before it is carried over, and the database before the log may begin anew.
        Role::Carrier => {
            &[("synchronous", 2), ("temp_store", 2), ("mmap_size", 0), ("cache_size", -256), ("wal_autocheckpoint", 0)]
        }
        Role::Reader => {
            &[("query_only", 1), ("cell_size_check", 1), ("temp_store", 2), ("mmap_size", 0), ("cache_size", -2_000)]
        }
    }
}

/// Creates the file readable by its owner only; the engine gives its side files the same mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::Io(error.raw_os_error().unwrap_or(0)))
}

/// The port's error for an engine error; texts of the engine are left out, since they may quote a statement's values.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn fault(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(inner, _) => match inner.code {
            ErrorCode::DiskFull => StoreError::Full,
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => {
                StoreError::Io(inner.extended_code)
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                StoreError::Corrupt("the engine reports a damaged file")
            }
            _ => StoreError::Engine(inner.extended_code),
        },
        _ => StoreError::Corrupt("a column has an unexpected type or range"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_dir::TestDir;

    #[test]
    fn the_database_file_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = TestDir::new();
        let path = dir.path().join("records.db");
        let writer = open(&path, Role::Writer).unwrap();
        writer.execute_batch("CREATE TABLE t (a) STRICT").unwrap_err();
        writer.execute_batch("CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1)").unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_reader_cannot_write() {
        let dir = TestDir::new();
        let path = dir.path().join("records.db");
        let writer = open(&path, Role::Writer).unwrap();
        writer.execute_batch("CREATE TABLE t (a INTEGER) STRICT").unwrap();
        let reader = open(&path, Role::Reader).unwrap();
        assert!(reader.execute_batch("INSERT INTO t VALUES (1)").is_err());
    }

    #[test]
    fn a_file_that_is_no_database_is_damaged_not_overwritten() {
        let dir = TestDir::new();
        let path = dir.path().join("records.db");
        let text = "these are not the bytes of a database ".repeat(40);
        std::fs::write(&path, &text).unwrap();
        assert!(matches!(open(&path, Role::Writer), Err(StoreError::Corrupt(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}
