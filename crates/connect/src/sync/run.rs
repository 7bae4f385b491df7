//! A run: which legs, and in which order.

use super::engine::Sync;
use super::ports::{IntakeError, Note, Space};
use crate::source::ReadError;
use aceso_base::Timestamp;
use zeroize::Zeroizing;

/// What a run is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Find what has changed since the last run. The first run of a connection is [`Leg::Everything`] whatever was asked.
    Changes,
    /// Read everything, compare, and find what is gone.
    Everything,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The kind that is being read.
    pub kind: &'static str,
    /// Objects of this kind that were worked off in this run.
    pub objects: u64,
}

/// Why a run ended early. Started again, it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Nothing can be written.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// Nothing can be read.
    #[error("the source cannot be read: {}", .0.code())]
    Source(ReadError),
}

impl RunError {
    /// A fixed word for status and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Intake(IntakeError::Unavailable) => "store-unavailable",
            Self::Intake(IntakeError::Refused(code)) => code,
            Self::Source(error) => error.code(),
        }
    }
}

impl From<ReadError> for RunError {
    fn from(error: ReadError) -> Self {
        Self::Source(error)
    }
}

/// Hears how far a run is.
pub(super) type Hear<'a> = &'a (dyn Fn(Progress) + Send + std::marker::Sync);

/// Letters that one run tries again at most.
const LETTERS: usize = 1000;

impl Sync {
    /// Runs.
    ///
    /// # Errors
    /// [`RunError`]. What was taken stays taken.
    pub async fn run(&self, leg: Leg, hear: Hear<'_>) -> Result<(), RunError> {
        self.begin_named();
        let swept = self.cursor("swept")?.is_some();
        if leg == Leg::Everything || !swept {
            self.sweep(hear).await?;
        } else {
            self.changes(hear).await?;
        }
        self.drain().await?;
        self.take_what_is_due().await?;
        self.try_letters_again().await?;
        self.take_named().await?;
        self.tie_up().await?;
        Ok(())
    }

    /// Objects that came before what they refer to are read once more: now it may be here.
    async fn tie_up(&self) -> Result<(), RunError> {
        let waiting = std::mem::take(&mut *self.waiting());
        for (resource, id) in waiting {
            if self.may_be_tied_up(resource.kind, &id)? {
                self.take_by_id(resource, &id).await?;
            }
        }
        // What still waits does so for something that the source does not give out; the next change or sweep looks again.
        self.waiting().clear();
        Ok(())
    }

    /// What time alone may have mended.
    async fn try_letters_again(&self) -> Result<(), RunError> {
        let mut after = None;
        for _ in 0..LETTERS.div_ceil(100) {
            let letters = self.letters(after.as_deref(), 100)?;
            let Some((last, _)) = letters.last() else { break };
            after = Some(last.clone());
            for (name, letter) in letters {
                if letter.may_pass() {
                    self.retry_letter(&name).await?;
                }
            }
        }
        Ok(())
    }

    /// Forgets how far the legs have come, which events were seen and what was subscribed, for a source that begins anew. What is known
    /// of its objects stays, so nothing is written twice.
    ///
    /// # Errors
    /// [`IntakeError`].
    pub async fn forget_progress(&self) -> Result<(), IntakeError> {
        let prefix = self.prefix();
        for space in [Space::Cursors, Space::Events, Space::Inbox] {
            loop {
                let block = self.intake().list(space, &prefix, None, 500)?;
                if block.is_empty() {
                    break;
                }
                let gone = block.into_iter().map(|(key, _)| Note { space, key, value: None }).collect();
                self.intake().write(None, gone).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn cursor(&self, name: &str) -> Result<Option<String>, IntakeError> {
        let found = self.intake().load(Space::Cursors, &format!("{}{name}", self.prefix()))?;
        Ok(found.and_then(|bytes| {
            let (&CURSOR_FORMAT, text) = bytes.split_first()? else { return None };
            std::str::from_utf8(text).ok().map(str::to_owned)
        }))
    }

    pub(crate) async fn set_cursor(&self, name: &str, value: &str) -> Result<(), IntakeError> {
        let mut bytes = Zeroizing::new(vec![CURSOR_FORMAT]);
        bytes.extend_from_slice(value.as_bytes());
        let key = format!("{}{name}", self.prefix());
        self.intake().write(None, vec![Note { space: Space::Cursors, key, value: Some(bytes) }]).await
    }

    pub(crate) async fn note_time(&self, name: &str, at: Timestamp) -> Result<(), IntakeError> {
        self.set_cursor(name, &at.to_string()).await
    }
}

const CURSOR_FORMAT: u8 = 1;
