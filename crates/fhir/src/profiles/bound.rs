//! The smallest and the largest value of an element (R4 elementdefinition.html, `minValue[x]` and `maxValue[x]`).

use super::model::TypeRule;
use super::value::Value;
use crate::definitions::{Element, Primitive, TypeRef, ValueType};
use crate::fhirpath;
use crate::json::Node;

/// One bound. It is allowed itself.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) kind: BoundKind,
    pub(crate) value: Value,
}

/// What a bound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BoundKind {
    Number,
    /// A date or moment, perhaps partial.
    Moment,
    Time,
    /// Of a quantity, or, of a date or moment, how far it may be from now.
    Quantity,
}

const WORDS: [(&str, BoundKind); 9] = [
    ("Date", BoundKind::Moment),
    ("DateTime", BoundKind::Moment),
    ("Decimal", BoundKind::Number),
    ("Instant", BoundKind::Moment),
    ("Integer", BoundKind::Number),
    ("PositiveInt", BoundKind::Number),
    ("Quantity", BoundKind::Quantity),
    ("Time", BoundKind::Time),
    ("UnsignedInt", BoundKind::Number),
];

impl Bound {
    /// The smallest and the largest value that a row of a snapshot allows.
    ///
    /// # Errors
    /// One that no type of the element can be held against, or that has no value.
    pub(super) fn both(
        row: Node<'_>,
        element: &Element,
        types: &[TypeRule],
    ) -> Result<(Option<Self>, Option<Self>), &'static str> {
        Ok((Self::read(row, "minValue", element, types)?, Self::read(row, "maxValue", element, types)?))
    }

    fn read(row: Node<'_>, prefix: &str, element: &Element, types: &[TypeRule]) -> Result<Option<Self>, &'static str> {
        let Some(member) = row.child_nodes().find(|m| m.key().starts_with(prefix)) else { return Ok(None) };
        let key = member.key();
        let word = key.strip_prefix(prefix).unwrap_or_default();
        let known = WORDS.iter().find(|(name, _)| *name == word);
        let (_, kind) = known.ok_or("a smallest or largest value of a type that has none")?;
        let value = Value::of(member).ok_or("a smallest or largest value")?;
        let bound = Self { kind: *kind, value };
        let is_for = |value: ValueType| bound.is_for(value);
        let fits = match (element.is_choice(), types) {
            (true, [_, ..]) => types.iter().filter_map(|rule| type_named(&rule.code)).any(is_for),
            _ => is_for(element.value),
        };
        if !fits {
            return Err("a smallest or largest value of another type than the element has");
        }
        bound.item().value().ok_or("a smallest or largest value that is none")?;
        let is_distance = bound.kind == BoundKind::Quantity && matches!(element.value, ValueType::Primitive(_));
        if is_distance && !element.is_choice() && !fhirpath::is_duration(&bound.item()) {
            return Err("a smallest or largest distance from now that is no time in UCUM");
        }
        Ok(Some(bound))
    }

    /// Whether values of this type can be held against it.
    pub(crate) fn is_for(&self, value: ValueType) -> bool {
        use Primitive as P;
        match (self.kind, value) {
            (BoundKind::Number, ValueType::Primitive(primitive)) => {
                matches!(primitive, P::Decimal | P::Integer | P::PositiveInt | P::UnsignedInt)
            }
            (BoundKind::Moment | BoundKind::Quantity, ValueType::Primitive(primitive)) => is_moment(primitive),
            (BoundKind::Time, ValueType::Primitive(primitive)) => primitive == P::Time,
            (BoundKind::Quantity, ValueType::Complex(scope)) => {
                scope == TypeRef::QUANTITY || scope.base_name() == TypeRef::QUANTITY.name()
            }
            _ => false,
        }
    }

    /// The bound as FHIRPath sees it.
    pub(crate) fn item(&self) -> fhirpath::Item<'_> {
        let primitive = match self.kind {
            BoundKind::Number => Primitive::Decimal,
            BoundKind::Moment => Primitive::DateTime,
            BoundKind::Time => Primitive::Time,
            BoundKind::Quantity => return fhirpath::Item::complex(self.value.root(), TypeRef::QUANTITY),
        };
        fhirpath::Item::primitive(self.value.root(), primitive)
    }
}

/// Whether values of a primitive are dates or moments.
pub(crate) fn is_moment(primitive: Primitive) -> bool {
    matches!(primitive, Primitive::Date | Primitive::DateTime | Primitive::Instant)
}

/// What values of the type are, of those types that can have bounds.
fn type_named(code: &str) -> Option<ValueType> {
    let primitive = match code {
        "date" => Primitive::Date,
        "dateTime" => Primitive::DateTime,
        "decimal" => Primitive::Decimal,
        "instant" => Primitive::Instant,
        "integer" => Primitive::Integer,
        "positiveInt" => Primitive::PositiveInt,
        "time" => Primitive::Time,
        "unsignedInt" => Primitive::UnsignedInt,
        _ => return TypeRef::of_datatype(code).map(ValueType::Complex),
    };
    Some(ValueType::Primitive(primitive))
}
