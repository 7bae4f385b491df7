//! The benchmark's control build marks its databases: their content is not sealed, so no other build may take them for its own,
//! and this one takes no others.

use crate::connection::fault;
use crate::migrate::CONTROL;
use aceso_base::Timestamp;
use aceso_store::StoreError;
use rusqlite::{Connection, OptionalExtension as _};

/// The newest migration, the mark left out.
pub(crate) const MIGRATIONS_APPLIED: &str =
    "SELECT coalesce(max(version), 0) FROM schema_version WHERE version <> 2000000000";

/// Marks a new database.
///
/// # Errors
/// [`StoreError::Corrupt`] for a database of another build; it is left as it is.
pub(crate) fn mark(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    if connection.query_row(table, [], |_| Ok(())).optional().map_err(fault)?.is_none() {
        let make = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT";
        return connection
            .execute_batch(make)
            .and_then(|()| connection.execute("INSERT INTO schema_version VALUES (?1, ?2)", (CONTROL, now.0)))
            .map(|_| ())
            .map_err(fault);
    }
    let marked = "SELECT 1 FROM schema_version WHERE version = ?1";
    match connection.query_row(marked, [CONTROL], |_| Ok(())).optional().map_err(fault)? {
        Some(()) => Ok(()),
        None => Err(StoreError::Corrupt("not a database of the benchmark control")),
    }
}
