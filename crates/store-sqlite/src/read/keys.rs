//! Wrapped keys, and which rows name them.

use super::{
    at_most, column, logical_id, many, number as number_at, one, resource_type, stored, subject as subject_at,
};
use aceso_base::{SubjectId, TenantId, Timestamp, Version};
use aceso_store::{KeyUsage, KeyUse, RecordKey, SealedCursor, SealedUnder, StoreError, SubjectKeyRow, TenantKeyRow};
use rusqlite::Connection;

pub(super) fn tenant_keys(connection: &Connection, tenant: i64) -> Result<Vec<TenantKeyRow>, StoreError> {
    const SQL: &str = "SELECT version, wrapped, created, retired FROM tenant_key WHERE tenant = ?1 ORDER BY version";
    many(connection, SQL, [tenant], |row| {
        Ok(TenantKeyRow {
            version: column(row, 0)?,
            wrapped: column(row, 1)?,
            created: Timestamp(column(row, 2)?),
            retired: column::<Option<i64>>(row, 3)?.map(Timestamp),
        })
    })
}

pub(crate) fn index_root(connection: &Connection, tenant: i64) -> Result<Option<Vec<u8>>, StoreError> {
    one(connection, "SELECT wrapped FROM index_root WHERE tenant = ?1", [tenant], |row| column(row, 0))
}

pub(super) fn subject_keys(
    connection: &Connection,
    tenant: i64,
    subject: SubjectId,
) -> Result<Vec<SubjectKeyRow>, StoreError> {
    const SQL: &str = "SELECT version, tenant_key, wrapped FROM subject_key WHERE tenant = ?1 AND subject = ?2 \
                       ORDER BY version";
    many(connection, SQL, (tenant, subject.0), |row| {
        Ok(SubjectKeyRow { version: column(row, 0)?, tenant_key_version: column(row, 1)?, wrapped: column(row, 2)? })
    })
}

pub(crate) fn shredded(connection: &Connection, tenant: i64, subject: SubjectId) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM shredded WHERE tenant = ?1 AND subject = ?2";
    Ok(one(connection, SQL, (tenant, subject.0), |_| Ok(()))?.is_some())
}

pub(crate) fn usage(connection: &Connection, tenant: i64) -> Result<KeyUsage, StoreError> {
    let versions = many(connection, USAGE, [tenant], |row| {
        Ok(KeyUse {
            tenant_key_version: column(row, 0)?,
            subject_keys: number_at(row, 1)?,
            records: number_at(row, 2)?,
        })
    })?;
    Ok(KeyUsage { versions })
}

pub(super) fn subjects_wrapped_by(
    connection: &Connection,
    tenant: i64,
    below_version: u32,
    after: Option<SubjectId>,
    limit: usize,
) -> Result<Vec<SubjectId>, StoreError> {
    const SQL: &str = "SELECT DISTINCT subject FROM subject_key WHERE tenant = ?1 AND tenant_key < ?2 AND subject > ?3 \
                       ORDER BY subject LIMIT ?4";
    // The empty byte string stands before every subject.
    let after = after.map_or(Vec::new(), |subject| subject.0.to_vec());
    many(connection, SQL, (tenant, below_version, after, at_most(limit)), |row| subject_at(row, 0))
}

pub(super) fn records_sealed_under(
    connection: &Connection,
    (tenant, number): (&TenantId, i64),
    below_version: u32,
    after: Option<SealedCursor>,
    limit: usize,
) -> Result<Vec<SealedUnder>, StoreError> {
    const CURRENT: &str = "SELECT rtype, id, version, tenant_key, number FROM record WHERE tenant = ?1 AND deleted = 0 \
                           AND tenant_key < ?2 AND (tenant_key, number) > (?3, ?4) ORDER BY tenant_key, number LIMIT ?5";
    const PAST: &str = "SELECT rtype, id, version, tenant_key, number FROM past WHERE tenant = ?1 AND deleted = 0 \
                        AND tenant_key < ?2 AND (tenant_key, number) > (?3, ?4) ORDER BY tenant_key, number LIMIT ?5";
    let mut out = Vec::new();
    for (past, sql) in [(false, CURRENT), (true, PAST)] {
        let (version, row_number) = match after {
            Some(cursor) if cursor.past == past => (i64::from(cursor.tenant_key_version), stored(cursor.number)),
            Some(cursor) if cursor.past => continue,
            _ => (-1, -1),
        };
        let params = (number, below_version, version, row_number, at_most(limit.saturating_sub(out.len())));
        out.extend(many(connection, sql, params, |row| {
            Ok(SealedUnder {
                key: RecordKey { tenant: tenant.clone(), rtype: resource_type(row, 0)?, id: logical_id(row, 1)? },
                version: Version(column(row, 2)?),
                cursor: SealedCursor { tenant_key_version: column(row, 3)?, past, number: number_at(row, 4)? },
            })
        })?);
    }
    Ok(out)
}

pub(super) const USAGE: &str = "SELECT tenant_key, sum(keys), sum(records) FROM ( \
                       SELECT tenant_key, count(*) AS keys, 0 AS records FROM subject_key WHERE tenant = ?1 GROUP BY tenant_key \
                       UNION ALL SELECT tenant_key, 0, count(*) FROM record WHERE tenant = ?1 AND deleted = 0 GROUP BY tenant_key \
                       UNION ALL SELECT tenant_key, 0, count(*) FROM past WHERE tenant = ?1 AND deleted = 0 GROUP BY tenant_key \
                       ) GROUP BY tenant_key ORDER BY tenant_key";
