use proptest::prelude::*;

use super::*;
use crate::definitions::{Element, Primitive, TypeRef, ValueType};
use crate::json::Limits;

fn issues_with(text: &str, opts: &ValidateOptions) -> Vec<Issue> {
    let doc =
        Doc::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"));
    validate(&doc, opts).err().unwrap_or_default()
}

fn issues(text: &str) -> Vec<(&'static str, String)> {
    let all = issues_with(text, &ValidateOptions::default());
    all.into_iter().map(|issue| (issue.code.as_str(), issue.expression)).collect()
}

/// The members stand in an otherwise empty Patient.
fn patient(members: &str) -> Vec<(&'static str, String)> {
    issues(&format!(r#"{{"resourceType":"Patient",{members}}}"#))
}

fn one(code: &'static str, expression: &str) -> Vec<(&'static str, String)> {
    vec![(code, expression.to_owned())]
}

#[test]
fn valid_shapes_are_taken() {
    for members in [
        r#""id":"a-b.C""#,
        r#""active":true,"_active":{"id":"x"}"#,
        r#""birthDate":"1970-02-28","_birthDate":{"extension":[{"url":"http://a","valueDateTime":"1970-02-28T13:28:17-05:00"}]}"#,
        r#""_birthDate":{"extension":[{"url":"http://a","valueCode":"unknown"}]}"#,
        r#""name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"u","valueString":"x"}]}]}]"#,
        r#""name":[{"_given":[{"extension":[{"url":"u","_valueString":{"extension":[{"url":"v","valueCode":"c"}]}}]}]}]"#,
        r#""extension":[{"url":"u","extension":[{"url":"v","valueDecimal":1e400}]}]"#,
        r#""text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}"#,
        r##""contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#"}}],"managingOrganization":{"reference":"#o"}"##,
        r#""managingOrganization":{"reference":"Organization/1/_history/2"}"#,
        r#""managingOrganization":{"reference":"http://a.b/c/Organization/1"}"#,
        r#""managingOrganization":{"reference":"urn:uuid:0f2074a0-4173-1a32-988f-5316d7f1cbbe"}"#,
        r#""managingOrganization":{"reference":"urn:oid:1.2.3"}"#,
        r#""managingOrganization":{"display":"x"}"#,
        r#""\u0069d":"x""#,
    ] {
        assert_eq!(patient(members), [], "{members}");
    }
    assert_eq!(issues(r#"{"resourceType":"Patient"}"#), []);
}

#[test]
fn resource_types_must_be_known_and_the_expected_one() {
    assert_eq!(issues(r#"{"resourceType":"Patients"}"#), one("not-supported", "Resource"));
    assert_eq!(issues(r#"{"resourceType":1}"#), one("not-supported", "Resource"));
    assert_eq!(issues(r#"{"id":"1"}"#), one("structure", "Resource"));
    assert_eq!(issues("[]"), one("structure", "Resource"));
    assert_eq!(issues("null"), one("structure", "Resource"));
    let expected = ValidateOptions { expected: Some(ResourceType::OBSERVATION), ..ValidateOptions::default() };
    let found = issues_with(r#"{"resourceType":"Patient"}"#, &expected);
    assert_eq!((found[0].code, found[0].expression.as_str()), (IssueCode::Structure, "Patient"));
    let bundle = r#"{"resourceType":"Bundle","type":"batch","entry":[{},{"resource":{"resourceType":"X"}}]}"#;
    assert_eq!(issues(bundle)[1], ("not-supported", "Bundle.entry[1].resource".to_owned()));
}

#[test]
fn an_unknown_property_is_refused_by_place_and_never_by_name() {
    let text = r#"{"resourceType":"Patient","contact":[{},{"name":{"SecretName":"SecretValue"}}]}"#;
    let found = issues_with(text, &ValidateOptions::default());
    let unknown = found.iter().find(|issue| issue.message == "unknown property").unwrap();
    assert_eq!(unknown.expression, "Patient.contact[1].name");
    assert_eq!(unknown.offset, text.find("\"SecretName\"").unwrap());
    assert!(!format!("{found:?}").contains("Secret"));
    for members in [r#""value":"x""#, r#""deceased[x]":true"#, r#""_name":[{"id":"x"}]"#, r#""Active":true"#, r#""":1"#]
    {
        assert_eq!(patient(members), one("structure", "Patient"), "{members}");
    }
}

#[test]
fn elements_of_other_versions_and_additions_of_the_package_are_unknown_properties() {
    assert_eq!(patient(r#""meta":{"project":"x"}"#), one("structure", "Patient.meta"));
    assert_eq!(patient(r#""meta":{"compartment":[{"reference":"Patient/x"}]}"#), one("structure", "Patient.meta"));
    for (text, place) in [
        (r#"{"resourceType":"ResearchStudy","status":"active","region":[{"text":"x"}]}"#, "ResearchStudy"),
        (r#"{"resourceType":"Binary","contentType":"text/plain","url":"http://x"}"#, "Binary"),
    ] {
        let found = issues_with(text, &ValidateOptions::default());
        assert!(found.iter().any(|issue| issue.message == "unknown property" && issue.expression == place), "{text}");
    }
    let older = r#"{"resourceType":"EvidenceVariable","status":"active","characteristic":[{"definitionReference":{"reference":"Group/x"},"groupMeasure":"mean"}]}"#;
    assert!(issues_with(older, &ValidateOptions::default()).is_empty());
}

#[test]
fn arrays_and_single_values_are_not_exchanged() {
    assert_eq!(patient(r#""name":{"family":"x"}"#), one("structure", "Patient.name"));
    assert_eq!(patient(r#""active":[true]"#), one("structure", "Patient.active"));
    assert_eq!(patient(r#""maritalStatus":[{"text":"x"}]"#), one("structure", "Patient.maritalStatus"));
    assert_eq!(patient(r#""name":[]"#), one("structure", "Patient.name"));
    assert_eq!(patient(r#""name":[[{"text":"x"}]]"#), one("structure", "Patient.name[0]"));
    assert_eq!(patient(r#""name":["x"]"#), one("structure", "Patient.name[0]"));
    assert_eq!(patient(r#""maritalStatus":"x""#), one("structure", "Patient.maritalStatus"));
}

#[test]
fn empty_and_null_are_no_values() {
    assert_eq!(patient(r#""maritalStatus":{}"#), one("invariant", "Patient.maritalStatus"));
    assert_eq!(patient(r#""maritalStatus":{"id":"x"}"#), one("invariant", "Patient.maritalStatus"));
    assert_eq!(patient(r#""maritalStatus":null"#), one("structure", "Patient.maritalStatus"));
    assert_eq!(patient(r#""name":[null]"#), one("structure", "Patient.name[0]"));
    assert_eq!(patient(r#""birthDate":null"#), one("structure", "Patient.birthDate"));
    assert_eq!(patient(r#""name":[{"given":[null]}]"#), one("structure", "Patient.name[0].given[0]"));
    assert_eq!(patient(r#""name":[{"family":""}]"#), one("value", "Patient.name[0].family"));
}

#[test]
fn siblings_of_primitives_follow_their_values() {
    let given = |members: &str| patient(&format!(r#""name":[{{{members}}}]"#));
    let expression = "Patient.name[0].given";
    assert_eq!(given(r#""given":["A","B"],"_given":[{"id":"x"}]"#), one("structure", expression));
    assert_eq!(given(r#""given":["A"],"_given":{"id":"x"}"#), one("structure", expression));
    assert_eq!(given(r#""given":["A"],"_given":[]"#), one("structure", expression));
    assert_eq!(given(r#""given":["A"],"_given":["x"]"#), one("structure", "Patient.name[0].given[0]"));
    assert_eq!(given(r#""given":[null],"_given":[null]"#), one("structure", "Patient.name[0].given[0]"));
    assert_eq!(given(r#""_given":[null]"#), one("structure", "Patient.name[0].given[0]"));
    assert_eq!(given(r#""_given":[{"id":"x"}]"#), one("invariant", "Patient.name[0].given[0]"));
    assert_eq!(given(r#""given":["A"],"_given":[{"value":"x"}]"#), one("structure", "Patient.name[0].given[0]"));
    assert_eq!(patient(r#""birthDate":"1970","_birthDate":{}"#), one("invariant", "Patient.birthDate"));
    assert_eq!(patient(r#""birthDate":"1970","_birthDate":[{"id":"x"}]"#), one("structure", "Patient.birthDate"));
    assert_eq!(patient(r#""birthDate":"1970","_birthDate":null"#), one("structure", "Patient.birthDate"));
}

#[test]
fn required_elements_are_demanded_each_once() {
    let expected: Vec<_> = ["status", "code"].map(|name| ("required", format!("Observation.{name}"))).into();
    assert_eq!(issues(r#"{"resourceType":"Observation"}"#), expected);
    let masked =
        r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}"#;
    assert_eq!(issues(&format!(r#"{{"resourceType":"Observation","_status":{masked},"code":{{"text":"x"}}}}"#)), []);
    // A choice of several types is one element.
    let request =
        r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"display":"x"}}"#;
    assert_eq!(issues(request), one("required", "MedicationRequest.medication"));
    assert_eq!(patient(r#""link":[{"type":"seealso"}]"#), one("required", "Patient.link[0].other"));
}

#[test]
fn a_choice_has_one_type() {
    assert_eq!(patient(r#""deceasedBoolean":true,"deceasedDateTime":"1970""#), one("structure", "Patient.deceased"));
    let sibling = r#""deceasedBoolean":true,"_deceasedDateTime":{"extension":[{"url":"u","valueCode":"c"}]}"#;
    assert_eq!(patient(sibling), one("structure", "Patient.deceased"));
    assert_eq!(patient(r#""deceasedBoolean":true,"_deceasedBoolean":{"id":"x"}"#), []);
    assert_eq!(patient(r#""deceasedString":"x""#), one("structure", "Patient"));
}

#[test]
fn json_types_and_formats_are_those_of_the_primitive() {
    let accepted: &[(&str, &[&str])] = &[
        ("Boolean", &["true", "false"]),
        ("Integer", &["0", "-1", "2147483647", "-2147483648"]),
        ("UnsignedInt", &["0", "2147483647"]),
        ("PositiveInt", &["1", "2147483647"]),
        ("Decimal", &["0", "-0.0", "1.10", "1e400", "1E-7"]),
        ("Id", &[r#""a""#, r#""A-1.b""#]),
        ("Code", &[r#""a""#, r#""a b""#, r#""é""#]),
        ("Date", &[r#""1970""#, r#""1970-12""#, r#""2000-02-29""#, r#""0001-01-31""#]),
        (
            "DateTime",
            &[
                r#""1970""#,
                r#""1970-01""#,
                r#""1970-01-01""#,
                r#""1970-01-01T23:59:60.123456789+14:00""#,
                r#""1970-01-01T00:00:00Z""#,
            ],
        ),
        ("Instant", &[r#""1970-01-01T00:00:00.0-13:59""#, r#""1970-01-01T00:00:00Z""#]),
        ("Time", &[r#""23:59:59""#, r#""00:00:00.5""#]),
        ("Uri", &[r#""x""#, r#""http://a/b?c#d""#]),
        ("Oid", &[r#""urn:oid:1.2.840.0""#]),
        ("Uuid", &[r#""urn:uuid:0f2074a0-4173-1a32-988f-5316d7f1cbbe""#]),
        ("Base64Binary", &[r#""AAAA""#, r#""AAA=""#, r#""AA==""#, r#""AAAA\nBBB=""#]),
        ("String", &[r#"" ""#, r#""a\tb\r\nc""#, r#""é😀""#]),
        ("Markdown", &[r##""# a\n""##]),
    ];
    let refused: &[(&str, &[&str])] = &[
        ("Boolean", &["\"true\"", "1"]),
        ("Integer", &["\"1\"", "1.0", "1e2", "-0", "2147483648", "-2147483649", "99999999999999999999"]),
        ("UnsignedInt", &["-1", "2147483648"]),
        ("PositiveInt", &["0", "-1"]),
        ("Decimal", &["\"1\"", "true"]),
        ("Id", &[r#""""#, r#""a_b""#, r#""a b""#, "1"]),
        ("Code", &[r#""""#, r#"" a""#, r#""a ""#, r#""a  b""#, "true"]),
        (
            "Date",
            &[
                r#""0000""#,
                r#""70""#,
                r#""1970-13""#,
                r#""1970-1""#,
                r#""1970-02-30""#,
                r#""1900-02-29""#,
                r#""1970-01-01T00:00:00Z""#,
                r#""1970-""#,
                "1970",
            ],
        ),
        (
            "DateTime",
            &[
                r#""1970-01-01T00:00:00""#,
                r#""1970-01-01T00:00Z""#,
                r#""1970-01T00:00:00Z""#,
                r#""1970-01-01T24:00:00Z""#,
                r#""1970-01-01T00:00:00+14:01""#,
                r#""1970-01-01T00:00:00.Z""#,
                r#""1970-01-01 00:00:00Z""#,
                r#""1970-01-01T00:00:00z""#,
            ],
        ),
        ("Instant", &[r#""1970-01-01""#, r#""1970-01-01T00:00:00""#]),
        ("Time", &[r#""24:00:00""#, r#""00:00""#, r#""00:00:00Z""#]),
        ("Uri", &[r#""""#, r#""a b""#, r#""a\n""#]),
        ("Oid", &[r#""1.2.3""#, r#""urn:oid:3.1""#, r#""urn:oid:1.02""#, r#""urn:oid:1""#, r#""urn:oid:1.""#]),
        ("Uuid", &[r#""0f2074a0-4173-1a32-988f-5316d7f1cbbe""#, r#""urn:uuid:0F2074a0-4173-1a32-988f-5316d7f1cbbe""#]),
        ("Base64Binary", &[r#""""#, r#""A""#, r#""AAA""#, r#""A===""#, r#""=AAA""#, r#""AA-_""#]),
        ("String", &[r#""""#, r#""a\u0001b""#, r#""\b""#, "1", "{}"]),
        ("Markdown", &[r#""""#]),
    ];
    let with = |name: &str, value: &str| patient(&format!(r#""extension":[{{"url":"u","value{name}":{value}}}]"#));
    for (name, values) in accepted {
        values.iter().for_each(|value| assert_eq!(with(name, value), [], "{name} {value}"));
    }
    for (name, values) in refused {
        for value in *values {
            let found = with(name, value);
            assert_eq!(found.len(), 1, "{name} {value} {found:?}");
            assert_eq!(found[0].1, "Patient.extension[0].value", "{name} {value}");
        }
    }
    assert_eq!(with("Id", &format!("\"{}\"", "a".repeat(65))).len(), 1);
    assert_eq!(with("String", &format!("\"{}\"", "a".repeat(1 << 20))), []);
    assert_eq!(with("String", &format!("\"{}\"", "a".repeat((1 << 20) + 1))).len(), 1);
    assert_eq!(patient(r#""name":[{"id":"a b","text":"x"}]"#), one("value", "Patient.name[0].id"));
}

#[test]
fn required_codes_are_checked_exactly() {
    assert_eq!(patient(r#""gender":"female""#), []);
    assert_eq!(patient(r#""gender":"Female""#), one("code-invalid", "Patient.gender"));
    assert_eq!(patient(r#""gender":"f\u0065male""#), []);
}

#[test]
fn references_have_a_known_shape_and_an_allowed_target() {
    let reference = |text: &str| patient(&format!(r#""managingOrganization":{{"reference":"{text}"}}"#));
    let place = "Patient.managingOrganization.reference";
    for malformed in [
        "1",
        "Organization",
        "Organization/",
        "Organization/a_b",
        "Organizations/1",
        "/Organization/1",
        "Organization/1/2",
        "Organization/1/_history",
        "Organization/1/_history/",
        "Organization/1/_history/2/3",
        "Organization/1 ",
        "urn:uuid:1",
        "urn:oid:x",
        "http:",
        "Organization?",
        "Unknown?a=b",
        "Organization?identifier=1",
        "://x",
        "#a_b",
    ] {
        assert_eq!(reference(malformed), one("value", place), "{malformed}");
    }
    assert_eq!(reference("Patient/1"), one("structure", place));
    assert_eq!(reference("#o"), one("invariant", place));
    assert_eq!(reference("#"), one("invariant", place));
    let conditional = ValidateOptions { allow_conditional: true, expected: None };
    let text = |r: &str| format!(r#"{{"resourceType":"Patient","managingOrganization":{{"reference":"{r}"}}}}"#);
    assert_eq!(issues_with(&text("Organization?identifier=a|b"), &conditional), []);
    assert_eq!(issues_with(&text("Patient?identifier=a|b"), &conditional)[0].code, IssueCode::Structure);
}

#[test]
fn contained_resources_have_ids_hold_no_others_and_are_found_only_from_inside() {
    let contained = |inner: &str| patient(&format!(r#""contained":[{inner}]"#));
    assert_eq!(contained(r#"{"resourceType":"Organization"}"#), one("required", "Patient.contained[0].id"));
    let nested = r#"{"resourceType":"Organization","id":"o","contained":[{"resourceType":"Organization","id":"p"}]}"#;
    assert_eq!(contained(nested), one("invariant", "Patient.contained[0].contained[0]"));
    assert_eq!(contained(r#"{"resourceType":"X","id":"o"}"#), one("not-supported", "Patient.contained[0]"));
    assert_eq!(contained("1"), one("structure", "Patient.contained[0]"));
    // A bundle's entries do not see each other's contained resources, nor those of the bundle's other entries.
    let entry = |members: &str| format!(r#"{{"resource":{{"resourceType":"Patient",{members}}}}}"#);
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{},{},{}]}}"#,
        entry(r##""contained":[{"resourceType":"Organization","id":"o"}],"managingOrganization":{"reference":"#o"}"##),
        entry(r##""managingOrganization":{"reference":"#o"}"##),
        entry(r##""managingOrganization":{"reference":"#"}"##),
    );
    let place = |index: usize| ("invariant", format!("Bundle.entry[{index}].resource.managingOrganization.reference"));
    assert_eq!(issues(&bundle), [place(1), place(2)]);
}

#[test]
fn extensions_have_a_url_and_either_a_value_or_extensions() {
    let extension = |members: &str| patient(&format!(r#""extension":[{{{members}}}]"#));
    assert_eq!(extension(r#""url":"u""#), one("invariant", "Patient.extension[0]"));
    assert_eq!(extension(r#""valueString":"x""#), one("required", "Patient.extension[0].url"));
    let both = r#""url":"u","valueString":"x","extension":[{"url":"v","valueString":"y"}]"#;
    assert_eq!(extension(both), one("invariant", "Patient.extension[0]"));
    let two = r#""url":"u","valueString":"x","valueCode":"y""#;
    assert_eq!(extension(two), one("structure", "Patient.extension[0].value"));
}

#[test]
fn a_narrative_is_a_div() {
    assert_eq!(patient(r#""text":{"status":"empty","div":"<p/>"}"#), one("value", "Patient.text.div"));
    assert_eq!(patient(r#""text":{"status":"empty"}"#), one("required", "Patient.text.div"));
}

#[test]
fn at_most_fifty_faults_are_listed_and_one_says_that_there_are_more() {
    let names = |count: usize| vec![r#"{"family":1}"#; count].join(",");
    assert_eq!(patient(&format!(r#""name":[{}]"#, names(50))).len(), 50);
    let found = patient(&format!(r#""name":[{}]"#, names(5000)));
    assert_eq!(found.len(), 51);
    assert_eq!(found[50].0, "too-costly");
}

#[test]
fn many_local_references_and_contained_resources_take_no_quadratic_time() {
    let contained: Vec<String> =
        (0..40_000).map(|n| format!(r#"{{"resourceType":"Practitioner","id":"p{n}"}}"#)).collect();
    let references: Vec<String> = (0..40_000).map(|n| format!(r##"{{"reference":"#p{n}"}}"##)).collect();
    let start = std::time::Instant::now();
    let members = format!(r#""contained":[{}],"generalPractitioner":[{}]"#, contained.join(","), references.join(","));
    assert_eq!(patient(&members), []);
    assert!(start.elapsed().as_secs() < 10);
}

/// A valid value of the element, or nothing when its type would lead too deep.
fn sample(element: &Element, depth: usize) -> Option<String> {
    Some(match element.value {
        ValueType::Resource => r#"{"resourceType":"Basic","id":"b","code":{"text":"x"}}"#.to_owned(),
        ValueType::Complex(TypeRef::EXTENSION) => r#"{"url":"u","valueBoolean":true}"#.to_owned(),
        ValueType::Complex(TypeRef::REFERENCE) => r#"{"display":"x"}"#.to_owned(),
        ValueType::Complex(scope) if depth < 8 => sample_object(scope, depth + 1)?,
        ValueType::Complex(_) => return None,
        ValueType::Primitive(primitive) => match (element.codes(), primitive) {
            (Some(codes), _) => format!("{:?}", codes[0]),
            (_, Primitive::Boolean) => "true".to_owned(),
            (_, Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt) => {
                "7".to_owned()
            }
            (_, Primitive::Date | Primitive::DateTime) => r#""1970-01-01""#.to_owned(),
            (_, Primitive::Instant) => r#""1970-01-01T00:00:00Z""#.to_owned(),
            (_, Primitive::Time) => r#""00:00:00""#.to_owned(),
            (_, Primitive::Oid) => r#""urn:oid:1.2""#.to_owned(),
            (_, Primitive::Uuid) => r#""urn:uuid:0f2074a0-4173-1a32-988f-5316d7f1cbbe""#.to_owned(),
            (_, Primitive::Base64Binary) => r#""AAAA""#.to_owned(),
            (_, Primitive::Xhtml) => r#""<div/>""#.to_owned(),
            _ => r#""abcd""#.to_owned(),
        },
    })
}

/// The required elements of a scope and, so that it is not empty, the first one that is no id.
fn sample_object(scope: TypeRef, depth: usize) -> Option<String> {
    let mut members = Vec::new();
    let mut places = std::collections::BTreeSet::new();
    for element in scope.elements() {
        let wanted = element.min > 0
            || (element.key != "id" && element.key != "extension" && element.key != "modifierExtension");
        let enough = element.min == 0 && (depth > 2 && !members.is_empty());
        if !wanted || enough || places.contains(&element.place) {
            continue;
        }
        if let Some(value) = sample(element, depth) {
            places.insert(element.place);
            members.push(if element.array {
                format!("\"{}\":[{value}]", element.key)
            } else {
                format!("\"{}\":{value}", element.key)
            });
        }
    }
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
}

#[test]
fn every_resource_type_with_every_element_filled_is_taken() {
    let mut bytes = 0;
    for rtype in ResourceType::all() {
        let object = sample_object(TypeRef::of_resource(rtype), 0).unwrap();
        let text = format!("{{\"resourceType\":\"{}\",{}", rtype.name(), &object[1..]);
        assert_eq!(issues_with(&text, &ValidateOptions::default()), [], "{rtype} {text}");
        bytes += text.len();
    }
    assert!(bytes > 146 * 200, "{bytes}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn issues_never_repeat_text_of_the_document(key in "secret[a-z]{4}", value in "secret[a-z]{4}", at in 0usize..6) {
        let members = [
            format!(r#""{key}":"{value}""#),
            format!(r#""gender":"{value}""#),
            format!(r#""name":[{{"{key}":{{"{key}":["{value}"]}}}}]"#),
            format!(r#""birthDate":"{value}","_birthDate":{{"{key}":1}}"#),
            format!(r#""generalPractitioner":[{{"reference":"{value}/{key}"}}]"#),
            format!(r#""contained":[{{"resourceType":"{value}"}}]"#),
        ];
        let found = issues_with(&format!(r#"{{"resourceType":"Patient",{}}}"#, members[at]), &ValidateOptions::default());
        prop_assert!(!found.is_empty());
        let shown = format!("{found:?}");
        prop_assert!(!shown.contains("secret"));
    }
}
