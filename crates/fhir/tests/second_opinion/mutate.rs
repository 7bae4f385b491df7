//! Faults that are made in a valid resource: one at a time, each at a place that follows from the resource's number alone.

use serde_json::{Map, Value, json};

/// A fault: its name, which values it is made at (name of the member, value), and what it makes of the value.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    is_for: fn(&str, &Value) -> bool,
    make: fn(&mut Value),
}

/// Faults of single values. Those of objects and of whole resources are in [`of_objects`].
pub(crate) const FAULTS: [Fault; 23] = [
    Fault { name: "a number in place of a text", is_for: is_text, make: |value| *value = json!(5) },
    Fault { name: "true in place of a text", is_for: is_text, make: |value| *value = json!(true) },
    Fault { name: "an object in place of a text", is_for: is_text, make: |value| *value = json!({ "a": 1 }) },
    Fault { name: "an empty text", is_for: is_text, make: |value| *value = json!("") },
    Fault {
        name: "null in place of a value",
        is_for: |_, value| !value.is_array(),
        make: |value| *value = Value::Null,
    },
    Fault {
        name: "a word in place of a number",
        is_for: |_, value| value.is_number(),
        make: |value| *value = json!("x"),
    },
    Fault { name: "digits in quotes in place of a number", is_for: |_, value| value.is_number(), make: quoted },
    Fault {
        name: "a word in place of a boolean",
        is_for: |_, value| value.is_boolean(),
        make: |value| *value = json!("x"),
    },
    Fault { name: "a boolean in quotes", is_for: |_, value| value.is_boolean(), make: quoted },
    Fault {
        name: "a number in place of a boolean",
        is_for: |_, value| value.is_boolean(),
        make: |value| *value = json!(1),
    },
    Fault {
        name: "a text in place of an object",
        is_for: |_, value| value.is_object(),
        make: |value| *value = json!("x"),
    },
    Fault {
        name: "an array in place of a single value",
        is_for: |_, value| !value.is_array(),
        make: |value| *value = json!([value.take()]),
    },
    Fault {
        name: "a single value in place of an array",
        is_for: |_, value| value.is_array(),
        make: |value| *value = value[0].take(),
    },
    Fault { name: "an empty array", is_for: |_, value| value.is_array(), make: |value| *value = json!([]) },
    Fault { name: "an empty object", is_for: |_, value| value.is_object(), make: |value| *value = json!({}) },
    Fault { name: "a month that is none", is_for: is_date, make: |value| *value = json!("2020-13-01") },
    Fault { name: "a day that is none", is_for: is_date, make: |value| *value = json!("2021-02-29") },
    Fault { name: "a date that is a word", is_for: is_date, make: |value| *value = json!("yesterday") },
    Fault { name: "a moment without a zone", is_for: is_date, make: |value| *value = json!("2020-01-02T03:04:05") },
    Fault { name: "a moment with a space", is_for: is_date, make: |value| *value = json!("2020-01-02 03:04:05Z") },
    Fault {
        name: "a code that is none",
        is_for: |name, value| is_text(name, value) && matches!(name, "status" | "use" | "gender" | "intent"),
        make: |value| *value = json!("no-such-code"),
    },
    Fault {
        name: "white space around a code",
        is_for: |name, value| is_text(name, value) && matches!(name, "status" | "code"),
        make: |value| *value = json!(" final "),
    },
    Fault {
        name: "white space in an address",
        is_for: |name, value| is_text(name, value) && matches!(name, "system" | "url" | "profile" | "fullUrl"),
        make: |value| *value = json!("http://a/b c"),
    },
];

/// The resource with the fault; `None` when nothing of it can have this fault.
pub(crate) fn with(fault: &Fault, resource: &Value, number: usize) -> Option<Value> {
    let mut places = Vec::new();
    gather(resource, String::new(), &mut |pointer, name, value| {
        if name != "resourceType" && (fault.is_for)(name, value) {
            places.push(pointer.to_owned());
        }
    });
    let mut changed = resource.clone();
    (fault.make)(changed.pointer_mut(pick(&mut places, number)?)?);
    Some(changed)
}

/// Faults of an object: its members.
pub(crate) fn of_objects(resource: &Value, number: usize) -> Vec<(&'static str, Value)> {
    let mut objects = vec![String::new()];
    gather(resource, String::new(), &mut |pointer, _, value| {
        if value.is_object() {
            objects.push(pointer.to_owned());
        }
    });
    let mut faults = Vec::new();
    let mut add = |name, at: &str, change: &dyn Fn(&mut Map<String, Value>)| {
        let mut changed = resource.clone();
        if let Some(object) = changed.pointer_mut(at).and_then(Value::as_object_mut) {
            change(object);
            faults.push((name, changed));
        }
    };
    let at = pick(&mut objects, number).cloned().unwrap_or_default();
    add("an unknown member", &at, &|object| drop(object.insert("unknownMember".to_owned(), json!("x"))));
    add("an unknown member of the resource", "", &|object| drop(object.insert("unknownMember".to_owned(), json!("x"))));
    for (name, other, value) in CHOICES {
        let holder = objects.iter().find(|at| resource.pointer(at).is_some_and(|object| object.get(name).is_some()));
        if let Some(at) = holder {
            add("two of a choice", at, &|object| drop(object.insert(other.to_owned(), json!(value))));
        }
    }
    for (name, text) in [("an id with a space", "a b"), ("an id that is too long", &*"a".repeat(65))] {
        add(name, "", &|object| drop(object.insert("id".to_owned(), json!(text))));
    }
    add("a type of resource that is none", "", &|object| {
        drop(object.insert("resourceType".to_owned(), json!("Patent")))
    });
    // Each member of the resource, and one of an object inside it.
    for name in resource.as_object().into_iter().flat_map(Map::keys).filter(|name| *name != "resourceType") {
        add("a member of the resource is missing", "", &|object| drop(object.remove(name)));
    }
    add("a member is missing", &at, &|object| {
        let mut names: Vec<String> = object.keys().filter(|name| *name != "resourceType").cloned().collect();
        if let Some(name) = pick(&mut names, number) {
            object.remove(name);
        }
    });
    faults
}

/// A variant of a choice, and another one with a value of its type.
const CHOICES: [(&str, &str, &str); 7] = [
    ("valueQuantity", "valueString", "x"),
    ("valueCodeableConcept", "valueString", "x"),
    ("effectiveDateTime", "effectiveInstant", "2020-01-01T00:00:00Z"),
    ("onsetDateTime", "onsetString", "x"),
    ("performedPeriod", "performedString", "x"),
    ("occurrenceDateTime", "occurrenceString", "x"),
    ("deceasedDateTime", "deceasedString", "x"),
];

fn is_text(_: &str, value: &Value) -> bool {
    value.is_string()
}

fn is_date(name: &str, value: &Value) -> bool {
    let is_named = ["date", "start", "end", "issued", "created", "recorded", "authoredOn"].contains(&name)
        || name.ends_with("DateTime")
        || name.ends_with("Date");
    is_named && value.as_str().is_some_and(|text| text.len() >= 10)
}

fn quoted(value: &mut Value) {
    *value = json!(value.to_string());
}

/// One of the texts, the same for the same number whatever order they come in.
fn pick(texts: &mut [String], number: usize) -> Option<&String> {
    texts.sort();
    let at = number.wrapping_mul(7919) % texts.len().max(1);
    texts.get(at)
}

/// Every value of a resource with its pointer (RFC 6901) and the name of the member that it is a value of, or an item of.
fn gather(value: &Value, pointer: String, tell: &mut dyn FnMut(&str, &str, &Value)) {
    let name = |pointer: &str| {
        let plain = pointer.rsplit('/').find(|part| !part.bytes().all(|byte| byte.is_ascii_digit()));
        plain.unwrap_or_default().to_owned()
    };
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let pointer = format!("{pointer}/{key}");
                tell(&pointer, key, value);
                gather(value, pointer, tell);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let own = format!("{pointer}/{index}");
                tell(&own, &name(&pointer), item);
                gather(item, own, tell);
            }
        }
        _ => {}
    }
}
