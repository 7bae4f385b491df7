//! FHIR XML on the API: what is asked for by `Accept` and `_format`, bodies, and errors (R4 http.html, sections 3.1.0.1.9 and 11).

use super::support::{ANNA, Answer, Call, House, observation, patient, records, without_id};
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::{ValidateOptions, validate, xml};
use serde_json::{Value, json};

const XML: &str = "application/fhir+xml; charset=utf-8";
const PULSE: &str = "11111111-0000-4000-8000-000000000001";
const CANARY: &str = "Zebrafish";

/// What an answer in XML says, as JSON.
#[track_caller]
fn said(answer: &Answer) -> Value {
    assert!(answer.header("content-type").is_some_and(|media| media.contains("xml")), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("vary"), Some("Accept"));
    let json = xml::to_json(&answer.body, &Limits::default()).unwrap_or_else(|e| panic!("{e}: {}", answer.text()));
    serde_json::from_slice(&json).unwrap()
}

#[track_caller]
fn as_xml(record: &Value) -> Vec<u8> {
    let doc = Doc::parse(record.to_string().into_bytes(), &Limits::default());
    xml::from_json(&doc.unwrap_or_else(|error| panic!("{error}"))).unwrap()
}

impl Call<'_> {
    fn xml(self, record: &Value) -> Self {
        self.body("application/fhir+xml", as_xml(record))
    }
}

async fn get(house: &House, role: &str, path: &str) -> Answer {
    house.call(role, "GET", path).header("accept", "application/fhir+xml").send().await
}

#[tokio::test]
async fn every_reading_interaction_says_the_same_in_xml_for_every_role() {
    let house = House::open().await;
    let anna = format!("/Patient/{ANNA}");
    house.put("physician", &anna, &patient(ANNA, "Keller", "Anna Maria", "1971-05-09", "MRN-1")).await.expect(200);
    let paths = [
        anna.clone(),
        format!("{anna}?_summary=true"),
        format!("{anna}?_elements=name"),
        format!("{anna}/_history"),
        format!("{anna}/_history/1"),
        format!("{anna}/$everything"),
        format!("{anna}/Observation?_sort=date&_count=2"),
        format!("{anna}/Observation?_summary=count"),
        "/Patient?name=keller&_revinclude=Observation:subject".to_owned(),
        "/Organization/ward".to_owned(),
        "/Patient/00000000-0000-4000-8000-000000000000".to_owned(),
        "/Patient?nosuchparameter=1".to_owned(),
        "/Nothing/1".to_owned(),
        format!("/Coverage?patient={ANNA}"),
    ];
    let mut redacted = 0;
    for role in ["physician", "nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient"] {
        for path in &paths {
            let plain = house.get(role, path).await;
            let answer = get(&house, role, path).await;
            assert_eq!(answer.status, plain.status, "{role} {path}");
            assert_eq!(answer.header("etag"), plain.header("etag"), "{role} {path}");
            assert_eq!(answer.header("last-modified"), plain.header("last-modified"), "{role} {path}");
            assert!(answer.header("x-audit-receipt").is_some(), "{role} {path}");
            let (said, mut expected) = (said(&answer), plain.json());
            redacted += usize::from(said.to_string().contains("REDACTED"));
            // Page links are sealed anew each time.
            let mut said = said;
            for bundle in [&mut said, &mut expected] {
                if let Some(links) = bundle.get_mut("link").and_then(Value::as_array_mut) {
                    links.retain(|link| link["relation"] == "self");
                }
            }
            assert_eq!(said, expected, "{role} {path}");
        }
    }
    assert!(redacted > 20, "{redacted}");
}

#[tokio::test]
async fn a_masked_primitive_is_an_element_with_an_extension_and_no_value() {
    let house = House::open().await;
    let shown = get(&house, "billing", &format!("/Patient/{ANNA}")).await.expect(200);
    let text = shown.text();
    let plain = house.get("billing", &format!("/Patient/{ANNA}")).await.json();
    let masked: Vec<&String> = plain.as_object().unwrap().keys().filter(|key| key.starts_with('_')).collect();
    let role_masks_something = "researcher";
    let hidden = get(&house, role_masks_something, "/Patient?gender=female").await;
    let both = format!("{text}{}", hidden.text());
    assert!(both.contains("data-absent-reason") || masked.is_empty(), "{both}");
    for key in masked {
        let element =
            format!("<{}><extension url=\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\">", &key[1..]);
        assert!(text.contains(&element), "{key}: {text}");
    }
}

#[tokio::test]
async fn the_format_parameter_goes_before_accept_and_the_rest_is_negotiated() {
    let house = House::open().await;
    let path = format!("/Patient/{ANNA}");
    for (accept, format, media) in [
        ("application/fhir+xml", "", XML),
        ("application/xml", "", "application/xml; charset=utf-8"),
        ("text/xml", "", "text/xml; charset=utf-8"),
        ("application/json", "", "application/json; charset=utf-8"),
        ("*/*", "", "application/fhir+json; charset=utf-8"),
        ("text/*", "", "text/json; charset=utf-8"),
        ("application/fhir+json;q=0, */*", "", XML),
        ("application/fhir+json;q=0.5, application/fhir+xml;q=0.9", "", XML),
        ("application/fhir+xml;q=0.5, application/fhir+json", "", "application/fhir+json; charset=utf-8"),
        ("application/fhir+xml, application/fhir+json", "", XML),
        ("application/fhir+xml; fhirVersion=4.0", "", XML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", "application/xml; charset=utf-8"),
        ("application/fhir+json", "xml", XML),
        ("text/html", "xml", XML),
        ("text/html", "json", "application/fhir+json; charset=utf-8"),
        ("application/fhir+json", "application/fhir%2Bxml", XML),
        ("application/fhir+json", "application/fhir+xml", XML),
        ("application/fhir+json", "text/xml", "text/xml; charset=utf-8"),
        ("application/fhir+xml", "application/json", "application/json; charset=utf-8"),
    ] {
        let path = if format.is_empty() { path.clone() } else { format!("{path}?_format={format}") };
        let answer = house.call("physician", "GET", &path).header("accept", accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some(media), "{accept} {format}");
    }
    for accept in [
        "application/fhir+turtle",
        "text/html",
        "application/fhir+xml;q=0",
        "application/fhir+xml; fhirVersion=3.0",
        "application/fhir+xml;q=x",
    ] {
        let answer = house.call("physician", "GET", &path).header("accept", accept).send().await.expect(406);
        assert_eq!(answer.issue().0, "not-supported", "{accept}");
    }
    for format in ["ttl", "html", "application/fhir%2Bturtle", "XML", ""] {
        let answer = get(&house, "physician", &format!("{path}?_format={format}")).await.expect(406);
        assert_eq!(answer.issue().1, "http._format", "{format}");
    }
    let twice = house.get("physician", &format!("{path}?_format=xml&_format=json")).await.expect(400);
    assert_eq!(twice.issue().1, "http._format");
}

#[tokio::test]
async fn searches_by_form_take_the_format_from_the_form() {
    let house = House::open().await;
    let form = |text: &str| {
        let body = text.to_owned();
        house.call("physician", "POST", "/Patient/_search").body("application/x-www-form-urlencoded", body)
    };
    let found = form("name=keller&_format=xml").send().await.expect(200);
    assert_eq!(said(&found)["entry"].as_array().unwrap().len(), 2);
    let found = form("name=keller&_format=json").header("accept", "application/fhir+xml").send().await.expect(200);
    assert_eq!(found.names().len(), 2);
    let refused = form("nosuchparameter=1&_format=xml").send().await.expect(400);
    assert_eq!(said(&refused)["resourceType"], "OperationOutcome");
    let found = form("name=keller").header("accept", "application/fhir+xml").send().await.expect(200);
    assert_eq!(said(&found)["total"], 2);
    form("name=keller&_format=ttl").send().await.expect(406);
}

#[tokio::test]
async fn pages_stay_in_the_notation_that_was_asked_for() {
    let house = House::open().await;
    let next = |page: &Value| {
        let links = page["link"].as_array().unwrap();
        let next = links.iter().find(|link| link["relation"] == "next")?;
        Some(next["url"].as_str().unwrap().strip_prefix(super::support::BASE).unwrap().to_owned())
    };
    for path in [
        format!("/Patient/{ANNA}/Observation?_count=1&_format=xml"),
        format!("/Patient/{ANNA}/$everything?_count=2&_format=application/fhir%2Bxml"),
    ] {
        let (mut pages, mut at) = (0, Some(path));
        while let Some(path) = at {
            let page = said(&house.get("physician", &path).await.expect(200));
            pages += 1;
            at = next(&page);
            assert!(at.as_ref().is_none_or(|path| path.ends_with("&_format=xml")), "{at:?}");
        }
        assert!(pages >= 3, "{pages}");
    }
    for value in [73.0, 74.0] {
        let record = observation(PULSE, ANNA, "8867-4", value, "2024-01-05");
        house.put("physician", &format!("/Observation/{PULSE}"), &record).await.expect(200);
    }
    let first =
        house.get("physician", &format!("/Observation/{PULSE}/_history?_count=1&_format=xml")).await.expect(200);
    let second = house.get("physician", &next(&said(&first)).unwrap()).await.expect(200);
    assert_eq!(said(&second)["entry"][0]["resource"]["meta"]["versionId"], "2");
}

#[tokio::test]
async fn records_are_written_from_xml_and_are_the_same_records() {
    let house = House::open().await;
    let mut record = without_id(patient("x", "Carl & <Söhne>", "Carla", "1990-01-01", "MRN-3"));
    record["text"] = json!({ "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &amp; b<br /></p></div>" });
    record["_birthDate"] = json!({ "id": "b", "extension": [{ "url": "http://x.example/e", "valueDecimal": 1.5 }] });
    for media in
        ["application/fhir+xml", "application/xml; charset=UTF-8", "text/xml", "application/fhir+xml; fhirVersion=4.0"]
    {
        let made = house.call("physician", "POST", "/Patient").body(media, as_xml(&record)).send().await.expect(201);
        let location = made.header("location").unwrap().to_owned();
        let path = location.strip_prefix(super::support::BASE).unwrap().split("/_history").next().unwrap().to_owned();
        let mut stored = house.get("physician", &path).await.expect(200).json();
        let object = stored.as_object_mut().unwrap();
        assert!(object.remove("id").is_some() && object.remove("meta").is_some());
        assert_eq!(stored, record, "{media}");
    }
    for media in [
        "application/fhir+xml; charset=latin1",
        "application/fhir+xml; fhirVersion=3.0",
        "application/xhtml+xml",
        "xml",
    ] {
        house.call("physician", "POST", "/Patient").body(media, as_xml(&record)).send().await.expect(415);
    }
    let pulse = observation(PULSE, ANNA, "8867-4", 90.25, "2024-01-05");
    let path = format!("/Observation/{PULSE}");
    let changed =
        house.call("physician", "PUT", &path).header("prefer", "return=representation").header("accept", "text/xml");
    let changed = changed.xml(&pulse).send().await.expect(200);
    assert_eq!(changed.header("etag"), Some("W/\"2\""));
    assert_eq!(said(&changed)["valueQuantity"]["value"], 90.25);
    let stored = house.call("physician", "PUT", &path).header("prefer", "return=OperationOutcome").xml(&pulse);
    let stored = stored.header("accept", "application/fhir+xml").send().await.expect(200);
    assert_eq!(said(&stored)["issue"][0]["severity"], "information");
    let conditional = house.call("physician", "PUT", "/Organization?name=Ward%20seven&_format=xml");
    let conditional = conditional.header("prefer", "return=representation").xml(&records()[0]).send().await.expect(200);
    assert_eq!(said(&conditional)["id"], "ward");
}

#[tokio::test]
async fn bundles_are_done_in_xml_from_end_to_end() {
    let house = House::open().await;
    let fresh = "44444444-0000-4000-8000-000000000001";
    let entries = json!([
        { "resource": observation(fresh, ANNA, "8867-4", 1.5, "2024-02-02"), "request": { "method": "PUT", "url": format!("Observation/{fresh}") } },
        { "request": { "method": "GET", "url": format!("Patient/{ANNA}") } },
    ]);
    for kind in ["transaction", "batch"] {
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        let done = house.call("physician", "POST", "").xml(&bundle).header("accept", "application/fhir+xml");
        let done = said(&done.send().await.expect(200));
        assert_eq!(done["type"], format!("{kind}-response"));
        assert_eq!(done["entry"][1]["resource"]["birthDate"], "1971-05-09");
    }
    let refused = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
        { "resource": { "resourceType": "Patient", "gender": CANARY }, "request": { "method": "POST", "url": "Patient" } } ] });
    let refused = house.call("physician", "POST", "?_format=xml").xml(&refused).send().await.expect(200);
    assert!(said(&refused)["entry"][0]["response"]["outcome"]["issue"][0]["code"].is_string());
    assert!(!refused.text().contains(CANARY));
}

#[tokio::test]
async fn operations_of_terminology_take_and_give_xml() {
    let house = House::empty().await;
    let genders = "http://hl7.org/fhir/ValueSet/administrative-gender";
    let expanded = house.get("nurse", &format!("/ValueSet/$expand?url={genders}&_format=xml")).await.expect(200);
    assert_eq!(said(&expanded)["expansion"]["total"], 4);
    let asked = json!({ "resourceType": "Parameters", "parameter": [{ "name": "url", "valueUri": genders },
        { "name": "system", "valueUri": "http://hl7.org/fhir/administrative-gender" }, { "name": "code", "valueCode": "male" }] });
    let judged = house.call("nurse", "POST", "/ValueSet/$validate-code").xml(&asked).header("accept", "text/xml");
    assert_eq!(said(&judged.send().await.expect(200))["parameter"][0]["valueBoolean"], true);
}

#[tokio::test]
async fn bodies_that_are_no_fhir_xml_are_refused_with_their_place_and_without_their_text() {
    let house = House::open().await;
    let before = house.state().await;
    let patient = |inner: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">{inner}</Patient>").into_bytes();
    let deep = "<extension url='u'>".repeat(40) + CANARY + &"</extension>".repeat(40);
    for (name, body, status, place) in [
        ("empty", Vec::new(), 400, ""),
        ("JSON", json!({ "resourceType": "Patient" }).to_string().into_bytes(), 400, ""),
        ("cut", patient(CANARY)[..50].to_vec(), 400, "Patient"),
        ("text", patient(CANARY), 400, "Patient"),
        ("unknown element", patient(&format!("<{CANARY} value='1'/>")), 400, "Patient"),
        ("unknown attribute", patient(&format!("<active value='true' note='{CANARY}'/>")), 400, "Patient.active"),
        ("order", patient("<gender value='male'/><active value='true'/>"), 400, "Patient.active"),
        ("no boolean", patient(&format!("<active value='{CANARY}'/>")), 400, "Patient.active"),
        ("entity", patient(&format!("<name><family value='&{CANARY};'/></name>")), 400, "Patient.name[0].family"),
        ("document type", format!("<!DOCTYPE {CANARY} SYSTEM 'file:///etc/{CANARY}'><Patient/>").into_bytes(), 400, ""),
        ("another namespace", format!("<Patient xmlns='urn:{CANARY}'/>").into_bytes(), 400, ""),
        ("too deep", patient(&deep), 400, &format!("Patient{}", ".extension[0]".repeat(31))),
        ("no UTF-8", b"<Patient xmlns='http://hl7.org/fhir'>\xFF</Patient>".to_vec(), 400, ""),
        ("no date", patient(&format!("<birthDate value='{CANARY}'/>")), 422, "Patient.birthDate"),
        ("no code", patient(&format!("<gender value='{CANARY}'/>")), 422, "Patient.gender"),
        (
            "required",
            patient("<communication><preferred value='true'/></communication>"),
            422,
            "Patient.communication[0].language",
        ),
        ("another type", b"<Basic xmlns='http://hl7.org/fhir'/>".to_vec(), 422, "Basic.code"),
        ("too long", vec![b' '; super::support::BODY_LIMIT + 1], 413, ""),
    ] {
        let call = house.call("physician", "POST", "/Patient").body("application/fhir+xml", body);
        let answer = call.header("accept", "application/fhir+xml").send().await.expect(status);
        let outcome = said(&answer);
        let issue = &outcome["issue"][0];
        assert_eq!(issue["expression"][0].as_str().unwrap_or_default(), place, "{name}");
        assert!(!answer.text().contains(CANARY), "{name}: {}", answer.text());
        // Places in the text are given where it is the sender's text.
        let text = issue["diagnostics"].as_str().unwrap();
        assert_eq!(text.contains("byte") && status != 413, status == 400, "{name}: {text}");
        assert!(answer.header("x-audit-receipt").is_some(), "{name}");
    }
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn faults_of_every_kind_come_as_xml_to_who_asks_for_it() {
    let house = House::empty().await;
    for (role, method, path, status) in [
        ("", "GET", "/fhir/R4/Patient/x", 401),
        ("operator", "GET", "/fhir/R4/Patient?name=x", 403),
        ("physician", "GET", "/fhir/R4/nothing/at/all/here/x", 404),
        ("physician", "TRACE", "/fhir/R4/Patient", 405),
        ("physician", "GET", "/fhir/R4/Patient?_count=x", 400),
    ] {
        let answer = house.raw(role, method, path).header("accept", "application/fhir+xml").send().await.expect(status);
        assert_eq!(said(&answer)["resourceType"], "OperationOutcome", "{method} {path}");
        assert_eq!(answer.header("content-type"), Some(XML));
    }
    // Where FHIR is not spoken, nothing changes.
    let problem = house.raw("physician", "GET", "/admin/v1/connections").header("accept", "application/fhir+xml");
    assert_eq!(problem.send().await.expect(403).header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn head_and_304_have_the_headers_of_the_notation_and_no_body() {
    let house = House::open().await;
    let path = format!("/Patient/{ANNA}");
    let head = house.call("physician", "HEAD", &path).header("accept", "application/fhir+xml").send().await.expect(200);
    assert!(head.body.is_empty());
    let whole = get(&house, "physician", &path).await.body.len().to_string();
    assert_eq!((head.header("content-type"), head.header("content-length")), (Some(XML), Some(whole.as_str())));
    let known = house.call("physician", "GET", &path).header("accept", "application/fhir+xml");
    let known = known.header("if-none-match", "W/\"1\"").send().await.expect(304);
    assert!(known.body.is_empty() && known.header("content-type").is_none());
}

#[tokio::test]
async fn what_has_no_form_in_xml_is_not_shown_in_part() {
    let house = House::open().await;
    let record = json!({ "resourceType": "Organization", "id": "odd", "name": format!("{CANARY}\u{FFFF}") });
    let put =
        house.call("physician", "PUT", "/Organization/odd").json(&record).header("accept", "application/fhir+xml");
    // The write stands, so its answer is not refused.
    let put = put.header("prefer", "return=representation").send().await.expect(201);
    assert_eq!(put.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(put.json()["name"], record["name"]);
    for (path, place) in
        [("/Organization/odd", "Organization.name"), ("/Organization?_id=odd", "Bundle.entry[0].resource.name")]
    {
        let answer = get(&house, "physician", path).await.expect(406);
        let outcome = said(&answer);
        assert_eq!(outcome["issue"][0]["expression"][0], place);
        assert!(!answer.text().contains(CANARY) && answer.header("etag").is_none());
        assert!(answer.header("x-audit-receipt").is_some());
    }
    house.get("physician", "/Organization/odd").await.expect(200);
}

#[tokio::test]
async fn the_statement_names_both_notations_and_comes_in_both() {
    let house = House::empty().await;
    let plain = house.raw("", "GET", "/fhir/R4/metadata").send().await.expect(200).json();
    assert_eq!(plain["format"], json!(["application/fhir+json", "application/fhir+xml", "json", "xml"]));
    let doc = Doc::parse(plain.to_string().into_bytes(), &Limits::default());
    let judged = validate(&doc.unwrap_or_else(|error| panic!("{error}")), &ValidateOptions::default());
    assert_eq!(judged.unwrap().name(), "CapabilityStatement");
    for (path, accept) in [("/fhir/R4/metadata?_format=xml", "*/*"), ("/fhir/R4/metadata", "application/fhir+xml")] {
        let answer = house.raw("", "GET", path).header("accept", accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some(XML));
        let json = xml::to_json(&answer.body, &Limits::default()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), plain);
    }
    house.raw("", "GET", "/fhir/R4/metadata?_format=ttl").send().await.expect(406);
}
