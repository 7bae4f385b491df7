//! The tables as Rust source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::elements::Elements;
use super::walk::{Place, data_variant};
use super::{CompositeDef, ParamDef};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SourceKey {
    first: String,
    steps: String,
    value: String,
    data: String,
}

struct SourceDef {
    group: usize,
    system: Option<String>,
}

fn value_variant(kind: &str) -> &'static str {
    match kind {
        "token" => "Token",
        "string" => "Text",
        "date" => "Date",
        "number" => "Number",
        "quantity" => "Quantity",
        "reference" => "Reference",
        _ => "Uri",
    }
}

fn source_key(kind: &str, place: &Place) -> SourceKey {
    if let Some(keys) = place.steps.first().and_then(|s| s.strip_prefix("present:")) {
        let keys: Vec<&str> = keys.split(',').map(|k| k.trim_start_matches("S::Key(").trim_end_matches(')')).collect();
        let data = format!("Present(&[{}])", keys.join(", "));
        return SourceKey { first: String::new(), steps: String::new(), value: "Token".into(), data };
    }
    let first = place.steps.first().map(|s| s.trim_start_matches("S::Key(\"").trim_end_matches("\")")).unwrap_or("");
    SourceKey {
        first: first.to_owned(),
        steps: place.steps.join(", "),
        value: value_variant(kind).to_owned(),
        data: data_variant(kind, &place.datatype).unwrap_or("Plain").to_owned(),
    }
}

fn collect_sources(params: &[ParamDef]) -> Result<BTreeMap<SourceKey, SourceDef>, String> {
    let mut sources: BTreeMap<SourceKey, SourceDef> = BTreeMap::new();
    let mut add = |kind: &str, place: &Place, group: usize| -> Result<(), String> {
        let key = source_key(kind, place);
        let entry = sources.entry(key).or_insert(SourceDef { group, system: place.system.clone() });
        if group != 0 && entry.group != 0 && entry.group != group {
            return Err(format!("two groupings of {}", place.path));
        }
        entry.group = entry.group.max(group);
        Ok(())
    };
    for param in params.iter().filter(|p| p.refusal.is_none()) {
        for place in &param.places {
            add(&param.kind, place, 0)?;
        }
        if let Some(composite) = &param.composite {
            for part in &composite.variants {
                for ((places, grouped), (_, kind)) in part.iter().zip(&composite.components) {
                    for place in places {
                        add(kind, place, if *grouped { place.group } else { 0 })?;
                    }
                }
            }
        }
    }
    if sources.len() > 255 { Err("more than 255 sources".into()) } else { Ok(sources) }
}

pub(super) fn render_type(
    out: &mut String,
    elements: &Elements,
    code: usize,
    name: &str,
    params: &[ParamDef],
) -> Result<(), String> {
    let sources = collect_sources(params)?;
    let order: Vec<&SourceKey> = sources.keys().collect();
    let _ = writeln!(out, "static T{code}: TypeTable = TypeTable {{ name: {name:?}, starts: &[");
    let mut at = 0;
    while let Some(key) = order.get(at) {
        let end = at + order.iter().skip(at).take_while(|k| k.first == key.first).count();
        let _ = writeln!(out, "  ({:?}, {at}, {end}),", key.first);
        at = end;
    }
    out.push_str("], sources: &[\n");
    for (key, source) in &sources {
        let system = source.system.as_ref().map_or("None".to_owned(), |s| format!("Some({s:?})"));
        let _ = writeln!(
            out,
            "  Source {{ steps: &[{}], value: V::{}, data: D::{}, group: {}, system: {system} }},",
            key.steps, key.value, key.data, source.group
        );
    }
    out.push_str("], params: &[\n");
    for (index, param) in params.iter().enumerate() {
        render_param(out, elements, &order, code, index, param)?;
    }
    out.push_str("] };\n\n");
    Ok(())
}

fn render_param(
    out: &mut String,
    elements: &Elements,
    order: &[&SourceKey],
    rtype: usize,
    index: usize,
    p: &ParamDef,
) -> Result<(), String> {
    let mut paths: BTreeSet<&str> = p.places.iter().map(|place| place.path.as_str()).collect();
    let composite = match &p.composite {
        None => "None".to_owned(),
        Some(composite) => {
            let all = composite.variants.iter().flatten().flat_map(|(places, _)| places);
            paths.extend(all.map(|place| place.path.as_str()));
            render_composite(elements, order, composite)?
        }
    };
    let sources = if p.refusal.is_some() { String::new() } else { render_refs(elements, order, &p.kind, &p.places)? };
    let targets: Vec<String> = if p.targets.len() > 100 {
        Vec::new()
    } else {
        p.targets
            .iter()
            .map(|t| Ok::<_, String>(format!("R({})", type_code(elements, t)?)))
            .collect::<Result<_, _>>()?
    };
    let kind = {
        let mut c = p.kind.chars();
        c.next().map(|f| f.to_ascii_uppercase()).into_iter().chain(c).collect::<String>()
    };
    let refusal = p.refusal.map_or("None".to_owned(), |r| format!("Some(Refusal::{r})"));
    let paths: Vec<&str> = paths.into_iter().collect();
    let _ = writeln!(
        out,
        "  SearchParam {{ index: {index}, rtype: R({rtype}), code: {:?}, kind: K::{kind}, targets: &[{}], expression: {:?}, sources: &[{sources}], composite: {composite}, paths: &{paths:?}, refusal: {refusal} }},",
        p.code,
        targets.join(", "),
        p.expression,
    );
    Ok(())
}

fn render_composite(elements: &Elements, order: &[&SourceKey], composite: &CompositeDef) -> Result<String, String> {
    let mut text = String::from("Some(&Composite { components: &[");
    for (code, kind) in &composite.components {
        let mut c = kind.chars();
        let kind: String = c.next().map(|f| f.to_ascii_uppercase()).into_iter().chain(c).collect();
        let _ = write!(text, "Component {{ code: {code:?}, kind: K::{kind} }}, ");
    }
    text.push_str("], variants: &[");
    for parts in &composite.variants {
        text.push_str("Variant { parts: &[");
        for ((places, grouped), (_, kind)) in parts.iter().zip(&composite.components) {
            let _ = write!(
                text,
                "Part {{ sources: &[{}], grouped: {grouped} }}, ",
                render_refs(elements, order, kind, places)?
            );
        }
        text.push_str("] }, ");
    }
    text.push_str("] })");
    Ok(text)
}

fn render_refs(elements: &Elements, order: &[&SourceKey], kind: &str, places: &[Place]) -> Result<String, String> {
    let mut refs: BTreeSet<String> = BTreeSet::new();
    for place in places {
        let key = source_key(kind, place);
        let index = order.iter().position(|k| **k == key).ok_or("source lost")?;
        let only = match &place.only {
            None => "None".to_owned(),
            Some(target) => format!("Some(R({}))", type_code(elements, target)?),
        };
        refs.insert(format!("SourceRef {{ source: {index}, only: {only} }}"));
    }
    Ok(refs.into_iter().collect::<Vec<_>>().join(", "))
}

fn type_code(elements: &Elements, name: &str) -> Result<String, String> {
    elements.types.iter().position(|t| t == name).map(|i| i.to_string()).ok_or_else(|| format!("unknown type {name}"))
}
