//! `ValueSet/$expand`.

use super::parameters::Asked;
use crate::Fault;
use aceso_fhir::terminology::{DesignationRef, ExpandError, ExpandOptions, ExpansionMember, Terminology};
use serde_json::{Map, Value, json};

/// The expanded ValueSet.
pub(super) fn answer(
    terminology: &Terminology,
    asked: &Asked,
    identifier: &str,
    timestamp: &str,
) -> Result<Value, Fault> {
    let canonical = canonical(asked.needed("url")?, asked.text("valueSetVersion"))?;
    if asked.flag("excludeNested") == Some(false) {
        return Err(Fault::at(400, "not-supported", "http.excludeNested", "expansions are lists: only true is served"));
    }
    let options = ExpandOptions {
        filter: asked.text("filter"),
        active_only: asked.flag("activeOnly") == Some(true),
        language: asked.text("displayLanguage"),
        offset: asked.count("offset").unwrap_or_default(),
        count: asked.count("count"),
    };
    let expansion = terminology.expand(&canonical, &options).map_err(fault)?;
    let designations = asked.flag("includeDesignations") == Some(true);
    let contains: Vec<Value> = expansion.members.iter().map(|member| entry(member, designations)).collect();
    let mut inner = Map::from_iter([
        ("identifier".to_owned(), identifier.into()),
        ("timestamp".to_owned(), timestamp.into()),
        ("total".to_owned(), expansion.total.into()),
        ("offset".to_owned(), options.offset.into()),
        ("parameter".to_owned(), used(asked, &options, &expansion.systems)),
    ]);
    // An empty list is no valid FHIR.
    if !contains.is_empty() {
        inner.insert("contains".to_owned(), contains.into());
    }
    let mut set = Map::from_iter([
        ("resourceType".to_owned(), "ValueSet".into()),
        ("url".to_owned(), expansion.url.into()),
        ("status".to_owned(), expansion.status.into()),
        ("expansion".to_owned(), inner.into()),
    ]);
    let texts =
        [("version", expansion.version.unwrap_or_default()), ("name", expansion.name), ("title", expansion.title)];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        set.insert(name.to_owned(), text.into());
    }
    Ok(set.into())
}

/// A canonical URL with the version that stands in it or beside it.
pub(super) fn canonical(url: &str, version: Option<&str>) -> Result<String, Fault> {
    match version {
        None => Ok(url.to_owned()),
        Some(_) if url.contains('|') => {
            Err(Fault::at(400, "value", "http.valueSetVersion", "the url names a version already"))
        }
        Some(version) => Ok(format!("{url}|{version}")),
    }
}

pub(super) fn unknown_value_set() -> Fault {
    Fault::at(404, "not-found", "http.url", "the value set is not known, or not in this version")
}

fn fault(error: ExpandError) -> Fault {
    match error {
        ExpandError::UnknownValueSet => unknown_value_set(),
        ExpandError::NotLoaded(_) => Fault::at(422, "not-found", "http.url", error.to_string()),
        ExpandError::TooCostly => Fault::at(422, "too-costly", "http.count", error.to_string()),
    }
}

fn entry(member: &ExpansionMember<'_>, designations: bool) -> Value {
    let mut entry =
        Map::from_iter([("system".to_owned(), member.system.into()), ("code".to_owned(), member.code.into())]);
    if let Some(display) = member.display {
        entry.insert("display".to_owned(), display.into());
    }
    for (name, _) in [("abstract", member.is_abstract), ("inactive", member.inactive)].iter().filter(|(_, is)| *is) {
        entry.insert((*name).to_owned(), true.into());
    }
    let texts: Vec<Value> = member.designations.iter().filter(|_| designations).map(designation).collect();
    if !texts.is_empty() {
        entry.insert("designation".to_owned(), texts.into());
    }
    entry.into()
}

fn designation(of: &DesignationRef<'_>) -> Value {
    let mut designation = Map::from_iter([("value".to_owned(), of.value.into())]);
    if !of.language.is_empty() {
        designation.insert("language".to_owned(), of.language.into());
    }
    if let Some(used) = usage(of) {
        designation.insert("use".to_owned(), used);
    }
    designation.into()
}

/// What a designation is for, as a Coding.
pub(super) fn usage(of: &DesignationRef<'_>) -> Option<Value> {
    let parts = [("system", of.use_system), ("code", of.use_code), ("display", of.use_display)];
    let parts = parts.iter().filter(|(_, text)| !text.is_empty());
    let parts: Map<String, Value> = parts.map(|(name, text)| ((*name).to_owned(), (*text).into())).collect();
    (!parts.is_empty()).then(|| parts.into())
}

/// What shaped the expansion (R4, `ValueSet.expansion.parameter`).
fn used(asked: &Asked, options: &ExpandOptions<'_>, systems: &[String]) -> Value {
    let mut used = Vec::new();
    let mut add = |name: &str, element: &str, value: Value| used.push(json!({ "name": name, element: value }));
    if let Some(filter) = options.filter {
        add("filter", "valueString", filter.into());
    }
    if let Some(language) = options.language {
        add("displayLanguage", "valueCode", language.into());
    }
    for name in ["activeOnly", "excludeNested", "includeDesignations"] {
        if let Some(flag) = asked.flag(name) {
            add(name, "valueBoolean", flag.into());
        }
    }
    for name in ["offset", "count"] {
        if let Some(count) = asked.count(name) {
            add(name, "valueInteger", count.into());
        }
    }
    for system in systems {
        add("version", "valueUri", system.as_str().into());
    }
    used.into()
}
