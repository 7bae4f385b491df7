//! What happens in a clinic while the simulator runs: drawn from a stream, so the same seed makes the same changes.

mod orders;
mod people;

use crate::facts::{DAY, Panel, Seconds};
use crate::kind::Kind;
use crate::objects::{Person, date, instant};
use crate::random::{Stream, choose};
use crate::store::{Store, Touched};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// The stream of changes, and the lab orders whose results have not come yet.
#[derive(Debug)]
pub(crate) struct Changes {
    stream: Stream,
    outstanding: VecDeque<(u64, Panel)>,
}

type Body = Map<String, Value>;

/// What it touched, in order; nothing when it cannot happen now.
type Change = fn(&mut Changes, &mut Store, Seconds) -> Option<Vec<Touched>>;

/// What can happen, and how often among the rest.
const KINDS: &[(u64, Change)] = &[
    (14, Changes::lab),
    (6, Changes::correct),
    (10, Changes::renew),
    (4, Changes::discontinue),
    (6, Changes::fill),
    (12, Changes::reschedule),
    (5, Changes::book),
    (6, Changes::move_house),
    (4, Changes::insure),
    (6, Changes::diagnose),
    (4, Changes::resolve),
    (4, Changes::find_allergy),
    (2, Changes::find_intolerance),
    (8, Changes::measure),
    (3, Changes::register),
    (2, Changes::merge),
    (4, Changes::remove),
    (1, Changes::remove_patient),
    (2, Changes::restore),
];

impl Changes {
    pub(crate) const fn new(stream: Stream) -> Self {
        Self { stream, outstanding: VecDeque::new() }
    }

    /// One change; it may touch several objects.
    pub(crate) fn make(&mut self, store: &mut Store, now: Seconds) -> Vec<Touched> {
        let sum: u64 = KINDS.iter().map(|(weight, _)| weight).sum();
        let mut drawn = self.stream.below(sum);
        for (weight, change) in KINDS {
            if drawn < *weight {
                // What cannot happen now (nobody left to merge, no appointment to move) gives way to a new patient.
                return change(self, store, now).or_else(|| self.register(store, now)).unwrap_or_default();
            }
            drawn -= weight;
        }
        Vec::new()
    }

    /// A live object of this kind that passes.
    fn pick(&mut self, store: &Store, kind: Kind, pass: impl Fn(&Value) -> bool) -> Option<(u64, Body)> {
        for _ in 0..40 {
            let ordinal = self.stream.below(store.next(kind));
            if let Some(stored) = store.live(kind, ordinal).filter(|stored| pass(&stored.body)) {
                return Some((ordinal, stored.body.as_object()?.clone()));
            }
        }
        None
    }

    fn pick_patient(&mut self, store: &Store) -> Option<(u64, Body)> {
        self.pick(store, Kind::Patients, |body| body.get("merged_into_chart").is_none_or(Value::is_null))
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.stream.below(one_in) == 0
    }

    /// Members of a document that somebody made for this patient now.
    fn document(patient: &Body, now: Seconds) -> Body {
        let mut body = Map::new();
        body.insert("patient".to_owned(), member(patient, "id"));
        body.insert("practice".to_owned(), member(patient, "caregiver_practice"));
        body.insert("document_date".to_owned(), json!(instant(now)));
        body.insert("chart_date".to_owned(), json!(instant(now)));
        body.insert("signed_date".to_owned(), Value::Null);
        body.insert("signed_by".to_owned(), Value::Null);
        body.insert("deleted_date".to_owned(), Value::Null);
        body
    }

    /// An appointment is moved, cancelled, or goes its way.
    fn reschedule(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let open = |body: &Value| {
            let status = body.pointer("/status/status").and_then(Value::as_str);
            matches!(status, Some("Scheduled" | "Confirmed" | "Checked In" | "In Room"))
        };
        let (ordinal, body) = self.pick(store, Kind::Appointments, open)?;
        let drawn = self.stream.below(4);
        let ahead = (1 + self.stream.below(14)).cast_signed() * DAY;
        let next = match (drawn, body.get("status")?.get("status")?.as_str()?) {
            (0, _) => "Cancelled",
            (_, "Scheduled") => "Confirmed",
            (_, "Confirmed") => "Checked In",
            (_, "Checked In") => "In Room",
            _ => "Checked Out",
        };
        let touched = store.edit(Kind::Appointments, ordinal, now, |body| {
            if drawn == 1 {
                let at = crate::filters::moment(body.get("scheduled_date")?.as_str()?)?;
                body.insert("scheduled_date".to_owned(), json!(instant(at + ahead)));
                return Some(());
            }
            let status = body.get_mut("status")?.as_object_mut()?;
            status.insert("status".to_owned(), json!(next));
            status.insert("status_date".to_owned(), json!(instant(now)));
            status.insert("room".to_owned(), json!((next == "In Room").then_some("3")));
            Some(())
        })?;
        Some(vec![touched])
    }

    fn book(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (_, patient) = self.pick_patient(store)?;
        let today = now.div_euclid(DAY) * DAY;
        let at = today + (1 + self.stream.below(45)).cast_signed() * DAY + 13 * 3600;
        let at = at + self.stream.below(32).cast_signed() * 900;
        let mut body: Body = Map::new();
        let appointment = json!({
            "scheduled_date": instant(at), "duration": 15 * (1 + self.stream.below(4)), "patient": patient.get("id"),
            "physician": patient.get("primary_physician"), "practice": patient.get("caregiver_practice"),
            "status": { "status": "Scheduled", "room": null, "status_date": instant(now), "status_detail": null },
            "mode": if self.chance(4) { "VIDEO" } else { "IN_PERSON" }, "time_slot_type": "appointment",
            "service_location": null, "reason": "Follow up", "description": null, "telehealth_details": null,
            "metadata": null, "deleted_date": null,
        });
        extend(&mut body, appointment);
        Some(vec![store.insert(Kind::Appointments, now, |_| body)])
    }

    fn diagnose(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (_, patient) = self.pick_patient(store)?;
        let known = [("59621000", "Hypertension", "I10"), ("44054006", "Diabetes mellitus type 2", "E11.9")];
        let (snomed, name, icd10) = choose(self.stream.next(), &known)?;
        let mut body: Body = Map::new();
        let problem = json!({
            "rank": null, "description": name, "status": "Active", "synopsis": null, "verification_status": null,
            "start_date": date(now), "resolved_date": null,
            "dx": [{ "icd9": [], "icd10": [icd10], "snomed": snomed }],
            "patient": patient.get("id"), "practice": patient.get("caregiver_practice"), "deleted_date": null,
        });
        extend(&mut body, problem);
        Some(vec![store.insert(Kind::Problems, now, |_| body)])
    }

    fn resolve(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (ordinal, _) = self.pick(store, Kind::Problems, |body| body.get("status") != Some(&json!("Resolved")))?;
        let touched = store.edit(Kind::Problems, ordinal, now, |body| {
            body.insert("status".to_owned(), json!("Resolved"));
            body.insert("resolved_date".to_owned(), json!(date(now)));
            Some(())
        })?;
        Some(vec![touched])
    }

    fn find_allergy(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (_, patient) = self.pick_patient(store)?;
        let name = choose(self.stream.next(), &["Penicillin", "Latex", "Shellfish", "Sulfonamides"])?;
        let mut body: Body = Map::new();
        let allergy = json!({
            "name": name, "status": "Active", "reaction": if self.chance(2) { Some("Rash") } else { None },
            "severity": "moderate", "start_date": null, "medispanid": null, "medispandnid": null,
            "patient": patient.get("id"), "deleted_date": null,
        });
        extend(&mut body, allergy);
        Some(vec![store.insert(Kind::Allergies, now, |_| body)])
    }

    fn find_intolerance(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (_, patient) = self.pick_patient(store)?;
        let name = choose(self.stream.next(), &["Codeine", "Metformin", "Ibuprofen", "Erythromycin"])?;
        let mut body: Body = Map::new();
        let intolerance = json!({
            "name": name, "status": 1, "reaction": if self.chance(2) { Some("Nausea") } else { None },
            "severity": "6736007", "start_date": date(now), "patient": patient.get("id"), "deleted_date": null,
        });
        extend(&mut body, intolerance);
        Some(vec![store.insert(Kind::DrugIntolerances, now, |_| body)])
    }

    fn measure(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (_, patient) = self.pick_patient(store)?;
        let mut body = Self::document(&patient, now);
        let (systolic, diastolic) = (100 + self.stream.below(60), 60 + self.stream.below(35));
        let vitals = json!({
            "bmi": null, "bmi_percentile": null, "length_for_weight_percentile": null,
            "height": [], "oxygen": [], "rr": [], "hc": [], "temperature": [], "pain": [], "custom_observations": {},
            "weight": [{ "value": format!("{}.5", 110 + self.stream.below(120)), "units": "lbs", "note": null }],
            "hr": [{ "value": (55 + self.stream.below(50)).to_string(), "units": "bpm", "note": null }],
            "bp": [{ "systolic": systolic.to_string(), "diastolic": diastolic.to_string(), "note": "sitting" }],
            "visit_note": null, "non_visit_note": null,
        });
        extend(&mut body, vitals);
        Some(vec![store.insert(Kind::Vitals, now, |_| body)])
    }
}

fn member(body: &Body, name: &str) -> Value {
    body.get(name).cloned().unwrap_or_default()
}

fn extend(body: &mut Body, more: Value) {
    if let Value::Object(more) = more {
        body.extend(more);
    }
}

/// Who a patient's object is about.
pub(crate) fn person_of(body: &Body) -> Option<Person> {
    let text = |name: &str| body.get(name)?.as_str().map(str::to_owned);
    Some(Person { first: text("first_name")?, last: text("last_name")?, dob: text("dob")?, sex: text("sex")? })
}
