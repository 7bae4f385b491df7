//! The naive opinion of one question about one plain record.

use crate::{kind_name, naive, rtype};
use aceso_fhir::search::param;
use serde_json::Value;
use std::cmp::Ordering;

/// A current record as plain JSON.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) kind: String,
    pub(crate) subject: Option<String>,
    pub(crate) body: Value,
    pub(crate) updated: i64,
}

impl Stored {
    /// Whether it is in the compartment of a patient: his own, or one that names him beside its own patient (R4
    /// compartmentdefinition-patient, for the types of these records that can).
    pub(crate) fn is_in(&self, patient: &str) -> bool {
        let link = format!("Patient/{patient}");
        let named = |reference: &Value| reference["reference"] == link.as_str();
        let list = |name: &str| self.body[name].as_array().cloned().unwrap_or_default();
        self.subject.as_deref() == Some(patient)
            || match self.kind.as_str() {
                "Observation" => list("performer").iter().any(named),
                "Appointment" => list("participant").iter().any(|one| named(&one["actor"])),
                "DocumentReference" => list("author").iter().any(named),
                "Patient" => list("link").iter().any(|one| named(&one["other"])),
                _ => false,
            }
    }
}

/// One `code:modifier=value,value`.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) code: &'static str,
    pub(crate) modifier: &'static str,
    pub(crate) values: Vec<String>,
}

impl Stored {
    pub(crate) fn matches(&self, asked: &Asked) -> bool {
        let one = |value: &String| self.matches_one(asked.code, asked.modifier, value);
        if asked.modifier == "not" { asked.values.iter().all(one) } else { asked.values.iter().any(one) }
    }

    fn matches_one(&self, code: &str, modifier: &str, value: &str) -> bool {
        match code {
            "_id" => {
                let same = match value.split_once('|') {
                    None => self.body["id"] == value,
                    Some((system, rest)) => system.is_empty() && self.body["id"] == rest,
                };
                return match modifier {
                    "not" => !same,
                    "missing" => value == "false",
                    _ => same,
                };
            }
            "_lastUpdated" => {
                return if modifier == "missing" { value == "false" } else { moment(self.updated, value) };
            }
            _ => {}
        }
        let param = param(rtype(&self.kind), code).unwrap();
        match kind_name(param.kind) {
            Some(kind) => naive::matches(kind, param.expression, &self.body, modifier, value),
            None => composite(&self.body, code, modifier, value),
        }
    }

    /// By the rule, then by id: all are of one type.
    pub(crate) fn order(&self, other: &Self, rule: Option<&(&'static str, bool)>) -> Ordering {
        let by_id = || self.body["id"].as_str().cmp(&other.body["id"].as_str());
        let Some((code, descending)) = rule else { return by_id() };
        let turn = |order: Ordering| if *descending { order.reverse() } else { order };
        match *code {
            "_id" => turn(by_id()),
            "_lastUpdated" => turn(self.updated.cmp(&other.updated)).then_with(by_id),
            _ => {
                let (a, b) = (self.key(code, *descending), other.key(code, *descending));
                // What has no value comes last, both ways.
                let order = match (&a, &b) {
                    (None, None) => Ordering::Equal,
                    (None, _) => Ordering::Greater,
                    (_, None) => Ordering::Less,
                    (Some(a), Some(b)) => turn(a.cmp(b)),
                };
                order.then_with(by_id)
            }
        }
    }

    fn key(&self, code: &str, descending: bool) -> Option<Key> {
        let param = param(rtype(&self.kind), code).unwrap();
        let found = naive::eval(param.expression, &self.body);
        let keys = found.iter().flat_map(|(name, node)| match kind_name(param.kind) {
            Some("date") => {
                span(node).map(|(low, high)| Key::Time(if descending { high } else { low })).into_iter().collect()
            }
            Some("string") => naive::strings(node).iter().map(|text| Key::Text(naive::fold(text))).collect(),
            Some("token") => naive::codes(name, node).into_iter().map(|(_, code)| Key::Text(code)).collect::<Vec<_>>(),
            other => panic!("{other:?} is not sorted by here"),
        });
        let keys = keys.filter(|key| *key != Key::Text(String::new()));
        if descending { keys.max() } else { keys.min() }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Time(i64),
    Text(String),
}

fn span(node: &Value) -> Option<(i64, i64)> {
    if let Some(text) = node.as_str() {
        return Some(naive::range(text));
    }
    if node.get("event").is_some() || node.get("repeat").is_some() {
        let events = node["event"].as_array().into_iter().flatten().map(|event| naive::range(event.as_str().unwrap()));
        return events.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }
    let low = node["start"].as_str().map_or(i64::MIN, |text| naive::range(text).0);
    let high = node["end"].as_str().map_or(i64::MAX, |text| naive::range(text).1);
    ((low, high) != (i64::MIN, i64::MAX)).then_some((low, high))
}

/// A moment of one millisecond against a period with a prefix.
fn moment(at: i64, value: &str) -> bool {
    let prefixes = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];
    let (prefix, text) = match value.get(..2) {
        Some(prefix) if prefixes.contains(&prefix) => (prefix, &value[2..]),
        _ => ("eq", value),
    };
    let (from, to) = naive::range(text);
    match prefix {
        "eq" => from <= at && at <= to,
        "ne" => at < from || to < at,
        "gt" | "sa" => at > to,
        "lt" | "eb" => at < from,
        "ge" => at >= from,
        "le" => at <= to,
        _ => {
            let width = to - from + 1;
            from - width <= at && at <= to + width
        }
    }
}

/// The composites of `Observation`: a code with a value, in the record itself, in a component, or in either.
fn composite(body: &Value, code: &str, modifier: &str, value: &str) -> bool {
    let (own, component) = match code.split_once("code-value").unwrap().0 {
        "" => (true, false),
        "component-" => (false, true),
        "combo-" => (true, true),
        other => panic!("{other}"),
    };
    let kind = code.rsplit('-').next().unwrap();
    let mut contexts: Vec<&Value> = Vec::new();
    if own {
        contexts.push(body);
    }
    if component {
        contexts.extend(body["component"].as_array().into_iter().flatten());
    }
    let both = |test: &dyn Fn(&Value) -> bool| contexts.iter().any(|context| test(context));
    if modifier == "missing" {
        let there = both(&|context| {
            // A code without anything in it is none.
            let code = &context["code"];
            let coded = code["coding"].as_array().is_some_and(|list| !list.is_empty()) || code["text"].is_string();
            coded && !values(context, kind).is_empty()
        });
        return there != (value == "true");
    }
    let (wanted_code, wanted) = value.split_once('$').unwrap();
    both(&|context| {
        let holder = serde_json::json!({"resourceType": "Observation", "code": context["code"]});
        naive::matches("token", "Observation.code", &holder, "", wanted_code)
            && values(context, kind).into_iter().any(|(name, node)| {
                let holder = serde_json::json!({"resourceType": "Observation", name: node});
                let (kind, expression) = match kind {
                    "quantity" => ("quantity", "(Observation.value as Quantity)"),
                    "concept" => ("token", "(Observation.value as CodeableConcept)"),
                    "date" => ("date", "(Observation.value as DateTime) | (Observation.value as Period)"),
                    _ => ("string", "(Observation.value as string)"),
                };
                naive::matches(kind, expression, &holder, "", wanted)
            })
    })
}

fn values<'v>(context: &'v Value, kind: &str) -> Vec<(String, &'v Value)> {
    let names: &[&str] = match kind {
        "quantity" => &["valueQuantity"],
        "concept" => &["valueCodeableConcept"],
        "date" => &["valueDateTime", "valuePeriod"],
        "string" => &["valueString"],
        other => panic!("{other}"),
    };
    names.iter().filter_map(|name| context.get(*name).map(|node| ((*name).to_owned(), node))).collect()
}
