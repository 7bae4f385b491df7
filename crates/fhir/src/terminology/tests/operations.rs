use super::super::*;
use super::*;

const OBSERVATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";

fn in_system(coded: &Coded<'_>, options: &ValidateOptions<'_>) -> Finding {
    core().validate_in_system(coded.system.unwrap(), coded, options).finding
}

#[test]
fn a_code_is_valid_in_its_system_or_said_not_to_be() {
    let plain = ValidateOptions::default();
    let coded = Coded { system: Some(ACT_CODE), code: "AMB", ..Coded::default() };
    assert_eq!(in_system(&coded, &plain), Finding::Valid);
    assert_eq!(in_system(&Coded { code: "amb", ..coded }, &plain), Finding::NotInSystem);
    assert_eq!(in_system(&Coded { version: Some("2018-08-12"), ..coded }, &plain), Finding::Valid);
    assert_eq!(in_system(&Coded { version: Some("1999"), ..coded }, &plain), Finding::Unknown);
    assert_eq!(in_system(&Coded { system: Some("http://loinc.org"), ..coded }, &plain), Finding::Unknown);
    let other = core().validate_in_system(OBSERVATION, &coded, &plain).finding;
    assert_eq!(other, Finding::NotInSystem);
}

#[test]
fn the_text_that_comes_with_a_code_is_compared() {
    let plain = ValidateOptions::default();
    let coded = Coded { system: Some(ACT_CODE), code: "AMB", display: Some("Ambulatory"), ..Coded::default() };
    assert_eq!(in_system(&coded, &plain), Finding::Valid);
    assert_eq!(in_system(&Coded { display: Some(" AMBULATORY "), ..coded }, &plain), Finding::Valid);
    assert_eq!(in_system(&Coded { display: Some("Emergency"), ..coded }, &plain), Finding::WrongDisplay);
    assert_eq!(core().validate_in_system(ACT_CODE, &coded, &plain).display, Some("ambulatory"));
    // The texts of LOINC are not shipped, so a text cannot be wrong.
    let value_set = "http://hl7.org/fhir/ValueSet/example-extensional";
    let cholesterol =
        Coded { system: Some("http://loinc.org"), code: "14647-2", display: Some("x"), ..Coded::default() };
    let core = core();
    assert_eq!(core.contains(value_set, cholesterol.system, cholesterol.code), Contains::Yes);
    assert_eq!(core.validate_in_value_set(value_set, &cholesterol, &plain).finding, Finding::ValidDisplayUnchecked);
}

#[test]
fn abstract_codes_are_refused_only_where_that_is_asked_for() {
    let coded = Coded { system: Some(ACT_CODE), code: "_ActEncounterCode", ..Coded::default() };
    assert_eq!(in_system(&coded, &ValidateOptions::default()), Finding::Valid);
    let strict = ValidateOptions { refuse_abstract: true, ..ValidateOptions::default() };
    assert_eq!(in_system(&coded, &strict), Finding::Abstract);
}

#[test]
fn a_code_of_a_value_set_is_judged_with_its_system() {
    let core = core();
    let plain = ValidateOptions::default();
    let verdict = |system, code| {
        core.validate_in_value_set(ENCOUNTER, &Coded { system: Some(system), code, ..Coded::default() }, &plain)
    };
    assert_eq!(verdict(ACT_CODE, "AMB").finding, Finding::Valid);
    assert_eq!(verdict(ACT_CODE, "ABUSE").finding, Finding::NotInValueSet);
    assert_eq!(verdict(OBSERVATION, "AMB").finding, Finding::NotInValueSet);
    assert!(!core.knows_value_set("http://nowhere/vs") && core.knows_value_set(ENCOUNTER));
    assert!(!core.knows_system("http://nowhere", None) && core.knows_system("http://snomed.info/sct", None));
}

#[test]
fn a_code_is_looked_up_with_everything_that_is_known() {
    let core = core();
    let found = core.lookup(ACT_CODE, None, "AMB").unwrap();
    assert_eq!((found.display(None), found.version()), (Some("ambulatory"), Some("2018-08-12")));
    assert_eq!(found.system_name(), "v3 Code System ActCode");
    assert!(found.definition().is_some_and(|text| text.contains("hospital")));
    assert_eq!(found.parents().collect::<Vec<_>>(), ["_ActEncounterCode"]);
    let group = core.lookup(ACT_CODE, None, "_ActEncounterCode").unwrap();
    assert!(group.is_abstract() && group.children().any(|code| code == "AMB"));
    let property = group.properties().find(|property| property.code == "notSelectable").unwrap();
    assert_eq!((property.element, property.value), ("valueBoolean", "true"));
    let sex = core.lookup("http://terminology.hl7.org/CodeSystem/v2-0001", None, "F").unwrap();
    assert_eq!(sex.display(Some("de")), Some("weiblich"));
    assert_eq!(core.lookup(ACT_CODE, None, "nothing").err(), Some(LookupError::UnknownCode));
    assert_eq!(core.lookup("http://loinc.org", None, "1").err(), Some(LookupError::UnknownSystem));
    assert_eq!(core.lookup("http://snomed.info/sct", None, "1").err(), Some(LookupError::UnknownSystem));
    let example = "http://terminology.hl7.org/CodeSystem/service-type";
    assert_eq!(core.lookup(example, None, "no-such").err(), Some(LookupError::NotInPart));
}

#[test]
fn a_coding_as_the_value_of_a_property_keeps_its_system() {
    let system = r#"{"resourceType":"CodeSystem","url":"http://c","name":"C","content":"complete","concept":[{"code":"a","property":[
        {"code":"has","valueCoding":{"system":"http://d","code":"b","display":"B"}},{"code":"size","valueInteger":3}]}]}"#;
    let with = loaded(&[system]);
    let found = with.lookup("http://c", None, "a").unwrap();
    let properties: Vec<_> = found.properties().map(|p| (p.code, p.element, p.value, p.system, p.display)).collect();
    assert_eq!(properties, [("has", "valueCoding", "b", "http://d", "B"), ("size", "valueInteger", "3", "", "")]);
}

#[test]
fn what_is_loaded_comes_before_what_is_shipped_and_the_newest_first() {
    let of = |version: &str| {
        format!(
            r#"{{"resourceType":"CodeSystem","url":"{ACT_CODE}","version":"{version}","name":"A{version}","content":"complete","concept":[{{"code":"v{version}"}}]}}"#
        )
    };
    let with = loaded(&[&of("9"), &of("10")]);
    assert!(with.lookup(ACT_CODE, None, "v10").is_ok());
    assert!(with.lookup(ACT_CODE, Some("9"), "v9").is_ok());
    assert!(with.lookup(ACT_CODE, Some("2018-08-12"), "AMB").is_ok());
    assert_eq!(with.lookup(ACT_CODE, None, "AMB").err(), Some(LookupError::UnknownCode));
}

#[test]
fn a_resource_that_cannot_be_understood_is_named() {
    let broken = r#"{"resourceType":"CodeSystem","url":"http://c","version":"1","name":"C","content":"all"}"#;
    let package = Package::read_resource(broken.as_bytes().to_vec(), &PackageLimits::default()).unwrap();
    let error = Table::of_package(&package).err().unwrap();
    assert_eq!(error.to_string(), "http://c|1: CodeSystem.content is missing or malformed");
}
