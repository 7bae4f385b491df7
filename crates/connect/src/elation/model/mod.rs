//! What Elation sends, typed: every member may be absent or null, numbers keep their digits, unknown members are kept.
//!
//! The models read from a parsed document and borrow from it, so that nothing is copied and the document wipes all of
//! it. They are not derived with a general deserialiser because that would pass numbers through floating point.
//! Source: Elation API 2.0, schemas of the same names, as published in August 2026.

mod appointment;
mod clinical;
mod directory;
mod lab_order;
mod leaf;
mod medication;
mod patient;
mod report;

pub(crate) use appointment::*;
pub(crate) use clinical::*;
pub(crate) use directory::*;
pub(crate) use lab_order::*;
pub(crate) use leaf::*;
pub(crate) use medication::*;
pub(crate) use patient::*;
pub(crate) use report::*;

/// A model: a struct of optional members, the unknown ones in `rest`, the source in `node`.
///
/// Mapping takes a model apart without `..`, so a member that is added here does not compile until somebody says where
/// it goes.
macro_rules! model {
    ($(#[$doc:meta])* $name:ident { $($field:ident $(= $json:literal)? : $type:ty),* $(,)? }) => {
        $(#[$doc])*
        pub(crate) struct $name<'a> {
            $(pub(crate) $field: Option<$type>,)*
            /// Members that the model does not know.
            pub(crate) rest: Vec<(String, aceso_fhir::json::Node<'a>)>,
            /// The object itself.
            pub(crate) node: aceso_fhir::json::Node<'a>,
        }

        impl<'a> $crate::elation::model::Read<'a> for $name<'a> {
            fn read(
                node: aceso_fhir::json::Node<'a>,
                at: &$crate::elation::model::Place<'_>,
            ) -> Result<Self, $crate::elation::model::Misshapen> {
                if node.kind() != aceso_fhir::json::Kind::Object {
                    return Err(at.misshapen());
                }
                let mut model = Self { $($field: None,)* rest: Vec::new(), node };
                for member in node.members() {
                    match &*member.key {
                        $($crate::elation::model::name!($field $(= $json)?) => {
                            let name = $crate::elation::model::name!($field $(= $json)?);
                            model.$field = $crate::elation::model::optional(member.value, &at.then(name))?;
                        })*
                        other => model.rest.push((other.to_owned(), member.value)),
                    }
                }
                Ok(model)
            }

            #[cfg(test)]
            fn shape() -> $crate::elation::model::Shape {
                $crate::elation::model::Shape::Object(vec![$((
                    $crate::elation::model::name!($field $(= $json)?),
                    <$type as $crate::elation::model::Read<'a>>::shape(),
                )),*])
            }
        }

        impl<'a> $crate::elation::model::Source<'a> for $name<'a> {
            fn node(&self) -> aceso_fhir::json::Node<'a> {
                self.node
            }
        }
    };
}
pub(crate) use model;

/// The JSON name of a member: that of the field, unless it is a word that Rust reserves.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident = $json:literal) => {
        $json
    };
}
pub(crate) use name;
