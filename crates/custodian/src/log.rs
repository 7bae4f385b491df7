//! The audit log for those who may read it: tiles and checkpoints for everybody's verifier, entries for auditors.

use crate::door::Custodian;
use crate::error::DoorError;
use crate::log_index::LogQuestion;
use aceso_audit::{
    Action, Checkpoint, Entry, ExportError, LoggedEntry, Outcome, ReadEntriesError, Receipt, Sink, TileError,
    VerifyingKey, consistency_proof, export, export_into, inclusion_proof, read_entries, serve_tile,
};
use aceso_base::{Caller, SubjectId};
use aceso_policy::{AdminAction, DenialReason};
use std::ops::Range;
use std::path::Path;

/// Entries that answer a question.
#[derive(Debug)]
pub struct LogPage {
    /// Newest first, of the caller's tenant and of the system itself.
    pub entries: Vec<LoggedEntry>,
    /// Entries before this one were not looked at.
    pub since: u64,
    /// The entry that records the question.
    pub receipt: Receipt,
}

/// What proves to somebody without any key that an entry is in the signed log.
#[derive(Debug)]
pub struct EntryProof {
    /// The entry, with salt and canonical bytes: SHA-256 of the two is the leaf.
    pub logged: LoggedEntry,
    /// The signed head, a C2SP note.
    pub checkpoint: Vec<u8>,
    /// How many entries that head is over.
    pub size: u64,
    /// The hashes of RFC 9162 section 2.1.3.
    pub inclusion: Vec<[u8; 32]>,
    /// The hashes of RFC 9162 section 2.1.4 from an older size to this one, if one was named.
    pub consistency: Option<Vec<[u8; 32]>>,
    /// The entry that records the question.
    pub receipt: Receipt,
}

impl Custodian {
    /// The newest checkpoint, a C2SP signed note; `None` for an empty log.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Vec<u8>> {
        self.inner.store.log().latest_checkpoint().ok().flatten()
    }

    /// A tile or entry bundle by its C2SP tlog-tiles path (`tile/0/000`, `tile/entries/000.p/7`). Holds no health data.
    ///
    /// # Errors
    /// [`TileError`] for a path that names no tile of the log.
    pub fn tile(&self, path: &str) -> Result<Vec<u8>, TileError> {
        let log = self.inner.store.log();
        serve_tile(log, path, log.size()?)
    }

    /// Entries of the log, opened. Whoever calls this records the reading first.
    ///
    /// # Errors
    /// [`ReadEntriesError`] names the first entry that is not as it should be.
    pub fn log_entries(&self, range: Range<u64>) -> Result<Vec<LoggedEntry>, ReadEntriesError> {
        read_entries(self.inner.store.log(), &self.inner.log.keys, &self.inner.log.origin, range)
    }

    /// Writes the whole log to a folder for offline verification.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export_log(&self, folder: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Checkpoint, ExportError> {
        export(self.inner.store.log(), &self.inner.log.keys, &self.inner.log.origin, folder, progress)
    }
}

impl Custodian {
    /// The log's public key as a C2SP vkey: what a verifier needs.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`] when the key cannot be used.
    pub fn log_key(&self) -> Result<VerifyingKey, DoorError> {
        self.inner.log.keys.verifying_key(&self.inner.log.origin).map_err(|_| DoorError::Unavailable("log-key"))
    }

    /// Brings the index of the log up to date. Blocking, and long on a long log: once at start, beside the requests.
    pub fn warm_log_index(&self) {
        // What fails here fails again at the first question, where somebody is told.
        drop(self.known_since());
    }

    /// The newest entries, or those about a patient, of an actor, or denials, at most `limit`. For those who may read the log.
    ///
    /// # Errors
    /// [`DoorError::Forbidden`] for everybody else; [`DoorError::Unavailable`] when the log cannot be read or take the entry.
    pub async fn log_about(&self, caller: &Caller, question: &LogQuestion, limit: usize) -> Result<LogPage, DoorError> {
        let entry =
            Entry::by(caller, Action::LogRead).with_detail(question.code()).with_policy(self.engine().version());
        let entry = match question {
            LogQuestion::Patient(subject) => entry.with_subject(*subject),
            _ => entry,
        };
        if !self.engine().admin(caller, AdminAction::ReadAudit) {
            let reason = DenialReason::Interaction;
            let receipt = self.record_one(entry.with_outcome(Outcome::denied(reason.as_str()))).await?;
            return Err(DoorError::Forbidden { receipt, reason });
        }
        let receipt = self.record_one(entry).await?;
        let (entries, since) = self.answers(caller, question, limit, |_| true)?;
        Ok(LogPage { entries, since, receipt })
    }

    /// What the log says of the caller's own doings, of late or about one patient: everybody may know what he did himself.
    ///
    /// # Errors
    /// [`DoorError::Unavailable`].
    pub async fn own_entries(
        &self,
        caller: &Caller,
        about: Option<SubjectId>,
        limit: usize,
    ) -> Result<LogPage, DoorError> {
        let entry = Entry::by(caller, Action::LogRead).with_detail("own-entries").with_subjects(about);
        let receipt = self.record_one(entry.with_policy(self.engine().version())).await?;
        let question = LogQuestion::Actor(caller.user.clone());
        let concerns = |entry: &Entry| about.is_none_or(|subject| entry.subjects().contains(&subject));
        let (entries, since) = self.answers(caller, &question, limit, concerns)?;
        Ok(LogPage { entries, since, receipt })
    }

    /// The proof that an entry is in the log: any entry for those who may read the log, his own for everybody else.
    /// With `older`, also that the log of that size is the beginning of today's.
    ///
    /// # Errors
    /// [`DoorError::Absent`] for an entry that is not there or not for this caller, [`DoorError::Unavailable`].
    pub async fn prove_entry(&self, caller: &Caller, index: u64, older: Option<u64>) -> Result<EntryProof, DoorError> {
        let unreadable = DoorError::Unavailable("log");
        let asked = Entry::by(caller, Action::LogRead).with_detail("proof").with_policy(self.engine().version());
        let log = self.inner.store.log();
        let size = log.size().map_err(|_| DoorError::Unavailable("log"))?;
        let found = if index < size { self.log_entries(index..index + 1).map_err(|_| unreadable)?.pop() } else { None };
        let auditor = self.engine().admin(caller, AdminAction::ReadAudit);
        let visible = |entry: &Entry| {
            of_tenant(entry, caller)
                && (auditor || (entry.user() == Some(&caller.user) && entry.tenant() == Some(&caller.tenant)))
        };
        let Some(logged) = found.filter(|logged| visible(&logged.entry)) else {
            let receipt = self.record_one(asked.with_outcome(Outcome::denied("not-own-entry"))).await?;
            return Err(DoorError::Absent { receipt });
        };
        let receipt = self.record_one(asked).await?;
        let unreadable = |_| DoorError::Unavailable("log");
        let checkpoint = self.checkpoint().ok_or(DoorError::Unavailable("log"))?;
        let head = Checkpoint::open(&checkpoint, &self.log_key()?).map_err(|_| DoorError::Unavailable("log"))?;
        let inclusion = inclusion_proof(log, index, head.size).map_err(unreadable)?;
        let consistency = match older {
            Some(older) if older <= head.size => Some(consistency_proof(log, older, head.size).map_err(unreadable)?),
            _ => None,
        };
        Ok(EntryProof { logged, checkpoint, size: head.size, inclusion, consistency, receipt })
    }

    /// The files of an export, as [`Custodian::export_log`] writes them, handed to `sink`. Whoever calls this records it first.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export_log_into(&self, sink: &mut Sink<'_>) -> Result<Checkpoint, ExportError> {
        export_into(self.inner.store.log(), &self.inner.log.keys, &self.inner.log.origin, sink, &mut |_, _| {})
    }

    fn known_since(&self) -> Result<u64, DoorError> {
        let (log, side) = (self.inner.store.log(), &self.inner.log);
        side.index.catch_up(log, &side.keys, &side.origin).map_err(|_| DoorError::Unavailable("log"))
    }

    /// The newest entries that answer a question and pass `also`, read back in runs of neighbours.
    fn answers(
        &self,
        caller: &Caller,
        question: &LogQuestion,
        limit: usize,
        also: impl Fn(&Entry) -> bool,
    ) -> Result<(Vec<LoggedEntry>, u64), DoorError> {
        let since = self.known_since()?;
        let positions = self.inner.log.index.positions(question);
        let mut found = Vec::with_capacity(limit.min(positions.len()));
        for run in runs(&positions) {
            let entries = self.log_entries(run.range).map_err(|_| DoorError::Unavailable("log"))?;
            let wanted = entries.into_iter().rev().filter(|logged| {
                run.wanted.contains(&logged.index) && of_tenant(&logged.entry, caller) && also(&logged.entry)
            });
            found.extend(wanted);
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok((found, since))
    }
}

/// Entries of another tenant are nobody's business here; those without one are the system's own.
fn of_tenant(entry: &Entry, caller: &Caller) -> bool {
    entry.tenant().is_none_or(|tenant| *tenant == caller.tenant)
}

struct Run<'a> {
    range: Range<u64>,
    wanted: &'a [u64],
}

/// Neighbouring positions (newest first) as ranges that are read at once: opening one entry opens the whole commit that it came with.
fn runs(positions: &[u64]) -> impl Iterator<Item = Run<'_>> {
    const LONGEST: u64 = 64;
    let mut rest = positions;
    std::iter::from_fn(move || {
        let newest = *rest.first()?;
        let near = rest.iter().take_while(|index| newest.saturating_sub(**index) < LONGEST).count();
        let (wanted, after) = rest.split_at_checked(near)?;
        rest = after;
        let oldest = wanted.last().copied().unwrap_or(newest);
        Some(Run { range: oldest..newest.saturating_add(1), wanted })
    })
}
