//! Smallest and largest values.

use super::*;

/// 2026-09-21T14:13:20Z.
const NOW: aceso_base::Timestamp = aceso_base::Timestamp(1_790_000_000_000);

/// What is found at the element of an observation or patient when its row says this.
fn found(rtype: &str, element: &str, bounds: &str, members: &str) -> Vec<String> {
    let profiles = profile(rtype, &[(element, &format!(r#""min":0,"max":"*",{bounds}"#))]);
    let required = if rtype == "Observation" { r#""status":"final","code":{"text":"x"},"# } else { "" };
    let text = format!(r#"{{"resourceType":"{rtype}",{required}{members}}}"#);
    let validation = Validation {
        structure: ValidateOptions::default(),
        profiles: &profiles,
        terminology: &Colours,
        invariants: false,
        claimed: false,
        asked: &["http://p/it"],
        now: NOW,
        limits: ValidationLimits::default(),
    };
    let issues = validation.run(&doc(&text)).issues;
    issues.iter().map(|issue| format!("{} {}", issue.severity.as_str(), issue.message)).collect()
}

const SMALLER: &str = "error smaller than the profile allows (http://p/it)";
const LARGER: &str = "error larger than the profile allows (http://p/it)";

fn is_unchecked(found: &[String]) -> bool {
    found.len() == 1 && found[0].starts_with("information not checked: whether it is")
}

#[test]
fn numbers_and_times_are_held_against_both_bounds_which_are_allowed_themselves() {
    let integer = |value: &str| {
        let bounds = r#""type":[{"code":"integer"}],"minValueInteger":1,"maxValueInteger":5"#;
        found("Observation", "value[x]", bounds, &format!(r#""valueInteger":{value}"#))
    };
    assert_eq!([integer("1"), integer("5")], [[""; 0]; 2]);
    assert_eq!([integer("0"), integer("6")], [[SMALLER], [LARGER]]);
    let latitude = |value: &str| {
        let bounds = r#""minValueDecimal":-90.0,"maxValueDecimal":90"#;
        found("Location", "position.latitude", bounds, &format!(r#""position":{{"longitude":0,"latitude":{value}}}"#))
    };
    assert_eq!([latitude("90.000"), latitude("-9e1")], [[""; 0]; 2]);
    assert_eq!([latitude("90.0000000001"), latitude("-91")], [[LARGER], [SMALLER]]);
    let time = |value: &str| {
        let bounds = r#""type":[{"code":"time"}],"minValueTime":"08:00:00","maxValueTime":"18:00:00""#;
        found("Observation", "value[x]", bounds, &format!(r#""valueTime":"{value}""#))
    };
    assert_eq!(time("18:00:00.000"), [""; 0]);
    assert_eq!([time("07:59:59.9"), time("18:00:01")], [[SMALLER], [LARGER]]);
}

#[test]
fn dates_are_compared_as_far_as_they_are_known() {
    let born = |value: &str| {
        let bounds = r#""minValueDate":"1900-01-01","maxValueDate":"2000-06-15""#;
        found("Patient", "birthDate", bounds, &format!(r#""birthDate":"{value}""#))
    };
    assert_eq!([born("1900-01-01"), born("2000-06-15"), born("1950"), born("2000-05")], [[""; 0]; 4].map(Vec::from));
    assert_eq!([born("1899"), born("1899-12-31")], [[SMALLER]; 2]);
    assert_eq!([born("2001"), born("2000-06-16")], [[LARGER]; 2]);
    assert!([born("2000"), born("2000-06"), born("1900")].iter().all(|found| is_unchecked(found)));
    let issued = |value: &str| {
        let bounds = r#""minValueInstant":"2020-01-01T00:00:00+01:00""#;
        found("Observation", "issued", bounds, &format!(r#""issued":"{value}""#))
    };
    assert_eq!(issued("2019-12-31T23:00:00Z"), [""; 0]);
    assert_eq!(issued("2019-12-31T22:59:59Z"), [SMALLER]);
}

#[test]
fn a_quantity_on_a_date_is_a_distance_from_now() {
    let of =
        |unit: &str, value: u32| format!(r#"{{"value":{value},"system":"http://unitsofmeasure.org","code":"{unit}"}}"#);
    let born = |value: &str| {
        let bounds = format!(r#""minValueQuantity":{},"maxValueQuantity":{}"#, of("a", 120), of("d", 0));
        found("Patient", "birthDate", &bounds, &format!(r#""birthDate":"{value}""#))
    };
    assert_eq!([born("1906-09-21"), born("2026-09-21"), born("1950")], [[""; 0]; 3].map(Vec::from));
    assert_eq!([born("1906-09-19"), born("2026-09-23")], [[SMALLER], [LARGER]]);
    // East of UTC it is tomorrow already; and of a year it is not known whether it is over.
    assert!([born("2026-09-22"), born("2026"), born("1906")].iter().all(|found| is_unchecked(found)));
    let issued = |value: &str| {
        let bounds = format!(r#""minValueQuantity":{},"maxValueQuantity":{}"#, of("mo", 1), of("h", 2));
        found("Observation", "issued", &bounds, &format!(r#""issued":"{value}""#))
    };
    assert_eq!([issued("2026-08-21T14:13:20Z"), issued("2026-09-21T18:13:20+02:00")], [[""; 0]; 2].map(Vec::from));
    assert_eq!([issued("2026-08-21T14:13:19Z"), issued("2026-09-21T16:13:21Z")], [[SMALLER], [LARGER]]);
}

#[test]
fn quantities_are_compared_in_ucum_and_not_across_what_has_no_common_unit() {
    let weight = |value: &str| {
        let bounds = r#""type":[{"code":"Quantity"}],"minValueQuantity":{"value":0.5,"system":"http://unitsofmeasure.org","code":"kg"}"#;
        found("Observation", "value[x]", bounds, &format!(r#""valueQuantity":{{{value}}}"#))
    };
    let ucum = r#""system":"http://unitsofmeasure.org","code""#;
    assert_eq!(weight(&format!(r#""value":500,{ucum}:"g""#)), [""; 0]);
    assert_eq!(weight(&format!(r#""value":499.9,{ucum}:"g""#)), [SMALLER]);
    for odd in
        [&format!(r#""value":1,{ucum}:"cm""#), r#""value":1"#, &format!(r#""value":1,"comparator":"<",{ucum}:"kg""#)]
    {
        assert!(is_unchecked(&weight(odd)), "{odd}");
    }
}

#[test]
fn a_bound_that_nothing_of_the_element_can_be_held_against_is_refused() {
    let mut profiles = Profiles::default();
    for (element, bound) in [
        ("gender", r#""minValueInteger":1"#),
        ("birthDate", r#""minValueInteger":1"#),
        ("birthDate", r#""maxValueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"kg"}"#),
        ("birthDate", r#""maxValueDate":"soon""#),
        ("birthDate", r#""maxValueString":"2020""#),
    ] {
        let row = format!(r#""min":0,"max":"1",{bound}"#);
        let problem = profiles.add(&definition("odd", "Patient", "", &[(element, &row)])).unwrap_err();
        assert!(problem.to_string().contains("smallest or largest"), "{problem}");
    }
}

#[test]
fn a_profile_of_a_data_type_may_fix_and_bind_the_whole_value() {
    let row = r#""min":0,"max":"*","type":[{"code":"CodeableConcept","profile":["http://p/whole"]}]"#;
    let with = |whole: &str| {
        let mut profiles = profile("Patient", &[("maritalStatus", row)]);
        profiles.add(&definition("whole", "CodeableConcept", "", &[("", whole)])).map(|()| profiles)
    };
    let status = |inner: &str| patient(&format!(r#""maritalStatus":{{{inner}}}"#));
    let pattern = with(r#""patternCodeableConcept":{"text":"x"}"#).unwrap();
    assert_eq!(run(&pattern, &status(r#""text":"x","id":"1""#)), [""; 0]);
    let message = "error Patient.maritalStatus: does not hold what the profile asks for as a pattern (http://p/whole)";
    assert_eq!(run(&pattern, &status(r#""text":"y""#)), [message]);
    let bound = with(r#""binding":{"strength":"required","valueSet":"http://v/colours"}"#).unwrap();
    assert_eq!(run(&bound, &status(r#""coding":[{"system":"http://s","code":"red"}]"#)), [""; 0]);
    assert_eq!(run(&bound, &status(r#""coding":[{"system":"http://s","code":"blue"}]"#)).len(), 1);
    assert!(with(r#""maxLength":5"#).is_err_and(|problem| problem.to_string().contains("of the whole")));
}
