//! The ways of each EHR, as data. Facts: `docs/connectors/fhir.md`.

use super::errors::{EPIC, EPIC_INCOMPLETE, ORACLE, PLAIN};
use super::kinds::KINDS;
use super::options::{OptionError, Options};
use crate::keeper::Algorithm;
use crate::pattern::{Capabilities, ErrorRow, Limits};

/// The ways of one EHR.
#[derive(Debug)]
pub struct Profile {
    /// What the common part sees; its `vendor` is the name of the profile.
    pub capabilities: Capabilities,
    /// What Provenance calls the source.
    pub display: &'static str,
    /// Whether there is a list of all patients. If not, the connection names a group, or the patients.
    pub lists_patients: bool,
    /// Whether a group's members can be read.
    pub reads_groups: bool,
    /// Whether a patient's records are only listed for him.
    pub per_patient: bool,
    /// Whether types of no patient are only read when something names them.
    pub directory_named: bool,
    /// Values of `category` without which a type is not listed: a list for each.
    pub categories: &'static [(&'static str, &'static [&'static str])],
    /// Whether a range of dates must have both ends.
    pub closed_ranges: bool,
    /// Whether an object may be on several pages of a list.
    pub repeats: bool,
    /// A parameter of every search that the connection has to name.
    pub practice_parameter: Option<&'static str>,
    /// How clients prove who they are; `None` in it is a secret.
    pub proofs: &'static [Option<Algorithm>],
    /// How scopes for reading end: SMART 1 (`read`) or 2 (`rs`).
    pub scope_suffix: &'static str,
    /// Whether all types may be asked for in one scope.
    pub scope_of_all: bool,
    /// What its answers ask for.
    pub errors: &'static [ErrorRow],
    /// Codes of warnings in a list that say that there may be more.
    pub incomplete: &'static [&'static str],
}

const ANY_PROOF: &[Option<Algorithm>] = &[None, Some(Algorithm::Rs384), Some(Algorithm::Es384)];
const KEYS_ONLY: &[Option<Algorithm>] = &[Some(Algorithm::Rs384), Some(Algorithm::Es384)];

const fn capabilities(vendor: &'static str, requests_per_minute: Option<u32>, first_concurrency: u32) -> Capabilities {
    Capabilities {
        vendor,
        version: "1",
        resources: KINDS,
        webhooks: None,
        change_feed: None,
        limits: Limits { requests_per_minute, retry_after: false, first_concurrency },
    }
}

/// Any server that speaks FHIR R4.
const PLAIN_FHIR: Profile = Profile {
    capabilities: capabilities("fhir", None, 2),
    display: "FHIR R4 server",
    lists_patients: true,
    reads_groups: true,
    per_patient: false,
    directory_named: false,
    categories: &[],
    closed_ranges: false,
    repeats: false,
    practice_parameter: None,
    proofs: ANY_PROOF,
    scope_suffix: "rs",
    scope_of_all: true,
    errors: PLAIN,
    incomplete: &[],
};

const EPIC_FHIR: Profile = Profile {
    capabilities: capabilities("epic", None, 2),
    display: "Epic",
    lists_patients: false,
    per_patient: true,
    directory_named: true,
    // `category` is required for CarePlan; Observation wants category or code. The values are those of US Core 6.1, which its
    // CapabilityStatement declares.
    categories: &[
        ("Observation", &["laboratory", "vital-signs", "social-history", "survey", "imaging", "exam", "procedure"]),
        ("CarePlan", &["assess-plan"]),
    ],
    proofs: KEYS_ONLY,
    scope_of_all: false,
    errors: EPIC,
    incomplete: EPIC_INCOMPLETE,
    ..PLAIN_FHIR
};

const ORACLE_HEALTH: Profile = Profile {
    capabilities: capabilities("oracle-health", None, 2),
    display: "Oracle Health Millennium",
    lists_patients: false,
    // Its CapabilityStatement has only the export of a group.
    reads_groups: false,
    per_patient: true,
    directory_named: true,
    closed_ranges: true,
    repeats: true,
    scope_of_all: false,
    errors: ORACLE,
    ..PLAIN_FHIR
};

const ATHENAHEALTH: Profile = Profile {
    capabilities: capabilities("athenahealth", None, 2),
    display: "athenahealth",
    per_patient: true,
    directory_named: true,
    practice_parameter: Some("ah-practice"),
    scope_of_all: false,
    ..PLAIN_FHIR
};

const ECLINICALWORKS: Profile = Profile {
    capabilities: capabilities("eclinicalworks", Some(250), 2),
    display: "eClinicalWorks",
    // The scope for groups is of bulk export, and forbidden beside those for single patients.
    reads_groups: false,
    per_patient: true,
    directory_named: true,
    proofs: &[Some(Algorithm::Rs384)],
    scope_suffix: "read",
    scope_of_all: false,
    ..PLAIN_FHIR
};

static PROFILES: [Profile; 5] = [PLAIN_FHIR, EPIC_FHIR, ORACLE_HEALTH, ATHENAHEALTH, ECLINICALWORKS];

/// The profile of this name.
pub(super) fn named(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.capabilities.vendor == name)
}

impl Profile {
    /// Whether a connection can go by these options.
    pub(super) fn check(&self, options: &Options) -> Result<(), OptionError> {
        if !self.reads_groups && !options.groups.is_empty() {
            return Err(OptionError::NoGroup);
        }
        if !self.lists_patients && !options.name_patients() {
            return Err(OptionError::NoPatients);
        }
        let named = |wanted: &str| options.parameters.iter().any(|(name, _)| name == wanted);
        match self.practice_parameter {
            Some(wanted) if !named(wanted) => Err(OptionError::NoPractice),
            _ => Ok(()),
        }
    }

    /// Scopes for reading what is taken (SMART App Launch 2.2, section "Scopes for requesting FHIR Resources").
    pub(super) fn scopes(&self, options: &Options) -> Vec<String> {
        let suffix = self.scope_suffix;
        if self.scope_of_all {
            return vec![format!("system/*.{suffix}")];
        }
        let group = (!options.groups.is_empty()).then_some("Group");
        let kinds = KINDS.iter().map(|resource| resource.kind);
        kinds.chain(group).map(|kind| format!("system/{kind}.{suffix}")).collect()
    }
}
