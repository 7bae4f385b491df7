//! Codings, identifiers and quantities.

use super::number::Measured;
use super::text::Text;
use super::tree::{Object, Tree, object};

/// Code systems and identifier systems.
pub(crate) mod system {
    pub(crate) const CPT: &str = "http://www.ama-assn.org/go/cpt";
    pub(crate) const ICD10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
    pub(crate) const ICD9: &str = "http://hl7.org/fhir/sid/icd-9-cm";
    pub(crate) const LOINC: &str = "http://loinc.org";
    pub(crate) const NCPDP: &str = "http://terminology.hl7.org/NamingSystem/NCPDPProviderIdentificationNumber";
    pub(crate) const NDC: &str = "http://hl7.org/fhir/sid/ndc";
    pub(crate) const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
    pub(crate) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
    pub(crate) const SNOMED: &str = "http://snomed.info/sct";
    pub(crate) const SSN: &str = "http://hl7.org/fhir/sid/us-ssn";
    pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
    pub(crate) const V2_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
}

/// A `Coding`; nothing when the code is absent.
pub(crate) fn coding<'a>(
    system: impl Into<Tree<'a>>,
    code: Option<Text<'a>>,
    display: Option<Text<'a>>,
) -> Option<Object<'a>> {
    let code = code.map(|code| Text::from(code.trim().to_owned())).filter(|code| is_code(code))?;
    Some(object! { "system" => system, "code" => code, "display" => display })
}

/// A code has no leading, trailing or double white space (R4 datatypes, `code`).
fn is_code(text: &str) -> bool {
    !text.is_empty() && text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace))
}

/// A `CodeableConcept`; nothing when it has neither codings nor text.
pub(crate) fn concept<'a>(codings: Vec<Object<'a>>, text: Option<Text<'a>>) -> Object<'a> {
    object! { "coding" => codings, "text" => text }
}

/// A `CodeableConcept` of text alone.
pub(crate) fn text_concept(text: Option<Text<'_>>) -> Object<'_> {
    concept(Vec::new(), text)
}

/// An `Identifier`; nothing when there is no value.
pub(crate) fn identifier<'a>(system: impl Into<Tree<'a>>, value: Option<Text<'a>>) -> Option<Object<'a>> {
    let value = value.filter(Text::is_fhir_string)?;
    Some(object! { "system" => system, "value" => value })
}

/// An `Identifier` with a type of HL7 table 0203.
pub(crate) fn typed_identifier<'a>(
    code: &'static str,
    system: Option<&'a str>,
    value: Option<Text<'a>>,
) -> Option<Object<'a>> {
    let value = value.filter(Text::is_fhir_string)?;
    let kind = concept(vec![object! { "system" => system::V2_0203, "code" => code }], None);
    Some(object! { "type" => kind, "system" => system, "value" => value })
}

/// A `Quantity`: the unit is the text of the source, the code is UCUM where the table knows the unit.
pub(crate) fn quantity<'a>(measured: Measured<'a>, unit: Option<Text<'a>>, ucum: Option<&'a str>) -> Object<'a> {
    object! {
        "value" => Tree::Raw(measured.value),
        "comparator" => measured.comparator,
        "unit" => unit.or_else(|| ucum.map(Into::into)),
        "system" => ucum.map(|_| system::UCUM),
        "code" => ucum,
    }
}
