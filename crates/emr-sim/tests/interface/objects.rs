//! The objects: names, string decimals, nulls, deletion, error shapes.

use crate::support::{Source, id};
use aceso_emr_sim::Kind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn is_decimal_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains('.') && text.parse::<f64>().is_ok())
}

#[test]
fn every_object_of_a_list_is_the_one_at_its_address() {
    let source = Source::plain();
    for kind in Kind::ALL {
        for object in source.crawl(kind, 100).iter().step_by(11) {
            let alone = source.api.get(&format!("/{}/{}/", kind.path(), id(object))).expect(200).json();
            assert_eq!(alone, *object);
        }
    }
}

#[test]
fn ids_are_whole_numbers_of_fifteen_digits_and_references_lead_to_objects() {
    let source = Source::plain();
    let patients: BTreeSet<i64> = source.ids(Kind::Patients).into_iter().collect();
    let orders: BTreeSet<i64> = source.ids(Kind::Medications).into_iter().collect();
    let physicians: BTreeSet<i64> = source.ids(Kind::Physicians).into_iter().collect();
    let practices: BTreeSet<i64> = source.ids(Kind::Practices).into_iter().collect();
    let known = |set: &BTreeSet<i64>, value: &Value| value.as_i64().is_some_and(|id| set.contains(&id));
    for kind in Kind::ALL {
        for object in source.crawl(kind, 100) {
            assert_eq!(object["id"].as_i64().unwrap().to_string().len(), 15);
            let refers = |name: &str, set: &BTreeSet<i64>| {
                let value = &object[name];
                assert!(value.is_null() || known(set, value), "{kind:?} {name}");
            };
            refers("patient", &patients);
            refers("practice", &practices);
            refers("physician", &physicians);
            refers("prescribing_physician", &physicians);
            refers("primary_physician", &physicians);
            refers("caregiver_practice", &practices);
            refers("medication_order", &orders);
            refers("med_order", &orders);
        }
    }
}

#[test]
fn decimals_are_text() {
    let source = Source::plain();
    let orders = source.crawl(Kind::Medications, 100);
    assert!(orders.iter().all(|order| order["qty"].is_null() || is_decimal_text(&order["qty"])));
    assert!(orders.iter().any(|order| order["qty"].is_string()));
    let mut numbers = 0;
    for report in source.crawl(Kind::Reports, 100) {
        for grid in report["grids"].as_array().unwrap() {
            for result in grid["results"].as_array().unwrap().iter().filter(|line| line["value_type"] == "Numeric") {
                assert!(is_decimal_text(&result["value"]), "{}", result["value"]);
                numbers += 1;
            }
        }
    }
    assert!(numbers > 400, "{numbers}");
    for vitals in source.crawl(Kind::Vitals, 100) {
        assert!(vitals["weight"].as_array().unwrap().iter().all(|weight| is_decimal_text(&weight["value"])));
        assert!(vitals["bp"].as_array().unwrap().iter().all(|bp| bp["systolic"].is_string()));
    }
}

#[test]
fn what_may_be_null_is_null_here_and_there() {
    let source = Source::start(|options| options.patients = 120);
    let nullable: &[(Kind, &[&str])] = &[
        (
            Kind::Patients,
            &["/pronouns", "/legal_gender_marker", "/ssn", "/notes", "/emergency_contact", "/actual_name"],
        ),
        (
            Kind::Medications,
            &[
                "/qty",
                "/qty_units",
                "/days_supply",
                "/start_date",
                "/signed_date",
                "/signed_by",
                "/fulfillment",
                "/prescribing_physician",
                "/thread/dc_date",
                "/medication_type",
                "/medication/strength",
                "/medication/brand_name",
                "/medication/generic_name",
            ],
        ),
        (Kind::DiscontinuedMedications, &["/reason", "/signed_date"]),
        (Kind::PrescriptionFills, &["/fill_date", "/note_from_pharmacy"]),
        (Kind::LabOrders, &["/signed_date", "/bill_type", "/content/collection_datetime"]),
        (
            Kind::Reports,
            &[
                "/requisition_number",
                "/signed_date",
                "/order_status",
                "/grids/0/results/0/abnormal_flag",
                "/grids/0/results/0/units",
            ],
        ),
        (Kind::Problems, &["/synopsis", "/start_date", "/resolved_date", "/verification_status"]),
        (Kind::Allergies, &["/reaction", "/severity", "/start_date"]),
        (Kind::DrugIntolerances, &["/reaction", "/start_date"]),
        (Kind::Vitals, &["/bmi", "/bmi_percentile", "/visit_note", "/signed_date"]),
        (Kind::Appointments, &["/patient", "/status", "/reason", "/telehealth_details", "/service_location"]),
        (Kind::Immunizations, &["/lot_number", "/qty_units", "/administering_physician"]),
        (Kind::VisitNotes, &["/signed_date", "/signed_by"]),
    ];
    for (kind, pointers) in nullable {
        let objects = source.crawl(*kind, 100);
        for pointer in *pointers {
            let found: BTreeSet<bool> =
                objects.iter().filter_map(|object| object.pointer(pointer)).map(Value::is_null).collect();
            assert_eq!(found, BTreeSet::from([false, true]), "{kind:?} {pointer}");
        }
    }
}

#[test]
fn medications_come_in_threads_with_refills_and_ends() {
    let source = Source::plain();
    let orders = source.crawl(Kind::Medications, 100);
    let types: BTreeSet<_> = orders.iter().map(|order| order["order_type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(types, BTreeSet::from(["DoseChange", "New", "Refill"].map(str::to_owned)));
    for ended in source.crawl(Kind::DiscontinuedMedications, 100) {
        let of_thread: Vec<_> = orders.iter().filter(|order| order["thread"]["id"] == ended["thread"]).collect();
        assert!(!of_thread.is_empty());
        assert!(of_thread.iter().all(|order| order["thread"]["dc_date"] == ended["discontinue_date"]));
    }
    let statuses: BTreeSet<_> =
        source.crawl(Kind::PrescriptionFills, 100).iter().map(|fill| fill["fill_status"].clone().to_string()).collect();
    assert_eq!(statuses.len(), 4, "{statuses:?}");
}

#[test]
fn a_deleted_object_is_gone_from_lists_and_answers_410() {
    let source = Source::plain();
    let problem = source.ids(Kind::Problems)[3];
    assert!(source.simulator.delete(Kind::Problems, problem));
    assert!(!source.ids(Kind::Problems).contains(&problem));
    assert!(source.api.get(&format!("/problems/{problem}/")).expect(410).json()["detail"].is_string());
    let kept = source.simulator.truth().body(Kind::Problems, problem).unwrap();
    assert_eq!(kept["deleted_date"], "2026-03-01T12:00:00Z");
    assert!(!source.simulator.delete(Kind::Problems, problem), "deleted twice");
    let unknown = source.api.get(&format!("/problems/{}/", problem + 1)).expect(404).json();
    assert_eq!(unknown["detail"], "No PatientProblem matches the given query.");
}

#[test]
fn errors_have_the_shapes_of_the_framework() {
    let source = Source::plain();
    assert_eq!(source.api.get("/moons/").expect(404).json()["detail"], "Not found.");
    let refused = source.api.delete("/patients/").expect(405);
    assert_eq!(refused.json()["detail"], "Method \"DELETE\" not allowed.");
    let _ = crate::support::json(&source.api, "POST", "/reports/", &json!({})).expect(405);
    let _ = source.api.send("POST", "/patients/", &[("content-type", "text/plain")], b"{}".to_vec()).expect(415);
    let _ =
        source.api.send("POST", "/patients/", &[("content-type", "application/json")], vec![b' '; 1 << 21]).expect(413);
    let malformed = source.api.send("POST", "/patients/", &[("content-type", "application/json")], b"{".to_vec());
    assert!(malformed.expect(400).json()["detail"].is_string());
}

#[test]
fn a_missing_slash_is_redirected_for_every_method() {
    let source = Source::plain();
    let moved = source.api.get("/patients?limit=1").expect(301);
    assert_eq!(moved.header("location"), format!("{}/patients/?limit=1", source.simulator.base_url()));
    let _ = source.client().form("/oauth2/token", "grant_type=client_credentials").expect(301);
}
