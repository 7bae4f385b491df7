//! What a resource of the source has to be here, said a second time and otherwise than the connector does.

use aceso_connect::pattern::{ConnectionId, IdMinter, SourceKey, mint};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Types that are taken.
const TAKEN: &[&str] = &[
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "Medication",
    "Patient",
    "Encounter",
    "Condition",
    "AllergyIntolerance",
    "MedicationRequest",
    "Observation",
    "DiagnosticReport",
    "CarePlan",
    "DocumentReference",
];

pub(crate) fn minted(ids: &dyn IdMinter, kind: &str, id: &str) -> String {
    let connection = ConnectionId::parse("clinic").unwrap();
    mint(ids, &SourceKey { connection: &connection, kind, id, part: "" }).to_string()
}

/// By name here.
pub(crate) fn expected(truth: &[Value], ids: &dyn IdMinter, profile: &str, base: &str) -> BTreeMap<String, Value> {
    let name =
        |value: &Value| (value["resourceType"].as_str().unwrap().to_owned(), value["id"].as_str().unwrap().to_owned());
    let there: BTreeSet<(String, String)> = truth.iter().map(name).collect();
    let mut all = BTreeMap::new();
    for value in truth {
        let (kind, id) = name(value);
        if !TAKEN.contains(&kind.as_str()) {
            continue;
        }
        let system = |kind: &str| format!("https://aceso.health/fhir/sid/clinic/{profile}/{kind}");
        let own = minted(ids, &kind, &id);
        let mut wanted = value.clone();
        rewrite(&mut wanted, &|reference| {
            let local = reference.strip_prefix(&format!("{base}/")).unwrap_or(reference);
            let (kind, id) = local.split_once('/').filter(|_| !local.contains(':'))?;
            if there.contains(&(kind.to_owned(), id.to_owned())) && TAKEN.contains(&kind) {
                Some(Ok(format!("{kind}/{}", minted(ids, kind, id))))
            } else {
                Some(Err(json!({ "type": kind, "identifier": { "system": system(kind), "value": id } })))
            }
        });
        wanted["id"] = json!(own);
        let meta = wanted["meta"].as_object().cloned().unwrap_or_default();
        let kept = meta
            .into_iter()
            .filter(|(name, _)| name != "versionId" && name != "lastUpdated")
            .collect::<serde_json::Map<_, _>>();
        wanted["meta"] = Value::Object(kept);
        wanted["meta"]["source"] = json!(system(&kind));
        let mut identifiers = wanted["identifier"].as_array().cloned().unwrap_or_default();
        identifiers.push(json!({ "system": system(&kind), "value": id }));
        wanted["identifier"] = json!(identifiers);
        if let Some(url) = wanted["content"][0]["attachment"]["url"].as_str() {
            let url = format!("{base}/{url}");
            wanted["content"][0]["attachment"]["url"] = json!(url);
        }
        if wanted["content"].is_null() {
            wanted.as_object_mut().unwrap().remove("content");
        }
        all.insert(format!("{kind}/{own}"), wanted);
    }
    all
}

type Rule<'r> = &'r dyn Fn(&str) -> Option<Result<String, Value>>;

fn rewrite(value: &mut Value, rule: Rule<'_>) {
    match value {
        Value::Object(members) => {
            let named = members.get("reference").and_then(Value::as_str).and_then(rule);
            match named {
                Some(Ok(text)) => {
                    members.insert("reference".to_owned(), json!(text));
                }
                Some(Err(logical)) => {
                    members.remove("reference");
                    members.extend(logical.as_object().unwrap().clone());
                }
                None => {}
            }
            members.values_mut().for_each(|member| rewrite(member, rule));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, rule)),
        _ => {}
    }
}
