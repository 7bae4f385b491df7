//! Operators' work on keys: status, rotation, the sweep that finishes it, and the crypto-shred.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::open::OpenFailure;
use crate::sweep::Broken;
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
    /// Rows that did not open when this process tried to move or check them; each is one entry of the log.
    pub unreadable: u64,
    /// Which version of the root key wraps each version of the tenant key, where the key service tells; keys that were
    /// destroyed are left out.
    pub roots: Vec<(u32, Option<u32>)>,
}

/// The root key, over all tenants of the data directory and the system's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootStatus {
    /// The version that wraps; `None` where the key service turns its keys over by itself.
    pub primary: Option<u32>,
    /// Wrapped keys that name an older one.
    pub left: u64,
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
    /// Rows and keys that did not open and were left as they are; each is an entry of the log, once in the life of a process.
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
        let provider = self.inner.keyring.provider();
        let held = rows.iter().filter(|row| !row.wrapped.is_empty());
        let roots = held.map(|row| (row.version, provider.root_version(&row.wrapped))).collect();
        let versions = rows.into_iter().map(|row| (row.version, row.created, row.retired)).collect();
        Ok(KeyStatus { primary, versions, usage: usage.versions, unreadable: self.unreadable_rows(tenant), roots })
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
        inner.opened.clear();
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
        let mut after = None;
        loop {
            let subjects = inner.store.subjects_wrapped_by(tenant, primary, after, STEP).map_err(unavailable)?;
            let Some(last) = subjects.last() else { break };
            after = Some(*last);
            let progress = self.rewrap_subjects(tenant, by, &subjects).await?;
            // Keys that do not open stay where they are, as rows do below.
            if progress.subject_keys > 0 {
                return Ok(Some(progress));
            }
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
        let mut failed = 0;
        for &subject in subjects {
            for row in inner.store.subject_keys(tenant, subject).map_err(unavailable)? {
                if row.tenant_key_version >= keys.primary() {
                    continue;
                }
                let old = WrappedSubjectKey { tenant_key_version: row.tenant_key_version, bytes: row.wrapped };
                let Ok(new) = keys.rewrap_subject(subject, row.version, &old) else {
                    failed += 1;
                    let broken = Broken::Key { subject, version: row.version };
                    self.tell_once(tenant, by, broken, OpenFailure::Sealed).await?;
                    continue;
                };
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
        if moved == 0 {
            return Ok(RewrapProgress { failed, ..RewrapProgress::default() });
        }
        unit.entries
            .push(self.key_entry(Action::KeyRewrapped, tenant, by).with_count(moved).with_detail("patient-keys"));
        match self.commit(unit).await {
            Ok(_) => Ok(RewrapProgress { subject_keys: moved, failed, ..RewrapProgress::default() }),
            // A shred or another sweep came in between: the next step sees the new rows.
            Err(CommitError::Refused { .. }) => Ok(RewrapProgress { failed, ..RewrapProgress::default() }),
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
            let resealed = match subject {
                // A shredded patient's row opens for nobody: it needs no tenant key any more and only moves in the count.
                Ok(None) => Some(sealed),
                Ok(Some(subject)) => reseal_record(&keys, &subject, &place, &sealed, &*inner.rng).ok(),
                Err(error) if error.is_damage() => None,
                Err(_) => return Err(DoorError::Unavailable("keys")),
            };
            let Some(resealed) = resealed else {
                progress.failed += 1;
                let broken = Broken::Record { key: key.clone(), subject: head.subject, version: *version };
                self.tell_once(tenant, by, broken, OpenFailure::Sealed).await?;
                continue;
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
        if progress.records > 0 {
            let entry =
                self.key_entry(Action::KeyRewrapped, tenant, by).with_count(progress.records).with_detail("records");
            let _ = self.record_one(entry).await?;
        }
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
            let entry = self.key_entry(Action::KeyShredded, tenant, by).with_subject(subject);
            let receipt = self.record_one(entry.with_outcome(Outcome::failed("unknown-subject"))).await?;
            return Err(DoorError::UnknownSubject { change: 0, receipt });
        }
        let at = self.now();
        let unit = Unit {
            keys: vec![KeyWrite::ShredSubject { tenant: tenant.clone(), subject, at }],
            entries: vec![self.key_entry(Action::KeyShredded, tenant, by).with_subject(subject)],
            ..Unit::default()
        };
        let flight = self.inner.freshness.begin(std::iter::empty());
        let receipts = match self.commit(unit).await {
            Ok(receipts) => receipts,
            Err(error @ CommitError::Refused { .. }) => {
                flight.land();
                return Err(commit_error(error));
            }
            Err(error) => return Err(commit_error(error)),
        };
        self.inner.keyring.forget_subject(tenant, subject);
        self.inner.opened.forget(tenant, subject);
        self.inner.freshness.note_shred(tenant, subject);
        flight.land();
        let receipt = receipts.into_iter().next().ok_or(DoorError::Unavailable("the log gave no receipt"))?;
        Ok(ShredReceipt { subject, at, receipt })
    }

    /// Forgets all opened keys; the next request asks the key service again.
    pub fn flush_keys(&self) {
        self.inner.keyring.flush();
        self.inner.opened.clear();
    }

    pub(crate) fn key_entry(&self, action: Action, tenant: &TenantId, by: &UserId) -> Entry {
        Entry::system(&self.inner.region, action).with_tenant(tenant).with_user(by)
    }
}

pub(crate) fn commit_error(error: CommitError) -> DoorError {
    match error {
        CommitError::Unavailable(error) => unavailable(error),
        CommitError::Refused { .. } => DoorError::Unavailable("another operator changed the keys at the same time"),
    }
}
