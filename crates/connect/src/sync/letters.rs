//! Dead letters: objects that could not be taken, with the reason. They hold a reference to the source, never the object: to try
//! again is to read it again.

use super::engine::{Sync, Verdict};
use super::ports::{IntakeError, Note, Space};
use aceso_base::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// One object that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The kind of object at the source.
    pub kind: String,
    /// Its id at the source: for operators who look it up there.
    pub id: String,
    /// Why, a fixed word.
    pub reason: String,
    /// Which member of the object, where the reason has a place; names of members and indexes only.
    pub place: Option<String>,
    /// Tries so far.
    pub tries: u32,
    /// When it was set aside first, and last.
    pub first: i64,
    /// See `first`; milliseconds since the epoch, both.
    pub last: i64,
}

const FORMAT: u8 = 1;

impl Letter {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![FORMAT]);
        let _ = serde_json::to_writer(&mut *bytes, self);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&FORMAT, rest) = bytes.split_first()? else { return None };
        serde_json::from_slice(rest).ok()
    }

    /// Whether time alone may mend it: the patient comes later, the source was not well.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self.reason.as_str(),
            "unknown-patient"
                | "unknown-subject"
                | "garbled"
                | "unreachable"
                | "timed-out"
                | "unavailable"
                | "throttled"
                | "unauthorised"
                | "access-expired"
                | "token-refused"
                | "token-endpoint-failing"
                | "token-answer"
        )
    }
}

/// What became of a letter that was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// The object is in.
    Taken,
    /// It is still set aside.
    Still,
    /// There is no such letter.
    NoLetter,
}

impl Sync {
    /// The letters of this connection, by name, after the given one.
    ///
    /// # Errors
    /// [`IntakeError`].
    pub fn letters(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, Letter)>, IntakeError> {
        let prefix = self.prefix();
        let after = after.map(|name| format!("{prefix}{name}"));
        let found = self.intake().list(Space::Letters, &prefix, after.as_deref(), limit)?;
        let named = |(key, bytes): (String, Zeroizing<Vec<u8>>)| {
            Some((key.strip_prefix(&prefix)?.to_owned(), Letter::decode(&bytes)?))
        };
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// Reads the object of a letter again and takes it if it can be taken now.
    ///
    /// # Errors
    /// [`IntakeError`] when the store cannot be used.
    pub async fn retry_letter(&self, name: &str) -> Result<Retried, IntakeError> {
        let Some(letter) = self.letter(name)? else { return Ok(Retried::NoLetter) };
        let Some(resource) = self.source().vendor.capabilities().resource(&letter.kind) else {
            return Ok(Retried::Still);
        };
        match self.take_by_id(resource, &letter.id).await? {
            Verdict::Aside => Ok(Retried::Still),
            _ => {
                // An object that was found as it was known is not written, and its letter with it.
                self.discard_letter(name).await?;
                Ok(Retried::Taken)
            }
        }
    }

    /// Removes a letter without taking its object.
    ///
    /// # Errors
    /// [`IntakeError`].
    pub async fn discard_letter(&self, name: &str) -> Result<bool, IntakeError> {
        let Some(note) = self.without_letter(name)? else { return Ok(false) };
        self.intake().write(None, vec![note]).await?;
        Ok(true)
    }

    /// How many letters there are.
    ///
    /// # Errors
    /// [`IntakeError`].
    pub fn letters_open(&self) -> Result<u64, IntakeError> {
        self.intake().count(Space::Letters, &self.prefix())
    }

    /// One letter.
    ///
    /// # Errors
    /// [`IntakeError`].
    pub fn letter(&self, name: &str) -> Result<Option<Letter>, IntakeError> {
        let found = self.intake().load(Space::Letters, &format!("{}{name}", self.prefix()))?;
        Ok(found.and_then(|bytes| Letter::decode(&bytes)))
    }

    /// What removes the letter of an object, where it has one.
    pub(crate) fn without_letter(&self, name: &str) -> Result<Option<Note>, IntakeError> {
        let key = format!("{}{name}", self.prefix());
        let there = self.intake().load(Space::Letters, &key)?.is_some();
        Ok(there.then_some(Note { space: Space::Letters, key, value: None }))
    }

    /// Sets an object aside. `name` is the minted id of the object.
    pub(crate) async fn set_aside(
        &self,
        name: &str,
        (kind, id): (&str, &str),
        reason: &str,
        place: Option<String>,
    ) -> Result<(), IntakeError> {
        let Timestamp(now) = self.now();
        let known = self.letter(name)?;
        let letter = Letter {
            kind: kind.to_owned(),
            id: id.to_owned(),
            reason: reason.to_owned(),
            place,
            tries: known.as_ref().map_or(1, |known| known.tries.saturating_add(1)),
            first: known.map_or(now, |known| known.first),
            last: now,
        };
        let key = format!("{}{name}", self.prefix());
        self.intake().write(None, vec![Note { space: Space::Letters, key, value: Some(letter.encode()) }]).await
    }
}
