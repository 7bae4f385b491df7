//! Numbered migrations, applied in order, each in one transaction.

use crate::connection::fault;
use aceso_base::Timestamp;
use aceso_store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

/// Migration n is at position n - 1. Files that were released are never edited.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_records.sql")];

/// The version that the benchmark's control build writes into its databases, which are not sealed: newer than any other, so that
/// every other build refuses them.
#[cfg(any(test, feature = "insecure-benchmark-control"))]
pub(crate) const CONTROL: u32 = 2_000_000_000;

/// Which rows of the table name migrations of this program.
#[cfg(not(feature = "insecure-benchmark-control"))]
const OWN: &str = "SELECT coalesce(max(version), 0) FROM schema_version";
#[cfg(feature = "insecure-benchmark-control")]
const OWN: &str = crate::control::MIGRATIONS_APPLIED;

/// Brings the schema to the newest version.
///
/// # Errors
/// [`StoreError::NewerSchema`] when the database was written by a newer program; nothing was changed then.
pub(crate) fn migrate(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    #[cfg(feature = "insecure-benchmark-control")]
    crate::control::mark(connection, now)?;
    for (position, sql) in MIGRATIONS.iter().enumerate().skip(current(connection)? as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        // Another process may have been faster: only the next step in order may run.
        if current(&transaction)? as usize == position {
            transaction
                .execute_batch(
                    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT",
                )
                .and_then(|()| transaction.execute_batch(sql))
                .and_then(|()| {
                    let version = i64::try_from(position + 1).unwrap_or(i64::MAX);
                    transaction.execute("INSERT INTO schema_version VALUES (?1, ?2)", (version, now.0))
                })
                .map_err(fault)?;
            transaction.commit().map_err(fault)?;
        }
    }
    Ok(())
}

/// The version of the schema, 0 for an empty database.
///
/// # Errors
/// [`StoreError::NewerSchema`] as for [`migrate`].
pub(crate) fn current(connection: &Connection) -> Result<u32, StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let exists = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'", [], |_| Ok(()))
        .optional()
        .map_err(fault)?
        .is_some();
    if !exists {
        return Ok(0);
    }
    let found: u32 = connection.query_row(OWN, [], |row| row.get(0)).map_err(fault)?;
    if found > known { Err(StoreError::NewerSchema { found, known }) } else { Ok(found) }
}

/// Whether the schema is the newest one.
///
/// # Errors
/// As for [`current`].
pub(crate) fn is_current(connection: &Connection) -> Result<bool, StoreError> {
    Ok(current(connection)? as usize == MIGRATIONS.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Role, open};
    use crate::test_dir::TestDir;

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let dir = TestDir::new();
        let mut connection = open(&dir.path().join("records.db"), Role::Writer).unwrap();
        migrate(&mut connection, Timestamp(1)).unwrap();
        connection.execute("INSERT INTO schema_version VALUES (999, 0)", []).unwrap();
        let known = u32::try_from(MIGRATIONS.len()).unwrap();
        assert_eq!(migrate(&mut connection, Timestamp(2)), Err(StoreError::NewerSchema { found: 999, known }));
    }

    #[cfg(not(feature = "insecure-benchmark-control"))]
    #[test]
    fn a_database_of_the_benchmark_control_is_refused() {
        let dir = TestDir::new();
        let mut connection = open(&dir.path().join("records.db"), Role::Writer).unwrap();
        migrate(&mut connection, Timestamp(1)).unwrap();
        connection.execute("INSERT INTO schema_version VALUES (?1, 0)", [CONTROL]).unwrap();
        let known = u32::try_from(MIGRATIONS.len()).unwrap();
        assert_eq!(migrate(&mut connection, Timestamp(2)), Err(StoreError::NewerSchema { found: CONTROL, known }));
        assert_eq!(is_current(&connection), Err(StoreError::NewerSchema { found: CONTROL, known }));
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let dir = TestDir::new();
        let mut connection = open(&dir.path().join("records.db"), Role::Writer).unwrap();
        migrate(&mut connection, Timestamp(1)).unwrap();
        migrate(&mut connection, Timestamp(2)).unwrap();
        let applied: Vec<i64> = connection
            .prepare("SELECT applied FROM schema_version")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(applied, [1]);
        assert!(is_current(&connection).unwrap());
    }
}
