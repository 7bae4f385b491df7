//! An entry as people read it: what an export puts beside the canonical bytes.

use serde::Serialize;

use aceso_base::Timestamp;

use crate::entry::Entry;

#[derive(Serialize)]
struct Shown<'a> {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    region: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    class: &'static str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    elements: &'a [crate::entry::Name],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parameters: &'a [crate::entry::Name],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
}

impl Entry {
    /// The entry as a JSON object for people and reports; fields that say nothing are left out. Records are written as
    /// FHIR versioned references (`Patient/…/_history/3`), keys as `id/version`.
    ///
    /// # Errors
    /// None in practice: every field is a text, a number or a list of them.
    pub fn to_json(&self, time: Timestamp) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.shown(time))
    }

    fn shown(&self, time: Timestamp) -> Shown<'_> {
        Shown {
            time: time.to_string(),
            tenant: self.tenant.as_ref().map(|id| id.as_str()),
            region: self.region.as_str(),
            request: self.request.map(|id| id.to_string()),
            user: self.user.as_ref().map(|id| id.as_str()),
            client: self.client.as_ref().map(|id| id.as_str()),
            session: self.session.map(|id| id.to_string()),
            roles: self.roles.iter().map(|role| role.as_str()).collect(),
            purpose: self.purpose.map(|purpose| purpose.as_str()),
            class: self.action.class().as_str(),
            action: self.action.as_str(),
            detail: self.detail.as_ref().map(|code| code.as_str()),
            outcome: self.outcome.as_str(),
            reason: self.outcome.reason().map(|code| code.as_str()),
            grant: self.grant.map(|id| id.to_string()),
            classes: self.classes.iter().map(|class| class.as_str()).collect(),
            elements: &self.elements,
            parameters: &self.parameters,
            subjects: self.subjects.iter().map(ToString::to_string).collect(),
            records: self.records.iter().map(crate::entry::RecordRef::reference).collect(),
            keys: self.keys.iter().map(|key| format!("{}/{}", key.id, key.version)).collect(),
            count: self.count,
            policy: self.policy.as_deref(),
        }
    }
}
