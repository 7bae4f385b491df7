//! The tables as Rust source: plain arrays, no functions.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::model::{Element, Model, ValueType};
use crate::{Error, list, names, text};

const HEADER: &str = "// Written by `cargo run -p aceso-fhir-gen` from definitions/r4. Do not edit.\n\n";

pub(crate) fn root() -> String {
    format!(
        "{HEADER}pub(crate) mod codes;\npub(crate) mod elements;\npub(crate) mod resources;\npub(crate) mod rules;\n"
    )
}

pub(crate) fn codes(model: &Model) -> String {
    let mut out = format!("{HEADER}pub(crate) static CODE_LISTS: [&[&str]; {}] = [\n", model.code_lists.len());
    for list in &model.code_lists {
        out += &format!("    &{list:?},\n");
    }
    out + "];\n"
}

pub(crate) fn resources(model: &Model, compartment: &Value) -> Result<String, Error> {
    let count = model.resources.len();
    let table = names::table(model.resources.iter().map(String::as_str))?;
    let mut out = format!("{HEADER}use crate::definitions::ResourceType;\n\nimpl ResourceType {{\n");
    for (code, name) in model.resources.iter().enumerate() {
        writeln!(out, "    /// `{name}`\n    pub const {}: Self = Self({code});", constant(name))?;
    }
    writeln!(out, "}}\n\npub(crate) static NAMES: [&str; {count}] = [")?;
    for name in &model.resources {
        writeln!(out, "    {name:?},")?;
    }
    writeln!(out, "];\n\npub(crate) static NAME_SEED: u32 = {};", table.seed)?;
    writeln!(out, "pub(crate) static NAME_BITS: u8 = {};", table.bits)?;
    slots(&mut out, "NAME_SLOTS", &table.slots)?;
    writeln!(out, "\npub(crate) static COMPARTMENT: [&[&str]; {count}] = [")?;
    let params: BTreeMap<&str, Vec<&str>> = list(&compartment["resource"])
        .iter()
        .map(|entry| (text(&entry["code"]), list(&entry["param"]).iter().map(text).collect()))
        .collect();
    for name in &model.resources {
        // `Parameters` is no resource that can be stored: the compartment definition leaves it out.
        let found = params.get(name.as_str());
        if found.is_none() && name != "Parameters" {
            return Err(format!("{name}: not in the compartment definition").into());
        }
        writeln!(out, "    &{:?},", found.map_or(&[][..], Vec::as_slice))?;
    }
    out += "];\n";
    Ok(out)
}

pub(crate) fn elements(model: &Model) -> Result<String, Error> {
    let numbers: BTreeMap<&str, usize> =
        model.scopes.iter().enumerate().map(|(n, scope)| (scope.name.as_str(), n)).collect();
    let (mut rows, mut scopes, mut all_slots) = (String::new(), String::new(), Vec::new());
    let mut first = 0;
    for scope in &model.scopes {
        let table = names::table(scope.elements.iter().map(|element| element.key.as_str()))?;
        let required = scope.elements.iter().filter(|e| e.required).try_fold(0u64, |mask, element| {
            Some(mask | 1u64.checked_shl(u32::from(element.place)).filter(|_| element.place < 64)?)
        });
        if scope.elements.iter().any(|element| element.place > 63) {
            return Err(format!("{}: more than 64 elements", scope.name).into());
        }
        writeln!(
            scopes,
            "    Scope {{ name: {:?}, base: {:?}, first: {first}, count: {}, bits: {}, slots: {}, seed: {}, required: {:#x} }},",
            scope.name,
            scope.base,
            scope.elements.len(),
            table.bits,
            all_slots.len(),
            table.seed,
            required.unwrap_or_default()
        )?;
        all_slots.extend(table.slots);
        for (offset, element) in scope.elements.iter().enumerate() {
            row(&mut rows, first + offset, element, &numbers)?;
        }
        first += scope.elements.len();
    }
    let mut out = format!(
        "{HEADER}use crate::definitions::Primitive as K;\n\
         use crate::definitions::ValueType::{{Complex as C, Primitive as P, Resource as R}};\n\
         use crate::definitions::{{Element, ResourceType, Scope, TypeRef as T}};\n\n"
    );
    writeln!(out, "impl T {{")?;
    let named = model.scopes.iter().enumerate().skip(model.resources.len()).take(model.datatypes);
    for (number, scope) in named {
        writeln!(out, "    /// `{}`\n    pub const {}: Self = Self({number});", scope.name, constant(&scope.name))?;
    }
    out += "}\n\n";
    write!(out, "pub(crate) static SCOPES: [Scope; {}] = [\n{scopes}];\n\n", model.scopes.len())?;
    let from = model.resources.len();
    let datatypes: Vec<usize> = (from..from + model.datatypes).collect();
    writeln!(out, "pub(crate) static DATATYPES: [u16; {}] = {datatypes:?};\n", datatypes.len())?;
    writeln!(out, "pub(crate) static TARGET_LISTS: [&[ResourceType]; {}] = [", model.target_lists.len())?;
    for list in &model.target_lists {
        let names: Vec<String> = list.iter().map(|name| format!("ResourceType::{}", constant(name))).collect();
        writeln!(out, "    &[{}],", names.join(", "))?;
    }
    out += "];\n\n";
    slots(&mut out, "SLOTS", &all_slots)?;
    write!(out, "\npub(crate) static ELEMENTS: [Element; {first}] = [\n{rows}];\n")?;
    Ok(out)
}

fn row(out: &mut String, id: usize, element: &Element, numbers: &BTreeMap<&str, usize>) -> Result<(), Error> {
    let value = match &element.value {
        ValueType::Primitive(name) => format!("P(K::{})", capitalised(name)),
        ValueType::Complex(name) => {
            let number = numbers.get(name.as_str()).ok_or_else(|| format!("{}: no scope {name}", element.path))?;
            format!("C(T({number}))")
        }
        ValueType::Resource => "R".to_owned(),
    };
    writeln!(
        out,
        "    Element {{ id: {id}, path: {:?}, key: {:?}, value: {value}, array: {}, min: {}, summary: {}, place: {}, choice: {}, targets: {}, codes: {} }},",
        element.path,
        element.key,
        element.array,
        u8::from(element.required),
        element.summary,
        element.place,
        element.choice,
        element.targets,
        element.codes
    )?;
    Ok(())
}

/// Bindings, invariants and type profiles: beside the elements, since the structural pass does not look at them.
pub(crate) fn rules(model: &Model) -> Result<String, Error> {
    let mut out = format!(
        "{HEADER}use crate::definitions::Severity::{{Error as E, Warning as W}};\n\
         use crate::definitions::Strength::{{Extensible, Preferred, Required}};\n\
         use crate::definitions::{{Binding as B, Invariant as I}};\n\n"
    );
    writeln!(out, "pub(crate) static BINDINGS: [B; {}] = [", model.bindings.len())?;
    for binding in &model.bindings {
        let strength = capitalised(&binding.strength);
        writeln!(out, "    B {{ strength: {strength}, value_set: {:?} }},", binding.value_set)?;
    }
    writeln!(out, "];\n\npub(crate) static INVARIANTS: [I; {}] = [", model.invariants.len())?;
    for (number, it) in model.invariants.iter().enumerate() {
        let severity = if it.severity == "error" { "E" } else { "W" };
        writeln!(
            out,
            "    I {{ number: {number}, key: {:?}, severity: {severity}, human: {:?}, expression: {:?} }},",
            it.key, it.human, it.expression
        )?;
    }
    writeln!(out, "];\n\npub(crate) static SCOPE_INVARIANTS: [&[u16]; {}] = [", model.scopes.len())?;
    for scope in &model.scopes {
        writeln!(out, "    &{:?},", scope.invariants)?;
    }
    let elements: Vec<&Element> = model.scopes.iter().flat_map(|scope| &scope.elements).collect();
    let with: Vec<_> = elements.iter().enumerate().filter(|(_, element)| !element.invariants.is_empty()).collect();
    writeln!(out, "];\n\npub(crate) static ELEMENT_INVARIANTS: [(u16, &[u16]); {}] = [", with.len())?;
    for (id, element) in with {
        writeln!(out, "    ({id}, &{:?}),", element.invariants)?;
    }
    let with: Vec<_> = elements.iter().enumerate().filter_map(|(id, el)| Some((id, el.profile.as_ref()?))).collect();
    writeln!(out, "];\n\npub(crate) static ELEMENT_PROFILES: [(u16, &str); {}] = [", with.len())?;
    for (id, profile) in with {
        writeln!(out, "    ({id}, {profile:?}),")?;
    }
    writeln!(out, "];\n\npub(crate) static ELEMENT_BINDINGS: [u16; {}] = [", elements.len())?;
    for line in elements.chunks(64) {
        let line: Vec<String> = line.iter().map(|element| element.binding.to_string()).collect();
        writeln!(out, "    {},", line.join(","))?;
    }
    out += "];\n";
    Ok(out)
}

fn slots(out: &mut String, name: &str, slots: &[u8]) -> Result<(), Error> {
    writeln!(out, "pub(crate) static {name}: [u8; {}] = [", slots.len())?;
    for line in slots.chunks(64) {
        let line: Vec<String> = line.iter().map(u8::to_string).collect();
        writeln!(out, "    {},", line.join(","))?;
    }
    *out += "];\n";
    Ok(())
}

/// `MedicationRequest` → `MEDICATION_REQUEST`.
fn constant(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}
