//! FHIRPath Patch and XML Patch on resources, beyond the official cases.

use super::tests::doc;
use super::*;

fn parameters(operations: &[&[&str]]) -> String {
    let operation = |parts: &&[&str]| {
        let parts: Vec<String> = parts
            .iter()
            .map(|part| {
                let (name, value) = part.split_once(' ').unwrap();
                format!(r#"{{"name":"{name}",{value}}}"#)
            })
            .collect();
        format!(r#"{{"name":"operation","part":[{}]}}"#, parts.join(","))
    };
    format!(
        r#"{{"resourceType":"Parameters","parameter":[{}]}}"#,
        operations.iter().map(operation).collect::<Vec<_>>().join(",")
    )
}

fn patched(target: &str, operations: &[&[&str]]) -> Result<String, PatchError> {
    let patch = doc(parameters(operations).as_bytes());
    let text = FhirPathPatch::read(&patch, &PatchLimits::default())?.apply(&doc(target.as_bytes()))?;
    Ok(String::from_utf8(text).unwrap())
}

const ADD: &str = r#"type "valueCode":"add""#;
const INSERT: &str = r#"type "valueCode":"insert""#;
const DELETE: &str = r#"type "valueCode":"delete""#;
const REPLACE: &str = r#"type "valueCode":"replace""#;
const MOVE: &str = r#"type "valueCode":"move""#;

fn path(text: &str) -> String {
    format!(r#"path "valueString":"{text}""#)
}

#[test]
fn a_choice_takes_the_type_of_the_value_that_comes() {
    let target = r#"{"resourceType":"Observation","status":"final","valueQuantity":{"value":1.10}}"#;
    let value = path("Observation.value");
    let root = path("Observation");
    assert_eq!(
        patched(target, &[&[REPLACE, &value, r#"value "valueString":"high""#]]).unwrap(),
        r#"{"resourceType":"Observation","status":"final","valueString":"high"}"#
    );
    assert_eq!(
        patched(target, &[&[REPLACE, &value, r#"value "valueQuantity":{"value":2.50}"#]]).unwrap(),
        r#"{"resourceType":"Observation","status":"final","valueQuantity":{"value":2.50}}"#
    );
    let name = r#"name "valueString":"value""#;
    let again = patched(target, &[&[ADD, &root, name, r#"value "valueString":"high""#]]).unwrap_err();
    assert_eq!((again.problem, &*again.place), (PatchProblem::AlreadyThere, "Observation.value[x]"));
    let none = patched(target, &[&[REPLACE, &value, r#"value "valueMoney":{"value":1}"#]]).unwrap_err();
    assert_eq!(none.problem, PatchProblem::WrongType);
}

#[test]
fn what_stands_beside_a_primitive_comes_goes_and_moves_with_it() {
    let target = r#"{"resourceType":"Patient","name":[{"given":["A","B",null],"_given":[null,{"id":"b"},{"extension":[{"url":"u","valueString":"c"}]}]}],"birthDate":"1970","_birthDate":{"id":"d"}}"#;
    let given = path("Patient.name[0].given");
    let moved =
        patched(target, &[&[MOVE, &given, r#"source "valueInteger":1"#, r#"destination "valueInteger":0"#]]).unwrap();
    assert!(moved.contains(r#""given":["B","A",null],"_given":[{"id":"b"},null,{"ext"#), "{moved}");
    let inserted =
        patched(target, &[&[INSERT, &given, r#"index "valueInteger":3"#, r#"value "_valueString":{"id":"x"}"#]])
            .unwrap();
    assert!(
        inserted.contains(r#""given":["A","B",null,null]"#) && inserted.contains(r#"}]},{"id":"x"}]"#),
        "{inserted}"
    );
    let deleted =
        patched(target, &[&[DELETE, &path("Patient.birthDate")], &[DELETE, &path("Patient.name[0].given[2]")]])
            .unwrap();
    assert_eq!(deleted, r#"{"resourceType":"Patient","name":[{"given":["A","B"],"_given":[null,{"id":"b"}]}]}"#);
    let replaced = patched(target, &[&[REPLACE, &path("Patient.birthDate"), r#"value "valueDate":"1980""#]]).unwrap();
    assert!(replaced.contains(r#""birthDate":"1980""#) && !replaced.contains("_birthDate"), "{replaced}");
    let extension = [
        ADD,
        &path("Patient.name[0].given[0]"),
        r#"name "valueString":"extension""#,
        r#"value "valueExtension":{"url":"n","valueCode":"m"}"#,
    ];
    let extended = patched(target, &[&extension]).unwrap();
    assert!(extended.contains(r#""_given":[{"extension":[{"url":"n","valueCode":"m"}]},{"id":"b"}"#), "{extended}");
    let first = r#"{"resourceType":"Patient","birthDate":"1970"}"#;
    let extension = [
        ADD,
        &path("Patient.birthDate"),
        r#"name "valueString":"extension""#,
        r#"value "valueExtension":{"url":"n","valueCode":"m"}"#,
    ];
    assert_eq!(
        patched(first, &[&extension]).unwrap(),
        r#"{"resourceType":"Patient","birthDate":"1970","_birthDate":{"extension":[{"url":"n","valueCode":"m"}]}}"#
    );
}

#[test]
fn objects_are_made_of_parts_and_empty_ones_go() {
    let target = r#"{"resourceType":"Patient","contact":[{"name":{"text":"x"}}],"active":true}"#;
    let parts = r#"value "part":[{"name":"relationship","valueCodeableConcept":{"text":"r"}},{"name":"relationship","valueCodeableConcept":{"text":"s"}},{"name":"name","valueHumanName":{"given":["G"]}}]"#;
    let added = patched(target, &[&[ADD, &path("Patient"), r#"name "valueString":"contact""#, parts]]).unwrap();
    assert!(
        added.contains(r#",{"relationship":[{"text":"r"},{"text":"s"}],"name":{"given":["G"]}}],"active""#),
        "{added}"
    );
    let gone = patched(target, &[&[DELETE, &path("Patient.contact.name.text")]]).unwrap();
    assert_eq!(gone, r#"{"resourceType":"Patient","active":true}"#);
}

#[test]
fn operations_that_do_not_fit_are_refused_by_name_and_never_with_a_value() {
    use PatchProblem as P;
    let target = r#"{"resourceType":"Patient","name":[{"family":"Secret"},{"family":"Other"}],"active":true}"#;
    let value = r#"value "valueString":"Secret""#;
    let name = r#"name "valueString":"Secret""#;
    let active = r#"name "valueString":"active""#;
    let cases: &[(&[&str], P, &str)] = &[
        (&[REPLACE, &path("Patient.birthDate"), value], P::NothingThere, ""),
        (&[REPLACE, &path("Patient.name.family"), value], P::NotOne, ""),
        (&[REPLACE, &path("Patient.name.count()"), value], P::NoElement, ""),
        (&[REPLACE, &path("'Secret'"), value], P::NoElement, ""),
        (&[DELETE, &path("Patient")], P::NoDocument, ""),
        (&[ADD, &path("Patient"), name, value], P::UnknownElement, "Patient"),
        (&[ADD, &path("Patient"), active, r#"value "valueBoolean":true"#], P::AlreadyThere, "Patient.active"),
        (&[ADD, &path("Patient.active"), name, value], P::UnknownElement, "Extension"),
        (
            &[REPLACE, &path("Patient.active"), r#"value "valueHumanName":{"text":"Secret"}"#],
            P::WrongType,
            "Patient.active",
        ),
        (
            &[INSERT, &path("Patient.name"), r#"index "valueInteger":3"#, r#"value "valueHumanName":{"text":"x"}"#],
            P::NothingThere,
            "Patient.name",
        ),
        (
            &[INSERT, &path("Patient.name[1]"), r#"index "valueInteger":0"#, r#"value "valueHumanName":{"text":"x"}"#],
            P::NotAList,
            "Patient.name",
        ),
        (
            &[MOVE, &path("Patient.name"), r#"source "valueInteger":0"#, r#"destination "valueInteger":2"#],
            P::NothingThere,
            "Patient.name",
        ),
        (
            &[MOVE, &path("Patient.active"), r#"source "valueInteger":0"#, r#"destination "valueInteger":0"#],
            P::NotAList,
            "Patient.active",
        ),
    ];
    for (operation, problem, place) in cases {
        let error = patched(target, &[&[DELETE, &path("Patient.photo")], operation]).unwrap_err();
        assert_eq!((error.problem, error.operation, &*error.place), (*problem, Some(1), *place), "{operation:?}");
        assert!(!format!("{error} {error:?}").contains("Secret"), "{error:?}");
    }
}

#[test]
fn parameters_that_are_no_patch_are_refused_before_anything_is_looked_at() {
    use PatchProblem as P;
    let cases: &[(&[&str], P)] = &[
        (&[DELETE], P::BadOperation),
        (&[&path("Patient")], P::BadOperation),
        (&[DELETE, DELETE, &path("Patient.name")], P::BadOperation),
        (&[r#"type "valueCode":"destroy""#, &path("Patient.name")], P::UnknownOperation),
        (&[DELETE, &path("Patient.name[")], P::BadPath),
        (&[REPLACE, &path("Patient.name")], P::BadOperation),
        (&[REPLACE, &path("Patient.name"), r#"value "id":"x""#], P::BadOperation),
        (&[REPLACE, &path("Patient.name"), r#"value "valueString":"x","valueCode":"y""#], P::BadOperation),
        (&[INSERT, &path("Patient.name"), r#"index "valueInteger":-1"#, r#"value "valueString":"x""#], P::BadOperation),
        (&[MOVE, &path("Patient.name"), r#"source "valueInteger":1"#], P::BadOperation),
        (&[DELETE, &path("Patient.name"), r#"other "valueString":"x""#], P::BadOperation),
    ];
    for (operation, problem) in cases {
        let error = patched("{}", &[operation]).unwrap_err();
        assert_eq!((error.problem, error.operation), (*problem, Some(0)), "{operation:?}");
        assert!(error.problem.is_malformed());
    }
    for no_patch in ["[]", r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Parameters","parameter":{}}"#] {
        let error = FhirPathPatch::read(&doc(no_patch.as_bytes()), &PatchLimits::default()).err().unwrap();
        assert_eq!(error.problem, P::NotParameters, "{no_patch}");
    }
}

#[test]
fn an_xml_patch_of_a_resource_keeps_numbers_and_refuses_what_is_no_resource() {
    let target = doc(
        br#"{"resourceType":"Observation","status":"final","code":{"text":"a<b&c"},"valueQuantity":{"value":1.10}}"#,
    );
    let run = |operations: &str| {
        let patch = format!(r#"<diff xmlns="http://hl7.org/fhir">{operations}</diff>"#);
        XmlPatch::read(patch.as_bytes(), &PatchLimits::default())?
            .apply(&target)
            .map(|text| String::from_utf8(text).unwrap())
    };
    assert_eq!(
        run(r#"<replace sel="Observation/status/@value">amended</replace><add sel="f:Observation"><note><text value="&lt;é>"/></note></add>"#).unwrap(),
        r#"{"resourceType":"Observation","status":"amended","code":{"text":"a<b&c"},"valueQuantity":{"value":1.10},"note":[{"text":"<é>"}]}"#
    );
    for (operations, problem) in [
        (r#"<remove sel="f:Observation/f:note"/>"#, PatchProblem::NothingThere),
        (r#"<remove sel="f:Observation"/>"#, PatchProblem::NoDocument),
        (r#"<remove sel="f:Observation/*"/>"#, PatchProblem::NotOne),
        (r#"<add sel="f:Observation"><secret value="1"/></add>"#, PatchProblem::NoXmlForm),
        (r#"<add sel="f:Observation">secret</add>"#, PatchProblem::NoXmlForm),
        (r#"<add sel="f:Observation/f:status" type="@value">secret</add>"#, PatchProblem::AlreadyThere),
        (
            r#"<replace sel="f:Observation"><Patient/></replace><remove sel="f:Observation"/>"#,
            PatchProblem::NothingThere,
        ),
    ] {
        let error = run(operations).unwrap_err();
        assert_eq!(error.problem, problem, "{operations}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
