//! Operators' work on keys: status, rotation, the sweep that finishes it, and the crypto-shred.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use aceso_audit::{Action, Entry, Outcome, Receipt};
use aceso_base::{SubjectId, TenantId, Timestamp, UserId};
use aceso_seal::{Place, WrappedSubjectKey, reseal_record};
use aceso_store::{CommitError, KeyUse, KeyWrite, Put, RecordRow, SealedUnder, SubjectKeyRow, TenantKeyRow, Unit};
use std::sync::Arc;

/// The keys of one tenant.
#[derive(Debug)]
pub struct KeyStatus {
    /// The version that new rows are sealed under.
    pub primary: u32,
    /// All versions, oldest first, with when they came and when they stopped to seal.
    pub versions: Vec<(u32, Timestamp, Option<Timestamp>)>,
    /// How many rows name each version.
    pub usage: Vec<KeyUse>,
}

impl KeyStatus {
    /// Rows that still have to move to the primary version.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.usage
            .iter()
            .filter(|row| row.tenant_key_version < self.primary)
            .map(|row| row.subject_keys + row.records)
            .sum()
    }
}

/// How far a sweep came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewrapProgress {
    /// Patient keys wrapped anew.
    pub subject_keys: u64,
    /// Record versions sealed anew.
    pub records: u64,
    /// Rows that did not open and were left as they are; each is an entry of the log.
    pub failed: u64,
}

/// Proof of a shred.
#[derive(Debug)]
pub struct ShredReceipt {
    /// Whose keys were destroyed.
    pub subject: SubjectId,
    /// When.
    pub at: Timestamp,
    /// The entry that records it.
    pub receipt: Receipt,
}

/// Rows that one step of the sweep moves.
const STEP: usize = 64;

impl Custodian {
    /// Versions, and how many rows name each.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub fn key_status(&self, tenant: &TenantId) -> Result<KeyStatus, DoorError> {
        let rows = self.inner.store.tenant_keys(tenant).map_err(unavailable)?;
        let usage = self.inner.store.key_usage(tenant).map_err(unavailable)?;
        let primary = rows.iter().map(|row| row.version).max().unwrap_or_default();
        let versions = rows.into_iter().map(|row| (row.version, row.created, row.retired)).collect();
        Ok(KeyStatus { primary, versions, usage: usage.versions })
    }

    /// Makes a new version of the tenant's key; from now on new rows are sealed under it. Old rows open as before.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub async fn rotate_tenant_key(&self, tenant: &TenantId, by: &UserId) -> Result<u32, DoorError> {
        let inner = &self.inner;
        let old = inner.keyring.tenant(tenant).map_err(|_| DoorError::Unavailable("keys"))?;
        let (wrapped, new) =
            old.add_version(inner.keyring.provider(), &*inner.rng).map_err(|_| DoorError::Unavailable("keys"))?;
        let version = wrapped.version;
        let at = self.now();
        let row = TenantKeyRow { version, wrapped: wrapped.bytes, created: at, retired: None };
        let unit = Unit {
            keys: vec![
                KeyWrite::AddTenantKey { tenant: tenant.clone(), row },
                KeyWrite::RetireTenantKey { tenant: tenant.clone(), version: old.primary(), at },
            ],
            entries: vec![
                self.key_entry(Action::KeyRotated, tenant, by).with_count(u64::from(version)).with_detail("tenant-key"),
            ],
            ..Unit::default()
        };
        self.commit(unit).await.map_err(commit_error)?;
        inner.keyring.put_tenant(tenant, Arc::new(new));
        Ok(version)
    }

    /// One step of the sweep: moves a block of rows to the primary version. `None` when none is left.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`]. What was moved before stays moved; the next call goes on.
    pub async fn rewrap_step(&self, tenant: &TenantId, by: &UserId) -> Result<Option<RewrapProgress>, DoorError> {
        let inner = &self.inner;
        let keys = inner.keyring.tenant(tenant).map_err(|_| DoorError::Unavailable("keys"))?;
        let primary = keys.primary();
        let subjects = inner.store.subjects_wrapped_by(tenant, primary, None, STEP).map_err(unavailable)?;
        if !subjects.is_empty() {
            return self.rewrap_subjects(tenant, by, &subjects).await.map(Some);
        }
        let mut after = None;
        loop {
            let rows = inner.store.records_sealed_under(tenant, primary, after, STEP).map_err(unavailable)?;
            let Some(last) = rows.last() else { return Ok(None) };
            after = Some(last.cursor);
            let progress = self.reseal_records(tenant, by, &rows).await?;
            // Rows that do not open stay where they are: the walk goes past them.
            if progress.records > 0 {
                return Ok(Some(progress));
            }
        }
    }

    async fn rewrap_subjects(
        &self,
        tenant: &TenantId,
        by: &UserId,
        subjects: &[SubjectId],
    ) -> Result<RewrapProgress, DoorError> {
        let inner = &self.inner;
        let keys = inner.keyring.tenant(tenant).map_err(|_| DoorError::Unavailable("keys"))?;
        let mut unit = Unit::default();
        for &subject in subjects {
            for row in inner.store.subject_keys(tenant, subject).map_err(unavailable)? {
                if row.tenant_key_version >= keys.primary() {
                    continue;
                }
                let old = WrappedSubjectKey { tenant_key_version: row.tenant_key_version, bytes: row.wrapped };
                let new = keys
                    .rewrap_subject(subject, row.version, &old)
                    .map_err(|_| DoorError::Unavailable("a patient key does not open"))?;
                let moved = SubjectKeyRow {
                    version: row.version,
                    tenant_key_version: new.tenant_key_version,
                    wrapped: new.bytes,
                };
                let (tenant, from) = (tenant.clone(), old.tenant_key_version);
                unit.keys.push(KeyWrite::RewrapSubjectKey { tenant, subject, from, row: moved });
            }
        }
        let moved = unit.keys.len() as u64;
        unit.entries
            .push(self.key_entry(Action::KeyRewrapped, tenant, by).with_count(moved).with_detail("patient-keys"));
        match self.commit(unit).await {
            Ok(_) => Ok(RewrapProgress { subject_keys: moved, ..RewrapProgress::default() }),
            // A shred or another sweep came in between: the next step sees the new rows.
            Err(CommitError::Refused { .. }) => Ok(RewrapProgress::default()),
            Err(CommitError::Unavailable(error)) => Err(unavailable(error)),
        }
    }

    async fn reseal_records(
        &self,
        tenant: &TenantId,
        by: &UserId,
        rows: &[SealedUnder],
    ) -> Result<RewrapProgress, DoorError> {
        let inner = &self.inner;
        let keys = inner.keyring.tenant(tenant).map_err(|_| DoorError::Unavailable("keys"))?;
        let mut progress = RewrapProgress::default();
        for SealedUnder { key, version, .. } in rows {
            let Some(RecordRow { mut head, sealed }) = inner.store.version(key, *version).map_err(unavailable)? else {
                continue;
            };
            let place = Place {
                region: &inner.region,
                tenant,
                subject: head.subject,
                rtype: key.rtype,
                id: &key.id,
                version: *version,
            };
            let subject = inner.keyring.subject(tenant, head.subject, head.subject_key_version);
            let resealed = match subject.map_err(|_| DoorError::Unavailable("keys"))? {
                // A shredded patient's row opens for nobody: it needs no tenant key any more and only moves in the count.
                None => sealed,
                Some(subject) => match reseal_record(&keys, &subject, &place, &sealed, &*inner.rng) {
                    Ok(resealed) => resealed,
                    Err(_) => {
                        progress.failed += 1;
                        let entry = self
                            .key_entry(Action::OpenFailed, tenant, by)
                            .with_outcome(Outcome::failed("does-not-open"))
                            .with_subject(head.subject)
                            .with_record(key.rtype, &key.id, *version);
                        let _ = self.record_one(entry).await?;
                        continue;
                    }
                },
            };
            head.tenant_key_version = keys.primary();
            let put = Put {
                key: key.clone(),
                row: RecordRow { head, sealed: resealed },
                search: None,
                tokens: Vec::new(),
                links: Vec::new(),
                reseal: true,
                event: false,
            };
            match self.commit(Unit { puts: vec![put], ..Unit::default() }).await {
                Ok(_) => progress.records += 1,
                Err(CommitError::Refused { .. }) => {}
                Err(CommitError::Unavailable(error)) => return Err(unavailable(error)),
            }
        }
        let entry =
            self.key_entry(Action::KeyRewrapped, tenant, by).with_count(progress.records).with_detail("records");
        let _ = self.record_one(entry).await?;
        Ok(progress)
    }

    /// Destroys a patient's keys: what they sealed is unreadable from this moment on, here and in every copy of the database
    /// that comes back without an older copy of the key rows.
    ///
    /// # Errors
    /// [`DoorError::UnknownSubject`] when the patient has no keys (never had, or shredded before), [`DoorError::Unavailable`].
    pub async fn shred(&self, tenant: &TenantId, subject: SubjectId, by: &UserId) -> Result<ShredReceipt, DoorError> {
        let known = self.inner.store.subject_keys(tenant, subject).map_err(unavailable)?;
        if known.is_empty() || subject.is_directory() {
            return Err(DoorError::UnknownSubject { change: 0 });
        }
        let at = self.now();
        let unit = Unit {
            keys: vec![KeyWrite::ShredSubject { tenant: tenant.clone(), subject, at }],
            entries: vec![self.key_entry(Action::KeyShredded, tenant, by).with_subject(subject)],
            ..Unit::default()
        };
        let receipts = self.commit(unit).await.map_err(commit_error)?;
        self.inner.keyring.forget_subject(tenant, subject);
        let receipt = receipts.into_iter().next().ok_or(DoorError::Unavailable("the log gave no receipt"))?;
        Ok(ShredReceipt { subject, at, receipt })
    }

    /// Forgets all opened keys; the next request asks the key service again.
    pub fn flush_keys(&self) {
        self.inner.keyring.flush();
    }

    fn key_entry(&self, action: Action, tenant: &TenantId, by: &UserId) -> Entry {
        Entry::system(&self.inner.region, action).with_tenant(tenant).with_user(by)
    }
}

fn commit_error(error: CommitError) -> DoorError {
    match error {
        CommitError::Unavailable(error) => unavailable(error),
        CommitError::Refused { .. } => DoorError::Unavailable("another operator changed the keys at the same time"),
    }
}
