//! Input that makes no sense (PLT-5): a clear answer with a place, nothing of the request in it, nothing stored.

use super::support::{ANNA, Answer, BASE, BODY_LIMIT, Call, DEPTH_LIMIT, House, observation, patient, without_id};
use serde_json::{Value, json};

/// Stands in every bad input, and must stand in no answer.
const CANARY: &str = "canary7f3a";
const JSON: &str = "application/fhir+json";

fn body(change: impl Fn(&mut Value)) -> Value {
    let mut record = without_id(observation("x", ANNA, "8867-4", 1.0, "2024-01-01"));
    record["note"] = json!([{ "text": CANARY }]);
    change(&mut record);
    record
}

#[track_caller]
fn judged(name: &str, answer: &Answer, statuses: &[u16]) {
    let text = answer.text_lossy();
    assert!(statuses.contains(&answer.status), "{name}: {} {text}", answer.status);
    let outcome: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{name}: {text}"));
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{name}");
    for issue in outcome["issue"].as_array().unwrap() {
        assert_eq!(issue["severity"], "error", "{name}");
        assert!(issue["diagnostics"].as_str().unwrap().len() > 8, "{name}");
    }
    assert!(!text.contains(CANARY), "{name}: {text}");
    for value in answer.headers.values() {
        assert!(!String::from_utf8_lossy(value.as_bytes()).contains(CANARY), "{name}");
    }
    assert!(answer.header("x-request-id").is_some(), "{name}");
    assert_eq!(answer.header("content-type"), Some("application/fhir+json; charset=utf-8"), "{name}");
}

/// Resources that are none, by what is wrong with them.
fn bad_resources() -> Vec<(&'static str, Vec<u8>, &'static [u16])> {
    let text = |change: &dyn Fn(&mut Value)| body(change).to_string().into_bytes();
    let good = text(&|_| ());
    let deep = format!("{{\"resourceType\":\"Observation\",\"x\":{}\"{CANARY}\"{}", "[".repeat(200), "]".repeat(200));
    let mut cut = good.clone();
    cut.truncate(good.len() / 2);
    let twice = String::from_utf8(good.clone()).unwrap().replacen("{\"", "{\"status\":\"final\",\"", 1);
    let mut nul = good.clone();
    let at = nul.iter().position(|byte| *byte == b'7').unwrap();
    nul[at] = 0;
    vec![
        ("empty", Vec::new(), &[400]),
        ("text", format!("hello {CANARY}").into_bytes(), &[400]),
        ("cut", cut, &[400]),
        ("bytes after", [good.as_slice(), CANARY.as_bytes()].concat(), &[400]),
        ("array", format!("[\"{CANARY}\"]").into_bytes(), &[400, 422]),
        ("string", format!("\"{CANARY}\"").into_bytes(), &[400, 422]),
        ("deep", deep.into_bytes(), &[400]),
        ("same key twice", twice.into_bytes(), &[400]),
        ("NUL byte", nul, &[400]),
        ("escaped NUL", text(&|r| r["note"][0]["text"] = json!(format!("a\0{CANARY}"))), &[400, 422]),
        ("no UTF-8", [&good[..good.len() - 1], b",\"x\":\"\xff\xfe\"}"].concat(), &[400]),
        ("lone surrogate", [&good[..good.len() - 1], b",\"x\":\"\\ud800\"}"].concat(), &[400]),
        ("no type", text(&|r| drop(r.as_object_mut().unwrap().remove("resourceType"))), &[400, 422]),
        ("unknown type", text(&|r| r["resourceType"] = json!(CANARY)), &[400, 422]),
        ("other type", text(&|r| r["resourceType"] = json!("Condition")), &[400, 422]),
        ("unknown element", text(&|r| r[CANARY] = json!(1)), &[422]),
        ("unknown inner element", text(&|r| r["code"][CANARY] = json!(CANARY)), &[422]),
        ("number for text", text(&|r| r["status"] = json!(7)), &[422]),
        ("text for object", text(&|r| r["code"] = json!(CANARY)), &[422]),
        ("object for array", text(&|r| r["note"] = json!({ "text": CANARY })), &[422]),
        ("array for object", text(&|r| r["code"] = json!([CANARY])), &[422]),
        ("null", text(&|r| r["code"] = Value::Null), &[422]),
        ("empty text", text(&|r| r["status"] = json!("")), &[422]),
        ("missing status", text(&|r| drop(r.as_object_mut().unwrap().remove("status"))), &[422]),
        ("bad code", text(&|r| r["status"] = json!(CANARY)), &[422]),
        ("bad date", text(&|r| r["effectiveDateTime"] = json!("2024-13-41")), &[422]),
        ("worded date", text(&|r| r["effectiveDateTime"] = json!(CANARY)), &[422]),
        ("two values", text(&|r| r["valueString"] = json!(CANARY)), &[422]),
        ("bad number", text(&|r| r["valueQuantity"]["value"] = json!(CANARY)), &[422]),
        ("bad id", text(&|r| r["id"] = json!(format!("{CANARY} {CANARY}"))), &[422]),
        (
            "patient of no server",
            text(&|r| r["subject"] = json!({ "reference": "Patient/44444444-0000-4000-8000-000000000001" })),
            &[422],
        ),
        (
            "patient with a name for an id",
            text(&|r| r["subject"] = json!({ "reference": format!("Patient/{CANARY}") })),
            &[422],
        ),
        (
            "foreign patient",
            text(&|r| r["subject"] = json!({ "reference": format!("https://{CANARY}.example/Patient/1") })),
            &[422],
        ),
        (
            "missing performer",
            text(&|r| r["performer"] = json!([{ "reference": format!("Practitioner/{CANARY}") }])),
            &[422],
        ),
        (
            "reference of another type",
            text(&|r| r["subject"] = json!({ "reference": format!("Coverage/{CANARY}") })),
            &[422],
        ),
        (
            "conditional reference",
            text(&|r| r["performer"] = json!([{ "reference": format!("Practitioner?name={CANARY}") }])),
            &[400, 422],
        ),
        ("dangling contained", text(&|r| r["performer"] = json!([{ "reference": format!("#{CANARY}") }])), &[422]),
        (
            "redacted copy",
            text(
                &|r| r["meta"] = json!({ "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED" }] }),
            ),
            &[422],
        ),
        (
            "too long",
            format!("{{\"resourceType\":\"Observation\",\"x\":\"{}\"}}", CANARY.repeat(BODY_LIMIT / 10)).into_bytes(),
            &[413],
        ),
    ]
}

#[tokio::test]
async fn bad_resources_are_refused_with_a_place_and_nothing_is_stored() {
    let house = House::open().await;
    let before = house.state().await;
    let path = "/Observation/11111111-0000-4000-8000-000000000001";
    let cases = bad_resources();
    println!("{} bad resources, each as a create, an update and an entry", cases.len());
    for (name, bytes, statuses) in cases {
        let create = house.call("physician", "POST", "/Observation").body(JSON, bytes.clone()).send().await;
        judged(name, &create, statuses);
        assert!(create.header("x-audit-receipt").is_some(), "{name}");
        let issue = &create.json()["issue"][0];
        let placed = issue["expression"][0].is_string() || issue["diagnostics"].as_str().unwrap().contains("byte");
        assert!(
            placed
                || matches!(
                    name,
                    "array"
                        | "string"
                        | "too long"
                        | "empty"
                        | "redacted copy"
                        | "patient of no server"
                        | "patient with a name for an id"
                        | "foreign patient"
                ),
            "{name}: {issue}"
        );
        let mut with_id: Vec<u8> = bytes.clone();
        if let Ok(mut value) = serde_json::from_slice::<Value>(&bytes)
            && value.is_object()
            && value.get("id").is_none()
        {
            value["id"] = json!(&path[13..]);
            if name != "same key twice" {
                with_id = value.to_string().into_bytes();
            }
        }
        let update = house.call("physician", "PUT", path).body(JSON, with_id).send().await;
        judged(name, &update, statuses);
        if let Ok(text) = std::str::from_utf8(&bytes)
            && text.starts_with('{')
        {
            let entry = format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"POST","url":"Observation"}},"resource":{text}}}]}}"#
            );
            let answer = house.call("physician", "POST", "").body(JSON, entry).send().await;
            judged(name, &answer, &[statuses, &[400, 412, 413, 422]].concat());
        }
    }
    assert_eq!(house.state().await, before);
    assert_eq!(house.get("physician", &format!("{path}/_history")).await.resources().len(), 1);
}

#[tokio::test]
async fn nesting_and_length_are_bounded_where_the_configuration_says() {
    let house = House::open().await;
    let nested = |depth: usize| {
        let mut extension = json!({ "url": "http://x.example/leaf", "valueString": "x" });
        for _ in 0..depth {
            extension = json!({ "url": "http://x.example/x", "extension": [extension] });
        }
        body(|record| record["extension"] = json!([extension]))
    };
    let post = |record: Value| house.call("physician", "POST", "/Observation").json(&record).send();
    post(nested((DEPTH_LIMIT - 4) / 2)).await.expect(201);
    post(nested(DEPTH_LIMIT)).await.expect(400);
    let long = |bytes: usize| body(|record| record["note"] = json!([{ "text": "x".repeat(bytes) }]));
    post(long(BODY_LIMIT - 2000)).await.expect(201);
    judged("long", &post(long(BODY_LIMIT)).await, &[413]);
}

type Case = (&'static str, &'static str, String, &'static [u16]);

/// Bad paths, queries and headers.
fn bad_requests() -> Vec<Case> {
    let anna = format!("/Patient/{ANNA}");
    vec![
        ("unknown type", "GET", format!("/{CANARY}"), &[404]),
        ("unknown type of a record", "GET", format!("/{CANARY}/1"), &[404]),
        ("lower case type", "GET", format!("/patient/{CANARY}"), &[404]),
        ("unknown record", "GET", format!("/Patient/{CANARY}"), &[404]),
        ("bad id", "GET", format!("/Patient/{CANARY}%20x"), &[404]),
        ("long id", "GET", format!("/Patient/{}", CANARY.repeat(9)), &[404]),
        ("NUL in the path", "GET", format!("/Patient/{CANARY}%00"), &[404]),
        ("bad escape in the path", "GET", format!("/Patient/{CANARY}%zz"), &[400, 404]),
        ("no UTF-8 in the path", "GET", format!("/Patient/{CANARY}%ff%fe"), &[400]),
        ("no such path", "GET", format!("/Patient/1/_history/1/{CANARY}"), &[404]),
        ("no such operation", "GET", format!("{anna}/${CANARY}"), &[404]),
        ("operation by POST", "POST", format!("{anna}/$everything"), &[405]),
        ("patch without a body", "PATCH", anna.clone(), &[415]),
        ("parameter of a patch", "PATCH", format!("{anna}?{CANARY}=1"), &[400]),
        ("patch of everything", "PATCH", String::new(), &[405]),
        ("post to a record", "POST", anna.clone(), &[405]),
        ("delete of everything", "DELETE", String::new(), &[405]),
        ("put to the base", "PUT", String::new(), &[405]),
        ("unknown parameter", "GET", format!("/Patient?{CANARY}={CANARY}"), &[400]),
        ("unknown modifier", "GET", format!("/Patient?name:{CANARY}={CANARY}"), &[400]),
        ("modifier of another kind", "GET", format!("/Patient?birthdate:exact={CANARY}"), &[400]),
        ("bad date", "GET", format!("/Patient?birthdate={CANARY}"), &[400]),
        ("bad prefix", "GET", "/Patient?birthdate=zz2020".to_owned(), &[400]),
        ("bad number", "GET", format!("/Observation?patient={ANNA}&value-quantity={CANARY}"), &[400]),
        ("bad boolean", "GET", format!("/Patient?active:missing={CANARY}"), &[400]),
        ("empty value", "GET", "/Patient?name=".to_owned(), &[400]),
        ("bad escape", "GET", format!("/Patient?name={CANARY}%zz"), &[400]),
        ("half an escape", "GET", format!("/Patient?name={CANARY}%4"), &[400]),
        ("no UTF-8", "GET", format!("/Patient?name={CANARY}%ff"), &[400]),
        ("NUL", "GET", format!("/Patient?{CANARY}%00=x"), &[400]),
        ("chain", "GET", format!("/Observation?patient.name={CANARY}"), &[400]),
        ("unknown chain", "GET", format!("/Observation?{CANARY}.name=x"), &[400]),
        ("reverse chain", "GET", format!("/Patient?_has:Observation:patient:code={CANARY}"), &[400]),
        ("filter", "GET", format!("/Patient?_filter={CANARY}"), &[400]),
        ("full text", "GET", format!("/Patient?_text={CANARY}"), &[400]),
        ("named query", "GET", format!("/Patient?_query={CANARY}"), &[400]),
        ("sort", "GET", format!("/Patient?_sort={CANARY}"), &[400]),
        ("elements", "GET", format!("/Patient?_elements={CANARY}"), &[400]),
        ("summary", "GET", format!("/Patient?_summary={CANARY}"), &[400]),
        ("include", "GET", format!("/Patient?_include={CANARY}"), &[400]),
        ("format", "GET", format!("/Patient?_format={CANARY}"), &[400, 406]),
        ("format of a read", "GET", format!("{anna}?_format=ttl&x={CANARY}"), &[406]),
        ("pretty", "GET", "/Patient?_pretty=true".to_owned(), &[400]),
        ("cursor", "GET", format!("/Patient?_cursor={CANARY}"), &[400]),
        ("parameter of a read", "GET", format!("{anna}?{CANARY}={CANARY}"), &[400]),
        ("parameter of a history", "GET", format!("{anna}/_history?{CANARY}={CANARY}"), &[400]),
        ("count of a history", "GET", format!("{anna}/_history?_count={CANARY}"), &[400]),
        ("parameter of everything", "GET", format!("{anna}/$everything?{CANARY}=1"), &[400]),
        ("parameter of a delete", "DELETE", format!("{anna}?{CANARY}=1"), &[400]),
        ("condition of a delete", "DELETE", format!("/Patient?{CANARY}=1"), &[400]),
        ("cursor in a condition", "DELETE", format!("/Patient?name={CANARY}&_count=1"), &[400]),
        ("compartment of another type", "GET", format!("/Practitioner/{CANARY}/Observation"), &[404]),
        ("compartment of nobody", "GET", format!("/Patient/{CANARY}/Observation"), &[404]),
        ("without a patient", "GET", format!("/Observation?code={CANARY}"), &[400]),
        ("without anything", "GET", "/Observation".to_owned(), &[400]),
    ]
}

#[tokio::test]
async fn bad_requests_are_refused_by_name_or_position_and_leave_an_entry() {
    let house = House::open().await;
    let before = house.state().await;
    let cases = bad_requests();
    println!("{} bad requests", cases.len());
    for (name, method, path, statuses) in cases {
        let entries = house.log_size();
        let answer = house.call("physician", method, &path).send().await;
        judged(name, &answer, statuses);
        let known_path = !matches!(answer.status, 405) && name != "no such path";
        if known_path {
            assert!(answer.header("x-audit-receipt").is_some(), "{name}");
            assert!(house.log_size() > entries, "{name}");
        }
        if answer.status == 405 {
            assert!(answer.header("allow").is_some(), "{name}");
        }
        if answer.status == 400 && path.contains('?') {
            let issue = &answer.json()["issue"][0];
            let placed = issue["expression"][0].as_str().is_some_and(|place| place.starts_with("http."));
            assert!(
                placed || name.contains("UTF-8") || name.contains("escape") || name == "without anything",
                "{name}: {issue}"
            );
        }
    }
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn other_formats_are_refused_and_ours_are_taken() {
    let house = House::open().await;
    let path = format!("/Patient/{ANNA}");
    let get = |accept: &str| house.call("physician", "GET", &path).header("accept", accept).send();
    for accept in [
        "application/fhir+json",
        "application/json",
        "*/*",
        "text/html, application/fhir+json;q=0.9",
        "application/fhir+json; fhirVersion=4.0",
        "Application/FHIR+JSON",
    ] {
        get(accept).await.expect(200);
    }
    for accept in ["application/fhir+turtle", "text/html", "application/fhir+json;q=0", CANARY] {
        judged("accept", &get(accept).await, &[406]);
    }
    let made = without_id(patient("x", "Carl", "Carla", "1990-01-01", "MRN-3"));
    let post = |media: &str| house.call("physician", "POST", "/Patient").body(media, made.to_string()).send();
    for media in ["application/fhir+json", "application/json; charset=utf-8", "application/fhir+json;charset=\"UTF-8\""]
    {
        post(media).await.expect(201);
    }
    for media in ["application/fhir+turtle", "text/plain", "application/json; charset=utf-16", CANARY] {
        judged("content type", &post(media).await, &[415]);
    }
    let bare = house.call("physician", "POST", "/Patient").send().await;
    judged("no content type", &bare, &[415]);
    let search =
        house.call("physician", "POST", "/Patient/_search").body("application/json", format!("{{\"x\":\"{CANARY}\"}}"));
    judged("search by JSON", &search.send().await, &[415]);
}

#[tokio::test]
async fn headers_that_come_twice_or_mean_nothing_are_refused() {
    let house = House::open().await;
    let before = house.state().await;
    let record = observation("11111111-0000-4000-8000-000000000001", ANNA, "8867-4", 5.0, "2024-01-05");
    let put = || house.call("physician", "PUT", "/Observation/11111111-0000-4000-8000-000000000001").json(&record);
    let create = || house.call("physician", "POST", "/Patient").json(&record);
    let read = || house.call("physician", "GET", "/Organization/ward");
    let cases: Vec<(&str, Call<'_>, &[u16])> = vec![
        (
            "two conditions",
            create().header("if-none-exist", format!("identifier={CANARY}")).header("if-none-exist", "identifier=x"),
            &[400],
        ),
        ("unreadable condition", create().header("if-none-exist", b"\xff\xfe"), &[400]),
        ("unknown condition", create().header("if-none-exist", format!("{CANARY}=1")), &[400, 422]),
        ("two versions", put().header("if-match", "W/\"1\"").header("if-match", "W/\"1\""), &[400]),
        ("worded version", put().header("if-match", CANARY), &[400]),
        ("none match of an update", put().header("if-none-match", "*"), &[400]),
        ("none exist of an update", put().header("if-none-exist", format!("x={CANARY}")), &[400]),
        ("match of a create", create().header("if-match", "W/\"1\""), &[400]),
        ("two content types", put().header("content-type", "application/json"), &[400]),
        ("unknown preference", put().header("prefer", CANARY), &[400]),
        ("two tokens", read().header("authorization", format!("Bearer {CANARY}")), &[401]),
        ("unknown purpose", read().header("x-purpose-of-use", CANARY), &[400]),
        ("unreadable purpose", read().header("x-purpose-of-use", b"\xff"), &[400]),
        ("worded tag", read().header("if-none-match", CANARY), &[400]),
    ];
    for (name, call, statuses) in cases {
        let answer = call.send().await;
        judged(name, &answer, statuses);
        assert!(answer.header("x-audit-receipt").is_some(), "{name}");
    }
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn paths_that_lead_nowhere_answer_like_all_others() {
    let house = House::empty().await;
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/fhir", 404),
        ("GET", "/fhir/R5/Patient", 404),
        ("POST", "/fhir/R4/metadata", 405),
        ("GET", "/oauth2/token", 405),
        ("GET", "/audit", 404),
        ("TRACE", "/fhir/R4/Patient", 405),
    ] {
        judged(path, &house.raw("", method, path).send().await, &[status]);
    }
    house.raw("", "GET", "/fhir/R4/metadata?mode=terminology").send().await.expect(400);
    house.raw("", "GET", "/fhir/R4/metadata?mode=full&_format=json").send().await.expect(200);
    let tile = house.raw("auditor", "GET", &format!("/audit/tile/{CANARY}")).send().await;
    judged("tile", &tile, &[404]);
    for query in ["from=x", "count=1001", "x=1", "count=-1"] {
        judged(query, &house.raw("auditor", "GET", &format!("/audit/entries?{query}")).send().await, &[400]);
    }
    assert_eq!(BASE, "https://aceso.example/fhir/R4");
}
