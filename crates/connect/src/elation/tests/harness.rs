//! What the tests share: ids, contexts, values to hide, and a way to look into what was made.

use aceso_base::{LogicalId, Timestamp, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Kind, Limits, Node};
use aceso_fhir::{ValidateOptions, validate};
use aws_lc_rs::hmac;
use serde_json::{Map, Value, json};

use crate::elation::model::{self, Read, Shape};
use crate::fhir::SOURCE_EXTENSION;
use crate::pattern::{ConnectionId, IdMinter, MapContext, MapError, Mapped, MappedRecord, SourceKey, mint};
use crate::table::{self, Table};

/// HMAC-SHA-256 under a key of the tests.
pub(super) struct Ids(hmac::Key);

impl Ids {
    pub(super) fn new() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, b"a key for tests, known to everyone"))
    }
}

impl IdMinter for Ids {
    fn keyed(&self, input: &[u8]) -> [u8; 16] {
        let tag = hmac::sign(&self.0, input);
        tag.as_ref().get(..16).unwrap().try_into().unwrap()
    }
}

pub(super) fn connection() -> ConnectionId {
    ConnectionId::parse("clinic-1").unwrap()
}

/// The logical id that an object has here.
pub(super) fn minted(kind: &str, id: &str) -> String {
    mint(&Ids::new(), &SourceKey { connection: &connection(), kind, id, part: "" }).to_string()
}

/// Maps with a store that knows what `is_known` says.
pub(super) fn map_with(
    kind: &str,
    object: Vec<u8>,
    is_known: &dyn Fn(ResourceType, &LogicalId) -> bool,
) -> Result<Mapped, MapError> {
    let (ids, connection) = (Ids::new(), connection());
    let received = Timestamp(1_790_000_000_000);
    crate::elation::map(kind, object, &MapContext { connection: &connection, ids: &ids, received, is_known })
}

/// Maps with a store that knows everything.
pub(super) fn map(kind: &str, object: &Value) -> Result<Mapped, MapError> {
    map_with(kind, object.to_string().into_bytes(), &|_, _| true)
}

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    ("practices", "practices"),
    ("physicians", "physicians"),
    ("patients", "patients"),
    ("problems", "problems"),
    ("allergies", "allergies"),
    ("drug_intolerances", "drug_intolerances"),
    ("medications", "medications"),
    ("discontinued_medications", "discontinued_medications"),
    ("prescription_fills", "prescription_fills"),
    ("lab_orders", "lab_orders"),
    ("reports", "reports"),
    ("reports", "reports-cardiac"),
    ("vitals", "vitals"),
    ("appointments", "appointments"),
    ("appointments", "appointments-block"),
];

pub(super) fn example_text(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/testdata/elation/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub(super) fn example(name: &str) -> Value {
    serde_json::from_slice(&example_text(name)).unwrap()
}

/// Every record is valid R4 of its type and id, and belongs to the patient whom its references name.
pub(super) fn check_valid(mapped: &Mapped, what: &str) {
    assert!(!mapped.records.is_empty(), "{what}: nothing was made");
    for record in &mapped.records {
        let doc = Doc::parse(record.json.to_vec(), &Limits::default()).unwrap();
        let options = ValidateOptions { allow_conditional: false, expected: Some(record.rtype) };
        if let Err(issues) = validate(&doc, &options) {
            panic!("{what}: {issues:#?}\n{}", String::from_utf8_lossy(&record.json));
        }
        assert_eq!(doc.root().get("id").unwrap().as_str().unwrap(), record.id.as_str(), "{what}");
        let found = aceso_labels::subject_of(doc.root(), record.rtype);
        let expected = if record.subject.is_directory() {
            aceso_labels::SubjectFound::Directory
        } else {
            aceso_labels::SubjectFound::Patient(record.subject)
        };
        assert_eq!(found, expected, "{what}: {}", record.rtype);
    }
    let ids: std::collections::BTreeSet<&str> = mapped.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids.len(), mapped.records.len(), "{what}: two records share an id");
    let last = mapped.records.last().unwrap();
    assert_eq!(last.rtype.name(), "Provenance", "{what}");
}

/// What a record shows to whoever may read it without any class; put together again it must be the record.
pub(super) fn structure_of(record: &MappedRecord) -> String {
    let doc = Doc::parse(record.json.to_vec(), &Limits::default()).unwrap();
    let stamp = aceso_labels::Stamp { id: &record.id, version: Version::FIRST, updated: Timestamp(0) };
    let split = aceso_labels::split(&doc, record.rtype, &stamp);
    let mut whole = Vec::new();
    let shown = aceso_labels::splice(split.structure(), &split.parts().map(Some), &mut whole).unwrap();
    assert!(!shown.redacted);
    let mut put_together: Value = serde_json::from_slice(&whole).unwrap();
    let made: Value = serde_json::from_slice(&record.json).unwrap();
    put_together["meta"] = made["meta"].clone();
    assert_eq!(put_together, made);
    String::from_utf8(split.structure().to_vec()).unwrap()
}

/// The records, as JSON values.
pub(super) fn values(mapped: &Mapped) -> Vec<Value> {
    mapped.records.iter().map(|record| serde_json::from_slice(&record.json).unwrap()).collect()
}

/// The first record of a type.
pub(super) fn first<'v>(values: &'v [Value], rtype: &str) -> &'v Value {
    values.iter().find(|value| value["resourceType"] == rtype).expect("a record of this type")
}

/// Every leaf of every record but the `Provenance`: its path without indexes, and its text.
pub(super) fn leaves(mapped: &Mapped) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for record in mapped.records.iter().filter(|record| record.rtype.name() != "Provenance") {
        let doc = Doc::parse(record.json.to_vec(), &Limits::default()).unwrap();
        walk(doc.root(), record.rtype.name().to_owned(), &mut out);
    }
    out
}

fn walk(node: Node<'_>, path: String, out: &mut Vec<(String, String)>) {
    match node.kind() {
        Kind::Object => {
            for member in node.members() {
                walk(member.value, format!("{path}.{}", member.key), out);
            }
        }
        Kind::Array => {
            for item in node.items() {
                let url = item.get("url").and_then(Node::as_str).filter(|_| path.ends_with("extension"));
                let below = match url.as_deref() {
                    Some(SOURCE_EXTENSION) => format!("kept with {}", path.split('.').next().unwrap()),
                    Some(url) => format!("{path}({})", url.rsplit('/').next().unwrap()),
                    None => path.clone(),
                };
                walk(item, below, out);
            }
        }
        Kind::String => out.push((path, node.as_str().unwrap().into_owned())),
        Kind::Number => out.push((path, node.number_text().unwrap().to_owned())),
        Kind::Bool => out.push((path, node.as_bool().unwrap().to_string())),
        Kind::Null => {}
    }
}

/// The shape of a kind of object.
pub(super) fn shape_of(kind: &str) -> Shape {
    match kind {
        "practices" => model::Practice::shape(),
        "physicians" => model::Physician::shape(),
        "patients" => model::Patient::shape(),
        "problems" => model::Problem::shape(),
        "allergies" => model::Allergy::shape(),
        "drug_intolerances" => model::DrugIntolerance::shape(),
        "medications" => model::MedOrder::shape(),
        "discontinued_medications" => model::Discontinuation::shape(),
        "prescription_fills" => model::Fill::shape(),
        "lab_orders" => model::LabOrder::shape(),
        "reports" => model::Report::shape(),
        "vitals" => model::Vitals::shape(),
        "appointments" => model::Appointment::shape(),
        other => panic!("no shape for {other}"),
    }
}

/// Members whose texts are codes of a table.
pub(super) fn coded() -> Vec<(&'static str, &'static str, &'static Table)> {
    vec![
        ("practices", "status", &table::PRACTICE_STATUS),
        ("practices", "service_locations.0.status", &table::LOCATION_STATUS),
        ("patients", "sex", &table::SEX),
        ("patients", "gender_identity", &table::GENDER_IDENTITY),
        ("patients", "sexual_orientation", &table::SEXUAL_ORIENTATION),
        ("patients", "pronouns", &table::PRONOUNS),
        ("patients", "race", &table::RACE),
        ("patients", "ethnicity", &table::ETHNICITY),
        ("patients", "preferred_language", &table::LANGUAGE),
        ("patients", "phones.0.phone_type", &table::PHONE_TYPE),
        ("patients", "patient_status.status", &table::PATIENT_STATUS),
        ("patients", "insurances.0.rank", &table::INSURANCE_RANK),
        ("patients", "insurances.0.payment_program", &table::PAYMENT_PROGRAM),
        ("patients", "insurances.0.relationship_to_insured", &table::SUBSCRIBER_RELATIONSHIP),
        ("patients", "insurances.0.insured_person_gender", &table::INSURED_GENDER),
        ("medications", "order_type", &table::ORDER_TYPE),
        ("medications", "medication_type", &table::MEDICATION_TYPE),
        ("medications", "qty_units", &table::QUANTITY_UNIT),
        ("prescription_fills", "fill_status", &table::FILL_STATUS),
        ("lab_orders", "content.fasting_method", &table::FASTING_METHOD),
        ("lab_orders", "content.stat_method", &table::STAT_METHOD),
        ("lab_orders", "resolution.state", &table::RESOLUTION),
        ("reports", "grids.0.status", &table::RESULT_STATUS),
        ("reports", "grids.0.results.0.status", &table::RESULT_STATUS),
        ("reports", "grids.0.results.0.abnormal_flag", &table::ABNORMAL_FLAG),
        ("reports", "grids.0.results.0.value_type", &table::VALUE_TYPE),
        ("reports", "grids.0.results.0.units", &table::UNIT),
        ("problems", "status", &table::PROBLEM_STATUS),
        ("problems", "verification_status", &table::VERIFICATION_STATUS),
        ("allergies", "status", &table::ALLERGY_STATUS),
        ("allergies", "severity", &table::SEVERITY),
        ("drug_intolerances", "status", &table::ALLERGY_STATUS),
        ("drug_intolerances", "severity", &table::SEVERITY),
        ("vitals", "height.0.units", &table::UNIT),
        ("vitals", "temperature.0.units", &table::UNIT),
        ("appointments", "status.status", &table::APPOINTMENT_STATUS),
        ("appointments", "mode", &table::APPOINTMENT_MODE),
        ("appointments", "time_slot_type", &table::TIME_SLOT_TYPE),
    ]
}

/// A hidden value of a member.
pub(super) struct Canary {
    pub(super) path: String,
    pub(super) kind: CanaryKind,
    pub(super) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CanaryKind {
    Text,
    Id,
    Number,
    Day,
    Time,
    Flag,
}

/// An object with another value in every leaf that its model has; lists have one item.
pub(super) fn filled(shape: &Shape, path: &str, canaries: &mut Vec<Canary>) -> Value {
    let number = canaries.len();
    let mut hide = |kind: CanaryKind, text: String| {
        canaries.push(Canary { path: path.to_owned(), kind, text: text.clone() });
        Value::String(text)
    };
    match shape {
        Shape::Text => hide(CanaryKind::Text, format!("canary{number:05}")),
        Shape::Id => {
            let id = 900_000_000_000_000_u64 + number as u64;
            hide(CanaryKind::Id, id.to_string());
            json!(id)
        }
        Shape::Number => hide(CanaryKind::Number, format!("7{number:05}")),
        Shape::Day => {
            let day = jiff::civil::date(1901, 1, 1).checked_add(jiff::Span::new().days(number as i64)).unwrap();
            hide(CanaryKind::Day, day.to_string())
        }
        Shape::Time => {
            let day = jiff::civil::date(1951, 1, 1).checked_add(jiff::Span::new().days(number as i64)).unwrap();
            hide(CanaryKind::Time, format!("{day}T01:02:03Z"))
        }
        Shape::Flag => {
            hide(CanaryKind::Flag, "true".into());
            json!(true)
        }
        Shape::Any => {
            let text = format!("canary{number:05}");
            hide(CanaryKind::Text, text.clone());
            json!([{ "inside": text }])
        }
        Shape::Object(members) => {
            let mut object = Map::new();
            for (name, shape) in members {
                let below = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
                object.insert((*name).to_owned(), filled(shape, &below, canaries));
            }
            Value::Object(object)
        }
        Shape::List(item) => Value::Array(vec![filled(item, &format!("{path}.0"), canaries)]),
    }
}

/// The place of a path in a value.
pub(super) fn at<'v>(value: &'v mut Value, path: &str) -> &'v mut Value {
    path.split('.').fold(value, |value, step| match step.parse::<usize>() {
        Ok(index) => &mut value[index],
        Err(_) => &mut value[step],
    })
}
