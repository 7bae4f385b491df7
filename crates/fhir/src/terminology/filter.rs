//! Filters of a value set (FHIR R4, `ValueSet.compose.include.filter`, value set `filter-operator`).

use std::collections::BTreeSet;

use super::Contains;
use super::refs::ConceptRef;

/// Whether a concept passes a filter of property, operator and value. A filter that has no meaning here is not decided.
pub(super) fn passes(concept: ConceptRef<'_>, (property, op, value): (&str, &str, &str)) -> Contains {
    match (property, op) {
        ("concept" | "code", "is-a" | "descendent-of" | "is-not-a" | "generalizes") => hierarchy(concept, op, value),
        (_, "=" | "in" | "not-in" | "exists") => by_value(concept, property, op, value),
        // Regular expressions among them: R4's own stand on code systems that are not shipped.
        _ => Contains::Unknown,
    }
}

fn hierarchy(concept: ConceptRef<'_>, op: &str, value: &str) -> Contains {
    let Some(other) = concept.system.concept(value).filter(|_| concept.system.is_a()) else { return Contains::Unknown };
    let same = concept.number == other.number;
    let yes = match op {
        "descendent-of" => descends(concept, other),
        "is-a" => same || descends(concept, other),
        "is-not-a" => !same && !descends(concept, other),
        _ => same || descends(other, concept),
    };
    if yes { Contains::Yes } else { Contains::No }
}

/// Whether a concept is below another of the same system. Ends also where parents go in a circle.
pub(super) fn descends(concept: ConceptRef<'_>, ancestor: ConceptRef<'_>) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<ConceptRef<'_>> = concept.parents().collect();
    while let Some(next) = waiting.pop() {
        if next.number == ancestor.number {
            return true;
        }
        if seen.insert(next.number) {
            waiting.extend(next.parents());
        }
    }
    false
}

fn by_value(concept: ConceptRef<'_>, property: &str, op: &str, value: &str) -> Contains {
    let Some(values) = values(concept, property) else { return Contains::Unknown };
    let any = |wanted: &str| values.iter().any(|have| have == wanted);
    let listed = || value.split(',').any(|wanted| any(wanted.trim()));
    let yes = match (op, value) {
        ("=", _) => any(value),
        ("in", _) => listed(),
        ("not-in", _) => !listed(),
        ("exists", "true") => !values.is_empty(),
        ("exists", "false") => values.is_empty(),
        _ => return Contains::Unknown,
    };
    if yes { Contains::Yes } else { Contains::No }
}

/// The values of a property, its own or one that every concept has; nothing for one that the code system does not know.
fn values(concept: ConceptRef<'_>, property: &str) -> Option<Vec<String>> {
    let flag = |value: bool| Some(vec![value.to_string()]);
    match property {
        "concept" | "code" => Some(vec![concept.code().to_owned()]),
        "display" => Some(concept.display().map(str::to_owned).into_iter().collect()),
        "definition" => Some(concept.definition().map(str::to_owned).into_iter().collect()),
        "parent" => Some(concept.parents().map(|parent| parent.code().to_owned()).collect()),
        "child" => Some(concept.children().map(|child| child.code().to_owned()).collect()),
        "inactive" => flag(concept.is_inactive()),
        "notSelectable" | "abstract" => flag(concept.is_abstract()),
        _ => {
            let own = concept.properties().filter(|found| found.code == property);
            let own: Vec<String> = own.map(|found| found.value.to_owned()).collect();
            (!own.is_empty() || concept.system.has_property(property)).then_some(own)
        }
    }
}
