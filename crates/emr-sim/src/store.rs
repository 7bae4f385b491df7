//! What the source holds now: the world of the start, and over it what has changed since.

use crate::facts::Seconds;
use crate::kind::Kind;
use crate::objects::{Person, instant, person};
use crate::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// An object as it is now.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) body: Value,
    pub(crate) changed: Seconds,
    pub(crate) deleted: bool,
    pub(crate) patient: Option<i64>,
}

/// What a list needs to know of an object before it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) changed: Seconds,
    pub(crate) deleted: bool,
    pub(crate) patient: Option<i64>,
}

/// Something was saved or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) kind: Kind,
    pub(crate) ordinal: u64,
    pub(crate) deleted: bool,
}

/// What the source holds. A clone is a snapshot, and cheap: it shares every object.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) world: Arc<World>,
    shelves: Vec<Shelf>,
    /// New objects of each patient.
    added: BTreeMap<(Kind, i64), Vec<u64>>,
}

#[derive(Debug, Clone)]
struct Shelf {
    touched: BTreeMap<u64, Arc<Stored>>,
    next: u64,
}

impl Store {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let shelf = |kind| Shelf { touched: BTreeMap::new(), next: world.count(kind) };
        Self { shelves: Kind::ALL.into_iter().map(shelf).collect(), added: BTreeMap::new(), world }
    }

    /// How many objects there ever were; the ordinal of the next one.
    pub(crate) fn next(&self, kind: Kind) -> u64 {
        self.shelf(kind).map_or(0, |shelf| shelf.next)
    }

    fn shelf(&self, kind: Kind) -> Option<&Shelf> {
        self.shelves.get(kind.index())
    }

    pub(crate) fn id(&self, kind: Kind, ordinal: u64) -> i64 {
        self.world.id(kind, ordinal)
    }

    /// The ordinal of this id, if there is or was such an object.
    pub(crate) fn ordinal(&self, kind: Kind, id: i64) -> Option<u64> {
        self.world.ordinal(kind, id).filter(|ordinal| *ordinal < self.next(kind))
    }

    /// The object, deleted or not.
    pub(crate) fn get(&self, kind: Kind, ordinal: u64) -> Option<Arc<Stored>> {
        if let Some(touched) = self.shelf(kind)?.touched.get(&ordinal) {
            return Some(Arc::clone(touched));
        }
        Some(Arc::new(Stored {
            body: self.world.object(kind, ordinal)?,
            changed: self.world.changed(kind, ordinal),
            deleted: false,
            patient: self.world.patient_of(kind, ordinal),
        }))
    }

    /// The object, if it is not deleted.
    pub(crate) fn live(&self, kind: Kind, ordinal: u64) -> Option<Arc<Stored>> {
        self.get(kind, ordinal).filter(|stored| !stored.deleted)
    }

    /// What is known of an object without making it.
    pub(crate) fn facts(&self, kind: Kind, ordinal: u64) -> Option<Facts> {
        let shelf = self.shelf(kind)?;
        if let Some(stored) = shelf.touched.get(&ordinal) {
            return Some(Facts { changed: stored.changed, deleted: stored.deleted, patient: stored.patient });
        }
        (ordinal < self.world.count(kind)).then(|| Facts {
            changed: self.world.changed(kind, ordinal),
            deleted: false,
            patient: self.world.patient_of(kind, ordinal),
        })
    }

    pub(crate) fn is_deleted(&self, kind: Kind, ordinal: u64) -> bool {
        let touched = self.shelf(kind).and_then(|shelf| shelf.touched.get(&ordinal));
        touched.is_some_and(|stored| stored.deleted)
    }

    /// Ordinals in this range, in ascending order: all, or those of these patients.
    pub(crate) fn candidates(
        &self,
        kind: Kind,
        range: Range<u64>,
        patients: Option<&[i64]>,
    ) -> Box<dyn DoubleEndedIterator<Item = u64> + '_> {
        let Some(patients) = patients else { return Box::new(range.start..range.end.min(self.next(kind))) };
        let of_each = patients.iter().flat_map(|patient| self.of_patient(kind, *patient));
        let mut found: Vec<u64> = of_each.filter(|ordinal| range.contains(ordinal)).collect();
        found.sort_unstable();
        found.dedup();
        Box::new(found.into_iter())
    }

    /// Ordinals of a patient's objects, deleted ones too.
    pub(crate) fn of_patient(&self, kind: Kind, patient: i64) -> Vec<u64> {
        let start =
            self.world.ordinal(Kind::Patients, patient).filter(|ordinal| *ordinal < self.world.count(Kind::Patients));
        let of_start = start.map(|number| self.world.first_of(kind, number)..self.world.first_of(kind, number + 1));
        let of_start = of_start.into_iter().flatten();
        let of_start =
            of_start.filter(|ordinal| self.facts(kind, *ordinal).is_some_and(|facts| facts.patient == Some(patient)));
        let added = self.added.get(&(kind, patient)).into_iter().flatten().copied();
        of_start.chain(added).collect()
    }

    /// A new object; `make` gets its id. Sets id, creation, change.
    pub(crate) fn insert(&mut self, kind: Kind, now: Seconds, make: impl FnOnce(i64) -> Map<String, Value>) -> Touched {
        let ordinal = self.next(kind);
        let id = self.id(kind, ordinal);
        let mut body = make(id);
        body.insert("id".to_owned(), json!(id));
        if kind != Kind::PrescriptionFills {
            body.insert("created_date".to_owned(), json!(instant(now)));
        }
        if let Some(shelf) = self.shelves.get_mut(kind.index()) {
            shelf.next += 1;
        }
        let patient = body.get("patient").and_then(Value::as_i64);
        if let Some(patient) = patient {
            self.added.entry((kind, patient)).or_default().push(ordinal);
        }
        self.put(kind, ordinal, body, now, false)
    }

    /// The object gets another body.
    pub(crate) fn replace(&mut self, kind: Kind, ordinal: u64, body: Map<String, Value>, now: Seconds) -> Touched {
        self.put(kind, ordinal, body, now, false)
    }

    /// Changes members of a live object; nothing when there is none, or when `edit` finds nothing to change.
    pub(crate) fn edit(
        &mut self,
        kind: Kind,
        ordinal: u64,
        now: Seconds,
        edit: impl FnOnce(&mut Map<String, Value>) -> Option<()>,
    ) -> Option<Touched> {
        let mut body = self.live(kind, ordinal)?.body.as_object()?.clone();
        edit(&mut body)?;
        Some(self.replace(kind, ordinal, body, now))
    }

    /// Soft deletion: `deleted_date` is set, lists no longer show it, its address answers 410.
    pub(crate) fn delete(&mut self, kind: Kind, ordinal: u64, now: Seconds) -> Option<Touched> {
        let mut body = self.live(kind, ordinal).filter(|_| kind.can_be_deleted())?.body.as_object()?.clone();
        body.insert("deleted_date".to_owned(), json!(instant(now)));
        Some(self.put(kind, ordinal, body, now, true))
    }

    /// Everything that is deleted now, in order.
    pub(crate) fn deleted(&self) -> Vec<(Kind, u64)> {
        let of = |kind: Kind| self.shelf(kind).into_iter().flat_map(|shelf| &shelf.touched);
        let gone = |kind: Kind| of(kind).filter(|(_, stored)| stored.deleted).map(move |(at, _)| (kind, *at));
        Kind::ALL.into_iter().flat_map(gone).collect()
    }

    /// Undoes a deletion, for a patient with those of his chart that were made at the same time. Nothing when it is not deleted, or when
    /// its patient is.
    pub(crate) fn restore(&mut self, kind: Kind, ordinal: u64, now: Seconds) -> Option<Vec<Touched>> {
        let gone = self.get(kind, ordinal).filter(|stored| stored.deleted)?;
        let mut back = vec![(kind, ordinal)];
        match gone.patient {
            Some(patient) if kind == Kind::Patients => {
                for other in Kind::ALL.into_iter().filter(|other| *other != Kind::Patients) {
                    let of_his = self.of_patient(other, patient).into_iter().map(|ordinal| (other, ordinal));
                    back.extend(of_his.filter(|(kind, ordinal)| {
                        self.get(*kind, *ordinal).is_some_and(|other| other.deleted && other.changed == gone.changed)
                    }));
                }
            }
            Some(patient) => {
                self.live(Kind::Patients, self.ordinal(Kind::Patients, patient)?)?;
            }
            None => {}
        }
        let mut touched = Vec::with_capacity(back.len());
        for (kind, ordinal) in back {
            let mut body = self.get(kind, ordinal)?.body.as_object()?.clone();
            body.insert("deleted_date".to_owned(), Value::Null);
            touched.push(self.put(kind, ordinal, body, now, false));
        }
        Some(touched)
    }

    fn put(&mut self, kind: Kind, ordinal: u64, mut body: Map<String, Value>, now: Seconds, deleted: bool) -> Touched {
        if let Some(member) = kind.changed_member() {
            body.insert(member.to_owned(), json!(instant(now)));
        }
        let patient = match kind {
            Kind::Patients => Some(self.id(kind, ordinal)),
            _ => body.get("patient").and_then(Value::as_i64),
        };
        let stored = Stored { body: Value::Object(body), changed: now, deleted, patient };
        if let Some(shelf) = self.shelves.get_mut(kind.index()) {
            shelf.touched.insert(ordinal, Arc::new(stored));
        }
        Touched { kind, ordinal, deleted }
    }

    /// The live patient with this name, birth date and sex, if there is one.
    pub(crate) fn duplicate(&self, wanted: &Person) -> Option<i64> {
        let found = (0..self.next(Kind::Patients)).find(|ordinal| {
            let touched = self.shelf(Kind::Patients).and_then(|shelf| shelf.touched.get(ordinal));
            match touched {
                Some(stored) => !stored.deleted && is(&stored.body, wanted),
                None => person(&self.world, *ordinal).as_ref() == Some(wanted),
            }
        })?;
        Some(self.id(Kind::Patients, found))
    }
}

fn is(body: &Value, person: &Person) -> bool {
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default();
    text("first_name") == person.first
        && text("last_name") == person.last
        && text("dob") == person.dob
        && text("sex") == person.sex
}
