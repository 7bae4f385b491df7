//! Tests of the mapping, of what is read from answers, and of the profiles.

use super::kinds::KINDS;
use super::{Fhir, NAMES, Options};
use crate::IdKey;
use crate::pattern::{ConnectionId, MapCode, MapContext, MapError, Mapped, SourceKey, classify, mint};
use crate::pattern::{Remedy, VendorError};
use crate::vendor::{Changes, Lists, Vendor as _};
use aceso_base::{LogicalId, Timestamp};
use aceso_fhir::definitions::{ResourceType, TypeRef, ValueType};
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::{ValidateOptions, validate};
use serde_json::{Value, json};

const BASE: &str = "https://ehr.example/r4";

fn source(profile: &str, options: &[(&str, &str)]) -> Fhir {
    let pairs: Vec<(String, String)> =
        options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Fhir::open(profile, BASE, Options::parse(&pairs).unwrap()).unwrap().unwrap()
}

fn keys() -> IdKey {
    IdKey::of_tenant(&[7; 32], "clinic")
}

fn connection() -> ConnectionId {
    ConnectionId::parse("clinic").unwrap()
}

fn minted(kind: &str, id: &str) -> String {
    mint(&keys(), &SourceKey { connection: &connection(), kind, id, part: "" }).to_string()
}

fn map_with(
    kind: &'static str,
    text: &str,
    known: &dyn Fn(ResourceType, &LogicalId) -> bool,
) -> Result<Mapped, MapError> {
    let (keys, connection) = (keys(), connection());
    let received = Timestamp(1_790_000_000_000);
    let context = MapContext { connection: &connection, ids: &keys, received, is_known: known };
    source("fhir", &[]).map(kind, text.as_bytes(), &context)
}

/// What a resource becomes where everything is known; both records are valid R4.
fn mapped(kind: &'static str, text: &str) -> (Value, String) {
    let mapped = map_with(kind, text, &|_, _| true).unwrap();
    for record in &mapped.records {
        let doc = Doc::parse(record.json.to_vec(), &Limits::default()).unwrap();
        let expected = Some(record.rtype);
        validate(&doc, &ValidateOptions { allow_conditional: false, expected }).unwrap();
    }
    let text = std::str::from_utf8(&mapped.records[0].json).unwrap().to_owned();
    (serde_json::from_str(&text).unwrap(), text)
}

#[test]
fn what_the_connector_does_not_have_to_change_stays_as_it_was_written() {
    let (made, text) = mapped(
        "Observation",
        r##"{ "resourceType": "Observation", "id": "o.1", "status": "final",
          "meta": { "versionId": "3", "lastUpdated": "2026-01-02T03:04:05.678Z", "source": "urn:feed:7", "profile": ["http://x.example/p"],
                    "security": [{ "code": "R" }] },
          "contained": [{ "resourceType": "Device", "id": "d", "patient": { "reference": "Patient/1" } }],
          "extension": [{ "url": "http://x.example/e", "valueReference": { "reference": "Practitioner/9" } }],
          "identifier": [{ "system": "urn:x", "value": "own" }],
          "code": { "text": "caf\u00e9 \ud83d\ude00" },
          "subject": { "reference": "https://ehr.example/r4/Patient/1", "display": "A" },
          "device": { "reference": "#d" },
          "hasMember": [{ "reference": "https://other.example/r4/Observation/5" }],
          "derivedFrom": [{ "reference": "urn:uuid:0b8c1f6e-5d0c-4c3a-9a39-111111111111" }],
          "encounter": { "reference": "Encounter/e1/_history/4" },
          "valueQuantity": { "value": 1.10 } }"##,
    );
    assert!(text.contains(r#""value":1.10"#) && text.contains(r"caf\u00e9 \ud83d\ude00"), "{text}");
    let patient = format!("Patient/{}", minted("Patient", "1"));
    assert_eq!(made["id"], minted("Observation", "o.1"));
    assert_eq!(made["subject"], json!({ "reference": patient, "display": "A" }));
    assert_eq!(made["contained"][0]["patient"]["reference"], patient);
    assert_eq!(made["contained"][0]["id"], "d");
    assert_eq!(made["device"]["reference"], "#d");
    let doctor = format!("Practitioner/{}", minted("Practitioner", "9"));
    assert_eq!(made["extension"][0]["valueReference"]["reference"], doctor);
    assert_eq!(made["hasMember"][0]["reference"], "https://other.example/r4/Observation/5");
    assert_eq!(made["derivedFrom"][0]["reference"], "urn:uuid:0b8c1f6e-5d0c-4c3a-9a39-111111111111");
    let kept = |path: &str, text: &str| {
        json!([{ "url": "https://aceso.health/fhir/StructureDefinition/source-fhir",
        "extension": [{ "url": path, "valueString": text }] }])
    };
    assert_eq!(made["encounter"]["reference"], format!("Encounter/{}", minted("Encounter", "e1")));
    assert_eq!(made["encounter"]["extension"], kept("reference", "Encounter/e1/_history/4"));
    assert_eq!(
        made["meta"],
        json!({ "profile": ["http://x.example/p"], "security": [{ "code": "R" }], "extension": kept("meta.source", "urn:feed:7"),
                "source": "https://aceso.health/fhir/sid/clinic/fhir/Observation" })
    );
    let own = json!({ "system": "https://aceso.health/fhir/sid/clinic/fhir/Observation", "value": "o.1" });
    assert_eq!(made["identifier"], json!([{ "system": "urn:x", "value": "own" }, own]));
}

#[test]
fn provenance_names_source_version_and_patient() {
    let text = r#"{"resourceType":"Condition","id":"c1","meta":{"versionId":"3","lastUpdated":"2026-01-02T03:04:05Z"},
        "subject":{"reference":"Patient/1"}}"#;
    let mapped = map_with("Condition", text, &|_, _| true).unwrap();
    let [condition, provenance] = mapped.records.as_slice() else { panic!("two records") };
    assert_eq!(condition.subject, provenance.subject);
    assert_eq!(condition.subject.to_string(), minted("Patient", "1"));
    assert_eq!(condition.source.version.as_deref(), Some("2026-01-02T03:04:05Z"));
    let said: Value = serde_json::from_slice(&provenance.json).unwrap();
    let targets = [format!("Condition/{}", minted("Condition", "c1")), format!("Patient/{}", minted("Patient", "1"))];
    assert_eq!(said["target"], json!([{ "reference": targets[0] }, { "reference": targets[1] }]));
    assert_eq!(said["occurredDateTime"], "2026-01-02T03:04:05Z");
    assert_eq!(said["entity"][0]["what"]["display"], "3 2026-01-02T03:04:05Z");
    assert_eq!(said["entity"][0]["what"]["identifier"]["value"], "c1");
    assert_eq!(said["agent"][0]["who"]["display"], "Aceso FHIR connector 1");
}

#[test]
fn a_reference_to_what_is_not_here_names_the_id_at_the_source() {
    let text = r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},
        "subject":{"reference":"Patient/1"},
        "participant":[{"individual":{"reference":"Practitioner/9","identifier":{"value":"own"}}}],
        "serviceProvider":{"reference":"Organization/2","display":"Practice"},
        "basedOn":[{"reference":"ServiceRequest/3"}], "account":[{"reference":"Account/4"}]}"#;
    let mapped = map_with("Encounter", text, &|rtype, _| rtype.name() == "Patient").unwrap();
    let made: Value = serde_json::from_slice(&mapped.records[0].json).unwrap();
    let sid = "https://aceso.health/fhir/sid/clinic/fhir";
    assert_eq!(
        made["serviceProvider"],
        json!({ "type": "Organization", "identifier": { "system": format!("{sid}/Organization"), "value": "2" }, "display": "Practice" })
    );
    assert_eq!(made["account"][0]["identifier"]["value"], "4");
    // An identifier of its own stays, and the id is kept beside it.
    let doctor = &made["participant"][0]["individual"];
    assert_eq!(doctor["identifier"], json!({ "value": "own" }));
    assert_eq!(doctor["extension"][0]["extension"][0]["valueString"], "Practitioner/9");
    assert!(doctor["reference"].is_null());
}

#[test]
fn failures_name_their_place_and_a_record_waits_for_its_patient() {
    let failed = |kind, text: &str, known| {
        let error = map_with(kind, text, &move |_, _| known).unwrap_err();
        (error.path, error.code)
    };
    let condition = r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/1"}}"#;
    assert_eq!(failed("Condition", condition, false), ("Condition.subject".to_owned(), MapCode::UnknownPatient));
    let wrong = r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/1"},"note":[{"text":7}]}"#;
    assert_eq!(failed("Condition", wrong, true), ("Condition.note[0].text".to_owned(), MapCode::Invalid));
    let foreign = r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"https://other.example/Patient/1"}}"#;
    assert_eq!(failed("Condition", foreign, true), ("Condition".to_owned(), MapCode::UnknownPatient));
    assert_eq!(failed("Condition", "[1", true).1, MapCode::Shape);
    assert_eq!(failed("Patient", condition, true).1, MapCode::Invalid);
}

#[test]
fn every_kind_has_a_place_for_the_id_at_the_source_and_patients_come_before_charts() {
    for kind in KINDS {
        let rtype = ResourceType::parse(kind.kind).unwrap();
        let (element, _) = TypeRef::of_resource(rtype).child("identifier").unwrap();
        assert!(element.array, "{}", kind.kind);
        assert!(matches!(element.value, ValueType::Complex(of) if of.name() == "Identifier"), "{}", kind.kind);
    }
    let patients = KINDS.iter().position(|kind| kind.kind == "Patient").unwrap();
    let charts = KINDS.iter().position(|kind| kind.listing.filters.patient.is_some()).unwrap();
    assert!(patients < charts);
    assert!(NAMES.iter().all(|name| crate::VENDORS.contains(name)));
}

#[test]
fn codes_of_epic_go_before_the_status() {
    let epic = source("epic", &[("group", "g")]);
    let body = |code: &str| {
        json!({ "resourceType": "OperationOutcome", "issue": [
            { "severity": "information", "code": "x", "details": { "coding": [{ "code": "59109" }] } },
            { "severity": "fatal", "code": "x", "details": { "coding": [{ "system": "s", "code": code }] } }
        ]})
        .to_string()
    };
    let verdict =
        |status, code: &str| classify(epic.errors(), Some(status), epic.error_code(body(code).as_bytes()).as_deref());
    for code in ["4130", "4131", "4134"] {
        assert_eq!(verdict(403, code), (VendorError::Restricted, Remedy::DeadLetter));
    }
    assert_eq!(verdict(400, "4113"), (VendorError::Expired, Remedy::StartAgain));
    assert_eq!(verdict(400, "4103"), (VendorError::Gone, Remedy::Deleted));
    assert_eq!(verdict(429, "4135"), (VendorError::Throttled, Remedy::DeadLetter));
    assert_eq!(verdict(400, "4115"), (VendorError::Refused, Remedy::DeadLetter));
    assert_eq!(epic.error_code(b""), None);
    // The same body of another EHR says what its status says.
    assert_eq!(source("fhir", &[]).error_code(body("4113").as_bytes()), None);
    let oracle = source("oracle-health", &[("patient", "1")]);
    assert_eq!(classify(oracle.errors(), Some(403), None), (VendorError::Forbidden, Remedy::Stop));
    assert_eq!(classify(oracle.errors(), Some(406), oracle.error_code(b"").as_deref()).1, Remedy::Stop);
}

#[test]
fn warnings_in_a_list_are_no_objects_and_some_say_that_there_may_be_more() {
    let warning = |code: &str| {
        let details = json!({ "coding": [{ "code": code }] });
        json!({ "resource": { "resourceType": "OperationOutcome", "issue": [{ "severity": "warning", "code": "x", "details": details }] },
                "search": { "mode": "outcome" } })
    };
    let bundle =
        |entries: Value| json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries }).to_string();
    let epic = source("epic", &[("group", "g")]);
    let page = epic.page(bundle(json!([warning("4101")])).as_bytes()).unwrap();
    assert!(page.objects.is_empty() && !page.incomplete && page.next.is_none());
    let entry = json!({ "resource": { "resourceType": "Condition", "id": "1" } });
    let included = json!({ "resource": { "resourceType": "Patient", "id": "1" }, "search": { "mode": "include" } });
    let page = epic.page(bundle(json!([entry, included, warning("4119")])).as_bytes()).unwrap();
    assert!(page.objects.len() == 1 && page.incomplete);
    for garbled in ["", "{}", "{\"resourceType\":\"Bundle\"", "{\"resourceType\":\"Patient\",\"id\":\"1\"}"] {
        assert!(epic.page(garbled.as_bytes()).is_err(), "{garbled}");
    }
}

#[test]
fn the_statement_decides_what_is_listed_and_how() {
    let statement = |version: &str| {
        json!({ "resourceType": "CapabilityStatement", "fhirVersion": version, "rest": [{ "mode": "server", "resource": [
            { "type": "Patient", "interaction": [{ "code": "read" }, { "code": "search-type" }] },
            { "type": "Condition", "interaction": [{ "code": "read" }, { "code": "search-type" }],
              "searchParam": [{ "name": "patient" }, { "name": "_lastUpdated" }] },
            { "type": "Goal", "interaction": [{ "code": "read" }] },
            { "type": "Organization", "interaction": [{ "code": "read" }, { "code": "search-type" }] },
        ] }] })
        .to_string()
    };
    let ways = |fhir: &Fhir| {
        let offer = fhir.offer(statement("4.0.1").as_bytes()).unwrap();
        ["Patient", "Condition", "Goal", "Organization", "Location"].map(|kind| {
            let way = fhir.way(fhir.capabilities().resource(kind).unwrap(), &offer);
            (way.lists, way.changes)
        })
    };
    let (absent, named) = ((Lists::Absent, Changes::Otherwise), (Lists::Named, Changes::Otherwise));
    let whole = (Lists::All, Changes::Whole);
    assert_eq!(ways(&source("fhir", &[])), [whole, (Lists::All, Changes::Since), absent, whole, absent]);
    let patient_by_patient = (Lists::PerPatient, Changes::Since);
    assert_eq!(ways(&source("epic", &[("group", "g")])), [whole, patient_by_patient, absent, named, absent]);
    assert_eq!(ways(&source("fhir", &[("lists", "by-patient")])), [whole, patient_by_patient, absent, whole, absent]);
    assert!(source("fhir", &[]).offer(statement("3.0.2").as_bytes()).is_err());
}
