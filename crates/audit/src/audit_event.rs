//! Entries as FHIR R4 `AuditEvent`s, in the style of IHE BALP (Basic Audit Log Patterns 1.1): a projection, not a stored record.

use serde_json::{Value, json};

use crate::action::{Action, ActionClass, Outcome};
use crate::entry::Entry;
use crate::reader::LoggedEntry;

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const PURPOSE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const BALP_ENTITY: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";

/// The entry as an `AuditEvent` whose id is its index. All patients of an entry are in one event, where BALP has one per
/// patient; the query of a search is not in the log, so its parameter names stand in `entity.detail`.
#[must_use]
pub fn to_audit_event(logged: &LoggedEntry) -> Value {
    let entry = &logged.entry;
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": logged.index.to_string(),
        "type": event_type(entry.action),
        "subtype": subtypes(entry.action),
        "action": action_code(entry.action),
        "recorded": logged.time.to_string(),
        "outcome": match entry.outcome { Outcome::Granted => "0", Outcome::Denied(_) => "4", Outcome::Failed(_) => "8" },
        "agent": agents(entry),
        "source": { "observer": { "display": format!("aceso {}", entry.region) } },
    });
    if let Some(members) = event.as_object_mut() {
        if let Some(reason) = entry.outcome.reason() {
            members.insert("outcomeDesc".to_owned(), json!(reason.as_str()));
        }
        if let Some(purpose) = entry.purpose {
            let coding = json!([{ "coding": [{ "system": PURPOSE, "code": purpose.as_str() }] }]);
            members.insert("purposeOfEvent".to_owned(), coding);
        }
        let entities = entities(entry);
        if !entities.is_empty() {
            members.insert("entity".to_owned(), Value::Array(entities));
        }
    }
    event
}

fn coding(system: &str, code: &str) -> Value {
    json!({ "system": system, "code": code })
}

fn event_type(action: Action) -> Value {
    match action.class() {
        ActionClass::Read | ActionClass::Write => coding(EVENT_TYPE, "rest"),
        ActionClass::Auth => coding(DICOM, "110114"),
        ActionClass::Key => coding(DICOM, "110113"),
        ActionClass::Admin if action == Action::LogRead => coding(DICOM, "110101"),
        ActionClass::Admin => coding(DICOM, "110113"),
        ActionClass::System => coding(DICOM, "110100"),
    }
}

/// The code of the standard vocabularies where there is one, and always the name in this log.
fn subtypes(action: Action) -> Vec<Value> {
    let standard = match action {
        Action::Read | Action::Vread | Action::Create | Action::Update | Action::Patch | Action::Delete => {
            Some(coding(INTERACTION, action.as_str()))
        }
        Action::History => Some(coding(INTERACTION, "history-instance")),
        Action::Search => Some(coding(INTERACTION, "search-type")),
        Action::Everything | Action::Export => Some(coding(INTERACTION, "operation")),
        Action::LoggedIn | Action::LoginFailed => Some(coding(DICOM, "110122")),
        Action::LoggedOut => Some(coding(DICOM, "110123")),
        Action::SystemStart => Some(coding(DICOM, "110120")),
        Action::SystemStop => Some(coding(DICOM, "110121")),
        Action::PolicyChanged => Some(coding(DICOM, "110129")),
        _ => None,
    };
    standard.into_iter().chain([coding("urn:aceso:audit-action", action.as_str())]).collect()
}

/// AuditEvent.action: create, read, update, delete, or execute for searches and everything else.
const fn action_code(action: Action) -> &'static str {
    match action {
        Action::Create => "C",
        Action::Read | Action::Vread | Action::History => "R",
        Action::Update | Action::Patch => "U",
        Action::Delete => "D",
        _ => "E",
    }
}

fn agents(entry: &Entry) -> Vec<Value> {
    let mut agents = Vec::new();
    if let Some(client) = &entry.client {
        // A reader receives (destination), a writer sends (source).
        let role = if entry.action.class() == ActionClass::Write { "110153" } else { "110152" };
        agents.push(json!({
            "type": { "coding": [coding(DICOM, role)] },
            "who": { "identifier": { "value": client.as_str() } },
            "requestor": entry.user.is_none(),
        }));
    }
    if let Some(user) = &entry.user {
        let mut agent = json!({
            "type": { "coding": [coding(PARTICIPATION, "IRCP")] },
            "who": { "identifier": { "value": user.as_str() } },
            "requestor": true,
        });
        let roles: Vec<Value> = entry.roles.iter().map(|role| json!({ "text": role.as_str() })).collect();
        if let (Some(members), false) = (agent.as_object_mut(), roles.is_empty()) {
            members.insert("role".to_owned(), Value::Array(roles));
        }
        agents.push(agent);
    }
    if agents.is_empty() {
        // AuditEvent.agent is required: the system acted by itself.
        agents.push(json!({
            "type": { "coding": [coding(DICOM, "110150")] },
            "who": { "display": "aceso" },
            "requestor": true,
        }));
    }
    agents
}

fn entities(entry: &Entry) -> Vec<Value> {
    let mut entities = Vec::new();
    if let Some(request) = entry.request {
        entities.push(json!({
            "what": { "identifier": { "value": request.to_string() } },
            "type": coding(BALP_ENTITY, "XrequestId"),
        }));
    }
    for subject in entry.subjects.iter().filter(|subject| !subject.is_directory()) {
        entities.push(json!({
            "what": { "reference": format!("Patient/{subject}") },
            "type": coding(ENTITY_TYPE, "1"),
            "role": coding(ENTITY_ROLE, "1"),
        }));
    }
    for record in &entry.records {
        entities.push(json!({
            "what": { "reference": record.reference() },
            "type": coding(ENTITY_TYPE, "2"),
            "role": coding(ENTITY_ROLE, "4"),
        }));
    }
    if !entry.parameters.is_empty() {
        let detail = |name| json!({ "type": "search-parameter", "valueString": name });
        entities.push(json!({
            "type": coding(ENTITY_TYPE, "2"),
            "role": coding(ENTITY_ROLE, "24"),
            "detail": entry.parameters.iter().map(detail).collect::<Vec<_>>(),
        }));
    }
    entities
}
