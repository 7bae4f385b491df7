//! Reading through the pool: one snapshot for each call.

mod delegate;
mod keys;
mod records;
mod search;

pub(crate) use keys::{index_root, shredded, usage};
pub(crate) use records::head as record_head;

use crate::connection::fault;
use crate::pool::Pool;
use aceso_base::{LogicalId, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::IndexToken;
use aceso_store::{
    Candidates, Document, Event, EventKind, Head, IndexRow, KeyUsage, Reader, RecordKey, RecordRow, SealedCursor,
    SealedUnder, SearchRow, SearchRowRef, StoreError, SubjectKeyRow, TenantKeyRow, TokenStats, Updated,
};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

/// The database as its readers see it.
pub(crate) struct Readers {
    pub(crate) pool: Pool,
    // Tenants never change their number, so what was found once stays true.
    tenants: RwLock<HashMap<TenantId, i64>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self { pool: Pool::new(path), tenants: RwLock::default() }
    }

    /// Runs one statement's worth of reading for a tenant; a tenant without rows has nothing to find.
    fn of<T: Default>(
        &self,
        tenant: &TenantId,
        call: impl FnOnce(&Connection, i64) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.pool.with(|connection| match self.number(connection, tenant)? {
            Some(number) => call(connection, number),
            None => Ok(T::default()),
        })
    }

    /// Like [`Readers::of`], for several statements on the same snapshot.
    fn snapshot_of<T: Default>(
        &self,
        tenant: &TenantId,
        call: impl FnOnce(&Connection, i64) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.pool.snapshot(|connection| match self.number(connection, tenant)? {
            Some(number) => call(connection, number),
            None => Ok(T::default()),
        })
    }

    fn number(&self, connection: &Connection, tenant: &TenantId) -> Result<Option<i64>, StoreError> {
        if let Some(&number) = self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return Ok(Some(number));
        }
        let number = one(connection, "SELECT id FROM tenant WHERE name = ?1", [tenant.as_str()], |row| column(row, 0))?;
        if let Some(number) = number {
            self.tenants.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), number);
        }
        Ok(number)
    }
}

impl Reader for Readers {
    fn head(&self, key: &RecordKey) -> Result<Option<Head>, StoreError> {
        self.of(&key.tenant, |connection, tenant| records::head(connection, tenant, key))
    }

    fn current(&self, key: &RecordKey) -> Result<Option<RecordRow>, StoreError> {
        self.of(&key.tenant, |connection, tenant| records::current(connection, tenant, key.rtype, &key.id))
    }

    fn version(&self, key: &RecordKey, version: Version) -> Result<Option<RecordRow>, StoreError> {
        self.of(&key.tenant, |connection, tenant| records::version(connection, tenant, key, version))
    }

    fn history(&self, key: &RecordKey, before: Option<Version>, limit: usize) -> Result<Vec<RecordRow>, StoreError> {
        self.of(&key.tenant, |connection, tenant| records::history(connection, tenant, key, before, limit))
    }

    fn currents(
        &self,
        tenant: &TenantId,
        records: &[(ResourceType, LogicalId)],
    ) -> Result<Vec<Option<RecordRow>>, StoreError> {
        let found = self.snapshot_of(tenant, |connection, tenant| records::currents(connection, tenant, records))?;
        Ok(padded(found, records.len()))
    }

    fn scan_search(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        types: &[ResourceType],
        visit: &mut dyn FnMut(SearchRowRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.snapshot_of(tenant, |connection, tenant| search::scan(connection, tenant, subject, types, visit))
    }

    fn scan_type(
        &self,
        tenant: &TenantId,
        rtype: ResourceType,
        visit: &mut dyn FnMut(SearchRowRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.of(tenant, |connection, tenant| search::scan_type(connection, tenant, rtype, visit))
    }

    fn search_rows(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        records: &[(ResourceType, LogicalId)],
    ) -> Result<Vec<Option<SearchRow>>, StoreError> {
        let found = self.snapshot_of(tenant, |connection, tenant| {
            records.iter().map(|(rtype, id)| search::row(connection, tenant, subject, *rtype, id)).collect()
        })?;
        Ok(padded(found, records.len()))
    }

    fn linked(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        types: &[ResourceType],
        limit: usize,
    ) -> Result<Vec<(ResourceType, LogicalId)>, StoreError> {
        self.snapshot_of(tenant, |connection, tenant| search::linked(connection, tenant, subject, types, limit))
    }

    fn by_tokens(
        &self,
        tenant: &TenantId,
        rtype: ResourceType,
        tokens: &[IndexToken],
        limit: usize,
    ) -> Result<Candidates, StoreError> {
        self.snapshot_of(tenant, |connection, tenant| search::by_tokens(connection, tenant, rtype, tokens, limit))
    }

    fn updated_between(
        &self,
        tenant: &TenantId,
        rtype: ResourceType,
        from: Timestamp,
        to: Timestamp,
        after: Option<(Timestamp, &LogicalId)>,
        limit: usize,
    ) -> Result<Vec<Updated>, StoreError> {
        self.of(tenant, |connection, tenant| {
            records::updated_between(connection, tenant, rtype, from..to, after, limit)
        })
    }

    fn index_rows(&self, tenant: &TenantId, after: Option<u64>, limit: usize) -> Result<Vec<IndexRow>, StoreError> {
        self.snapshot_of(tenant, |connection, number| search::index_rows(connection, (tenant, number), after, limit))
    }

    fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        self.pool.with(|connection| {
            many(connection, "SELECT name FROM tenant ORDER BY name", [], |row| {
                TenantId::parse(text(row, 0)?).map_err(|_| StoreError::Corrupt("a tenant's name"))
            })
        })
    }

    fn tenant_keys(&self, tenant: &TenantId) -> Result<Vec<TenantKeyRow>, StoreError> {
        self.of(tenant, keys::tenant_keys)
    }

    fn index_root(&self, tenant: &TenantId) -> Result<Option<Vec<u8>>, StoreError> {
        self.of(tenant, keys::index_root)
    }

    fn subject_keys(&self, tenant: &TenantId, subject: SubjectId) -> Result<Vec<SubjectKeyRow>, StoreError> {
        self.of(tenant, |connection, tenant| keys::subject_keys(connection, tenant, subject))
    }

    fn shredded(&self, tenant: &TenantId, subject: SubjectId) -> Result<bool, StoreError> {
        self.of(tenant, |connection, tenant| keys::shredded(connection, tenant, subject))
    }

    fn key_usage(&self, tenant: &TenantId) -> Result<KeyUsage, StoreError> {
        self.of(tenant, keys::usage)
    }

    fn subjects_wrapped_by(
        &self,
        tenant: &TenantId,
        below_version: u32,
        after: Option<SubjectId>,
        limit: usize,
    ) -> Result<Vec<SubjectId>, StoreError> {
        self.of(tenant, |connection, tenant| keys::subjects_wrapped_by(connection, tenant, below_version, after, limit))
    }

    fn records_sealed_under(
        &self,
        tenant: &TenantId,
        below_version: u32,
        after: Option<SealedCursor>,
        limit: usize,
    ) -> Result<Vec<SealedUnder>, StoreError> {
        self.snapshot_of(tenant, |connection, number| {
            keys::records_sealed_under(connection, (tenant, number), below_version, after, limit)
        })
    }

    fn document(&self, space: &str, key: &str) -> Result<Option<Document>, StoreError> {
        self.pool.with(|connection| {
            one(connection, "SELECT revision, body FROM document WHERE space = ?1 AND name = ?2", (space, key), |row| {
                Ok(Document { revision: number(row, 0)?, bytes: column(row, 1)? })
            })
        })
    }

    fn documents(&self, space: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Document)>, StoreError> {
        const FIRST: &str = "SELECT name, revision, body FROM document WHERE space = ?1 ORDER BY name LIMIT ?2";
        const AFTER: &str =
            "SELECT name, revision, body FROM document WHERE space = ?1 AND name > ?3 ORDER BY name LIMIT ?2";
        let document =
            |row: &Row<'_>| Ok((column(row, 0)?, Document { revision: number(row, 1)?, bytes: column(row, 2)? }));
        self.pool.with(|connection| match after {
            None => many(connection, FIRST, (space, at_most(limit)), document),
            Some(after) => many(connection, AFTER, (space, at_most(limit), after), document),
        })
    }

    fn counts(&self, tenant: &TenantId) -> Result<Vec<(ResourceType, u64)>, StoreError> {
        self.of(tenant, |connection, tenant| {
            many(connection, COUNTS, [tenant], |row| Ok((resource_type(row, 0)?, number(row, 1)?)))
        })
    }

    fn token_stats(&self, tenant: &TenantId) -> Result<Vec<TokenStats>, StoreError> {
        self.of(tenant, search::token_stats)
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        const SQL: &str = "SELECT e.seq, t.name, e.rtype, e.id, e.version, e.subject, e.kind, e.at FROM event e \
                           JOIN tenant t ON t.id = e.tenant WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2";
        self.pool.with(|connection| many(connection, SQL, (stored(after), at_most(limit)), event))
    }
}

const COUNTS: &str =
    "SELECT rtype, count(*) FROM record WHERE tenant = ?1 AND deleted = 0 GROUP BY rtype ORDER BY rtype";

fn event(row: &Row<'_>) -> Result<Event, StoreError> {
    let tenant = TenantId::parse(text(row, 1)?).map_err(|_| StoreError::Corrupt("a tenant's name"))?;
    let kind = match column::<i64>(row, 6)? {
        1 => EventKind::Created,
        2 => EventKind::Updated,
        3 => EventKind::Deleted,
        _ => return Err(StoreError::Corrupt("a kind of event")),
    };
    Ok(Event {
        seq: number(row, 0)?,
        key: RecordKey { tenant, rtype: resource_type(row, 2)?, id: logical_id(row, 3)? },
        version: Version(column(row, 4)?),
        subject: subject(row, 5)?,
        kind,
        at: Timestamp(column(row, 7)?),
    })
}

/// A tenant without rows answers with fewer items than were asked for: none of them exists.
fn padded<T>(mut found: Vec<Option<T>>, asked: usize) -> Vec<Option<T>> {
    found.resize_with(asked, || None);
    found
}

pub(crate) fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    statement.query_row(params, |row| Ok(read(row))).optional().map_err(fault)?.transpose()
}

pub(crate) fn many<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut out = Vec::new();
    each_row(connection, sql, params, |row| {
        out.push(read(row)?);
        Ok(())
    })?;
    Ok(out)
}

pub(crate) fn each_row(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut visit: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    visit_rows(connection, sql, params, |row| visit(row).map(ControlFlow::Continue)).map(|_| ())
}

pub(crate) fn visit_rows(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query(params).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        if visit(row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

pub(crate) fn column<T: FromSql>(row: &Row<'_>, at: usize) -> Result<T, StoreError> {
    row.get(at).map_err(fault)
}

/// A column that never holds a negative number.
pub(crate) fn number(row: &Row<'_>, at: usize) -> Result<u64, StoreError> {
    u64::try_from(column::<i64>(row, at)?).map_err(|_| StoreError::Corrupt("a negative number"))
}

/// A number as the engine takes it; none of ours comes near its limit.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn text<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a str, StoreError> {
    row.get_ref(at).map_err(fault)?.as_str().map_err(|_| StoreError::Corrupt("a text column"))
}

pub(crate) fn bytes<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a [u8], StoreError> {
    row.get_ref(at).map_err(fault)?.as_blob().map_err(|_| StoreError::Corrupt("a bytes column"))
}

pub(crate) fn subject(row: &Row<'_>, at: usize) -> Result<SubjectId, StoreError> {
    bytes(row, at)?.try_into().map(SubjectId).map_err(|_| StoreError::Corrupt("a subject's length"))
}

fn logical_id(row: &Row<'_>, at: usize) -> Result<LogicalId, StoreError> {
    LogicalId::parse(text(row, at)?).map_err(|_| StoreError::Corrupt("a logical id"))
}

fn resource_type(row: &Row<'_>, at: usize) -> Result<ResourceType, StoreError> {
    ResourceType::from_code(column(row, at)?).ok_or(StoreError::Corrupt("a resource type's code"))
}

fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Role, open};
    use crate::test_dir::TestDir;

    #[test]
    fn counting_walks_indexes_and_no_row() {
        let dir = TestDir::new();
        let mut connection = open(&dir.path().join("records.db"), Role::Writer).unwrap();
        crate::migrate::migrate(&mut connection, Timestamp(0)).unwrap();
        for sql in [COUNTS, keys::USAGE] {
            let plan = format!("EXPLAIN QUERY PLAN {sql}");
            let plan = many(&connection, &plan, [1], |row| column::<String>(row, 3)).unwrap();
            let walks: Vec<_> = plan.iter().filter(|step| step.contains("record_") || step.contains("past_")).collect();
            assert!(!walks.is_empty() && walks.iter().all(|step| step.contains("COVERING INDEX")), "{plan:?}");
        }
    }
}
