//! What happens in a clinic while the simulator runs: drawn from a stream, so the same seed makes the same changes.

use crate::facts::{DAY, LabResult, LabValue, Panel, Seconds};
use crate::kind::Kind;
use crate::objects::{
    Person, STREETS, TOWNS, blank_patient, date, first_names, grid_result, instant, insurance, lab_test, last_names,
};
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
    (8, Changes::measure),
    (3, Changes::register),
    (2, Changes::merge),
    (4, Changes::remove),
    (1, Changes::remove_patient),
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

    /// A result for an order that waits, or a new order.
    fn lab(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        if self.outstanding.len() >= 3 {
            let (order, panel) = self.outstanding.pop_front()?;
            if let Some(touched) = self.result(store, now, order, &panel) {
                return Some(touched);
            }
        }
        let (_, patient) = self.pick_patient(store)?;
        let panels: Vec<&Panel> =
            store.world.facts.patients.iter().flat_map(|chart| &chart.labs).flat_map(|lab| &lab.panels).collect();
        let panel = (*choose(self.stream.next(), &panels)?).clone();
        let mut body = Self::document(&patient, now);
        let order = json!({
            "ordering_physician": patient.get("primary_physician"),
            "content": {
                "tests": [lab_test(&panel.name, &panel.loinc)],
                "icd10_codes": [],
                "fasting_method": null,
                "stat_method": if self.chance(5) { Some("stat") } else { None },
                "collection_datetime": null,
                "collected_in_office": false,
                "notes": null,
            },
            "requisition": null, "vendor": null, "site": null,
            "resolution": { "state": "outstanding", "note": null, "resolving_document": null },
            "specimens": [], "submissions": [], "answers": [], "bill_type": null, "confidential": self.chance(20),
        });
        extend(&mut body, order);
        let touched = store.insert(Kind::LabOrders, now, |_| body);
        self.outstanding.push_back((touched.ordinal, panel));
        Some(vec![touched])
    }

    fn result(&mut self, store: &mut Store, now: Seconds, order: u64, panel: &Panel) -> Option<Vec<Touched>> {
        let placed = store.live(Kind::LabOrders, order)?;
        let patient = json!({ "id": placed.body.get("patient"), "caregiver_practice": placed.body.get("practice") });
        let preliminary = self.chance(4);
        let status = if preliminary { "PRELIMINARY" } else { "FINAL" };
        let results: Vec<Value> = panel.results.iter().map(|result| self.line(result, &panel.name, status)).collect();
        let mut body = Self::document(patient.as_object()?, now);
        let report = json!({
            "report_type": "Lab", "custom_title": null, "files": [], "requisition_number": null,
            "order_status": status, "lab_order": store.id(Kind::LabOrders, order), "is_urgent": self.chance(10),
            "caregiver": null, "physician": placed.body.get("ordering_physician"), "reported_date": instant(now),
            "grids": [{
                "accession_number": format!("N{:08}", self.stream.below(100_000_000)),
                "collected_date": instant(now - DAY), "resulted_date": instant(now), "status": status,
                "note": null, "results": results,
            }],
        });
        extend(&mut body, report);
        let report = store.insert(Kind::Reports, now, |_| body);
        let id = store.id(Kind::Reports, report.ordinal);
        let order = store.edit(Kind::LabOrders, order, now, |body| {
            let resolution = json!({ "state": "fulfilled", "note": null, "resolving_document": id });
            body.insert("resolution".to_owned(), resolution);
            Some(())
        });
        Some(std::iter::once(report).chain(order).collect())
    }

    fn line(&mut self, result: &LabResult, panel: &str, status: &str) -> Value {
        let tenths = f64::from(u32::try_from(self.stream.below(500)).unwrap_or(0)) / 1000.0;
        let number = match result.value {
            LabValue::Number(number) => number * (0.75 + tenths),
            LabValue::Coded(_) => 0.0,
        };
        grid_result(result, panel, number, status)
    }

    /// A laboratory corrects a result.
    fn correct(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let numeric = |body: &Value| body.pointer("/grids/0/results/0/value_type") == Some(&json!("Numeric"));
        let (ordinal, _) = self.pick(store, Kind::Reports, numeric)?;
        let factor = if self.chance(2) { 1.25 } else { 0.8 };
        let touched = store.edit(Kind::Reports, ordinal, now, |body| {
            body.insert("order_status".to_owned(), json!("CORRECTED"));
            let grid = body.get_mut("grids")?.get_mut(0)?;
            *grid.get_mut("status")? = json!("CORRECTED");
            let line = grid.pointer_mut("/results/0")?;
            let text = |line: &Value, pointer: &str| line.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            let number: f64 = text(line, "/value")?.parse().ok()?;
            let result = LabResult {
                name: text(line, "/test/name")?,
                loinc: text(line, "/test/loinc")?,
                unit: text(line, "/units"),
                value: LabValue::Number(number),
            };
            let category = text(line, "/test_category/value").unwrap_or_default();
            *line = grid_result(&result, &category, number * factor, "CORRECTED");
            Some(())
        })?;
        Some(vec![touched])
    }

    fn pick_course(&mut self, store: &Store) -> Option<(u64, Body)> {
        self.pick(store, Kind::Medications, |body| {
            body.pointer("/thread/dc_date").is_none_or(Value::is_null) && body.get("is_doc_med") == Some(&json!(false))
        })
    }

    /// A refill, or another dose: a new order in the same thread.
    fn renew(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (_, mut body) = self.pick_course(store)?;
        let dose = self.chance(3);
        body.insert("order_type".to_owned(), json!(if dose { "DoseChange" } else { "Refill" }));
        if dose {
            body.insert("directions".to_owned(), json!("Take 2 tablets by mouth twice daily"));
        }
        for member in ["document_date", "chart_date"] {
            body.insert(member.to_owned(), json!(instant(now)));
        }
        for member in ["signed_date", "signed_by", "fulfillment"] {
            body.insert(member.to_owned(), Value::Null);
        }
        body.insert("start_date".to_owned(), json!(date(now)));
        Some(vec![store.insert(Kind::Medications, now, |_| body)])
    }

    /// A course ends: an object of its own, and the end in every order of the thread.
    fn discontinue(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (ordinal, order) = self.pick_course(store)?;
        let thread = order.get("thread")?.get("id")?.clone();
        let patient = member(&order, "patient").as_i64()?;
        let mut touched = Vec::new();
        for other in store.of_patient(Kind::Medications, patient) {
            touched.extend(store.edit(Kind::Medications, other, now, |body| {
                let found = body.get_mut("thread").filter(|found| found.get("id") == Some(&thread))?;
                *found = json!({ "id": thread, "is_permanent": false, "dc_date": date(now) });
                Some(())
            }));
        }
        let reason = choose(self.stream.next(), &["Side effects", "No longer needed", "Course completed"]);
        let id = store.id(Kind::Medications, ordinal);
        let mut body: Body = Map::new();
        for name in ["medication", "patient", "practice", "prescribing_physician"] {
            body.insert(name.to_owned(), member(&order, name));
        }
        let ended = json!({
            "last_medication_order": id, "med_order": id, "thread": thread, "discontinue_date": date(now),
            "reason": reason, "supervising_physician": null, "is_documented": false,
            "documenting_personnel": order.get("prescribing_physician"), "document_date": instant(now),
            "chart_date": instant(now), "signed_date": null, "deleted_date": null,
        });
        extend(&mut body, ended);
        touched.push(store.insert(Kind::DiscontinuedMedications, now, |_| body));
        Some(touched)
    }

    fn fill(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (ordinal, order) = self.pick_course(store)?;
        let status = choose(self.stream.next(), &["AH", "AH", "AJ", "AK", "AL"])?;
        let mut body: Body = Map::new();
        let fill = json!({
            "fill_status": status, "fill_date": (*status != "AK").then(|| date(now)),
            "medication_order": store.id(Kind::Medications, ordinal), "note_from_pharmacy": null,
            "patient": order.get("patient"), "pharmacy_ncpdpid": format!("99{:05}", self.stream.below(40)),
            "practice": order.get("practice"),
        });
        extend(&mut body, fill);
        Some(vec![store.insert(Kind::PrescriptionFills, now, |_| body)])
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

    fn address(&mut self) -> Option<Value> {
        let (town, zip) = choose(self.stream.next(), TOWNS)?;
        let street = choose(self.stream.next(), STREETS)?;
        let line = format!("{} {street}", 1 + self.stream.below(900));
        Some(json!({ "address_line1": line, "address_line2": null, "city": town, "state": "MA", "zip": zip }))
    }

    fn move_house(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        let (ordinal, _) = self.pick_patient(store)?;
        let address = self.address()?;
        let touched = store.edit(Kind::Patients, ordinal, now, |body| {
            let before = body.insert("address".to_owned(), address)?;
            body.insert("previous_address".to_owned(), before);
            Some(())
        })?;
        Some(vec![touched])
    }

    fn insure(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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

    fn register(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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
    fn merge(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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

    fn remove(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
        const REMOVABLE: &[Kind] = &[
            Kind::Problems,
            Kind::Allergies,
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
    fn remove_patient(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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
