//! A snapshot of everything the source holds, to compare a copy with.

use crate::kind::Kind;
use crate::store::Store;
use aceso_base::Timestamp;
use serde_json::Value;

/// Everything the source held at one moment: consistent, cheap to take (it shares the objects), and kept as it was.
#[derive(Debug, Clone)]
pub struct Truth {
    store: Store,
}

/// What is known of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: i64,
    /// The patient it belongs to; for a patient, himself.
    pub patient: Option<i64>,
    /// When it was last saved or deleted, in whole seconds. Many types do not show this to a client (note, section 1.3).
    pub changed: Timestamp,
    /// Whether it is deleted: no list shows it, its address answers 410.
    pub deleted: bool,
}

impl Truth {
    pub(crate) const fn of(store: Store) -> Self {
        Self { store }
    }

    /// Every object of this type that ever was, by ascending id.
    pub fn entries(&self, kind: Kind) -> impl Iterator<Item = Entry> + '_ {
        (0..self.store.next(kind)).filter_map(move |ordinal| {
            let facts = self.store.facts(kind, ordinal)?;
            Some(Entry {
                id: self.store.id(kind, ordinal),
                patient: facts.patient,
                changed: Timestamp(facts.changed.saturating_mul(1000)),
                deleted: facts.deleted,
            })
        })
    }

    /// The object as a client gets it (a deleted one: as it would be, with `deleted_date`).
    #[must_use]
    pub fn body(&self, kind: Kind, id: i64) -> Option<Value> {
        let stored = self.store.get(kind, self.store.ordinal(kind, id)?)?;
        Some(stored.body.clone())
    }

    /// How many objects of this type are there and not deleted.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.entries(kind).filter(|entry| !entry.deleted).count()
    }
}
