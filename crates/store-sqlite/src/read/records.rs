//! Rows of records, current and past.

use super::{at_most, column, logical_id, many, one, subject};
use crate::connection::fault;
use aceso_base::{LogicalId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::Sealed;
use aceso_store::{Head, RecordKey, RecordRow, StoreError, Updated};
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::ops::Range;

pub(crate) fn head(connection: &Connection, tenant: i64, key: &RecordKey) -> Result<Option<Head>, StoreError> {
    const SQL: &str = "SELECT version, subject, subject_key, tenant_key, updated, deleted FROM record \
                       WHERE tenant = ?1 AND rtype = ?2 AND id = ?3";
    one(connection, SQL, (tenant, key.rtype.code(), key.id.as_str()), |row| head_at(row, 0))
}

pub(super) fn current(
    connection: &Connection,
    tenant: i64,
    rtype: ResourceType,
    id: &LogicalId,
) -> Result<Option<RecordRow>, StoreError> {
    one(connection, CURRENT, (tenant, rtype.code(), id.as_str()), record_row)
}

/// One statement for all: looking it up again for each record costs as much as finding a row.
pub(super) fn currents(
    connection: &Connection,
    tenant: i64,
    records: &[(ResourceType, LogicalId)],
) -> Result<Vec<Option<RecordRow>>, StoreError> {
    let mut statement = connection.prepare_cached(CURRENT).map_err(fault)?;
    let mut find = |rtype: ResourceType, id: &LogicalId| {
        let found = statement.query_row((tenant, rtype.code(), id.as_str()), |row| Ok(record_row(row)));
        found.optional().map_err(fault)?.transpose()
    };
    records.iter().map(|(rtype, id)| find(*rtype, id)).collect()
}

const CURRENT: &str = "SELECT version, subject, subject_key, tenant_key, updated, deleted, body FROM record \
                       WHERE tenant = ?1 AND rtype = ?2 AND id = ?3";

pub(super) fn version(
    connection: &Connection,
    tenant: i64,
    key: &RecordKey,
    version: Version,
) -> Result<Option<RecordRow>, StoreError> {
    const SQL: &str = "SELECT version, subject, subject_key, tenant_key, updated, deleted, body FROM record \
                       WHERE tenant = ?1 AND rtype = ?2 AND id = ?3 AND version = ?4 \
                       UNION ALL SELECT version, subject, subject_key, tenant_key, updated, deleted, body FROM past \
                       WHERE tenant = ?1 AND rtype = ?2 AND id = ?3 AND version = ?4";
    one(connection, SQL, (tenant, key.rtype.code(), key.id.as_str(), version.0), record_row)
}

pub(super) fn history(
    connection: &Connection,
    tenant: i64,
    key: &RecordKey,
    before: Option<Version>,
    limit: usize,
) -> Result<Vec<RecordRow>, StoreError> {
    const SQL: &str = "SELECT version, subject, subject_key, tenant_key, updated, deleted, body FROM record \
                       WHERE tenant = ?1 AND rtype = ?2 AND id = ?3 AND version < ?4 \
                       UNION ALL SELECT version, subject, subject_key, tenant_key, updated, deleted, body FROM past \
                       WHERE tenant = ?1 AND rtype = ?2 AND id = ?3 AND version < ?4 \
                       ORDER BY 1 DESC LIMIT ?5";
    let before = before.map_or(i64::MAX, |version| i64::from(version.0));
    many(connection, SQL, (tenant, key.rtype.code(), key.id.as_str(), before, at_most(limit)), record_row)
}

pub(super) fn updated_between(
    connection: &Connection,
    tenant: i64,
    rtype: ResourceType,
    window: Range<Timestamp>,
    after: Option<(Timestamp, &LogicalId)>,
    limit: usize,
) -> Result<Vec<Updated>, StoreError> {
    const SQL: &str = "SELECT id, version, subject, subject_key, tenant_key, updated, deleted FROM record \
                       WHERE tenant = ?1 AND rtype = ?2 AND deleted = 0 AND updated >= ?3 AND updated < ?4 \
                       AND (updated, id) > (?5, ?6) ORDER BY updated, id LIMIT ?7";
    // Every id is longer than the empty text, so without a place to go on from the row-value comparison is always true.
    let (at, id) = after.map_or((i64::MIN, ""), |(at, id)| (at.0, id.as_str()));
    let from = window.start.0.max(at);
    many(connection, SQL, (tenant, rtype.code(), from, window.end.0, at, id, at_most(limit)), |row| {
        Ok(Updated { id: logical_id(row, 0)?, head: head_at(row, 1)? })
    })
}

fn record_row(row: &Row<'_>) -> Result<RecordRow, StoreError> {
    Ok(RecordRow { head: head_at(row, 0)?, sealed: Sealed::from_store(column(row, 6)?) })
}

pub(super) fn head_at(row: &Row<'_>, at: usize) -> Result<Head, StoreError> {
    Ok(Head {
        version: Version(column(row, at)?),
        subject: subject(row, at + 1)?,
        subject_key_version: column(row, at + 2)?,
        tenant_key_version: column(row, at + 3)?,
        updated: Timestamp(column(row, at + 4)?),
        deleted: column(row, at + 5)?,
    })
}
