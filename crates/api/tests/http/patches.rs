//! PATCH (R4 http.html, section 3.1.0.6): what it does, what it refuses, and that it tells nobody anything new.

use super::support::{ANNA, Answer, BERTA, House, observation, patient, records};
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PULSE: &str = "/Observation/11111111-0000-4000-8000-000000000001";
const JSON_PATCH: &str = "application/json-patch+json";

async fn patch(house: &House, role: &str, path: &str, operations: &Value) -> Answer {
    house.call(role, "PATCH", path).body(JSON_PATCH, operations.to_string()).send().await
}

fn amend() -> Value {
    json!([{ "op": "replace", "path": "/status", "value": "amended" }])
}

#[tokio::test]
async fn a_patch_makes_a_new_version_and_leaves_the_rest_as_it_was() {
    let house = House::open().await;
    let text = observation("11111111-0000-4000-8000-000000000001", ANNA, "8867-4", 72.0, "2024-01-05").to_string();
    let text = text.replace("72.0", "72.10").replace("\"u\"", "\"\\u0075\"");
    house.call("physician", "PUT", PULSE).body("application/fhir+json", text).send().await.expect(200);
    let operations = json!([
        { "op": "test", "path": "/valueQuantity/value", "value": 72.1 },
        { "op": "replace", "path": "/status", "value": "amended" },
        { "op": "add", "path": "/note", "value": [{ "text": "again" }] },
        { "op": "copy", "from": "/note/0", "path": "/note/-" },
        { "op": "remove", "path": "/note/0" },
    ]);
    let before = house.log_size();
    let done = patch(&house, "nurse", PULSE, &operations).await.expect(200);
    assert_eq!((done.header("etag"), done.body.len()), (Some("W/\"3\""), 0), "no body unless asked for");
    assert!(done.header("location").unwrap().ends_with("/_history/3"));
    assert!(done.header("last-modified").is_some() && done.header("x-audit-receipt").is_some());
    let entries = house.log_since(before);
    let told: Vec<String> = entries
        .iter()
        .map(|logged| {
            let detail = logged.entry.detail().map(|detail| detail.as_str().to_owned()).unwrap_or_default();
            format!("{} {} {detail}", logged.entry.action().as_str(), logged.entry.outcome().as_str())
        })
        .collect();
    assert_eq!(told, ["read granted patch", "patch granted "], "opened as a read, written as a patch");
    let text = house.get("physician", PULSE).await.expect(200).text();
    assert!(text.contains("72.10") && text.contains("\"\\u0075\"") && text.contains("\"amended\""), "{text}");
    assert_eq!(house.get("physician", PULSE).await.json()["note"], json!([{ "text": "again" }]));
    let shown = house.call("nurse", "PATCH", PULSE).header("prefer", "return=representation");
    let shown = shown.body(JSON_PATCH, amend().to_string()).send().await.expect(200);
    assert_eq!(
        (shown.json()["meta"]["versionId"].as_str(), shown.json()["status"].as_str()),
        (Some("4"), Some("amended"))
    );
}

#[tokio::test]
async fn a_patch_is_for_the_version_that_it_names() {
    let house = House::open().await;
    let with = async |tag: &str| {
        house
            .call("physician", "PATCH", PULSE)
            .header("if-match", tag)
            .body(JSON_PATCH, amend().to_string())
            .send()
            .await
    };
    with("W/\"1\"").await.expect(200);
    assert_eq!(with("W/\"1\"").await.expect(412).code(), "conflict");
    with("W/\"2\"").await.expect(200);
    with("*").await.expect(400);
    house.delete("physician", PULSE).await.expect(204);
    assert_eq!(patch(&house, "physician", PULSE, &amend()).await.expect(410).code(), "deleted");
    let absent = "/Observation/77777777-0000-4000-8000-000000000001";
    assert_eq!(patch(&house, "physician", absent, &amend()).await.expect(404).code(), "not-found");
    house.get("physician", absent).await.expect(404);
}

#[tokio::test]
async fn a_conditional_patch_needs_exactly_one_match() {
    let house = House::open().await;
    let by = |query: &str| format!("/Observation?patient={ANNA}&{query}");
    patch(&house, "physician", &by("code=8310-5"), &amend()).await.expect(200);
    let id = "/Observation/11111111-0000-4000-8000-000000000003";
    assert_eq!(house.get("physician", id).await.json()["status"], "amended");
    assert_eq!(patch(&house, "physician", &by("code=8867-4"), &amend()).await.expect(412).code(), "multiple-matches");
    assert_eq!(patch(&house, "physician", &by("code=none"), &amend()).await.expect(404).code(), "not-found");
    patch(&house, "physician", "/Observation", &amend()).await.expect(412);
    patch(&house, "physician", &by("_count=1"), &amend()).await.expect(400);
    // The right to patch is what counts: a condition reads no element of a class that it does not open.
    let race = "/Patient?name=Keller";
    patch(&house, "researcher", race, &json!([])).await.expect(403);
    patch(&house, "integration", race, &json!([])).await.expect(403);
}

#[tokio::test]
async fn what_is_no_patch_or_does_not_fit_is_refused_and_nothing_is_stored() {
    let house = House::open().await;
    let before = house.state().await;
    let anna = format!("/Patient/{ANNA}");
    let secret = "Kzanarie";
    let cases: &[(u16, &str, &str, &str)] = &[
        (415, "application/json", "[]", "not-supported"),
        (415, "text/plain", "[]", "not-supported"),
        (400, JSON_PATCH, "", "structure"),
        (400, JSON_PATCH, "{}", "structure"),
        (400, JSON_PATCH, r#"[{"op":"Kzanarie","path":"/name"}]"#, "structure"),
        (400, JSON_PATCH, r#"[{"op":"add","path":"Kzanarie","value":1}]"#, "structure"),
        (422, JSON_PATCH, r#"[{"op":"test","path":"/name/0/family","value":"Kzanarie"}]"#, "processing"),
        (422, JSON_PATCH, r#"[{"op":"remove","path":"/Kzanarie"}]"#, "processing"),
        (422, JSON_PATCH, r#"[{"op":"replace","path":"/deceasedBoolean","value":true}]"#, "processing"),
        (422, JSON_PATCH, r#"[{"op":"add","path":"/Kzanarie","value":true}]"#, ""),
        (422, JSON_PATCH, r#"[{"op":"add","path":"/birthDate","value":"Kzanarie"}]"#, ""),
        (422, JSON_PATCH, r#"[{"op":"replace","path":"/resourceType","value":"Person"}]"#, ""),
        (422, JSON_PATCH, r#"[{"op":"replace","path":"/id","value":"Kzanarie"}]"#, "business-rule"),
        (422, JSON_PATCH, r#"[{"op":"remove","path":"/id"}]"#, "business-rule"),
        (422, JSON_PATCH, r#"[{"op":"remove","path":""}]"#, "processing"),
        (
            422,
            JSON_PATCH,
            r#"[{"op":"add","path":"/managingOrganization","value":{"reference":"Organization/Kzanarie"}}]"#,
            "not-found",
        ),
    ];
    for (status, media, body, code) in cases {
        let size = house.log_size();
        let answer = house.call("physician", "PATCH", &anna).body(media, *body).send().await.expect(*status);
        let (text, issued) = (answer.text(), answer.code());
        assert!(code.is_empty() || issued == *code, "{body}: {text}");
        assert!(!text.contains(secret) && !text.contains("Keller"), "{body}: {text}");
        assert!(answer.header("x-audit-receipt").is_some() && house.log_size() > size, "{body}");
        let entries = house.log_since(size);
        let last = entries.last().unwrap();
        assert_eq!((last.entry.action().as_str(), last.entry.outcome().as_str()), ("patch", "failed"), "{body}");
    }
    let place =
        patch(&house, "physician", &anna, &json!([{ "op": "test", "path": "/name/0/family", "value": 1 }])).await;
    assert_eq!(place.json()["issue"][0]["expression"], json!(["Patient.name[0].family"]));
    assert!(place.text().contains("operation 0: the test does not hold"), "{}", place.text());
    assert_eq!(house.state().await, before);
}

fn entry(url: &str, resource: Value) -> Value {
    json!({ "request": { "method": "PATCH", "url": url }, "resource": resource })
}

fn binary(operations: &Value) -> Value {
    let data = BASE64.encode(operations.to_string().as_bytes());
    json!({ "resourceType": "Binary", "contentType": JSON_PATCH, "data": data })
}

async fn send(house: &House, role: &str, kind: &str, entries: &[Value]) -> Answer {
    house.post(role, "", &json!({ "resourceType": "Bundle", "type": kind, "entry": entries })).await
}

#[tokio::test]
async fn patches_are_entries_of_bundles_too() {
    let house = House::open().await;
    let urn = "urn:uuid:66666666-0000-4000-8000-000000000001";
    let device = json!({ "fullUrl": urn, "request": { "method": "POST", "url": "Organization" },
        "resource": { "resourceType": "Organization", "name": "Laboratory" } });
    let refer = json!([{ "op": "add", "path": "/performer/-", "value": { "reference": urn } }]);
    let by_condition = format!("Observation?patient={ANNA}&code=8310-5");
    let entries = [entry(&PULSE[1..], binary(&refer)), device.clone(), entry(&by_condition, binary(&amend()))];
    let done = send(&house, "physician", "transaction", &entries).await.expect(200).json();
    let status = |at: usize| done["entry"][at]["response"]["status"].as_str().unwrap().to_owned();
    assert_eq!([status(0), status(1), status(2)], ["200 OK", "201 Created", "200 OK"]);
    let made = done["entry"][1]["response"]["location"].as_str().unwrap().split("/_history").next().unwrap().to_owned();
    assert_eq!(house.get("physician", PULSE).await.json()["performer"][1]["reference"], made.as_str());

    let before = house.state().await;
    let wrong = json!([{ "op": "test", "path": "/status", "value": "unknown" }]);
    let refused = send(&house, "physician", "transaction", &[device.clone(), entry(&PULSE[1..], binary(&wrong))]).await;
    assert_eq!(refused.expect(422).json()["issue"][0]["expression"], json!(["Bundle.entry[1].resource.status"]));
    let twice = [entry(&PULSE[1..], binary(&amend())), entry(&PULSE[1..], binary(&amend()))];
    send(&house, "physician", "transaction", &twice).await.expect(400);
    let mut stale = entry(&PULSE[1..], binary(&amend()));
    stale["request"]["ifMatch"] = json!("W/\"1\"");
    send(&house, "physician", "transaction", &[device.clone(), stale.clone()]).await.expect(412);
    send(&house, "integration", "transaction", &[device, entry(&PULSE[1..], binary(&amend()))]).await.expect(403);
    assert_eq!(house.state().await, before, "all or nothing");

    let odd = json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "" });
    let no_base64 = json!({ "resourceType": "Binary", "contentType": JSON_PATCH, "data": "*" });
    let entries = [
        entry(&PULSE[1..], binary(&amend())),
        entry(&PULSE[1..], binary(&wrong)),
        stale,
        entry(&PULSE[1..], odd),
        entry(&PULSE[1..], no_base64),
        entry(&PULSE[1..], json!({ "resourceType": "Basic", "code": {} })),
    ];
    let done = send(&house, "physician", "batch", &entries).await.expect(200).json();
    let statuses: Vec<&str> = done["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["response"]["status"].as_str().unwrap()[..3])
        .collect();
    assert_eq!(statuses, ["200", "422", "412", "400", "400", "400"]);
}

/// One operation of a FHIRPath Patch.
fn parameters(kind: &str, path: &str, others: &[Value]) -> Value {
    let mut parts = vec![json!({ "name": "type", "valueCode": kind }), json!({ "name": "path", "valueString": path })];
    parts.extend_from_slice(others);
    json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": parts }] })
}

async fn send_as(house: &House, media: &str, path: &str, body: String) -> Answer {
    house.call("nurse", "PATCH", path).body(media, body).send().await
}

#[tokio::test]
async fn a_fhirpath_patch_changes_elements_in_json_and_xml_and_in_bundles() {
    let house = House::open().await;
    let anna = format!("/Patient/{ANNA}");
    let family = |value: &str| {
        parameters("replace", "Patient.name[0].family", &[json!({ "name": "value", "valueString": value })])
    };
    send_as(&house, "application/fhir+json", &anna, family("Neu").to_string()).await.expect(200);
    assert_eq!(house.get("nurse", &anna).await.json()["name"], json!([{ "family": "Neu", "given": ["Anna"] }]));
    let xml = r#"<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
        <part><name value="type"/><valueCode value="add"/></part><part><name value="path"/><valueString value="Patient.name.where(family = 'Neu')"/></part>
        <part><name value="name"/><valueString value="given"/></part><part><name value="value"/><valueString value="Ida"/></part></parameter></Parameters>"#;
    send_as(&house, "application/fhir+xml", &anna, xml.to_owned()).await.expect(200);
    assert_eq!(house.get("nurse", &anna).await.json()["name"][0]["given"], json!(["Anna", "Ida"]));
    let done = send(&house, "nurse", "transaction", &[entry(&anna[1..], family("Alt"))]).await.expect(200).json();
    assert_eq!(done["entry"][0]["response"]["etag"], "W/\"4\"");

    let before = house.state().await;
    for (status, patch) in [
        (
            422,
            parameters("replace", "Patient.name[7].family", &[json!({ "name": "value", "valueString": "Kzanarie" })]),
        ),
        (
            422,
            parameters(
                "replace",
                "Patient.name.where(family = 'Kzanarie').family",
                &[json!({ "name": "value", "valueString": "x" })],
            ),
        ),
        (422, parameters("replace", "Patient.active", &[json!({ "name": "value", "valueString": "Kzanarie" })])),
        (422, parameters("replace", "Patient.id", &[json!({ "name": "value", "valueId": "kzanarie" })])),
        (
            422,
            parameters(
                "add",
                "Patient",
                &[json!({ "name": "name", "valueString": "Kzanarie" }), json!({ "name": "value", "valueString": "x" })],
            ),
        ),
        (400, parameters("Kzanarie", "Patient.name", &[])),
        (400, parameters("delete", "Patient.name[", &[])),
        (400, patient(ANNA, "Kzanarie", "x", "1971-05-09", "1")),
    ] {
        let answer = send_as(&house, "application/fhir+json", &anna, patch.to_string()).await.expect(status);
        let text = answer.text();
        assert!(!text.contains("Kzanarie") && !text.contains("kzanarie") && !text.contains("Alt"), "{text}");
    }
    send_as(&house, "application/fhir+xml", &anna, "<Parameters".to_owned()).await.expect(400);
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn an_xml_patch_changes_the_xml_form_of_a_resource() {
    let house = House::open().await;
    let anna = format!("/Patient/{ANNA}");
    let media = "application/xml-patch+xml";
    let diff = |operations: &str| format!(r#"<diff xmlns="http://hl7.org/fhir">{operations}</diff>"#);
    let operations = r#"<replace sel="f:Patient/f:name[1]/f:family/@value">Neu</replace>
        <remove sel="f:Patient/f:telecom[f:system/@value='phone']"/><add sel="f:Patient/f:birthDate" pos="after"><deceasedBoolean value="false"/></add>"#;
    send_as(&house, media, &anna, diff(operations)).await.expect(200);
    let read = house.get("nurse", &anna).await.json();
    assert_eq!((&read["name"][0]["family"], &read["deceasedBoolean"]), (&json!("Neu"), &json!(false)));
    assert_eq!((read.get("telecom"), &read["birthDate"]), (None, &json!("1971-05-09")));
    let before = house.state().await;
    for (status, body) in [
        (422, diff(r#"<remove sel="f:Patient/f:telecom"/>"#)),
        (422, diff(r#"<replace sel="f:Patient/f:name[f:family/@value='Kzanarie']/f:family/@value">x</replace>"#)),
        (422, diff(r#"<add sel="f:Patient"><Kzanarie value="1"/></add>"#)),
        (422, diff(r#"<replace sel="f:Patient/f:id/@value">kzanarie</replace>"#)),
        (400, diff(r#"<Kzanarie sel="f:Patient"/>"#)),
        (400, diff(r#"<remove sel="f:Patient//f:Kzanarie"/>"#)),
        (400, diff("")),
        (400, "<diff".to_owned()),
        (400, r#"<!DOCTYPE diff [<!ENTITY a "Kzanarie">]><diff><remove sel="&a;"/></diff>"#.to_owned()),
    ] {
        let answer = send_as(&house, media, &anna, body.clone()).await.expect(status);
        let text = answer.text();
        assert!(!text.contains("Kzanarie") && !text.contains("kzanarie"), "{body}: {text}");
    }
    assert_eq!(house.state().await, before);
}

/// Patches that would tell, by how they end, what a record holds.
fn probes() -> Vec<Value> {
    let race = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex";
    vec![
        json!([]),
        json!([{ "op": "test", "path": "/active", "value": true }]),
        json!([{ "op": "test", "path": "/active", "value": false }]),
        json!([{ "op": "test", "path": "/extension", "value": null }]),
        json!([{ "op": "test", "path": "/extension/0/url", "value": race }]),
        json!([{ "op": "test", "path": "/extension/0/valueCode", "value": "F" }]),
        json!([{ "op": "test", "path": "/extension/0/valueCode", "value": "M" }]),
        json!([{ "op": "remove", "path": "/extension" }]),
        json!([{ "op": "remove", "path": "/extension/0" }]),
        json!([{ "op": "remove", "path": "/name/0/extension" }]),
        json!([{ "op": "replace", "path": "/extension/0/valueCode", "value": "M" }]),
        json!([{ "op": "add", "path": "/extension/1", "value": { "url": race, "valueCode": "M" } }]),
        json!([{ "op": "add", "path": "/extension/-", "value": { "url": race, "valueCode": "M" } }]),
        json!([{ "op": "copy", "from": "/extension/0/valueCode", "path": "/name/0/text" }]),
        json!([{ "op": "move", "from": "/extension", "path": "/modifierExtension" }]),
        json!([{ "op": "replace", "path": "", "value": patient(BERTA, "A", "B", "1990-01-01", "x") }]),
        json!([{ "op": "test", "path": "/meta/security/0/code", "value": "REDACTED" }]),
        json!([{ "op": "nothing", "path": "/extension/0" }]),
    ]
}

/// What an answer says, without what differs between any two requests.
fn said(answer: &Answer, id: &str) -> String {
    let headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "x-audit-receipt" | "date"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    format!("{} {headers:?} {}", answer.status, answer.text()).replace(id, "ID")
}

#[tokio::test]
async fn a_patch_tells_nothing_of_what_its_caller_may_not_see() {
    let house = House::open().await;
    let id = |number: u8| format!("5eed{number:04}-0b1d-4b1d-8b1d-c0ffee0ca9a7");
    let hidden = |code: &str| json!({ "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": code });
    let mut variants = Vec::new();
    for number in 0..5 {
        let mut record = patient(&id(number), "Probe", "Same", "1970-01-01", "P");
        match number {
            1 => record["extension"] = json!([hidden("F")]),
            2 => record["extension"] = json!([hidden("M")]),
            3 => record["extension"] = json!([hidden("F"), hidden("M")]),
            4 => record["name"][0]["extension"] = json!([{ "url": "http://elsewhere.example/x", "valueString": "F" }]),
            _ => {}
        }
        let path = format!("/Patient/{}", id(number));
        house.put("physician", &path, &record).await.expect(201);
        variants.push((id(number), path));
    }
    for role in ["nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient", "integration"] {
        let mut refusals = BTreeSet::new();
        for operations in probes() {
            let mut answers = Vec::new();
            for (id, path) in &variants {
                // With something hidden and without, of the same version each time.
                answers.push(said(&patch(&house, role, path, &operations).await, id));
            }
            let alike: BTreeSet<&String> = answers[1..].iter().collect();
            assert_eq!(alike.len(), 1, "{role} {operations}: {answers:#?}");
            assert!(!answers[1].starts_with("200 "), "{role} {operations}");
            if !answers[1].starts_with("400 ") {
                refusals.insert(answers[1].clone());
            }
        }
        // Nor does the format.
        let by_path = |path: &str| parameters("delete", path, &[]).to_string();
        for (media, body) in [
            ("application/fhir+json", by_path("Patient.extension.where(value = 'F')")),
            ("application/fhir+json", by_path("Patient.name.where(extension.exists()).given")),
            (
                "application/xml-patch+xml",
                r#"<d><remove sel="f:Patient/f:extension[f:valueCode/@value='F']"/></d>"#.to_owned(),
            ),
        ] {
            for (id, path) in &variants[1..] {
                let answer = house.call(role, "PATCH", path).body(media, body.clone()).send().await;
                refusals.insert(said(&answer, id));
            }
        }
        // Not even what the patch says makes a difference.
        assert_eq!(refusals.len(), 1, "{role}: {refusals:#?}");
        // That something is hidden is what a read says; nothing else of it shows.
        let redacted = async |path: &str| house.get(role, path).await.text().contains("REDACTED");
        if matches!(role, "nurse" | "front-desk") {
            assert!(!redacted(&variants[0].1).await || role != "nurse");
            for (_, path) in &variants[1..] {
                assert!(redacted(path).await, "{role}");
            }
        }
        let absent = "/Patient/5eed0009-0b1d-4b1d-8b1d-c0ffee0ca9a7";
        let nobody = said(&patch(&house, role, absent, &json!([])).await, "5eed0009-0b1d-4b1d-8b1d-c0ffee0ca9a7");
        if !matches!(role, "nurse" | "front-desk") {
            assert_eq!(refusals.first(), Some(&nobody), "{role}: a record that is there looks like one that is not");
        }
    }
    for (at, (_, path)) in variants.iter().enumerate().skip(1) {
        let read = house.get("physician", path).await.expect(200).json();
        assert_eq!(read["meta"]["versionId"], "1", "{at}: nothing was changed");
    }
}

#[tokio::test]
async fn who_sees_and_changes_all_of_a_record_patches_it_whatever_else_is_closed_to_him() {
    let house = House::open().await;
    let phone = json!([{ "op": "replace", "path": "/telecom/0/value", "value": "+1 555 0000" }]);
    patch(&house, "front-desk", &format!("/Patient/{ANNA}"), &phone).await.expect(200);
    // What he could not read back afterwards he does not add by a patch.
    let add = json!([{ "op": "add", "path": "/extension", "value": [{ "url": "http://elsewhere.example/x", "valueString": "F" }] }]);
    assert_eq!(patch(&house, "front-desk", &format!("/Patient/{ANNA}"), &add).await.expect(403).code(), "forbidden");
    // The financial part of a coverage is written at the desk and not read there.
    let coverage = records().into_iter().find(|record| record["resourceType"] == "Coverage").unwrap();
    let path = format!("/Coverage/{}", coverage["id"].as_str().unwrap());
    house.put("front-desk", &path, &coverage).await.expect(200);
    patch(&house, "front-desk", &path, &json!([])).await.expect(403);
    patch(&house, "billing", &path, &json!([{ "op": "replace", "path": "/status", "value": "draft" }]))
        .await
        .expect(200);
}

#[tokio::test]
async fn patches_of_one_record_at_once_are_all_applied() {
    let house = House::open().await;
    let add = |text: &str| json!([{ "op": "add", "path": "/note/-", "value": { "text": text } }]);
    patch(&house, "physician", PULSE, &json!([{ "op": "add", "path": "/note", "value": [{ "text": "0" }] }]))
        .await
        .expect(200);
    let (one, two, three) = (add("1"), add("2"), add("3"));
    let answers = tokio::join!(
        patch(&house, "physician", PULSE, &one),
        patch(&house, "physician", PULSE, &two),
        patch(&house, "physician", PULSE, &three),
    );
    for answer in [answers.0, answers.1, answers.2] {
        answer.expect(200);
    }
    let notes = house.get("physician", PULSE).await.json()["note"].clone();
    let mut texts: Vec<&str> = notes.as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn the_capability_statement_names_the_formats_of_patches() {
    let house = House::open().await;
    let statement = house.get("", "/metadata").await.expect(200).json();
    assert_eq!(
        statement["patchFormat"],
        json!([JSON_PATCH, "application/fhir+json", "application/xml-patch+xml", "application/fhir+xml"])
    );
    let patient =
        statement["rest"][0]["resource"].as_array().unwrap().iter().find(|of| of["type"] == "Patient").unwrap();
    assert!(patient["interaction"].as_array().unwrap().contains(&json!({ "code": "patch" })));
}
