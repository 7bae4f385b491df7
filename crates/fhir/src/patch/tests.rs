use super::*;
use crate::json::{Doc, Limits, Node};

pub(super) fn doc(text: &[u8]) -> Doc {
    Doc::parse(text.to_vec(), &Limits::default()).unwrap()
}

fn json_patch(target: &Doc, patch: &Doc, limits: &PatchLimits) -> Result<Vec<u8>, PatchError> {
    JsonPatch::read(patch, limits)?.apply(target)
}

fn patched_by(target: &str, patch: &str, limits: &PatchLimits) -> Result<String, PatchError> {
    json_patch(&doc(target.as_bytes()), &doc(patch.as_bytes()), limits).map(|text| String::from_utf8(text).unwrap())
}

fn patched(target: &str, patch: &str) -> Result<String, PatchError> {
    patched_by(target, patch, &PatchLimits::default())
}

fn problem(target: &str, patch: &str) -> (PatchProblem, Option<usize>) {
    let error = patched(target, patch).unwrap_err();
    (error.problem, error.operation)
}

#[test]
fn the_official_json_patch_cases_hold() {
    let suite = doc(include_bytes!("../../vectors/patch/json-patch-tests.json"));
    let mut passed = 0;
    for case in suite.root().items() {
        let name = case.get("comment").and_then(Node::as_str).unwrap();
        let target = doc(case.get("doc").unwrap().raw());
        let patch = doc(case.get("patch").unwrap().raw());
        let done = json_patch(&target, &patch, &PatchLimits::default());
        match (case.get("expected"), done) {
            (Some(expected), Ok(text)) => {
                let text: serde_json::Value = serde_json::from_slice(&text).unwrap();
                assert_eq!(text, serde_json::from_slice::<serde_json::Value>(expected.raw()).unwrap(), "{name}");
            }
            (None, Err(error)) => {
                assert!(!error.problem.is_malformed() && case.get("error").is_some(), "{name}: {error}")
            }
            (Some(_), Err(error)) => panic!("{name}: {error}"),
            (None, Ok(_)) => panic!("{name}: done, and should not be"),
        }
        passed += 1;
    }
    assert_eq!(passed, 16);
}

#[test]
fn what_no_operation_touches_keeps_its_bytes() {
    let target = r#"{"resourceType":"Observation","valueQuantity":{"value":1.10,"unit":"\u006dg"},"note":[{"text":"a\/b"},{"text":"c"}],"status":"final"}"#;
    let patch = r#"[{"op":"replace","path":"/status","value":"amended"},{"op":"add","path":"/valueQuantity/code","value":"mg"},
        {"op":"remove","path":"/note/1"},{"op":"test","path":"/valueQuantity/value","value":1.1},
        {"op":"copy","from":"/valueQuantity/value","path":"/component"}]"#;
    assert_eq!(
        patched(target, patch).unwrap(),
        r#"{"resourceType":"Observation","valueQuantity":{"value":1.10,"unit":"\u006dg","code":"mg"},"note":[{"text":"a\/b"}],"status":"amended","component":1.10}"#
    );
    let spaced = "{ \"a\" : [ 1.0 , 2 ] , \"b\" : { \"c\" : 1e2 } }";
    assert_eq!(patched(spaced, "[]").unwrap(), spaced);
    assert_eq!(patched(spaced, r#"[{"op":"replace","path":"/b","value":0}]"#).unwrap(), r#"{"a":[ 1.0 , 2 ],"b":0}"#);
}

#[test]
fn operations_see_what_those_before_them_did() {
    let patch = r#"[{"op":"add","path":"/a","value":[]},{"op":"add","path":"/a/-","value":{"b":1}},
        {"op":"copy","from":"/a/0","path":"/a/0"},{"op":"replace","path":"/a/1/b","value":2},{"op":"move","from":"/a/1","path":"/c"},
        {"op":"test","path":"/a","value":[{"b":1.0}]}]"#;
    assert_eq!(patched("{}", patch).unwrap(), r#"{"a":[{"b":1}],"c":{"b":2}}"#);
}

#[test]
fn the_whole_document_can_be_replaced_and_not_removed() {
    assert_eq!(patched("{}", r#"[{"op":"replace","path":"","value":{"a":1}}]"#).unwrap(), r#"{"a":1}"#);
    assert_eq!(patched("{}", r#"[{"op":"add","path":"","value":[]}]"#).unwrap(), "[]");
    assert_eq!(patched(r#"{"a":{"b":2}}"#, r#"[{"op":"copy","from":"/a","path":""}]"#).unwrap(), r#"{"b":2}"#);
    assert_eq!(problem("{}", r#"[{"op":"remove","path":""}]"#), (PatchProblem::NoDocument, Some(0)));
    assert_eq!(problem("{}", r#"[{"op":"move","from":"","path":"/a"}]"#), (PatchProblem::NoDocument, Some(0)));
    assert_eq!(
        problem(r#"{"a":{}}"#, r#"[{"op":"move","from":"/a","path":"/a/b"}]"#),
        (PatchProblem::NoDocument, Some(0))
    );
    assert_eq!(patched(r#"{"a":{}}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#).unwrap(), r#"{"a":{}}"#);
}

#[test]
fn a_patch_that_is_none_is_refused_before_anything_is_looked_at() {
    use PatchProblem as P;
    let whole = |problem| (problem, None);
    assert_eq!(problem("{}", "{}"), whole(P::NotAPatch));
    assert_eq!(problem("{}", "1"), whole(P::NotAPatch));
    for (patch, problem_of_it) in [
        ("[1]", P::NotAPatch),
        (r#"[{"path":""}]"#, P::BadOperation),
        (r#"[{"op":"add","path":"/a"}]"#, P::BadOperation),
        (r#"[{"op":"test","path":"/a"}]"#, P::BadOperation),
        (r#"[{"op":"move","path":"/a"}]"#, P::BadOperation),
        (r#"[{"op":"remove","path":1}]"#, P::BadOperation),
        (r#"[{"op":1,"path":""}]"#, P::BadOperation),
        (r#"[{"op":"Add","path":"","value":1}]"#, P::UnknownOperation),
        (r#"[{"op":"remove","path":"a"}]"#, P::BadPointer),
        (r#"[{"op":"remove","path":"/~2"}]"#, P::BadPointer),
        (r#"[{"op":"copy","path":"/a","from":"b"}]"#, P::BadPointer),
    ] {
        assert_eq!(problem("{}", patch), (problem_of_it, Some(0)), "{patch}");
        // The same, whatever an operation before it would have met.
        let second = patch.replacen('[', r#"[{"op":"test","path":"/a","value":1},"#, 1);
        assert_eq!(problem("{}", &second), (problem_of_it, Some(1)), "{second}");
        assert!(problem_of_it.is_malformed());
    }
    let many = PatchLimits { operations: 2, ..PatchLimits::default() };
    let three =
        r#"[{"op":"test","path":"","value":1},{"op":"test","path":"","value":1},{"op":"test","path":"","value":1}]"#;
    assert_eq!(patched_by("1", three, &many).unwrap_err().problem, P::TooManyOperations);
}

#[test]
fn what_does_not_fit_the_document_is_refused_with_operation_and_place() {
    use PatchProblem as P;
    let target = r#"{"resourceType":"Patient","name":[{"family":"Keller","given":["Anna"]}],"active":true}"#;
    for (operation, problem_of_it, place) in [
        (r#"{"op":"remove","path":"/name/1"}"#, P::NothingThere, "Patient.name[1]"),
        (r#"{"op":"remove","path":"/name/-"}"#, P::NothingThere, "Patient.name"),
        (r#"{"op":"remove","path":"/name/00"}"#, P::NothingThere, "Patient.name"),
        (r#"{"op":"remove","path":"/active/a"}"#, P::NothingThere, "Patient.active"),
        (r#"{"op":"replace","path":"/birthDate","value":"1"}"#, P::NothingThere, "Patient.birthDate"),
        (r#"{"op":"add","path":"/name/2","value":{}}"#, P::NothingThere, "Patient.name[2]"),
        (r#"{"op":"add","path":"/active/a","value":{}}"#, P::NoRoom, "Patient.active"),
        (r#"{"op":"add","path":"/contact/0","value":{}}"#, P::NothingThere, "Patient.contact[0]"),
        (r#"{"op":"test","path":"/name/0/family","value":"Secret"}"#, P::TestFailed, "Patient.name[0].family"),
        (r#"{"op":"test","path":"/name/0/Secret","value":1}"#, P::NothingThere, "Patient.name[0]"),
        (r#"{"op":"copy","from":"/birthDate","path":"/active"}"#, P::NothingThere, "Patient.birthDate"),
        (r#"{"op":"move","from":"/Secret","path":"/active"}"#, P::NothingThere, "Patient"),
    ] {
        let error = patched(target, &format!("[{operation}]")).unwrap_err();
        assert_eq!((error.problem, error.operation, &*error.place), (problem_of_it, Some(0), place), "{operation}");
        assert!(!error.problem.is_malformed());
        let told = format!("{error} {error:?}");
        assert!(!told.contains("Secret") && !told.contains("Keller"), "{told}");
    }
}

#[test]
fn copies_of_copies_and_deep_values_end_at_the_limits() {
    let limits =
        PatchLimits { json: Limits { max_bytes: 10_000, max_depth: 8, max_nodes: 1_000 }, ..PatchLimits::default() };
    let doubling = r#"{"op":"copy","from":"/a","path":"/a/-"}"#;
    let wide = format!(
        "[{}]",
        vec![r#"{"op":"copy","from":"/a/0","path":"/a/-"},{"op":"add","path":"/b","value":1}"#; 400].join(",")
    );
    let text = format!(r#"{{"a":["{}"]}}"#, "x".repeat(100));
    let error = patched_by(&text, &wide, &limits).unwrap_err();
    assert_eq!(error.problem, PatchProblem::TooLong);
    let error = patched_by(r#"{"a":[1]}"#, &format!("[{}]", vec![doubling; 20].join(",")), &limits).unwrap_err();
    assert_eq!(error.problem, PatchProblem::TooDeep);
    let costly = PatchLimits { work: 1_000, ..PatchLimits::default() };
    let items = format!("[{}]", vec!["1"; 300].join(","));
    let patch = format!("[{}]", vec![format!(r#"{{"op":"test","path":"","value":{items}}}"#); 3].join(","));
    assert_eq!(patched_by(&items, &patch, &costly).unwrap_err().problem, PatchProblem::TooCostly);
}

#[test]
fn strings_are_compared_by_character_and_objects_by_member() {
    let target = r#"{"a":"\u00e9","b":{"x":1,"y":[null,true]},"\u0063":"z"}"#;
    for (path, value) in [
        ("/a", "\"é\""),
        ("/b", r#"{"y":[null,true],"x":1.0}"#),
        ("/c", "\"z\""),
        ("", r#"{"c":"z","b":{"\u0078":1,"y":[null,true]},"a":"é"}"#),
    ] {
        patched(target, &format!(r#"[{{"op":"test","path":"{path}","value":{value}}}]"#)).unwrap();
        // The same once the way there was opened.
        let opened = format!(
            r#"[{{"op":"add","path":"/b/z","value":1}},{{"op":"remove","path":"/b/z"}},{{"op":"test","path":"{path}","value":{value}}}]"#
        );
        patched(target, &opened).unwrap();
    }
    for (path, value) in [
        ("/a", "\"e\""),
        ("/b", r#"{"x":1}"#),
        ("/b", r#"{"x":1,"z":[null,true]}"#),
        ("/b/y", "[true,null]"),
        ("/b/x", "\"1\""),
    ] {
        let patch = format!(r#"[{{"op":"test","path":"{path}","value":{value}}}]"#);
        assert_eq!(problem(target, &patch).0, PatchProblem::TestFailed, "{patch}");
    }
}

/// The cases of an XML suite: name and text of each.
fn cases(suite: &str) -> Vec<(&str, &str)> {
    let mut cases = Vec::new();
    let mut rest = suite;
    while let Some((before, case)) = rest.split_once("<case name=\"") {
        // What is commented out is no case.
        let (case, after) = case.split_once("</case>").unwrap();
        if before.rfind("<!--") <= before.rfind("-->") {
            cases.push(case.split_once('"').unwrap());
        }
        rest = after;
    }
    cases
}

/// What stands in an element of a case, as it was written; `None` when there is no such element.
fn inside<'a>(case: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = case.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>")).unwrap().0.trim())
}

/// The narrative without what may differ in XHTML that means the same.
fn narrative_apart(json: Vec<u8>) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    if let Some(div) = value.get_mut("text").and_then(|text| text.get_mut("div")) {
        *div = div.as_str().unwrap().replace("&quot;", "\"").split_whitespace().collect::<Vec<_>>().join(" ").into();
    }
    value
}

#[test]
fn the_official_fhirpath_patch_cases_hold() {
    let read = |text: &str| crate::xml::to_json_in_any_order(text.as_bytes(), &Limits::default());
    let cases = cases(include_str!("../../vectors/patch/fhir-patch-tests.xml"));
    assert_eq!(cases.len(), 33);
    for (name, case) in cases {
        let target = doc(&read(inside(case, "input").unwrap()).unwrap());
        let patch = doc(&read(inside(case, "diff").unwrap()).unwrap());
        let done = FhirPathPatch::read(&patch, &PatchLimits::default()).unwrap().apply(&target);
        match (inside(case, "output"), done) {
            (Some(expected), Ok(text)) => {
                assert_eq!(narrative_apart(text), narrative_apart(read(expected).unwrap()), "{name}");
            }
            (None, Err(error)) => {
                assert!(!error.problem.is_malformed() && case.contains("<error msg="), "{name}: {error}")
            }
            (Some(_), Err(error)) => panic!("{name}: {error}"),
            (None, Ok(_)) => panic!("{name}: done, and should not be"),
        }
    }
}

#[test]
fn the_official_xml_patch_cases_hold() {
    let cases = cases(include_str!("../../vectors/patch/xml-patch-tests.xml"));
    assert_eq!(cases.len(), 29);
    for (name, case) in cases {
        let target = inside(case, "target").unwrap();
        let (_, patch) = case.split_once("<patch ").unwrap();
        let patch = format!("<patch {}</patch>", patch.split_once("</patch>").unwrap().0);
        let done = XmlPatch::read(patch.as_bytes(), &PatchLimits::default())
            .and_then(|patch| patch.apply_to_xml(target.as_bytes()));
        match (inside(case, "patched"), done) {
            (Some(expected), Ok(text)) => {
                assert_eq!(canonical(std::str::from_utf8(&text).unwrap()), canonical(expected), "{name}");
            }
            (None, Err(_)) => assert!(case.contains("<error message="), "{name}"),
            (Some(_), Err(error)) => panic!("{name}: {error}"),
            (None, Ok(_)) => panic!("{name}: done, and should not be"),
        }
    }
}

/// The same text for documents that differ only in white space between elements, order of attributes and empty tags.
fn canonical(text: &str) -> String {
    let mut out = Vec::new();
    let mut top = xml_patch::tree::read(text, &Limits::default()).unwrap();
    fn strip(content: &mut Vec<xml_patch::tree::Content>) {
        content.retain(|content| !matches!(content, xml_patch::tree::Content::Text(text) if text.trim().is_empty()));
        for content in content {
            if let xml_patch::tree::Content::Element(element) = content {
                element
                    .attributes
                    .sort_by(|one, other| (&one.0.prefix, &one.0.local).cmp(&(&other.0.prefix, &other.0.local)));
                strip(&mut element.content);
            }
        }
    }
    strip(&mut top);
    xml_patch::tree::write(&top, &mut Vec::new(), &mut out);
    String::from_utf8(out).unwrap()
}
