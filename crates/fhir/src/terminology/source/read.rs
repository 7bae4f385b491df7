//! CodeSystem and ValueSet resources as the model (FHIR R4, sections 4.8 and 4.9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::model::{CONTENT, Clause, Concept, Designation, Filter, Listed, Property, STATUS, Set, System, ValueKind};

/// JSON, whichever library parsed it.
pub(crate) trait Json<'a>: Copy {
    /// The member with this name.
    fn member(self, name: &str) -> Option<Self>;
    /// The items of an array; none of anything else.
    fn list(self) -> impl Iterator<Item = Self>;
    /// The text of a string.
    fn string(self) -> Option<Cow<'a, str>>;
    /// A string, number or boolean as it is written, without quotes.
    fn scalar(self) -> Option<Cow<'a, str>>;
}

/// An element of a CodeSystem or ValueSet is missing, or says what has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadError(pub(crate) &'static str);

/// How deep concepts may be inside each other.
const MAX_DEPTH: usize = 64;

fn text<'a, J: Json<'a>>(node: J, name: &str) -> Cow<'a, str> {
    node.member(name).and_then(Json::string).unwrap_or_default()
}

fn items<'a, J: Json<'a>>(node: J, name: &str) -> impl Iterator<Item = J> {
    node.member(name).into_iter().flat_map(Json::list)
}

fn required<'a, J: Json<'a>>(node: J, name: &'static str, element: &'static str) -> Result<Cow<'a, str>, ReadError> {
    node.member(name).and_then(Json::string).filter(|text| !text.is_empty()).ok_or(ReadError(element))
}

fn is<'a, J: Json<'a>>(node: J, name: &str, value: &str) -> bool {
    node.member(name).and_then(Json::scalar).is_some_and(|text| text == value)
}

/// Reads a CodeSystem.
pub(crate) fn system<'a, J: Json<'a>>(resource: J) -> Result<System<'a>, ReadError> {
    let content = required(resource, "content", "CodeSystem.content")?;
    let content = CONTENT.iter().position(|name| *name == content).ok_or(ReadError("CodeSystem.content"))?;
    let mut concepts = Vec::new();
    for concept in items(resource, "concept") {
        nested(concept, None, 0, &mut concepts)?;
    }
    children_by_property(&mut concepts);
    Ok(System {
        url: required(resource, "url", "CodeSystem.url")?,
        version: text(resource, "version"),
        name: text(resource, "name"),
        title: text(resource, "title"),
        content: u32::try_from(content).unwrap_or_default(),
        any_case: is(resource, "caseSensitive", "false"),
        // Without a meaning the hierarchy of a code system is read as "is a", as terminology servers do.
        is_a: resource.member("hierarchyMeaning").is_none() || is(resource, "hierarchyMeaning", "is-a"),
        value_set: text(resource, "valueSet"),
        concepts,
    })
}

fn nested<'a, J: Json<'a>>(
    node: J,
    parent: Option<&Cow<'a, str>>,
    depth: usize,
    concepts: &mut Vec<Concept<'a>>,
) -> Result<(), ReadError> {
    if depth >= MAX_DEPTH {
        return Err(ReadError("CodeSystem.concept.concept"));
    }
    let code = required(node, "code", "CodeSystem.concept.code")?;
    let properties = items(node, "property").map(property).collect::<Result<Vec<_>, _>>()?;
    let says = |code: &str, values: &[&str]| {
        properties.iter().any(|property| property.code == code && values.contains(&&*property.value))
    };
    let mut parents: Vec<Cow<'a, str>> = parent.cloned().into_iter().collect();
    for property in properties.iter().filter(|property| matches!(&*property.code, "parent" | "subsumedBy")) {
        if !parents.contains(&property.value) {
            parents.push(property.value.clone());
        }
    }
    concepts.push(Concept {
        display: text(node, "display"),
        definition: text(node, "definition"),
        is_abstract: says("notSelectable", &["true"]) || says("abstract", &["true"]),
        // FHIR R4 names the property `inactive` and leaves the values of `status` open; deprecated codes may still be used.
        inactive: says("inactive", &["true"]) || says("status", &["retired", "inactive"]),
        parents,
        properties,
        designations: items(node, "designation").map(designation).collect(),
        code: code.clone(),
    });
    items(node, "concept").try_for_each(|child| nested(child, Some(&code), depth + 1, concepts))
}

/// A concept with several parents is inside one of them; the others name it with the property `child` (FHIR R4, concept properties).
fn children_by_property(concepts: &mut [Concept<'_>]) {
    let mut found: Vec<(usize, usize)> = Vec::new();
    {
        let places: BTreeMap<&str, usize> =
            concepts.iter().enumerate().map(|(place, concept)| (&*concept.code, place)).collect();
        for (parent, concept) in concepts.iter().enumerate() {
            let children = concept.properties.iter().filter(|property| property.code == "child");
            found.extend(children.filter_map(|child| Some((*places.get(&*child.value)?, parent))));
        }
    }
    for (child, parent) in found {
        let Some(code) = concepts.get(parent).map(|concept| concept.code.clone()) else { continue };
        if let Some(child) = concepts.get_mut(child)
            && !child.parents.contains(&code)
        {
            child.parents.push(code);
        }
    }
}

fn property<'a, J: Json<'a>>(node: J) -> Result<Property<'a>, ReadError> {
    let mut values = ValueKind::ALL.iter().filter_map(|(kind, name)| Some((*kind, node.member(name)?)));
    let (kind, value) = values.next().ok_or(ReadError("CodeSystem.concept.property.value"))?;
    let coding = kind == ValueKind::Coding;
    let of_coding = |name| if coding { text(value, name) } else { Cow::Borrowed("") };
    let plain = if coding { value.member("code").and_then(Json::string) } else { value.scalar() };
    Ok(Property {
        code: required(node, "code", "CodeSystem.concept.property.code")?,
        kind,
        value: plain.ok_or(ReadError("CodeSystem.concept.property.value"))?,
        system: of_coding("system"),
        display: of_coding("display"),
    })
}

fn designation<'a, J: Json<'a>>(node: J) -> Designation<'a> {
    let of_use = |name| node.member("use").map(|used| text(used, name)).unwrap_or_default();
    Designation {
        language: text(node, "language"),
        use_system: of_use("system"),
        use_code: of_use("code"),
        use_display: of_use("display"),
        value: text(node, "value"),
    }
}

/// Reads a ValueSet. Its `expansion`, if it has one, is not looked at: what it says is true of another time and place.
pub(crate) fn set<'a, J: Json<'a>>(resource: J) -> Result<Set<'a>, ReadError> {
    let compose = resource.member("compose");
    let mut clauses = Vec::new();
    for (name, exclude) in [("include", false), ("exclude", true)] {
        for node in compose.into_iter().flat_map(|compose| items(compose, name)) {
            clauses.push(clause(node, exclude)?);
        }
    }
    Ok(Set {
        url: required(resource, "url", "ValueSet.url")?,
        version: text(resource, "version"),
        name: text(resource, "name"),
        title: text(resource, "title"),
        status: STATUS.iter().position(|name| *name == text(resource, "status")).unwrap_or_default() as u32,
        composed: compose.is_some(),
        only_active: compose.is_some_and(|compose| is(compose, "inactive", "false")),
        clauses,
    })
}

fn clause<'a, J: Json<'a>>(node: J, exclude: bool) -> Result<Clause<'a>, ReadError> {
    let listed = |node: J| {
        let code = required(node, "code", "ValueSet.compose.include.concept.code")?;
        let designations = items(node, "designation").map(designation).collect();
        Ok(Listed { code, display: text(node, "display"), designations })
    };
    let filter = |node: J| {
        Ok(Filter {
            property: required(node, "property", "ValueSet.compose.include.filter.property")?,
            op: required(node, "op", "ValueSet.compose.include.filter.op")?,
            value: required(node, "value", "ValueSet.compose.include.filter.value")?,
        })
    };
    let concepts = node.member("concept").map(|list| list.list().map(listed).collect::<Result<Vec<_>, _>>());
    let clause = Clause {
        exclude,
        system: text(node, "system"),
        version: text(node, "version"),
        listed: concepts.transpose()?,
        filters: items(node, "filter").map(filter).collect::<Result<_, _>>()?,
        imports: items(node, "valueSet").filter_map(Json::string).collect(),
    };
    if clause.system.is_empty() && (clause.imports.is_empty() || clause.listed.is_some() || !clause.filters.is_empty())
    {
        return Err(ReadError("ValueSet.compose.include.system"));
    }
    Ok(clause)
}
