//! Helios HFS (github.com/HeliosSoftware/hfs) on SQLite with the same patients, loaded through its own FHIR endpoint.
//! It seals nothing, asks nobody who he is and keeps no log unless told to: as it comes out of the box.

use super::client::post;
use super::peer::{PATIENCE, Peer};
use super::process::{Server, free_port};
use crate::command::{Failure, root};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

/// Entries of one transaction while loading.
const AT_ONCE: usize = 500;
/// As many as `aceso demo` names.
const PATIENTS: usize = 5;

/// Starts it and loads the patients. Also gives the rate of loading, in resources a second.
pub(crate) fn start(binary: &Path, folder: &Path, patients: u32) -> Result<(Peer, f64), Failure> {
    let definitions = folder.join("definitions");
    std::fs::create_dir_all(&definitions).map_err(|error| format!("{}: {error}", definitions.display()))?;
    // Without the definitions it would know a handful of search parameters only.
    let parameters = gunzip(&root().join("definitions/r4/search-parameters.json.gz"))?;
    std::fs::write(definitions.join("search-parameters-r4.json"), parameters)
        .map_err(|error| format!("{}: {error}", definitions.display()))?;
    let port = free_port()?;
    let variables = [
        ("HFS_SERVER_HOST", "127.0.0.1".to_owned()),
        ("HFS_SERVER_PORT", port.to_string()),
        ("HFS_BASE_URL", format!("http://127.0.0.1:{port}")),
        ("HFS_DATA_DIR", definitions.to_string_lossy().into_owned()),
        ("DATABASE_URL", folder.join("fhir.db").to_string_lossy().into_owned()),
        ("HFS_LOG_LEVEL", "error".to_owned()),
        ("HFS_UI_ENABLED", "false".to_owned()),
        ("HFS_REQUEST_TIMEOUT", "600".to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut server = Server::start(binary, &[], &variables, folder)?;
    server.wait_until(PATIENCE, || super::client::get_json(port, "/metadata", None).is_ok())?;
    let bundles = bundles(patients)?;
    let resources = rewritten(&bundles);
    let begun = Instant::now();
    for part in resources.chunks(AT_ONCE) {
        let entries: Vec<Value> = part.iter().map(as_put).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        post(port, "/", &bundle.to_string())?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = resources.len() as f64 / begun.elapsed().as_secs_f64();
    let named = resources.iter().filter(|resource| text(resource, "resourceType") == "Patient");
    let named = named.take(PATIENTS).map(|patient| text(patient, "id").to_owned()).collect();
    Ok((Peer::open("Helios HFS", server, port, "", named)?, rate))
}

fn as_put(resource: &Value) -> Value {
    let url = format!("{}/{}", text(resource, "resourceType"), text(resource, "id"));
    json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
}

/// The bundles of the demo, hospitals and practitioners first.
fn bundles(patients: u32) -> Result<Vec<Value>, Failure> {
    let folder = root().join("testdata/synthea");
    let listed = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> =
        listed.flatten().map(|entry| entry.path()).filter(|p| p.extension().is_some_and(|e| e == "bz2")).collect();
    files.sort();
    let directory = files
        .iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("0-")))
        .count();
    files.truncate(directory + patients as usize);
    let read = |path: &std::path::PathBuf| {
        let failed = |error: String| format!("{}: {error}", path.display());
        let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
        serde_json::from_reader(std::io::BufReader::new(bzip2::read::MultiBzDecoder::new(file)))
            .map_err(|error| failed(error.to_string()))
    };
    files.iter().map(read).collect()
}

/// The resources of the bundles under the ids of their `urn:uuid`, with references that lead to each other: a transaction
/// with conditional references would measure how each server resolves them, not how it stores.
fn rewritten(bundles: &[Value]) -> Vec<Value> {
    let mut names = BTreeMap::new();
    let mut resources = Vec::new();
    for entry in bundles.iter().filter_map(|bundle| bundle.get("entry")?.as_array()).flatten() {
        let (Some(resource), Some(id)) = (entry.get("resource"), text(entry, "fullUrl").strip_prefix("urn:uuid:"))
        else {
            continue;
        };
        let rtype = text(resource, "resourceType");
        let name = format!("{rtype}/{id}");
        names.insert(format!("urn:uuid:{id}"), name.clone());
        for identifier in resource.get("identifier").and_then(Value::as_array).into_iter().flatten() {
            let query = format!("{rtype}?identifier={}|{}", text(identifier, "system"), text(identifier, "value"));
            names.insert(query, name.clone());
        }
        let mut resource = resource.clone();
        if let Some(members) = resource.as_object_mut() {
            members.insert("id".to_owned(), Value::from(id));
        }
        resources.push(resource);
    }
    resources.iter_mut().for_each(|resource| point(resource, &names));
    resources
}

/// Replaces the references that have a name.
fn point(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                match member.as_str().filter(|_| key == "reference").and_then(|text| names.get(text)) {
                    Some(name) => *member = Value::from(name.as_str()),
                    None => point(member, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point(item, names)),
        _ => {}
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn gunzip(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).map_err(failed)?)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_the_resources_of_all_bundles() {
        let hospital = json!({ "entry": [{ "fullUrl": "urn:uuid:a", "resource": {
            "resourceType": "Organization", "identifier": [{ "system": "urn:s", "value": "1" }] } }] });
        let patient = json!({ "entry": [
            { "fullUrl": "urn:uuid:b", "resource": { "resourceType": "Patient" } },
            { "fullUrl": "urn:uuid:c", "resource": { "resourceType": "Encounter",
                "subject": { "reference": "urn:uuid:b" },
                "serviceProvider": { "reference": "Organization?identifier=urn:s|1" },
                "partOf": { "reference": "Encounter/elsewhere" } } } ] });
        let resources = rewritten(&[hospital, patient]);
        assert_eq!(resources[2]["subject"]["reference"], "Patient/b");
        assert_eq!(resources[2]["serviceProvider"]["reference"], "Organization/a");
        assert_eq!(resources[2]["partOf"]["reference"], "Encounter/elsewhere");
        assert_eq!(as_put(&resources[1])["request"]["url"], "Patient/b");
    }

    #[test]
    fn the_demo_s_patients_leave_no_reference_unresolved() {
        let bundles = bundles(2).unwrap();
        let resources = rewritten(&bundles);
        assert!(resources.iter().filter(|resource| text(resource, "resourceType") == "Patient").count() == 2);
        let all = Value::from(resources).to_string();
        assert!(!all.contains("\"reference\":\"urn:uuid:") && !all.contains("?identifier="));
    }
}
