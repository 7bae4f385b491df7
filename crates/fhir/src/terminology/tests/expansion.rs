use super::super::*;
use super::*;

fn codes(terminology: &Terminology, canonical: &str, options: &ExpandOptions<'_>) -> Vec<String> {
    let members = terminology.expand(canonical, options).unwrap().members;
    members.into_iter().map(|member| member.code.to_owned()).collect()
}

#[test]
fn an_expansion_keeps_the_order_of_the_definition() {
    let core = core();
    let all = ExpandOptions::default();
    assert_eq!(codes(&core, GENDER, &all), ["male", "female", "other", "unknown"]);
    let expansion = core.expand(GENDER, &all).unwrap();
    assert_eq!((expansion.total, expansion.version, expansion.status), (4, Some("4.0.1"), "active"));
    assert_eq!(expansion.systems, ["http://hl7.org/fhir/administrative-gender|4.0.1"]);
    assert_eq!(expansion.members.first().unwrap().display, Some("Male"));
}

#[test]
fn a_page_is_a_part_and_says_how_many_there_are() {
    let core = core();
    let page = |offset, count| ExpandOptions { offset, count, ..ExpandOptions::default() };
    assert_eq!(codes(&core, GENDER, &page(1, Some(2))), ["female", "other"]);
    assert_eq!(codes(&core, GENDER, &page(3, None)), ["unknown"]);
    assert!(codes(&core, GENDER, &page(9, None)).is_empty());
    let none = core.expand(GENDER, &page(0, Some(0))).unwrap();
    assert_eq!((none.total, none.members.len()), (4, 0));
}

#[test]
fn a_filter_looks_for_all_its_words_in_code_text_and_designations() {
    let core = core();
    let with = |filter| ExpandOptions { filter: Some(filter), ..ExpandOptions::default() };
    assert_eq!(codes(&core, GENDER, &with("FEM")), ["female"]);
    assert_eq!(codes(&core, GENDER, &with("male")), ["male", "female"]);
    assert!(codes(&core, GENDER, &with("male other")).is_empty());
    let status = "http://terminology.hl7.org/ValueSet/v2-0002";
    assert_eq!(codes(&core, status, &with("verheiratet")), ["A", "M"].map(str::to_owned)[1..].to_vec());
    let found = core.expand(status, &with("verheiratet")).unwrap();
    assert_eq!(found.total, 1);
    let german = ExpandOptions { language: Some("de-AT"), ..with("verheiratet") };
    assert_eq!(core.expand(status, &german).unwrap().members.first().unwrap().display, Some("verheiratet"));
}

#[test]
fn every_member_of_an_expansion_is_a_member_by_the_other_way_too() {
    let core = core();
    let mut needs = String::new();
    for set in Table::core().sets() {
        let canonical = format!("{}|{}", set.url(), set.version().unwrap_or_default());
        let expansion = match core.expand(&canonical, &ExpandOptions::default()) {
            Ok(expansion) => expansion,
            Err(ExpandError::NotLoaded(what)) => {
                needs += &format!("{} needs {what}\n", set.url());
                continue;
            }
            Err(other) => panic!("{canonical}: {other}"),
        };
        assert_eq!(expansion.total, expansion.members.len());
        for member in &expansion.members {
            let found = core.contains(&canonical, Some(member.system), member.code);
            assert_eq!(found, Contains::Yes, "{canonical} {} {}", member.system, member.code);
        }
        assert_ne!(core.contains(&canonical, Some("http://no-such-system"), "no-such-code"), Contains::Yes);
    }
    // The list is part of the documentation: what an operator has to load for them is in it.
    assert_eq!(needs.lines().count(), 100);
    let listed = include_str!("../not-expandable.txt");
    assert!(needs == listed, "the value sets that cannot be expanded are these now:\n{needs}");
}

#[test]
fn what_cannot_be_expanded_names_what_it_needs() {
    let core = core();
    let all = ExpandOptions::default();
    let error = |url: &str| core.expand(url, &all).unwrap_err();
    assert_eq!(error("http://nowhere/vs"), ExpandError::UnknownValueSet);
    assert_eq!(error(&format!("{GENDER}|9")), ExpandError::UnknownValueSet);
    let loinc = ExpandError::NotLoaded("http://loinc.org".to_owned());
    assert_eq!(error("http://hl7.org/fhir/ValueSet/observation-codes"), loinc);
    let example = ExpandError::NotLoaded("http://terminology.hl7.org/CodeSystem/service-type".to_owned());
    assert_eq!(error("http://hl7.org/fhir/ValueSet/service-type"), example);
}

#[test]
fn inactive_codes_are_left_out_when_asked() {
    let core = core();
    let canonical = "http://terminology.hl7.org/ValueSet/v3-ActMood";
    let active = ExpandOptions { active_only: true, ..ExpandOptions::default() };
    let all = core.expand(canonical, &ExpandOptions::default()).unwrap();
    let some = core.expand(canonical, &active).unwrap();
    assert_eq!(all.total - all.members.iter().filter(|member| member.inactive).count(), some.total);
    assert!(some.members.iter().all(|member| !member.inactive));
}

#[test]
fn a_large_expansion_is_given_in_pages_only() {
    let concepts: Vec<String> = (0..10_001).map(|number| format!(r#"{{"code":"c{number}"}}"#)).collect();
    let system = format!(
        r#"{{"resourceType":"CodeSystem","url":"http://big","name":"Big","content":"complete","valueSet":"http://big/vs","concept":[{}]}}"#,
        concepts.join(",")
    );
    let with = loaded(&[&system]);
    assert_eq!(with.expand("http://big/vs", &ExpandOptions::default()).unwrap_err(), ExpandError::TooCostly);
    let page = ExpandOptions { offset: 10_000, count: Some(5), ..ExpandOptions::default() };
    let page = with.expand("http://big/vs", &page).unwrap();
    assert_eq!((page.total, page.members.len()), (10_001, 1));
}
