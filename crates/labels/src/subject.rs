//! Which patient a record belongs to.

use aceso_base::SubjectId;
use aceso_fhir::definitions::{ResourceType, patient_params};
use aceso_fhir::json::{Kind, Node};

use crate::table::SUBJECT_PATHS;

/// Whose the records of a type are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Patients': the type is in R4's patient compartment (compartmentdefinition-patient), even where a record names nobody.
    Patients,
    /// A patient's when the record names one, else the directory's: a device, a contract, a bundle.
    Either,
    /// The directory's: no element of the type can name a patient.
    Directory,
}

/// Whose the records of this type are.
#[must_use]
pub fn holds(rtype: ResourceType) -> Holds {
    let paths = SUBJECT_PATHS.get(usize::from(rtype.code())).copied().unwrap_or_default();
    match (patient_params(rtype).is_empty(), paths.is_empty()) {
        (false, _) => Holds::Patients,
        (true, false) => Holds::Either,
        (true, true) => Holds::Directory,
    }
}

/// Whose record a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectFound {
    /// A patient's.
    Patient(SubjectId),
    /// Of no patient: no element that could name one names one.
    Directory,
    /// It names a patient, but not as `Patient/<lower-case UUID>`, so nobody can say whose key seals it.
    Unresolvable,
}

/// The patient that a resource belongs to: a `Patient` to itself by its `id`, any other to the first patient that the
/// elements of its rule (`table/types.tsv`) name, in the order of the rule.
///
/// A rule comes to its end at the first element that names a patient in a form that leads to no key (a URL, a search, an
/// identifier, a contained resource, a `urn:uuid` of a bundle): the answer is then [`SubjectFound::Unresolvable`],
/// never the next element.
#[must_use]
pub fn subject_of(root: Node<'_>, rtype: ResourceType) -> SubjectFound {
    if rtype.name() == "Patient" {
        return own_id(root).map_or(SubjectFound::Unresolvable, SubjectFound::Patient);
    }
    let mut found = SubjectFound::Directory;
    each_mention(root, root, rtype, 0, &mut |mention| match mention {
        Mention::Patient(subject) => {
            found = SubjectFound::Patient(subject);
            false
        }
        Mention::Unresolvable => {
            found = SubjectFound::Unresolvable;
            false
        }
        Mention::Other => true,
    });
    found
}

/// The patients other than `subject` that the elements of the rule name as `Patient/<UUID>`, each once, in the order
/// found.
#[must_use]
pub fn other_subjects(root: Node<'_>, rtype: ResourceType, subject: SubjectId) -> Vec<SubjectId> {
    let mut others = Vec::new();
    each_mention(root, root, rtype, 0, &mut |mention| {
        if let Mention::Patient(other) = mention
            && other != subject
            && !others.contains(&other)
        {
            others.push(other);
        }
        true
    });
    others
}

/// What one element of a rule says.
enum Mention {
    Patient(SubjectId),
    Unresolvable,
    Other,
}

/// Bundles in bundles; deeper ones name nobody.
const MAX_RESOURCES: usize = 4;

/// Visits what the elements of the rule name until the visitor says that it is enough; false when it did.
fn each_mention(
    root: Node<'_>,
    resource: Node<'_>,
    rtype: ResourceType,
    depth: usize,
    visit: &mut dyn FnMut(Mention) -> bool,
) -> bool {
    let paths = SUBJECT_PATHS.get(usize::from(rtype.code())).copied().unwrap_or_default();
    paths.iter().all(|path| follow(root, resource, path, depth, visit))
}

fn follow(root: Node<'_>, node: Node<'_>, path: &[&str], depth: usize, visit: &mut dyn FnMut(Mention) -> bool) -> bool {
    if node.kind() == Kind::Array {
        return node.items().all(|item| follow(root, item, path, depth, visit));
    }
    if let Some((step, rest)) = path.split_first() {
        return node.get(step).is_none_or(|next| follow(root, next, rest, depth, visit));
    }
    match resource_type(node) {
        Some(inner) if inner.name() == "Patient" => visit(own_id(node).map_or(Mention::Unresolvable, Mention::Patient)),
        Some(inner) => depth >= MAX_RESOURCES || each_mention(root, node, inner, depth + 1, visit),
        None => visit(mention(root, node)),
    }
}

/// What a `Reference` names (R4 references.html, section 2.3.0).
fn mention(root: Node<'_>, reference: Node<'_>) -> Mention {
    let typed = reference.get("type").and_then(Node::as_str);
    let says_patient = typed.as_deref() == Some("Patient");
    let Some(text) = reference.get("reference").and_then(Node::as_str) else {
        // A logical reference: an identifier of somebody.
        return if says_patient && reference.get("identifier").is_some() {
            Mention::Unresolvable
        } else {
            Mention::Other
        };
    };
    if let Some(id) = text.strip_prefix("Patient/") {
        let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
        return SubjectId::of_patient(id).map_or(Mention::Unresolvable, Mention::Patient);
    }
    if let Some(local) = text.strip_prefix('#') {
        let contained = root.get("contained");
        let inner = contained
            .and_then(|all| all.items().find(|one| one.get("id").and_then(Node::as_str).as_deref() == Some(local)));
        let patient = inner.and_then(resource_type).is_some_and(|rtype| rtype.name() == "Patient");
        return if patient { Mention::Unresolvable } else { Mention::Other };
    }
    // `urn:uuid:…` may be anybody; a reference with a type before its id says what it is.
    let somebody = text.starts_with("urn:") && typed.as_deref().is_none_or(|name| name == "Patient");
    if says_patient || somebody || text.starts_with("Patient?") || text.contains("/Patient/") {
        return Mention::Unresolvable;
    }
    Mention::Other
}

fn own_id(patient: Node<'_>) -> Option<SubjectId> {
    patient.get("id").and_then(Node::as_str).and_then(|id| SubjectId::of_patient(&id))
}

fn resource_type(node: Node<'_>) -> Option<ResourceType> {
    node.get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name))
}
