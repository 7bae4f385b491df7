//! Keeping the freshness map over a restart, and looking again where a write was under way.

use crate::access::unavailable;
use crate::boot::{BootError, system_tenant};
use crate::door::{Custodian, LogSide};
use crate::error::DoorError;
use crate::freshness::Freshness;
use crate::freshness::snapshot::{CHUNK, SnapshotHead};
use crate::keyring::Keyring;
use crate::secrets::open_stored;
use aceso_audit::LogReader;
use aceso_base::Randomness;
use aceso_seal::{TenantKeys, seal_document};
use aceso_store::{CommitError, DocumentWrite, Store, StoreError, Unit};
use std::sync::atomic::Ordering;

/// Where the snapshot's documents lie.
const SPACE: &str = "freshness";
const HEAD: &str = "head";
/// Documents that are listed or removed at once.
const BLOCK: usize = 4;

/// How a start came to know the newest versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartReport {
    /// Entries of the log.
    pub entries: u64,
    /// Entries that were read for it.
    pub replayed: u64,
    /// What the stored snapshot was good for.
    pub snapshot: SnapshotUse,
}

/// What a stored snapshot was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotUse {
    /// There is none: the first start, or one after an upgrade.
    Absent,
    /// It was taken.
    Used,
    /// It does not open, or parts of it are gone: damaged, or put together from several.
    Damaged,
    /// It opens, and is of another log than this one: the log was cut off or forked after it was made, or was renamed.
    OtherLog,
}

impl SnapshotUse {
    /// The name in the process's log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "snapshot-absent",
            Self::Used => "snapshot-used",
            Self::Damaged => "snapshot-damaged",
            Self::OtherLog => "snapshot-of-another-log",
        }
    }
}

/// The map as the log has it: from a snapshot and what came after, else from the whole log. The size of the snapshot.
pub(crate) fn learn(
    store: &dyn Store,
    keyring: &Keyring,
    side: &LogSide,
    rng: &dyn Randomness,
) -> Result<(Freshness, u64, StartReport), BootError> {
    let log = store.log();
    let replay = |map: &Freshness, from| map.replay(log, &side.keys, &side.origin, from).map_err(|_| BootError::Log);
    let keys = keyring.tenant(&system_tenant()?).map_err(crate::boot::boot_error)?;
    let found = stored(store, &keys, log, side)?;
    let (map, from, snapshot) = match found {
        Found::Usable(map, size) => (*map, size, SnapshotUse::Used),
        Found::Not(why) => (Freshness::new(rng), 0, why),
    };
    let entries = replay(&map, from)?;
    Ok((map, from, StartReport { entries, replayed: entries.saturating_sub(from), snapshot }))
}

enum Found {
    Usable(Box<Freshness>, u64),
    Not(SnapshotUse),
}

fn stored(store: &dyn Store, keys: &TenantKeys, log: &dyn LogReader, side: &LogSide) -> Result<Found, StoreError> {
    let Some(head) = store.document(SPACE, HEAD)? else { return Ok(Found::Not(SnapshotUse::Absent)) };
    let head = open_stored(keys, SPACE, HEAD, head.bytes);
    let Some(head) = head.and_then(|bytes| SnapshotHead::from_bytes(&bytes)) else {
        return Ok(Found::Not(SnapshotUse::Damaged));
    };
    if !head.is_of(log, &side.origin) {
        return Ok(Found::Not(SnapshotUse::OtherLog));
    }
    let mut body = Vec::new();
    for number in 0..head.chunks {
        let name = head.chunk_name(number);
        let chunk = store.document(SPACE, &name)?.map(|document| document.bytes);
        let Some(chunk) = chunk.and_then(|bytes| open_stored(keys, SPACE, &name, bytes)) else {
            return Ok(Found::Not(SnapshotUse::Damaged));
        };
        body.extend_from_slice(&chunk);
    }
    Ok(Freshness::restore(&head, &body)
        .map_or(Found::Not(SnapshotUse::Damaged), |map| Found::Usable(Box::new(map), head.size)))
}

impl Custodian {
    /// How this process came to know the newest versions.
    #[must_use]
    pub fn start_report(&self) -> StartReport {
        self.inner.started
    }

    /// Writes a snapshot of the freshness map when the log has grown by at least this many entries since the last one. The size
    /// of the log that it is of; `None` when there was nothing to do.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`]. The snapshot before it stays in force then.
    pub async fn write_snapshot(&self, grown_by: u64) -> Result<Option<u64>, DoorError> {
        let _one = self.inner.snapshots.lock().await;
        let inner = &self.inner;
        let last = inner.snapshot_size.load(Ordering::Acquire);
        let size = inner.store.log().size().map_err(|_| DoorError::Unavailable("the log"))?;
        if size < last.saturating_add(grown_by.max(1)) {
            return Ok(None);
        }
        self.settle().await?;
        let door = self.clone();
        let sealed = tokio::task::spawn_blocking(move || door.sealed_snapshot()).await;
        let (head, documents) = sealed.map_err(|_| DoorError::Unavailable("the snapshot ended early"))??;
        for document in documents {
            self.write_documents(vec![document]).await?;
        }
        // From here on the new one counts.
        self.write_documents(vec![self.sealed_head(&head)?]).await?;
        inner.snapshot_size.store(head.size, Ordering::Release);
        self.remove_other_chunks(&head).await?;
        Ok(Some(head.size))
    }

    fn sealed_snapshot(&self) -> Result<(SnapshotHead, Vec<DocumentWrite>), DoorError> {
        let inner = &self.inner;
        let (head, body) = inner
            .freshness
            .capture(inner.store.log(), &inner.log.origin, &*inner.rng)
            .map_err(|_| DoorError::Unavailable("the log"))?;
        let chunks = (0..head.chunks).zip(body.chunks(CHUNK));
        let documents = chunks.map(|(number, chunk)| self.sealed_part(&head.chunk_name(number), chunk));
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        Ok((head, documents))
    }

    fn sealed_head(&self, head: &SnapshotHead) -> Result<DocumentWrite, DoorError> {
        self.sealed_part(HEAD, &head.to_bytes())
    }

    fn sealed_part(&self, name: &str, bytes: &[u8]) -> Result<DocumentWrite, DoorError> {
        let no_keys = || DoorError::Unavailable("keys");
        let system = system_tenant().map_err(|_| no_keys())?;
        let keys = self.inner.keyring.tenant(&system).map_err(|_| no_keys())?;
        let sealed = seal_document(&keys, SPACE, name, bytes).map_err(|_| no_keys())?;
        Ok(DocumentWrite { space: SPACE.to_owned(), key: name.to_owned(), bytes: Some(sealed.as_bytes().to_vec()) })
    }

    /// Chunks of snapshots before this one, and of those that were cut off.
    async fn remove_other_chunks(&self, head: &SnapshotHead) -> Result<(), DoorError> {
        let own = head.chunk_name(0);
        let own = own.split('/').next().unwrap_or_default();
        let mut after: Option<String> = None;
        loop {
            let listed = self.inner.store.documents(SPACE, after.as_deref(), BLOCK).map_err(unavailable)?;
            let Some((last, _)) = listed.last() else { return Ok(()) };
            after = Some(last.clone());
            let old = listed.into_iter().map(|(name, _)| name).filter(|name| name != HEAD && !name.starts_with(own));
            let gone = old.map(|key| DocumentWrite { space: SPACE.to_owned(), key, bytes: None });
            self.write_documents(gone.collect()).await?;
        }
    }

    async fn write_documents(&self, documents: Vec<DocumentWrite>) -> Result<(), DoorError> {
        match self.commit(Unit { documents, ..Unit::default() }).await {
            Ok(_) => Ok(()),
            Err(CommitError::Unavailable(error)) => Err(unavailable(error)),
            Err(CommitError::Refused { .. }) => Err(DoorError::Unavailable("the store refused a document")),
        }
    }

    /// Waits for everything that was handed to the store before, and learns from the log what became of writes that nobody
    /// waited for: a client that hangs up does not take his write back.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub(crate) async fn settle(&self) -> Result<(), DoorError> {
        let lost = self.inner.freshness.lost();
        self.commit(Unit::default()).await.map_err(|error| match error {
            CommitError::Unavailable(error) => unavailable(error),
            CommitError::Refused { .. } => DoorError::Unavailable("the store refused an empty unit"),
        })?;
        let Some(lost) = lost else { return Ok(()) };
        let door = self.clone();
        let replayed = tokio::task::spawn_blocking(move || {
            let inner = &door.inner;
            let done = inner.freshness.replay(inner.store.log(), &inner.log.keys, &inner.log.origin, lost.from);
            if done.is_ok() {
                inner.freshness.found(&lost);
            }
            done.is_ok()
        });
        match replayed.await {
            Ok(true) => Ok(()),
            _ => Err(DoorError::Unavailable("the log")),
        }
    }
}
