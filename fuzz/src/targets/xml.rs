//! FHIR XML: there and back, from both sides.

use super::json;
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::xml::{XmlError, from_json, to_json};
use aceso_testkit::Canary;

/// Deeper than what is read first: an element is a level in XML, where a member with a text is none in JSON.
const AGAIN: Limits = Limits { max_bytes: usize::MAX, max_depth: 400, max_nodes: usize::MAX };

pub(super) const WORDS: &[&str] = &[
    " xmlns=\"http://hl7.org/fhir\"",
    " xmlns=\"http://www.w3.org/1999/xhtml\"",
    " xmlns:h=\"http://www.w3.org/1999/xhtml\"",
    " xmlns:f=\"http://hl7.org/fhir\"",
    " xmlns=\"\"",
    "<h:div>",
    "</h:div>",
    "<div>",
    "</div>",
    "<br/>",
    "<!-- -->",
    "<?a b?>",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&b;",
    "&#10;",
    "&#x0;",
    " value=\"",
    " id='a'",
    "\"",
    "'",
    "/>",
    "<extension url=\"u\"><valueDecimal value=\"1.0\"/></extension>",
    "<contained><Basic/></contained>",
    "\u{FEFF}",
    "\r\n",
];

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let json = json::seeds();
    let parse = |text: &Vec<u8>| Doc::parse(text.clone(), &Limits::default()).ok();
    let mut seeds: Vec<Vec<u8>> = json.iter().filter_map(parse).filter_map(|doc| from_json(&doc).ok()).collect();
    assert!(seeds.len() > 10, "{} of {} seeds have a form in XML", seeds.len(), json.len());
    seeds.extend(
        [
            r#"<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><f:text><f:status value="generated"/><h:div xml:lang='de'>a&amp;<h:br/><!-- c --></h:div></f:text></f:Patient>"#,
            r#"<Patient xmlns="http://hl7.org/fhir"><text><div xmlns="http://www.w3.org/1999/xhtml" xmlns:s="urn:s"><s:p s:a='1'/><![CDATA[<]]></div></text><name id="n"><given><extension url="u"><valueCode value="c"/></extension></given><given value="a&#10;b"/></name></Patient>"#,
        ]
        .map(|text| text.as_bytes().to_vec()),
    );
    seeds.extend(json);
    seeds
}

pub(super) fn target(bytes: &[u8]) {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let Ok(doc) = Doc::parse(bytes.to_vec(), &Limits::default()) else { return };
        match from_json(&doc) {
            Ok(xml) => {
                assert!(xml.len() <= 100 + 64 * bytes.len(), "much out of little");
                assert_eq!(there_and_back(&xml), xml, "another document comes back");
            }
            Err(error) => quotes_nothing(&error, bytes),
        }
        return;
    }
    match to_json(bytes, &Limits::default()) {
        Ok(json) => {
            assert!(json.len() <= 100 + 16 * bytes.len(), "much out of little");
            let doc = Doc::parse(json.clone(), &AGAIN).expect("what was read is JSON");
            let xml = from_json(&doc).expect("what was read is written");
            assert_eq!(to_json(&xml, &AGAIN).expect("what was written is read"), json, "another resource comes back");
        }
        Err(error) => quotes_nothing(&error, bytes),
    }
}

fn there_and_back(xml: &[u8]) -> Vec<u8> {
    let json = to_json(xml, &AGAIN).expect("what was written is read");
    from_json(&Doc::parse(json, &AGAIN).expect("what was read is JSON")).expect("what was read is written")
}

fn quotes_nothing(error: &XmlError, bytes: &[u8]) {
    assert!(error.offset <= bytes.len(), "an offset beyond the text");
    let text = format!("{error} {}", error.path);
    for (what, value) in Canary::VALUES {
        assert!(!text.contains(value), "an error quotes {what}");
    }
}
