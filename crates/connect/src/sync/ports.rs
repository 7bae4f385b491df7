//! What a sync asks of the rest of the product: a way in for records, and a sealed place for what it must remember.

use crate::keeper::BoxFuture;
use crate::pattern::IdMinter;
use zeroize::Zeroizing;

/// Kinds of notes. Each is a name space of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// What is known of each source object.
    Objects,
    /// Records of the directory that are not the main record of an object: others may refer to them.
    Records,
    /// How far each leg has come.
    Cursors,
    /// Objects that were set aside.
    Letters,
    /// Webhooks that were taken and are not worked off yet.
    Inbox,
    /// Ids of events that were seen.
    Events,
    /// When objects are to be mapped anew because a day has come.
    Due,
}

impl Space {
    /// The name under which a store keeps it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Objects => "sync-objects",
            Self::Records => "sync-records",
            Self::Cursors => "sync-cursors",
            Self::Letters => "sync-letters",
            Self::Inbox => "sync-inbox",
            Self::Events => "sync-events",
            Self::Due => "sync-due",
        }
    }
}

/// A note as it shall be; sealed before it is stored. Keys hold no id of the source: they stand in the clear.
pub struct Note {
    /// What kind of note.
    pub space: Space,
    /// Its name.
    pub key: String,
    /// Its content; `None` removes it.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

/// Why nothing was written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The store, the log or the keys cannot be used now.
    #[error("the store cannot be used")]
    Unavailable,
    /// The records are refused; the code says by which rule.
    #[error("the records are refused: {0}")]
    Refused(&'static str),
}

/// A note with its key.
pub type Keyed = (String, Zeroizing<Vec<u8>>);

/// The way in. Records can be written and never read: a sync has no path to plaintext of what is stored.
pub trait Intake: IdMinter {
    /// A keyed hash: equal for equal bytes, and says nothing about them without the key.
    ///
    /// # Errors
    /// [`IntakeError::Unavailable`].
    fn fingerprint(&self, bytes: &[u8]) -> Result<[u8; 16], IntakeError>;

    /// Opens a note.
    ///
    /// # Errors
    /// [`IntakeError::Unavailable`] also when it does not open.
    fn load(&self, space: Space, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IntakeError>;

    /// Notes whose keys begin with `prefix`, by key, after the given one. At most `limit`.
    ///
    /// # Errors
    /// As for [`Intake::load`].
    fn list(&self, space: Space, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<Keyed>, IntakeError>;

    /// How many notes have keys that begin with `prefix`; opens none of them.
    ///
    /// # Errors
    /// [`IntakeError::Unavailable`].
    fn count(&self, space: Space, prefix: &str) -> Result<u64, IntakeError>;

    /// Writes a transaction Bundle, if there is one, and notes, in one unit of work: all or nothing.
    ///
    /// # Errors
    /// [`IntakeError`]. Nothing was written then.
    fn write<'a>(
        &'a self,
        bundle: Option<Zeroizing<Vec<u8>>>,
        notes: Vec<Note>,
    ) -> BoxFuture<'a, Result<(), IntakeError>>;
}
