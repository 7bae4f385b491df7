mod bounds;
mod places;
mod values;

use super::*;
use crate::json::Limits;
use crate::terminology::{Contains, Subsumption};

/// Knows one value set: `http://v/colours` holds the code `red` of `http://s`.
struct Colours;

impl Membership for Colours {
    fn contains(&self, value_set: &str, system: Option<&str>, code: &str) -> Contains {
        match (value_set, system) {
            ("http://v/colours", None | Some("http://s")) if code == "red" => Contains::Yes,
            ("http://v/colours", _) => Contains::No,
            _ => Contains::Unknown,
        }
    }

    fn subsumes(&self, _system: &str, _a: &str, _b: &str) -> Subsumption {
        Subsumption::Unknown
    }
}

fn doc(text: &str) -> Doc {
    Doc::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A profile `http://p/NAME` of a type; each row is the element's id below the root and what stands beside id and path.
fn definition(name: &str, rtype: &str, more: &str, rows: &[(&str, &str)]) -> Doc {
    let row = |(id, rest): &(&str, &str)| {
        let full = if id.is_empty() { rtype.to_owned() } else { format!("{rtype}.{id}") };
        let path: Vec<&str> = full.split('.').map(|part| part.split(':').next().unwrap_or(part)).collect();
        let counts = if rest.contains("\"min\"") { "" } else { r#""min":0,"max":"*","# };
        let (rest, comma) = if rest.is_empty() { ("", "") } else { (*rest, ",") };
        let counts = counts.trim_end_matches(if rest.is_empty() { "," } else { "" });
        format!(
            r#"{{"id":"{full}","path":"{}"{comma}{}{counts}{rest}}}"#,
            path.join("."),
            if rest.is_empty() { "," } else { "" }
        )
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    doc(&format!(
        r#"{{"resourceType":"StructureDefinition","url":"http://p/{name}","type":"{rtype}","derivation":"constraint"{more},
            "snapshot":{{"element":[{}]}}}}"#,
        rows.join(",")
    ))
}

fn profile(rtype: &str, rows: &[(&str, &str)]) -> Profiles {
    let mut profiles = Profiles::default();
    profiles.add(&definition("it", rtype, "", rows)).unwrap();
    profiles
}

fn run_with(profiles: &Profiles, text: &str, asked: &[&str], limits: ValidationLimits) -> Vec<Issue> {
    let validation = Validation {
        structure: ValidateOptions::default(),
        profiles,
        terminology: &Colours,
        invariants: true,
        claimed: true,
        asked,
        now: aceso_base::Timestamp(0),
        limits,
    };
    let mut issues = validation.run(&doc(text)).issues;
    issues.retain(|issue| !issue.message.starts_with("dom-6") && !issue.message.starts_with("que-0"));
    issues
}

/// Findings against the profile `http://p/it`: severity, place, message.
fn run(profiles: &Profiles, text: &str) -> Vec<String> {
    let issues = run_with(profiles, text, &["http://p/it"], ValidationLimits::default());
    issues.iter().map(|i| format!("{} {}: {}", i.severity.as_str(), i.expression, i.message)).collect()
}

fn patient(members: &str) -> String {
    format!(r#"{{"resourceType":"Patient",{members}}}"#)
}

#[test]
fn cardinalities_of_a_profile_hold_for_elements_and_what_is_inside_them() {
    let profiles = profile(
        "Patient",
        &[("name", r#""min":1,"max":"2""#), ("name.family", r#""min":1,"max":"1""#), ("photo", r#""min":0,"max":"0""#)],
    );
    assert_eq!(run(&profiles, &patient(r#""name":[{"family":"x"}]"#)), [""; 0]);
    assert_eq!(run(&profiles, &patient(r#""active":true"#)), ["error Patient.name: at least 1 needed (http://p/it)"]);
    assert_eq!(
        run(&profiles, &patient(r#""name":[{"family":"x"},{"text":"y"}]"#)),
        ["error Patient.name[1].family: at least 1 needed (http://p/it)"]
    );
    let many = r#""name":[{"family":"x"},{"family":"x"},{"_family":{"extension":[{"url":"u","valueCode":"c"}]}}]"#;
    assert_eq!(run(&profiles, &patient(many))[1], "error Patient.name: at most 2 allowed (http://p/it)");
    assert_eq!(
        run(&profiles, &patient(r#""name":[{"family":"x"}],"photo":[{"title":"t"}]"#)),
        ["error Patient.photo: not allowed (http://p/it)"]
    );
}

#[test]
fn fixed_values_are_equal_and_patterns_are_contained() {
    let profiles = profile(
        "Patient",
        &[
            (
                "maritalStatus",
                r#""min":0,"max":"1","patternCodeableConcept":{"coding":[{"system":"http://s","code":"M"}]}"#,
            ),
            ("gender", r#""min":0,"max":"1","fixedCode":"female""#),
        ],
    );
    let good = r#""gender":"fem\u0061le","maritalStatus":{"coding":[{"code":"x"},{"code":"M","system":"http://s","display":"d"}]}"#;
    assert_eq!(run(&profiles, &patient(good)), [""; 0]);
    let bad = r#""gender":"male","maritalStatus":{"coding":[{"code":"M"},{"system":"http://s"}]}"#;
    assert_eq!(
        run(&profiles, &patient(bad)),
        [
            "error Patient.gender: not the value that the profile fixes (http://p/it)",
            "error Patient.maritalStatus: does not hold what the profile asks for as a pattern (http://p/it)"
        ]
    );
}

#[test]
fn bindings_are_errors_warnings_or_information_by_their_strength() {
    let bound = |strength: &str| {
        let row = format!(r#""min":0,"max":"1","binding":{{"strength":"{strength}","valueSet":"http://v/colours"}}"#);
        profile("Patient", &[("maritalStatus", &row)])
    };
    let status = |inner: &str| patient(&format!(r#""maritalStatus":{{{inner}}}"#));
    let (red, blue) = (
        r#""coding":[{"code":"blue"},{"system":"http://s","code":"red"}]"#,
        r#""coding":[{"system":"http://s","code":"blue"}]"#,
    );
    for (strength, severity) in [("required", "error"), ("extensible", "warning"), ("preferred", "information")] {
        assert_eq!(run(&bound(strength), &status(red)), [""; 0]);
        let message = format!("{severity} Patient.maritalStatus: no code of the {strength} value set http://v/colours");
        assert_eq!(run(&bound(strength), &status(blue)), [message]);
    }
    assert_eq!(
        run(&bound("required"), &status(r#""text":"t""#)),
        ["error Patient.maritalStatus: a code of the required value set http://v/colours is needed"]
    );
    assert_eq!(run(&bound("extensible"), &status(r#""text":"t""#)), [""; 0]);
}

#[test]
fn slices_are_told_apart_by_value_and_counted() {
    let rows = |rules: &str| {
        let slicing = format!(
            r#""min":0,"max":"*","slicing":{{"discriminator":[{{"type":"value","path":"system"}}],"rules":"{rules}","ordered":true}}"#
        );
        let of = |system: &str| format!(r#""min":1,"max":"1","fixedUri":"http://{system}""#);
        profile(
            "Patient",
            &[
                ("identifier", &slicing),
                ("identifier:a", r#""sliceName":"a","min":1,"max":"1""#),
                ("identifier:a.system", &of("a")),
                ("identifier:b", r#""sliceName":"b","min":0,"max":"1""#),
                ("identifier:b.system", &of("b")),
                ("identifier:b.value", r#""min":1,"max":"1""#),
            ],
        )
    };
    let with = |systems: &[&str]| {
        let all: Vec<String> = systems.iter().map(|s| format!(r#"{{"system":"http://{s}","value":"v"}}"#)).collect();
        patient(&format!(r#""identifier":[{}]"#, all.join(",")))
    };
    let slice = "http://p/it";
    assert_eq!(run(&rows("open"), &with(&["a", "c", "b"])), [""; 0]);
    assert_eq!(
        run(&rows("open"), &with(&["c"])),
        [format!("error Patient.identifier: at least 1 needed of the slice a ({slice})")]
    );
    assert_eq!(
        run(&rows("open"), &with(&["a", "a"])),
        [format!("error Patient.identifier: at most 1 allowed of the slice a ({slice})")]
    );
    assert_eq!(
        run(&rows("open"), &with(&["b", "a"])),
        [format!("error Patient.identifier[1]: the slices are not in their order ({slice})")]
    );
    assert_eq!(
        run(&rows("closed"), &with(&["a", "c"])),
        [format!("error Patient.identifier[1]: belongs to no slice, and only slices are allowed ({slice})")]
    );
    assert_eq!(
        run(&rows("openAtEnd"), &with(&["a", "c", "b"])),
        [format!("error Patient.identifier[2]: comes after what belongs to no slice ({slice})")]
    );
    let without = patient(r#""identifier":[{"system":"http://a"},{"system":"http://b"}]"#);
    assert_eq!(
        run(&rows("open"), &without),
        [format!("error Patient.identifier[1].value: at least 1 needed ({slice})")]
    );
}

#[test]
fn slices_are_told_apart_by_existence_type_and_profile() {
    let slicing = |kind: &str, path: &str| {
        format!(
            r#""min":0,"max":"*","slicing":{{"discriminator":[{{"type":"{kind}","path":"{path}"}}],"rules":"open"}}"#
        )
    };
    let profiles = profile(
        "Patient",
        &[
            ("name", &slicing("exists", "period")),
            ("name:past", r#""sliceName":"past","min":0,"max":"1""#),
            ("name:past.period", r#""min":1,"max":"1""#),
            ("name:now", r#""sliceName":"now","min":1,"max":"1""#),
            ("name:now.period", r#""min":0,"max":"0""#),
        ],
    );
    let past = r#"{"text":"x","period":{"start":"1990"}}"#;
    assert_eq!(run(&profiles, &patient(&format!(r#""name":[{past},{{"text":"y"}}]"#))), [""; 0]);
    assert_eq!(
        run(&profiles, &patient(&format!(r#""name":[{past},{past}]"#))),
        [
            "error Patient.name: at most 1 allowed of the slice past (http://p/it)",
            "error Patient.name: at least 1 needed of the slice now (http://p/it)"
        ]
    );
    let profiles = profile(
        "Patient",
        &[
            ("generalPractitioner", &slicing("type", "resolve()")),
            (
                "generalPractitioner:org",
                r#""sliceName":"org","min":1,"max":"1","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Organization"]}]"#,
            ),
        ],
    );
    assert_eq!(run(&profiles, &patient(r#""generalPractitioner":[{"reference":"Organization/1"}]"#)), [""; 0]);
    assert_eq!(run(&profiles, &patient(r#""generalPractitioner":[{"reference":"Practitioner/1"}]"#)).len(), 1);
    let mut profiles = profile(
        "Bundle",
        &[
            ("entry", &slicing("profile", "resource")),
            ("entry:woman", r#""sliceName":"woman","min":1,"max":"1""#),
            ("entry:woman.resource", r#""min":1,"max":"1","type":[{"code":"Patient","profile":["http://p/woman"]}]"#),
        ],
    );
    profiles
        .add(&definition("woman", "Patient", "", &[("gender", r#""min":1,"max":"1","fixedCode":"female""#)]))
        .unwrap();
    let bundle = |gender: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{{"resourceType":"Patient","gender":"{gender}"}}}}]}}"#
        )
    };
    assert_eq!(run(&profiles, &bundle("female")), [""; 0]);
    assert_eq!(
        run(&profiles, &bundle("male")),
        ["error Bundle.entry: at least 1 needed of the slice woman (http://p/it)"]
    );
}

#[test]
fn a_slice_may_be_sliced_again() {
    let slicing =
        |path: &str| format!(r#""slicing":{{"discriminator":[{{"type":"value","path":"{path}"}}],"rules":"open"}}"#);
    let profiles = profile(
        "Patient",
        &[
            ("telecom", &format!(r#""min":0,"max":"*",{}"#, slicing("system"))),
            ("telecom:phone", &format!(r#""sliceName":"phone","min":0,"max":"*",{}"#, slicing("use"))),
            ("telecom:phone.system", r#""min":1,"max":"1","fixedCode":"phone""#),
            ("telecom:phone/home", r#""sliceName":"phone/home","min":1,"max":"1""#),
            ("telecom:phone/home.use", r#""min":1,"max":"1","fixedCode":"home""#),
        ],
    );
    let with = |use_: &str| patient(&format!(r#""telecom":[{{"system":"phone","use":"{use_}","value":"1"}}]"#));
    assert_eq!(run(&profiles, &with("home")), [""; 0]);
    assert_eq!(
        run(&profiles, &with("work")),
        ["error Patient.telecom: at least 1 needed of the slice phone/home (http://p/it)"]
    );
}

#[test]
fn types_profiles_on_types_and_targets_are_narrowed() {
    let profiles = profile(
        "Observation",
        &[
            ("value[x]", r#""min":0,"max":"1","type":[{"code":"Quantity"}]"#),
            ("value[x].unit", r#""min":1,"max":"1""#),
            (
                "subject",
                r#""min":0,"max":"1","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Patient"]}]"#,
            ),
        ],
    );
    let with =
        |rest: &str| format!(r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},{rest}}}"#);
    assert_eq!(
        run(&profiles, &with(r#""valueQuantity":{"value":1,"unit":"u"},"subject":{"reference":"Patient/1"}"#)),
        [""; 0]
    );
    assert_eq!(
        run(&profiles, &with(r#""valueString":"x","subject":{"reference":"Group/1"}"#)),
        [
            "error Observation.subject: the profile http://p/it does not allow references to this resource type",
            "error Observation.value: the profile does not allow this type here (http://p/it)",
        ]
    );
    assert_eq!(
        run(&profiles, &with(r#""valueQuantity":{"value":1}"#)),
        ["error Observation.value.unit: at least 1 needed (http://p/it)"]
    );
    let low = r#""referenceRange":[{"low":{"value":1,"comparator":"<"}}]"#;
    let found = run(&Profiles::default(), &with(low));
    assert!(
        found.iter().any(|text| text.contains("Observation.referenceRange[0].low") && text.contains("SimpleQuantity")),
        "{found:?}"
    );
}

#[test]
fn rules_of_an_element_hold_where_it_refers_to_its_own_contents() {
    let profiles = profile(
        "Questionnaire",
        &[
            ("item", ""),
            ("item.text", r#""min":1,"max":"1""#),
            ("item.item", r##""min":0,"max":"*","contentReference":"#Questionnaire.item""##),
        ],
    );
    let text = r#"{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","text":"t","item":[{"linkId":"2","type":"group","text":"t","item":[{"linkId":"3","type":"display"}]}]}]}"#;
    assert_eq!(
        run(&profiles, text),
        ["error Questionnaire.item[0].item[0].item[0].text: at least 1 needed (http://p/it)"]
    );
}

#[test]
fn extensions_are_held_against_their_definitions() {
    let none = Profiles::default();
    let birth = "http://hl7.org/fhir/StructureDefinition/patient-birthTime";
    let with = |member: &str, url: &str, value: &str| {
        patient(&format!(
            r#""birthDate":"1990","{member}":{}"#,
            if member == "_birthDate" {
                format!(r#"{{"extension":[{{"url":"{url}",{value}}}]}}"#)
            } else {
                format!(r#"[{{"url":"{url}",{value}}}]"#)
            }
        ))
    };
    let found = |text: &str| -> Vec<String> {
        let issues = run_with(&none, text, &[], ValidationLimits::default());
        issues.iter().map(|i| format!("{} {}: {}", i.severity.as_str(), i.expression, i.message)).collect()
    };
    assert_eq!(found(&with("_birthDate", birth, r#""valueDateTime":"1990-01-01T00:00:00Z""#)), [""; 0]);
    assert_eq!(
        found(&with("_birthDate", birth, r#""valueString":"x""#)),
        [format!("error Patient.birthDate.extension[0].value: the profile does not allow this type here ({birth})")]
    );
    assert_eq!(
        found(&with("extension", birth, r#""valueDateTime":"1990""#)),
        [format!("error Patient.extension[0]: the extension {birth} is not defined for this place")]
    );
    assert_eq!(
        found(&with("extension", "http://x/y", r#""valueCode":"c""#)),
        ["information Patient.extension[0]: the extension http://x/y is not known"]
    );
    assert_eq!(
        found(&with("extension", "http://x/y?name=Secret", r#""valueCode":"c""#)),
        ["information Patient.extension[0]: the extension that is used here is not known"]
    );
    assert!(
        found(&with("modifierExtension", "http://x/y", r#""valueCode":"c""#))[0]
            .starts_with("error Patient.modifierExtension[0]")
    );
    let masked = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
    let not_a_modifier =
        "error Patient.modifierExtension[0]: the definition of this extension does not make it a modifier";
    assert_eq!(found(&with("modifierExtension", masked, r#""valueCode":"masked""#))[0], not_a_modifier);
}

#[test]
fn a_profile_that_is_claimed_and_unknown_is_a_warning_that_names_it() {
    let text = patient(r#""meta":{"profile":["http://hl7.org/fhir/StructureDefinition/Patient","http://p/other|2"]}"#);
    let issues = run_with(&Profiles::default(), &text, &[], ValidationLimits::default());
    assert_eq!(issues.len(), 1);
    assert_eq!(
        (issues[0].severity, issues[0].code, issues[0].expression.as_str()),
        (Severity::Warning, IssueCode::NotFound, "Patient.meta.profile[1]")
    );
    assert!(issues[0].message.contains("http://p/other|2"));
    let asked =
        run_with(&Profiles::default(), &patient(r#""active":true"#), &["http://p/none"], ValidationLimits::default());
    assert_eq!((asked.len(), asked[0].severity), (1, Severity::Error));
    let profiles = profile("Observation", &[]);
    assert_eq!(
        run(&profiles, &patient(r#""active":true"#)),
        ["error Patient: the profile http://p/it is for Observation"]
    );
}
