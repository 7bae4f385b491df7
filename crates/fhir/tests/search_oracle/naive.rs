//! A second, naive opinion: FHIRPath by string handling and matching by the letter of R4, over `serde_json::Value`.
//! Shares no code with the crate.

use serde_json::Value;

/// The elements that an expression yields, each with the JSON name it was found under and its number among siblings.
pub(crate) fn eval<'v>(expression: &str, resource: &'v Value) -> Vec<(String, &'v Value)> {
    let rtype = resource["resourceType"].as_str().unwrap();
    let mut found: Vec<(String, &Value)> = Vec::new();
    for term in expression.split('|') {
        let term = term.trim();
        let (inner, tail) = match term.strip_prefix('(') {
            Some(rest) => rest.rsplit_once(')').unwrap(),
            None => (term, ""),
        };
        let inner = match inner.split_once(" as ") {
            Some((path, cast)) => format!("{path}.as({cast}){tail}"),
            None => format!("{inner}{tail}"),
        };
        let (root, rest) = inner.split_once('.').unwrap_or((&inner, ""));
        if root != rtype && root != "Resource" && root != "DomainResource" {
            continue;
        }
        for (key, value) in path(rest, resource, vec![(String::new(), resource)]) {
            if !found.iter().any(|(_, known)| std::ptr::eq(*known, value)) {
                found.push((key, value));
            }
        }
    }
    found
}

/// The parts of a path, not split inside brackets.
fn parts(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in path.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '.' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

pub(crate) fn path<'v>(
    text: &str,
    resource: &'v Value,
    mut nodes: Vec<(String, &'v Value)>,
) -> Vec<(String, &'v Value)> {
    for part in parts(text) {
        let mut next = Vec::new();
        for (key, node) in nodes {
            if let Some(cast) = part.strip_prefix("as(") {
                let cast = cast.trim_end_matches(')').to_lowercase();
                let plain = ["uri", "canonical"].contains(&cast.as_str())
                    && node.is_string()
                    && key.to_lowercase().ends_with(&cast);
                if key.to_lowercase().ends_with(&cast) || plain {
                    next.push((key, node));
                }
            } else if let Some(condition) = part.strip_prefix("where(resolve() is ") {
                if resolves_to(node, resource).as_deref() == Some(condition.trim_end_matches(')')) {
                    next.push((key, node));
                }
            } else if let Some(condition) = part.strip_prefix("where(") {
                let (name, value) = condition.trim_end_matches(')').split_once('=').unwrap();
                if node[name] == value.trim_matches('\'') {
                    next.push((key, node));
                }
            } else {
                for (name, value) in node.as_object().into_iter().flatten() {
                    let choice =
                        name.strip_prefix(part.as_str()).is_some_and(|rest| rest.starts_with(char::is_uppercase));
                    let other = name.contains("Codeable") && part == "reason";
                    if *name == part || (choice && is_choice(name, &part) && !other) {
                        let items = value.as_array().map_or(vec![value], |items| items.iter().collect());
                        next.extend(items.into_iter().filter(|v| !v.is_null()).map(|item| (name.clone(), item)));
                    }
                }
            }
        }
        nodes = next;
    }
    nodes
}

fn is_choice(name: &str, part: &str) -> bool {
    const TYPES: [&str; 17] = [
        "Quantity",
        "CodeableConcept",
        "String",
        "Boolean",
        "Integer",
        "Range",
        "Ratio",
        "SampledData",
        "Time",
        "DateTime",
        "Period",
        "Timing",
        "Instant",
        "Age",
        "Reference",
        "Date",
        "Decimal",
    ];
    TYPES.contains(&&name[part.len()..])
}

pub(crate) fn resolves_to(reference: &Value, resource: &Value) -> Option<String> {
    let text = reference["reference"].as_str().unwrap_or("");
    if let Some(id) = text.strip_prefix('#') {
        let contained = resource["contained"].as_array().into_iter().flatten().find(|c| c["id"] == id);
        if let Some(contained) = contained {
            return contained["resourceType"].as_str().map(str::to_owned);
        }
    }
    let before = text.split("/_history/").next().unwrap();
    let segments: Vec<&str> = before.split('/').collect();
    if segments.len() >= 2 && segments[segments.len() - 2].starts_with(char::is_uppercase) {
        return Some(segments[segments.len() - 2].to_owned());
    }
    reference["type"].as_str().map(str::to_owned)
}

/// Whether a record matches `code:modifier=value` with a single value.
pub(crate) fn matches(kind: &str, expression: &str, resource: &Value, modifier: &str, value: &str) -> bool {
    let found = eval(expression, resource);
    match modifier {
        "missing" => found.is_empty() == (value == "true"),
        "not" => !found.iter().any(|(key, node)| token(key, node, value)),
        "text" => found.iter().any(|(_, node)| texts(node).iter().any(|text| fold(text).starts_with(&fold(value)))),
        "identifier" => found
            .iter()
            .any(|(_, node)| !node["identifier"].is_null() && token("identifier", &node["identifier"], value)),
        "exact" => found.iter().any(|(_, node)| strings(node).iter().any(|text| text == value)),
        "contains" => found.iter().any(|(_, node)| strings(node).iter().any(|text| fold(text).contains(&fold(value)))),
        _ => found.iter().any(|(key, node)| match kind {
            "token" => token(key, node, value),
            "string" => strings(node).iter().any(|text| fold(text).starts_with(&fold(value))),
            "date" => date(node, value),
            "number" => number(node, value),
            "quantity" => quantity(node, value),
            "reference" => reference(node, resource, value),
            "uri" => match modifier {
                "below" => under(node.as_str().unwrap(), value),
                "above" => under(value, node.as_str().unwrap()),
                _ => node.as_str() == Some(value) || node.as_str().unwrap().starts_with(&format!("{value}|")),
            },
            other => panic!("{other}"),
        }),
    }
}

fn under(lower: &str, upper: &str) -> bool {
    lower == upper || (lower.starts_with(upper) && (upper.ends_with('/') || lower.as_bytes()[upper.len()] == b'/'))
}

/// Only for the letters that the tests use.
pub(crate) fn fold(text: &str) -> String {
    let plain = |c: char| match c {
        'ü' | 'Ü' => 'u',
        'é' | 'É' => 'e',
        'ñ' | 'Ñ' => 'n',
        'ú' | 'Ú' => 'u',
        'å' | 'Å' => 'a',
        c => c,
    };
    text.chars().filter(|c| *c != '\u{301}').map(plain).flat_map(char::to_lowercase).collect()
}

pub(crate) fn strings(node: &Value) -> Vec<String> {
    match node {
        Value::String(text) => vec![text.clone()],
        Value::Object(members) => {
            let names = [
                "text",
                "family",
                "given",
                "prefix",
                "suffix",
                "line",
                "city",
                "district",
                "state",
                "postalCode",
                "country",
            ];
            let values =
                members.iter().filter(|(name, _)| names.contains(&name.as_str())).flat_map(|(_, value)| strings(value));
            values.collect()
        }
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        _ => vec![],
    }
}

pub(crate) fn texts(node: &Value) -> Vec<String> {
    let all = [&node["text"], &node["display"], &node["type"]["text"]].map(|v| v.as_str().map(str::to_owned));
    let codings =
        node["coding"].as_array().into_iter().flatten().filter_map(|c| c["display"].as_str().map(str::to_owned));
    all.into_iter().flatten().chain(codings).collect()
}

/// (system, code) pairs; contact points with their value as it was written.
pub(crate) fn codes(key: &str, node: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or("").to_owned();
    match node {
        Value::Bool(b) => vec![(String::new(), b.to_string())],
        Value::String(code) => {
            let system = match key {
                "gender" => "http://hl7.org/fhir/administrative-gender",
                _ => "",
            };
            vec![(system.to_owned(), code.clone())]
        }
        Value::Object(members) if members.contains_key("coding") => {
            node["coding"].as_array().unwrap().iter().map(|c| (text(&c["system"]), text(&c["code"]))).collect()
        }
        Value::Object(members) if members.contains_key("value") => vec![(text(&node["system"]), text(&node["value"]))],
        Value::Object(members) if members.contains_key("code") => vec![(text(&node["system"]), text(&node["code"]))],
        _ => vec![],
    }
}

fn token(key: &str, node: &Value, value: &str) -> bool {
    let code_only = node.is_string();
    codes(key, node).into_iter().any(|(system, code)| {
        let same = |wanted: &str| {
            if key == "telecom" {
                let digits = |t: &str| t.chars().filter(|c| c.is_ascii_digit()).collect::<String>();
                let phone = |t: &str| {
                    !t.is_empty() && digits(t).len() >= 3 && !t.contains(char::is_alphabetic) && !t.contains('@')
                };
                if phone(&code) && phone(wanted) {
                    digits(&code) == digits(wanted) && code.starts_with('+') == wanted.starts_with('+')
                } else {
                    code.to_lowercase() == wanted.to_lowercase()
                }
            } else {
                !code.is_empty() && code == wanted
            }
        };
        match value.split_once('|') {
            None => same(value),
            Some(("", wanted)) => (system.is_empty() || code_only) && same(wanted),
            Some((wanted, "")) => system == wanted,
            Some((wanted, code)) => system == wanted && same(code),
        }
    })
}

/// First and last millisecond by the calendar library.
pub(crate) fn range(text: &str) -> (i64, i64) {
    use jiff::{civil, tz::Offset};
    let at =
        |y: i16, m: i8, d: i8| Offset::UTC.to_timestamp(civil::date(y, m, d).at(0, 0, 0, 0)).unwrap().as_millisecond();
    let day = |d: civil::Date| at(d.year(), d.month(), d.day());
    match text.len() {
        4 => {
            let year: i16 = text.parse().unwrap();
            (at(year, 1, 1), at(year + 1, 1, 1) - 1)
        }
        7 => {
            let first: civil::Date = format!("{text}-01").parse().unwrap();
            (day(first), day(first.checked_add(jiff::Span::new().months(1)).unwrap()) - 1)
        }
        10 => {
            let date: civil::Date = text.parse().unwrap();
            (day(date), day(date.checked_add(jiff::Span::new().days(1)).unwrap()) - 1)
        }
        _ => {
            let width = if let Some((_, fraction)) = text.split_once('.') {
                let digits = fraction.chars().take_while(char::is_ascii_digit).count() as u32;
                10i64.pow(3u32.saturating_sub(digits)) - 1
            } else if text[11..].matches(':').count() - usize::from(text.len() > 20 && text[19..].contains(':')) >= 2 {
                999
            } else {
                59_999
            };
            let zoned = if text.ends_with('Z') || text[11..].contains(['+', '-']) {
                text.to_owned()
            } else {
                format!("{text}Z")
            };
            let zoned = if width == 59_999 { format!("{}:00{}", &zoned[..16], &zoned[16..]) } else { zoned };
            let low = zoned.parse::<jiff::Timestamp>().unwrap().as_millisecond();
            (low, low + width)
        }
    }
}

fn prefixed(value: &str) -> (&str, &str) {
    match value.get(..2) {
        Some(p) if ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"].contains(&p) => (p, &value[2..]),
        _ => ("eq", value),
    }
}

fn date(node: &Value, value: &str) -> bool {
    let target = match node {
        Value::String(text) => Some(range(text)),
        _ if node.get("event").is_some() || node.get("repeat").is_some() => {
            let events = node["event"].as_array().into_iter().flatten().map(|e| range(e.as_str().unwrap()));
            let period = &node["repeat"]["boundsPeriod"];
            let bounds = (!period.is_null()).then(|| ends(period));
            events.chain(bounds).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        }
        _ => Some(ends(node)).filter(|ends| *ends != (i64::MIN, i64::MAX)),
    };
    let Some((low, high)) = target else { return false };
    let (prefix, text) = prefixed(value);
    let (from, to) = range(text);
    let contains = from <= low && high <= to;
    match prefix {
        "eq" => contains,
        "ne" => !contains,
        "gt" => high > to,
        "lt" => low < from,
        "ge" => high > to || contains,
        "le" => low < from || contains,
        "sa" => low > to,
        "eb" => high < from,
        _ => {
            let width = to - from + 1;
            !(high < from - width || low > to + width)
        }
    }
}

fn ends(period: &Value) -> (i64, i64) {
    let low = period["start"].as_str().map_or(i64::MIN, |t| range(t).0);
    let high = period["end"].as_str().map_or(i64::MAX, |t| range(t).1);
    (low, high)
}

/// In units of 10^-18, for numbers below 10^17.
fn fixed(text: &str) -> i128 {
    let (number, exponent) = text.split_once(['e', 'E']).map_or((text, 0), |(n, e)| (n, e.parse::<i32>().unwrap()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
    digits * 10i128.pow((18 + exponent - fraction.len() as i32) as u32)
}

/// The unit of the last written digit, in the same units.
fn last_digit(text: &str) -> i128 {
    let (number, exponent) = text.split_once(['e', 'E']).map_or((text, 0), |(n, e)| (n, e.parse::<i32>().unwrap()));
    let decimals = number.split_once('.').map_or(0, |(_, f)| f.len() as i32);
    10i128.pow((18 + exponent - decimals) as u32)
}

fn compare(low: i128, high: i128, value: &str) -> bool {
    let (prefix, text) = prefixed(value);
    let (wanted, unit) = (fixed(text), last_digit(text));
    let contains = low >= wanted - unit / 2 && high < wanted + unit / 2;
    match prefix {
        "eq" => contains,
        "ne" => !contains,
        "gt" => high > wanted,
        "lt" => low < wanted,
        "ge" => high >= wanted,
        "le" => low <= wanted,
        "sa" => low > wanted,
        "eb" => high < wanted,
        _ => low <= wanted + wanted.abs() / 10 && high >= wanted - wanted.abs() / 10,
    }
}

fn interval(node: &Value) -> Option<(i128, i128)> {
    let end = |v: &Value| v.as_number().map(|n| fixed(&n.to_string()));
    if node.is_number() {
        return end(node).map(|v| (v, v));
    }
    if node.get("low").is_some() || node.get("high").is_some() {
        let (low, high) = (end(&node["low"]["value"]), end(&node["high"]["value"]));
        return low.or(high).map(|_| (low.unwrap_or(i128::MIN), high.unwrap_or(i128::MAX)));
    }
    let value = end(&node["value"])?;
    Some(match node["comparator"].as_str() {
        Some("<" | "<=") => (i128::MIN, value),
        Some(_) => (value, i128::MAX),
        None => (value, value),
    })
}

fn number(node: &Value, value: &str) -> bool {
    interval(node).is_some_and(|(low, high)| compare(low, high, value))
}

fn quantity(node: &Value, value: &str) -> bool {
    let parts: Vec<&str> = value.split('|').collect();
    let holder = if node.get("low").is_some() {
        &node["low"]
    } else if node.get("high").is_some() {
        &node["high"]
    } else {
        node
    };
    let money = node.get("currency").is_some();
    let unit = match parts.as_slice() {
        [_] | [_, "", ""] => true,
        [_, "", unit] => holder["code"] == *unit || holder["unit"] == *unit || node["currency"] == *unit,
        [_, system, code] if money => *system == "urn:iso:std:iso:4217" && node["currency"] == *code,
        [_, system, code] => holder["system"] == *system && holder["code"] == *code,
        _ => panic!(),
    };
    unit && number(node, parts[0])
}

fn reference(node: &Value, resource: &Value, value: &str) -> bool {
    let text = node.as_str().or(node["reference"].as_str()).unwrap_or("");
    let relative = text.split('/').count() >= 2 && text.starts_with(char::is_uppercase);
    if value.contains(':') {
        let bare = if node.is_string() { text.split('|').next().unwrap() } else { text };
        return text == value || (!relative && bare == value);
    }
    let current = text.split("/_history/").next().unwrap();
    match (relative, value.contains('/')) {
        (true, true) => current == value || (value.contains("/_history/") && text == value),
        (true, false) => current.rsplit('/').next() == Some(value) && resolves_to(node, resource).is_some(),
        _ => false,
    }
}
