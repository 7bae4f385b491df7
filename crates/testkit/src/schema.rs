//! Whether a JSON value is as a schema of an OpenAPI document says: the few words of JSON Schema that our own documents use.

use serde_json::Value;

/// Faults of `value` against `schema`, each with its place; `document` is where references lead.
///
/// Panics on a word of JSON Schema that it does not know: a check that skips is none.
#[must_use]
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

/// Where `reference` leads.
#[must_use]
pub fn resolve<'a>(document: &'a Value, reference: &str) -> &'a Value {
    let pointer = reference.strip_prefix('#').expect("a reference inside the document");
    document.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (word, rule) in schema.as_object().expect("a schema is an object") {
        match word.as_str() {
            "$ref" => check(document, resolve(document, rule.as_str().expect("a reference")), value, at, found),
            "type" => {
                let fits = |name: &Value| is_of(name.as_str().expect("a name of a type"), value);
                let good = rule.as_array().map_or_else(|| fits(rule), |names| names.iter().any(fits));
                if !good {
                    found.push(format!("{at}: is not of type {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().expect("a list").contains(value) {
                    found.push(format!("{at}: is none of {rule}"));
                }
            }
            "required" => {
                for name in rule.as_array().expect("a list").iter().filter_map(Value::as_str) {
                    if value.is_object() && value.get(name).is_none() {
                        found.push(format!("{at}/{name}: is missing"));
                    }
                }
            }
            "properties" => {
                for (name, inner) in rule.as_object().expect("an object") {
                    if let Some(member) = value.get(name) {
                        check(document, inner, member, &format!("{at}/{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let known = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                for (name, member) in value.as_object().into_iter().flatten().filter(|(name, _)| !known(name)) {
                    match rule {
                        Value::Bool(false) => found.push(format!("{at}/{name}: is not in the schema")),
                        rule => check(document, rule, member, &format!("{at}/{name}"), found),
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, rule, item, &format!("{at}/{index}"), found);
                }
            }
            // They say something to people, or of what is sent.
            "description" | "format" | "default" | "writeOnly" | "pattern" | "minimum" | "maximum" => {}
            other => panic!("{other}: this check does not know the word"),
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_surplus_or_of_another_form_is_found() {
        let document = json!({ "a": { "type": ["string", "null"], "enum": ["x", null] } });
        let schema = json!({ "type": "object", "required": ["a", "b"], "additionalProperties": false,
            "properties": { "a": { "$ref": "#/a" }, "b": { "type": "array", "items": { "type": "integer" } } } });
        let good = |value: &Value| faults(&document, &schema, value).is_empty();
        assert!(good(&json!({ "a": null, "b": [1] })));
        for bad in [
            json!([]),
            json!({ "a": "x" }),
            json!({ "a": "y", "b": [] }),
            json!({ "a": "x", "b": [1.5] }),
            json!({ "a": "x", "b": [], "c": 1 }),
        ] {
            assert!(!good(&bad), "{bad}");
        }
    }
}
