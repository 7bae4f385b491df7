//! The parameters of the operations: which there are (R4's operation definitions), which are served, and what they hold.

use super::TerminologyOperation;
use crate::Fault;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Node};

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A string of some type: `uri`, `code`, `string`, `canonical`.
    Text(&'static str),
    /// `boolean`
    Flag,
    /// `integer`, not negative.
    Count,
    /// `Coding`
    Coding,
    /// `CodeableConcept`
    Concept,
    /// R4 has this parameter, and it is not served.
    NotServed,
}

type Known = (&'static str, Kind);

const URI: Kind = Kind::Text("valueUri");
const CODE: Kind = Kind::Text("valueCode");
const STRING: Kind = Kind::Text("valueString");

const EXPAND: &[Known] = &[
    ("url", URI),
    ("valueSetVersion", STRING),
    ("filter", STRING),
    ("offset", Kind::Count),
    ("count", Kind::Count),
    ("includeDesignations", Kind::Flag),
    ("activeOnly", Kind::Flag),
    ("excludeNested", Kind::Flag),
    ("displayLanguage", CODE),
    ("valueSet", Kind::NotServed),
    ("context", Kind::NotServed),
    ("contextDirection", Kind::NotServed),
    ("date", Kind::NotServed),
    ("designation", Kind::NotServed),
    ("includeDefinition", Kind::NotServed),
    ("excludeNotForUI", Kind::NotServed),
    ("excludePostCoordinated", Kind::NotServed),
    ("exclude-system", Kind::NotServed),
    ("system-version", Kind::NotServed),
    ("check-system-version", Kind::NotServed),
    ("force-system-version", Kind::NotServed),
];

const VALIDATE_IN_VALUE_SET: &[Known] = &[
    ("url", URI),
    ("valueSetVersion", STRING),
    ("code", CODE),
    ("system", URI),
    ("systemVersion", STRING),
    ("display", STRING),
    ("coding", Kind::Coding),
    ("codeableConcept", Kind::Concept),
    ("abstract", Kind::Flag),
    ("displayLanguage", CODE),
    ("valueSet", Kind::NotServed),
    ("context", Kind::NotServed),
    ("date", Kind::NotServed),
];

const LOOKUP: &[Known] = &[
    ("code", CODE),
    ("system", URI),
    ("version", STRING),
    ("coding", Kind::Coding),
    ("displayLanguage", CODE),
    ("property", CODE),
    ("date", Kind::NotServed),
];

const VALIDATE_IN_CODE_SYSTEM: &[Known] = &[
    ("url", URI),
    ("code", CODE),
    ("version", STRING),
    ("display", STRING),
    ("coding", Kind::Coding),
    ("codeableConcept", Kind::Concept),
    ("abstract", Kind::Flag),
    ("displayLanguage", CODE),
    ("codeSystem", Kind::NotServed),
    ("date", Kind::NotServed),
];

const SUBSUMES: &[Known] = &[
    ("codeA", CODE),
    ("codeB", CODE),
    ("system", URI),
    ("version", STRING),
    ("codingA", Kind::Coding),
    ("codingB", Kind::Coding),
];

const fn known(operation: TerminologyOperation) -> &'static [Known] {
    match operation {
        TerminologyOperation::Expand => EXPAND,
        TerminologyOperation::ValidateInValueSet => VALIDATE_IN_VALUE_SET,
        TerminologyOperation::Lookup => LOOKUP,
        TerminologyOperation::ValidateInCodeSystem => VALIDATE_IN_CODE_SYSTEM,
        TerminologyOperation::Subsumes => SUBSUMES,
    }
}

/// The only parameter that may come several times.
const REPEATS: &str = "property";

/// A coding as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct AskedCoding {
    pub(super) system: Option<String>,
    pub(super) version: Option<String>,
    pub(super) code: String,
    pub(super) display: Option<String>,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Flag(bool),
    Count(usize),
    Codings(Vec<AskedCoding>),
}

/// What was asked: parameters that are served, each in its form.
#[derive(Debug, Default)]
pub(super) struct Asked(Vec<(&'static str, Value)>);

pub(super) fn rtype() -> Result<ResourceType, Fault> {
    ResourceType::parse("Parameters").ok_or_else(|| Fault::new(500, "exception", "Parameters is no resource type"))
}

impl Asked {
    /// Reads the parameters of a query.
    pub(super) fn of_query(operation: TerminologyOperation, pairs: Vec<(String, String)>) -> Result<Self, Fault> {
        let mut asked = Self::default();
        for (at, (name, text)) in pairs.into_iter().enumerate() {
            let place = format!("http.parameter[{}]", at + 1);
            let (name, kind) = asked.admitted(operation, &name, &place)?;
            let place = format!("http.{name}");
            let value = match kind {
                Kind::Text(_) if !text.is_empty() => Value::Text(text),
                Kind::Flag if text == "true" || text == "false" => Value::Flag(text == "true"),
                Kind::Count => Value::Count(count(&text).ok_or_else(|| malformed(&place, kind))?),
                Kind::Coding | Kind::Concept => {
                    let rule = "a value of this type comes in a Parameters resource, by POST";
                    return Err(Fault::at(400, "not-supported", place, rule));
                }
                _ => return Err(malformed(&place, kind)),
            };
            asked.0.push((name, value));
        }
        Ok(asked)
    }

    /// Reads a valid Parameters resource.
    pub(super) fn of_body(operation: TerminologyOperation, doc: &Doc) -> Result<Self, Fault> {
        let mut asked = Self::default();
        for (at, parameter) in doc.root().get("parameter").into_iter().flat_map(Node::items).enumerate() {
            let place = format!("Parameters.parameter[{at}]");
            let name = parameter.get("name").and_then(Node::as_str).unwrap_or_default();
            let (name, kind) = asked.admitted(operation, &name, &place)?;
            let value = of_node(parameter, kind).ok_or_else(|| malformed(&place, kind))?;
            asked.0.push((name, value));
        }
        Ok(asked)
    }

    /// A parameter that is served and may come (once more).
    fn admitted(&self, operation: TerminologyOperation, name: &str, place: &str) -> Result<Known, Fault> {
        let Some(&(name, kind)) = known(operation).iter().find(|(known, _)| *known == name) else {
            return Err(Fault::at(400, "not-supported", place, "not a parameter of this operation"));
        };
        if kind == Kind::NotServed {
            let text = format!("the parameter {name} is not served; leave it out");
            return Err(Fault::at(400, "not-supported", place, text));
        }
        if name != REPEATS && self.0.iter().any(|(had, _)| *had == name) {
            return Err(Fault::at(400, "value", place, format!("the parameter {name} may come once only")));
        }
        Ok((name, kind))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(had, value)| match value {
            Value::Text(text) if *had == name => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn texts(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |(had, value)| match value {
            Value::Text(text) if *had == name => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.0.iter().find_map(|(had, value)| match value {
            Value::Flag(flag) if *had == name => Some(*flag),
            _ => None,
        })
    }

    pub(super) fn count(&self, name: &str) -> Option<usize> {
        self.0.iter().find_map(|(had, value)| match value {
            Value::Count(count) if *had == name => Some(*count),
            _ => None,
        })
    }

    pub(super) fn codings(&self, name: &str) -> Option<&[AskedCoding]> {
        self.0.iter().find_map(|(had, value)| match value {
            Value::Codings(codings) if *had == name => Some(codings.as_slice()),
            _ => None,
        })
    }

    /// A text that has to be there.
    pub(super) fn needed(&self, name: &'static str) -> Result<&str, Fault> {
        self.text(name).ok_or_else(|| missing(name))
    }
}

pub(super) fn missing(name: &'static str) -> Fault {
    Fault::at(400, "required", format!("http.{name}"), format!("the parameter {name} is needed"))
}

fn count(text: &str) -> Option<usize> {
    text.parse::<u32>().ok().map(|number| number as usize)
}

fn malformed(place: &str, kind: Kind) -> Fault {
    let form = match kind {
        Kind::Text("valueUri") => "a uri",
        Kind::Text("valueCode") => "a code",
        Kind::Text(_) => "a string",
        Kind::Flag => "true or false",
        Kind::Count => "a whole number that is not negative",
        Kind::Coding => "a Coding with a code",
        Kind::Concept => "a CodeableConcept whose codings have codes",
        Kind::NotServed => "nothing",
    };
    Fault::at(400, "value", place, format!("the value of this parameter is {form}"))
}

fn of_node(parameter: Node<'_>, kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Text(element) => {
            // R4 says `uri` where later versions say `canonical`.
            let canonical = || parameter.get("valueCanonical").filter(|_| element == "valueUri");
            Value::Text(parameter.get(element).or_else(canonical)?.as_str()?.into_owned())
        }
        Kind::Flag => Value::Flag(parameter.get("valueBoolean")?.as_bool()?),
        Kind::Count => Value::Count(count(parameter.get("valueInteger")?.number_text()?)?),
        Kind::Coding => Value::Codings(vec![coding(parameter.get("valueCoding")?)?]),
        Kind::Concept => {
            let codings = parameter.get("valueCodeableConcept")?.get("coding")?.items().map(coding);
            Value::Codings(codings.collect::<Option<Vec<_>>>()?)
        }
        Kind::NotServed => return None,
    })
}

fn coding(node: Node<'_>) -> Option<AskedCoding> {
    let text = |name: &str| node.get(name).and_then(Node::as_str).map(std::borrow::Cow::into_owned);
    Some(AskedCoding {
        system: text("system"),
        version: text("version"),
        code: text("code")?,
        display: text("display"),
    })
}
