//! Where extensions may stand.

use super::*;

/// Name, contexts (type and expression), more members.
type Given<'t> = (&'t str, &'t [(&'t str, &'t str)], &'t str);

/// Definitions of extensions.
fn extensions(all: &[Given<'_>]) -> Profiles {
    let mut profiles = Profiles::default();
    for (name, contexts, more) in all {
        let contexts: Vec<String> = contexts
            .iter()
            .map(|(kind, expression)| format!(r#"{{"type":"{kind}","expression":"{expression}"}}"#))
            .collect();
        let more = format!(r#","context":[{}]{more}"#, contexts.join(","));
        profiles.add(&definition(name, "Extension", &more, &[])).unwrap();
    }
    profiles
}

fn found(profiles: &Profiles, members: &str) -> Vec<String> {
    let issues = run_with(profiles, &patient(members), &[], ValidationLimits::default());
    issues.iter().map(|i| format!("{} {}: {}", i.severity.as_str(), i.expression, i.message)).collect()
}

const EXTENSION: &str = r#"{"url":"http://p/e","valueCode":"c"}"#;

/// The place of each finding, which are all of one kind.
fn misplaced(profiles: &Profiles, members: &str) -> Vec<String> {
    let message = ": the extension http://p/e is not defined for this place";
    let place = |text: &String| {
        text.strip_prefix("error ").and_then(|text| text.strip_suffix(message)).unwrap_or(text).to_owned()
    };
    found(profiles, members).iter().map(place).collect()
}

#[test]
fn an_extension_of_an_extension_stands_directly_in_that_one() {
    let profiles = extensions(&[
        ("outer", &[("element", "Patient")], ""),
        ("other", &[("element", "Patient")], ""),
        ("e", &[("extension", "http://p/outer")], ""),
    ]);
    let inside = |url: &str, inner: &str| format!(r#""extension":[{{"url":"{url}","extension":[{inner}]}}]"#);
    assert_eq!(misplaced(&profiles, &inside("http://p/outer", EXTENSION)), [""; 0]);
    let place = "Patient.extension[0].extension[0]";
    assert_eq!(misplaced(&profiles, &inside("http://p/other", EXTENSION)), [place]);
    assert_eq!(misplaced(&profiles, &format!(r#""extension":[{EXTENSION}]"#)), ["Patient.extension[0]"]);
    let deeper = format!(r#"{{"url":"part","extension":[{EXTENSION}]}}"#);
    assert_eq!(misplaced(&profiles, &inside("http://p/outer", &deeper)), [format!("{place}.extension[0]")]);
    let on_value = format!(
        r#""extension":[{{"url":"http://p/outer","valueCode":"c","_valueCode":{{"extension":[{EXTENSION}]}}}}]"#
    );
    assert_eq!(misplaced(&profiles, &on_value), ["Patient.extension[0].value.extension[0]"]);
}

#[test]
fn an_expression_selects_the_element_that_an_extension_stands_on() {
    let named = |extension: &str, uses: &str| {
        format!(r#""name":[{{"use":"usual","family":"a"}},{{"use":"{uses}","family":"b","extension":[{extension}]}}]"#)
    };
    let official = extensions(&[("e", &[("fhirpath", "Patient.name.where(use = 'official')")], "")]);
    assert_eq!(misplaced(&official, &named(EXTENSION, "official")), [""; 0]);
    assert_eq!(misplaced(&official, &named(EXTENSION, "old")), ["Patient.name[1].extension[0]"]);
    assert_eq!(misplaced(&official, &format!(r#""extension":[{EXTENSION}]"#)), ["Patient.extension[0]"]);
    let resource = extensions(&[("e", &[("fhirpath", "Patient")], "")]);
    assert_eq!(misplaced(&resource, &format!(r#""extension":[{EXTENSION}]"#)), [""; 0]);
    assert_eq!(misplaced(&resource, &named(EXTENSION, "old")), ["Patient.name[1].extension[0]"]);
}

#[test]
fn an_expression_selects_primitives_with_and_without_a_value() {
    let given = extensions(&[("e", &[("fhirpath", "Patient.name.given")], "")]);
    let with = |values: &str| format!(r#""name":[{{"given":{values},"_given":[null,{{"extension":[{EXTENSION}]}}]}}]"#);
    assert_eq!(misplaced(&given, &with(r#"["a","b"]"#)), [""; 0]);
    assert_eq!(misplaced(&given, &with(r#"["a",null]"#)), [""; 0]);
    let born = extensions(&[("e", &[("fhirpath", "birthDate"), ("fhirpath", "Patient.gender")], "")]);
    assert_eq!(misplaced(&born, &format!(r#""_birthDate":{{"extension":[{EXTENSION}]}}"#)), [""; 0]);
    assert_eq!(misplaced(&born, &format!(r#""gender":"male","_gender":{{"extension":[{EXTENSION}]}}"#)), [""; 0]);
    let family = format!(r#""name":[{{"family":"x","_family":{{"extension":[{EXTENSION}]}}}}]"#);
    assert_eq!(misplaced(&born, &family), ["Patient.name[0].family.extension[0]"]);
}

#[test]
fn a_context_that_cannot_be_evaluated_is_said_to_be_unchecked() {
    for odd in ["name.given.lower(", "%nothing.name", "name.given.single()"] {
        let profiles = extensions(&[("e", &[("fhirpath", odd)], "")]);
        let found = found(&profiles, &format!(r#""name":[{{"given":["a","b"]}}],"extension":[{EXTENSION}]"#));
        assert_eq!(found.len(), 1, "{found:?}");
        let start = "warning Patient.extension[0]: a context of the extension http://p/e was not checked: ";
        assert!(found[0].starts_with(start), "{found:?}");
    }
    let profiles = extensions(&[("e", &[("fhirpath", "%nothing"), ("element", "Patient")], "")]);
    assert_eq!(found(&profiles, &format!(r#""extension":[{EXTENSION}]"#)), [""; 0]);
}

#[test]
fn an_invariant_of_a_context_looks_at_what_holds_the_extension_and_at_the_extension() {
    let rules = r#","contextInvariant":["use = 'official'","%extension.value = 'c'"]"#;
    let profiles = extensions(&[("e", &[("element", "HumanName")], rules)]);
    let with = |uses: &str, code: &str| {
        format!(r#""name":[{{"use":"{uses}","extension":[{{"url":"http://p/e","valueCode":"{code}"}}]}}]"#)
    };
    assert_eq!(found(&profiles, &with("official", "c")), [""; 0]);
    let start = "error Patient.name[0].extension[0]: the extension http://p/e is only for where";
    assert_eq!(found(&profiles, &with("old", "c")), [format!("{start} use = 'official' holds")]);
    assert_eq!(found(&profiles, &with("official", "d")), [format!("{start} %extension.value = 'c' holds")]);
}

#[test]
fn looking_for_what_holds_very_many_extensions_is_charged() {
    let profiles = extensions(&[("e", &[("fhirpath", "Patient.name")], "")]);
    let all = vec![EXTENSION; 5000].join(",");
    let text = patient(&format!(r#""name":[{{"extension":[{all}]}}]"#));
    let issues = run_with(&profiles, &text, &[], ValidationLimits { issues: 1000, steps: 100_000 });
    assert_eq!(issues.iter().map(|issue| issue.code).collect::<Vec<_>>(), [IssueCode::TooCostly]);
}
