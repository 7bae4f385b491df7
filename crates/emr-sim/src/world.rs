//! Everything the source held at its start: nothing is stored, each object is made when it is asked for, always the same.
//!
//! Patient `n` is the synthetic patient `n % 12` again, under another name and shifted in time. So the number of objects is known
//! without making them, ids lead back to places, and ten thousand patients take no memory.

use crate::facts::{DAY, Facts, Patient, Seconds};
use crate::kind::Kind;
use crate::objects;
use crate::random::{mix, within};
use serde_json::Value;
use std::sync::Arc;

/// 2019-06-01: older charts were taken over into this EHR from then on.
const TAKEN_OVER: Seconds = 1_559_347_200;

const FIRST_ID: u64 = 140_000_000_000_000;
const IDS_PER_SPACE: u64 = 1_000_000_000_000;
const ID_STEP: u64 = 64;

/// Numbers that are ids of things without a path of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Space {
    Thread = 40,
    Drug,
    Insurance,
    Carrier,
    Plan,
    Event,
    Delivery,
    Subscription,
    ServiceLocation,
}

/// What the source held at its start.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) facts: Arc<Facts>,
    pub(crate) seed: u64,
    /// The day of the start.
    pub(crate) today: Seconds,
    patients: u64,
    /// The round of the first patient.
    first_round: u64,
    /// For each kind: how many objects the patients before this one of the cycle have, and at last all of them.
    cycles: Vec<Vec<u64>>,
}

/// Whose object it is, and the how manieth of his.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) patient: u64,
    pub(crate) index: usize,
}

impl World {
    pub(crate) fn new(facts: Arc<Facts>, seed: u64, (patients, strangers): (u64, bool), now: Seconds) -> Self {
        let sums = |kind: Kind| {
            let mut sum = 0;
            let counts =
                facts.patients.iter().enumerate().map(|(at, patient)| objects::count(kind, at, patient) as u64);
            std::iter::once(0)
                .chain(counts.map(|count| {
                    sum += count;
                    sum
                }))
                .collect()
        };
        let cycles = Kind::ALL.into_iter().map(sums).collect();
        Self { seed, today: now.div_euclid(DAY) * DAY, patients, first_round: strangers.into(), cycles, facts }
    }

    /// How many objects of this kind there are.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Practices => self.facts.practices.len() as u64,
            Kind::Physicians => self.facts.physicians.len() as u64,
            _ => self.first_of(kind, self.patients),
        }
    }

    /// The ordinal of the first object of this patient, where he has any.
    pub(crate) fn first_of(&self, kind: Kind, patient: u64) -> u64 {
        let cycle = self.cycle(kind);
        let rounds = patient / self.per_cycle();
        let in_cycle = usize::try_from(patient % self.per_cycle()).unwrap_or(0);
        rounds * cycle.last().copied().unwrap_or(0) + cycle.get(in_cycle).copied().unwrap_or(0)
    }

    /// Whose object this is; nothing for practices and physicians and for what was not there at the start.
    pub(crate) fn place(&self, kind: Kind, ordinal: u64) -> Option<Place> {
        let cycle = self.cycle(kind);
        let in_round = ordinal.checked_rem(*cycle.last()?)?;
        let in_cycle = cycle.partition_point(|before| *before <= in_round).checked_sub(1)?;
        let patient = ordinal / cycle.last()? * self.per_cycle() + in_cycle as u64;
        let index = usize::try_from(in_round - cycle.get(in_cycle)?).ok()?;
        (patient < self.patients && ordinal < self.count(kind)).then_some(Place { patient, index })
    }

    fn cycle(&self, kind: Kind) -> &[u64] {
        self.cycles.get(kind.index()).map_or(&[], Vec::as_slice)
    }

    fn per_cycle(&self) -> u64 {
        self.facts.patients.len().max(1) as u64
    }

    /// The synthetic patient whose chart this patient has.
    pub(crate) fn facts_of(&self, patient: u64) -> Option<&Patient> {
        self.facts.patients.get(usize::try_from(patient % self.per_cycle()).ok()?)
    }

    /// How often the synthetic patients have been gone through before him; 0 is the synthetic patient himself.
    pub(crate) fn round_of(&self, patient: u64) -> u64 {
        self.first_round + patient / self.per_cycle()
    }

    /// The id of an object: 15 digits, ascending with the ordinal.
    pub(crate) fn id(&self, kind: Kind, ordinal: u64) -> i64 {
        self.number(kind.number(), ordinal)
    }

    /// The id of something without a path of its own.
    pub(crate) fn id_in(&self, space: Space, ordinal: u64) -> i64 {
        self.number(space as u64, ordinal)
    }

    fn number(&self, space: u64, ordinal: u64) -> i64 {
        let gap = within(mix(&[self.seed, space, ordinal, 0x1d]), ID_STEP);
        let id = FIRST_ID + space * IDS_PER_SPACE + ordinal * ID_STEP + gap;
        i64::try_from(id).unwrap_or(i64::MAX)
    }

    /// The ordinal that this id belongs to, whether or not there is such an object.
    pub(crate) fn ordinal(&self, kind: Kind, id: i64) -> Option<u64> {
        let number = u64::try_from(id).ok()?.checked_sub(FIRST_ID + kind.number() * IDS_PER_SPACE)?;
        let ordinal = number / ID_STEP;
        (number < IDS_PER_SPACE && self.id(kind, ordinal) == id).then_some(ordinal)
    }

    /// The ordinal of the first object whose id is above this one.
    pub(crate) fn after(&self, kind: Kind, id: i64) -> u64 {
        let start = FIRST_ID + kind.number() * IDS_PER_SPACE;
        let number = u64::try_from(id).unwrap_or(0).saturating_sub(start);
        let ordinal = number / ID_STEP;
        if self.id(kind, ordinal) > id { ordinal } else { ordinal + 1 }
    }

    /// The patient of an object that was there at the start.
    pub(crate) fn patient_of(&self, kind: Kind, ordinal: u64) -> Option<i64> {
        let place = self.place(kind, ordinal)?;
        (!objects::is_block(self, kind, place)).then(|| self.id(Kind::Patients, place.patient))
    }

    /// When an object of the start was last changed.
    pub(crate) fn changed(&self, kind: Kind, ordinal: u64) -> Seconds {
        let created = self.created(kind, ordinal);
        let later = within(mix(&[self.seed, kind.number(), ordinal, 0xc4]), 20 * DAY.unsigned_abs());
        (created + later.cast_signed()).min(self.today)
    }

    /// When an object of the start came to be.
    pub(crate) fn created(&self, kind: Kind, ordinal: u64) -> Seconds {
        let hash = mix(&[self.seed, kind.number(), ordinal, 0xc3]);
        let taken_over = TAKEN_OVER + within(hash, 300 * DAY.unsigned_abs()).cast_signed();
        let Some(place) = self.place(kind, ordinal) else { return taken_over.min(self.today) };
        let at = self.facts_of(place.patient).and_then(|facts| objects::moment(kind, facts, place.index));
        let at = at.map_or(taken_over, |at| at + self.shift(place.patient) + within(hash, 3600).cast_signed());
        at.max(taken_over).min(self.today)
    }

    /// By how much this patient's chart is later than that of the synthetic patient, in seconds: whole days.
    pub(crate) fn shift(&self, patient: u64) -> Seconds {
        match self.round_of(patient) {
            0 => 0,
            _ => within(mix(&[self.seed, patient, 0x5f]), 1500).cast_signed() * DAY,
        }
    }

    /// The object as it was at the start.
    pub(crate) fn object(&self, kind: Kind, ordinal: u64) -> Option<Value> {
        (ordinal < self.count(kind)).then(|| objects::object(self, kind, ordinal))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::facts;

    fn world(patients: u64) -> World {
        World::new(facts().unwrap(), 9, (patients, false), 1_772_366_400)
    }

    #[test]
    fn every_ordinal_has_a_place_and_every_id_leads_back() {
        let world = world(30);
        for kind in Kind::ALL {
            let mut last = 0;
            for ordinal in 0..world.count(kind) {
                let id = world.id(kind, ordinal);
                assert!(id > last && id.to_string().len() == 15);
                assert_eq!(world.ordinal(kind, id), Some(ordinal));
                assert_eq!((world.after(kind, id), world.after(kind, id - 1)), (ordinal + 1, ordinal));
                last = id;
                if let Some(place) = world.place(kind, ordinal) {
                    assert_eq!(world.first_of(kind, place.patient) + place.index as u64, ordinal);
                }
            }
            assert_eq!(world.place(kind, world.count(kind)), None);
        }
    }

    #[test]
    fn every_object_can_be_made_and_carries_its_id() {
        let world = world(25);
        for kind in Kind::ALL {
            for ordinal in 0..world.count(kind) {
                let object = world.object(kind, ordinal).unwrap_or_else(|| panic!("{kind:?} {ordinal}"));
                assert_eq!(object["id"], world.id(kind, ordinal), "{kind:?}");
                assert_eq!(
                    object["patient"].as_i64().filter(|_| kind != Kind::Patients),
                    world.patient_of(kind, ordinal).filter(|_| kind != Kind::Patients)
                );
                assert!(world.created(kind, ordinal) <= world.changed(kind, ordinal));
                assert!(world.changed(kind, ordinal) <= world.today);
            }
        }
    }

    #[test]
    fn strangers_have_other_names_and_as_many_objects() {
        let strangers = World::new(facts().unwrap(), 9, (12, true), 1_772_366_400);
        let world = world(12);
        for patient in 0..12 {
            assert_ne!(objects::person(&strangers, patient), objects::person(&world, patient));
        }
        for kind in Kind::ALL {
            assert_eq!(strangers.count(kind), world.count(kind));
        }
    }
}
