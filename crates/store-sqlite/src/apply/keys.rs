//! Changes of wrapped keys, and the crypto-shred.

use super::{Batch, execute};
use crate::read::{column, many, one, text};
use aceso_base::{LogicalId, SubjectId, TenantId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use aceso_store::{KeyWrite, RecordKey, StoreError, Unit};

impl Batch<'_> {
    /// Whether a change of keys fits the stored rows and the unit's earlier ones.
    pub(super) fn key_fits(&mut self, unit: &Unit, position: usize) -> Result<bool, StoreError> {
        let Some((write, earlier)) = unit.keys.get(..=position).and_then(|keys| keys.split_last()) else {
            return Ok(false);
        };
        if earlier.iter().any(|other| name_of(other) == name_of(write)) {
            return Ok(false);
        }
        match write {
            KeyWrite::AddTenantKey { tenant, row } => Ok(!self.has_tenant_key(tenant, row.version)?),
            KeyWrite::RewrapTenantKey { tenant, version, .. } | KeyWrite::RetireTenantKey { tenant, version, .. } => {
                self.has_tenant_key(tenant, *version)
            }
            KeyWrite::DestroyTenantKey { tenant, version } => {
                Ok(self.has_tenant_key(tenant, *version)? && !self.is_named(unit, tenant, *version)?)
            }
            KeyWrite::SetIndexRoot { tenant, replaces, .. } => {
                let stored = match self.tenant(tenant)? {
                    Some(tenant) => crate::read::index_root(self.connection, tenant)?,
                    None => None,
                };
                Ok(stored == *replaces)
            }
            KeyWrite::AddSubjectKey { tenant, subject, row } => {
                let shredded_here = unit.keys.iter().any(
                    |other| matches!(other, KeyWrite::ShredSubject { tenant: t, subject: s, .. } if t == tenant && s == subject),
                );
                Ok(!shredded_here
                    && !self.is_shredded(tenant, *subject)?
                    && self.wrapped_under(tenant, *subject, row.version)?.is_none())
            }
            KeyWrite::RewrapSubjectKey { tenant, subject, from, row } => {
                Ok(self.wrapped_under(tenant, *subject, row.version)? == Some(*from))
            }
            KeyWrite::ShredSubject { tenant, subject, .. } => Ok(!self.is_shredded(tenant, *subject)?),
        }
    }

    /// Writes a change that fits.
    pub(super) fn write_key(&mut self, write: &KeyWrite) -> Result<(), StoreError> {
        let (tenant, _, subject, _) = name_of(write);
        let tenant = self.tenant_or_new(tenant)?;
        self.touched.extend(subject);
        match write {
            KeyWrite::AddTenantKey { row, .. } => {
                const SQL: &str = "INSERT INTO tenant_key (tenant, version, wrapped, created, retired) \
                                   VALUES (?1, ?2, ?3, ?4, ?5)";
                let retired = row.retired.map(|at| at.0);
                execute(self.connection, SQL, (tenant, row.version, &row.wrapped, row.created.0, retired))
            }
            KeyWrite::RewrapTenantKey { version, wrapped, .. } => {
                const SQL: &str = "UPDATE tenant_key SET wrapped = ?3 WHERE tenant = ?1 AND version = ?2";
                self.erased = true;
                execute(self.connection, SQL, (tenant, version, wrapped))
            }
            KeyWrite::RetireTenantKey { version, at, .. } => {
                const SQL: &str = "UPDATE tenant_key SET retired = ?3 WHERE tenant = ?1 AND version = ?2";
                execute(self.connection, SQL, (tenant, version, at.0))
            }
            KeyWrite::DestroyTenantKey { version, .. } => {
                const SQL: &str = "UPDATE tenant_key SET wrapped = ?3 WHERE tenant = ?1 AND version = ?2";
                self.erased = true;
                execute(self.connection, SQL, (tenant, version, [0_u8; 0]))
            }
            KeyWrite::SetIndexRoot { wrapped, .. } => {
                const SQL: &str = "INSERT INTO index_root (tenant, wrapped) VALUES (?1, ?2) \
                                   ON CONFLICT (tenant) DO UPDATE SET wrapped = ?2";
                self.erased = true;
                execute(self.connection, SQL, (tenant, wrapped))
            }
            KeyWrite::AddSubjectKey { subject, row, .. } => {
                const SQL: &str = "INSERT INTO subject_key (tenant, subject, version, tenant_key, wrapped) \
                                   VALUES (?1, ?2, ?3, ?4, ?5)";
                let row = (tenant, subject.0, row.version, row.tenant_key_version, &row.wrapped);
                execute(self.connection, SQL, row)
            }
            KeyWrite::RewrapSubjectKey { subject, row, .. } => {
                const SQL: &str = "UPDATE subject_key SET tenant_key = ?4, wrapped = ?5 \
                                   WHERE tenant = ?1 AND subject = ?2 AND version = ?3";
                let row = (tenant, subject.0, row.version, row.tenant_key_version, &row.wrapped);
                execute(self.connection, SQL, row)
            }
            KeyWrite::ShredSubject { subject, at, tenant: name } => self.shred(tenant, name, *subject, *at),
        }
    }

    fn shred(&mut self, tenant: i64, name: &TenantId, subject: SubjectId, at: Timestamp) -> Result<(), StoreError> {
        const INDEXED: &str = "SELECT rtype, id FROM search WHERE tenant = ?1 AND subject = ?2";
        let indexed = many(self.connection, INDEXED, (tenant, subject.0), |row| {
            let rtype =
                ResourceType::from_code(column(row, 0)?).ok_or(StoreError::Corrupt("a resource type's code"))?;
            let id = LogicalId::parse(text(row, 1)?).map_err(|_| StoreError::Corrupt("a logical id"))?;
            Ok(RecordKey { tenant: name.clone(), rtype, id })
        })?;
        for key in &indexed {
            let current = self.current(tenant, key)?.ok_or(StoreError::Corrupt("a search part without its record"))?;
            self.forget_index(tenant, key, &current)?;
        }
        execute(self.connection, "DELETE FROM search WHERE tenant = ?1 AND subject = ?2", (tenant, subject.0))?;
        execute(self.connection, "DELETE FROM subject_key WHERE tenant = ?1 AND subject = ?2", (tenant, subject.0))?;
        self.erased = true;
        let row = (tenant, subject.0, at.0);
        execute(self.connection, "INSERT INTO shredded (tenant, subject, at) VALUES (?1, ?2, ?3)", row)
    }

    /// A tenant key that exists and was not destroyed.
    fn has_tenant_key(&mut self, tenant: &TenantId, version: u32) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT 1 FROM tenant_key WHERE tenant = ?1 AND version = ?2";
        let Some(tenant) = self.tenant(tenant)? else { return Ok(false) };
        Ok(one(self.connection, SQL, (tenant, version), |_| Ok(()))?.is_some())
    }

    fn is_named(&mut self, unit: &Unit, tenant: &TenantId, version: u32) -> Result<bool, StoreError> {
        let here = unit.puts.iter().any(|put| put.key.tenant == *tenant && put.row.head.tenant_key_version == version);
        let Some(number) = self.tenant(tenant)? else { return Ok(here) };
        let usage = crate::read::usage(self.connection, number)?;
        Ok(here || usage.versions.iter().any(|used| used.tenant_key_version == version))
    }

    fn is_shredded(&mut self, tenant: &TenantId, subject: SubjectId) -> Result<bool, StoreError> {
        match self.tenant(tenant)? {
            Some(tenant) => crate::read::shredded(self.connection, tenant, subject),
            None => Ok(false),
        }
    }

    /// The tenant key version that wraps a subject key row, if there is that row.
    fn wrapped_under(
        &mut self,
        tenant: &TenantId,
        subject: SubjectId,
        version: u32,
    ) -> Result<Option<u32>, StoreError> {
        const SQL: &str = "SELECT tenant_key FROM subject_key WHERE tenant = ?1 AND subject = ?2 AND version = ?3";
        let Some(tenant) = self.tenant(tenant)? else { return Ok(None) };
        one(self.connection, SQL, (tenant, subject.0, version), |row| column(row, 0))
    }
}

/// Whose and which key rows, and the kind of change: a unit may change the same rows in the same way once.
fn name_of(write: &KeyWrite) -> (&TenantId, u8, Option<SubjectId>, u32) {
    match write {
        KeyWrite::AddTenantKey { tenant, row } => (tenant, 0, None, row.version),
        KeyWrite::RewrapTenantKey { tenant, version, .. } => (tenant, 1, None, *version),
        KeyWrite::RetireTenantKey { tenant, version, .. } => (tenant, 2, None, *version),
        KeyWrite::DestroyTenantKey { tenant, version } => (tenant, 1, None, *version),
        KeyWrite::SetIndexRoot { tenant, .. } => (tenant, 3, None, 0),
        KeyWrite::AddSubjectKey { tenant, subject, row } | KeyWrite::RewrapSubjectKey { tenant, subject, row, .. } => {
            (tenant, 4, Some(*subject), row.version)
        }
        KeyWrite::ShredSubject { tenant, subject, .. } => (tenant, 5, Some(*subject), 0),
    }
}
