//! Versions of records with their search parts, tokens, links and events.

use super::{Batch, execute};
use crate::changes::GivenTokens;
use crate::format::{decode_links, decode_tokens, encode_links, encode_tokens, sorted_tokens};
use crate::read::{bytes, column, one, subject as subject_at};
use aceso_base::{SubjectId, Version};
use aceso_store::{EventKind, Put, RecordKey, StoreError};
use std::collections::HashMap;

/// The stored current row that a put builds on.
pub(super) struct Current {
    pub(super) number: i64,
    version: Version,
    subject: SubjectId,
    tenant_key: u32,
    deleted: bool,
    tokens: Vec<u8>,
    links: Vec<u8>,
}

/// What a put will do.
pub(super) enum Plan {
    /// The first version.
    Create,
    /// A version after the stored one.
    Replace(Current),
    /// The current row under a new key.
    Reseal(Current),
    /// A past row, by number, under a new key.
    ResealPast(i64),
}

impl Batch<'_> {
    /// Checks all puts of a unit against the stored rows; `Err` is the position of the first that does not fit.
    pub(super) fn plan_puts(&mut self, puts: &[Put]) -> Result<Result<Vec<Plan>, usize>, StoreError> {
        let mut plans = Vec::with_capacity(puts.len());
        let mut seen: HashMap<&RecordKey, Vec<&Put>> = HashMap::new();
        for (position, put) in puts.iter().enumerate() {
            if puts.len() > 1 {
                let same = seen.entry(&put.key).or_default();
                let clash =
                    |other: &&Put| !put.reseal || !other.reseal || put.row.head.version == other.row.head.version;
                if same.iter().any(clash) {
                    return Ok(Err(position));
                }
                same.push(put);
            }
            match self.plan(put)? {
                Some(plan) => plans.push(plan),
                None => return Ok(Err(position)),
            }
        }
        Ok(Ok(plans))
    }

    fn plan(&mut self, put: &Put) -> Result<Option<Plan>, StoreError> {
        let head = &put.row.head;
        let empty = put.row.sealed.as_bytes().is_empty();
        let lists_fit = put.tokens.iter().all(|token| (1..=24).contains(&token.as_bytes().len()));
        let no_index = put.search.is_none() && put.tokens.is_empty() && put.links.is_empty();
        if head.deleted != empty || !lists_fit || (head.deleted && !no_index) {
            return Ok(None);
        }
        let current = match self.tenant(&put.key.tenant)? {
            Some(tenant) => self.current(tenant, &put.key)?,
            None => None,
        };
        Ok(match current {
            None if put.reseal || head.version != Version::FIRST => None,
            None => Some(Plan::Create),
            Some(current) if !put.reseal => (head.version == current.version.next()).then_some(Plan::Replace(current)),
            Some(current) if head.version == current.version => {
                let same = !head.deleted && !current.deleted && head.subject == current.subject;
                (same && current.tenant_key <= head.tenant_key_version).then_some(Plan::Reseal(current))
            }
            Some(_) => self.past(put)?.map(Plan::ResealPast),
        })
    }

    pub(super) fn current(&self, tenant: i64, key: &RecordKey) -> Result<Option<Current>, StoreError> {
        const SQL: &str = "SELECT number, version, subject, deleted, tokens, links, tenant_key FROM record \
                           WHERE tenant = ?1 AND rtype = ?2 AND id = ?3";
        one(self.connection, SQL, (tenant, key.rtype.code(), key.id.as_str()), |row| {
            Ok(Current {
                number: column(row, 0)?,
                version: Version(column(row, 1)?),
                subject: subject_at(row, 2)?,
                deleted: column(row, 3)?,
                tokens: bytes(row, 4)?.to_vec(),
                links: bytes(row, 5)?.to_vec(),
                tenant_key: column(row, 6)?,
            })
        })
    }

    fn past(&mut self, put: &Put) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "SELECT number FROM past WHERE tenant = ?1 AND rtype = ?2 AND id = ?3 AND version = ?4 \
                           AND subject = ?5 AND deleted = 0 AND tenant_key <= ?6";
        let Some(tenant) = self.tenant(&put.key.tenant)? else { return Ok(None) };
        if put.row.head.deleted || put.search.is_some() {
            return Ok(None);
        }
        let head = &put.row.head;
        let place = (
            tenant,
            put.key.rtype.code(),
            put.key.id.as_str(),
            head.version.0,
            head.subject.0,
            head.tenant_key_version,
        );
        one(self.connection, SQL, place, |row| column(row, 0))
    }

    /// Writes a put that was planned.
    pub(super) fn put(&mut self, put: &Put, plan: Plan) -> Result<(), StoreError> {
        let tenant = self.tenant_or_new(&put.key.tenant)?;
        self.touch(put, &plan)?;
        let kind = match plan {
            Plan::Create => {
                self.create(tenant, put)?;
                EventKind::Created
            }
            Plan::Replace(current) => {
                self.replace(tenant, put, &current)?;
                match (current.deleted, put.row.head.deleted) {
                    (_, true) => EventKind::Deleted,
                    (true, false) => EventKind::Created,
                    (false, false) => EventKind::Updated,
                }
            }
            Plan::Reseal(current) => return self.reseal(tenant, put, &current),
            Plan::ResealPast(number) => return self.reseal_row(RESEAL_PAST, number, put),
        };
        if put.event { self.announce(tenant, put, kind) } else { Ok(()) }
    }

    /// Notes every compartment in which a search could answer otherwise from now on: old and new home, old and new links. And the
    /// tokens by which a search across compartments could find more.
    fn touch(&mut self, put: &Put, plan: &Plan) -> Result<(), StoreError> {
        self.given.extend(GivenTokens::slots_of(put));
        self.touched.push(put.row.head.subject);
        self.touched.extend(&put.links);
        if let Plan::Replace(current) | Plan::Reseal(current) = plan {
            self.touched.push(current.subject);
            self.touched.extend(decode_links(&current.links)?);
        }
        Ok(())
    }

    fn create(&self, tenant: i64, put: &Put) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO record (tenant, rtype, id, version, subject, subject_key, tenant_key, updated, \
                           deleted, tokens, links, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let (tokens, links, head) = (sorted_tokens(&put.tokens), linked(put), &put.row.head);
        let mut statement = self.connection.prepare_cached(SQL).map_err(crate::connection::fault)?;
        statement
            .execute(rusqlite::params![
                tenant,
                put.key.rtype.code(),
                put.key.id.as_str(),
                head.version.0,
                head.subject.0,
                head.subject_key_version,
                head.tenant_key_version,
                head.updated.0,
                head.deleted,
                encode_tokens(&tokens)?,
                encode_links(&links),
                put.row.sealed.as_bytes(),
            ])
            .map_err(crate::connection::fault)?;
        if !head.deleted {
            self.index(tenant, put, head.subject, &tokens, &links)?;
        }
        Ok(())
    }

    fn replace(&self, tenant: i64, put: &Put, current: &Current) -> Result<(), StoreError> {
        const KEEP: &str = "INSERT INTO past (tenant, rtype, id, version, subject, subject_key, tenant_key, updated, deleted, \
                            body) SELECT tenant, rtype, id, version, subject, subject_key, tenant_key, updated, deleted, body \
                            FROM record WHERE number = ?1";
        const SQL: &str = "UPDATE record SET version = ?2, subject = ?3, subject_key = ?4, tenant_key = ?5, updated = ?6, \
                           deleted = ?7, tokens = ?8, links = ?9, body = ?10 WHERE number = ?1";
        let (tokens, links, head) = (sorted_tokens(&put.tokens), linked(put), &put.row.head);
        execute(self.connection, KEEP, [current.number])?;
        let row = (
            current.number,
            head.version.0,
            head.subject.0,
            head.subject_key_version,
            head.tenant_key_version,
            head.updated.0,
            head.deleted,
            encode_tokens(&tokens)?,
            encode_links(&links),
            put.row.sealed.as_bytes(),
        );
        execute(self.connection, SQL, row)?;
        self.reindex(tenant, put, current, &tokens, &links)
    }

    fn reseal(&self, tenant: i64, put: &Put, current: &Current) -> Result<(), StoreError> {
        const LISTS: &str = "UPDATE record SET tokens = ?2, links = ?3 WHERE number = ?1";
        self.reseal_row(RESEAL_CURRENT, current.number, put)?;
        if put.search.is_none() {
            return Ok(());
        }
        let (tokens, links, head) = (sorted_tokens(&put.tokens), linked(put), &put.row.head);
        execute(self.connection, LISTS, (current.number, encode_tokens(&tokens)?, encode_links(&links)))?;
        self.reindex(tenant, put, current, &tokens, &links)?;
        // Rows that the stored lists name and that are not there.
        self.index(tenant, put, head.subject, &tokens, &links)
    }

    fn reseal_row(&self, sql: &str, number: i64, put: &Put) -> Result<(), StoreError> {
        let head = &put.row.head;
        let row = (number, head.subject_key_version, head.tenant_key_version, put.row.sealed.as_bytes());
        execute(self.connection, sql, row)
    }

    /// Takes the index rows of the stored version away where they differ, and adds those of the new one.
    fn reindex(
        &self,
        tenant: i64,
        put: &Put,
        current: &Current,
        tokens: &[&[u8]],
        links: &[SubjectId],
    ) -> Result<(), StoreError> {
        let head = &put.row.head;
        // Index rows name the home compartment: when it changes, all of them are others.
        let moved = head.subject != current.subject;
        let (old_tokens, old_links) = (decode_tokens(&current.tokens)?, decode_links(&current.links)?);
        for token in old_tokens.iter().filter(|token| moved || tokens.binary_search(token).is_err()) {
            self.remove_token(tenant, &put.key, token)?;
        }
        for link in old_links.iter().filter(|link| moved || links.binary_search(link).is_err()) {
            self.remove_link(tenant, &put.key, *link)?;
        }
        if moved || head.deleted {
            const GONE: &str = "DELETE FROM search WHERE tenant = ?1 AND subject = ?2 AND rtype = ?3 AND id = ?4";
            let place = (tenant, current.subject.0, put.key.rtype.code(), put.key.id.as_str());
            execute(self.connection, GONE, place)?;
        }
        if head.deleted {
            return Ok(());
        }
        let fresh: Vec<&[u8]> =
            tokens.iter().filter(|token| moved || old_tokens.binary_search(token).is_err()).copied().collect();
        let fresh_links: Vec<SubjectId> =
            links.iter().filter(|link| moved || old_links.binary_search(link).is_err()).copied().collect();
        self.index(tenant, put, head.subject, &fresh, &fresh_links)
    }

    /// Adds index rows and sets the search part.
    fn index(
        &self,
        tenant: i64,
        put: &Put,
        home: SubjectId,
        tokens: &[&[u8]],
        links: &[SubjectId],
    ) -> Result<(), StoreError> {
        const TOKEN: &str = "INSERT INTO token (tenant, token, rtype, id, subject) VALUES (?1, ?2, ?3, ?4, ?5) \
                             ON CONFLICT (tenant, token, rtype, id) DO UPDATE SET subject = ?5";
        const LINK: &str = "INSERT INTO link (tenant, subject, rtype, id, home) VALUES (?1, ?2, ?3, ?4, ?5) \
                            ON CONFLICT (tenant, subject, rtype, id) DO UPDATE SET home = ?5";
        // A live record always has a row here, with empty bytes when nothing of it can be searched: the shred finds it so.
        const SEARCH: &str = "INSERT INTO search (tenant, subject, rtype, id, version, updated, subject_key, body) \
                              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (tenant, subject, rtype, id) \
                              DO UPDATE SET version = ?5, updated = ?6, subject_key = ?7, body = ?8";
        let (rtype, id, head) = (put.key.rtype.code(), put.key.id.as_str(), &put.row.head);
        for token in tokens {
            execute(self.connection, TOKEN, (tenant, token, rtype, id, home.0))?;
        }
        for link in links {
            execute(self.connection, LINK, (tenant, link.0, rtype, id, home.0))?;
        }
        let part = put.search.as_ref().map_or(&[][..], |search| search.as_bytes());
        let row = (tenant, home.0, rtype, id, head.version.0, head.updated.0, head.subject_key_version, part);
        execute(self.connection, SEARCH, row)
    }

    /// Takes tokens and links of a stored row away, for the shred.
    pub(super) fn forget_index(&mut self, tenant: i64, key: &RecordKey, current: &Current) -> Result<(), StoreError> {
        const LISTS: &str = "UPDATE record SET tokens = ?2, links = ?3 WHERE number = ?1";
        for token in decode_tokens(&current.tokens)? {
            self.remove_token(tenant, key, token)?;
        }
        for link in decode_links(&current.links)? {
            self.remove_link(tenant, key, link)?;
            self.touched.push(link);
        }
        execute(self.connection, LISTS, (current.number, encode_tokens(&[])?, encode_links(&[])))
    }

    fn remove_token(&self, tenant: i64, key: &RecordKey, token: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM token WHERE tenant = ?1 AND token = ?2 AND rtype = ?3 AND id = ?4";
        execute(self.connection, SQL, (tenant, token, key.rtype.code(), key.id.as_str()))
    }

    fn remove_link(&self, tenant: i64, key: &RecordKey, link: SubjectId) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM link WHERE tenant = ?1 AND subject = ?2 AND rtype = ?3 AND id = ?4";
        execute(self.connection, SQL, (tenant, link.0, key.rtype.code(), key.id.as_str()))
    }

    fn announce(&mut self, tenant: i64, put: &Put, kind: EventKind) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO event (seq, tenant, rtype, id, version, subject, kind, at) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.counters.event += 1;
        let (rtype, id, head) = (put.key.rtype.code(), put.key.id.as_str(), &put.row.head);
        let row = (self.counters.event, tenant, rtype, id, head.version.0, head.subject.0, kind as u8, head.updated.0);
        execute(self.connection, SQL, row)
    }
}

const RESEAL_CURRENT: &str = "UPDATE record SET subject_key = ?2, tenant_key = ?3, body = ?4 WHERE number = ?1";
const RESEAL_PAST: &str = "UPDATE past SET subject_key = ?2, tenant_key = ?3, body = ?4 WHERE number = ?1";

/// The further compartments, ascending, each once, without the home compartment.
fn linked(put: &Put) -> Vec<SubjectId> {
    let mut links: Vec<SubjectId> =
        put.links.iter().copied().filter(|subject| *subject != put.row.head.subject).collect();
    links.sort_unstable();
    links.dedup();
    links
}
