//! Types and their hierarchy: System types, R4 primitives, data types, backbone elements and resources.
//!
//! The hierarchy is that of the R4 definitions: derived primitives, the specialisations of `Quantity`, and the abstract
//! types `Element`, `BackboneElement`, `Resource` and `DomainResource`, which are told by the elements they bring.

use std::fmt;

use super::item::{Item, Shape, Value};
use super::syntax::TypeName;
use crate::definitions::{Primitive, ResourceType, TypeRef};

/// What `type()` tells: a namespace and a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeInfo {
    /// `System` or `FHIR`.
    pub namespace: &'static str,
    /// `String`, `code`, `Patient`; for an element with a type of its own the abstract type, `BackboneElement`.
    pub name: &'static str,
}

/// A type that an expression names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypeSpecifier {
    /// The System type of this name.
    pub(super) system: Option<&'static str>,
    /// The FHIR type of this name.
    pub(super) fhir: Option<FhirType>,
}

/// A type of the R4 definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FhirType {
    Primitive(Primitive),
    Scope(TypeRef),
    Resource,
    DomainResource,
    Element,
    BackboneElement,
}

const SYSTEM: [&str; 8] = ["Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity"];

/// Name, type, and the primitive that it is derived from.
const PRIMITIVES: [(&str, Primitive, Option<Primitive>); 20] = [
    ("base64Binary", Primitive::Base64Binary, None),
    ("boolean", Primitive::Boolean, None),
    ("canonical", Primitive::Canonical, Some(Primitive::Uri)),
    ("code", Primitive::Code, Some(Primitive::String)),
    ("date", Primitive::Date, None),
    ("dateTime", Primitive::DateTime, None),
    ("decimal", Primitive::Decimal, None),
    ("id", Primitive::Id, Some(Primitive::String)),
    ("instant", Primitive::Instant, None),
    ("integer", Primitive::Integer, None),
    ("markdown", Primitive::Markdown, Some(Primitive::String)),
    ("oid", Primitive::Oid, Some(Primitive::Uri)),
    ("positiveInt", Primitive::PositiveInt, Some(Primitive::Integer)),
    ("string", Primitive::String, None),
    ("time", Primitive::Time, None),
    ("unsignedInt", Primitive::UnsignedInt, Some(Primitive::Integer)),
    ("uri", Primitive::Uri, None),
    ("url", Primitive::Url, Some(Primitive::Uri)),
    ("uuid", Primitive::Uuid, Some(Primitive::Uri)),
    ("xhtml", Primitive::Xhtml, None),
];

impl TypeSpecifier {
    /// The types that a name stands for. Without namespace both are looked at (R4 fhirpath.html, "Type resolution").
    pub(super) fn of(name: &TypeName) -> Self {
        let system = SYSTEM.iter().find(|system| **system == name.name).copied();
        let fhir = FhirType::of(&name.name);
        match name.namespace.as_deref() {
            Some("System") => Self { system, fhir: None },
            Some("FHIR") => Self { system: None, fhir },
            Some(_) => Self { system: None, fhir: None },
            None => Self { system, fhir },
        }
    }

    /// Whether there is such a type.
    pub(super) fn is_known(&self) -> bool {
        self.system.is_some() || self.fhir.is_some()
    }

    /// `is`: the type or one derived from it.
    pub(super) fn is_type_of(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Value(value) => self.system == Some(TypeInfo::of_value(value).name),
            Item::Element(element) => self.fhir.is_some_and(|wanted| wanted.is_base_of(element.shape)),
        }
    }

    /// `as` and `ofType`: as `is`, but a derived primitive is not taken for its base (R4: a `code` is no `string` here, as
    /// the choice elements `valueCode` and `valueString` are different ones).
    pub(super) fn selects(&self, item: &Item<'_>) -> bool {
        match (item, self.fhir) {
            (Item::Element(element), Some(FhirType::Primitive(wanted))) => element.shape == Shape::Primitive(wanted),
            _ => self.is_type_of(item),
        }
    }
}

impl FhirType {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "Resource" => Self::Resource,
            "DomainResource" => Self::DomainResource,
            "Element" => Self::Element,
            "BackboneElement" => Self::BackboneElement,
            _ => match PRIMITIVES.iter().find(|(known, ..)| *known == name) {
                Some((_, primitive, _)) => Self::Primitive(*primitive),
                None => {
                    let resource = ResourceType::parse(name).map(TypeRef::of_resource);
                    Self::Scope(resource.or_else(|| TypeRef::of_datatype(name))?)
                }
            },
        })
    }

    /// Whether something of this shape is of this type or of one derived from it.
    pub(super) fn is_base_of(self, shape: Shape) -> bool {
        match (self, shape) {
            (_, Shape::Unknown) => false,
            (Self::Element, Shape::Primitive(_)) => true,
            (Self::Primitive(wanted), Shape::Primitive(found)) => {
                wanted == found || base_of(found).is_some_and(|base| wanted == base)
            }
            (_, Shape::Primitive(_)) | (Self::Primitive(_), _) => false,
            (Self::Scope(wanted), Shape::Complex(found)) => {
                wanted == found || (wanted == TypeRef::QUANTITY && is_quantity(found))
            }
            (Self::Resource, Shape::Complex(found)) => is_resource(found),
            (Self::DomainResource, Shape::Complex(found)) => is_resource(found) && found.child("contained").is_some(),
            (Self::Element, Shape::Complex(found)) => !is_resource(found),
            (Self::BackboneElement, Shape::Complex(found)) => {
                !is_resource(found) && found.child("modifierExtension").is_some()
            }
        }
    }
}

/// Whether the scope is a whole resource.
pub(super) fn is_resource(scope: TypeRef) -> bool {
    usize::from(scope.0) < ResourceType::all().len()
}

/// Whether the scope is `Quantity` or one of its specialisations.
pub(super) fn is_quantity(scope: TypeRef) -> bool {
    scope == TypeRef::QUANTITY
        || [TypeRef::AGE, TypeRef::COUNT, TypeRef::DISTANCE, TypeRef::DURATION].contains(&scope)
        || matches!(scope.name(), "MoneyQuantity" | "SimpleQuantity")
}

fn base_of(primitive: Primitive) -> Option<Primitive> {
    PRIMITIVES.iter().find(|(_, found, _)| *found == primitive).and_then(|(.., base)| *base)
}

fn primitive_name(primitive: Primitive) -> &'static str {
    PRIMITIVES.iter().find(|(_, found, _)| *found == primitive).map_or("", |(name, ..)| name)
}

impl TypeInfo {
    pub(super) fn of_value(value: &Value<'_>) -> Self {
        let name = match value {
            Value::Boolean(_) => "Boolean",
            Value::Integer(_) => "Integer",
            Value::Decimal(_) => "Decimal",
            Value::String(_) => "String",
            Value::Date(_) => "Date",
            Value::DateTime(_) => "DateTime",
            Value::Time(_) => "Time",
            Value::Quantity(_) => "Quantity",
            Value::Type(_) => "SimpleTypeInfo",
        };
        Self { namespace: "System", name }
    }

    pub(super) fn of_shape(shape: Shape) -> Self {
        let name = match shape {
            Shape::Unknown => "Element",
            Shape::Primitive(primitive) => primitive_name(primitive),
            Shape::Complex(scope) if !scope.name().contains('.') => scope.name(),
            Shape::Complex(_) if FhirType::BackboneElement.is_base_of(shape) => "BackboneElement",
            Shape::Complex(_) => "Element",
        };
        Self { namespace: "FHIR", name }
    }
}

impl fmt::Display for TypeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}
