//! `/admin/v1`: what the description says, who reaches what, and what is told of a fault.

use super::roles::AUTHORISATION;
use super::support::{Answer, House, PASSWORD};
use aceso_api::openapi::DOCUMENT;
use aceso_api::routes::ROUTES;
use aceso_testhouse::{LETTER, NORTH};
use aceso_testkit::schema::{faults, resolve};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BASE: &str = "/admin/v1";

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// The operations of the document, as `METHOD path`.
fn operations(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            found.insert(format!("{} {BASE}{path}", method.to_uppercase()));
        }
    }
    found
}

#[test]
fn the_description_has_every_route_and_no_other() {
    let served = ROUTES.iter().filter(|route| route.path.starts_with(BASE));
    let served: BTreeSet<String> = served.map(|route| format!("{} {}", route.method, route.path)).collect();
    assert!(served.len() > 10);
    assert_eq!(operations(&document()), served);
}

#[test]
fn every_status_that_a_role_gets_is_described_and_every_reference_leads_somewhere() {
    let document = document();
    for (method, route, nobody, statuses) in AUTHORISATION.iter().filter(|row| row.1.starts_with(BASE)) {
        let path = route.strip_prefix(BASE).unwrap();
        let described = &document["paths"][path][method.to_lowercase()]["responses"];
        for status in statuses.iter().chain([nobody]) {
            assert!(described.get(status.to_string()).is_some(), "{method} {route} {status}");
        }
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let given = document["paths"][path]["parameters"].as_array().cloned().unwrap_or_default();
        let given: Vec<&str> =
            given.iter().map(|to| resolve(&document, to["$ref"].as_str().unwrap())["name"].as_str().unwrap()).collect();
        assert_eq!(names.collect::<Vec<_>>(), given, "{route}");
    }
    let mut found = 0;
    references(&document, &mut |reference| {
        let _ = resolve(&document, reference);
        found += 1;
    });
    assert!(found > 50);
}

fn references(value: &Value, hear: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str().filter(|_| name == "$ref") {
                    Some(reference) => hear(reference),
                    None => references(member, hear),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, hear)),
        _ => {}
    }
}

async fn operator(house: &House, method: &str, path: &str, body: Option<Value>) -> Answer {
    let call = house.raw("operator", method, &format!("{BASE}{path}"));
    match body {
        Some(body) => call.body("application/json", body.to_string()).send().await,
        None => call.send().await,
    }
}

fn new(name: &str) -> Value {
    json!({ "name": name, "vendor": "elation", "url": "https://ehr.example/api", "client_id": "aceso", "secret": "planted-secret-5b" })
}

/// The answer is as the document describes it.
#[track_caller]
fn as_described(method: &str, path: &str, answer: &Answer) {
    let document = document();
    let described = &document["paths"][path][method.to_lowercase()]["responses"][answer.status.to_string()];
    let described = match described.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolve(&document, reference).clone(),
        None => described.clone(),
    };
    let Some(content) = described.get("content").and_then(Value::as_object) else {
        assert!(described.get("description").is_some(), "{method} {path} {}: not described", answer.status);
        assert!(answer.body.is_empty(), "{method} {path}");
        return;
    };
    let (media, inner) = content.iter().next().unwrap();
    assert_eq!(answer.header("content-type"), Some(media.as_str()), "{method} {path}");
    assert_eq!(faults(&document, &inner["schema"], &answer.json()), Vec::<String>::new(), "{method} {path}");
}

#[tokio::test]
async fn answers_are_as_the_description_says() {
    let house = House::empty().await;
    let letters = format!("/connections/{NORTH}/letters");
    let still = "1c2d3e4f-5a6b-8c7d-9e0f-a1b2c3d4e5f6";
    for (method, route, path, body, status) in [
        ("GET", "/openapi.json", "/openapi.json".to_owned(), None, 200),
        ("GET", "/connections", "/connections".to_owned(), None, 200),
        ("GET", "/connections", "/connections?all=1".to_owned(), None, 400),
        ("POST", "/connections", "/connections".to_owned(), Some(new("south")), 201),
        ("POST", "/connections", "/connections".to_owned(), Some(new(NORTH)), 409),
        ("POST", "/connections", "/connections".to_owned(), Some(json!({ "name": 7 })), 422),
        ("POST", "/connections", "/connections".to_owned(), Some(json!([])), 400),
        ("GET", "/connections/{name}", format!("/connections/{NORTH}"), None, 200),
        ("GET", "/connections/{name}", "/connections/nobody".to_owned(), None, 404),
        ("POST", "/connections/{name}/sync", format!("/connections/{NORTH}/sync"), None, 202),
        (
            "POST",
            "/connections/{name}/sync",
            format!("/connections/{NORTH}/sync"),
            Some(json!({ "reads": "all" })),
            422,
        ),
        ("GET", "/jobs/{job}", format!("/jobs/{}", "0".repeat(32)), None, 200),
        ("GET", "/jobs/{job}", "/jobs/1".to_owned(), None, 404),
        ("POST", "/connections/{name}/pause", format!("/connections/{NORTH}/pause"), None, 200),
        ("POST", "/connections/{name}/resume", format!("/connections/{NORTH}/resume"), None, 200),
        ("GET", "/connections/{name}/letters", letters.clone(), None, 200),
        ("GET", "/connections/{name}/letters", format!("{letters}?limit=0"), None, 400),
        ("GET", "/connections/{name}/letters/{letter}", format!("{letters}/{LETTER}"), None, 200),
        ("POST", "/connections/{name}/letters/{letter}/retry", format!("{letters}/{still}/retry"), None, 409),
        ("POST", "/connections/{name}/letters/{letter}/retry", format!("{letters}/{LETTER}/retry"), None, 204),
        ("DELETE", "/connections/{name}/letters/{letter}", format!("{letters}/{LETTER}"), None, 204),
        ("DELETE", "/connections/{name}/letters/{letter}", format!("{letters}/{LETTER}"), None, 404),
        ("DELETE", "/connections/{name}", "/connections/written".to_owned(), None, 409),
        ("DELETE", "/connections/{name}", format!("/connections/{NORTH}"), None, 204),
    ] {
        let before = house.log_size();
        let answer = operator(&house, method, &path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text_lossy());
        as_described(method, route, &answer);
        if status >= 400 {
            let last = house.log_since(before).into_iter().next_back().unwrap().entry;
            assert_eq!(last.outcome().as_str(), "failed", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_change_carries_the_name_of_who_made_it_and_no_answer_has_the_secret() {
    let house = House::empty().await;
    let before = house.log_size();
    let added = operator(&house, "POST", "/connections", Some(new("south"))).await.expect(201);
    assert_eq!(added.header("location"), Some("https://aceso.example/admin/v1/connections/south"));
    let listed = operator(&house, "GET", "/connections", None).await.expect(200);
    for answer in [&added, &listed] {
        assert!(!answer.text().contains("planted-secret-5b") && !answer.text().contains(PASSWORD));
    }
    let entry = house.log_since(before).into_iter().next().unwrap().entry;
    let user = entry.user().unwrap().as_str().to_owned();
    assert_eq!(entry.detail().unwrap().as_str(), "connection-add");
    operator(&house, "POST", "/connections/south/pause", None).await.expect(200);
    operator(&house, "POST", "/connections/south/sync", Some(json!({ "reads": "everything" }))).await.expect(202);
    operator(&house, "DELETE", "/connections/south", None).await.expect(204);
    let told = ["add by secret south", "pause south", "sync everything south", "remove south"];
    assert_eq!(house.connections.told(), told.map(|what| format!("{user} {what}")));
    let details: Vec<String> =
        house.log_since(before).iter().map(|logged| logged.entry.detail().unwrap().as_str().to_owned()).collect();
    let wanted = ["connection-add", "connections-list", "connection-pause", "connection-sync", "connection-remove"];
    assert_eq!(details, wanted);
}

#[tokio::test]
async fn a_connection_of_another_tenant_looks_absent() {
    let house = House::empty().await;
    let listed = operator(&house, "GET", "/connections", None).await.expect(200);
    assert!(listed.text().contains("\"north\"") && !listed.text().contains("elsewhere"));
    for (method, path) in [
        ("GET", "/connections/NAME"),
        ("DELETE", "/connections/NAME"),
        ("POST", "/connections/NAME/sync"),
        ("POST", "/connections/NAME/pause"),
        ("GET", "/connections/NAME/letters"),
    ] {
        let theirs = operator(&house, method, &path.replace("NAME", "elsewhere"), None).await.expect(404);
        let nobodys = operator(&house, method, &path.replace("NAME", "nowhere"), None).await.expect(404);
        assert_eq!(theirs.text(), nobodys.text(), "{method} {path}");
    }
    assert_eq!(house.connections.told(), Vec::<String>::new());
}

#[tokio::test]
async fn all_faults_of_a_new_connection_are_told_at_once_by_place_and_without_a_value() {
    let house = House::empty().await;
    let body = json!({ "name": "south", "vendor": 3, "client_id": null, "secret": "zyxelquist", "key": "zyxelquist",
        "scopes": [1], "options": ["zyxelquist"], "paused": "zyxelquist", "concurrency": -1, "zyxelquist": 1 });
    let answer = operator(&house, "POST", "/connections", Some(body)).await.expect(422);
    assert_eq!(answer.code(), "value");
    assert!(!answer.text().contains("zyxelquist"), "{}", answer.text());
    let problem = answer.json();
    let places: BTreeSet<&str> =
        problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    let wanted = ["", "/client_id", "/concurrency", "/options", "/paused", "/scopes", "/secret", "/url", "/vendor"];
    assert_eq!(places, BTreeSet::from(wanted));
    for (media, text, status) in [
        ("application/json", "{\"name\":\"a\",\"name\":\"b\"}", 400),
        ("application/json", "{", 400),
        ("application/fhir+json", "{}", 415),
        ("text/plain", "name", 415),
    ] {
        let call = house.raw("operator", "POST", "/admin/v1/connections").body(media, text);
        assert_eq!(call.send().await.status, status, "{text}");
    }
    let by_key =
        json!({ "name": "south", "vendor": "elation", "url": "https://ehr.example", "client_id": "a", "key": "PEM" });
    let answer = operator(&house, "POST", "/connections", Some(by_key)).await.expect(422).json();
    assert_eq!(answer["errors"][0]["pointer"], "/key_id");
}

#[tokio::test]
async fn letters_come_page_by_page() {
    let house = House::empty().await;
    let path = format!("/connections/{NORTH}/letters?limit=1");
    let first = operator(&house, "GET", &path, None).await.expect(200).json();
    assert_eq!((first["letters"].as_array().unwrap().len(), first["next"].as_str()), (1, Some(LETTER)));
    let second = operator(&house, "GET", &format!("{path}&after={LETTER}"), None).await.expect(200).json();
    assert_eq!((second["letters"].as_array().unwrap().len(), second["next"].as_str()), (1, None));
    assert_ne!(first["letters"], second["letters"]);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_and_not_an_outcome() {
    let house = House::empty().await;
    for (method, path, status) in [("GET", "/keys", 404), ("PUT", "/connections", 405), ("GET", "", 404)] {
        let answer = operator(&house, method, path, None).await.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        assert!(answer.header("x-request-id").is_some());
        answer.code();
    }
}
