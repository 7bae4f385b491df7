//! Where the matches of a search can be: inside one patient, in the directory, or across patients by an index.
//!
//! One table of rules for the searches and for the CapabilityStatement, so that what is declared is what is served.

use crate::Fault;
use aceso_base::SubjectId;
use aceso_custodian::SearchScope;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::{Criterion, Filter, Modifier, ReferenceCriterion, SearchParam};
use aceso_labels::{Holds, holds};

/// How far a parameter reaches by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every record of the type; none of them is a patient's.
    Directory,
    /// Across patients, and inside one.
    Patients,
    /// Inside one patient, whom it names itself.
    NamesPatient,
    /// Inside one patient, who must be named too.
    InsidePatient,
}

/// How far a parameter of this type reaches.
pub(crate) fn reach_of(rtype: ResourceType, code: &str) -> Reach {
    let of_whom = holds(rtype);
    if of_whom == Holds::Directory {
        Reach::Directory
    } else if rtype.name() == "Patient" || matches!(code, "_id" | "identifier" | "_lastUpdated") {
        Reach::Patients
    } else if names_its_patient(rtype, code) {
        Reach::NamesPatient
    } else if of_whom == Holds::Either {
        Reach::Directory
    } else {
        Reach::InsidePatient
    }
}

/// The limits of a reach, in words that a client's author can act on.
pub(crate) fn described(rtype: ResourceType, param: &SearchParam) -> &'static str {
    match reach_of(rtype, param.code) {
        Reach::Directory if holds(rtype) == Holds::Either => {
            "served across the records of this type that are no patient's, and inside one patient: name the patient too, or search by _id, \
             identifier or _lastUpdated"
        }
        Reach::Directory => "served across all records of this type",
        Reach::Patients if holds(rtype) == Holds::Either => {
            "served across patients, inside one patient, and across the records of this type that are no patient's"
        }
        Reach::Patients => "served across patients and inside one patient",
        Reach::NamesPatient => "served: names the one patient to search in",
        Reach::InsidePatient => {
            "served inside one patient: name the patient too, or search by _id, identifier or _lastUpdated"
        }
    }
}

/// Whether `Patient/[id]/[type]` is a place to search.
pub(crate) fn in_compartment(rtype: ResourceType) -> bool {
    holds(rtype) != Holds::Directory
}

/// Whether a reference parameter reads the element that says whose record it is. Others (`performer`, `author`) can name a
/// patient in somebody else's record: by them alone the compartment is not known.
fn names_its_patient(rtype: ResourceType, code: &str) -> bool {
    if rtype.name() == "Patient" {
        return false;
    }
    matches!(code, "patient" | "subject")
        || matches!(
            (rtype.name(), code),
            ("Appointment" | "AppointmentResponse" | "Schedule", "actor")
                | ("Coverage", "beneficiary")
                | ("Group", "member")
                | ("ResearchSubject", "individual")
        )
}

/// Where matches can be: inside the one patient that the filters name, in the directory, or across patients by an index.
///
/// # Errors
/// 400 that names the parameter when the question would need every patient's record.
pub(crate) fn scope_of(rtype: ResourceType, filters: &[Filter]) -> Result<SearchScope, Fault> {
    if let Some(subject) = filters.iter().find_map(|filter| named_patient(rtype, filter)) {
        return Ok(SearchScope::Compartment(subject));
    }
    let wide =
        |filter: &Filter| filter.modifier == Modifier::None && reach_of(rtype, filter.param.code) == Reach::Patients;
    if rtype.name() == "Patient" || filters.iter().any(wide) {
        return Ok(SearchScope::Population);
    }
    if holds(rtype) != Holds::Patients {
        return Ok(SearchScope::Directory);
    }
    let text = "served inside one patient only: name the patient (for example patient=[id]), or search by _id, identifier or _lastUpdated";
    Err(match filters.first() {
        Some(filter) => Fault::at(400, "not-supported", format!("http.{}", filter.param.code), text),
        None => Fault::new(400, "too-costly", format!("a search across patients needs a parameter; it is {text}")),
    })
}

/// The patient that a filter confines matches to.
fn named_patient(rtype: ResourceType, filter: &Filter) -> Option<SubjectId> {
    let patient = ResourceType::parse("Patient")?;
    let code = filter.param.code;
    if !names_its_patient(rtype, code) {
        return None;
    }
    if !(filter.modifier == Modifier::None || filter.modifier == Modifier::Type(patient)) {
        return None;
    }
    let [Criterion::Reference(ReferenceCriterion::Local { rtype: named, id, .. })] = filter.alternatives.as_slice()
    else {
        return None;
    };
    let only_patients = filter.param.targets == [patient] || code == "patient";
    let is_patient = *named == Some(patient) || (named.is_none() && only_patients);
    is_patient.then(|| SubjectId::of_patient(id)).flatten()
}
