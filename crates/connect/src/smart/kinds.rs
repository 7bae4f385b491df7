//! The types that are taken, in an order in which references point backwards: directory, patients, the rest.

use crate::pattern::{Deletion, Filters, Listing, Paging, ResourceCapability};

/// `_count`, and the links of the Bundle.
const PAGES: Paging = Paging::Cursor { largest: 100, offset_too: false };
/// What the lists of a patient's records are narrowed by.
pub(super) const PATIENT: &str = "patient";
/// `meta.lastUpdated` and the search parameter of the same name.
pub(super) const LAST_UPDATED: &str = "_lastUpdated";

macro_rules! kinds {
    ($($name:literal $filter:ident),+ $(,)?) => { &[$(kind($name, &[$name], $filter)),+] };
}

const DIRECTORY: Filters =
    Filters { changed_since: Some(LAST_UPDATED), patient: None, practice: None, clinical_range: None };
const CHART: Filters = Filters { patient: Some(PATIENT), ..DIRECTORY };

/// Every type has a list of identifiers, so that the id at the source has its place. The server takes all types of R4; those of bulk
/// content (`Binary`), of workflow definitions and of payers are left to a later version, and so is the source's own `Provenance`.
pub(super) const KINDS: &[ResourceCapability] = kinds![
    "Organization" DIRECTORY,
    "Location" DIRECTORY,
    "Practitioner" DIRECTORY,
    "PractitionerRole" DIRECTORY,
    "Medication" DIRECTORY,
    "Patient" DIRECTORY,
    "RelatedPerson" CHART,
    "Coverage" CHART,
    "EpisodeOfCare" CHART,
    "Encounter" CHART,
    "Condition" CHART,
    "AllergyIntolerance" CHART,
    "Procedure" CHART,
    "MedicationRequest" CHART,
    "MedicationStatement" CHART,
    "MedicationAdministration" CHART,
    "MedicationDispense" CHART,
    "Immunization" CHART,
    "Device" CHART,
    "ServiceRequest" CHART,
    "Specimen" CHART,
    "Observation" CHART,
    "DiagnosticReport" CHART,
    "FamilyMemberHistory" CHART,
    "Goal" CHART,
    "CareTeam" CHART,
    "CarePlan" CHART,
    "DocumentReference" CHART,
    "Appointment" CHART,
    "Consent" CHART,
];

const fn kind(name: &'static str, produces: &'static [&'static str], filters: Filters) -> ResourceCapability {
    ResourceCapability {
        kind: name,
        path: name,
        produces,
        listing: Listing { paging: PAGES, filters, modified: Some("meta.lastUpdated") },
        deletion: Deletion::Absence,
        webhook: false,
    }
}
