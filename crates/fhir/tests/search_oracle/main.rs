//! Every answer of the search module is compared with a naive second opinion over the same records.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod naive;
mod records;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::search::{
    ParamKind, Query, SearchParam, SearchValues, SearchView, encode, extract, params_of, token_values,
};
use proptest::prelude::*;
use serde_json::Value;

struct Record {
    value: Value,
    stored: Vec<u8>,
    tokens: Vec<(&'static str, Vec<u8>)>,
}

static RECORDS: LazyLock<BTreeMap<ResourceType, Vec<Record>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/synthea");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap())
        .filter(|f| f.path().extension().is_some_and(|e| e == "bz2"))
        .collect();
    assert!(files.len() >= 6, "the synthetic patients are not in testdata/synthea");
    files.sort_by_key(|f| f.metadata().unwrap().len());
    let mut all: Vec<Value> = files.iter().take(6).flat_map(|f| records::synthea(&f.path())).collect();
    all.extend(records::by_hand());
    let mut values = SearchValues::new();
    let mut by_type: BTreeMap<ResourceType, Vec<Record>> = BTreeMap::new();
    for value in all {
        let rtype = ResourceType::parse(value["resourceType"].as_str().unwrap()).unwrap();
        let doc = Doc::parse(value.to_string().into_bytes(), &Limits::default()).unwrap();
        extract(doc.root(), rtype, &mut values);
        let mut stored = Vec::new();
        encode(&values, &mut stored);
        let tokens = token_values(&values).map(|(p, v)| (p.code, v.to_vec())).collect();
        let list = by_type.entry(rtype).or_default();
        // The rare records count more than the thousandth observation.
        if list.len() < 120 || value["id"].as_str().is_some_and(|id| id.len() < 4) {
            list.push(Record { value, stored, tokens });
        }
    }
    by_type
});

fn kind_name(param: &SearchParam) -> Option<&'static str> {
    Some(match param.kind {
        ParamKind::Token => "token",
        ParamKind::String => "string",
        ParamKind::Date => "date",
        ParamKind::Number => "number",
        ParamKind::Quantity => "quantity",
        ParamKind::Reference => "reference",
        ParamKind::Uri => "uri",
        ParamKind::Composite | ParamKind::Special => return None,
    })
}

/// Parameters that the naive opinion can judge: `deceased` is a boolean expression, the version-like tokens fold case.
fn judged(rtype: ResourceType) -> Vec<&'static SearchParam> {
    params_of(rtype)
        .iter()
        .filter(|p| p.is_served() && kind_name(p).is_some() && p.code != "deceased" && p.code != "version")
        .collect()
}

/// A value to ask for, made from what some record holds.
fn make_value(
    kind: &str,
    key: &str,
    node: &Value,
    dice: &mut impl FnMut(usize) -> usize,
    modifier: &str,
) -> Option<String> {
    const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];
    let pick = |list: Vec<String>, n: usize| (!list.is_empty()).then(|| list[n % list.len()].clone());
    match modifier {
        "missing" => return pick(vec!["true".into(), "false".into()], dice(2)),
        "text" => {
            let text = pick(naive::texts(node), dice(9))?;
            return Some(text.chars().take(1 + dice(12)).collect());
        }
        "identifier" => {
            let (system, value) = naive::codes("identifier", node.get("identifier")?).pop()?;
            return Some([value.clone(), format!("{system}|{value}"), format!("{system}|")][dice(3)].clone());
        }
        _ => {}
    }
    let end = |n: usize, text: &str| text.chars().take(n).collect::<String>();
    Some(match kind {
        "token" => {
            let list = naive::codes(key, node);
            let (system, code) = list.get(dice(9) % list.len().max(1))?.clone();
            let upper = code.to_uppercase();
            [
                code.clone(),
                format!("{system}|{code}"),
                format!("|{code}"),
                format!("{system}|"),
                upper,
                format!("http://no|{code}"),
                code.replace([' ', '-'], ""),
            ][dice(7)]
            .clone()
        }
        "string" => {
            let text = pick(naive::strings(node), dice(9))?;
            let length = text.chars().count();
            let part: String = text
                .chars()
                .skip(if modifier == "contains" { dice(length) } else { 0 })
                .take(1 + dice(length))
                .collect();
            [part.clone(), part.to_uppercase(), naive::fold(&part), text][dice(4)].clone()
        }
        "date" => {
            let mut list = vec![];
            dates(node, &mut list);
            let text = pick(list, dice(9))?;
            let cut = [4, 7, 10, 16, 19, 99][dice(6)];
            let cut = if text.len() <= 10 && cut > 10 { 10 } else { cut };
            let shown = end(cut, &text);
            let shown = if cut == 16 || cut == 19 { format!("{shown}{}", ["", "Z", "+05:30"][dice(3)]) } else { shown };
            format!("{}{shown}", PREFIXES[dice(10)])
        }
        "number" | "quantity" => {
            let holder = ["low", "high"].iter().find_map(|end| node.get(*end)).unwrap_or(node);
            let number = if holder.is_number() { holder } else { &holder["value"] };
            let mut text = number.as_number()?.to_string();
            if text.contains('.') && dice(3) == 0 {
                text = end(text.find('.').unwrap() + [0, 2, 3][dice(3)], &text);
            } else if dice(6) == 0 {
                text.push_str(if text.contains(['.', 'e']) { "" } else { ".0" });
            } else if dice(6) == 0 && !text.contains('e') {
                text.push_str(["e1", "e-1", "e0"][dice(3)]);
            }
            let text = format!("{}{text}", PREFIXES[dice(10)]);
            let (system, code, unit) = (holder["system"].as_str()?, holder["code"].as_str()?, holder["unit"].as_str()?);
            if kind == "number" || dice(3) == 0 {
                text
            } else {
                [
                    format!("{text}|{system}|{code}"),
                    format!("{text}||{unit}"),
                    format!("{text}||{code}"),
                    format!("{text}|{system}|x"),
                ][dice(4)]
                .clone()
            }
        }
        "reference" => {
            let text = node.as_str().or(node["reference"].as_str())?;
            let bare = text.split("/_history/").next()?;
            if text.contains(':') {
                [text, text.split('|').next()?][dice(2)].to_owned()
            } else if text.starts_with('#') {
                return None;
            } else {
                [bare, bare.rsplit('/').next()?, text][dice(3)].to_owned()
            }
        }
        _ => {
            let text = node.as_str()?;
            let cut = text.char_indices().filter(|(_, c)| *c == '/' || *c == '|').map(|(at, _)| at).collect::<Vec<_>>();
            let at = if cut.is_empty() { text.len() } else { cut[dice(9) % cut.len()] };
            [text.to_owned(), text[..at].to_owned(), format!("{text}/x"), text[..text.len() - 1].to_owned()][dice(4)]
                .clone()
        }
    })
}

fn dates(node: &Value, out: &mut Vec<String>) {
    match node {
        Value::String(text) if text.as_bytes()[0].is_ascii_digit() => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| dates(item, out)),
        Value::Object(members) => members.values().for_each(|value| dates(value, out)),
        _ => {}
    }
}

fn escape(text: &str, kind: &str) -> String {
    let text = text.replace('\\', r"\\").replace(',', r"\,").replace('$', r"\$");
    if matches!(kind, "string" | "uri" | "text") { text.replace('|', r"\|") } else { text }
}

static YES: [AtomicUsize; 7] = [const { AtomicUsize::new(0) }; 7];
static NO: [AtomicUsize; 7] = [const { AtomicUsize::new(0) }; 7];
const KINDS: [&str; 7] = ["token", "string", "date", "number", "quantity", "reference", "uri"];

#[test]
fn every_kind_of_question_is_answered_both_ways_as_a_naive_reading_does() {
    answers_are_those_of_a_naive_reading();
    for (at, kind) in KINDS.iter().enumerate() {
        let (yes, no) = (YES[at].load(Ordering::Relaxed), NO[at].load(Ordering::Relaxed));
        assert!(yes > 10 && no > 10, "{kind}: {yes} yes, {no} no");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    fn answers_are_those_of_a_naive_reading(dice in proptest::collection::vec(0usize..1_000_000, 24)) {
        let mut next = dice.iter().copied().chain(std::iter::repeat(0));
        let mut roll = move |sides: usize| next.next().unwrap() % sides.max(1);
        let types: Vec<_> = RECORDS.keys().copied().collect();
        // Numbers are rare among the parameters: every eighth question is about one.
        let number = roll(8) == 0;
        let rtype = if number { ResourceType::parse("RiskAssessment").unwrap() } else { types[roll(types.len())] };
        let list = &RECORDS[&rtype];
        let params: Vec<_> = judged(rtype).into_iter().filter(|p| !number || p.kind == ParamKind::Number).collect();
        let param = params[roll(params.len())];
        let kind = kind_name(param).unwrap();
        let modifiers: &[&str] = match kind {
            "token" => &["", "", "", "not", "text", "missing"],
            "string" => &["", "", "exact", "contains", "missing"],
            "reference" => &["", "", "", "identifier", "text", "missing"],
            "uri" => &["", "", "below", "above", "missing"],
            _ => &["", "", "", "", "missing"],
        };
        let modifier = modifiers[roll(modifiers.len())];
        // Look for a record that has the element, so that most questions are about something.
        let start = roll(list.len());
        let found = (0..list.len()).map(|i| &list[(start + i) % list.len()]).find_map(|r| {
            let found = naive::eval(param.expression, &r.value);
            (!found.is_empty()).then_some(found)
        });
        let Some((key, node)) = found.and_then(|f| { let n = roll(f.len()); f.into_iter().nth(n) }) else { return Ok(()) };
        let Some(value) = make_value(kind, &key, node, &mut roll, modifier).filter(|v| !v.is_empty() && v != "|") else { return Ok(()) };
        let name = if modifier.is_empty() { param.code.to_owned() } else { format!("{}:{modifier}", param.code) };
        let escaped = escape(&value, if modifier == "text" { "text" } else { kind });
        let parsed = Query::parse(rtype, &[(name.clone(), escaped)]);
        let query = match parsed {
            Ok(query) => query,
            // A reference to a type that the parameter does not name.
            Err(error) if kind == "reference" => {
                prop_assert!(value.contains('/') || value.contains(':'), "{} {:?}={}", error, name, value);
                return Ok(());
            }
            Err(error) => { prop_assert!(false, "{error} {rtype}?{name}={value}"); return Ok(()) }
        };
        let filter = &query.filters[0];
        let keys = filter.index_keys();
        for record in list {
            let view = SearchView::open(&record.stored).unwrap();
            let ours = filter.matches(&view);
            let naive = naive::matches(kind, param.expression, &record.value, modifier, &value);
            let at = KINDS.iter().position(|k| *k == kind).unwrap();
            let counters = if ours { &YES } else { &NO };
            counters[at].fetch_add(1, Ordering::Relaxed);
            prop_assert_eq!(ours, naive, "{}?{}={} on {}", rtype, name, value, record.value);
            if let (true, Some(keys)) = (ours, &keys) {
                let hit = keys.iter().any(|(p, key)| record.tokens.iter().any(|(code, token)| p.code == *code && token == &**key));
                prop_assert!(hit, "no index key for {}?{}={} on {}", rtype, name, value, record.value);
            }
            if let (true, Some(prefixes)) = (ours, filter.prefixes()) {
                let strings = || record.tokens.iter().filter(|(code, _)| *code == param.code);
                prop_assert!(prefixes.iter().any(|prefix| strings().any(|(_, token)| token.starts_with(prefix.as_bytes()))));
            }
        }
    }
}
