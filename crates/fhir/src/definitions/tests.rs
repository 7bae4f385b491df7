use super::*;

fn element(type_name: &str, path: &[&str]) -> &'static Element {
    let start = ResourceType::parse(type_name).map(TypeRef::of_resource).or(TypeRef::of_datatype(type_name)).unwrap();
    let (last, before) = path.split_last().unwrap();
    let scope = before.iter().fold(start, |scope, key| match scope.child(key).unwrap().0.value {
        ValueType::Complex(inner) => inner,
        other => panic!("{key} is {other:?}"),
    });
    scope.child(last).unwrap().0
}

#[test]
fn resource_types_are_the_146_of_r4_in_alphabetical_order() {
    let names: Vec<&str> = ResourceType::all().map(ResourceType::name).collect();
    assert_eq!(names.len(), 146);
    assert!(names.is_sorted());
    for rtype in ResourceType::all() {
        assert_eq!(ResourceType::parse(rtype.name()), Some(rtype));
        assert_eq!(ResourceType::from_code(rtype.code()), Some(rtype));
        assert_eq!(TypeRef::of_resource(rtype).name(), rtype.name());
    }
    assert_eq!(ResourceType::PATIENT.name(), "Patient");
    for unknown in ["", "patient", "Resource", "DomainResource", "SubscriptionStatus", "HumanName", "Patient "] {
        assert_eq!(ResourceType::parse(unknown), None);
    }
    assert_eq!(ResourceType::from_code(146), None);
}

#[test]
fn codes_of_stored_types_never_move() {
    let known = [("Account", 0), ("Bundle", 11), ("Observation", 95), ("Patient", 102), ("VisionPrescription", 145)];
    for (name, code) in known {
        assert_eq!(ResourceType::parse(name).unwrap().code(), code, "{name}");
    }
}

#[test]
fn every_element_is_found_by_its_name_in_its_own_scope() {
    let mut count = 0;
    for scope in TypeRef::all() {
        for found in scope.elements() {
            assert!(std::ptr::eq(scope.child(found.key).unwrap().0, found));
            assert_eq!(usize::from(found.id), count);
            assert_eq!(found.path.rsplit_once('.').unwrap().0, scope.name());
            count += 1;
        }
        // `ExampleScenario.instance.resourceType` is an element; that of a resource is none.
        assert!(scope.child("resourceType").is_none() || scope.name() == "ExampleScenario.instance");
        assert!(scope.child("").is_none());
        assert!(scope.child("_").is_none());
    }
    assert_eq!(count, Element::all().len());
}

#[test]
fn elements_know_their_shape() {
    let family = element("Patient", &["contact", "name", "family"]);
    assert_eq!((family.path, family.array, family.min), ("HumanName.family", false, 0));
    assert_eq!(family.value, ValueType::Primitive(Primitive::String));
    let contact = element("Patient", &["contact"]);
    assert!(contact.array);
    assert!(matches!(contact.value, ValueType::Complex(scope) if scope.name() == "Patient.contact"));
    let status = element("Observation", &["status"]);
    assert_eq!(status.min, 1);
    assert!(status.codes().unwrap().contains(&"entered-in-error"));
    assert_eq!(element("Attachment", &["contentType"]).codes(), None);
    assert_eq!(element("Patient", &["language"]).codes(), None);
    assert_eq!(element("Patient", &["contained"]).value, ValueType::Resource);
    assert_eq!(element("Bundle", &["entry", "resource"]).value, ValueType::Resource);
    assert_eq!(element("Patient", &["id"]).value, ValueType::Primitive(Primitive::Id));
    assert_eq!(element("HumanName", &["id"]).value, ValueType::Primitive(Primitive::String));
    assert_eq!(element("Extension", &["url"]).value, ValueType::Primitive(Primitive::Uri));
    assert_eq!(element("Narrative", &["div"]).value, ValueType::Primitive(Primitive::Xhtml));
}

#[test]
fn choices_are_resolved_by_the_name_of_the_variant() {
    let quantity = element("Observation", &["valueQuantity"]);
    assert_eq!((quantity.path, quantity.is_choice()), ("Observation.value[x]", true));
    assert!(matches!(quantity.value, ValueType::Complex(scope) if scope.name() == "Quantity"));
    let observation = TypeRef::of_resource(ResourceType::OBSERVATION);
    assert!(observation.child("value").is_none());
    assert!(observation.child("value[x]").is_none());
    assert!(observation.child("valueDecimal").is_none());
    assert_eq!(TypeRef::of_datatype("Extension").unwrap().elements().len(), 2 + 1 + 50);
}

#[test]
fn content_references_lead_back_to_their_scope() {
    let range = element("Observation", &["component", "referenceRange"]);
    assert!(matches!(range.value, ValueType::Complex(scope) if scope.name() == "Observation.referenceRange"));
    assert!(range.array);
}

#[test]
fn siblings_of_primitives_are_known_and_others_are_not() {
    let patient = TypeRef::of_resource(ResourceType::PATIENT);
    let (birth_date, sibling) = patient.child("_birthDate").unwrap();
    assert!(sibling);
    assert_eq!(birth_date.key, "birthDate");
    assert!(patient.child("_name").is_none());
    assert!(patient.child("__birthDate").is_none());
    assert!(TypeRef::of_datatype("Narrative").unwrap().child("_div").is_none());
}

#[test]
fn references_name_the_types_they_may_point_at() {
    let names = |element: &Element| element.targets().iter().map(|t| t.name()).collect::<Vec<_>>();
    assert_eq!(names(element("Observation", &["encounter"])), ["Encounter"]);
    assert_eq!(names(element("Observation", &["subject"])), ["Device", "Group", "Location", "Patient"]);
    assert!(names(element("Observation", &["focus"])).is_empty());
    let observer = ["Device", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"];
    assert_eq!(names(element("AuditEvent", &["source", "observer"])), observer);
}

#[test]
fn the_patient_compartment_lists_its_parameters() {
    assert_eq!(patient_params(ResourceType::OBSERVATION), ["subject", "performer"]);
    assert_eq!(patient_params(ResourceType::PATIENT), ["link"]);
    assert!(patient_params(ResourceType::PRACTITIONER).is_empty());
    assert!(patient_params(ResourceType::PARAMETERS).is_empty());
}

#[test]
fn code_lists_are_sorted_so_that_they_can_be_searched() {
    let mut lists = 0;
    for codes in Element::all().iter().filter_map(Element::codes) {
        assert!(codes.is_sorted() && !codes.is_empty());
        lists += 1;
    }
    assert!(lists > 300, "{lists}");
}
