use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn parse(text: &str) -> Result<Doc, JsonError> {
    Doc::parse(text.as_bytes().to_vec(), &Limits::default())
}

fn problem(text: &[u8]) -> JsonProblem {
    match Doc::parse(text.to_vec(), &Limits::default()) {
        Ok(_) => panic!("{} was taken", String::from_utf8_lossy(text)),
        Err(error) => error.problem,
    }
}

/// The document as serde_json sees it, so that both can be compared.
fn to_value(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(node.as_bool().unwrap()),
        Kind::Number => serde_json::from_str(node.number_text().unwrap()).unwrap(),
        Kind::String => Value::String(node.as_str().unwrap().into_owned()),
        Kind::Array => node.items().map(to_value).collect(),
        Kind::Object => node.members().map(|member| (member.key.into_owned(), to_value(member.value))).collect(),
    }
}

#[test]
fn a_document_is_walked_in_written_order_with_spans_into_the_text() {
    let text = r#" {"b" : [1.10, -0, 1e400] , "a":{"x\n":"\u00e9\ud83d\ude00/\/"}, "t":true,"n":null } "#;
    let doc = parse(text).unwrap();
    let root = doc.root();
    assert_eq!(root.kind(), Kind::Object);
    assert_eq!(root.len(), 4);
    let keys: Vec<String> = root.members().map(|m| m.key.into_owned()).collect();
    assert_eq!(keys, ["b", "a", "t", "n"]);
    let numbers: Vec<&str> = root.get("b").unwrap().items().map(|n| n.number_text().unwrap()).collect();
    assert_eq!(numbers, ["1.10", "-0", "1e400"]);
    let member = root.members().next().unwrap();
    assert_eq!(&text[member.key_span], "\"b\"");
    assert_eq!(&text[member.value.span()], "[1.10, -0, 1e400]");
    let inner = root.get("a").unwrap();
    assert_eq!(inner.get("x\n").unwrap().as_str().unwrap(), "é😀//");
    assert_eq!(inner.members().next().unwrap().key, "x\n");
    assert_eq!(root.get("t").unwrap().as_bool(), Some(true));
    assert_eq!(root.get("n").unwrap().kind(), Kind::Null);
    assert!(root.get("z").is_none());
    assert_eq!(doc.text(), text.as_bytes());
}

#[test]
fn minifying_keeps_every_string_and_number_as_written() {
    let doc = parse("{ \"a\" : [ 1.10 , 1E+2, \"\\u0041 b\" ] ,\n\"c\":{ } , \"d\" : [ ] }").unwrap();
    assert_eq!(minify(&doc), br#"{"a":[1.10,1E+2,"\u0041 b"],"c":{},"d":[]}"#);
}

#[test]
fn nasty_texts_are_refused_with_the_rule_they_break() {
    use JsonProblem as P;
    let cases: &[(&[u8], P)] = &[
        (b"", P::UnexpectedEnd),
        (b" ", P::UnexpectedEnd),
        (b"{", P::UnexpectedEnd),
        (b"[1", P::UnexpectedEnd),
        (b"\"a", P::UnexpectedEnd),
        (b"\"a\\", P::UnexpectedEnd),
        (b"\"\\u12", P::UnexpectedEnd),
        (b"{\"a\"", P::UnexpectedEnd),
        (b"{\"a\":", P::UnexpectedEnd),
        (b"[1,]", P::ValueExpected),
        (b"[,1]", P::ValueExpected),
        (b"{,}", P::NameExpected),
        (b"{\"a\":1,}", P::NameExpected),
        (b"{a:1}", P::NameExpected),
        (b"{'a':1}", P::NameExpected),
        (b"{\"a\" 1}", P::ColonExpected),
        (b"[1 2]", P::CommaOrEndExpected),
        (b"[1}", P::CommaOrEndExpected),
        (b"{\"a\":1]", P::CommaOrEndExpected),
        (b"]", P::ValueExpected),
        (b"1 1", P::TrailingText),
        (b"{}\0", P::TrailingText),
        (b"\xEF\xBB\xBF{}", P::ValueExpected),
        (b"tru", P::InvalidLiteral),
        (b"True", P::ValueExpected),
        (b"nulL", P::InvalidLiteral),
        (b"NaN", P::ValueExpected),
        (b"01", P::InvalidNumber),
        (b"-01", P::InvalidNumber),
        (b"-", P::InvalidNumber),
        (b"1.", P::InvalidNumber),
        (b".5", P::ValueExpected),
        (b"1e", P::InvalidNumber),
        (b"1e+", P::InvalidNumber),
        (b"+1", P::ValueExpected),
        (b"0x10", P::TrailingText),
        (b"\"\\x\"", P::InvalidEscape),
        (b"\"\\u12G4\"", P::InvalidEscape),
        (b"\"\\ud800\"", P::LoneSurrogate),
        (b"\"\\udc00\"", P::LoneSurrogate),
        (b"\"\\ud800\\u0041\"", P::LoneSurrogate),
        (b"\"\\ud800\\ud800\"", P::LoneSurrogate),
        (b"\"\x01\"", P::ControlCharacter),
        (b"\"a\nb\"", P::ControlCharacter),
        (b"\"12345678\t\"", P::ControlCharacter),
        (b"\"\0\"", P::NulCharacter),
        (b"\"\\u0000\"", P::NulCharacter),
        (b"\"\xff\"", P::InvalidUtf8),
        (b"\"\xc0\x80\"", P::InvalidUtf8),
        (b"\"\xed\xa0\x80\"", P::InvalidUtf8),
        (b"{\"a\":1,\"a\":2}", P::DuplicateName),
        (b"{\"a\":1,\"\\u0061\":2}", P::DuplicateName),
        (b"{\"\\u0061\":1,\"a\":2}", P::DuplicateName),
        (b"{\"b\":{\"a\":[],\"c\":{\"a\":1},\"a\":2}}", P::DuplicateName),
    ];
    for (text, expected) in cases {
        assert_eq!(problem(text), *expected, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn duplicates_are_found_in_objects_of_every_size() {
    for size in [1, 2, 23, 24, 25, 26, 200, 3000] {
        let names: Vec<String> = (0..size).map(|n| format!("\"name-{n}\":{n}")).collect();
        assert!(parse(&format!("{{{}}}", names.join(","))).is_ok(), "{size}");
        for twice in [0, size / 2, size - 1] {
            let text = format!("{{{},\"name-{twice}\":0}}", names.join(","));
            let error = parse(&text).err().unwrap();
            assert_eq!((error.problem, error.offset), (JsonProblem::DuplicateName, text.rfind("\"name").unwrap()));
        }
    }
}

#[test]
fn a_hundred_thousand_members_take_no_quadratic_time() {
    let names: Vec<String> = (0..100_000).map(|n| format!("\"{n}\":0")).collect();
    let text = format!("{{{}}}", names.join(","));
    let start = std::time::Instant::now();
    assert_eq!(parse(&text).unwrap().root().len(), 100_000);
    // Pairwise comparison would take minutes.
    assert!(start.elapsed().as_secs() < 10);
}

#[test]
fn limits_of_bytes_depth_and_values_are_exact() {
    let limits = Limits { max_bytes: 9, max_depth: 3, max_nodes: 4 };
    let take = |text: &str| Doc::parse(text.as_bytes().to_vec(), &limits).err().map(|error| error.problem);
    assert_eq!(take("[[[1]]]"), None);
    assert_eq!(take("[[[[]]]]"), Some(JsonProblem::TooDeep));
    assert_eq!(take("[1,2,3]"), None);
    assert_eq!(take("[1,2,3,4]"), Some(JsonProblem::TooManyValues));
    assert_eq!(take("123456789"), None);
    assert_eq!(take("1234567890"), Some(JsonProblem::TooLong));
}

#[test]
fn a_million_open_brackets_are_refused_without_recursion() {
    assert_eq!(problem("[".repeat(1_000_000).as_bytes()), JsonProblem::TooDeep);
    let limits = Limits { max_depth: usize::MAX, ..Limits::default() };
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(Doc::parse(deep.into_bytes(), &limits).unwrap().node_count(), 500_000);
}

#[test]
fn an_error_names_the_nearest_known_element_and_no_text_of_the_document() {
    let path = |text: &str| parse(text).err().unwrap().path;
    assert_eq!(
        path(r#"{"resourceType":"Patient","name":[{"family":"Secret","given":["A","B",x]}]}"#),
        "Patient.name[0].given[2]"
    );
    assert_eq!(path(r#"{"resourceType":"Patient","birthDate":1970-01-01}"#), "Patient.birthDate");
    assert_eq!(path(r#"{"resourceType":"Patient","secret":{"a":01}}"#), "Patient");
    assert_eq!(path(r#"{"name":[{"family":x}]}"#), "");
    assert_eq!(path(r#"{"resourceType":"Secret","name":[{"family":x}]}"#), "");
    assert_eq!(path(r#"[{"resourceType":"Patient","name":[{"family":x}]}]"#), "");
    assert_eq!(path(r#"{"resourceType":"Patient","_birthDate":{"extension":[x]}}"#), "Patient.birthDate");
    assert_eq!(
        path(
            r#"{"resourceType":"Bundle","entry":[{},{"resource":{"resourceType":"Observation","valueQuantity":{"value":01}}}]}"#
        ),
        "Bundle.entry[1].resource.value.value"
    );
    assert_eq!(
        path(r#"{"resourceType":"Bundle","entry":[{},{"resource":{"valueQuantity":{"value":01}}}]}"#),
        "Bundle.entry[1].resource"
    );
}

/// JSON text with the odd shapes that FHIR never has, and faults near them.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just(" ".to_owned()),
        Just("\"a\"".to_owned()),
        Just("\"b\"".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-0.5e-7".to_owned()),
        "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
        r#""([ -~é😀]|\\.|\\u[0-9a-fD]{4}){0,12}""#,
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Well-formed values with names, strings and nesting at random.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 10, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..10).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..40)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Duplicate names and NUL are refused here and taken by serde_json; numbers out of range the other way round.
fn may_differ(problem: JsonProblem) -> bool {
    matches!(problem, JsonProblem::DuplicateName | JsonProblem::NulCharacter)
}

fn compare(text: &str) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_str::<Value>(text);
    match (parse(text), theirs) {
        (Ok(doc), Ok(theirs)) => prop_assert_eq!(to_value(doc.root()), theirs),
        (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => prop_assert!(may_differ(error.problem), "{:?} refused: {}", text, error.problem),
        (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{:?} taken: {}", text, error),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pieces_of_json_are_taken_or_refused_as_serde_json_does(text in any_text()) {
        compare(&text)?;
    }

    #[test]
    fn values_are_read_as_serde_json_reads_them_and_survive_minifying(value in any_value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        compare(&text)?;
        if let Ok(doc) = parse(&text) {
            prop_assert_eq!(minify(&doc), serde_json::to_vec(&value).unwrap());
        }
    }

    #[test]
    fn one_wrong_byte_is_taken_or_refused_as_serde_json_does(value in any_value(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        match String::from_utf8(text) {
            Ok(text) => compare(&text)?,
            Err(error) => prop_assert_eq!(problem(error.as_bytes()), JsonProblem::InvalidUtf8),
        }
    }

    #[test]
    fn a_written_string_reads_back(text in any::<String>()) {
        let mut out = Vec::new();
        write_string(&text, &mut out);
        prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
