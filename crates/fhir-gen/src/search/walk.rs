//! From an expression to the places that it ends at.

use super::elements::Elements;
use super::expression::{self, Cond, Path, Step, Term};

/// One concrete place that a path ends at.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) steps: Vec<String>,
    pub(super) scope: String,
    pub(super) datatype: String,
    pub(super) path: String,
    pub(super) system: Option<String>,
    pub(super) only: Option<String>,
    pub(super) choice: bool,
    pub(super) group: usize,
}

pub(super) fn walk_all(
    elements: &Elements,
    rtype: &str,
    text: &str,
    kind: &str,
    prefix: &[Step],
) -> Result<Vec<Place>, String> {
    let mut places = Vec::new();
    for term in expression::parse(text)? {
        match term {
            Term::Walk(path) => {
                if path.root == rtype || path.root == "Resource" || path.root == "DomainResource" {
                    places.extend(walk(elements, rtype, &path, kind, prefix)?);
                }
            }
            Term::ExistsAndNotFalse(path) => {
                let plain = walk(elements, rtype, &path, "special", prefix)?;
                let keys: Vec<String> = plain.iter().map(|p| p.steps.join("")).collect();
                let first = plain.into_iter().next().ok_or("nothing to test")?;
                places.push(Place {
                    steps: vec![format!("present:{}", keys.join(","))],
                    datatype: "present".into(),
                    ..first
                });
            }
        }
    }
    if places.is_empty() { Err(format!("no alternative for this type in {text}")) } else { Ok(places) }
}

fn walk(elements: &Elements, rtype: &str, path: &Path, kind: &str, prefix: &[Step]) -> Result<Vec<Place>, String> {
    let start = Place {
        steps: Vec::new(),
        scope: rtype.to_owned(),
        datatype: rtype.to_owned(),
        path: rtype.to_owned(),
        system: None,
        only: None,
        choice: false,
        group: 0,
    };
    let mut places = vec![start];
    for step in prefix {
        places = advance(elements, rtype, places, step)?;
    }
    for place in &mut places {
        place.group = place.steps.len();
    }
    for step in &path.steps {
        places = advance(elements, rtype, places, step)?;
    }
    if kind == "special" {
        return Ok(places);
    }
    let mut kept = Vec::new();
    for place in places {
        if data_variant(kind, &place.datatype).is_some() {
            kept.push(place);
        } else if !(place.choice && LEFT_OUT.contains(&(kind, place.datatype.as_str()))) {
            return Err(format!("a {kind} parameter cannot read {} at {}", place.datatype, place.path));
        }
    }
    if kept.is_empty() { Err("every choice was left out".into()) } else { Ok(kept) }
}

fn advance(elements: &Elements, rtype: &str, places: Vec<Place>, step: &Step) -> Result<Vec<Place>, String> {
    let mut next = Vec::new();
    for mut place in places {
        match step {
            Step::Child(name) => next.extend(child(elements, rtype, &place, name)?),
            Step::Cast(datatype) => {
                // R4 erratum: Observation.code-value-date writes `DateTime`.
                let datatype = if datatype == "DateTime" { "dateTime" } else { datatype };
                if place.choice && place.datatype == datatype {
                    next.push(Place { choice: false, ..place });
                } else if !place.choice && place.datatype == datatype {
                    next.push(place);
                }
            }
            Step::First => {
                place.steps.push("S::First".into());
                next.push(place);
            }
            Step::Where(Cond::Equals(name, value)) => {
                child(elements, rtype, &place, name)?;
                place.steps.push(format!("S::Where({name:?}, {value:?})"));
                next.push(place);
            }
            Step::Where(Cond::ResolvesTo(target)) => {
                if !elements.types.contains(target) || place.datatype != "Reference" {
                    return Err(format!("resolve() is {target} on {}", place.datatype));
                }
                place.only = Some(target.clone());
                next.push(place);
            }
        }
    }
    if next.is_empty() { Err(format!("{step:?} leads nowhere")) } else { Ok(next) }
}

fn child(elements: &Elements, rtype: &str, at: &Place, name: &str) -> Result<Vec<Place>, String> {
    if at.only.is_some() {
        return Err("a step after resolve()".into());
    }
    let id = format!("{}.{name}", at.scope);
    let element = elements.by_path.get(&id).ok_or_else(|| format!("no element {id}"))?;
    let shown = if at.scope.split('.').next() == Some(rtype) {
        if element.choice { format!("{id}[x]") } else { id.clone() }
    } else {
        at.path.clone()
    };
    if let Some(content) = &element.content {
        let mut steps = at.steps.clone();
        steps.push(format!("S::Key({name:?})"));
        return Ok(vec![Place {
            steps,
            scope: content.clone(),
            datatype: "BackboneElement".into(),
            path: content.clone(),
            ..at.clone()
        }]);
    }
    Ok(element
        .types
        .iter()
        .map(|datatype| {
            let mut upper = datatype.chars();
            let key = if element.choice {
                let first = upper.next().map(|c| c.to_ascii_uppercase()).into_iter().collect::<String>();
                format!("{name}{first}{}", upper.as_str())
            } else {
                name.to_owned()
            };
            let mut steps = at.steps.clone();
            steps.push(format!("S::Key({key:?})"));
            let inline = matches!(datatype.as_str(), "BackboneElement" | "Element");
            Place {
                steps,
                scope: if inline { id.clone() } else { datatype.clone() },
                datatype: datatype.clone(),
                path: shown.clone(),
                system: element.system.clone().filter(|_| datatype == "code"),
                only: None,
                choice: element.choice,
                group: at.group,
            }
        })
        .collect())
}

/// Choice types that a parameter of this kind leaves out when its expression does not cast (R4 search.html, the tables per kind).
const LEFT_OUT: &[(&str, &str)] = &[
    ("token", "Quantity"),
    ("token", "Range"),
    ("token", "Reference"),
    ("date", "string"),
    ("date", "Age"),
    ("date", "Range"),
    ("date", "Duration"),
    ("date", "boolean"),
    ("date", "CodeableConcept"),
    ("uri", "Reference"),
    ("reference", "CodeableConcept"),
    ("reference", "Identifier"),
    ("reference", "uri"),
    ("reference", "Attachment"),
];

/// What a (kind, datatype) pair is read as; the second half is a variant of `search::model::Data`.
pub(super) fn data_variant(kind: &str, datatype: &str) -> Option<&'static str> {
    Some(match (kind, datatype) {
        ("token", "CodeableConcept") => "CodeableConcept",
        ("token", "Coding") => "Coding",
        ("token", "code") => "Code",
        ("token", "boolean") => "Boolean",
        ("token", "Identifier") => "Identifier",
        ("token", "ContactPoint") => "ContactPoint",
        ("token", "string") => "Text",
        ("token", "id" | "uri" | "canonical" | "oid" | "uuid" | "url") => "Plain",
        ("string", "string" | "markdown" | "code" | "id") => "Text",
        ("string", "HumanName") => "HumanName",
        ("string", "Address") => "Address",
        ("date", "date" | "dateTime" | "instant") => "DateTime",
        ("date", "Period") => "Period",
        ("date", "Timing") => "Timing",
        ("number", "integer" | "decimal" | "positiveInt" | "unsignedInt") => "Number",
        ("number" | "quantity", "Range") => "Range",
        ("quantity", "Quantity" | "Age" | "Duration" | "SimpleQuantity" | "Count" | "Distance" | "MoneyQuantity") => {
            "Quantity"
        }
        ("quantity", "Money") => "Money",
        ("quantity", "SampledData") => "SampledData",
        ("reference", "Reference") => "Reference",
        ("reference", "canonical") => "Canonical",
        ("reference", "uri" | "url") => "Canonical",
        ("uri", "uri" | "url" | "canonical" | "oid" | "uuid") => "Plain",
        _ => return None,
    })
}
