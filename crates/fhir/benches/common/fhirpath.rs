//! What FHIRPath is timed on, also beside other engines (`peers`).

/// An observation as the synthetic patients have them: 1.2 kB, near the mean of all resources.
pub(crate) const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"83c5ad95-1a9a-80f1-9710-4d0d6415bb2a",
"meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs"]},"status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}],"text":"Blood pressure panel"},
"subject":{"reference":"Patient/8708d3e1-f718-96bb-03f0-f2a6564ae1cd"},"encounter":{"reference":"Encounter/67ac37a8-1ce2-eae6-5139-fd7e14600a24"},
"effectiveDateTime":"2012-01-19T04:50:13+01:00","issued":"2012-01-19T04:50:13.408+01:00",
"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4","display":"Diastolic Blood Pressure"}],"text":"Diastolic"},
"valueQuantity":{"value":85.5,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic Blood Pressure"}],"text":"Systolic"},
"valueQuantity":{"value":124,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"#;

/// Search parameters, invariants of R4 and paths: each with its name in the tables.
pub(crate) const EXPRESSIONS: [(&str, &str); 8] = [
    ("path", "Observation.component.code.coding.code"),
    ("search: code", "Observation.code | Observation.component.code"),
    ("search: value", "Observation.value.ofType(Quantity) | Observation.component.value.ofType(Quantity)"),
    ("invariant obs-6", "dataAbsentReason.empty() or value.empty()"),
    (
        "invariant obs-7",
        "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()",
    ),
    ("invariant dom-4", "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()"),
    (
        "filter",
        "component.where(code.coding.exists(system = 'http://loinc.org' and code = '8480-6')).value.value > 120",
    ),
    ("invariant dom-3, descendants", "descendants().where($this is Reference).reference.distinct().count()"),
];
