//! Splitting and splicing together, against the oracle and with planted canaries.

mod hostile;
mod oracle;
mod random;
mod vectors;

use std::io::Read as _;

use aceso_base::{LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::{ResourceType, TypeRef, ValueType};
use aceso_fhir::json::{Doc, Limits, minify};
use serde_json::{Value, json};

use crate::{ClassSet, DataClass, Split, Stamp, SubjectFound, other_subjects, splice, split, subject_of};

const ID: &str = "057aa36e-b892-9964-75b9-ffb46b097e34";

fn doc(value: &Value) -> Doc {
    parse(value.to_string().as_bytes())
}

fn parse(text: &[u8]) -> Doc {
    Doc::parse(text.to_vec(), &Limits::default()).map_err(|e| e.to_string()).unwrap()
}

fn rtype_of(value: &Value) -> ResourceType {
    ResourceType::parse(value["resourceType"].as_str().unwrap()).unwrap()
}

fn split_stamped(doc: &Doc, rtype: ResourceType, id: &str) -> Split {
    let id = LogicalId::parse(id).unwrap();
    split(doc, rtype, &Stamp { id: &id, version: Version(3), updated: Timestamp(1_700_000_000_000) })
}

fn see(split: &Split, open: ClassSet) -> (Vec<u8>, bool) {
    let parts = DataClass::ALL.map(|class| open.contains(class).then(|| split.part(class)));
    let mut out = b"before".to_vec();
    let shown = splice(split.structure(), &parts, &mut out).unwrap();
    (out.split_off(6), shown.redacted)
}

/// All 64 sets of classes that have the structure.
fn every_set() -> impl Iterator<Item = ClassSet> {
    (0..64_u8).map(|bits| ClassSet::from_bits(bits << 1 | 1).unwrap())
}

/// The resource with id and meta as the server stamps them: no more than what a client sent with nothing to replace.
fn stamped(mut value: Value) -> Value {
    let id = value.get("id").and_then(Value::as_str).unwrap_or(ID).to_owned();
    value["id"] = json!(id);
    let meta = value.as_object_mut().unwrap().entry("meta").or_insert_with(|| json!({}));
    meta["versionId"] = json!("3");
    meta["lastUpdated"] = json!("2023-11-14T22:13:20.000Z");
    value
}

/// Splits, and checks every set of classes against the oracle.
fn check(value: &Value) -> Split {
    let rtype = rtype_of(value);
    let value = stamped(value.clone());
    let document = doc(&value);
    let parts = split_stamped(&document, rtype, value["id"].as_str().unwrap());
    let (full, redacted) = see(&parts, ClassSet::ALL);
    assert_same(&full, &minify(&document));
    assert!(!redacted);
    for open in every_set() {
        let (shown, redacted) = see(&parts, open);
        let (expected, masked) = oracle::redact(&value, rtype, open);
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert!(
            shown == expected,
            "{rtype} for {open}: {}",
            parting(&shown, &expected, String::new()).unwrap_or_default()
        );
        assert_eq!(redacted, masked, "{rtype} for {open}");
        assert_structure(&shown, TypeRef::of_resource(rtype));
    }
    parts
}

/// The first place where two trees part.
fn parting(left: &Value, right: &Value, path: String) -> Option<String> {
    match (left, right) {
        (Value::Object(l), Value::Object(r)) => l.keys().chain(r.keys()).find_map(|key| {
            parting(l.get(key).unwrap_or(&Value::Null), r.get(key).unwrap_or(&Value::Null), format!("{path}.{key}"))
        }),
        (Value::Array(l), Value::Array(r)) if l.len() == r.len() => {
            l.iter().zip(r).enumerate().find_map(|(at, (l, r))| parting(l, r, format!("{path}[{at}]")))
        }
        _ => (left != right).then(|| format!("{path}: {left} is not {right}")),
    }
}

/// Shows only where two texts part.
fn assert_same(left: &[u8], right: &[u8]) {
    let at = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let around =
        |text: &[u8]| String::from_utf8_lossy(&text[at.saturating_sub(60)..text.len().min(at + 60)]).into_owned();
    assert!(left == right, "\n{}\n{}", around(left), around(right));
}

/// Nothing empty, nothing that the definitions do not know.
fn assert_structure(value: &Value, scope: TypeRef) {
    let object = value.as_object().unwrap();
    assert!(!object.is_empty());
    for (key, value) in object {
        if key == "resourceType" {
            continue;
        }
        let (element, sibling) = scope.child(key).unwrap_or_else(|| panic!("{} has no {key}", scope.name()));
        assert_eq!(value.is_array(), element.array, "{}", element.path);
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        assert!(!items.is_empty(), "{}", element.path);
        for item in items.iter().filter(|_| !sibling) {
            match element.value {
                ValueType::Complex(scope) => assert_structure(item, scope),
                ValueType::Resource => assert_structure(item, TypeRef::of_resource(rtype_of(item))),
                ValueType::Primitive(_) => assert!(!item.is_object()),
            }
        }
    }
}

/// Plants strings `class:number` and checks who sees them.
fn check_canaries(value: &Value) {
    let parts = check(value);
    for open in every_set() {
        let shown = String::from_utf8(see(&parts, open).0).unwrap();
        for class in DataClass::ALL {
            let planted = value.to_string().matches(&format!("canary-{class}-")).count();
            let seen = shown.matches(&format!("canary-{class}-")).count();
            assert_eq!(seen, if open.contains(class) { planted } else { 0 }, "{class} for {open}: {shown}");
        }
    }
    let skeleton = String::from_utf8_lossy(parts.structure()).into_owned();
    for class in DataClass::ALL.into_iter().skip(1) {
        assert!(!skeleton.contains(&format!("canary-{class}-")), "{class}");
    }
}

#[test]
fn a_patient_shows_each_canary_to_its_class_only() {
    check_canaries(&json!({
        "resourceType": "Patient", "id": ID,
        "text": {"status": "generated", "div": "<div>canary-narrative-1</div>"},
        "extension": [
            {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [{"url": "text", "valueString": "canary-sensitive-1"}]},
            {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "canary-identity-1"},
            {"url": "http://example.org/of-nobody", "valueString": "canary-sensitive-2"},
        ],
        "identifier": [{"use": "usual", "system": "urn:x", "value": "canary-identity-2", "assigner": {"display": "canary-identity-3"}}],
        "active": true,
        "name": [{"family": "canary-identity-4", "given": ["canary-identity-5", "canary-identity-6"], "text": "canary-identity-7"}],
        "telecom": [{"system": "phone", "value": "canary-contact-1"}],
        "gender": "canary-identity-8", "birthDate": "canary-identity-9",
        "_birthDate": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "canary-identity-10"}]},
        "deceasedDateTime": "canary-identity-11",
        "address": [{"line": ["canary-contact-2"], "_line": [{"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetName", "valueString": "canary-contact-3"}]}],
            "city": "canary-contact-4", "postalCode": "canary-contact-5",
            "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": [{"url": "latitude", "valueString": "canary-contact-6"}]}]}],
        "maritalStatus": {"text": "canary-identity-12"},
        "photo": [{"contentType": "image/png", "data": "canary-identity-13", "title": "canary-identity-14"}],
        "contact": [{"name": {"family": "canary-contact-7"}, "telecom": [{"value": "canary-contact-8"}]}],
        "communication": [{"language": {"text": "canary-contact-9"}}],
        "generalPractitioner": [{"reference": "Practitioner/canary-structure-1", "display": "canary-identity-15"}, {"identifier": {"value": "canary-identity-16"}}],
        "managingOrganization": {"display": "canary-identity-17"},
        "link": [{"other": {"reference": "Patient/canary-structure-2", "display": "canary-identity-18"}, "type": "seealso"}],
    }));
}

#[test]
fn an_observation_shows_each_canary_to_its_class_only() {
    check_canaries(&json!({
        "resourceType": "Observation", "id": ID,
        "meta": {"profile": ["http://canary-structure-1"], "security": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "canary-structure-2"},
            {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "canary-sensitive-1"}]},
        "contained": [{"resourceType": "Device", "id": "d", "serialNumber": "canary-identity-1", "type": {"text": "canary-clinical-1"}}],
        "identifier": [{"value": "canary-identity-2"}],
        "basedOn": [{"reference": "ServiceRequest/canary-structure-3", "display": "canary-identity-3"}],
        "status": "canary-structure-4",
        "category": [{"coding": [{"code": "canary-clinical-2"}]}],
        "code": {"coding": [{"display": "canary-clinical-3"}], "text": "canary-clinical-4"},
        "subject": {"reference": "Patient/canary-structure-5", "type": "Patient", "display": "canary-identity-4"},
        "encounter": {"display": "canary-identity-5"},
        "effectivePeriod": {"start": "canary-clinical-5"}, "issued": "canary-clinical-6",
        "performer": [{"display": "canary-identity-6"}, {"reference": "Practitioner/canary-structure-6"}],
        "valueString": "canary-narrative-9",
        "interpretation": [{"text": "canary-clinical-7"}],
        "note": [{"authorReference": {"reference": "Practitioner/canary-narrative-1"}, "time": "canary-narrative-2", "text": "canary-narrative-3"}],
        "bodySite": {"text": "canary-clinical-8"},
        "referenceRange": [{"low": {"unit": "canary-clinical-9"}}],
        "component": [{"code": {"text": "canary-clinical-10"}, "valueQuantity": {"unit": "canary-clinical-11"}}],
    }));
}

#[test]
fn a_claim_shows_each_canary_to_its_class_only() {
    check_canaries(&json!({
        "resourceType": "Claim", "id": ID,
        "contained": [{"resourceType": "Organization", "id": "o", "name": "canary-financial-1"},
            {"resourceType": "Coverage", "id": "c", "subscriberId": "canary-identity-1", "network": "canary-financial-2"}],
        "identifier": [{"value": "canary-identity-2"}], "status": "canary-structure-1", "use": "canary-structure-2",
        "type": {"text": "canary-financial-3"}, "patient": {"reference": "Patient/canary-structure-3", "display": "canary-identity-3"},
        "billablePeriod": {"start": "canary-financial-4"}, "created": "canary-financial-5",
        "provider": {"reference": "Organization/canary-structure-4"}, "priority": {"text": "canary-financial-6"},
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": {"text": "canary-financial-7"}}],
        "insurance": [{"sequence": 1, "focal": true, "coverage": {"reference": "Coverage/canary-financial-8"}, "preAuthRef": ["canary-financial-9"]}],
        "item": [{"sequence": 1, "productOrService": {"text": "canary-financial-10"}, "unitPrice": {"currency": "canary-financial-11"}}],
        "total": {"value": 12.50, "currency": "canary-financial-12"},
    }));
}

#[test]
fn what_two_classes_hide_needs_both() {
    let value = json!({"resourceType": "Observation", "status": "final",
        "note": [{"text": "n", "authorReference": {"reference": "Practitioner/p", "display": "secret"}}],
        "referenceRange": [{"text": "free"}],
        "code": {"text": "c"}, "component": [{"code": {"text": "k"}, "valueString": "free too"}]});
    let parts = check(&value);
    let seen = |classes: &[DataClass], text: &str| {
        let open = classes.iter().copied().fold(ClassSet::STRUCTURE, ClassSet::with);
        String::from_utf8(see(&parts, open).0).unwrap().contains(text)
    };
    assert!(seen(&[DataClass::Narrative, DataClass::Identity], "secret"));
    assert!(!seen(&[DataClass::Identity], "secret") && !seen(&[DataClass::Narrative], "secret"));
    assert!(
        seen(&[DataClass::Clinical, DataClass::Narrative], "\"free\"") && !seen(&[DataClass::Narrative], "\"free\"")
    );
    assert!(
        seen(&[DataClass::Clinical, DataClass::Narrative], "free too") && !seen(&[DataClass::Clinical], "free too")
    );
}

#[test]
fn the_drug_inside_a_prescription_is_not_structure_but_on_its_own_it_is() {
    let drug = json!({"resourceType": "Medication", "id": "m", "code": {"text": "methadone"}});
    let prescription = json!({"resourceType": "MedicationRequest", "contained": [drug], "status": "active", "intent": "order",
        "medicationReference": {"reference": "#m"}, "subject": {"reference": format!("Patient/{ID}")}});
    let seen = |value: &Value| String::from_utf8(see(&check(value), ClassSet::STRUCTURE).0).unwrap();
    assert!(!seen(&prescription).contains("methadone"));
    assert!(seen(&drug).contains("methadone"));
}

#[test]
fn a_redacted_read_of_a_directory_record_shows_names_but_no_home_address() {
    let value = json!({"resourceType": "Practitioner", "id": "dr-x", "name": [{"family": "Vance"}], "identifier": [{"value": "npi-1"}],
        "telecom": [{"value": "home-phone"}], "birthDate": "1970-01-01", "qualification": [{"code": {"text": "MD"}, "issuer": {"display": "Board"}}]});
    let shown = String::from_utf8(see(&check(&value), ClassSet::STRUCTURE).0).unwrap();
    assert!(shown.contains("Vance") && shown.contains("npi-1") && shown.contains("Board"));
    assert!(!shown.contains("home-phone") && !shown.contains("1970"));
}

#[test]
fn nothing_is_left_empty() {
    check(&json!({"resourceType": "Patient", "generalPractitioner": [{"extension": [{"url": "x", "valueCode": "y"}]}],
        "_active": {"extension": [{"url": "x", "valueCode": "y"}]},
        "link": [{"extension": [{"url": "x", "valueString": "y"}]}, {"extension": [{"url": "x", "valueString": "y"}]}],
        "managingOrganization": {"extension": [{"url": "x", "valueReference": {"display": "z"}}]}}));
    check(
        &json!({"resourceType": "Patient", "name": [{"_given": [null, {"extension": [{"url": "x", "valueCode": "y"}]}], "given": ["A", "B"]}],
        "_birthDate": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}}),
    );
    check(
        &json!({"resourceType": "Group", "type": "person", "actual": true, "member": [{"period": {"start": "2020"}}, {"entity": {"reference": "Patient/x"}}]}),
    );
}

#[test]
fn siblings_apart_from_their_primitives_keep_their_place() {
    let text = format!(
        r#" {{ "resourceType" : "Patient", "_birthDate": {{"id":"b"}}, "id":"{ID}", "meta" : {{ "versionId":"9", "source":"s", "lastUpdated":"x" }},
        "name":[{{"family":"A\u00e9\"\\", "given":[ "B" , "C" ]}}],  "multipleBirthInteger": 2e0, "birthDate":"1970-01-01" }} "#
    );
    let document = parse(text.as_bytes());
    let parts = split_stamped(&document, ResourceType::parse("Patient").unwrap(), ID);
    let (full, _) = see(&parts, ClassSet::ALL);
    let expected = format!(
        r#"{{"resourceType":"Patient","_birthDate":{{"id":"b"}},"id":"{ID}","meta":{{"versionId":"3","lastUpdated":"2023-11-14T22:13:20.000Z","source":"s"}},"name":[{{"family":"A\u00e9\"\\","given":["B","C"]}}],"multipleBirthInteger":2e0,"birthDate":"1970-01-01"}}"#
    );
    let mut swapped = expected.clone();
    // `lastUpdated` stands where the client wrote it.
    swapped = swapped.replace(
        r#","lastUpdated":"2023-11-14T22:13:20.000Z","source":"s"}"#,
        r#","source":"s","lastUpdated":"2023-11-14T22:13:20.000Z"}"#,
    );
    assert_eq!(String::from_utf8(full).unwrap(), swapped);
    let (shown, _) = see(&parts, ClassSet::STRUCTURE);
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown["_birthDate"]["extension"][0]["valueCode"], "masked");
    assert_eq!(shown["meta"]["security"][0]["code"], "REDACTED");
    assert_eq!(shown.as_object().unwrap().len(), 4);
}

#[test]
fn id_and_meta_are_added_where_they_belong() {
    let rtype = ResourceType::parse("Basic").unwrap();
    let full = |text: &str| {
        String::from_utf8(see(&split_stamped(&parse(text.as_bytes()), rtype, "b"), ClassSet::ALL).0).unwrap()
    };
    let meta = r#""meta":{"versionId":"3","lastUpdated":"2023-11-14T22:13:20.000Z"}"#;
    assert_eq!(
        full(r#"{"resourceType":"Basic","code":{}}"#),
        format!(r#"{{"resourceType":"Basic","id":"b",{meta},"code":{{}}}}"#)
    );
    assert_eq!(
        full(r#"{"resourceType":"Basic","language":"en","id":"x"}"#),
        format!(r#"{{"resourceType":"Basic","language":"en","id":"b",{meta}}}"#)
    );
    assert_eq!(
        full(r#"{"resourceType":"Basic","meta":{"lastUpdated":"x"}}"#),
        format!(r#"{{"resourceType":"Basic","id":"b",{meta}}}"#)
    );
    assert_eq!(full("{}"), format!(r#"{{"id":"b",{meta}}}"#));
}

#[test]
fn unknown_members_and_wrong_shapes_are_sensitive() {
    for text in [
        r#"{"resourceType":"Basic","secret":"canary"}"#,
        r#"{"resourceType":"Basic","subject":"canary"}"#,
        r#"{"resourceType":"Basic","status":{"a":"canary"},"implicitRules":["canary"]}"#,
        r#"{"resourceType":"Basic","subject":{"reference":{"x":"canary"}}}"#,
        r#"{"resourceType":"Basic","_language":"canary"}"#,
        r#"{"resourceType":"Basic","_language":["canary"]}"#,
        r#"{"resourceType":"Basic","_language":{"extension":"canary","x":"canary"}}"#,
        r#"{"resourceType":"Basic","extension":{"url":"canary"}}"#,
        r#"{"resourceType":"Basic","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueString":"canary"}]}"#,
        r#"{"resourceType":"Basic","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/rendered-value","valueString":"canary"}]}"#,
        r#"{"resourceType":"Basic","contained":[{"resourceType":"canary"}, "canary"]}"#,
        r#"{"resourceType":"Basic","meta":{"security":[{"code":"canary"}],"canary":1}}"#,
        r#"{"resourceType":"Basic","meta":{"project":"canary"}}"#,
    ] {
        let parts = split_stamped(&parse(text.as_bytes()), ResourceType::parse("Basic").unwrap(), "b");
        let sensitive = ClassSet::STRUCTURE.with(DataClass::Sensitive);
        let (shown, redacted) = see(&parts, ClassSet::ALL.without(DataClass::Sensitive));
        assert!(redacted && !String::from_utf8_lossy(&shown).contains("canary"), "{text}");
        serde_json::from_slice::<Value>(&shown).unwrap();
        assert!(String::from_utf8_lossy(&see(&parts, sensitive).0).contains("canary"), "{text}");
    }
}

#[test]
fn redacted_is_said_once() {
    let label = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED"});
    let parts = check(&json!({"resourceType": "Basic", "meta": {"security": [label]}, "code": {"text": "x"}}));
    let (shown, redacted) = see(&parts, ClassSet::STRUCTURE);
    assert!(redacted);
    assert_eq!(String::from_utf8(shown).unwrap().matches("REDACTED").count(), 1);
    let parts = check(
        &json!({"resourceType": "Basic", "meta": {"security": [{"system": "http://x", "code": "HIV"}]}, "code": {"text": "x"}}),
    );
    let (shown, _) = see(&parts, ClassSet::STRUCTURE);
    assert!(!String::from_utf8(shown).unwrap().contains("HIV"));
}

#[test]
fn a_record_belongs_to_the_first_patient_that_its_rule_names() {
    let subject = SubjectId::of_patient(ID).unwrap();
    let other = "1363ed76-25b9-dc4f-6de7-6ee133d82db3";
    let of = |value: Value| subject_of(doc(&value).root(), rtype_of(&value));
    assert_eq!(of(json!({"resourceType": "Patient", "id": ID})), SubjectFound::Patient(subject));
    assert_eq!(of(json!({"resourceType": "Patient", "id": "x"})), SubjectFound::Unresolvable);
    let me = json!({"reference": format!("Patient/{ID}")});
    let them = json!({"reference": format!("Patient/{other}")});
    assert_eq!(
        of(json!({"resourceType": "Observation", "performer": [them], "subject": me})),
        SubjectFound::Patient(subject)
    );
    assert_eq!(
        of(json!({"resourceType": "Observation", "performer": [{"reference": "Practitioner/1"}, me]})),
        SubjectFound::Patient(subject)
    );
    assert_eq!(
        of(json!({"resourceType": "Observation", "subject": {"reference": "Group/1"}})),
        SubjectFound::Directory
    );
    assert_eq!(
        of(
            json!({"resourceType": "Appointment", "participant": [{"actor": {"reference": "Location/1"}}, {"actor": me}]})
        ),
        SubjectFound::Patient(subject)
    );
    assert_eq!(
        of(json!({"resourceType": "Provenance", "target": [{"reference": "Observation/1"}, me]})),
        SubjectFound::Patient(subject)
    );
    assert_eq!(of(json!({"resourceType": "Organization", "name": "x"})), SubjectFound::Directory);
    assert_eq!(
        of(json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Composition", "subject": me}}]})),
        SubjectFound::Patient(subject)
    );
    for wrong in [
        "Patient/1",
        "http://x/fhir/Patient/1",
        "urn:uuid:057aa36e-b892-9964-75b9-ffb46b097e34",
        "Patient?identifier=1",
        "#p",
    ] {
        let value = json!({"resourceType": "Condition", "contained": [{"resourceType": "Patient", "id": "p"}], "subject": {"reference": wrong}, "recorder": me});
        assert_eq!(of(value), SubjectFound::Unresolvable, "{wrong}");
    }
    assert_eq!(
        of(json!({"resourceType": "Condition", "subject": {"type": "Patient", "identifier": {"value": "1"}}})),
        SubjectFound::Unresolvable
    );
    let value = json!({"resourceType": "Observation", "subject": me, "performer": [them, me, {"reference": "Practitioner/1"}, them]});
    let others = other_subjects(doc(&value).root(), rtype_of(&value), subject);
    assert_eq!(others, [SubjectId::of_patient(other).unwrap()]);
}

#[test]
fn every_element_that_may_point_at_a_patient_is_in_the_rule_of_its_type() {
    let patient = ResourceType::parse("Patient").unwrap();
    for rtype in ResourceType::all() {
        let rule = crate::table::SUBJECT_PATHS[usize::from(rtype.code())];
        let compartment = aceso_fhir::definitions::patient_params(rtype);
        assert!(compartment.is_empty() || !rule.is_empty(), "{rtype}");
    }
    let reference = TypeRef::of_datatype("Reference").unwrap();
    for scope in TypeRef::all() {
        let (name, below) = scope.name().split_once('.').unwrap_or((scope.name(), ""));
        let Some(rtype) = ResourceType::parse(name) else { continue };
        for element in scope.elements() {
            if element.value != ValueType::Complex(reference) || !element.targets().contains(&patient) {
                continue;
            }
            let steps: Vec<&str> = below.split('.').filter(|step| !step.is_empty()).chain([element.key]).collect();
            let rule = crate::table::SUBJECT_PATHS[usize::from(rtype.code())];
            assert!(rule.contains(&steps.as_slice()), "{} is not in the rule of {rtype}", element.path);
        }
    }
}

/// The patients of the repository, or with `ACESO_SYNTHEA=DIR` all bundles of a folder, every one of their resources.
#[test]
fn synthetic_patients_come_apart_and_together_for_every_set_of_classes() {
    let chosen = std::env::var_os("ACESO_SYNTHEA").map(std::path::PathBuf::from);
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/synthea");
    let folder = chosen.clone().unwrap_or(own);
    let mut seen = 0;
    let mut types = std::collections::BTreeSet::new();
    each_synthetic(&folder, &mut |value| {
        // Of the repository's patients every tenth resource of a type seen before, to keep the time.
        let new = types.insert(rtype_of(&value));
        seen += 1;
        if new || seen % 10 == 0 || chosen.is_some() {
            check(&value);
        }
    });
    assert!(types.len() > 10, "{} types in {}", types.len(), folder.display());
}

fn each_synthetic(folder: &std::path::Path, visit: &mut dyn FnMut(Value)) {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "bz2")) {
        let mut text = Vec::new();
        bzip2::read::BzDecoder::new(std::fs::File::open(file).unwrap()).read_to_end(&mut text).unwrap();
        let bundle: Value = serde_json::from_slice(&text).unwrap();
        for entry in bundle["entry"].as_array().unwrap() {
            visit(entry["resource"].clone());
        }
    }
}
