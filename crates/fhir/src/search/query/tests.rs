use super::*;

fn parse(rtype: &str, pairs: &[(&str, &str)]) -> Result<Query, QueryError> {
    let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Query::parse(ResourceType::parse(rtype).unwrap(), &pairs)
}

fn problem(rtype: &str, name: &str, value: &str) -> (ParamPlace, QueryProblem) {
    let error = parse(rtype, &[(name, value)]).unwrap_err();
    assert!(!error.to_string().contains("SECRET"), "{error}");
    (error.parameter, error.problem)
}

#[test]
fn what_is_not_understood_is_refused_with_a_name_of_ours_or_a_position() {
    use ParamPlace::{At, Named};
    use QueryProblem as P;
    let cases = [
        ("Patient", "SECRET", "x", (At(1), P::Unknown)),
        ("Patient", "SECRET.name", "x", (At(1), P::Chain)),
        ("Patient", "name", "", (Named("name"), P::Empty)),
        ("Patient", "name", "a,,b", (Named("name"), P::Empty)),
        ("Patient", "name:SECRET", "a", (Named("name"), P::UnknownModifier)),
        ("Patient", "name:not", "a", (Named("name"), P::ModifierNotSupported("not"))),
        ("Patient", "gender:in", "a", (Named("gender"), P::ModifierNotSupported("in"))),
        ("Patient", "gender:not-in", "a", (Named("gender"), P::ModifierNotSupported("not-in"))),
        ("Patient", "gender:below", "a", (Named("gender"), P::ModifierNotSupported("below"))),
        ("Patient", "gender:of-type", "a|b|c", (Named("gender"), P::ModifierNotSupported("of-type"))),
        ("Patient", "gender", "a|b|c", (Named("gender"), P::Parts)),
        ("Patient", "gender", "|", (Named("gender"), P::Empty)),
        ("Patient", "birthdate", "SECRET", (Named("birthdate"), P::NotDate)),
        ("Patient", "birthdate", "xx2020", (Named("birthdate"), P::NotDate)),
        ("Patient", "birthdate:missing", "SECRET", (Named("birthdate"), P::NotBoolean)),
        ("Patient", "name", r"a\b", (Named("name"), P::Escape)),
        ("Patient", "_text", "a", (Named("_text"), P::NotServed(crate::search::Refusal::FullText))),
        ("Patient", "_filter", "a", (Named("_filter"), P::NotSupported)),
        ("Patient", "_has:Observation:patient:code", "a", (Named("_has"), P::ReverseChain)),
        ("Patient", "_count", "-1", (Named("_count"), P::NotCount)),
        ("Patient", "_count", "+1", (Named("_count"), P::NotCount)),
        ("Patient", "_format", "ttl", (Named("_format"), P::NotAllowed)),
        ("Patient", "_sort", "SECRET", (Named("_sort"), P::NotAllowed)),
        ("Patient", "_elements", "SECRET", (Named("_elements"), P::NotAllowed)),
        ("Patient", "_include", "Observation:patient", (Named("_include"), P::NotAllowed)),
        ("Patient", "_include:SECRET", "Patient:link", (Named("_include"), P::UnknownModifier)),
        ("Location", "near", "1|2", (Named("near"), P::NotServed(crate::search::Refusal::Geography))),
        ("Observation", "subject.name", "a", (Named("subject"), P::Chain)),
        ("Observation", "subject:Patient.name", "a", (Named("subject"), P::Chain)),
        ("Observation", "subject:Encounter", "a", (Named("subject"), P::WrongTarget)),
        ("Observation", "subject:Group", "Patient/1", (Named("subject"), P::WrongTarget)),
        ("Observation", "subject", "Encounter/1", (Named("subject"), P::WrongTarget)),
        ("Observation", "subject", "a/b c", (Named("subject"), P::NotReference)),
        ("Observation", "value-quantity", "5|mg", (Named("value-quantity"), P::Parts)),
        ("Observation", "value-quantity", "SECRET", (Named("value-quantity"), P::NotNumber)),
        ("Observation", "code-value-quantity", "a", (Named("code-value-quantity"), P::Parts)),
        (
            "Observation",
            "code-value-quantity:exact",
            "a$1",
            (Named("code-value-quantity"), P::ModifierNotSupported("exact")),
        ),
    ];
    for (rtype, name, value, want) in cases {
        assert_eq!(problem(rtype, name, value), want, "{rtype}?{name}={value}");
    }
}

#[test]
fn repetition_is_and_and_comma_is_or() {
    let query = parse("Patient", &[("name", r"a\,b,c"), ("name", "d"), ("gender:not", "male,female")]).unwrap();
    let counts: Vec<_> = query.filters.iter().map(|f| (f.param.code, f.modifier, f.alternatives.len())).collect();
    assert_eq!(counts, [("name", Modifier::None, 2), ("name", Modifier::None, 1), ("gender", Modifier::Not, 2)]);
}

#[test]
fn controls_are_read_apart_from_filters() {
    let query = parse(
        "Observation",
        &[
            ("_count", "10"),
            ("_sort", "-date,code"),
            ("_include", "Observation:subject:Patient"),
            ("_revinclude", "Provenance:target"),
            ("_elements", "code,value"),
            ("_summary", "false"),
            ("_total", "accurate"),
            ("_cursor", "abc"),
            ("_format", "application/fhir+json"),
            ("_pretty", "true"),
        ],
    )
    .unwrap();
    let controls = &query.controls;
    assert!(query.filters.is_empty());
    assert_eq!(controls.count, Some(10));
    assert_eq!(controls.sort.iter().map(|(p, d)| (p.code, *d)).collect::<Vec<_>>(), [("date", true), ("code", false)]);
    assert_eq!(controls.include[0].target.map(ResourceType::name), Some("Patient"));
    assert_eq!(controls.revinclude[0].source.name(), "Provenance");
    assert_eq!(controls.elements, ["code", "value"]);
    assert_eq!((controls.summary, controls.total), (Some(Summary::False), Some(Total::Accurate)));
    assert_eq!((controls.cursor.as_deref(), controls.pretty), (Some("abc"), true));
    assert_eq!(parse("Patient", &[("_count", "1"), ("_count", "2")]).unwrap_err().problem, QueryProblem::Repeated);
}
