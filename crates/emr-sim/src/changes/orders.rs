//! Changes of orders: laboratory and medication.

use super::{Body, Changes, extend, member};
use crate::facts::{DAY, LabResult, LabValue, Panel, Seconds};
use crate::kind::Kind;
use crate::objects::{date, grid_result, instant, lab_test};
use crate::random::choose;
use crate::store::{Store, Touched};
use serde_json::{Map, Value, json};

impl Changes {
    /// A result for an order that waits, or a new order.
    pub(super) fn lab(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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
                "icd10_codes": [], "fasting_method": null,
                "stat_method": if self.chance(5) { Some("stat_phone") } else { None },
                "collection_datetime": null, "patient_instructions": null, "test_center_notes": null,
                "standing_order_frequency": null, "standing_order_end_date": null,
            },
            "vendor": null, "site": null, "facility": null, "resolution": null, "specimens": [], "submissions": [],
            "answers": [], "bill_type": null, "ccs": [], "tags": [], "test_date": null, "follow_up_method": null,
            "special_insurance": null, "confidential": self.chance(20),
        });
        extend(&mut body, order);
        let touched = store.insert(Kind::LabOrders, now, |id| {
            body.insert("requisition".to_owned(), json!(id));
            body
        });
        self.outstanding.push_back((touched.ordinal, panel));
        Some(vec![touched])
    }

    pub(super) fn result(
        &mut self,
        store: &mut Store,
        now: Seconds,
        order: u64,
        panel: &Panel,
    ) -> Option<Vec<Touched>> {
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
            let resolution = json!({ "state": "fulfilled", "resolving_document": id });
            body.insert("resolution".to_owned(), resolution);
            Some(())
        });
        Some(std::iter::once(report).chain(order).collect())
    }

    pub(super) fn line(&mut self, result: &LabResult, panel: &str, status: &str) -> Value {
        let tenths = f64::from(u32::try_from(self.stream.below(500)).unwrap_or(0)) / 1000.0;
        let number = match result.value {
            LabValue::Number(number) => number * (0.75 + tenths),
            LabValue::Coded(_) => 0.0,
        };
        grid_result(result, panel, number, status)
    }

    /// A laboratory corrects a result.
    pub(super) fn correct(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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

    pub(super) fn pick_course(&mut self, store: &Store) -> Option<(u64, Body)> {
        self.pick(store, Kind::Medications, |body| {
            body.pointer("/thread/dc_date").is_none_or(Value::is_null) && body.get("is_doc_med") == Some(&json!(false))
        })
    }

    /// A refill, or another dose: a new order in the same thread.
    pub(super) fn renew(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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
    pub(super) fn discontinue(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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

    pub(super) fn fill(&mut self, store: &mut Store, now: Seconds) -> Option<Vec<Touched>> {
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
}
