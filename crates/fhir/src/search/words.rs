//! Strings that stand in very many records, by number.
//!
//! Part of the stored format: lines may be appended (up to [`super::values::WORDS_ROOM`]), never changed or removed.

use std::sync::OnceLock;

/// Word number `n` is stored as reference `n + 1`.
pub(super) const WORDS: &[&str] = &[
    "true",
    "false",
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://unitsofmeasure.org",
    "urn:ietf:rfc:3986",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/cvx",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-9-cm",
    "http://www.ama-assn.org/go/cpt",
    "http://hl7.org/fhir/sid/ndc",
    "http://hl7.org/fhir/sid/us-ssn",
    "http://hl7.org/fhir/sid/us-npi",
    "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "http://terminology.hl7.org/CodeSystem/condition-category",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
    "http://terminology.hl7.org/CodeSystem/v2-0203",
    "http://terminology.hl7.org/CodeSystem/v2-0074",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "http://terminology.hl7.org/CodeSystem/claim-type",
    "http://terminology.hl7.org/CodeSystem/processpriority",
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/service-type",
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type",
    "http://hl7.org/fhir/us/core/CodeSystem/condition-category",
    "urn:ietf:bcp:47",
    "urn:oid:2.16.840.1.113883.6.238",
    "http://dicom.nema.org/resources/ontology/DCM",
    "http://nucc.org/provider-taxonomy",
    "urn:iso:std:iso:4217",
    "phone",
    "email",
    "fax",
    "url",
    "sms",
    "pager",
    "other",
    "vital-signs",
    "laboratory",
    "survey",
    "social-history",
    "procedure",
    "exam",
    "imaging",
    "therapy",
    "final",
    "active",
    "completed",
    "finished",
    "preliminary",
    "amended",
    "cancelled",
    "entered-in-error",
    "planned",
    "in-progress",
    "order",
    "resolved",
    "confirmed",
    "inactive",
    "unknown",
    "draft",
    "on-hold",
    "stopped",
    "generated",
    "male",
    "female",
    "http://hl7.org/fhir/StructureDefinition/vitalsigns",
    "http://hl7.org/fhir/StructureDefinition/bodyheight",
    "http://hl7.org/fhir/StructureDefinition/bodyweight",
    "http://hl7.org/fhir/StructureDefinition/bmi",
    "http://hl7.org/fhir/StructureDefinition/bp",
    "http://hl7.org/fhir/StructureDefinition/heartrate",
    "http://hl7.org/fhir/StructureDefinition/resprate",
    "http://hl7.org/fhir/StructureDefinition/bodytemp",
    "http://hl7.org/fhir/StructureDefinition/headcircum",
    "http://hl7.org/fhir/StructureDefinition/oxygensat",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-smokingstatus",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-procedure",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-immunization",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationrequest",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-careplan",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-careteam",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-lab",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-note",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-allergyintolerance",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-location",
];

/// The number of a word, among the few of its length.
pub(super) fn number_of(text: &str) -> Option<usize> {
    static BY_LENGTH: OnceLock<Vec<Vec<usize>>> = OnceLock::new();
    let by_length = BY_LENGTH.get_or_init(|| {
        let longest = WORDS.iter().map(|word| word.len()).max().unwrap_or_default();
        let of_length =
            |length| (0..WORDS.len()).filter(move |at| WORDS.get(*at).is_some_and(|word| word.len() == length));
        (0..=longest).map(|length| of_length(length).collect()).collect()
    });
    by_length.get(text.len())?.iter().copied().find(|at| WORDS.get(*at).is_some_and(|word| *word == text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_number_and_others_have_none() {
        assert!(WORDS.iter().enumerate().all(|(at, word)| number_of(word) == Some(at)));
        assert!(["", "fals", "False", "http://loinc.org/"].iter().all(|text| number_of(text).is_none()));
    }

    #[test]
    fn words_are_distinct_and_leave_room() {
        let set: std::collections::BTreeSet<_> = WORDS.iter().collect();
        assert_eq!(set.len(), WORDS.len());
        assert!(WORDS.len() < super::super::values::WORDS_ROOM as usize);
        assert!(WORDS.iter().all(|w| w.is_ascii()));
    }
}
