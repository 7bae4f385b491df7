//! The definitions as scopes and their elements.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::codes::ValueSets;
use crate::{Error, list, text};

/// All tables, before they are written down.
pub(crate) struct Model {
    /// Names of the concrete resource types, sorted: also the first scopes.
    pub(crate) resources: Vec<String>,
    /// How many scopes after the resources are data types.
    pub(crate) datatypes: usize,
    pub(crate) scopes: Vec<Scope>,
    /// Lists of codes; an element's number is the index plus one.
    pub(crate) code_lists: Vec<Vec<String>>,
    /// Lists of resource types; the first is empty.
    pub(crate) target_lists: Vec<Vec<String>>,
    /// Bindings of any strength above "example"; an element's number is the index plus one.
    pub(crate) bindings: Vec<Binding>,
    pub(crate) invariants: Vec<Invariant>,
}

#[derive(PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) strength: String,
    pub(crate) value_set: String,
}

#[derive(PartialEq, Eq)]
pub(crate) struct Invariant {
    pub(crate) key: String,
    pub(crate) severity: String,
    pub(crate) human: String,
    pub(crate) expression: String,
}

pub(crate) struct Scope {
    pub(crate) name: String,
    /// What it is derived from: `DomainResource`, `BackboneElement`, `Quantity`; empty for `Element`.
    pub(crate) base: String,
    pub(crate) elements: Vec<Element>,
    pub(crate) invariants: Vec<usize>,
}

pub(crate) struct Element {
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) value: ValueType,
    pub(crate) array: bool,
    pub(crate) required: bool,
    pub(crate) summary: bool,
    pub(crate) choice: bool,
    pub(crate) place: u8,
    pub(crate) targets: usize,
    pub(crate) codes: usize,
    pub(crate) binding: usize,
    /// Of elements that are no scope of their own.
    pub(crate) invariants: Vec<usize>,
    /// The profile that a value of the type has to meet (`SimpleQuantity`).
    pub(crate) profile: Option<String>,
}

pub(crate) enum ValueType {
    Primitive(String),
    Complex(String),
    Resource,
}

pub(crate) fn build(types: &[Value], profiles: &[Value], sets: &ValueSets<'_>) -> Result<Model, Error> {
    let all = || types.iter().chain(profiles);
    let concrete = |kind: &'static str| {
        all().filter(move |sd| {
            // `Element` is abstract, but what stands in the `_name` sibling of a primitive is just that.
            let usable = text(&sd["type"]) == "Element"
                || (sd["abstract"] != true && text(&sd["derivation"]) == "specialization");
            text(&sd["resourceType"]) == "StructureDefinition" && text(&sd["kind"]) == kind && usable
        })
    };
    let by_name = |kind| concrete(kind).map(|sd| (text(&sd["type"]), sd)).collect::<BTreeMap<_, _>>();
    let (resources, primitives) = (by_name("resource"), by_name("primitive-type"));
    let mut datatypes = by_name("complex-type");
    datatypes.remove("BackboneElement");

    let mut builder = Builder {
        resources: resources.keys().copied().collect(),
        primitives: primitives.keys().copied().collect(),
        datatypes: datatypes.keys().copied().collect(),
        sets,
        code_lists: Vec::new(),
        target_lists: vec![Vec::new()],
        bindings: Vec::new(),
        invariants: Vec::new(),
    };
    let mut scopes = Vec::new();
    let mut backbones = Vec::new();
    for definition in resources.values().chain(datatypes.values()) {
        let mut of_definition = builder.scopes(definition)?.into_iter();
        scopes.extend(of_definition.next());
        backbones.extend(of_definition);
    }
    backbones.sort_by(|a: &Scope, b| a.name.cmp(&b.name));
    scopes.extend(backbones);
    let Builder { code_lists, target_lists, bindings, invariants, .. } = builder;
    Ok(Model {
        resources: resources.keys().map(|&name| name.to_owned()).collect(),
        datatypes: datatypes.len(),
        scopes,
        code_lists,
        target_lists,
        bindings,
        invariants,
    })
}

struct Builder<'a> {
    resources: BTreeSet<&'a str>,
    primitives: BTreeSet<&'a str>,
    datatypes: BTreeSet<&'a str>,
    sets: &'a ValueSets<'a>,
    code_lists: Vec<Vec<String>>,
    target_lists: Vec<Vec<String>>,
    bindings: Vec<Binding>,
    invariants: Vec<Invariant>,
}

impl Builder<'_> {
    /// The scope of a definition, then the scopes of its backbone elements.
    fn scopes(&mut self, definition: &Value) -> Result<Vec<Scope>, Error> {
        let rows = list(&definition["snapshot"]["element"]);
        let parents: BTreeSet<&str> =
            rows.iter().filter_map(|row| text(&row["path"]).rsplit_once('.')).map(|(parent, _)| parent).collect();
        let mut scopes = Vec::new();
        for row in rows {
            let path = text(&row["path"]);
            if path != text(&row["id"]) {
                return Err(format!("{path}: slices are not handled").into());
            }
            if parents.contains(path) {
                let base = match path.contains('.') {
                    true => list(&row["type"]).first().map(|kind| text(&kind["code"])).unwrap_or_default(),
                    false => text(&definition["baseDefinition"]).rsplit('/').next().unwrap_or_default(),
                };
                let invariants = self.invariants(row)?;
                scopes.push(Scope { name: path.to_owned(), base: base.to_owned(), elements: Vec::new(), invariants });
            }
            let Some((parent, name)) = path.rsplit_once('.') else { continue };
            let elements = self.elements(row, name, parents.contains(path))?;
            let scope = scopes.iter_mut().find(|scope: &&mut Scope| scope.name == parent);
            let scope = scope.ok_or_else(|| format!("{path}: comes before its parent"))?;
            let place = scope.elements.last().map_or(0, |last| last.place + 1);
            scope.elements.extend(elements.into_iter().map(|element| Element { place, ..element }));
        }
        Ok(scopes)
    }

    /// One element, or one per variant of a choice.
    fn elements(&mut self, row: &Value, name: &str, is_scope: bool) -> Result<Vec<Element>, Error> {
        let path = text(&row["path"]);
        if !matches!(text(&row["max"]), "1" | "*") || row["min"].as_u64().is_none_or(|min| min > 1) {
            return Err(format!("{path}: a cardinality that the tables cannot say").into());
        }
        let base = name.strip_suffix("[x]");
        let invariants = if is_scope { Vec::new() } else { self.invariants(row)? };
        let element = |key: String, value, targets, codes| Element {
            path: path.to_owned(),
            key,
            value,
            array: text(&row["max"]) != "1",
            required: row["min"] != 0,
            summary: row["isSummary"] == true,
            choice: base.is_some(),
            place: 0,
            targets,
            codes,
            binding: 0,
            invariants: invariants.clone(),
            profile: None,
        };
        if let Some(reference) = row["contentReference"].as_str() {
            let target = reference.trim_start_matches('#').to_owned();
            return Ok(vec![element(name.to_owned(), ValueType::Complex(target), 0, 0)]);
        }
        let mut elements: Vec<Element> = Vec::new();
        for kind in list(&row["type"]) {
            let value = self.value(path, kind, is_scope)?;
            let codes = if text(&kind["code"]) == "code" { self.codes(&row["binding"]) } else { 0 };
            let key = base.map_or_else(|| name.to_owned(), |base| variant(base, text(&kind["code"])));
            let profile = match list(&kind["profile"]) {
                [] => None,
                [only] => Some(text(only).to_owned()),
                _ => return Err(format!("{path}: several profiles of one type").into()),
            };
            let binding = self.binding(&row["binding"], text(&kind["code"]));
            elements.push(Element { binding, profile, ..element(key, value, self.targets(kind)?, codes) });
        }
        if elements.is_empty() || (base.is_none() && elements.len() > 1) {
            return Err(format!("{path}: {} types", elements.len()).into());
        }
        Ok(elements)
    }

    fn value(&self, path: &str, kind: &Value, is_scope: bool) -> Result<ValueType, Error> {
        let code = text(&kind["code"]);
        // The official definitions give `Patient.id` the type `string`; section 2.1.0.2 (Resource) says `id`.
        let is_resource_id = path.split_once('.').is_some_and(|(t, rest)| rest == "id" && self.resources.contains(t));
        if is_resource_id {
            return Ok(ValueType::Primitive("id".to_owned()));
        }
        if code.starts_with("http://hl7.org/fhirpath/System.") {
            let fhir =
                list(&kind["extension"]).iter().find(|e| text(&e["url"]).ends_with("structuredefinition-fhir-type"));
            let fhir = fhir.ok_or_else(|| format!("{path}: no FHIR type"))?;
            return Ok(ValueType::Primitive(text(&fhir["valueUrl"]).to_owned()));
        }
        match code {
            "BackboneElement" | "Element" if is_scope => Ok(ValueType::Complex(path.to_owned())),
            "Resource" => Ok(ValueType::Resource),
            // `Bundle.entry.response.outcome` names its type; a document says it again in `resourceType`.
            _ if self.resources.contains(code) => Ok(ValueType::Resource),
            _ if self.primitives.contains(code) => Ok(ValueType::Primitive(code.to_owned())),
            _ if self.datatypes.contains(code) => Ok(ValueType::Complex(code.to_owned())),
            _ => Err(format!("{path}: unknown type {code}").into()),
        }
    }

    fn targets(&mut self, kind: &Value) -> Result<usize, Error> {
        let mut names = Vec::new();
        for profile in list(&kind["targetProfile"]) {
            match text(profile).strip_prefix("http://hl7.org/fhir/StructureDefinition/") {
                Some(name) if self.resources.contains(name) => names.push(name.to_owned()),
                Some("Resource") => return Ok(0),
                _ => return Err(format!("unknown target {}", text(profile)).into()),
            }
        }
        names.sort();
        Ok(position_or_push(&mut self.target_lists, names))
    }

    /// The invariants that stand at an element, without ele-1: every element has that one.
    fn invariants(&mut self, row: &Value) -> Result<Vec<usize>, Error> {
        let mut numbers = Vec::new();
        for constraint in list(&row["constraint"]) {
            let part = |name: &str| text(&constraint[name]).to_owned();
            let key = part("key");
            if key == "ele-1" {
                continue;
            }
            let (severity, human, expression) = (part("severity"), part("human"), part("expression"));
            if expression.is_empty() || !matches!(&*severity, "error" | "warning") {
                return Err(format!("{}: invariant {key} has no expression", text(&row["path"])).into());
            }
            numbers.push(position_or_push(&mut self.invariants, Invariant { key, severity, human, expression }));
        }
        Ok(numbers)
    }

    /// A binding that a value of this type can meet or break; examples bind nothing.
    fn binding(&mut self, binding: &Value, kind: &str) -> usize {
        let (strength, value_set) = (text(&binding["strength"]), text(&binding["valueSet"]));
        let can_be_bound = matches!(kind, "code" | "Coding" | "CodeableConcept" | "Quantity" | "string" | "uri");
        if !can_be_bound || value_set.is_empty() || !matches!(strength, "required" | "extensible" | "preferred") {
            return 0;
        }
        let binding = Binding { strength: strength.to_owned(), value_set: value_set.to_owned() };
        position_or_push(&mut self.bindings, binding) + 1
    }

    fn codes(&mut self, binding: &Value) -> usize {
        if text(&binding["strength"]) != "required" {
            return 0;
        }
        self.sets
            .expand(text(&binding["valueSet"]))
            .map_or(0, |codes| position_or_push(&mut self.code_lists, codes) + 1)
    }
}

fn position_or_push<T: PartialEq>(lists: &mut Vec<T>, list: T) -> usize {
    lists.iter().position(|other| *other == list).unwrap_or_else(|| {
        lists.push(list);
        lists.len() - 1
    })
}

/// `value` + `dateTime` = `valueDateTime`.
fn variant(base: &str, code: &str) -> String {
    let mut letters = code.chars();
    letters.next().map_or_else(String::new, |first| format!("{base}{}{}", first.to_ascii_uppercase(), letters.as_str()))
}
