//! Changes of patients: where they live, who pays, who they are; and what is deleted.

use super::{Changes, extend, person_of};
use crate::facts::{DAY, Seconds};
use crate::kind::Kind;
use crate::objects::{STREETS, TOWNS, blank_patient, date, first_names, instant, insurance, last_names};
use crate::random::choose;
use crate::store::{Store, Touched};
use serde_json::{Value, json};

impl Changes {
    pub(super) fn address(&mut self) -> Option<Value> {
        let (town, zip) = choose(self.stream.next(), TOWNS)?;
        let street = choose(self.stream.next(), STREETS)?;
        let line = format!("{} {street}", 1 + self.stream.below(900));
        Some(json!({ "address_line1": line, "address_line2": null, "city": town, "state": "MA", "zip": zip }))
    }

    pub(super) fn move_house(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (ordinal, _) = self.pick_patient(store)?;
        let address = self.address()?;
        let touched = store.edit(Kind::Patients, ordinal, now, |body| {
            let before = body.insert("address".to_owned(), address)?;
            body.insert("previous_address".to_owned(), before);
            Some(())
        })?;
        Some(vec![touched])
    }

    pub(super) fn insure(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (ordinal, body) = self.pick_patient(store)?;
        let person = person_of(&body)?;
        let carrier = choose(self.stream.next(), &["Aetna", "Anthem", "Cigna Health", "Humana", "UnitedHealthcare"])?;
        let number = 2 + self.stream.below(60);
        let new = insurance(&store.world, ordinal, number, carrier, "primary", &person);
        let touched = store.edit(Kind::Patients, ordinal, now, |body| {
            let insurances = body.get_mut("insurances")?.as_array_mut()?;
            let (primary, mut rest): (Vec<Value>, Vec<Value>) =
                insurances.drain(..).partition(|known| known.get("rank") == Some(&json!("primary")));
            rest.insert(0, new);
            *insurances = rest;
            body.get_mut("deleted_insurances")?.as_array_mut()?.extend(primary);
            Some(())
        })?;
        Some(vec![touched])
    }

    pub(super) fn register(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let female = self.chance(2);
        let first = *choose(self.stream.next(), first_names(female))?;
        let last = *choose(self.stream.next(), last_names())?;
        let birth = now - (1 + self.stream.below(90 * 365)).cast_signed() * DAY;
        let physician = self.stream.below(store.next(Kind::Physicians));
        let practice = store.live(Kind::Physicians, physician)?.body.get("practice")?.clone();
        let address = self.address()?;
        let mut body = blank_patient();
        let known = json!({
            "first_name": first, "last_name": last, "dob": date(birth), "sex": if female { "Female" } else { "Male" },
            "address": address, "race": "No race specified", "ethnicity": "No ethnicity specified",
            "primary_physician": store.id(Kind::Physicians, physician), "caregiver_practice": practice,
            "patient_status": {
                "status": "active", "deceased_date": null, "inactive_reason": null,
                "last_status_change": instant(now), "notes": null,
            },
        });
        extend(&mut body, known);
        Some(vec![store.insert(Kind::Patients, now, |_| body)])
    }

    /// One chart turns out to be another's person: it points to the chart that stays.
    pub(super) fn merge(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (stays, _) = self.pick_patient(store)?;
        let (ordinal, _) = self.pick_patient(store).filter(|(ordinal, _)| *ordinal != stays)?;
        let id = store.id(Kind::Patients, stays);
        let touched = store.edit(Kind::Patients, ordinal, now, |body| {
            body.insert("merged_into_chart".to_owned(), json!(id));
            body.insert("master_patient".to_owned(), json!(id));
            let status = body.get_mut("patient_status")?.as_object_mut()?;
            status.insert("status".to_owned(), json!("inactive"));
            status.insert("inactive_reason".to_owned(), json!("other"));
            status.insert("last_status_change".to_owned(), json!(instant(now)));
            Some(())
        })?;
        Some(vec![touched])
    }

    pub(super) fn remove(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        const REMOVABLE: &[Kind] = &[
            Kind::Problems,
            Kind::Allergies,
            Kind::DrugIntolerances,
            Kind::Reports,
            Kind::Vitals,
            Kind::Appointments,
            Kind::Medications,
            Kind::PrescriptionFills,
            Kind::VisitNotes,
        ];
        let kind = *choose(self.stream.next(), REMOVABLE)?;
        let (ordinal, _) = self.pick(store, kind, |_| true)?;
        Some(vec![store.delete(kind, ordinal, now)?])
    }

    /// A patient goes, and everything in his chart with him.
    pub(super) fn remove_patient(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (ordinal, _) = self.pick_patient(store)?;
        let patient = store.id(Kind::Patients, ordinal);
        let mut touched: Vec<Touched> = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Patients) {
            for other in store.of_patient(kind, patient) {
                touched.extend(store.delete(kind, other, now));
            }
        }
        touched.extend(store.delete(Kind::Patients, ordinal, now));
        Some(touched)
    }
    /// A deletion was a mistake and is undone; a patient comes back with what was deleted with him.
    pub(super) fn restore(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (kind, ordinal) = *choose(self.stream.next(), &store.deleted())?;
        store.restore(kind, ordinal, now)
    }
}
