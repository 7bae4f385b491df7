//! The tables of `docs/connectors/elation.md` say what the mapping does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::harness::{CanaryKind, at, coded, filled, leaves, map, minted, shape_of};
use crate::elation::CAPABILITIES;

type Leaves = Vec<(String, String)>;

/// Objects of a kind, alive and with known codes, in which single members are changed. Values stand as words and as
/// numbers, because both have their places.
fn bases(kind: &str) -> Vec<Value> {
    let mut base = filled(&shape_of(kind), "", &mut Vec::new());
    for (of, path, table) in coded() {
        if of == kind {
            *at(&mut base, path) = json!(table.rows()[0].source());
        }
    }
    enliven(&mut base);
    match kind {
        "reports" => {
            let mut bases = Vec::new();
            for row in crate::table::VALUE_TYPE.rows() {
                let mut lab = base.clone();
                lab["report_type"] = json!("Lab");
                *at(&mut lab, "grids.0.results.0.value_type") = json!(row.source());
                let mut number = lab.clone();
                *at(&mut number, "grids.0.results.0.value") = json!("1.5");
                bases.extend([lab, number]);
            }
            bases.push(base);
            bases
        }
        "problems" => {
            let mut resolved = base.clone();
            resolved["status"] = json!("Resolved");
            vec![base, resolved]
        }
        "vitals" => {
            let mut numbers = base.clone();
            for name in ["height", "weight", "hr", "rr", "temperature", "oxygen", "pain", "hc"] {
                numbers[name][0]["value"] = json!("1.5");
            }
            vec![base, numbers]
        }
        _ => vec![base],
    }
}

/// Takes away what says that something is over.
fn enliven(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                match name.as_str() {
                    "deleted_date" | "merged_into_chart" | "deceased_date" | "dc_date" => *inner = Value::Null,
                    _ => enliven(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(enliven),
        _ => {}
    }
}

fn mapped(kind: &str, object: &Value) -> Leaves {
    leaves(&map(kind, object).unwrap())
}

/// The paths at which two results differ.
fn differing(one: &Leaves, two: &Leaves, out: &mut BTreeSet<String>) {
    let count = |leaves: &Leaves| {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for leaf in leaves {
            *counts.entry(leaf.clone()).or_default() += 1;
        }
        counts
    };
    let (one, two) = (count(one), count(two));
    let differs = |(leaf, times): (&(String, String), &usize), other: &BTreeMap<(String, String), usize>| {
        (other.get(leaf) != Some(times)).then(|| leaf.0.clone())
    };
    out.extend(one.iter().filter_map(|leaf| differs(leaf, &two)));
    out.extend(two.iter().filter_map(|leaf| differs(leaf, &one)));
}

fn where_is(kind: &str, base: &Value, path: &str, of: CanaryKind, out: &mut BTreeSet<String>) {
    let values: Vec<Value> = match of {
        // A number of LOINC is one only with its check digit.
        CanaryKind::Text if path.ends_with(".loinc") => vec![json!("finch"), json!("2345-7")],
        CanaryKind::Text => vec![json!("finch"), json!("740.25")],
        CanaryKind::Number => vec![json!("74025")],
        CanaryKind::Id => vec![json!(900_000_000_740_250_u64)],
        CanaryKind::Day => vec![json!("1933-04-05")],
        CanaryKind::Time => vec![json!("1933-04-05T06:07:08Z")],
        CanaryKind::Flag => vec![json!(true)],
    };
    for value in values {
        let mut object = base.clone();
        let inside = !matches!(at(&mut object, path), Value::Array(_) | Value::Object(_));
        *at(&mut object, path) = if inside { value.clone() } else { json!([value.clone()]) };
        let found = mapped(kind, &object);
        if of == CanaryKind::Flag {
            *at(&mut object, path) = json!(false);
            differing(&found, &mapped(kind, &object), out);
            continue;
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let ids = ["patients", "physicians", "practices", "service_locations", "medications", "reports"]
            .map(|kind| minted(kind, &text));
        let holds = |found: &str| found.contains(&text) || ids.iter().any(|id| found.contains(id.as_str()));
        out.extend(found.into_iter().filter(|(_, found)| holds(found)).map(|(path, _)| path));
    }
}

/// The members of a kind and where each goes.
fn rows(kind: &str) -> Vec<String> {
    let mut canaries = Vec::new();
    filled(&shape_of(kind), "", &mut canaries);
    let mut out = Vec::new();
    for canary in canaries {
        let table =
            coded().into_iter().find(|(of, path, _)| *of == kind && *path == canary.path).map(|(_, _, table)| table);
        let mut paths = BTreeSet::new();
        for base in bases(kind) {
            match table {
                None => where_is(kind, &base, &canary.path, canary.kind, &mut paths),
                Some(table) => {
                    let first = mapped(kind, &base);
                    for row in table.rows() {
                        let mut object = base.clone();
                        *at(&mut object, &canary.path) = json!(row.source());
                        differing(&first, &mapped(kind, &object), &mut paths);
                    }
                }
            }
        }
        let (kept, places): (Vec<String>, Vec<String>) = paths.into_iter().partition(|path| path.starts_with("kept"));
        let mut places: Vec<String> = places.iter().map(|path| format!("`{path}`")).collect();
        let holders: BTreeSet<&str> = kept.iter().map(|path| path.split('.').next().unwrap_or_default()).collect();
        places.extend(holders.into_iter().map(str::to_owned));
        if places.len() > 6 {
            let more = places.split_off(5).len();
            places.push(format!("and {more} more"));
        }
        let by =
            table.map(|table| format!(" ([{0}](../../crates/connect/table/{0}.tsv))", table.name)).unwrap_or_default();
        out.push(format!("| `{}` | {}{by} |", canary.path.replace(".0", "[]"), places.join(", ")));
    }
    out
}

#[test]
fn the_documented_places_are_those_of_the_mapping() {
    let mut text = String::new();
    for resource in CAPABILITIES.resources {
        text.push_str(&format!("### `{}` → {}\n\n", resource.kind, resource.produces.join(", ")));
        text.push_str("| member | where |\n|---|---|\n");
        for row in rows(resource.kind) {
            assert!(
                !row.contains("|  |") && !row.contains("|  ("),
                "{} has a member without a place: {row}",
                resource.kind
            );
            text.push_str(&row);
            text.push('\n');
        }
        text.push('\n');
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/connectors/elation.md");
    let written = std::fs::read_to_string(path).unwrap();
    let (_, tables) = written.split_once("<!-- members -->\n\n").unwrap();
    assert!(
        tables.trim_end() == text.trim_end(),
        "docs/connectors/elation.md is not what the mapping does; below `<!-- members -->` it should read:\n{text}"
    );
}
