//! Writing patients (note, sections 1.4 and 1.6).

use crate::changes::person_of;
use crate::facts::Seconds;
use crate::kind::Kind;
use crate::objects::blank_patient;
use crate::reply::Reply;
use crate::store::{Store, Touched};
use serde_json::{Map, Value, json};

const REQUIRED: &[&str] = &["first_name", "last_name", "dob", "sex", "primary_physician", "caregiver_practice"];

/// What a client cannot write.
const READ_ONLY: &[&str] = &[
    "id",
    "created_date",
    "last_modified",
    "deleted_date",
    "deleted_insurances",
    "merged_into_chart",
    "primary_care_provider_npi",
    "verified",
];

const SEXES: &[&str] = &["Male", "Female", "Other", "Unknown"];

/// `POST /patients/`
pub(crate) fn create(store: &mut Store, body: &[u8], now: Seconds) -> (Reply, Option<Touched>) {
    let sent = match object(body) {
        Ok(sent) => sent,
        Err(refused) => return (refused, None),
    };
    if let Some(errors) = errors(store, &sent, true) {
        return (Reply::json(400, &errors), None);
    }
    if let Some(existing) = person_of(&sent).and_then(|person| store.duplicate(&person)) {
        return (Reply::json(409, &json!({ "detail": "Duplicated object", "redirect": existing })), None);
    }
    let mut new = blank_patient();
    new.insert("patient_status".to_owned(), json!({
        "status": "active", "deceased_date": null, "inactive_reason": null, "last_status_change": null, "notes": null,
    }));
    write(&mut new, sent);
    let touched = store.insert(Kind::Patients, now, |_| new);
    (shown(store, 201, touched), Some(touched))
}

/// `PUT` and `PATCH /patients/{id}/`; a `PUT` must carry what is required.
pub(crate) fn update(
    store: &mut Store,
    ordinal: u64,
    body: &[u8],
    whole: bool,
    now: Seconds,
) -> (Reply, Option<Touched>) {
    let sent = match object(body) {
        Ok(sent) => sent,
        Err(refused) => return (refused, None),
    };
    if let Some(errors) = errors(store, &sent, whole) {
        return (Reply::json(400, &errors), None);
    }
    let edited = store.edit(Kind::Patients, ordinal, now, |known| {
        write(known, sent);
        Some(())
    });
    match edited {
        Some(touched) => (shown(store, 200, touched), Some(touched)),
        None => (Reply::detail(410, "This object has been deleted."), None),
    }
}

fn shown(store: &Store, status: u16, touched: Touched) -> Reply {
    let stored = store.get(touched.kind, touched.ordinal);
    Reply::json(status, stored.as_ref().map_or(&Value::Null, |stored| &stored.body))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Reply> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(sent)) => Ok(sent),
        Ok(_) => Err(Reply::json(400, &json!({ "non_field_errors": ["Invalid data. Expected a dictionary."] }))),
        Err(_) => Err(Reply::detail(400, "JSON parse error")),
    }
}

/// Members that a patient has and a client may write; the rest is ignored.
fn write(known: &mut Map<String, Value>, sent: Map<String, Value>) {
    for (name, value) in sent {
        if known.contains_key(&name) && !READ_ONLY.contains(&name.as_str()) {
            known.insert(name, value);
        }
    }
}

fn errors(store: &Store, sent: &Map<String, Value>, whole: bool) -> Option<Value> {
    let mut errors = Map::new();
    for name in REQUIRED {
        match sent.get(*name) {
            None if whole => {
                errors.insert((*name).to_owned(), json!(["This field is required."]));
            }
            Some(Value::Null) => {
                errors.insert((*name).to_owned(), json!(["This field may not be null."]));
            }
            Some(value) => {
                if let Some(error) = wrong(store, name, value) {
                    errors.insert((*name).to_owned(), json!([error]));
                }
            }
            None => {}
        }
    }
    (!errors.is_empty()).then_some(Value::Object(errors))
}

fn wrong(store: &Store, name: &str, value: &Value) -> Option<&'static str> {
    let text = value.as_str();
    let there = |kind| value.as_i64().and_then(|id| store.ordinal(kind, id)).is_some();
    match name {
        "dob" if text.is_none_or(|text| text.parse::<jiff::civil::Date>().is_err()) => {
            Some("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.")
        }
        "sex" if text.is_none_or(|text| !SEXES.contains(&text)) => Some("Not a valid choice."),
        "primary_physician" if !there(Kind::Physicians) => Some("Invalid pk - object does not exist."),
        "caregiver_practice" if !there(Kind::Practices) => Some("Invalid pk - object does not exist."),
        "first_name" | "last_name" => match text {
            None => Some("Not a valid string."),
            Some(text) if text.trim().is_empty() => Some("This field may not be blank."),
            Some(text) if text.chars().count() > 70 => Some("Ensure this field has no more than 70 characters."),
            Some(_) => None,
        },
        _ => None,
    }
}
