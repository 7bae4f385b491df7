//! What an expression works on and gives back: elements of a document, and values.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::quantity::{Quantity, Unit};
use super::temporal::{Date, DateTime, Time};
use super::types::TypeInfo;
use crate::definitions::{Element, Primitive, ResourceType, TypeRef, ValueType};
use crate::json::{Kind, Node};

/// The canonical url of UCUM.
pub(super) const UCUM: &str = "http://unitsofmeasure.org";

/// One item of a collection. Its `Debug` shows the type only.
#[derive(Clone)]
pub enum Item<'a> {
    /// An element of a document, or a whole resource.
    Element(ElementItem<'a>),
    /// A value that was written in the expression or computed.
    Value(Value<'a>),
}

/// An element of a document, where it stands and what the definitions say of it. Holds no copy of it.
#[derive(Clone, Copy)]
pub struct ElementItem<'a> {
    node: Option<Node<'a>>,
    sibling: Option<Node<'a>>,
    definition: Option<&'static Element>,
    pub(super) shape: Shape,
}

/// The type of an element as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Complex(TypeRef),
    Primitive(Primitive),
    Unknown,
}

/// A value of one of the System types (FHIRPath 2.0.0, section 4.1). Its `Debug` shows the type only: it may be of a record.
#[derive(Clone)]
pub enum Value<'a> {
    /// True or false.
    Boolean(bool),
    /// A whole number of 32 bits.
    Integer(i32),
    /// An exact decimal that keeps the digits it was written with.
    Decimal(Decimal),
    /// A text.
    String(Text<'a>),
    /// A date, perhaps partial.
    Date(Date),
    /// A moment, perhaps partial.
    DateTime(DateTime),
    /// A time of day, perhaps partial.
    Time(Time),
    /// A number with a unit.
    Quantity(Box<Quantity<'a>>),
    /// What `type()` tells.
    Type(TypeInfo),
}

/// A text: of the document, or one that is shared.
#[derive(Clone)]
pub enum Text<'a> {
    /// A part of the document or of the program.
    Borrowed(&'a str),
    /// Of the expression, or computed.
    Shared(Arc<str>),
}

impl<'a> Item<'a> {
    /// A whole resource, by its `resourceType`. One that R4 does not know has no types inside.
    #[must_use]
    pub fn resource(node: Node<'a>) -> Self {
        Self::Element(ElementItem { node: Some(node), sibling: None, definition: None, shape: shape_of_resource(node) })
    }

    /// A complex element that is known by its type, such as `Patient.contact`.
    #[must_use]
    pub fn complex(node: Node<'a>, scope: TypeRef) -> Self {
        Self::Element(ElementItem { node: Some(node), sibling: None, definition: None, shape: Shape::Complex(scope) })
    }

    /// An element by its definition: its value, and for a primitive what the `_name` member holds beside it. `None` for
    /// both is an element of nothing.
    #[must_use]
    pub fn element(node: Option<Node<'a>>, sibling: Option<Node<'a>>, definition: &'static Element) -> Self {
        Self::Element(ElementItem::new(node, sibling, definition))
    }

    /// A primitive that is known by its type.
    pub(crate) fn primitive(node: Node<'a>, primitive: Primitive) -> Self {
        let shape = Shape::Primitive(primitive);
        Self::Element(ElementItem { node: Some(node), sibling: None, definition: None, shape })
    }

    /// The value in the document, without what stands beside it; `None` for a computed value, and for a primitive that
    /// has only extensions.
    #[must_use]
    pub fn node(&self) -> Option<Node<'a>> {
        match self {
            Self::Element(element) => element.node,
            Self::Value(_) => None,
        }
    }

    /// What the `_name` member holds for a primitive.
    #[must_use]
    pub fn sibling(&self) -> Option<Node<'a>> {
        match self {
            Self::Element(element) => element.sibling,
            Self::Value(_) => None,
        }
    }

    /// The definition of the element; `None` for computed values, for roots, and for what R4 does not know.
    #[must_use]
    pub fn definition(&self) -> Option<&'static Element> {
        match self {
            Self::Element(element) => element.definition,
            Self::Value(_) => None,
        }
    }

    /// The scope of a complex element: where its children are defined.
    #[must_use]
    pub fn scope(&self) -> Option<TypeRef> {
        match self {
            Self::Element(ElementItem { shape: Shape::Complex(scope), .. }) => Some(*scope),
            _ => None,
        }
    }

    /// The value as a System type: of a primitive what it holds, of a quantity its conversion. `None` when there is none
    /// or the text has not the form of its type.
    #[must_use]
    pub fn value(&self) -> Option<Value<'a>> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Element(element) => element.value(),
        }
    }

    /// The type as `type()` tells it.
    #[must_use]
    pub fn type_info(&self) -> TypeInfo {
        match self {
            Self::Element(element) => TypeInfo::of_shape(element.shape),
            Self::Value(value) => TypeInfo::of_value(value),
        }
    }

    /// The text of a string, or of a primitive that is one.
    pub(super) fn text(&self) -> Option<Text<'a>> {
        match self {
            Self::Value(Value::String(text)) => Some(text.clone()),
            Self::Value(_) => None,
            Self::Element(element) => element.text(),
        }
    }
}

impl<'a> ElementItem<'a> {
    pub(super) fn new(node: Option<Node<'a>>, sibling: Option<Node<'a>>, definition: &'static Element) -> Self {
        let shape = match definition.value {
            ValueType::Primitive(primitive) => Shape::Primitive(primitive),
            ValueType::Complex(scope) => Shape::Complex(scope),
            ValueType::Resource => node.map_or(Shape::Unknown, shape_of_resource),
        };
        Self { node: node.filter(|node| node.kind() != Kind::Null), sibling, definition: Some(definition), shape }
    }

    /// Below something that R4 does not know.
    pub(super) fn unknown(node: Node<'a>) -> Self {
        Self { node: Some(node), sibling: None, definition: None, shape: Shape::Unknown }
    }

    pub(super) fn node(&self) -> Option<Node<'a>> {
        self.node
    }

    pub(super) fn sibling(&self) -> Option<Node<'a>> {
        self.sibling
    }

    /// Whether there is a value, not only an id or extensions.
    pub(super) fn has_value(&self) -> bool {
        matches!(self.shape, Shape::Primitive(_))
            && self.node.is_some_and(|node| !matches!(node.kind(), Kind::Null | Kind::Array | Kind::Object))
    }

    fn text(&self) -> Option<Text<'a>> {
        match self.shape {
            Shape::Primitive(primitive) if is_textual(primitive) => self.node?.as_str().map(Text::from),
            Shape::Unknown => self.node?.as_str().map(Text::from),
            _ => None,
        }
    }

    fn value(&self) -> Option<Value<'a>> {
        let node = self.node?;
        match self.shape {
            Shape::Primitive(primitive) => primitive_value(node, primitive),
            Shape::Complex(scope) if super::types::is_quantity(scope) => quantity(node).map(Value::from),
            Shape::Complex(_) => None,
            Shape::Unknown => match node.kind() {
                Kind::Bool => primitive_value(node, Primitive::Boolean),
                Kind::Number => {
                    primitive_value(node, Primitive::Integer).or_else(|| primitive_value(node, Primitive::Decimal))
                }
                _ => primitive_value(node, Primitive::String),
            },
        }
    }
}

fn is_textual(primitive: Primitive) -> bool {
    use Primitive as P;
    !matches!(
        primitive,
        P::Boolean
            | P::Integer
            | P::PositiveInt
            | P::UnsignedInt
            | P::Decimal
            | P::Date
            | P::DateTime
            | P::Instant
            | P::Time
    )
}

fn primitive_value<'a>(node: Node<'a>, primitive: Primitive) -> Option<Value<'a>> {
    let parsed = |parse: &dyn Fn(&str) -> Option<Value<'a>>| node.as_str().and_then(|text| parse(&text));
    Some(match primitive {
        Primitive::Boolean => Value::Boolean(node.as_bool()?),
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            Value::Integer(node.number_text()?.parse().ok()?)
        }
        Primitive::Decimal => Value::Decimal(decimal(node.number_text()?)?),
        Primitive::Date => parsed(&|text| Date::parse(text).map(Value::Date))?,
        Primitive::DateTime | Primitive::Instant => parsed(&|text| DateTime::parse(text).map(Value::DateTime))?,
        Primitive::Time => parsed(&|text| Time::parse(text).map(Value::Time))?,
        _ => Value::String(node.as_str()?.into()),
    })
}

/// A JSON number, exactly; `None` beyond 28 digits.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { Decimal::from_str_exact(text).ok() }
}

/// A FHIR quantity as a System one (R4 fhirpath.html, "Quantity"); one with a comparator is no single quantity.
fn quantity<'a>(node: Node<'a>) -> Option<Quantity<'a>> {
    if node.get("comparator").is_some() {
        return None;
    }
    let value = decimal(node.get("value")?.number_text()?)?;
    let text = |name: &str| node.get(name).and_then(Node::as_str);
    let unit = match (text("system"), text("code")) {
        (Some(system), Some(code)) if system == UCUM => Unit::Ucum(code.into()),
        (_, Some(code)) => Unit::Other(code.into()),
        (_, None) => match text("unit") {
            Some(unit) => Unit::Other(unit.into()),
            None => Unit::Ucum(Text::Borrowed("1")),
        },
    };
    Some(Quantity { value, unit, is_element: true })
}

fn shape_of_resource(node: Node<'_>) -> Shape {
    let named = node.get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name));
    named.map_or(Shape::Unknown, |rtype| Shape::Complex(TypeRef::of_resource(rtype)))
}

impl Text<'_> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TypeInfo::of_value(self).fmt(f)
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.type_info().fmt(f)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// Shows that there is a text and how long it is: it may be of a record.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.as_str().len())
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl<'a> From<Quantity<'a>> for Value<'a> {
    fn from(quantity: Quantity<'a>) -> Self {
        Self::Quantity(Box::new(quantity))
    }
}

impl<'a> From<Value<'a>> for Item<'a> {
    fn from(value: Value<'a>) -> Self {
        Self::Value(value)
    }
}

impl From<bool> for Item<'_> {
    fn from(value: bool) -> Self {
        Self::Value(Value::Boolean(value))
    }
}

impl From<i32> for Item<'_> {
    fn from(value: i32) -> Self {
        Self::Value(Value::Integer(value))
    }
}

impl From<Decimal> for Item<'_> {
    fn from(value: Decimal) -> Self {
        Self::Value(Value::Decimal(value))
    }
}

impl<'a> From<Text<'a>> for Item<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::Value(Value::String(text))
    }
}

/// The value as `toString()` writes it. It may be of a record: never for a message or a log.
impl Value<'_> {
    /// The text of the value (FHIRPath 2.0.0, section 5.5.5).
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Decimal(value) => value.to_string(),
            Self::String(text) => text.as_str().to_owned(),
            Self::Date(value) => value.to_string(),
            Self::DateTime(value) => value.to_string(),
            Self::Time(value) => value.to_string(),
            Self::Quantity(value) => value.to_string(),
            Self::Type(info) => info.to_string(),
        }
    }
}
