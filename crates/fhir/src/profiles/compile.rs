//! From the snapshot of a StructureDefinition to a [`Profile`]: what it asks beyond the R4 tables.

use std::borrow::Cow;

use super::bound::Bound;
use super::discriminator::compile_discriminator;
use super::model::{
    Contents, ContextKind, Discriminator, DiscriminatorKind, Profile, Rule, RuleInvariant, Slicing, Source, Step,
    TypeRule,
};
use super::value::Value;
use crate::definitions::{Element, ResourceType, Severity, Strength, TypeRef, ValueType};
use crate::json::{Kind, Node};

/// Deeper element paths are refused: the walk over a profile recurses.
const MAX_LEVELS: usize = 24;

/// Why a StructureDefinition cannot be used as a profile. Holds element ids of the definition, no data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileProblem {
    /// Another resource, or one without a canonical URL.
    #[error("not a StructureDefinition with a canonical URL")]
    NotAProfile,
    /// Only a differential: the snapshot has to be made by whoever publishes the package.
    #[error("the profile has no snapshot")]
    NoSnapshot,
    /// It constrains something that is not a resource or complex data type of R4.
    #[error("the profile constrains a type that is not a resource or complex data type of R4")]
    UnknownType,
    /// An element of the snapshot is not one of its type.
    #[error("the snapshot's element {0} is not an element of R4")]
    UnknownElement(String),
    /// An element says something that is not understood.
    #[error("the snapshot's element {0} is not understood: {1}")]
    Element(String, &'static str),
}

/// The rows of a snapshot as a tree.
struct Row<'a> {
    node: Option<Node<'a>>,
    name: String,
    slice: String,
    children: Vec<Row<'a>>,
    slices: Vec<Row<'a>>,
}

impl Profile {
    /// Compiles the StructureDefinition at `root`.
    ///
    /// # Errors
    /// The first thing that is not understood.
    pub fn compile(root: Node<'_>) -> Result<Self, ProfileProblem> {
        let url = text(root, "url");
        if text(root, "resourceType") != "StructureDefinition" || url.is_empty() {
            return Err(ProfileProblem::NotAProfile);
        }
        let name = text(root, "type");
        let scope = ResourceType::parse(&name).map(TypeRef::of_resource).or_else(|| TypeRef::of_datatype(&name));
        let scope = scope.ok_or(ProfileProblem::UnknownType)?;
        let rows =
            root.get("snapshot").and_then(|snapshot| snapshot.get("element")).ok_or(ProfileProblem::NoSnapshot)?;
        let tree = tree(rows, &name)?;
        let mut rule = Rule::neutral(&name, 0, scope);
        if let Some(row) = tree.node {
            rule.invariants = invariants(row, &|key| scope.invariants().any(|known| known.key == key))?;
            let fail = |what| ProfileProblem::Element(name.to_string(), what);
            (rule.fixed, rule.pattern) = (chosen(row, "fixed"), chosen(row, "pattern"));
            rule.binding = binding(row).map_err(fail)?;
            let is_bound = |m: Node<'_>| ["minValue", "maxValue", "maxLength"].iter().any(|it| m.key().starts_with(it));
            if row.child_nodes().any(is_bound) {
                return Err(fail("bounds of the whole"));
            }
        }
        for child in &tree.children {
            rule.children.extend(compile_child(child, scope, 0)?);
        }
        prune(&mut rule);
        let known = contents_of(&rule);
        drop_contents(&mut rule, &known);
        let modifier = scope == TypeRef::EXTENSION
            && tree.node.and_then(|row| row.get("isModifier")).and_then(Node::as_bool) == Some(true);
        Ok(Self {
            url: url.as_ref().into(),
            version: text(root, "version").as_ref().into(),
            scope,
            contexts: contexts(root)?,
            context_invariants: context_invariants(root),
            modifier,
            root: rule,
        })
    }
}

fn tree<'a>(rows: Node<'a>, name: &str) -> Result<Row<'a>, ProfileProblem> {
    let mut root = new_row(name, "");
    for row in rows.items() {
        let id = text(row, "id");
        let id = if id.is_empty() { text(row, "path") } else { id };
        let mut at = &mut root;
        let mut levels = 0;
        for segment in id.split('.').skip(1) {
            let (name, slice) = segment.split_once(':').unwrap_or((segment, ""));
            at = entry(&mut at.children, name, "");
            // A name `a/b` is a slice of the slice `a`, where there is one.
            let mut known = String::new();
            for part in slice.split_inclusive('/').filter(|part| !part.is_empty()) {
                known.push_str(part);
                let so_far = known.trim_end_matches('/');
                if so_far == slice || at.slices.iter().any(|row| row.slice == so_far) {
                    let so_far = so_far.to_owned();
                    at = entry(&mut at.slices, name, &so_far);
                }
            }
            levels += 1;
        }
        if levels > MAX_LEVELS {
            return Err(ProfileProblem::Element(id.into_owned(), "nested too deeply"));
        }
        at.node = Some(row);
    }
    Ok(root)
}

fn new_row<'a>(name: &str, slice: &str) -> Row<'a> {
    Row { node: None, name: name.to_owned(), slice: slice.to_owned(), children: Vec::new(), slices: Vec::new() }
}

fn entry<'t, 'a>(rows: &'t mut Vec<Row<'a>>, name: &str, slice: &str) -> &'t mut Row<'a> {
    let at = rows.iter().position(|row| row.name == name && row.slice == slice).unwrap_or_else(|| {
        rows.push(new_row(name, slice));
        rows.len() - 1
    });
    // The position was just found or made.
    #[expect(clippy::indexing_slicing, reason = "an index of this very list")]
    &mut rows[at]
}

/// The rule of a child element; `None` where the base says all there is to say (`Element.id`, the value of a primitive).
fn compile_child(row: &Row<'_>, scope: TypeRef, level: usize) -> Result<Option<Rule>, ProfileProblem> {
    let base = row.name.strip_suffix("[x]").unwrap_or(&row.name);
    let is_variant = |el: &&Element| el.is_choice() && el.key == row.name;
    let Some(element) = scope.elements().iter().find(|el| el.name() == base || is_variant(el)) else {
        // Below a primitive stand `id`, `extension` and `value`; below several types only what all of them have.
        if scope == TypeRef::ELEMENT {
            return Ok(None);
        }
        return Err(ProfileProblem::UnknownElement(id_of(row)));
    };
    let of_the_place = scope.elements().iter().filter(|el| el.place == element.place);
    let variants: Vec<&'static Element> = of_the_place.filter(|el| el.name() == base || is_variant(el)).collect();
    let base_types: Vec<TypeRule> = variants.iter().map(|el| base_type(el)).collect();
    let mut rule = compile_row(row, element, &base_types, None, level)?;
    if element.name() != base {
        rule.key = element.key.into();
    }
    Ok(Some(rule))
}

/// The rule of an element or of a slice of it; `types` are those of what it narrows, `whole` the element's rule when this is a slice.
fn compile_row(
    row: &Row<'_>,
    element: &'static Element,
    types: &[TypeRule],
    whole: Option<&Rule>,
    level: usize,
) -> Result<Rule, ProfileProblem> {
    let fail = |what| ProfileProblem::Element(id_of(row), what);
    let mut rule = Rule::neutral(element.name(), element.place, value_scope(element));
    rule.slice = row.slice.as_str().into();
    let mut own_types = types.to_vec();
    if let Some(node) = row.node {
        let (min, max) = cardinality(node).ok_or_else(|| fail("cardinality"))?;
        let (base_min, base_max) = if whole.is_some() { (0, u32::MAX) } else { base_cardinality(element) };
        (rule.min, rule.max) = (if min > base_min { min } else { 0 }, if max < base_max { max } else { u32::MAX });
        if let Some(content) = node.get("contentReference").and_then(Node::as_str) {
            rule.content = content
                .rsplit_once('#')
                .map_or("", |(_, path)| path.split_once('.').map_or("", |(_, rest)| rest))
                .into();
        } else {
            own_types = type_rules(node, element).ok_or_else(|| fail("type"))?;
            if own_types.is_empty() {
                own_types = types.to_vec();
            }
            if !same_types(&own_types, types) {
                rule.types.clone_from(&own_types);
            }
        }
        (rule.fixed, rule.pattern) = (chosen(node, "fixed"), chosen(node, "pattern"));
        rule.binding = narrowed_binding(node, element, whole).map_err(fail)?;
        let known = |key: &str| {
            element.invariants().chain(value_scope(element).invariants()).any(|known| known.key == key)
                || whole.is_some_and(|whole| whole.invariants.iter().any(|known| *known.key == *key))
        };
        rule.invariants = invariants(node, &known)?;
        rule.max_length = number(node, "maxLength").unwrap_or(0);
        (rule.least, rule.most) = Bound::both(node, element, &own_types).map_err(fail)?;
    }
    rule.scope = scope_of(&own_types, element);
    if level < MAX_LEVELS {
        for child in &row.children {
            rule.children.extend(compile_child(child, rule.scope, level + 1)?);
        }
    }
    rule.slicing = compile_slicing(row, element, &own_types, &rule, level)?;
    Ok(rule)
}

fn compile_slicing(
    row: &Row<'_>,
    element: &'static Element,
    types: &[TypeRule],
    whole: &Rule,
    level: usize,
) -> Result<Option<Box<Slicing>>, ProfileProblem> {
    let fail = |what| ProfileProblem::Element(id_of(row), what);
    let given = row.node.and_then(|node| node.get("slicing"));
    if row.slices.is_empty() && given.is_none_or(|given| text(given, "rules") == "open") {
        return Ok(None);
    }
    let mut slices = Vec::with_capacity(row.slices.len());
    for slice in &row.slices {
        slices.push(compile_row(slice, element, types, Some(whole), level)?);
    }
    let contents = match given.map(|given| text(given, "rules")).as_deref() {
        None | Some("open" | "") => Contents::Open,
        Some("openAtEnd") => Contents::OpenAtEnd,
        Some("closed") => Contents::Closed,
        Some(_) => return Err(fail("slicing.rules")),
    };
    let mut by = Vec::new();
    for discriminator in given.into_iter().filter_map(|given| given.get("discriminator")).flat_map(Node::items) {
        by.push(compile_discriminator(discriminator).ok_or_else(|| fail("slicing.discriminator"))?);
    }
    if by.is_empty() && element.is_choice() {
        // A choice is sliced by type, said or not (R4 profiling.html, section 5.1.0.13).
        by.push(Discriminator { kind: DiscriminatorKind::Type, path: Vec::new() });
    } else if by.is_empty() && value_scope(element) == TypeRef::EXTENSION {
        by.push(Discriminator { kind: DiscriminatorKind::Value, path: vec![Step::Child("url".into())] });
    }
    let ordered = given.and_then(|given| given.get("ordered")).and_then(Node::as_bool) == Some(true);
    Ok(Some(Box::new(Slicing { contents, ordered, by, slices })))
}

fn contexts(root: Node<'_>) -> Result<Vec<(ContextKind, Source)>, ProfileProblem> {
    let given = root.get("context").into_iter().flat_map(Node::items);
    given
        .map(|context| {
            let kind = match &*text(context, "type") {
                "fhirpath" => ContextKind::FhirPath,
                "element" => ContextKind::Element,
                "extension" => ContextKind::Extension,
                _ => return Err(ProfileProblem::Element("StructureDefinition.context".to_owned(), "type")),
            };
            Ok((kind, Source::new(text(context, "expression").as_ref().into())))
        })
        .collect()
}

fn context_invariants(root: Node<'_>) -> Vec<Source> {
    let given = root.get("contextInvariant").into_iter().flat_map(Node::items).filter_map(Node::as_str);
    given.map(|expression| Source::new(expression.as_ref().into())).collect()
}

/// Invariants of a row that the base does not have.
fn invariants(node: Node<'_>, known: &dyn Fn(&str) -> bool) -> Result<Vec<RuleInvariant>, ProfileProblem> {
    let mut found = Vec::new();
    for constraint in node.get("constraint").into_iter().flat_map(Node::items) {
        let key = text(constraint, "key");
        if matches!(&*key, "ele-1" | "ext-1") || known(&key) {
            continue;
        }
        let expression = text(constraint, "expression");
        // Without an expression it is for people to check (R4 elementdefinition.html, `constraint.expression`).
        if expression.is_empty() {
            continue;
        }
        let severity = if text(constraint, "severity") == "warning" { Severity::Warning } else { Severity::Error };
        found.push(RuleInvariant {
            key: key.as_ref().into(),
            severity,
            human: text(constraint, "human").as_ref().into(),
            expression: Source::new(expression.as_ref().into()),
        });
    }
    Ok(found)
}

fn binding(node: Node<'_>) -> Result<Option<(Strength, Box<str>)>, &'static str> {
    let Some(binding) = node.get("binding") else { return Ok(None) };
    let strength = match &*text(binding, "strength") {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        "preferred" => Strength::Preferred,
        "example" => return Ok(None),
        _ => return Err("binding.strength"),
    };
    let value_set = text(binding, "valueSet");
    Ok((!value_set.is_empty()).then(|| (strength, value_set.as_ref().into())))
}

fn narrowed_binding(
    node: Node<'_>,
    element: &'static Element,
    whole: Option<&Rule>,
) -> Result<Option<(Strength, Box<str>)>, &'static str> {
    let plain = |url: &str| url.split('|').next().unwrap_or_default().to_owned();
    let is_new = |(strength, value_set): &(Strength, Box<str>)| {
        let is_base =
            element.binding().is_some_and(|b| b.strength == *strength && plain(b.value_set) == plain(value_set));
        let of_whole = whole.and_then(|whole| whole.binding.as_ref());
        !is_base && of_whole.is_none_or(|whole| (whole.0, &*whole.1) != (*strength, &**value_set))
    };
    Ok(binding(node)?.filter(is_new))
}

/// The types that a row allows, as rules; `None` when one is not a type of the element.
fn type_rules(node: Node<'_>, element: &'static Element) -> Option<Vec<TypeRule>> {
    let list = |kind: Node<'_>, name: &str| -> Vec<Box<str>> {
        let values = kind.get(name).into_iter().flat_map(Node::items).filter_map(Node::as_str);
        values.map(|value| value.as_ref().into()).collect()
    };
    let mut rules = Vec::new();
    for kind in node.get("type").into_iter().flat_map(Node::items) {
        let code = text(kind, "code");
        let code = if code.starts_with("http://hl7.org/fhirpath/System.") { Cow::Borrowed("string") } else { code };
        let key = if element.is_choice() { variant(element.name(), &code) } else { String::new() };
        let targets = list(kind, "targetProfile");
        rules.push(TypeRule { code: code.as_ref().into(), key: key.into(), profiles: list(kind, "profile"), targets });
    }
    Some(rules)
}

/// What the R4 tables say of the type of one element.
fn base_type(element: &'static Element) -> TypeRule {
    let code = match element.value {
        ValueType::Complex(scope) if scope.name().contains('.') => scope.base_name(),
        ValueType::Complex(scope) => scope.name(),
        ValueType::Primitive(_) | ValueType::Resource => "",
    };
    let key = if element.is_choice() { element.key } else { "" };
    let of_type = |target: &ResourceType| format!("http://hl7.org/fhir/StructureDefinition/{}", target.name()).into();
    TypeRule {
        code: code.into(),
        key: key.into(),
        profiles: element.profile().into_iter().map(Into::into).collect(),
        targets: element.targets().iter().map(of_type).collect(),
    }
}

/// Whether a row allows what its base allows. The tables name no type where there is only one.
fn same_types(own: &[TypeRule], base: &[TypeRule]) -> bool {
    let any = "http://hl7.org/fhir/StructureDefinition/Resource";
    let same_list = |a: &[Box<str>], b: &[Box<str>]| {
        let sorted = |list: &[Box<str>]| {
            let mut list: Vec<Box<str>> = list.iter().filter(|url| ***url != *any).cloned().collect();
            list.sort();
            list
        };
        sorted(a) == sorted(b)
    };
    let same = |own: &TypeRule, base: &TypeRule| {
        let same_code = base.code.is_empty() && &*own.code != "Resource" && ResourceType::parse(&own.code).is_none()
            || base.code.is_empty() && &*own.code == "Resource"
            || own.code == base.code
            || !base.key.is_empty();
        own.key == base.key
            && same_code
            && same_list(&own.profiles, &base.profiles)
            && same_list(&own.targets, &base.targets)
    };
    own.len() == base.len() && own.iter().all(|own| base.iter().any(|base| same(own, base)))
}

/// The scope that the members of a value are in; `ELEMENT` for primitives and where it is one of several.
fn scope_of(types: &[TypeRule], element: &'static Element) -> TypeRef {
    match types {
        [only] if element.is_choice() || element.value == ValueType::Resource => {
            let resource = ResourceType::parse(&only.code).map(TypeRef::of_resource);
            resource.or_else(|| TypeRef::of_datatype(&only.code)).unwrap_or(TypeRef::ELEMENT)
        }
        _ if element.is_choice() => TypeRef::ELEMENT,
        _ => value_scope(element),
    }
}

fn value_scope(element: &Element) -> TypeRef {
    match element.value {
        ValueType::Complex(scope) => scope,
        ValueType::Primitive(_) | ValueType::Resource => TypeRef::ELEMENT,
    }
}

fn base_cardinality(element: &Element) -> (u32, u32) {
    (u32::from(element.min), if element.array { u32::MAX } else { 1 })
}

fn cardinality(node: Node<'_>) -> Option<(u32, u32)> {
    let max = text(node, "max");
    Some((number(node, "min")?, if max == "*" { u32::MAX } else { max.parse().ok()? }))
}

fn number(node: Node<'_>, name: &str) -> Option<u32> {
    node.get(name)?.number_text()?.parse().ok()
}

/// The member `fixedCode`, `patternCodeableConcept` and so on.
fn chosen(node: Node<'_>, prefix: &str) -> Option<Value> {
    let is_value = |m: &Node<'_>| {
        m.key().strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    node.child_nodes().find(is_value).and_then(Value::of)
}

fn variant(base: &str, code: &str) -> String {
    let mut letters = code.chars();
    letters.next().map_or_else(String::new, |first| format!("{base}{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

/// Takes out what asks for nothing; rules with a reference to others' contents stay for now.
fn prune(rule: &mut Rule) {
    for child in rule.children.iter_mut().chain(rule.slicing.iter_mut().flat_map(|slicing| &mut slicing.slices)) {
        prune(child);
    }
    rule.children.retain(|child| !child.is_neutral());
    rule.children.sort_by_key(|child| child.place);
    let asks_nothing = |slicing: &Slicing| {
        slicing.contents == Contents::Open
            && !slicing.ordered
            && slicing.slices.iter().all(|slice| slice.is_neutral() || is_only_extension(slice))
    };
    if rule.slicing.as_deref().is_some_and(asks_nothing) {
        rule.slicing = None;
    }
}

/// A slice that only says which extension may stand here: the extension's own definition is looked at wherever it stands.
fn is_only_extension(slice: &Rule) -> bool {
    let is_profile = |rule: &TypeRule| &*rule.code == "Extension";
    slice.min == 0
        && slice.max == u32::MAX
        && slice.types.iter().all(is_profile)
        && slice.children.is_empty()
        && slice.slicing.is_none()
        && slice.fixed.is_none()
        && slice.pattern.is_none()
        && slice.binding.is_none()
        && slice.invariants.is_empty()
        && slice.least.is_none()
        && slice.most.is_none()
}

/// The paths below the root at which rules stand.
fn contents_of(root: &Rule) -> Vec<String> {
    fn collect(rule: &Rule, path: &str, out: &mut Vec<String>) {
        for child in &rule.children {
            let path = if path.is_empty() { child.name.to_string() } else { format!("{path}.{}", child.name) };
            if !child.children.is_empty() {
                out.push(path.clone());
            }
            collect(child, &path, out);
        }
    }
    let mut out = Vec::new();
    collect(root, "", &mut out);
    out
}

/// Forgets references to contents that ask for nothing.
fn drop_contents(rule: &mut Rule, known: &[String]) {
    if !rule.content.is_empty() && !known.iter().any(|path| **path == *rule.content) {
        rule.content = "".into();
    }
    for child in rule.children.iter_mut().chain(rule.slicing.iter_mut().flat_map(|slicing| &mut slicing.slices)) {
        drop_contents(child, known);
    }
    rule.children.retain(|child| !child.is_neutral());
}

fn id_of(row: &Row<'_>) -> String {
    row.node.map_or_else(|| row.name.clone(), |node| text(node, "id").into_owned())
}

pub(super) fn text<'a>(node: Node<'a>, name: &str) -> Cow<'a, str> {
    node.get(name).filter(|value| value.kind() == Kind::String).and_then(Node::as_str).unwrap_or_default()
}
