use super::*;
use crate::json::{Doc, Limits};

const XMLNS: &str = r#"xmlns="http://hl7.org/fhir""#;

fn json(xml: &str) -> Result<String, XmlError> {
    to_json(xml.as_bytes(), &Limits::default()).map(|json| String::from_utf8(json).unwrap())
}

fn xml(json: &str) -> Result<String, XmlError> {
    let doc = Doc::parse(json.as_bytes().to_vec(), &Limits::default()).map_err(|error| error.to_string()).unwrap();
    from_json(&doc).map(|xml| String::from_utf8(xml).unwrap())
}

/// A patient with this inside, in XML and in JSON.
#[track_caller]
fn both(inner_xml: &str, inner_json: &str) {
    let as_xml = format!("<Patient {XMLNS}>{inner_xml}</Patient>");
    let as_json = format!(r#"{{"resourceType":"Patient",{inner_json}}}"#);
    assert_eq!(json(&as_xml).unwrap(), as_json);
    assert_eq!(xml(&as_json).unwrap(), as_xml);
}

/// What a patient with this inside is refused for: problem, path, and the text from the offset on.
#[track_caller]
fn refused(inner: &str) -> (XmlProblem, String, String) {
    let text = format!("<Patient {XMLNS}>{inner}</Patient>");
    let error = json(&text).unwrap_err();
    (error.problem, error.path, text.get(error.offset..).unwrap().to_owned())
}

#[track_caller]
fn is_refused(inner: &str, problem: XmlProblem, path: &str, place: &str) {
    let (found, at, rest) = refused(inner);
    assert_eq!((found, at.as_str()), (problem, path), "{inner}");
    assert!(rest.starts_with(place), "{rest}");
}

/// What writing this patient as XML is refused for.
#[track_caller]
fn is_not_written(inner: &str, problem: XmlProblem, path: &str) {
    let text = format!(r#"{{"resourceType":"Patient",{inner}}}"#);
    let error = xml(&text).unwrap_err();
    assert_eq!((error.problem, error.path.as_str()), (problem, path), "{inner}");
    assert!(error.offset < text.len());
}

#[test]
fn elements_of_every_kind_have_one_form_in_each_notation() {
    both(
        r#"<id value="a"/><active value="true"/><name><use value="usual"/><family value="K"/><given value="A"/><given value="B"/></name><multipleBirthInteger value="2"/>"#,
        r#""id":"a","active":true,"name":[{"use":"usual","family":"K","given":["A","B"]}],"multipleBirthInteger":2"#,
    );
    both(
        r#"<contact><name id="n"><text value="x"/></name></contact>"#,
        r#""contact":[{"name":{"id":"n","text":"x"}}]"#,
    );
}

#[test]
fn ids_and_extensions_of_primitives_stand_in_the_sibling_member() {
    both(
        r#"<birthDate id="b" value="1970-01"><extension url="u"><valueTime value="12:00:00"/></extension></birthDate>"#,
        r#""birthDate":"1970-01","_birthDate":{"id":"b","extension":[{"url":"u","valueTime":"12:00:00"}]}"#,
    );
    both(
        r#"<birthDate><extension url="u"><valueCode value="masked"/></extension></birthDate>"#,
        r#""_birthDate":{"extension":[{"url":"u","valueCode":"masked"}]}"#,
    );
    both(
        r#"<id value="a"><extension url="u"><valueCode value="c"/></extension></id>"#,
        r#""id":"a","_id":{"extension":[{"url":"u","valueCode":"c"}]}"#,
    );
}

#[test]
fn gaps_in_repeating_primitives_are_nulls_on_either_side() {
    let unknown = r#"<extension url="u"><valueCode value="c"/></extension>"#;
    let as_json = r#"{"extension":[{"url":"u","valueCode":"c"}]}"#;
    both(
        &format!(r#"<name><given value="a"/><given>{unknown}</given><given id="i" value="b"/></name>"#),
        &format!(r#""name":[{{"given":["a",null,"b"],"_given":[null,{as_json},{{"id":"i"}}]}}]"#),
    );
    both(&format!(r#"<name><given>{unknown}</given></name>"#), &format!(r#""name":[{{"_given":[{as_json}]}}]"#));
    both(
        &format!(r#"<name><given value="a">{unknown}</given><given value="b"/></name>"#),
        &format!(r#""name":[{{"given":["a","b"],"_given":[{as_json},null]}}]"#),
    );
    let filled = format!(r#"{{"resourceType":"Patient","name":[{{"given":[null],"_given":[{as_json}]}}]}}"#);
    assert_eq!(json(&xml(&filled).unwrap()).unwrap(), filled.replace(r#""given":[null],"#, ""));
}

#[test]
fn an_id_alone_is_kept_although_it_is_no_content() {
    both(r#"<name id="a"/><birthDate id="b"/>"#, r#""name":[{"id":"a"}],"_birthDate":{"id":"b"}"#);
}

#[test]
fn numbers_keep_their_text() {
    for number in ["1.10", "0.0", "-0.010", "1e400", "1.0E-5", "12345678901234567890.123"] {
        both(
            &format!(r#"<extension url="u"><valueDecimal value="{number}"/></extension>"#),
            &format!(r#""extension":[{{"url":"u","valueDecimal":{number}}}]"#),
        );
    }
    assert!(
        json(&format!(r#"<Patient {XMLNS}><multipleBirthInteger value="+3"/></Patient>"#)).unwrap().ends_with(":3}")
    );
    for bad in ["01", "1.", ".5", "+1.5", " 1", "1 ", "0x1", "1e", "--1", "NaN", "1,5"] {
        let place = format!("{bad}\"");
        is_refused(
            &format!(r#"<extension url="u"><valueDecimal value="{bad}"/></extension>"#),
            XmlProblem::InvalidValue,
            "Patient.extension[0].value",
            &place,
        );
    }
    for bad in ["1.0", "1e2", "+0", "+-1", "++1", "x"] {
        let place = format!("{bad}\"");
        is_refused(
            &format!(r#"<multipleBirthInteger value="{bad}"/>"#),
            XmlProblem::InvalidValue,
            "Patient.multipleBirth",
            &place,
        );
    }
    is_refused(r#"<active value="1"/>"#, XmlProblem::InvalidValue, "Patient.active", "1");
}

#[test]
fn strings_keep_white_space_and_special_characters() {
    both(
        r#"<name><text value="&#x9;a&#xA;&#xD; &amp;&lt;&quot;'>  é😀 "/></name>"#,
        r#""name":[{"text":"\ta\n\r &<\"'>  é😀 "}]"#,
    );
    let loose = format!("<Patient {XMLNS}><name><text value='a\r\nb\tc&#65;&#x1F600;&apos;&gt;\"'/></name></Patient>");
    assert_eq!(json(&loose).unwrap(), r#"{"resourceType":"Patient","name":[{"text":"a b cA😀'>\""}]}"#);
}

#[test]
fn resources_inside_resources_say_their_type() {
    both(
        r##"<contained><Organization><id value="o"/></Organization></contained><contained><Basic><id value="b"/></Basic></contained><managingOrganization><reference value="#o"/></managingOrganization>"##,
        r##""contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Basic","id":"b"}],"managingOrganization":{"reference":"#o"}"##,
    );
    let bundle = format!(
        r#"<Bundle {XMLNS}><type value="collection"/><entry><resource><Patient><id value="p"/></Patient></resource><response><status value="200"/><outcome><OperationOutcome/></outcome></response></entry></Bundle>"#
    );
    let as_json = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"},"response":{"status":"200","outcome":{"resourceType":"OperationOutcome"}}}]}"#;
    assert_eq!(json(&bundle).unwrap(), as_json);
    assert_eq!(xml(as_json).unwrap(), bundle);
    let parameters = format!(
        r#"<Parameters {XMLNS}><parameter><name value="r"/><resource><Basic/></resource></parameter><parameter><name value="p"/><part><name value="v"/><valueDecimal value="1.0"/></part></parameter></Parameters>"#
    );
    let as_json = r#"{"resourceType":"Parameters","parameter":[{"name":"r","resource":{"resourceType":"Basic"}},{"name":"p","part":[{"name":"v","valueDecimal":1.0}]}]}"#;
    assert_eq!(json(&parameters).unwrap(), as_json);
    assert_eq!(xml(as_json).unwrap(), parameters);
}

#[test]
fn narrative_is_kept_as_it_was_written() {
    let div = "<div xmlns=\"http://www.w3.org/1999/xhtml\" class='a'>\n <p>a &amp; b &#160;<br /> <!-- c -->\"q\"</p >\n</div>";
    let status = r#"<status value="generated"/>"#;
    let as_json = format!(r#""text":{{"status":"generated","div":{}}}"#, serde_json::to_string(div).unwrap());
    both(&format!("<text>{status}{div}</text>"), &as_json);
}

#[test]
fn narrative_declares_its_namespace_in_json_wherever_it_was_declared_in_xml() {
    let expected = |div: &str| {
        let div = serde_json::to_string(div).unwrap();
        format!(r#"{{"resourceType":"Patient","text":{{"div":{div}}}}}"#)
    };
    let prefixed = r#"<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="http://www.w3.org/1999/xhtml"><f:text><div id="d"><b>x</b></div></f:text></f:Patient>"#;
    let inherited = r#"<div xmlns="http://www.w3.org/1999/xhtml" id="d"><b>x</b></div>"#;
    assert_eq!(json(prefixed).unwrap(), expected(inherited));
    let outside = format!(
        r#"<Patient {XMLNS} xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div xml:lang='de'><h:p >a&amp;<!-- c --><h:br/></h:p ></h:div></text></Patient>"#
    );
    let without = r#"<div xmlns="http://www.w3.org/1999/xhtml" xml:lang='de'><p>a&amp;<br/></p></div>"#;
    assert_eq!(json(&outside).unwrap(), expected(without));
    let bare = r#"{"resourceType":"Patient","text":{"div":" <div>x</div> "}}"#;
    let there = r#"<div xmlns="http://www.w3.org/1999/xhtml">x</div>"#;
    assert_eq!(xml(bare).unwrap(), format!("<Patient {XMLNS}><text>{there}</text></Patient>"));
    let lines =
        format!("<Patient {XMLNS}><text><div xmlns='http://www.w3.org/1999/xhtml'>a\r\nb\rc</div></text></Patient>");
    assert_eq!(json(&lines).unwrap(), expected("<div xmlns='http://www.w3.org/1999/xhtml'>a\nb\nc</div>"));
}

#[test]
fn narrative_that_is_no_well_formed_div_is_not_written() {
    for div in [
        "x",
        "<p>x</p>",
        "<div>",
        "<div/><div/>",
        "<div></div>x",
        "<div><b></div>",
        "<div a=b/>",
        "<div a='1' a='2'/>",
        "<div a='1'b='2'/>",
        "<div a='<'/>",
        "<div><a<b/></div>",
        "<div>a & b</div>",
        "<div>]]></div>",
        "<div><!-- -- --></div>",
        "<div><x:p/></div>",
        "<div x:a='1'/>",
        "<div xmlns='http://hl7.org/fhir'/>",
        "<div xmlns=''/>",
        "<?xml version='1.0'?><p/>",
    ] {
        let text = serde_json::to_string(div).unwrap();
        is_not_written(&format!(r#""text":{{"div":{text}}}"#), XmlProblem::Narrative, "Patient.text.div");
    }
    is_not_written(r#""text":{"div":"<div>&nbsp;</div>"}"#, XmlProblem::Entity, "Patient.text.div");
    is_not_written(r#""text":{"div":"<div a='&nbsp;'/>"}"#, XmlProblem::Entity, "Patient.text.div");
    is_not_written(r#""text":{"div":"<div>\u0001</div>"}"#, XmlProblem::Character, "Patient.text.div");
    is_not_written(
        r#""text":{"div":"<!DOCTYPE div [<!ENTITY a 'b'>]><div>&a;</div>"}"#,
        XmlProblem::Narrative,
        "Patient.text.div",
    );
}

#[test]
fn markup_that_is_no_content_is_dropped() {
    let text = format!(
        "\u{FEFF}<?xml version=\"1.0\" encoding='utf-8' standalone=\"yes\"?>\n<!-- a --><?style x?>\n<Patient {XMLNS} xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://hl7.org/fhir x\">\n  <!-- b --><active value = \"true\" ><?c d?></active >\n</Patient>\n<!-- e -->\n"
    );
    assert_eq!(json(&text).unwrap(), r#"{"resourceType":"Patient","active":true}"#);
}

#[test]
fn what_the_definitions_do_not_have_is_refused_with_its_place() {
    use XmlProblem as P;
    is_refused("<name><famly value='x'/></name>", P::UnknownElement, "Patient.name[0]", "<famly");
    is_refused("<_active><id value='x'/></_active>", P::UnknownElement, "Patient", "<_active");
    is_refused("<resourceType value='Patient'/>", P::UnknownElement, "Patient", "<resourceType");
    is_refused("<active value='true' note='x'/>", P::UnknownAttribute, "Patient.active", "note");
    is_refused("<name use='usual'/>", P::UnknownAttribute, "Patient.name[0]", "use");
    is_refused("<active xml:id='a' value='true'/>", P::UnknownAttribute, "Patient.active", "xml:id");
    is_refused("<contained id='a'><Basic/></contained>", P::UnknownAttribute, "Patient.contained[0]", "id");
    is_refused("<contained><Basic id='a'/></contained>", P::UnknownAttribute, "Patient.contained[0]", "id");
    is_refused("<name><id value='x'/></name>", P::AttributeExpected, "Patient.name[0]", "<id");
    is_refused("<extension><url value='x'/></extension>", P::AttributeExpected, "Patient.extension[0]", "<url");
    is_refused("<active value='true'>x</active>", P::TextNotAllowed, "Patient.active", "x<");
    is_refused("<name>&#32;</name>", P::TextNotAllowed, "Patient.name[0]", "&#32;");
    is_refused("<name><![CDATA[ ]]></name>", P::TextNotAllowed, "Patient.name[0]", "<![CDATA[");
    is_refused("<gender value='x'/><active value='true'/>", P::OutOfOrder, "Patient.active", "<active");
    is_refused(
        "<name id='a'><text value='x'/></name><gender value='x'/><name/>",
        P::OutOfOrder,
        "Patient.name",
        "<name/>",
    );
    is_refused(
        "<active value='true'/><active value='true'/>",
        P::Repeated,
        "Patient.active",
        "<active value='true'/><",
    );
    is_refused(
        "<deceasedBoolean value='true'/><deceasedDateTime value='2020'/>",
        P::SecondVariant,
        "Patient.deceased",
        "<deceasedDateTime",
    );
    is_refused("<active/>", P::Empty, "Patient.active", "<active");
    is_refused("<active value=''/>", P::Empty, "Patient.active", "value");
    is_refused("<name> <!-- --> </name>", P::Empty, "Patient.name[0]", "<name");
    is_refused("<contained> </contained>", P::OneResource, "Patient.contained[0]", "<contained");
    is_refused("<contained><Basic/><Basic/></contained>", P::OneResource, "Patient.contained[0]", "<Basic/><");
    is_refused("<contained><HumanName/></contained>", P::NotAResource, "Patient.contained[0]", "<HumanName");
    is_refused("<active xmlns='urn:x' value='true'/>", P::Namespace, "Patient", "<active");
    is_refused("<text><div>x</div></text>", P::Namespace, "Patient.text", "<div");
    is_refused("<active xmlns='http://www.w3.org/1999/xhtml' value='true'/>", P::Namespace, "Patient", "<active");
}

#[test]
fn any_order_is_taken_when_asked_for_and_elements_of_one_name_stay_together() {
    let read = |inner: &str| {
        let text = format!("<Patient {XMLNS}>{inner}</Patient>");
        to_json_in_any_order(text.as_bytes(), &Limits::default()).map_err(|error| error.problem)
    };
    let moved =
        r#"<gender value="x"/><name><text value="a"/></name><name><text value="b"/></name><active value="true"/>"#;
    let as_json = r#"{"resourceType":"Patient","gender":"x","name":[{"text":"a"},{"text":"b"}],"active":true}"#;
    assert_eq!(read(moved).unwrap(), as_json.as_bytes());
    let apart = r#"<name><text value="a"/></name><active value="true"/><name><text value="b"/></name>"#;
    assert_eq!(read(apart).unwrap_err(), XmlProblem::OutOfOrder);
    let variants = r#"<deceasedBoolean value="true"/><active value="true"/><deceasedDateTime value="2020"/>"#;
    assert_eq!(read(variants).unwrap_err(), XmlProblem::OutOfOrder);
    assert_eq!(read(r#"<active value="true"/><active value="true"/>"#).unwrap_err(), XmlProblem::Repeated);
}

#[test]
fn what_is_no_xml_of_this_kind_is_refused() {
    use XmlProblem as P;
    for (text, problem) in [
        ("", P::Malformed),
        (" ", P::Malformed),
        ("{}", P::Malformed),
        ("<Patient/>", P::Namespace),
        ("<Patient xmlns='http://hl7.org/FHIR'/>", P::Namespace),
        ("<Patient xmlns='http://hl7.org/fhir'>", P::Malformed),
        ("<Patient xmlns='http://hl7.org/fhir'></patient>", P::Malformed),
        ("<Patient xmlns='http://hl7.org/fhir'/><Patient xmlns='http://hl7.org/fhir'/>", P::Malformed),
        ("<Patient xmlns='http://hl7.org/fhir'/>x", P::Malformed),
        ("x<Patient xmlns='http://hl7.org/fhir'/>", P::Malformed),
        ("<patient xmlns='http://hl7.org/fhir'/>", P::NotAResource),
        ("<HumanName xmlns='http://hl7.org/fhir'/>", P::NotAResource),
        ("<Patient id='a' xmlns='http://hl7.org/fhir'/>", P::UnknownAttribute),
        ("<Patient xmlns='http://hl7.org/fhir' xmlns='http://hl7.org/fhir'/>", P::Malformed),
        ("<f:Patient/>", P::Malformed),
        ("<f:Patient xmlns:f=''/>", P::Malformed),
        (" <?xml version='1.0'?><Patient xmlns='http://hl7.org/fhir'/>", P::Malformed),
        ("<?xml version='1.1'?><Patient xmlns='http://hl7.org/fhir'/>", P::Encoding),
        ("<?xml version='1.0' encoding='latin1'?><Patient xmlns='http://hl7.org/fhir'/>", P::Encoding),
        ("<!DOCTYPE Patient><Patient xmlns='http://hl7.org/fhir'/>", P::DocumentType),
        ("<Patient xmlns='http://hl7.org/fhir'><language value='&x;'/></Patient>", P::Entity),
        ("<Patient xmlns='http://hl7.org/fhir'>&x;</Patient>", P::Entity),
        ("<Patient xmlns='http://hl7.org/fhir'><language value='&#1;'/></Patient>", P::Character),
        ("<Patient xmlns='http://hl7.org/fhir'><language value='&#xFFFF;'/></Patient>", P::Character),
        ("<Patient xmlns='http://hl7.org/fhir'><language value='&#x;'/></Patient>", P::Malformed),
        ("<Patient xmlns='http://hl7.org/fhir'><language value='&amp'/></Patient>", P::Malformed),
        ("<Patient xmlns='http://hl7.org/fhir'><language value='\u{1}'/></Patient>", P::Character),
        ("<Patient xmlns='http://hl7.org/fhir'><language value='\u{FFFE}'/></Patient>", P::Character),
    ] {
        assert_eq!(json(text).unwrap_err().problem, problem, "{text}");
    }
    assert_eq!(to_json(b"<\xFF", &Limits::default()).unwrap_err().problem, P::InvalidUtf8);
    let utf16: Vec<u8> = "<Patient/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(to_json(&utf16, &Limits::default()).unwrap_err().problem, P::Character);
}

#[test]
fn a_thousand_laughs_are_refused_at_the_first() {
    let mut text = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n <!ENTITY lol \"lol\">\n");
    for level in 1..10 {
        let before = level - 1;
        text.push_str(&format!(" <!ENTITY lol{level} \"{}\">\n", format!("&lol{before};").repeat(10)));
    }
    text.push_str("]>\n<Patient xmlns=\"http://hl7.org/fhir\"><language value=\"&lol9;\"/></Patient>");
    let error = json(&text).unwrap_err();
    assert_eq!((error.problem, error.offset), (XmlProblem::DocumentType, 22));
    let outside = "<!DOCTYPE p SYSTEM \"file:///etc/passwd\"><Patient xmlns=\"http://hl7.org/fhir\"/>";
    assert_eq!(json(outside).unwrap_err().problem, XmlProblem::DocumentType);
}

#[test]
fn limits_hold() {
    let nested = |levels: usize| {
        let (open, close) = ("<extension url='u'>".repeat(levels), "</extension>".repeat(levels));
        format!("<Patient {XMLNS}>{open}<valueCode value='c'/>{close}</Patient>")
    };
    let limits = Limits { max_bytes: 10_000, max_depth: 10, max_nodes: 100 };
    assert!(to_json(nested(8).as_bytes(), &limits).is_ok());
    let error = to_json(nested(9).as_bytes(), &limits).unwrap_err();
    assert_eq!(error.problem, XmlProblem::TooDeep);
    let deep_div = |levels: usize| {
        let (open, close) = ("<b>".repeat(levels), "</b>".repeat(levels));
        format!("<Patient {XMLNS}><text><div xmlns='http://www.w3.org/1999/xhtml'>{open}{close}</div></text></Patient>")
    };
    assert!(to_json(deep_div(10).as_bytes(), &limits).is_ok());
    assert_eq!(to_json(deep_div(11).as_bytes(), &limits).unwrap_err().problem, XmlProblem::TooDeep);
    let wide = format!("<Patient {XMLNS}><name>{}</name></Patient>", "<given value='a'/>".repeat(60));
    assert_eq!(to_json(wide.as_bytes(), &limits).unwrap_err().problem, XmlProblem::TooManyValues);
    let long = format!("<Patient {XMLNS}>{}</Patient>", " ".repeat(10_000));
    assert_eq!(to_json(long.as_bytes(), &limits).unwrap_err().problem, XmlProblem::TooLong);
    let many: String = (0..70).map(|n| format!(" a{n}='x'")).collect();
    let many = format!("<Patient {XMLNS}><active{many}/></Patient>");
    assert_eq!(json(&many).unwrap_err().problem, XmlProblem::TooManyValues);
    let spaces: String = (0..63).map(|n| format!(" xmlns:a{n}='urn:x'")).collect();
    let spaces = format!("<Patient {XMLNS}{spaces}><active/></Patient>");
    assert_eq!(json(&spaces).unwrap_err().problem, XmlProblem::TooManyValues);
}

#[test]
fn json_that_is_no_fhir_in_shape_is_not_written() {
    use XmlProblem as P;
    is_not_written(r#""nme":[]"#, P::UnknownElement, "Patient");
    is_not_written(r#""name":{"text":"x"}"#, P::WrongKind, "Patient.name");
    is_not_written(r#""name":["x"]"#, P::WrongKind, "Patient.name[0]");
    is_not_written(r#""name":[null]"#, P::Empty, "Patient.name[0]");
    is_not_written(r#""name":[]"#, P::Empty, "Patient.name");
    is_not_written(r#""name":[{}]"#, P::Empty, "Patient.name[0]");
    is_not_written(r#""active":"true""#, P::WrongKind, "Patient.active");
    is_not_written(r#""active":[true]"#, P::WrongKind, "Patient.active");
    is_not_written(r#""active":null"#, P::WrongKind, "Patient.active");
    is_not_written(r#""birthDate":"""#, P::Empty, "Patient.birthDate");
    is_not_written(r#""birthDate":"\u0001""#, P::Character, "Patient.birthDate");
    is_not_written(r#""birthDate":"\uffff""#, P::Character, "Patient.birthDate");
    is_not_written(r#""multipleBirthInteger":1.5"#, P::InvalidValue, "Patient.multipleBirth");
    is_not_written(
        r#""multipleBirthInteger":1,"multipleBirthBoolean":true"#,
        P::SecondVariant,
        "Patient.multipleBirth",
    );
    is_not_written(r#""_birthDate":{}"#, P::Empty, "Patient.birthDate");
    is_not_written(r#""_birthDate":{"url":"a"}"#, P::UnknownElement, "Patient.birthDate");
    is_not_written(r#""_birthDate":null,"birthDate":"2020""#, P::WrongKind, "Patient.birthDate");
    is_not_written(r#""name":[{"given":["a","b"],"_given":[{"id":"x"}]}]"#, P::Misaligned, "Patient.name[0].given");
    is_not_written(r#""name":[{"given":["a",null],"_given":[{"id":"x"},null]}]"#, P::Empty, "Patient.name[0].given[1]");
    is_not_written(r#""name":[{"id":"a","_id":{"id":"x"},"text":"b"}]"#, P::NotInXml, "Patient.name[0].id");
    is_not_written(
        r#""extension":[{"url":"a","_url":{"id":"x"},"valueCode":"b"}]"#,
        P::NotInXml,
        "Patient.extension[0].url",
    );
    is_not_written(r#""contained":[{"id":"a"}]"#, P::NotAResource, "Patient.contained[0]");
    is_not_written(r#""contained":["a"]"#, P::WrongKind, "Patient.contained[0]");
    for (text, problem) in [
        ("[]", P::WrongKind),
        ("{}", P::NotAResource),
        (r#"{"resourceType":"HumanName"}"#, P::NotAResource),
        (r#"{"resourceType":1}"#, P::NotAResource),
    ] {
        assert_eq!(xml(text).unwrap_err().problem, problem, "{text}");
    }
}

#[test]
fn the_order_of_members_does_not_matter() {
    let one = xml(r#"{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"K","_family":{"id":"f"}}]}"#);
    let other =
        xml(r#"{"name":[{"_family":{"id":"f"},"family":"K"}],"active":true,"id":"a","resourceType":"Patient"}"#);
    assert_eq!(one.unwrap(), other.unwrap());
}

#[test]
fn errors_hold_no_text_of_the_document() {
    let text = format!("<Patient {XMLNS}><name><family value='Secretperson'/><secret value='x'/></name></Patient>");
    let error = json(&text).unwrap_err();
    assert_eq!(error.to_string(), format!("unknown element at byte {}", text.find("<secret").unwrap()));
    assert!(!format!("{error:?}").contains("ecret"));
}
