//! Search parts and tokens.

use super::{
    at_most, bytes, column, each_row, many, number, one, resource_type, stored, subject as subject_at, text, visit_rows,
};
use crate::format::{decode_links, decode_tokens};
use aceso_base::{LogicalId, SubjectId, TenantId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::{IndexToken, Sealed};
use aceso_store::{Candidate, Candidates, IndexRow, RecordKey, SearchRow, SearchRowRef, StoreError, TokenStats};
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

type Visit<'a> = &'a mut dyn FnMut(SearchRowRef<'_>) -> ControlFlow<()>;

pub(super) fn scan(
    connection: &Connection,
    tenant: i64,
    subject: SubjectId,
    types: &[ResourceType],
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    const ALL: &str = "SELECT rtype, id, subject, version, updated, subject_key, body FROM search \
                       WHERE tenant = ?1 AND subject = ?2 AND length(body) > 0 ORDER BY rtype, id";
    const TYPE: &str = "SELECT rtype, id, subject, version, updated, subject_key, body FROM search \
                        WHERE tenant = ?1 AND subject = ?2 AND rtype = ?3 AND length(body) > 0 ORDER BY id";
    const LINKED: &str = "SELECT s.rtype, s.id, s.subject, s.version, s.updated, s.subject_key, s.body FROM link l \
                          JOIN search s ON s.tenant = l.tenant AND s.subject = l.home AND s.rtype = l.rtype AND s.id = l.id \
                          WHERE l.tenant = ?1 AND l.subject = ?2 AND length(s.body) > 0 ORDER BY l.rtype, l.id";
    let mut types = types.to_vec();
    types.sort_unstable();
    types.dedup();
    let mut flow = ControlFlow::Continue(());
    if types.is_empty() {
        flow = visit_rows(connection, ALL, (tenant, subject.0), |row| Ok(visit(row_ref(row)?)))?;
    }
    for rtype in &types {
        if flow.is_continue() {
            flow = visit_rows(connection, TYPE, (tenant, subject.0, rtype.code()), |row| Ok(visit(row_ref(row)?)))?;
        }
    }
    if flow.is_continue() {
        visit_rows(connection, LINKED, (tenant, subject.0), |row| {
            let found = row_ref(row)?;
            let wanted = types.is_empty() || types.contains(&found.rtype);
            Ok(if wanted { visit(found) } else { ControlFlow::Continue(()) })
        })
        .map(|_| ())?;
    }
    Ok(())
}

pub(super) fn scan_type(
    connection: &Connection,
    tenant: i64,
    rtype: ResourceType,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT s.rtype, s.id, s.subject, s.version, s.updated, s.subject_key, s.body FROM record r \
                       JOIN search s ON s.tenant = r.tenant AND s.subject = r.subject AND s.rtype = r.rtype AND s.id = r.id \
                       WHERE r.tenant = ?1 AND r.rtype = ?2 AND r.deleted = 0 AND length(s.body) > 0";
    visit_rows(connection, SQL, (tenant, rtype.code()), |row| Ok(visit(row_ref(row)?))).map(|_| ())
}

pub(super) fn row(
    connection: &Connection,
    tenant: i64,
    subject: Option<SubjectId>,
    rtype: ResourceType,
    id: &LogicalId,
) -> Result<Option<SearchRow>, StoreError> {
    const AT: &str = "SELECT rtype, id, subject, version, updated, subject_key, body FROM search \
                      WHERE tenant = ?1 AND subject = ?2 AND rtype = ?3 AND id = ?4 AND length(body) > 0";
    const HOME: &str = "SELECT subject FROM record WHERE tenant = ?1 AND rtype = ?2 AND id = ?3 AND deleted = 0";
    const LINK: &str = "SELECT home FROM link WHERE tenant = ?1 AND subject = ?2 AND rtype = ?3 AND id = ?4";
    let at = |home: SubjectId| {
        one(connection, AT, (tenant, home.0, rtype.code(), id.as_str()), |row| {
            let found = row_ref(row)?;
            Ok(SearchRow {
                rtype: found.rtype,
                id: id.clone(),
                subject: found.subject,
                version: found.version,
                updated: found.updated,
                subject_key_version: found.subject_key_version,
                sealed: Sealed::from_store(found.sealed.to_vec()),
            })
        })
    };
    let home = match subject {
        None => one(connection, HOME, (tenant, rtype.code(), id.as_str()), |row| subject_at(row, 0))?,
        Some(subject) => {
            if let Some(own) = at(subject)? {
                return Ok(Some(own));
            }
            one(connection, LINK, (tenant, subject.0, rtype.code(), id.as_str()), |row| subject_at(row, 0))?
        }
    };
    home.map_or(Ok(None), at)
}

pub(super) fn linked(
    connection: &Connection,
    tenant: i64,
    subject: SubjectId,
    types: &[ResourceType],
    limit: usize,
) -> Result<Vec<(ResourceType, LogicalId)>, StoreError> {
    const SQL: &str = "SELECT l.rtype, l.id FROM link l \
                       JOIN search s ON s.tenant = l.tenant AND s.subject = l.home AND s.rtype = l.rtype AND s.id = l.id \
                       WHERE l.tenant = ?1 AND l.subject = ?2 AND length(s.body) > 0 ORDER BY l.rtype, l.id";
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    let _ = visit_rows(connection, SQL, (tenant, subject.0), |row| {
        let rtype = resource_type(row, 0)?;
        if types.is_empty() || types.contains(&rtype) {
            found.push((rtype, super::logical_id(row, 1)?));
        }
        Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

pub(super) fn by_tokens(
    connection: &Connection,
    tenant: i64,
    rtype: ResourceType,
    tokens: &[IndexToken],
    limit: usize,
) -> Result<Candidates, StoreError> {
    const SQL: &str = "SELECT id, subject FROM token WHERE tenant = ?1 AND token = ?2 AND rtype = ?3 LIMIT ?4";
    let mut found = BTreeMap::new();
    for token in crate::format::sorted_tokens(tokens) {
        // One more than wanted tells that there are more.
        let params = (tenant, token, rtype.code(), at_most(limit.saturating_add(1)));
        each_row(connection, SQL, params, |row| {
            found.insert(super::logical_id(row, 0)?, subject_at(row, 1)?);
            Ok(())
        })?;
        if found.len() > limit {
            break;
        }
    }
    let limit_hit = found.len() > limit;
    let found = found.into_iter().take(limit).map(|(id, subject)| Candidate { id, subject }).collect();
    Ok(Candidates { found, limit_hit })
}

pub(super) fn index_rows(
    connection: &Connection,
    (tenant, number): (&TenantId, i64),
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<IndexRow>, StoreError> {
    const SQL: &str = "SELECT r.number, r.rtype, r.id, r.tokens, r.links, s.body, \
                       r.version, r.subject, r.subject_key, r.tenant_key, r.updated, r.deleted FROM record r \
                       LEFT JOIN search s ON s.tenant = r.tenant AND s.subject = r.subject AND s.rtype = r.rtype \
                       AND s.id = r.id AND s.version = r.version AND length(s.body) > 0 \
                       WHERE r.tenant = ?1 AND r.deleted = 0 AND r.number > ?2 ORDER BY r.number LIMIT ?3";
    const TOKEN: &str =
        "SELECT 1 FROM token WHERE tenant = ?1 AND token = ?2 AND rtype = ?3 AND id = ?4 AND subject = ?5";
    const LINK: &str = "SELECT 1 FROM link WHERE tenant = ?1 AND subject = ?2 AND rtype = ?3 AND id = ?4 AND home = ?5";
    let after = after.map_or(-1, stored);
    let mut rows = many(connection, SQL, (number, after, at_most(limit)), |row| {
        let tokens = decode_tokens(bytes(row, 3)?)?;
        Ok(IndexRow {
            number: self::number(row, 0)?,
            key: RecordKey { tenant: tenant.clone(), rtype: resource_type(row, 1)?, id: super::logical_id(row, 2)? },
            tokens: tokens.into_iter().map(|token| IndexToken::from_store(token.to_vec())).collect(),
            links: decode_links(bytes(row, 4)?)?,
            search: column::<Option<Vec<u8>>>(row, 5)?.map(Sealed::from_store),
            head: super::records::head_at(row, 6)?,
            lost: 0,
        })
    })?;
    for row in &mut rows {
        let (rtype, id, home) = (row.key.rtype.code(), row.key.id.as_str(), row.head.subject.0);
        let mut lost = 0_u32;
        for token in &row.tokens {
            let there = one(connection, TOKEN, (number, token.as_bytes(), rtype, id, home), |_| Ok(()))?;
            lost += u32::from(there.is_none());
        }
        for link in &row.links {
            let there = one(connection, LINK, (number, link.0, rtype, id, home), |_| Ok(()))?;
            lost += u32::from(there.is_none());
        }
        row.lost = lost;
    }
    Ok(rows)
}

pub(super) fn token_stats(connection: &Connection, tenant: i64) -> Result<Vec<TokenStats>, StoreError> {
    const SQL: &str = "SELECT substr(token, 1, 4), sum(n), count(*), max(n) FROM \
                       (SELECT token, count(*) AS n FROM token WHERE tenant = ?1 GROUP BY token) \
                       GROUP BY 1 ORDER BY 1";
    many(connection, SQL, [tenant], |row| {
        let mut namespace = [0; 4];
        namespace.iter_mut().zip(bytes(row, 0)?).for_each(|(to, from)| *to = *from);
        Ok(TokenStats { namespace, rows: number(row, 1)?, distinct: number(row, 2)?, largest: number(row, 3)? })
    })
}

fn row_ref<'a>(row: &'a Row<'_>) -> Result<SearchRowRef<'a>, StoreError> {
    Ok(SearchRowRef {
        rtype: resource_type(row, 0)?,
        id: text(row, 1)?,
        subject: subject_at(row, 2)?,
        version: Version(column(row, 3)?),
        updated: Timestamp(column(row, 4)?),
        subject_key_version: column(row, 5)?,
        sealed: bytes(row, 6)?,
    })
}
