//! Invariants, bundles, and what bounds the work.

use super::*;

#[test]
fn contained_resources_are_used_and_have_no_versions() {
    let with = |inner: &str, rest: &str| {
        patient(&format!(r#""contained":[{{"resourceType":"Organization","id":"o","name":"n"{inner}}}],{rest}"#))
    };
    let keys = |text: &str| -> Vec<String> {
        let issues = run_with(&Profiles::default(), text, &[], ValidationLimits::default());
        issues.iter().map(|i| i.message.split(':').next().unwrap().to_owned()).collect()
    };
    let used = r##""managingOrganization":{"reference":"#o"}"##;
    assert_eq!(keys(&with("", used)), [""; 0]);
    assert_eq!(keys(&with("", r#""active":true"#)), ["dom-3"]);
    assert_eq!(keys(&with(r#","meta":{"versionId":"1"}"#, used)), ["dom-4"]);
    assert_eq!(keys(&with(r#","meta":{"security":[{"code":"R"}]}"#, used)), ["dom-5"]);
}

#[test]
fn entries_of_a_bundle_are_what_their_full_urls_say() {
    let bundle = |url: &str, reference: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[
                {{"fullUrl":"{url}","resource":{{"resourceType":"Patient","id":"1","link":[{{"other":{{"reference":"{reference}"}},"type":"seealso"}}]}}}}]}}"#
        )
    };
    let uuid = "urn:uuid:0f2074a0-4173-1a32-988f-5316d7f1cbbe";
    let none = Profiles::default();
    let found = |text: &str| -> Vec<String> {
        let issues = run_with(&none, text, &[], ValidationLimits::default());
        issues.iter().map(|i| format!("{} {}", i.severity.as_str(), i.expression)).collect()
    };
    assert_eq!(found(&bundle(uuid, uuid)), [""; 0]);
    assert_eq!(found(&bundle("http://a/Patient/1", "Patient/1")), [""; 0]);
    assert_eq!(found(&bundle("http://a/Patient/2", "Patient/1")), ["error Bundle.entry[0].fullUrl"]);
    assert_eq!(
        found(&bundle("http://a/Patient/1", uuid)),
        ["warning Bundle.entry[0].resource.link[0].other.reference"]
    );
}

#[test]
fn every_invariant_of_the_definitions_is_fhirpath() {
    for invariant in crate::definitions::Invariant::all() {
        assert!(invariant::compiled(invariant).is_some(), "{}", invariant.key);
    }
    for url in Profiles::of_the_specification() {
        let none = Profiles::default();
        fn check(url: &str, rule: &crate::profiles::Rule) {
            for invariant in &rule.invariants {
                assert!(invariant.expression.compiled().is_some(), "{url}: {}", invariant.key);
            }
            rule.children.iter().chain(rule.slices()).for_each(|rule| check(url, rule));
        }
        check(url, &none.find(url).unwrap().root);
    }
}

#[test]
fn invariants_of_resources_types_elements_and_profiles_are_evaluated() {
    let none = Profiles::default();
    let found = |text: &str| -> Vec<String> {
        let issues = run_with(&none, text, &[], ValidationLimits::default());
        issues
            .iter()
            .map(|i| format!("{} {} {}", i.severity.as_str(), i.expression, i.message.split(':').next().unwrap()))
            .collect()
    };
    let period = r#""name":[{"family":"x","period":{"start":"2020","end":"2019"}}]"#;
    assert_eq!(found(&patient(period)), ["error Patient.name[0].period per-1"]);
    assert_eq!(found(&patient(r#""contact":[{"gender":"male"}]"#)), ["error Patient.contact[0] pat-1"]);
    let organization =
        r#"{"resourceType":"Organization","name":"x","telecom":[{"use":"home","system":"phone","value":"1"}]}"#;
    assert_eq!(found(organization), ["error Organization.telecom[0] org-3"]);
    assert_eq!(found(r#"{"resourceType":"Organization","active":true}"#), ["error Organization org-1"]);
    let bundle = r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Organization","active":true}}]}"#;
    assert_eq!(found(bundle), ["error Bundle bdl-3", "error Bundle.entry[0].resource org-1"]);
    let rule = |expression: &str| {
        let row = format!(
            r#""min":0,"max":"*","constraint":[{{"key":"x-1","severity":"warning","human":"names are short","expression":"{expression}"}}]"#
        );
        profile("Patient", &[("name", &row)])
    };
    let named = patient(r#""name":[{"family":"short"},{"family":"not so short"}]"#);
    assert_eq!(
        run(&rule("family.length() < 8"), &named),
        ["warning Patient.name[1]: x-1: names are short (http://p/it)"]
    );
    for odd in ["family.lengthy()", "%nothing = 1"] {
        let found = run(&rule(odd), &named);
        assert!(
            found.iter().all(|text| text.starts_with("warning Patient.name[") && text.contains("x-1 was not checked")),
            "{found:?}"
        );
        assert!(!found.is_empty());
    }
}

#[test]
fn an_expression_that_takes_too_long_is_stopped_and_charged() {
    let all = "descendants()";
    let expression = format!("{all}.where({all}.where({all}.count() > 0).count() > 0).count() > 0");
    let row = format!(
        r#""min":0,"max":"*","constraint":[{{"key":"x-1","severity":"error","human":"h","expression":"%resource.{expression}"}}]"#
    );
    let profiles = profile("Patient", &[("name", &row)]);
    let names = vec![r#"{"family":"x","given":["a","b","c","d"]}"#; 300].join(",");
    let limits = ValidationLimits { issues: 1000, steps: 5_000_000 };
    let issues = run_with(&profiles, &patient(&format!(r#""name":[{names}]"#)), &["http://p/it"], limits);
    assert_eq!(issues.last().unwrap().code, IssueCode::TooCostly);
    assert!(issues.len() < 300, "{}", issues.len());
}

#[test]
fn findings_and_steps_are_bounded() {
    let profiles = profile("Patient", &[("name", r#""min":0,"max":"*""#), ("name.family", r#""min":1,"max":"1""#)]);
    let names = vec![r#"{"text":"x"}"#; 300].join(",");
    let text = patient(&format!(r#""name":[{names}]"#));
    let issues = run_with(&profiles, &text, &["http://p/it"], ValidationLimits { issues: 20, steps: 1_000_000 });
    assert_eq!((issues.len(), issues.last().unwrap().code), (20, IssueCode::TooCostly));
    let issues = run_with(&profiles, &text, &["http://p/it"], ValidationLimits { issues: 1000, steps: 100 });
    assert_eq!(issues.iter().filter(|issue| issue.code == IssueCode::TooCostly).count(), 1);
    assert_eq!(issues.last().unwrap().severity, Severity::Error);
}

#[test]
fn a_profile_that_leads_to_itself_ends() {
    let mut profiles = Profiles::default();
    let row = r#""min":0,"max":"*","type":[{"code":"Patient","profile":["http://p/it"]}]"#;
    let around = |rows: &[(&str, &str)]| definition("it", "Patient", "", rows);
    profiles.add(&around(&[("contained", row), ("name", r#""min":1,"max":"*""#)])).unwrap();
    let text = patient(
        r##""contained":[{"resourceType":"Patient","id":"a"}],"link":[{"other":{"reference":"#a"},"type":"refer"}]"##,
    );
    assert_eq!(run(&profiles, &text).len(), 2);
}

#[test]
fn a_definition_that_is_not_understood_is_refused_and_remembered() {
    let mut profiles = Profiles::default();
    for (rows, about) in [
        (vec![("nothing", "")], "Patient.nothing"),
        (vec![("name", r#""min":0,"max":"many""#)], "cardinality"),
        (
            vec![(
                "name",
                r#""min":0,"max":"*","slicing":{"discriminator":[{"type":"magic","path":"x"}],"rules":"closed"}"#,
            )],
            "discriminator",
        ),
    ] {
        let problem = profiles.add(&definition("odd", "Patient", "", &rows)).unwrap_err();
        assert!(problem.to_string().contains(about), "{problem}");
    }
    let text = patient(r#""meta":{"profile":["http://p/odd"]}"#);
    let issues = run_with(&profiles, &text, &[], ValidationLimits::default());
    assert!(issues[0].message.contains("cannot be used"), "{issues:?}");
    assert!(
        profiles.add(&doc(r#"{"resourceType":"StructureDefinition","url":"http://p/d","type":"Patient"}"#)).is_err()
    );
}
