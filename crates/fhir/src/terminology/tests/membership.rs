use super::super::*;
use super::*;

#[test]
fn what_fhir_publishes_is_shipped() {
    let core = Table::core();
    assert_eq!(core.source(), "FHIR 4.0.1 build 9346c8cc45");
    assert_eq!((core.systems().count(), core.sets().count()), (1062, 1316));
    let concepts: usize = core.systems().map(refs::SystemRef::len).sum();
    assert_eq!(concepts, 20_728);
}

#[test]
fn every_shipped_code_and_value_set_is_found_by_its_name() {
    for system in Table::core().systems() {
        let found = Table::core().systems_of(system.url()).any(|found| found.version() == system.version());
        assert!(found, "{}", system.url());
        for concept in system.concepts() {
            assert_eq!(
                system.concept(concept.code()).map(|found| found.number),
                Some(concept.number),
                "{}",
                system.url()
            );
        }
    }
    for set in Table::core().sets() {
        assert!(Table::core().sets_of(set.url()).any(|found| found.is(set)), "{}", set.url());
        for clause in set.clauses() {
            assert!(clause.listed().all(|listed| clause.find(listed.code(), false).is_some()), "{}", set.url());
        }
    }
}

#[test]
fn membership_is_yes_or_no_where_everything_is_known() {
    let core = core();
    let system = Some("http://hl7.org/fhir/administrative-gender");
    assert_eq!(core.contains(GENDER, system, "female"), Contains::Yes);
    assert_eq!(core.contains(GENDER, None, "female"), Contains::Yes);
    assert_eq!(core.contains(GENDER, system, "Female"), Contains::No);
    assert_eq!(core.contains(GENDER, None, "f"), Contains::No);
    assert_eq!(core.contains(GENDER, Some("http://other"), "female"), Contains::No);
    assert_eq!(core.contains(&format!("{GENDER}|4.0.1"), None, "male"), Contains::Yes);
}

#[test]
fn filters_and_what_they_take_away_are_followed() {
    let core = core();
    // is-a with the abstract parent taken away.
    assert_eq!(core.contains(ENCOUNTER, Some(ACT_CODE), "AMB"), Contains::Yes);
    assert_eq!(core.contains(ENCOUNTER, Some(ACT_CODE), "PRENC"), Contains::Yes);
    assert_eq!(core.contains(ENCOUNTER, Some(ACT_CODE), "_ActEncounterCode"), Contains::No);
    assert_eq!(core.contains(ENCOUNTER, Some(ACT_CODE), "ABUSE"), Contains::No);
    // is-not-a
    let contact = "http://hl7.org/fhir/ValueSet/patient-contactrelationship";
    assert_eq!(core.contains(contact, None, "C"), Contains::Yes);
    assert_eq!(core.contains(contact, None, "O"), Contains::No);
    // imported value sets
    let kinds = "http://hl7.org/fhir/ValueSet/event-or-request-resource-types";
    assert_eq!(core.contains(kinds, None, "MedicationRequest"), Contains::Yes);
    assert_eq!(core.contains(kinds, None, "Patient"), Contains::No);
}

#[test]
fn what_cannot_be_decided_is_unknown_and_never_no() {
    let core = core();
    assert_eq!(core.contains("http://nowhere/vs", None, "a"), Contains::Unknown);
    assert_eq!(core.contains(&format!("{GENDER}|3.0.0"), None, "male"), Contains::Unknown);
    // All of LOINC; a code of SNOMED CT below another; a part of a code system that is an example.
    let observations = "http://hl7.org/fhir/ValueSet/observation-codes";
    assert_eq!(core.contains(observations, Some("http://loinc.org"), "8310-5"), Contains::Unknown);
    assert_eq!(core.contains(observations, Some("http://snomed.info/sct"), "1"), Contains::No);
    let site = "http://hl7.org/fhir/ValueSet/body-site";
    assert_eq!(core.contains(site, Some("http://snomed.info/sct"), "368209003"), Contains::Unknown);
    let service = "http://hl7.org/fhir/ValueSet/service-type";
    assert_eq!(core.contains(service, None, "1"), Contains::Yes);
    assert_eq!(core.contains(service, None, "no-such-code"), Contains::Unknown);
    // An answer list of LOINC, and a filter by regular expression.
    assert_eq!(core.contains("http://loinc.org/vs/LL379-9|4.0.1", None, "LA1"), Contains::Unknown);
    assert_eq!(core.contains("http://hl7.org/fhir/ValueSet/iso3166-1-N", None, "276"), Contains::Unknown);
}

#[test]
fn codes_that_a_value_set_lists_decide_it_without_their_code_system() {
    let core = core();
    let tobacco = of_us_core();
    let smoking = "http://hl7.org/fhir/us/core/ValueSet/us-core-observation-smoking-status-status";
    assert_eq!(core.contains(smoking, None, "final"), Contains::Unknown);
    assert_eq!(tobacco.contains(smoking, Some("http://hl7.org/fhir/observation-status"), "final"), Contains::Yes);
    assert_eq!(tobacco.contains(smoking, Some("http://hl7.org/fhir/observation-status"), "preliminary"), Contains::No);
    assert_eq!(tobacco.contains(GENDER, None, "male"), Contains::Yes);
}

#[test]
fn a_code_system_that_an_operator_loads_decides_what_was_unknown() {
    let loinc = r#"{"resourceType":"CodeSystem","url":"http://loinc.org","version":"2.78","name":"LOINC","content":"complete",
        "caseSensitive":false,"concept":[{"code":"8310-5","display":"Body temperature"},{"code":"LP1-a"}]}"#;
    let with = loaded(&[loinc]);
    let observations = "http://hl7.org/fhir/ValueSet/observation-codes";
    assert_eq!(with.contains(observations, Some("http://loinc.org"), "8310-5"), Contains::Yes);
    assert_eq!(with.contains(observations, Some("http://loinc.org"), "8310-6"), Contains::No);
    assert_eq!(with.contains(observations, Some("http://loinc.org"), "lp1-A"), Contains::Yes);
    assert_eq!(with.contains("http://loinc.org/vs", None, "8310-5"), Contains::Yes);
    // SNOMED CT is in the shipped table by name only; what is loaded has the codes.
    let snomed = r#"{"resourceType":"CodeSystem","url":"http://snomed.info/sct","name":"SCT","content":"fragment","hierarchyMeaning":"is-a",
        "concept":[{"code":"1","concept":[{"code":"2"}]},{"code":"3","property":[{"code":"parent","valueCode":"2"}]}]}"#;
    let with = loaded(&[snomed]);
    assert_eq!(with.contains("http://snomed.info/sct?fhir_vs=isa/1", None, "3"), Contains::Yes);
    assert_eq!(with.contains("http://snomed.info/sct?fhir_vs=isa/2", None, "1"), Contains::No);
    assert_eq!(with.contains("http://snomed.info/sct?fhir_vs", None, "4"), Contains::Unknown);
    assert_eq!(with.subsumes("http://snomed.info/sct", "1", "3"), Subsumption::Subsumes);
}

#[test]
fn circles_and_floods_of_imports_end_as_unknown() {
    let circle = |own: &str, other: &str| {
        let url = format!("http://x/{own}");
        format!(
            r#"{{"resourceType":"ValueSet","url":"{url}","name":"{own}","compose":{{"include":[
            {{"valueSet":["http://x/{other}"]}},{{"system":"http://s","concept":[{{"code":"{own}"}}]}}]}}}}"#
        )
    };
    let with = loaded(&[&circle("a", "b"), &circle("b", "a")]);
    assert_eq!(with.contains("http://x/a", None, "b"), Contains::Yes);
    assert_eq!(with.contains("http://x/a", None, "c"), Contains::Unknown);
    // Each imports the next one many times: without a bound this takes longer than the universe is old.
    let many: Vec<String> = (0..40)
        .map(|level| {
            let include = format!(r#"{{"valueSet":["http://x/v{}"]}}"#, level + 1);
            let includes = vec![include; 8].join(",");
            format!(r#"{{"resourceType":"ValueSet","url":"http://x/v{level}","name":"v{level}","compose":{{"include":[{includes}]}}}}"#)
        })
        .collect();
    let with = loaded(&many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(with.contains("http://x/v0", None, "c"), Contains::Unknown);
}

#[test]
fn parents_in_a_circle_end() {
    let circle = r#"{"resourceType":"CodeSystem","url":"http://c","name":"C","content":"complete","concept":[
        {"code":"a","property":[{"code":"parent","valueCode":"b"}]},{"code":"b","property":[{"code":"parent","valueCode":"a"}]},{"code":"c"}]}"#;
    let with = loaded(&[circle]);
    assert_eq!(with.subsumes("http://c", "c", "a"), Subsumption::NotSubsumed);
}

#[test]
fn subsumption_follows_every_parent() {
    let core = core();
    assert_eq!(core.subsumes(ACT_CODE, "_ActEncounterCode", "AMB"), Subsumption::Subsumes);
    assert_eq!(core.subsumes(ACT_CODE, "AMB", "_ActEncounterCode"), Subsumption::SubsumedBy);
    assert_eq!(core.subsumes(ACT_CODE, "AMB", "AMB"), Subsumption::Equivalent);
    assert_eq!(core.subsumes(ACT_CODE, "AMB", "EMER"), Subsumption::NotSubsumed);
    assert_eq!(core.subsumes(ACT_CODE, "AMB", "no-such-code"), Subsumption::Unknown);
    // A second parent, named by the property `child`.
    let null = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
    assert_eq!(core.subsumes(null, "NI", "QS"), Subsumption::Subsumes);
    assert_eq!(core.subsumes("http://loinc.org", "a", "b"), Subsumption::Unknown);
}

#[test]
fn the_value_set_of_all_codes_need_not_be_published() {
    let core = core();
    assert_eq!(core.contains("http://hl7.org/fhir/ValueSet/concept-properties", None, "inactive"), Contains::Yes);
    assert_eq!(core.contains("http://hl7.org/fhir/ValueSet/concept-properties", None, "no-such"), Contains::No);
}

#[test]
fn media_types_and_languages_are_judged_by_their_grammar() {
    let core = core();
    let media = "http://hl7.org/fhir/ValueSet/mimetypes";
    for good in ["application/fhir+json", "text/plain; charset=utf-8", "image/svg+xml", "text/cql", "a/b;c=\"d e\""] {
        assert_eq!(core.contains(media, None, good), Contains::Yes, "{good}");
    }
    for bad in ["text", "/plain", "text/", "text/plain;", "text plain/x", "image/*", "text/plain; charset"] {
        assert_eq!(core.contains(media, None, bad), Contains::No, "{bad}");
    }
    let language = "http://hl7.org/fhir/ValueSet/all-languages";
    for good in ["en", "de-CH", "EN-us", "zu"] {
        assert_eq!(core.contains(language, None, good), Contains::Yes, "{good}");
    }
    for bad in ["", "e", "en-", "-en", "en_US", "english language", "abcdefghi", "12"] {
        assert_eq!(core.contains(language, None, bad), Contains::No, "{bad}");
    }
    for unsure in ["zz", "sr-Latn", "en-ZZ", "tlh", "x-private"] {
        assert_eq!(core.contains(language, None, unsure), Contains::Unknown, "{unsure}");
    }
}

#[test]
fn units_are_judged_by_their_grammar_and_every_unit_that_fhir_lists_is_one() {
    let core = core();
    let units = "http://unitsofmeasure.org";
    let listed = Table::core().sets().flat_map(refs::SetRef::clauses).filter(|clause| clause.system() == Some(units));
    let listed: Vec<&str> = listed.flat_map(refs::ClauseRef::listed).map(refs::ListedRef::code).collect();
    assert!(listed.len() > 1300);
    for code in listed {
        let expected = if code.contains(' ') { Contains::Unknown } else { Contains::Yes };
        assert_eq!(core.in_system(units, None, code), expected, "{code}");
    }
    for good in ["mm[Hg]", "10*3/uL", "{score}", "kg/m2", "%", "1"] {
        assert_eq!(core.contains("http://unitsofmeasure.org/vs", None, good), Contains::Yes, "{good}");
    }
    for bad in ["", "mmhg", "kilos", "kg/", "Kg"] {
        assert_eq!(core.contains("http://unitsofmeasure.org/vs", None, bad), Contains::No, "{bad:?}");
    }
    for unsure in ["m.".repeat(200), "{a b}".to_owned()] {
        assert_eq!(core.contains("http://unitsofmeasure.org/vs", None, &unsure), Contains::Unknown);
    }
}
