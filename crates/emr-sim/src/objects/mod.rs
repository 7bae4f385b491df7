//! The facts of a chart as Elation's objects (note, section 1.4: names exactly as sent).

mod clinical;
mod drugs;
mod labs;
mod medications;
mod names;
mod patient;
mod schedule;
mod staff;

use crate::facts::{Patient, Seconds};
use crate::kind::Kind;
use crate::random::{mix, within};
use crate::world::{Place, World};
use serde_json::Value;

pub(crate) use drugs::drug;
pub(crate) use labs::{grid_result, number_text, test as lab_test};
pub(crate) use names::{STREETS, TOWNS, first_names, last_names};
pub(crate) use patient::{Person, blank as blank_patient, insurance, person};

/// How many objects of this kind the patient at this place of the cycle has.
pub(crate) fn count(kind: Kind, place: usize, facts: &Patient) -> usize {
    match kind {
        Kind::Practices | Kind::Physicians => 0,
        Kind::Patients => 1,
        Kind::Medications => facts.courses.iter().map(|course| course.orders.len()).sum(),
        Kind::DiscontinuedMedications => facts.courses.iter().filter(|course| course.stopped.is_some()).count(),
        Kind::PrescriptionFills => facts.courses.iter().map(|course| course.fills.len()).sum(),
        Kind::LabOrders => facts.labs.len(),
        Kind::Reports => facts.labs.len() + facts.imaging.len(),
        Kind::Problems => facts.problems.len(),
        Kind::Allergies => facts.allergies.len(),
        Kind::Vitals => facts.measured.len(),
        // One to come, and for the first patient of each cycle a block without a patient.
        Kind::Appointments => facts.visits.len() + 1 + usize::from(place == 0),
        Kind::Immunizations => facts.immunizations.len(),
        Kind::VisitNotes => facts.visits.len(),
        Kind::DrugIntolerances => facts.intolerances.len(),
    }
}

/// Whether this is an appointment without a patient.
pub(crate) fn is_block(world: &World, kind: Kind, place: Place) -> bool {
    let facts = world.facts_of(place.patient);
    kind == Kind::Appointments && facts.is_some_and(|facts| place.index > facts.visits.len())
}

/// When it happened in the synthetic patient's life; nothing for what belongs to no moment of it.
pub(crate) fn moment(kind: Kind, facts: &Patient, index: usize) -> Option<Seconds> {
    let visit = |at: usize| Some(facts.visits.get(at)?.at);
    match kind {
        Kind::Practices | Kind::Physicians | Kind::Patients => None,
        Kind::Medications => medications::order(facts, index).map(|(_, _, order)| order.at),
        Kind::DiscontinuedMedications => medications::stopped(facts, index)?.1.stopped,
        Kind::PrescriptionFills => {
            let (course, fill) = medications::fill(facts, index)?;
            fill.at.or_else(|| Some(course.orders.get(fill.order)?.at))
        }
        Kind::LabOrders => facts.labs.get(index).map(|lab| lab.at),
        Kind::Reports => match facts.labs.get(index) {
            Some(lab) => Some(lab.at),
            None => facts.imaging.get(index.checked_sub(facts.labs.len())?).map(|study| study.at),
        },
        Kind::Problems => visit(facts.problems.get(index)?.visit),
        Kind::Allergies => facts.allergies.get(index).map(|allergy| allergy.at),
        Kind::Vitals => visit(*facts.measured.get(index)?),
        Kind::Appointments | Kind::VisitNotes => visit(index),
        Kind::Immunizations => facts.immunizations.get(index).map(|given| given.at),
        Kind::DrugIntolerances => facts.intolerances.get(index).map(|intolerance| intolerance.at),
    }
}

/// The object.
pub(crate) fn object(world: &World, kind: Kind, ordinal: u64) -> Option<Value> {
    match kind {
        Kind::Practices => return staff::practice(world, ordinal),
        Kind::Physicians => return staff::physician(world, ordinal),
        _ => {}
    }
    let place = world.place(kind, ordinal)?;
    let chart = Chart {
        world,
        kind,
        ordinal,
        patient: place.patient,
        facts: world.facts_of(place.patient)?,
        shift: world.shift(place.patient),
    };
    match kind {
        Kind::Practices | Kind::Physicians => None,
        Kind::Patients => patient::patient(&chart),
        Kind::Medications => medications::medication(&chart, place.index),
        Kind::DiscontinuedMedications => medications::discontinued(&chart, place.index),
        Kind::PrescriptionFills => medications::prescription_fill(&chart, place.index),
        Kind::LabOrders => labs::order(&chart, place.index),
        Kind::Reports => labs::report(&chart, place.index),
        Kind::Problems => clinical::problem(&chart, place.index),
        Kind::Allergies => clinical::allergy(&chart, place.index),
        Kind::Vitals => clinical::vitals(&chart, place.index),
        Kind::Appointments => schedule::appointment(&chart, place.index),
        Kind::Immunizations => clinical::immunization(&chart, place.index),
        Kind::VisitNotes => clinical::visit_note(&chart, place.index),
        Kind::DrugIntolerances => clinical::drug_intolerance(&chart, place.index),
    }
}

/// One object of one patient in the making.
pub(crate) struct Chart<'a> {
    world: &'a World,
    kind: Kind,
    ordinal: u64,
    patient: u64,
    facts: &'a Patient,
    shift: Seconds,
}

impl Chart<'_> {
    fn id(&self) -> i64 {
        self.world.id(self.kind, self.ordinal)
    }

    fn patient_id(&self) -> i64 {
        self.world.id(Kind::Patients, self.patient)
    }

    /// The id of another object of the same patient.
    fn sibling(&self, kind: Kind, index: usize) -> i64 {
        self.world.id(kind, self.world.first_of(kind, self.patient) + index as u64)
    }

    fn hash(&self, salt: u64) -> u64 {
        mix(&[self.world.seed, self.kind.number(), self.ordinal, salt])
    }

    /// What the schema lets be null is null in one of so many.
    fn unless_null<T>(&self, salt: u64, one_in: u64, value: T) -> Option<T> {
        (within(self.hash(salt), one_in) != 0).then_some(value)
    }

    fn time(&self, at: Seconds) -> String {
        instant(at + self.shift)
    }

    fn date(&self, at: Seconds) -> String {
        date(at + self.shift)
    }

    fn created(&self) -> String {
        instant(self.world.created(self.kind, self.ordinal))
    }

    fn changed(&self) -> String {
        instant(self.world.changed(self.kind, self.ordinal))
    }

    /// Physician and practice of a visit.
    fn staff(&self, visit: usize) -> Option<(i64, i64)> {
        let visit = self.facts.visits.get(visit)?;
        let id = |kind, at: usize| self.world.id(kind, at as u64);
        Some((id(Kind::Physicians, visit.physician), id(Kind::Practices, visit.practice)))
    }
}

/// A time as the API writes it: whole seconds, UTC.
pub(crate) fn instant(at: Seconds) -> String {
    jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// The day of it.
pub(crate) fn date(at: Seconds) -> String {
    let mut text = instant(at);
    text.truncate(10);
    text
}
