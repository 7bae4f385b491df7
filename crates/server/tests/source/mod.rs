//! What must be here of everything that a simulated EHR holds: its objects, mapped once more under ids of the test, and then told by
//! their `Provenance` from what they are called here.

use aceso_base::Timestamp;
use aceso_connect::IdKey;
use aceso_connect::elation::{CAPABILITIES, Elation};
use aceso_connect::pattern::{ConnectionId, MapContext};
use aceso_connect::vendor::Vendor as _;
use aceso_emr_sim::{Kind, Truth};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Records by type and id.
pub(crate) type Records = BTreeMap<String, Value>;

/// The mapping of everything that the source holds and has not deleted. Ids are keyed with a key of the test.
pub(crate) fn expected(truth: &Truth) -> Records {
    let connection = ConnectionId::parse("clinic").unwrap();
    let ids = IdKey::of_tenant(&[7; 32], "test");
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let context = MapContext { connection: &connection, ids: &ids, received: Timestamp(now), is_known: &|_, _| true };
    let mut expected = Records::new();
    for resource in CAPABILITIES.resources {
        let kind = Kind::from_path(resource.kind).unwrap();
        for entry in truth.entries(kind).filter(|entry| !entry.deleted) {
            let body = truth.body(kind, entry.id).unwrap().to_string();
            for record in Elation.map(resource.kind, body.as_bytes(), &context).unwrap().records {
                let name = format!("{}/{}", record.rtype.name(), record.id);
                expected.insert(name, serde_json::from_slice(&record.json).unwrap());
            }
        }
    }
    expected
}

/// Holds what is here against what is expected: the same objects, of each the same records, and the same content where the reader sees
/// all of it. Gives the number of records whose content was compared.
pub(crate) fn compare(expected: &Records, here: &Records) -> usize {
    let (wanted, found) = (origins(expected), origins(here));
    let missing: Vec<_> = wanted.keys().filter(|origin| !found.contains_key(*origin)).collect();
    let surplus: Vec<_> = found.keys().filter(|origin| !wanted.contains_key(*origin)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:?}, left over {surplus:?}");
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for (origin, wanted) in &wanted {
        let found = &found[origin];
        assert_eq!(wanted.len(), found.len(), "{origin}: {wanted:?} {found:?}");
        names.extend(wanted.iter().map(String::as_str).zip(found.iter().map(String::as_str)));
    }
    let of_objects: BTreeSet<&str> = names.values().copied().collect();
    let others: Vec<_> = here.keys().filter(|name| !of_objects.contains(name.as_str())).collect();
    assert!(others.is_empty(), "of no object: {others:?}");
    let mut compared = 0;
    for (name, wanted) in expected {
        let called = names[name.as_str()];
        assert!(here.contains_key(called), "{name} is not here");
        let there = &here[called];
        if there["meta"]["security"]
            .as_array()
            .is_none_or(|labels| labels.iter().all(|label| label["code"] != "REDACTED"))
        {
            assert_eq!(plain(renamed(wanted, &names)), plain(there.clone()), "{name}");
            compared += 1;
        }
    }
    compared
}

/// The records of each object of the source, in the order of the mapping, by its kind and id: what its `Provenance` says.
fn origins(records: &Records) -> BTreeMap<String, Vec<String>> {
    let mut origins = BTreeMap::new();
    for (name, provenance) in records.iter().filter(|(name, _)| name.starts_with("Provenance/")) {
        let source = &provenance["entity"][0]["what"]["identifier"];
        let origin = format!("{} {}", source["system"].as_str().unwrap(), source["value"].as_str().unwrap());
        let targets = provenance["target"].as_array().unwrap().iter();
        let mut of_it: Vec<String> = targets.map(|target| target["reference"].as_str().unwrap().to_owned()).collect();
        of_it.push(name.clone());
        assert!(origins.insert(origin, of_it).is_none(), "an object of the source is here twice");
    }
    origins
}

/// The record with the names that its references and it itself have here.
fn renamed(record: &Value, names: &BTreeMap<&str, &str>) -> Value {
    let mut record = record.clone();
    let own = format!("{}/{}", record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
    record["id"] = Value::from(names[own.as_str()].split('/').next_back().unwrap());
    replace(&mut record, &|text| names.get(text).map(|name| (*name).to_owned()));
    record
}

fn replace(value: &mut Value, with: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(other) = with(text) {
                *text = other;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, with)),
        _ => {}
    }
}

/// Without what the server stamps, and without literal references beside an identifier: they are there only where the other record was
/// when this one was written.
fn plain(mut record: Value) -> Value {
    if let Some(meta) = record["meta"].as_object_mut() {
        meta.retain(|member, _| !matches!(member.as_str(), "versionId" | "lastUpdated"));
    }
    if record["resourceType"] == "Provenance" {
        record["recorded"] = Value::Null;
    }
    without_literals(&mut record);
    record
}

fn without_literals(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_literals),
        Value::Object(members) => {
            if members.contains_key("identifier") && members.contains_key("type") {
                members.remove("reference");
            }
            members.values_mut().for_each(without_literals);
        }
        _ => {}
    }
}
