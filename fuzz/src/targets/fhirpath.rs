//! FHIRPath: an expression, and an expression over a document.

use aceso_base::Timestamp;
use aceso_fhir::definitions::{ResourceType, TypeRef};
use aceso_fhir::fhirpath::{CheckOptions, Context, Expression, Item, Limits, Trace, Value};
use aceso_fhir::json::{Doc, Limits as JsonLimits, Node};
use aceso_fhir::terminology::NothingLoaded;
use aceso_testkit::Canary;

pub(super) const WORDS: &[&str] = &[
    ".where(",
    ".select(",
    ".repeat(",
    ".all(",
    ".exists()",
    ".aggregate(",
    "iif(",
    "$this",
    "$index",
    "$total",
    "%resource",
    "%context",
    "defineVariable('a')",
    "%a",
    ".children()",
    ".descendants()",
    ".ofType(string)",
    " as Quantity",
    " is System.String",
    " and ",
    " implies ",
    " contains ",
    " in ",
    " mod ",
    " div ",
    "!~",
    "@2015-02-29T24:00:60.999999999999+14:00",
    "@T23:59",
    "2147483647",
    "79228162514264337593543950335.0",
    "0.0000000000000000000000000001",
    "1 'kg.m/s2'",
    "3 months",
    ".toQuantity('mg')",
    ".replace('', $this)",
    ".replaceMatches('(.)', '$1$1')",
    ".matches('(a|b)*c')",
    ".split('')",
    ".sort(-$this)",
    ".lowBoundary(28)",
    ".power(99)",
    ".exp()",
    ".memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')",
    ".resolve()",
    ".trace('t')",
    ".htmlChecks()",
    "\u{0}",
];

/// What an evaluation may cost here: little, so that many are tried.
const LIMITS: Limits = Limits { steps: 20_000, depth: 250, items: 2_000, text: 10_000 };

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let expressions = [
        "Patient.name.where(use = 'official').given.first() & ' ' & Patient.name.family.join(',')",
        "name.exists() or telecom.exists() implies (birthDate <= today() and birthDate is date)",
        "contained.where((('#'+id in (%resource.descendants().reference)) or descendants().where(reference = '#').exists()).not())",
        "Observation.value.as(Quantity).value > 5.4 and (value as Quantity) ~ 70 'kg'",
        "birthDate + 3 months - 2.5 'd' < @1990-01-01T10:00:00.000+02:00",
        "descendants().select(type().name).distinct().count()",
        "(1|2|3).aggregate($this + $total, 0) / 7 * 1.10",
        "identifier.value.select(encode('base64').decode('base64')).trace('x').matches('^[A-Z0-9-]{3,}$')",
        "defineVariable('n', name.count()).select(iif(%n > 1, name[1], name[0]).given.sort(-$this))",
        "'a,b,,c'.split(',').select($this.replace('a', 'bb').substring(1, 3).upper()) | {}",
        "text.htmlChecks() and gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender').not()",
    ];
    let documents = [Canary::patient().to_string(), Canary::observation().to_string()];
    let paired = expressions.iter().zip(documents.iter().cycle()).map(|(expression, document)| {
        let mut seed = expression.as_bytes().to_vec();
        seed.push(0);
        seed.extend_from_slice(document.as_bytes());
        seed
    });
    expressions.iter().map(|expression| expression.as_bytes().to_vec()).chain(paired).collect()
}

/// Up to the first NUL an expression, behind it a document; without one it meets the planted patient.
pub(super) fn target(bytes: &[u8]) {
    let (text, document) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], bytes[at + 1..].to_vec()),
        None => (bytes, Canary::patient().to_string().into_bytes()),
    };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let expression = match Expression::compile(text) {
        Ok(expression) => expression,
        Err(error) => {
            assert!(error.position.offset <= text.len(), "a position beyond the text");
            return quotes_nothing(&error.to_string());
        }
    };
    let Ok(doc) = Doc::parse(document, &JsonLimits::default()) else { return };
    let rtype = doc.root().get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name));
    if let Some(rtype) = rtype
        && let Err(error) = expression.check(TypeRef::of_resource(rtype), CheckOptions { ordered: true })
    {
        quotes_nothing(&error.to_string());
    }
    let trace = Trace::default();
    let context = Context {
        now: Some(Timestamp(1_700_000_000_000)),
        terminology: Some(&NothingLoaded),
        trace: Some(&trace),
        limits: LIMITS,
        ..Context::of_resource(doc.root())
    };
    match expression.evaluate(&Item::resource(doc.root()), &context) {
        Ok(items) => {
            assert!(items.len() <= LIMITS.items, "more items than allowed");
            for item in items {
                quotes_nothing(&format!("{item:?}"));
                if let (None, Some(Value::String(text))) = (item.node(), item.value()) {
                    let written = text.len() <= expression.text().len();
                    assert!(
                        text.len() <= LIMITS.text || written || text.len() <= doc.text().len(),
                        "a longer text than allowed"
                    );
                }
            }
        }
        Err(error) => {
            assert!(error.position.offset <= text.len(), "a position beyond the text");
            quotes_nothing(&error.to_string());
        }
    }
}

fn quotes_nothing(message: &str) {
    for (what, value) in Canary::VALUES {
        assert!(!message.contains(value), "an error quotes {what}");
    }
}
