//! `CodeSystem/$lookup` and `CodeSystem/$subsumes`.

use super::expand::usage;
use super::parameters::{Asked, missing};
use crate::Fault;
use aceso_fhir::terminology::{Concept, ConceptProperty, LookupError, Membership as _, Subsumption, Terminology};
use serde_json::{Map, Value, json};

/// A Parameters resource.
pub(super) fn parameters(parts: Vec<Value>) -> Value {
    json!({ "resourceType": "Parameters", "parameter": parts })
}

/// System, version and code, by themselves or in a coding.
struct Code<'a> {
    system: &'a str,
    version: Option<&'a str>,
    code: &'a str,
}

pub(super) fn lookup(terminology: &Terminology, asked: &Asked) -> Result<Value, Fault> {
    let of_coding = asked.codings("coding").and_then(<[_]>::first);
    let code = match (asked.text("code"), of_coding) {
        (Some(code), None) => Code { system: asked.needed("system")?, version: asked.text("version"), code },
        (None, Some(coding)) => {
            let system = coding.system.as_deref().ok_or_else(|| missing("system"))?;
            Code { system, version: coding.version.as_deref(), code: &coding.code }
        }
        (Some(_), Some(_)) => return Err(Fault::at(400, "value", "http.code", "give either code or coding")),
        (None, None) => return Err(missing("code")),
    };
    let concept = terminology.lookup(code.system, code.version, code.code).map_err(fault)?;
    let language = asked.text("displayLanguage");
    let wanted: Vec<&str> = asked.texts("property").collect();
    let wants = |name: &str| wanted.is_empty() || wanted.contains(&name);
    let mut parts = vec![json!({ "name": "name", "valueString": concept.system_name() })];
    parts.extend(concept.version().map(|version| json!({ "name": "version", "valueString": version })));
    // R4 wants a display; a code that has no text stands for itself.
    let display = concept.display(language).unwrap_or_else(|| concept.code());
    parts.push(json!({ "name": "display", "valueString": display }));
    for designation in concept.designations() {
        let of_language = format!("lang.{}", designation.language);
        if wants("designation") || wants(&of_language) {
            let mut inner = Vec::new();
            if !designation.language.is_empty() {
                inner.push(json!({ "name": "language", "valueCode": designation.language }));
            }
            inner.extend(usage(&designation).map(|used| json!({ "name": "use", "valueCoding": used })));
            inner.push(json!({ "name": "value", "valueString": designation.value }));
            parts.push(json!({ "name": "designation", "part": inner }));
        }
    }
    parts.extend(properties(&concept, &wants));
    Ok(parameters(parts))
}

/// What is known of a concept beside its texts. What every code system has comes first, then its own.
fn properties(concept: &Concept<'_>, wants: &dyn Fn(&str) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    let mut add = |code: &str, element: &str, value: Value| {
        if wants(code) {
            let inner = json!([{ "name": "code", "valueCode": code }, { "name": "value", element: value }]);
            found.push(json!({ "name": "property", "part": inner }));
        }
    };
    if let Some(definition) = concept.definition() {
        add("definition", "valueString", definition.into());
    }
    add("inactive", "valueBoolean", concept.is_inactive().into());
    add("abstract", "valueBoolean", concept.is_abstract().into());
    for code in concept.parents() {
        add("parent", "valueCode", code.into());
    }
    for code in concept.children() {
        add("child", "valueCode", code.into());
    }
    for property in concept.properties().filter(|own| !matches!(own.code, "parent" | "child" | "inactive" | "abstract"))
    {
        add(property.code, property.element, value(&property));
    }
    found
}

fn value(property: &ConceptProperty<'_>) -> Value {
    match property.element {
        "valueBoolean" => (property.value == "true").into(),
        // A number stays as it was written, where the library can hold it.
        "valueInteger" | "valueDecimal" => serde_json::from_str(property.value).unwrap_or(Value::Null),
        "valueCoding" => {
            let parts = [("system", property.system), ("code", property.value), ("display", property.display)];
            let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
            Value::Object(parts.map(|(name, text)| (name.to_owned(), text.into())).collect::<Map<_, _>>())
        }
        _ => property.value.into(),
    }
}

fn fault(error: LookupError) -> Fault {
    match error {
        LookupError::UnknownSystem => Fault::at(404, "not-found", "http.system", error.to_string()),
        LookupError::UnknownCode => Fault::at(404, "code-invalid", "http.code", error.to_string()),
        LookupError::NotInPart => Fault::at(422, "not-found", "http.code", error.to_string()),
    }
}

pub(super) fn subsumes(terminology: &Terminology, asked: &Asked) -> Result<Value, Fault> {
    let side = |code: &'static str, coding: &'static str| {
        let of_coding = asked.codings(coding).and_then(<[_]>::first);
        match (asked.text(code), of_coding) {
            (Some(code), None) => Ok((asked.text("system"), asked.text("version"), code)),
            (None, Some(found)) => {
                let system = found.system.as_deref().or(asked.text("system"));
                Ok((system, found.version.as_deref().or(asked.text("version")), found.code.as_str()))
            }
            (Some(_), Some(_)) => {
                Err(Fault::at(400, "value", format!("http.{code}"), "give either a code or a coding"))
            }
            (None, None) => Err(missing(code)),
        }
    };
    let (system, version, a) = side("codeA", "codingA")?;
    let (other, other_version, b) = side("codeB", "codingB")?;
    let system = system.ok_or_else(|| missing("system"))?;
    if other != Some(system) || version != other_version || asked.text("system").is_some_and(|named| named != system) {
        let text = "both codes must be of the one code system, in one version";
        return Err(Fault::at(400, "not-supported", "http.system", text));
    }
    for code in [a, b] {
        terminology.lookup(system, version, code).map_err(fault)?;
    }
    let canonical = version.map_or_else(|| system.to_owned(), |version| format!("{system}|{version}"));
    let outcome = match terminology.subsumes(&canonical, a, b) {
        Subsumption::Equivalent => "equivalent",
        Subsumption::Subsumes => "subsumes",
        Subsumption::SubsumedBy => "subsumed-by",
        Subsumption::NotSubsumed => "not-subsumed",
        Subsumption::Unknown => {
            let text =
                "it cannot be decided: the code system is not complete here, or its hierarchy has another meaning";
            return Err(Fault::at(422, "not-found", "http.system", text));
        }
    };
    Ok(parameters(vec![json!({ "name": "outcome", "valueCode": outcome })]))
}
