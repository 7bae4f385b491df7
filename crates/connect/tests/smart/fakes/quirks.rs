//! The ways of each EHR as its own documents tell them, not as the connector's profiles do: `docs/connectors/fhir.md` says where each
//! fact is from.

/// What a fake does other than a plain server.
#[derive(Clone, Copy, Default)]
pub(crate) struct Quirks {
    pub(crate) name: &'static str,
    /// Path of the base address; the tenant is in it.
    pub(crate) path: &'static str,
    /// Path of the base address as far as it is the same for all tenants: any other below it is 403.
    pub(crate) tenants: Option<&'static str>,
    /// Signing algorithms of clients.
    pub(crate) algorithms: &'static [&'static str],
    /// A search of a chart without `patient` or `_id` is 400.
    pub(crate) wants_patient: bool,
    /// There is no search of all patients.
    pub(crate) no_patients: bool,
    /// No search of the directory.
    pub(crate) no_directory: bool,
    /// Types that are searched with `category` only.
    pub(crate) wants_category: &'static [&'static str],
    /// A parameter that every search must have, with its value.
    pub(crate) practice: Option<(&'static str, &'static str)>,
    /// `_lastUpdated` can be searched, and `meta` says it.
    pub(crate) last_updated: bool,
    /// An open range of dates is 400.
    pub(crate) closed_ranges: bool,
    /// Anything but FHIR JSON is 406 with an empty body.
    pub(crate) strict_accept: bool,
    /// Group can be read.
    pub(crate) groups: bool,
    /// Errors have Epic's codes, and warnings stand in lists.
    pub(crate) epic_codes: bool,
    /// Requests a minute, tokens included; then 429 without a hint until the next minute.
    pub(crate) per_minute: Option<usize>,
    /// A scope that must not be asked for.
    pub(crate) forbidden_scope: Option<&'static str>,
}

pub(crate) const PLAIN: Quirks = Quirks {
    name: "fhir",
    path: "/fhir",
    tenants: None,
    algorithms: &["RS384", "ES384"],
    wants_patient: false,
    no_patients: false,
    no_directory: false,
    wants_category: &[],
    practice: None,
    last_updated: true,
    closed_ranges: false,
    strict_accept: false,
    groups: true,
    epic_codes: false,
    per_minute: None,
    forbidden_scope: None,
};

pub(crate) const EPIC: Quirks = Quirks {
    name: "epic",
    path: "/interconnect-fhir-oauth/api/FHIR/R4",
    wants_patient: true,
    no_patients: true,
    no_directory: true,
    wants_category: &["Observation", "CarePlan"],
    // Its CapabilityStatement has no _lastUpdated.
    last_updated: false,
    epic_codes: true,
    ..PLAIN
};

pub(crate) const ORACLE: Quirks = Quirks {
    name: "oracle-health",
    path: "/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d",
    tenants: Some("/r4/"),
    wants_patient: true,
    no_patients: true,
    no_directory: true,
    closed_ranges: true,
    strict_accept: true,
    groups: false,
    ..PLAIN
};

pub(crate) const ATHENA: Quirks = Quirks {
    name: "athenahealth",
    path: "/fhir/r4",
    wants_patient: true,
    no_directory: true,
    practice: Some(("ah-practice", "Organization/a-1.Practice-195900")),
    ..PLAIN
};

pub(crate) const ECW: Quirks = Quirks {
    name: "eclinicalworks",
    path: "/fhir/r4/ABCDEF",
    algorithms: &["RS384"],
    wants_patient: true,
    no_directory: true,
    per_minute: Some(250),
    groups: false,
    forbidden_scope: Some("system/Group.read"),
    ..PLAIN
};

/// Types of no patient.
pub(crate) const DIRECTORY: &[&str] = &["Organization", "Location", "Practitioner", "PractitionerRole", "Medication"];
/// Types of a chart that the fakes have.
pub(crate) const CHART: &[&str] = &[
    "Encounter",
    "Condition",
    "AllergyIntolerance",
    "MedicationRequest",
    "Observation",
    "DiagnosticReport",
    "CarePlan",
    "DocumentReference",
];
