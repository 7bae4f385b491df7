//! Background work on what is stored: the walk over the index, and what does not open, told once.

use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::freshness::Newest;
use crate::open::OpenFailure;
use aceso_audit::{Action, Outcome};
use aceso_base::{SubjectId, TenantId, Timestamp, UserId, Version};
use aceso_phi::Sealed;
use aceso_seal::{IndexDigest, Place, SubjectKey, check_search, reseal_search};
use aceso_store::{CommitError, IndexRow, Put, RecordKey, RecordRow, Unit};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Something stored that does not open or is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// One version of a record.
    Record { key: RecordKey, subject: SubjectId, version: Version },
    /// A live record's search part, or the list of its tokens.
    Index { key: RecordKey, subject: SubjectId, version: Version },
    /// A patient's wrapped key.
    Key { subject: SubjectId, version: u32 },
}

/// What this process has told of already.
pub(crate) type Told = Mutex<BTreeSet<(TenantId, Broken)>>;

/// How far the walk over the index came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexProgress {
    /// Records whose search part is authentic and says which tokens and links are theirs.
    pub checked: u64,
    /// Search parts of an older format that were sealed anew; whatever tokens they had then is believed.
    pub renewed: u64,
    /// Records with lost token or link rows, which were put back.
    pub repaired: u64,
    /// Records whose search part is gone, does not open, or is about other tokens than the record's row has. Only a new version
    /// helps; each is an entry of the log, once in the life of a process.
    pub broken: u64,
}

/// Records that one step of the walk looks at.
const STEP: usize = 64;

enum Found {
    Fine,
    Put(Sealed),
    Broken(OpenFailure),
}

impl Custodian {
    /// One step of the walk over the index: the records after this place. Where the next step begins; `None` at the end.
    ///
    /// Every search part is checked against its key and place, and the tokens and links beside it against the digest in it. Rows that
    /// were lost are put back. No value leaves the envelope.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub async fn index_step(
        &self,
        tenant: &TenantId,
        by: &UserId,
        after: Option<u64>,
    ) -> Result<(IndexProgress, Option<u64>), DoorError> {
        let rows = self.inner.store.index_rows(tenant, after, STEP).map_err(unavailable)?;
        let next = rows.last().map(|row| row.number);
        let mut progress = IndexProgress { checked: rows.len() as u64, ..IndexProgress::default() };
        for row in rows {
            match self.examine(tenant, &row)? {
                Found::Fine => {}
                Found::Broken(failure) => {
                    progress.broken += 1;
                    let (key, subject, version) = (row.key, row.head.subject, row.head.version);
                    self.tell_once(tenant, by, Broken::Index { key, subject, version }, failure).await?;
                }
                Found::Put(search) => {
                    let renewed = row.search.as_ref() != Some(&search);
                    let lost = row.lost > 0;
                    if self.put_index(row, search).await? {
                        progress.renewed += u64::from(renewed);
                        progress.repaired += u64::from(lost);
                    }
                }
            }
        }
        let told = [("search-parts", progress.renewed), ("index-rows", progress.repaired)];
        for (detail, count) in told.into_iter().filter(|(_, count)| *count > 0) {
            let entry = self.key_entry(Action::KeyRewrapped, tenant, by).with_count(count).with_detail(detail);
            let _ = self.record_one(entry).await?;
        }
        Ok((progress, next))
    }

    fn examine(&self, tenant: &TenantId, row: &IndexRow) -> Result<Found, DoorError> {
        let head = &row.head;
        let newest = self.inner.freshness.newest(&row.key);
        let key = self.inner.keyring.subject(tenant, head.subject, head.subject_key_version);
        let key = match key {
            Ok(Some(key)) => key,
            // Shredded: there is nothing to find any more.
            Ok(None) => return Ok(Found::Fine),
            Err(error) if error.is_damage() => return Ok(Found::Broken(OpenFailure::Sealed)),
            Err(_) => return Err(DoorError::Unavailable("keys")),
        };
        if !Newest::allows(newest, head) {
            return Ok(Found::Broken(OpenFailure::RolledBack));
        }
        let Some(search) = &row.search else { return Ok(Found::Broken(OpenFailure::Missing)) };
        let place = Place {
            region: &self.inner.region,
            tenant,
            subject: head.subject,
            rtype: row.key.rtype,
            id: &row.key.id,
            version: head.version,
        };
        let index = IndexDigest::of(head.subject, &row.tokens, &row.links);
        Ok(judge(&key, &place, search, index, row.lost))
    }

    /// Puts the index rows of a record as they should be; false when a writer was faster.
    async fn put_index(&self, row: IndexRow, search: Sealed) -> Result<bool, DoorError> {
        let stored = self.inner.store.version(&row.key, row.head.version).map_err(unavailable)?;
        let Some(RecordRow { head, sealed }) = stored else { return Ok(false) };
        let put = Put {
            key: row.key,
            row: RecordRow { head, sealed },
            search: Some(search),
            tokens: row.tokens,
            links: row.links,
            reseal: true,
            event: false,
        };
        match self.commit(Unit { puts: vec![put], ..Unit::default() }).await {
            Ok(_) => Ok(true),
            Err(CommitError::Refused { .. }) => Ok(false),
            Err(CommitError::Unavailable(error)) => Err(unavailable(error)),
        }
    }

    /// Takes events of the outbox away that are older than this. They name changes, not contents, and the audit log has them too.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub async fn forget_events(&self, before: Timestamp) -> Result<(), DoorError> {
        let unit = Unit { forget_events_before: Some(before), ..Unit::default() };
        self.commit(unit).await.map(|_| ()).map_err(crate::keys::commit_error)
    }

    /// An entry for what does not open, unless this process has made one already.
    pub(crate) async fn tell_once(
        &self,
        tenant: &TenantId,
        by: &UserId,
        broken: Broken,
        failure: OpenFailure,
    ) -> Result<(), DoorError> {
        let name = (tenant.clone(), broken);
        if self.told().contains(&name) {
            return Ok(());
        }
        let entry = self.key_entry(Action::OpenFailed, tenant, by).with_outcome(Outcome::failed(failure.code()));
        let entry = match &name.1 {
            Broken::Record { key, subject, version } | Broken::Index { key, subject, version } => {
                entry.with_subject(*subject).with_record(key.rtype, &key.id, *version)
            }
            Broken::Key { subject, .. } => entry.with_subject(*subject),
        };
        let _ = self.record_one(entry).await?;
        self.told().insert(name);
        Ok(())
    }

    /// How many rows and keys of the tenant did not open when this process tried to move or check them.
    pub(crate) fn unreadable_rows(&self, tenant: &TenantId) -> u64 {
        self.told().iter().filter(|(of, _)| of == tenant).count() as u64
    }

    fn told(&self) -> std::sync::MutexGuard<'_, BTreeSet<(TenantId, Broken)>> {
        self.inner.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn judge(key: &SubjectKey, place: &Place<'_>, search: &Sealed, index: IndexDigest, lost: u32) -> Found {
    match check_search(key, place, search.as_bytes()) {
        Err(_) => Found::Broken(OpenFailure::Sealed),
        Ok(None) => match reseal_search(key, place, search.as_bytes(), index) {
            Ok(anew) => Found::Put(anew),
            Err(_) => Found::Broken(OpenFailure::Sealed),
        },
        Ok(Some(sealed)) if sealed != index => Found::Broken(OpenFailure::Index),
        Ok(Some(_)) if lost > 0 => Found::Put(search.clone()),
        Ok(Some(_)) => Found::Fine,
    }
}
