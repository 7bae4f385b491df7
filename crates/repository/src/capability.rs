//! The CapabilityStatement (R4 capabilitystatement.html): generated from the same tables that the server answers by.

use crate::scope::described;
use crate::{PatchFormat, Settings, TerminologyOperation};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::{ParamKind, SearchParam, params_of};
use serde_json::{Value, json};

/// What the server can do, as JSON text. `date` is a FHIR dateTime: when this build's abilities were fixed.
#[must_use]
pub fn capability_statement(settings: &Settings, software_version: &str, date: &str) -> Vec<u8> {
    let resources: Vec<Value> = ResourceType::all().map(resource).collect();
    let statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": { "name": "Aceso", "version": software_version },
        "implementation": { "description": "Aceso FHIR endpoint", "url": settings.base_url },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "patchFormat": PatchFormat::MEDIA_TYPES,
        "rest": [{
            "mode": "server",
            "documentation": "Reads are redacted by default and open by role and purpose of use (X-Purpose-Of-Use). \
                Every access is in the audit log (X-Audit-Receipt).",
            "security": {
                "cors": false,
                "service": [{ "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "OAuth"
                }] }],
                "description": "OAuth 2.0 bearer tokens from /oauth2/token"
            },
            "resource": resources,
            "interaction": [{ "code": "transaction" }, { "code": "batch" }],
        }],
    });
    statement.to_string().into_bytes()
}

fn resource(rtype: ResourceType) -> Value {
    let served: Vec<&SearchParam> = params_of(rtype).iter().filter(|param| param.is_served()).collect();
    let params: Vec<Value> = served.iter().map(|param| search_param(rtype, param)).collect();
    let references: Vec<String> = served
        .iter()
        .filter(|param| param.kind == ParamKind::Reference)
        .map(|param| format!("{}:{}", rtype.name(), param.code))
        .collect();
    let interactions = ["read", "vread", "history-instance", "create", "update", "patch", "delete", "search-type"];
    let mut resource = json!({
        "type": rtype.name(),
        "interaction": interactions.map(|code| json!({ "code": code })),
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": true,
        "conditionalCreate": true,
        "conditionalRead": "full-support",
        "conditionalUpdate": true,
        "conditionalDelete": "single",
        "searchParam": params,
    });
    // An empty array is no FHIR (R4 json.html).
    if let Some(members) = resource.as_object_mut().filter(|_| !references.is_empty()) {
        members.insert("searchInclude".to_owned(), references.into());
    }
    let operations = operations(rtype);
    if !operations.is_empty()
        && let Some(members) = resource.as_object_mut()
    {
        members.insert("operation".to_owned(), operations.into());
    }
    resource
}

fn operations(rtype: ResourceType) -> Vec<Value> {
    let everything = ("Patient", "everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything");
    let all = [everything].into_iter().chain(TerminologyOperation::ALL.map(TerminologyOperation::definition));
    let own = all.filter(|(of, ..)| *of == rtype.name()).chain([(
        rtype.name(),
        "validate",
        "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    )]);
    own.map(|(_, name, definition)| json!({ "name": name, "definition": definition })).collect()
}

fn search_param(rtype: ResourceType, param: &SearchParam) -> Value {
    json!({ "name": param.code, "type": kind(param.kind), "documentation": described(rtype, param) })
}

const fn kind(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Number => "number",
        ParamKind::Date => "date",
        ParamKind::String => "string",
        ParamKind::Token => "token",
        ParamKind::Reference => "reference",
        ParamKind::Composite => "composite",
        ParamKind::Quantity => "quantity",
        ParamKind::Uri => "uri",
        ParamKind::Special => "special",
    }
}
