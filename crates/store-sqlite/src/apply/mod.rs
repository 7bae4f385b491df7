//! Applies units inside the open transaction of a batch.
//!
//! A unit is checked completely before its first row is written, so that a refused unit needs no undoing and its
//! neighbours in the batch are not disturbed.

mod keys;
mod puts;

use crate::connection::fault;
use crate::read::{column, one};
use aceso_base::{SubjectId, TenantId};
use aceso_store::{DocumentWrite, Precondition, StoreError, Unit};
use rusqlite::{Connection, Params};
use std::collections::HashMap;

/// Numbers that only grow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    document: i64,
    event: i64,
}

impl Counters {
    /// The numbers as stored.
    pub(crate) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let value = |name: &str| {
            one(connection, "SELECT value FROM counter WHERE name = ?1", [name], |row| column(row, 0))?
                .ok_or(StoreError::Corrupt("a counter is missing"))
        };
        Ok(Self { document: value("document")?, event: value("event")? })
    }

    /// Stores what changed since the batch began.
    pub(crate) fn save(&self, connection: &Connection, before: &Self) -> Result<(), StoreError> {
        for (name, now, then) in [("document", self.document, before.document), ("event", self.event, before.event)] {
            if now != then {
                execute(connection, "UPDATE counter SET value = ?2 WHERE name = ?1", (name, now))?;
            }
        }
        Ok(())
    }
}

/// The open transaction of one batch.
pub(crate) struct Batch<'a> {
    pub(crate) connection: &'a Connection,
    /// Tenants seen so far. Forget it all when the transaction fails: it may name tenants that were not stored.
    pub(crate) tenants: &'a mut HashMap<TenantId, i64>,
    pub(crate) counters: &'a mut Counters,
    /// Compartments whose search parts, links or keys change.
    pub(crate) touched: &'a mut Vec<SubjectId>,
    /// Slots of the tokens that records get.
    pub(crate) given: &'a mut Vec<usize>,
    /// A key was destroyed: its bytes must leave the write-ahead log too.
    pub(crate) erased: bool,
}

/// Whether a unit was applied; `Err` names the first step that does not hold.
pub(crate) type Verdict = Result<(), usize>;

impl Batch<'_> {
    /// Checks the unit, then applies it.
    ///
    /// # Errors
    /// [`StoreError`] when the engine fails; the transaction must be rolled back then.
    pub(crate) fn apply(&mut self, unit: &Unit) -> Result<Verdict, StoreError> {
        for (step, precondition) in unit.preconditions.iter().enumerate() {
            if !self.holds(precondition)? {
                return Ok(Err(step));
            }
        }
        let (puts_at, keys_at) = (unit.preconditions.len(), unit.preconditions.len() + unit.puts.len());
        let plans = match self.plan_puts(&unit.puts)? {
            Ok(plans) => plans,
            Err(position) => return Ok(Err(puts_at + position)),
        };
        for position in 0..unit.keys.len() {
            if !self.key_fits(unit, position)? {
                return Ok(Err(keys_at + position));
            }
        }
        for (put, plan) in unit.puts.iter().zip(plans) {
            self.put(put, plan)?;
        }
        for key in &unit.keys {
            self.write_key(key)?;
        }
        for document in &unit.documents {
            self.write_document(document)?;
        }
        if let Some(before) = unit.forget_events_before {
            // Up to the first that is not old, so that a look costs nothing when there is nothing to do. Positions come from a
            // counter, so the last event may go too.
            const OLD: &str = "DELETE FROM event WHERE seq < ifnull( \
                               (SELECT seq FROM event WHERE at >= ?1 ORDER BY seq LIMIT 1), 9223372036854775807)";
            execute(self.connection, OLD, [before.0])?;
        }
        Ok(Ok(()))
    }

    fn holds(&mut self, precondition: &Precondition) -> Result<bool, StoreError> {
        match precondition {
            Precondition::Version { key, expected } => {
                let head = match self.tenant(&key.tenant)? {
                    Some(tenant) => crate::read::record_head(self.connection, tenant, key)?,
                    None => None,
                };
                Ok(head.map(|head| head.version) == *expected)
            }
            Precondition::NoRowWithToken { tenant, rtype, token, but } => {
                const SQL: &str = "SELECT id FROM token WHERE tenant = ?1 AND token = ?2 AND rtype = ?3";
                let Some(tenant) = self.tenant(tenant)? else { return Ok(true) };
                let others =
                    crate::read::visit_rows(self.connection, SQL, (tenant, token.as_bytes(), rtype.code()), |row| {
                        let id = crate::read::text(row, 0)?;
                        Ok(if but.iter().any(|known| known.as_str() == id) {
                            std::ops::ControlFlow::Continue(())
                        } else {
                            std::ops::ControlFlow::Break(())
                        })
                    })?;
                Ok(others.is_continue())
            }
            Precondition::SubjectNotShredded { tenant, subject } => match self.tenant(tenant)? {
                Some(tenant) => crate::read::shredded(self.connection, tenant, *subject).map(|shredded| !shredded),
                None => Ok(true),
            },
            Precondition::DocumentRevision { space, key, expected } => {
                const SQL: &str = "SELECT revision FROM document WHERE space = ?1 AND name = ?2";
                let found: Option<i64> = one(self.connection, SQL, (space, key), |row| column(row, 0))?;
                Ok(found.map(|found| found.cast_unsigned()) == *expected)
            }
        }
    }

    fn write_document(&mut self, document: &DocumentWrite) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO document (space, name, revision, body) VALUES (?1, ?2, ?3, ?4) \
                           ON CONFLICT (space, name) DO UPDATE SET revision = ?3, body = ?4";
        let DocumentWrite { space, key, bytes } = document;
        match bytes {
            Some(bytes) => {
                self.counters.document += 1;
                execute(self.connection, PUT, (space, key, self.counters.document, bytes))
            }
            None => execute(self.connection, "DELETE FROM document WHERE space = ?1 AND name = ?2", (space, key)),
        }
    }

    /// The number of a tenant that exists.
    fn tenant(&mut self, tenant: &TenantId) -> Result<Option<i64>, StoreError> {
        if let Some(&number) = self.tenants.get(tenant) {
            return Ok(Some(number));
        }
        let number =
            one(self.connection, "SELECT id FROM tenant WHERE name = ?1", [tenant.as_str()], |row| column(row, 0))?;
        if let Some(number) = number {
            self.tenants.insert(tenant.clone(), number);
        }
        Ok(number)
    }

    /// The number of a tenant that has a first row now.
    fn tenant_or_new(&mut self, tenant: &TenantId) -> Result<i64, StoreError> {
        if let Some(number) = self.tenant(tenant)? {
            return Ok(number);
        }
        execute(self.connection, "INSERT INTO tenant (name) VALUES (?1)", [tenant.as_str()])?;
        let number = self.connection.last_insert_rowid();
        self.tenants.insert(tenant.clone(), number);
        Ok(number)
    }
}

pub(crate) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<(), StoreError> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map(drop).map_err(fault)
}
