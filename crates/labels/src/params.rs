//! What a search parameter would tell about a patient.

use aceso_fhir::definitions::{Element, Primitive, ResourceType, TypeRef, ValueType};
use aceso_fhir::search::{Modifier, ParamKind, SearchParam, param};

use crate::table::{self, Context, Labelled};
use crate::{ClassSet, DataClass};

/// The classes that must be open to read all elements which a search parameter of a type reads, so that nobody searches,
/// sorts or chains by what he may not see. [`ClassSet::ALL`] when the parameter is not known: fail closed.
///
/// A reference parameter reads the link only; with a modifier that reads more, ask [`param_classes_modified`].
#[must_use]
pub fn param_classes(rtype: ResourceType, code: &str) -> ClassSet {
    param_classes_modified(rtype, code, Modifier::None)
}

/// As [`param_classes`], for a use with a modifier: `:identifier` and `:text` read the identifier and the display text
/// of a reference, which in a patient's record is identity.
#[must_use]
pub fn param_classes_modified(rtype: ResourceType, code: &str, modifier: Modifier) -> ClassSet {
    let Some(param) = param(rtype, code).filter(|param| !param.paths().is_empty()) else { return ClassSet::ALL };
    let mut classes = ClassSet::NONE;
    for path in param.paths() {
        classes = classes.union(read_by(rtype, path, param, modifier));
    }
    if code == "_security" {
        // Labels are classed one by one; the one that is searched for may be the one that tells.
        classes = classes.with(DataClass::Sensitive);
    }
    if classes.is_empty() { ClassSet::STRUCTURE } else { classes }
}

/// The classes that must be open to see an element, by its path in the definitions (`Patient.name`,
/// `Observation.component.value[x]`): its own and those of what holds it. [`ClassSet::ALL`] when there is no such element.
#[must_use]
pub fn classes_of_element(rtype: ResourceType, path: &str) -> ClassSet {
    let found = fold_path(rtype, path, &mut |_| true);
    found.map_or(ClassSet::ALL, |classes| classes.with(DataClass::Structure))
}

fn read_by(rtype: ResourceType, path: &str, param: &SearchParam, modifier: Modifier) -> ClassSet {
    let mut kinds = vec![param.kind];
    kinds.extend(param.components().map(|(_, kind)| kind));
    let mut inner = ClassSet::NONE;
    let context = Context::of(rtype);
    let outer = fold_path(rtype, path, &mut |element| {
        let read = kinds.iter().any(|kind| may_read(*kind, element));
        if read && let ValueType::Complex(scope) = element.value {
            inner = inner.union(inside(scope, modifier, context));
        }
        read
    });
    outer.map_or(ClassSet::ALL, |outer| outer.union(inner))
}

/// The classes, other than structure, of the elements on the way and of each variant at the end that `counts`; `None`
/// when the path leads nowhere.
fn fold_path(rtype: ResourceType, path: &str, counts: &mut dyn FnMut(&Element) -> bool) -> Option<ClassSet> {
    let context = Context::of(rtype);
    let (first, mut rest) = path.split_once('.')?;
    let mut scope = (first == rtype.name()).then(|| TypeRef::of_resource(rtype))?;
    let mut classes = ClassSet::NONE;
    while let Some((step, after)) = rest.split_once('.') {
        let (element, _) = scope.child(step)?;
        classes = classes.union(own_class(element, context));
        let ValueType::Complex(inner) = element.value else { return None };
        (scope, rest) = (inner, after);
    }
    let mut known = false;
    for element in scope.elements().iter().filter(|element| is_last_step(element, rest)) {
        known = true;
        if counts(element) {
            classes = classes.union(own_class(element, context));
        }
    }
    known.then_some(classes)
}

fn is_last_step(element: &Element, step: &str) -> bool {
    if element.is_choice() { element.path.rsplit('.').next() == Some(step) } else { element.key == step }
}

fn own_class(element: &Element, context: Context) -> ClassSet {
    match table::of_element(element, context) {
        Labelled::Of(DataClass::Structure) | Labelled::Inherit => ClassSet::NONE,
        Labelled::Of(class) => class.into(),
        Labelled::ByUrl => DataClass::Sensitive.into(),
    }
}

/// The classes that a data type's own elements add when a search reads the whole value.
fn inside(scope: TypeRef, modifier: Modifier, context: Context) -> ClassSet {
    if TypeRef::of_datatype("Meta") == Some(scope) {
        // `_tag`, `_profile`, `_source`, `_lastUpdated` read one element each; `_security` is seen to by the caller.
        return ClassSet::NONE;
    }
    let reference = TypeRef::of_datatype("Reference") == Some(scope);
    let read = |element: &&Element| match element.key {
        "extension" | "modifierExtension" => false,
        "identifier" if reference => modifier == Modifier::Identifier,
        "display" if reference => modifier == Modifier::Text,
        _ => true,
    };
    let elements = scope.elements().iter().filter(read);
    elements.fold(ClassSet::NONE, |classes, element| classes.union(own_class(element, context)))
}

/// Whether a parameter of this kind can read this element. Only variants of a choice that it certainly does not read are
/// left out, so that a search by a quantity does not ask for the right to read the text that may stand in its place.
fn may_read(kind: ParamKind, element: &Element) -> bool {
    let reference =
        matches!(element.value, ValueType::Complex(scope) if TypeRef::of_datatype("Reference") == Some(scope));
    let concept =
        matches!(element.value, ValueType::Complex(scope) if TypeRef::of_datatype("CodeableConcept") == Some(scope));
    let text = matches!(element.value, ValueType::Primitive(Primitive::String | Primitive::Markdown));
    match kind {
        _ if !element.is_choice() => true,
        ParamKind::String => text || concept,
        ParamKind::Reference => matches!(element.value, ValueType::Primitive(_)) && !text || reference,
        ParamKind::Special => true,
        // Its components are asked one by one.
        ParamKind::Composite => false,
        ParamKind::Token | ParamKind::Number | ParamKind::Date | ParamKind::Quantity | ParamKind::Uri => {
            !text && !reference
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataClass::{Clinical, Contact, Financial, Identity, Narrative, Sensitive, Structure};

    fn classes(rtype: &str, code: &str, modifier: Modifier) -> Vec<DataClass> {
        param_classes_modified(ResourceType::parse(rtype).unwrap(), code, modifier).iter().collect()
    }

    #[test]
    fn a_parameter_has_the_classes_of_what_it_reads() {
        for (rtype, code, expected) in [
            ("Patient", "_id", vec![Structure]),
            ("Patient", "name", vec![Identity]),
            ("Patient", "family", vec![Identity]),
            ("Patient", "birthdate", vec![Identity]),
            ("Patient", "death-date", vec![Identity]),
            ("Patient", "identifier", vec![Identity]),
            ("Patient", "address-city", vec![Contact]),
            ("Patient", "phone", vec![Contact]),
            ("Patient", "active", vec![Structure]),
            ("Patient", "organization", vec![Structure]),
            ("Patient", "_security", vec![Sensitive]),
            ("Patient", "_lastUpdated", vec![Structure]),
            ("Observation", "code", vec![Clinical]),
            ("Observation", "status", vec![Structure]),
            ("Observation", "patient", vec![Structure]),
            ("Observation", "date", vec![Clinical]),
            ("Observation", "value-quantity", vec![Clinical]),
            ("Observation", "value-string", vec![Clinical, Narrative]),
            ("Observation", "code-value-quantity", vec![Clinical]),
            ("Observation", "combo-code-value-concept", vec![Clinical]),
            ("Encounter", "participant", vec![Clinical]),
            ("Claim", "created", vec![Financial]),
            ("Composition", "related-id", vec![Identity]),
            ("Composition", "related-ref", vec![Structure]),
            ("MolecularSequence", "type", vec![Sensitive]),
            ("Practitioner", "family", vec![Structure]),
        ] {
            assert_eq!(classes(rtype, code, Modifier::None), expected, "{rtype} {code}");
        }
    }

    #[test]
    fn a_modifier_that_reads_names_asks_for_identity() {
        assert_eq!(classes("Observation", "patient", Modifier::Identifier), [Identity]);
        assert_eq!(classes("Observation", "patient", Modifier::Text), [Identity]);
        assert_eq!(classes("PractitionerRole", "practitioner", Modifier::Identifier), [Structure]);
        assert_eq!(classes("Observation", "code", Modifier::Text), [Clinical]);
    }

    #[test]
    fn every_parameter_that_is_served_reads_elements_that_exist() {
        for rtype in ResourceType::all() {
            for param in aceso_fhir::search::params_of(rtype).iter().filter(|param| param.is_served()) {
                assert!(!param.paths().is_empty(), "{param:?}");
                for path in param.paths() {
                    assert!(fold_path(rtype, path, &mut |_| true).is_some(), "{param:?} {path}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_parameter_asks_for_everything() {
        assert_eq!(param_classes(ResourceType::parse("Patient").unwrap(), "nonsense"), ClassSet::ALL);
        assert_eq!(classes_of_element(ResourceType::parse("Patient").unwrap(), "Patient.nonsense"), ClassSet::ALL);
    }
}
