//! The examples, looked at with the eyes of somebody who knows what they should become.

use serde_json::{Value, json};

use super::harness::{EXAMPLES, Ids, check_valid, example, example_text, first, leaves, map, map_with, minted, values};
use crate::elation::{CAPABILITIES, ERRORS};
use crate::fhir::SOURCE_EXTENSION;
use crate::pattern::{ConnectionId, Remedy, SourceKey, VendorError, classify, mint};

fn made(kind: &str, name: &str) -> Vec<Value> {
    let mapped = map_with(kind, example_text(name), &|_, _| true).unwrap();
    check_valid(&mapped, name);
    values(&mapped)
}

fn types(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| value["resourceType"].as_str().unwrap()).collect()
}

/// A member that was kept.
fn kept<'v>(value: &'v Value, member: &str) -> Option<&'v Value> {
    let all = value["extension"].as_array()?.iter().find(|extension| extension["url"] == SOURCE_EXTENSION)?;
    all["extension"].as_array()?.iter().find(|extension| extension["url"] == member)
}

#[test]
fn every_example_becomes_what_its_kind_promises() {
    let expected: &[(&str, &[(&str, usize)])] = &[
        ("practices", &[("Organization", 1), ("Location", 2)]),
        ("physicians", &[("Practitioner", 1), ("PractitionerRole", 1)]),
        ("patients", &[("Patient", 1), ("Observation", 1), ("Coverage", 2), ("Consent", 2)]),
        ("problems", &[("Condition", 1)]),
        ("allergies", &[("AllergyIntolerance", 1)]),
        ("drug_intolerances", &[("AllergyIntolerance", 1)]),
        ("medications", &[("MedicationRequest", 1)]),
        ("discontinued_medications", &[("MedicationStatement", 1)]),
        ("prescription_fills", &[("MedicationDispense", 1)]),
        ("lab_orders", &[("ServiceRequest", 2)]),
        ("reports", &[("DiagnosticReport", 2), ("Observation", 8)]),
        ("reports-cardiac", &[("DocumentReference", 1)]),
        ("vitals", &[("Observation", 15)]),
        ("appointments", &[("Appointment", 1)]),
        ("appointments-block", &[("Appointment", 1)]),
    ];
    for ((kind, name), (of, counts)) in EXAMPLES.iter().zip(expected) {
        assert_eq!(name, of);
        let made = made(kind, name);
        for (rtype, count) in *counts {
            assert_eq!(types(&made).iter().filter(|made| *made == rtype).count(), *count, "{name}: {rtype}");
            assert!(CAPABILITIES.resource(kind).unwrap().produces.contains(rtype), "{kind} does not promise {rtype}");
        }
        assert_eq!(made.len(), counts.iter().map(|(_, count)| count).sum::<usize>() + 1, "{name}");
    }
}

#[test]
fn numbers_keep_their_digits() {
    for (kind, name, digits) in [
        ("reports", "reports", &["\"value\":101.50", "\"value\":0.90", "\"value\":2.50", "\"value\":70.0"][..]),
        ("vitals", "vitals", &["\"value\":64.50", "\"value\":25.50", "\"value\":98.60"]),
        ("medications", "medications", &["\"value\":30.000000000"]),
        ("patients", "patients", &["\"value\":25.00", "\"value\":1500.50"]),
    ] {
        let mapped = map_with(kind, example_text(name), &|_, _| true).unwrap();
        let all: String = mapped.records.iter().map(|r| String::from_utf8_lossy(&r.json).into_owned()).collect();
        for digits in digits {
            let ends = |rest: &str| rest.starts_with([',', '}']);
            assert!(all.split(digits).skip(1).any(ends), "{name}: {digits}");
        }
    }
}

#[test]
fn a_patient_has_his_names_numbers_contacts_and_insurances() {
    let made = made("patients", "patients");
    let patient = first(&made, "Patient");
    assert_eq!(patient["id"], minted("patients", "142857632874497"));
    let systems: Vec<&str> =
        patient["identifier"].as_array().unwrap().iter().map(|id| id["system"].as_str().unwrap()).collect();
    assert_eq!(systems[0], "https://aceso.health/fhir/sid/clinic-1/elation/patients");
    assert_eq!(patient["identifier"][1]["value"], "900-12-3456");
    assert_eq!(patient["identifier"][1]["type"]["coding"][0]["code"], "SS");
    assert_eq!(patient["identifier"][3]["value"], "MRN-00417");
    let names: Vec<(&str, &str)> = patient["name"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| (name["use"].as_str().unwrap(), name["family"].as_str().or(name["text"].as_str()).unwrap()))
        .collect();
    assert_eq!(
        names,
        [("official", "Quillfeather"), ("usual", "Mina"), ("old", "Thistlewood"), ("old", "Bramblewick")]
    );
    assert_eq!(patient["telecom"][0], json!({ "system": "phone", "value": "(802) 555-0177", "use": "mobile" }));
    assert_eq!(patient["telecom"][2]["use"], "old");
    assert_eq!(patient["telecom"][2]["period"]["end"], "2020-05-04T09:01:00Z");
    assert_eq!((&patient["gender"], &patient["birthDate"]), (&json!("female"), &json!("1971-11-05")));
    assert_eq!(patient["active"], true);
    assert_eq!(patient["address"][1]["use"], "old");
    assert_eq!(patient["communication"][0]["language"]["coding"][0]["code"], "en");
    let roles: Vec<&str> = patient["contact"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| contact["relationship"][0]["coding"][0]["code"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["C", "GUAR", "E"]);
    assert_eq!(kept(patient, "notes").unwrap()["valueString"], "Prefers mornings");
    assert_eq!(kept(patient, "vip").unwrap()["valueBoolean"], false);

    let coverages: Vec<&Value> = made.iter().filter(|value| value["resourceType"] == "Coverage").collect();
    assert_eq!((&coverages[0]["status"], &coverages[1]["status"]), (&json!("active"), &json!("cancelled")));
    assert_eq!(coverages[0]["subscriberId"], "MH-778-20");
    assert_eq!(coverages[0]["contained"][1]["name"][0]["family"], "Quillfeather");
    assert_eq!(coverages[0]["class"][0]["value"], "GRP-40");
    assert_eq!(coverages[0]["order"], 1);
    let consents: Vec<&Value> = made.iter().filter(|value| value["resourceType"] == "Consent").collect();
    assert_eq!((&consents[0]["status"], &consents[1]["status"]), (&json!("active"), &json!("rejected")));
    assert_eq!(consents[1]["provision"]["type"], "deny");
}

#[test]
fn a_chart_that_was_merged_points_to_the_one_that_stays() {
    let mut source = example("patients");
    source["merged_into_chart"] = json!(142_857_632_874_999_u64);
    let mapped = map("patients", &source).unwrap();
    check_valid(&mapped, "merged");
    let made = values(&mapped);
    let patient = first(&made, "Patient");
    assert_eq!(patient["active"], false);
    let other = format!("Patient/{}", minted("patients", "142857632874999"));
    assert_eq!(patient["link"][0], json!({ "other": { "reference": other }, "type": "replaced-by" }));
    // The other chart is not here yet: the link waits, and the case is counted.
    let own = minted("patients", "142857632874497");
    let mapped = map_with("patients", source.to_string().into_bytes(), &|_, id| id.as_str() == own).unwrap();
    let made = values(&mapped);
    assert!(first(&made, "Patient").get("link").is_none());
    assert_eq!(kept(first(&made, "Patient"), "merged_into_chart").unwrap()["valueString"], "142857632874999");
    assert_eq!(mapped.unknown.len(), 1);
}

#[test]
fn a_dead_patient_is_dead_and_a_deleted_chart_is_not_active() {
    let mut source = example("patients");
    source["patient_status"]["status"] = json!("deceased");
    let patient = values(&map("patients", &source).unwrap()).remove(0);
    assert_eq!(patient["deceasedBoolean"], true);
    source["patient_status"]["deceased_date"] = json!("2026-01-02");
    let patient = values(&map("patients", &source).unwrap()).remove(0);
    assert_eq!(patient["deceasedDateTime"], "2026-01-02");
    assert!(patient.get("deceasedBoolean").is_none());
    source["deleted_date"] = json!("2026-02-03T04:05:06Z");
    let mapped = map("patients", &source).unwrap();
    assert!(mapped.deleted);
    assert_eq!(values(&mapped)[0]["active"], false);
}

#[test]
fn an_order_of_a_medication_names_drug_directions_and_course() {
    let made = made("medications", "medications");
    let order = first(&made, "MedicationRequest");
    assert_eq!((&order["status"], &order["intent"]), (&json!("active"), &json!("order")));
    let codings = order["medicationCodeableConcept"]["coding"].as_array().unwrap();
    assert_eq!(codings[0], json!({ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "402014" }));
    assert_eq!(codings[1]["system"], "http://hl7.org/fhir/sid/ndc");
    assert_eq!(order["contained"][0]["form"]["text"], "Tab delayed rel");
    assert_eq!(order["dosageInstruction"][0]["text"], "Take 1 tablet by mouth every morning before breakfast");
    assert_eq!(order["groupIdentifier"]["value"], "142857632910900");
    assert_eq!(order["courseOfTherapyType"]["coding"][0]["code"], "continuous");
    assert_eq!(order["dispenseRequest"]["numberOfRepeatsAllowed"], 2);
    assert_eq!(order["dispenseRequest"]["expectedSupplyDuration"]["value"], 30);
    assert_eq!(order["dispenseRequest"]["quantity"]["unit"], "TABLET");
    assert_eq!(order["dispenseRequest"]["performer"]["identifier"]["value"], "4700001");
    assert_eq!(order["reasonCode"][0]["coding"][0]["code"], "K21.9");
    assert_eq!(order["category"][0]["coding"][0]["code"], "refill");
    assert_eq!(order["reportedBoolean"], false);
}

#[test]
fn the_status_of_an_order_follows_signature_course_and_deletion() {
    let status = |change: &dyn Fn(&mut Value)| {
        let mut source = example("medications");
        change(&mut source);
        let made = values(&map("medications", &source).unwrap());
        (made[0]["status"].as_str().unwrap().to_owned(), made[0]["intent"].as_str().unwrap().to_owned())
    };
    let pair = |status: &str, intent: &str| (status.to_owned(), intent.to_owned());
    assert_eq!(status(&|order| order["signed_date"] = Value::Null), pair("draft", "order"));
    let documented = |order: &mut Value| {
        order["signed_date"] = Value::Null;
        order["is_doc_med"] = json!(true);
    };
    assert_eq!(status(&documented), pair("active", "plan"));
    assert_eq!(status(&|order| order["thread"]["dc_date"] = json!("2026-04-01")), pair("stopped", "order"));
    assert_eq!(status(&|order| order["thread"]["dc_date"] = json!("2996-04-01")), pair("active", "order"));
    let due = |ends: &str| {
        let mut source = example("medications");
        source["thread"]["dc_date"] = json!(ends);
        map("medications", &source).unwrap().due.map(|due| due.to_string())
    };
    assert_eq!(due("2996-04-01").as_deref(), Some("2996-04-01T00:00:00.000Z"));
    assert_eq!(due("2026-04-01"), None);
    assert_eq!(
        status(&|order| order["deleted_date"] = json!("2026-04-01T00:00:00Z")),
        pair("entered-in-error", "order")
    );
}

#[test]
fn a_discontinuation_and_a_fill_lead_to_their_order() {
    let order = format!("MedicationRequest/{}", minted("medications", "142857632910001"));
    let stopped = made("discontinued_medications", "discontinued_medications");
    let statement = first(&stopped, "MedicationStatement");
    assert_eq!((&statement["status"], &statement["basedOn"][0]["reference"]), (&json!("stopped"), &json!(order)));
    assert_eq!(statement["effectivePeriod"]["end"], "2026-04-01");
    assert_eq!(statement["statusReason"][0]["text"], "No longer needed");
    let filled = made("prescription_fills", "prescription_fills");
    let dispense = first(&filled, "MedicationDispense");
    assert_eq!(dispense["authorizingPrescription"][0]["reference"], json!(order));
    assert_eq!((&dispense["status"], &dispense["whenHandedOver"]), (&json!("completed"), &json!("2026-02-24")));
}

#[test]
fn the_tests_of_a_lab_order_are_requests_with_one_requisition() {
    let made = made("lab_orders", "lab_orders");
    let requests: Vec<&Value> = made.iter().filter(|value| value["resourceType"] == "ServiceRequest").collect();
    for request in &requests {
        assert_eq!(request["requisition"]["value"], "920001");
        assert_eq!((&request["status"], &request["priority"]), (&json!("completed"), &json!("stat")));
        assert_eq!(request["locationReference"][0]["reference"], "#site");
    }
    assert_eq!(requests[0]["code"]["text"], "Comprehensive metabolic panel");
    assert_eq!(
        requests[0]["code"]["coding"][1],
        json!({ "system": "http://www.ama-assn.org/go/cpt", "code": "80053" })
    );
    let reasons = |request: &Value| -> Vec<String> {
        let reasons = request["reasonCode"].as_array().unwrap().iter();
        reasons.map(|reason| reason["coding"][0]["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(reasons(requests[0]), ["Z00.00", "E11.9"]);
    assert!(requests[0].get("specimen").is_none());
    assert_eq!(requests[1]["specimen"][0]["reference"], "#specimen-0");
    let specimen = requests[1]["contained"].as_array().unwrap().iter().find(|c| c["id"] == "specimen-0").unwrap();
    assert_eq!(specimen["collection"]["collectedDateTime"], "2026-03-02T13:15:00Z");
    assert_eq!(specimen["collection"]["bodySite"]["coding"][0]["code"], "LACF");
    assert!(kept(requests[0], "bill_type").is_some() && kept(requests[1], "bill_type").is_none());
    assert!(requests[0]["meta"].get("security").is_none());
    let mut secret = example("lab_orders");
    secret["confidential"] = json!(true);
    let made = values(&map("lab_orders", &secret).unwrap());
    assert_eq!(made[1]["meta"]["security"][0]["code"], "R");
}

#[test]
fn results_have_codes_flags_ranges_and_times() {
    let made = made("reports", "reports");
    let glucose = first(&made, "Observation");
    assert_eq!(glucose["code"]["coding"][0], json!({ "system": "http://loinc.org", "code": "2345-7" }));
    assert_eq!(glucose["effectiveDateTime"], "2026-03-02T13:15:00Z");
    assert_eq!(glucose["issued"], "2026-03-03T22:40:00Z");
    assert_eq!(glucose["interpretation"][0]["coding"][0]["code"], "H");
    assert_eq!(glucose["interpretation"][0]["text"], "Above high normal");
    assert_eq!(glucose["referenceRange"][0]["low"]["code"], "mg/dL");
    let of = |code: &str| made.iter().find(|value| value["code"]["coding"][0]["code"] == code).unwrap();
    assert_eq!(of("33914-3")["valueQuantity"]["comparator"], ">");
    assert_eq!(of("33914-3")["valueQuantity"]["unit"], "mL/min/1.73");
    assert_eq!((&of("2160-0")["status"], &of("2823-3")["status"]), (&json!("corrected"), &json!("final")));
    assert_eq!(of("600-7")["valueCodeableConcept"]["text"], "Escherichia coli");
    assert_eq!(of("564-5")["valueString"], "50,000-100,000 CFU per mL");
    let reports: Vec<&Value> = made.iter().filter(|value| value["resourceType"] == "DiagnosticReport").collect();
    assert_eq!(reports[0]["code"]["text"], "Comprehensive metabolic panel");
    assert_eq!(reports[0]["result"].as_array().unwrap().len(), 4);
    assert_eq!((&reports[0]["status"], &reports[1]["status"]), (&json!("final"), &json!("preliminary")));
    assert_eq!(reports[0]["basedOn"][0]["identifier"]["value"], "920001");
    assert!(reports[0].get("presentedForm").is_some() && reports[1].get("presentedForm").is_none());
}

/// A correction is a new version of the same record, wherever it stands in the list.
#[test]
fn a_corrected_result_keeps_its_id_when_rows_move() {
    let mut source = example("reports");
    let id_of = |source: &Value, code: &str| {
        let made = values(&map("reports", source).unwrap());
        made.iter().find(|value| value["code"]["coding"][0]["code"] == code).unwrap()["id"].clone()
    };
    let before = id_of(&source, "2160-0");
    source["grids"][0]["results"].as_array_mut().unwrap().reverse();
    source["grids"].as_array_mut().unwrap().reverse();
    source["grids"][1]["results"][1]["value"] = json!("0.91");
    assert_eq!(id_of(&source, "2160-0"), before);
    assert_ne!(id_of(&source, "2823-3"), before);
}

#[test]
fn problems_and_allergies_have_their_states() {
    let problem = made("problems", "problems").remove(0);
    assert_eq!(problem["clinicalStatus"]["coding"][0]["code"], "active");
    assert_eq!(kept(&problem, "status").unwrap()["valueString"], "Controlled");
    let codes: Vec<&str> =
        problem["code"]["coding"].as_array().unwrap().iter().map(|coding| coding["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["44054006", "E11.9", "250.00"]);
    let mut deleted = example("problems");
    deleted["deleted_date"] = json!("2026-01-01T00:00:00Z");
    let problem = values(&map("problems", &deleted).unwrap()).remove(0);
    assert_eq!(problem["verificationStatus"]["coding"][0]["code"], "entered-in-error");
    assert!(problem.get("clinicalStatus").is_none());
    let allergy = made("allergies", "allergies").remove(0);
    assert_eq!((&allergy["type"], &allergy["reaction"][0]["severity"]), (&json!("allergy"), &json!("moderate")));
    let drug = made("drug_intolerances", "drug_intolerances").remove(0);
    assert_eq!((&drug["type"], &drug["reaction"][0]["severity"]), (&json!("intolerance"), &json!("mild")));
    assert_eq!(drug["clinicalStatus"]["coding"][0]["code"], "active");
}

#[test]
fn vital_signs_have_the_codes_and_units_of_their_profiles() {
    let made = made("vitals", "vitals");
    let of = |code: &str| made.iter().find(|value| value["code"]["coding"][0]["code"] == code).unwrap();
    let pressure = of("85354-9");
    assert_eq!(pressure["component"][0]["code"]["coding"][0]["code"], "8480-6");
    assert_eq!(pressure["component"][0]["valueQuantity"]["code"], "mm[Hg]");
    assert_eq!(pressure["component"][1]["valueQuantity"]["value"], 79);
    for (code, unit) in [
        ("8302-2", "[in_i]"),
        ("29463-7", "[lb_av]"),
        ("8867-4", "/min"),
        ("9279-1", "/min"),
        ("8310-5", "[degF]"),
        ("2708-6", "%"),
        ("72514-3", "{score}"),
        ("9843-4", "cm"),
        ("8289-1", "%"),
        ("39156-5", "kg/m2"),
        ("59576-9", "%"),
        ("77606-2", "%"),
        ("peak_flow", "L/min"),
    ] {
        assert_eq!(of(code)["valueQuantity"]["code"], unit, "{code}");
        assert_eq!(of(code)["status"], "final");
        assert_eq!(of(code)["category"][0]["coding"][0]["code"], "vital-signs");
    }
    assert_eq!(of("2708-6")["code"]["coding"][1]["code"], "59408-5");
}

#[test]
fn an_appointment_has_an_end_and_a_block_has_no_patient() {
    let visit = made("appointments", "appointments").remove(0);
    assert_eq!((&visit["start"], &visit["end"]), (&json!("2026-04-10T14:30:00Z"), &json!("2026-04-10T14:50:00Z")));
    assert_eq!((&visit["status"], &visit["participant"][0]["status"]), (&json!("booked"), &json!("accepted")));
    assert_eq!(visit["serviceType"][0]["coding"][0]["code"], "VR");
    assert_eq!(kept(&visit, "telehealth_details").unwrap()["valueString"], "https://video.example/room/88");
    assert_eq!(visit["participant"].as_array().unwrap().len(), 3);
    let mapped = map("appointments", &example("appointments-block")).unwrap();
    assert!(mapped.records.iter().all(|record| record.subject.is_directory()));
    assert!(!leaves(&mapped).iter().any(|(_, text)| text.starts_with("Patient/")));
}

#[test]
fn a_deleted_object_says_so_in_its_records() {
    for (kind, name) in EXAMPLES {
        let mut source = example(name);
        if source.get("deleted_date").is_none() {
            continue;
        }
        source["deleted_date"] = json!("2026-05-06T07:08:09Z");
        let mapped = map(kind, &source).unwrap();
        check_valid(&mapped, name);
        assert!(mapped.deleted, "{name}");
        if *kind == "patients" {
            continue;
        }
        for value in values(&mapped).iter().filter(|value| value["resourceType"] != "Provenance") {
            let wrong = [&value["status"], &value["verificationStatus"]["coding"][0]["code"]];
            assert!(wrong.contains(&&json!("entered-in-error")), "{name}: {value:#}");
        }
    }
}

#[test]
fn provenance_names_source_time_and_connector() {
    for (kind, name) in EXAMPLES {
        let source = example(name);
        let made = made(kind, name);
        let provenance = made.last().unwrap();
        assert_eq!(provenance["recorded"], "2026-09-21T14:13:20.000Z");
        let system = format!("https://aceso.health/fhir/sid/clinic-1/elation/{kind}");
        let what = &provenance["entity"][0]["what"];
        assert_eq!(
            (&what["identifier"]["system"], &what["identifier"]["value"]),
            (&json!(system), &json!(source["id"].to_string()))
        );
        assert_eq!(provenance["agent"][0]["who"]["display"], "Aceso Elation connector 1");
        assert_eq!(provenance["agent"][1]["who"]["identifier"]["value"], "clinic-1");
        let modified = source.get("last_modified").or(source.get("last_modified_date")).or(source.get("created_date"));
        if let Some(modified) = modified {
            assert_eq!(&provenance["occurredDateTime"], modified, "{name}");
        }
        let targets: Vec<&str> = provenance["target"]
            .as_array()
            .unwrap()
            .iter()
            .map(|target| target["reference"].as_str().unwrap())
            .collect();
        for value in made.iter().filter(|value| value["resourceType"] != "Provenance") {
            let own = format!("{}/{}", value["resourceType"].as_str().unwrap(), value["id"].as_str().unwrap());
            assert!(targets.contains(&own.as_str()), "{name}: {own}");
        }
    }
}

#[test]
fn versions_are_the_times_of_change_where_the_source_says_them() {
    for (kind, name) in EXAMPLES {
        let source = example(name);
        let member = CAPABILITIES.resource(kind).unwrap().listing.modified;
        let version = member.and_then(|member| source[member].as_str().map(str::to_owned));
        let mapped = map(kind, &source).unwrap();
        assert!(mapped.records.iter().all(|record| record.source.version == version), "{name}");
    }
}

#[test]
fn a_time_of_change_that_no_schema_promises_is_taken_when_it_comes() {
    for kind in ["reports", "problems", "vitals"] {
        let mut source = example(kind);
        source["last_modified"] = json!("2026-06-07T08:09:10Z");
        source["deleted_date"] = json!("2026-06-07T08:09:10Z");
        let mapped = map(kind, &source).unwrap();
        assert!(mapped.deleted);
        assert!(mapped.records.iter().all(|record| record.source.version.as_deref() == Some("2026-06-07T08:09:10Z")));
        assert_eq!(values(&mapped).last().unwrap()["occurredDateTime"], "2026-06-07T08:09:10Z");
    }
}

#[test]
fn failures_of_elation_have_their_remedies() {
    let remedy = |status: u16| classify(ERRORS, Some(status), None).1;
    assert_eq!(remedy(401), Remedy::RefreshToken);
    assert_eq!(remedy(429), Remedy::SlowDown);
    assert_eq!(remedy(410), Remedy::Deleted);
    assert_eq!((remedy(403), remedy(404), remedy(422)), (Remedy::Stop, Remedy::DeadLetter, Remedy::DeadLetter));
    assert_eq!((remedy(500), remedy(504)), (Remedy::Retry, Remedy::Retry));
    assert_eq!(classify(ERRORS, Some(409), None), (VendorError::Duplicate, Remedy::DeadLetter));
    assert_eq!(classify(ERRORS, None, None), (VendorError::Unreachable, Remedy::Retry));
}

/// The ids of records in stores depend on this derivation: it can never change.
#[test]
fn logical_ids_are_derived_as_they_always_were() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/logical-ids.tsv")).unwrap();
    let mut looked_at = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [connection, kind, id, part, expected] = cells.as_slice() else { panic!("five columns") };
        let connection = ConnectionId::parse(connection).unwrap();
        let made = mint(&Ids::new(), &SourceKey { connection: &connection, kind, id, part });
        assert_eq!(made.to_string(), *expected);
        looked_at += 1;
    }
    assert_eq!(looked_at, 7);
}
