//! Who may do what: every role at every endpoint, and each attempt in the log.

use super::support::{ANNA, BERTA, FEED, House, observation, records, without_id};
use aceso_api::routes::{Access, ROUTES};
use aceso_testhouse::{LETTER, NORTH};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PULSE: &str = "11111111-0000-4000-8000-000000000001";

/// In this order stand the expected statuses.
const ROLES: [&str; 9] =
    ["physician", "nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient", "integration"];

/// What each endpoint answers to nobody, and to each of [`ROLES`]. `cargo xtask check` and a test below hold it against the routes.
pub(crate) const AUTHORISATION: &[(&str, &str, u16, [u16; 9])] = &[
    ("GET", "/fhir/R4/metadata", 200, [200; 9]),
    ("GET", "/.well-known/oauth-authorization-server", 200, [200; 9]),
    ("GET", "/oauth2/jwks", 200, [200; 9]),
    // These ask the client, not the bearer: an access token is no client authentication.
    ("POST", "/oauth2/token", 400, [400; 9]),
    ("POST", "/oauth2/revoke", 400, [400; 9]),
    ("POST", "/oauth2/introspect", 400, [400; 9]),
    ("GET", "/oauth2/userinfo", 401, [200; 9]),
    ("POST", "/fhir/R4", 401, [200, 200, 403, 403, 403, 403, 403, 403, 200]),
    ("POST", "/fhir/R4/", 401, [200, 200, 403, 403, 403, 403, 403, 403, 200]),
    ("GET", "/fhir/R4/{type}", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("POST", "/fhir/R4/{type}", 401, [201, 201, 403, 403, 403, 403, 403, 403, 201]),
    ("PUT", "/fhir/R4/{type}", 401, [200, 200, 403, 403, 403, 403, 403, 403, 200]),
    ("PATCH", "/fhir/R4/{type}", 401, [200, 200, 403, 403, 403, 403, 403, 403, 403]),
    ("DELETE", "/fhir/R4/{type}", 401, [204, 403, 403, 403, 403, 403, 403, 403, 204]),
    ("POST", "/fhir/R4/{type}/_search", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("GET", "/fhir/R4/{type}/{id}", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("PUT", "/fhir/R4/{type}/{id}", 401, [200, 200, 403, 403, 403, 403, 403, 403, 200]),
    ("PATCH", "/fhir/R4/{type}/{id}", 401, [200, 200, 403, 403, 403, 403, 403, 403, 403]),
    ("DELETE", "/fhir/R4/{type}/{id}", 401, [204, 403, 403, 403, 403, 403, 403, 403, 204]),
    ("GET", "/fhir/R4/{type}/{id}/_history", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("GET", "/fhir/R4/{type}/{id}/_history/{version}", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("GET", "/fhir/R4/{type}/{id}/$everything", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    // What the caller brings himself is nobody's record; what is stored is read.
    ("POST", "/fhir/R4/{type}/$validate", 401, [200; 9]),
    ("GET", "/fhir/R4/{type}/{id}/$validate", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("POST", "/fhir/R4/{type}/{id}/$validate", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("GET", "/fhir/R4/{type}/{id}/{other}", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("POST", "/fhir/R4/{type}/{id}/{other}/_search", 401, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    // Nobody's record: whoever may act for his purpose may ask.
    ("GET", "/fhir/R4/ValueSet/$expand", 401, [200; 9]),
    ("POST", "/fhir/R4/ValueSet/$expand", 401, [200; 9]),
    ("GET", "/fhir/R4/ValueSet/$validate-code", 401, [200; 9]),
    ("POST", "/fhir/R4/ValueSet/$validate-code", 401, [200; 9]),
    ("GET", "/fhir/R4/CodeSystem/$lookup", 401, [200; 9]),
    ("POST", "/fhir/R4/CodeSystem/$lookup", 401, [200; 9]),
    ("GET", "/fhir/R4/CodeSystem/$validate-code", 401, [200; 9]),
    ("POST", "/fhir/R4/CodeSystem/$validate-code", 401, [200; 9]),
    ("GET", "/fhir/R4/CodeSystem/$subsumes", 401, [200; 9]),
    ("POST", "/fhir/R4/CodeSystem/$subsumes", 401, [200; 9]),
    ("GET", "/audit/checkpoint", 401, [403, 403, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/audit/tile/{*path}", 401, [403, 403, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/audit/entries", 401, [403, 403, 403, 403, 403, 200, 403, 403, 403]),
    // In this order: what is removed is gone for those after it.
    ("GET", "/admin/v1/openapi.json", 200, [200; 9]),
    ("GET", "/admin/v1/connections", 401, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("POST", "/admin/v1/connections", 401, [403, 403, 403, 403, 403, 403, 201, 403, 403]),
    ("GET", "/admin/v1/connections/{name}", 401, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("POST", "/admin/v1/connections/{name}/sync", 401, [403, 403, 403, 403, 403, 403, 202, 403, 403]),
    ("GET", "/admin/v1/jobs/{job}", 401, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("POST", "/admin/v1/connections/{name}/pause", 401, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("POST", "/admin/v1/connections/{name}/resume", 401, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("GET", "/admin/v1/connections/{name}/letters", 401, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("GET", "/admin/v1/connections/{name}/letters/{letter}", 401, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("POST", "/admin/v1/connections/{name}/letters/{letter}/retry", 401, [403, 403, 403, 403, 403, 403, 204, 403, 403]),
    ("DELETE", "/admin/v1/connections/{name}/letters/{letter}", 401, [403, 403, 403, 403, 403, 403, 204, 403, 403]),
    ("DELETE", "/admin/v1/connections/{name}", 401, [403, 403, 403, 403, 403, 403, 204, 403, 403]),
];

/// What a request leaves in the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// An entry of the caller's, and its receipt in the answer.
    Entry,
    /// Nothing: nobody's record, account or key is touched.
    Nothing,
}

/// What a request of somebody to each endpoint leaves in the log.
const AUDIT: &[(&str, &str, Trace)] = &[
    ("GET", "/fhir/R4/metadata", Trace::Nothing),
    ("GET", "/.well-known/oauth-authorization-server", Trace::Nothing),
    ("GET", "/oauth2/jwks", Trace::Nothing),
    // An empty form. What these log of a real one is tested with the tokens.
    ("POST", "/oauth2/token", Trace::Nothing),
    ("POST", "/oauth2/revoke", Trace::Nothing),
    ("POST", "/oauth2/introspect", Trace::Nothing),
    // Who one is oneself.
    ("GET", "/oauth2/userinfo", Trace::Nothing),
    ("POST", "/fhir/R4", Trace::Entry),
    ("POST", "/fhir/R4/", Trace::Entry),
    ("GET", "/fhir/R4/{type}", Trace::Entry),
    ("POST", "/fhir/R4/{type}", Trace::Entry),
    ("PUT", "/fhir/R4/{type}", Trace::Entry),
    ("PATCH", "/fhir/R4/{type}", Trace::Entry),
    ("DELETE", "/fhir/R4/{type}", Trace::Entry),
    ("POST", "/fhir/R4/{type}/_search", Trace::Entry),
    ("GET", "/fhir/R4/{type}/{id}", Trace::Entry),
    ("PUT", "/fhir/R4/{type}/{id}", Trace::Entry),
    ("PATCH", "/fhir/R4/{type}/{id}", Trace::Entry),
    ("DELETE", "/fhir/R4/{type}/{id}", Trace::Entry),
    ("GET", "/fhir/R4/{type}/{id}/_history", Trace::Entry),
    ("GET", "/fhir/R4/{type}/{id}/_history/{version}", Trace::Entry),
    ("GET", "/fhir/R4/{type}/{id}/$everything", Trace::Entry),
    ("POST", "/fhir/R4/{type}/$validate", Trace::Entry),
    ("GET", "/fhir/R4/{type}/{id}/$validate", Trace::Entry),
    ("POST", "/fhir/R4/{type}/{id}/$validate", Trace::Entry),
    ("GET", "/fhir/R4/{type}/{id}/{other}", Trace::Entry),
    ("POST", "/fhir/R4/{type}/{id}/{other}/_search", Trace::Entry),
    ("GET", "/fhir/R4/ValueSet/$expand", Trace::Entry),
    ("POST", "/fhir/R4/ValueSet/$expand", Trace::Entry),
    ("GET", "/fhir/R4/ValueSet/$validate-code", Trace::Entry),
    ("POST", "/fhir/R4/ValueSet/$validate-code", Trace::Entry),
    ("GET", "/fhir/R4/CodeSystem/$lookup", Trace::Entry),
    ("POST", "/fhir/R4/CodeSystem/$lookup", Trace::Entry),
    ("GET", "/fhir/R4/CodeSystem/$validate-code", Trace::Entry),
    ("POST", "/fhir/R4/CodeSystem/$validate-code", Trace::Entry),
    ("GET", "/fhir/R4/CodeSystem/$subsumes", Trace::Entry),
    ("POST", "/fhir/R4/CodeSystem/$subsumes", Trace::Entry),
    ("GET", "/audit/checkpoint", Trace::Entry),
    ("GET", "/audit/tile/{*path}", Trace::Entry),
    ("GET", "/audit/entries", Trace::Entry),
    ("GET", "/admin/v1/openapi.json", Trace::Nothing),
    ("GET", "/admin/v1/connections", Trace::Entry),
    ("POST", "/admin/v1/connections", Trace::Entry),
    ("GET", "/admin/v1/connections/{name}", Trace::Entry),
    ("POST", "/admin/v1/connections/{name}/sync", Trace::Entry),
    ("GET", "/admin/v1/jobs/{job}", Trace::Entry),
    ("POST", "/admin/v1/connections/{name}/pause", Trace::Entry),
    ("POST", "/admin/v1/connections/{name}/resume", Trace::Entry),
    ("GET", "/admin/v1/connections/{name}/letters", Trace::Entry),
    ("GET", "/admin/v1/connections/{name}/letters/{letter}", Trace::Entry),
    ("POST", "/admin/v1/connections/{name}/letters/{letter}/retry", Trace::Entry),
    ("DELETE", "/admin/v1/connections/{name}/letters/{letter}", Trace::Entry),
    ("DELETE", "/admin/v1/connections/{name}", Trace::Entry),
];

/// A real request to an endpoint: its path, and its body.
fn request(method: &str, route: &str) -> (String, Option<Value>) {
    let pulse = || observation(PULSE, ANNA, "8867-4", 72.0, "2024-01-05");
    let change = || json!([{ "op": "replace", "path": "/status", "value": "amended" }]);
    let entry = json!({ "request": { "method": "POST", "url": "Observation" }, "resource": without_id(pulse()) });
    let transaction = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
    let patient = route.replace("{type}", "Patient").replace("{id}", ANNA);
    if route.starts_with("/admin/") {
        let path = route.replace("{name}", NORTH).replace("{letter}", LETTER).replace("{job}", &"0".repeat(32));
        let new = json!({ "name": "south", "vendor": "elation", "url": "https://ehr.example", "client_id": "a", "secret": "b" });
        return (path, (method == "POST" && route.ends_with("/connections")).then_some(new));
    }
    if let Some((_, operation)) = route.split_once("/$").filter(|(before, _)| !before.contains('{')) {
        return super::terminology::request(method, route, operation);
    }
    match (method, route) {
        ("POST", "/fhir/R4" | "/fhir/R4/") => (patient, Some(transaction)),
        ("POST", "/fhir/R4/{type}/$validate") => ("/fhir/R4/Observation/$validate".to_owned(), Some(pulse())),
        ("POST", "/fhir/R4/{type}") => ("/fhir/R4/Observation".to_owned(), Some(without_id(pulse()))),
        ("PUT", "/fhir/R4/{type}") => (format!("/fhir/R4/Observation?patient={ANNA}&_id={PULSE}"), Some(pulse())),
        ("PATCH", "/fhir/R4/{type}") => (format!("/fhir/R4/Observation?patient={ANNA}&_id={PULSE}"), Some(change())),
        ("PATCH", _) => (format!("/fhir/R4/Observation/{PULSE}"), Some(change())),
        ("DELETE", "/fhir/R4/{type}") => (format!("/fhir/R4/Observation?patient={ANNA}&code=none"), None),
        ("PUT", _) => (format!("/fhir/R4/Observation/{PULSE}"), Some(pulse())),
        ("DELETE", _) => (format!("/fhir/R4/Observation/{PULSE}"), None),
        _ => (
            patient.replace("{version}", "1").replace("{other}", "Observation").replace("{*path}", "entries/000.p/1"),
            None,
        ),
    }
}

#[test]
fn every_endpoint_has_a_row_in_both_tables() {
    let routes: BTreeSet<(&str, &str)> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    let authorisation: BTreeSet<(&str, &str)> = AUTHORISATION.iter().map(|row| (row.0, row.1)).collect();
    let audit: BTreeSet<(&str, &str)> = AUDIT.iter().map(|row| (row.0, row.1)).collect();
    assert_eq!(authorisation, routes);
    assert_eq!(audit, routes);
    assert_eq!((AUTHORISATION.len(), AUDIT.len()), (ROUTES.len(), ROUTES.len()));
    for route in ROUTES.iter().filter(|route| route.access == Access::Token) {
        let row = AUTHORISATION.iter().find(|row| (row.0, row.1) == (route.method, route.path)).unwrap();
        assert_eq!(row.2, 401, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn every_role_gets_what_the_table_says_and_every_attempt_is_in_the_log() {
    let house = House::open().await;
    let mut asked = 0;
    for (method, route, nobody, statuses) in AUTHORISATION {
        let trace = AUDIT.iter().find(|row| (row.0, row.1) == (*method, *route)).unwrap().2;
        let (path, body) = request(method, route);
        for (role, status) in std::iter::once(("", nobody)).chain(ROLES.into_iter().zip(statuses)) {
            if *method == "DELETE" {
                // For everybody the record is there.
                let pulse = observation(PULSE, ANNA, "8867-4", 72.0, "2024-01-05");
                house.put("physician", &format!("/Observation/{PULSE}"), &pulse).await;
            }
            let before = house.log_size();
            let mut call = house.raw(role, method, &path);
            if let Some(body) = &body {
                let media = match *method {
                    "PATCH" => "application/json-patch+json",
                    _ if route.starts_with("/admin/") => "application/json",
                    _ => "application/fhir+json",
                };
                call = call.body(media, body.to_string());
            }
            let answer = call.send().await;
            let what = format!("{role} {method} {path}: {}", answer.text_lossy());
            assert_eq!(answer.status, *status, "{what}");
            assert!(answer.header("x-request-id").is_some(), "{what}");
            let entries = house.log_since(before);
            if trace == Trace::Nothing || role.is_empty() {
                assert!(entries.is_empty(), "{what}");
                continue;
            }
            if *status >= 400 {
                answer.code();
            }
            assert!(!entries.is_empty(), "no entry: {what}");
            assert!(answer.header("x-audit-receipt").is_some(), "no receipt: {what}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
            for logged in &entries {
                assert!(logged.entry.roles().iter().any(|is| is.as_str() == role), "{what}");
                let refused = logged.entry.outcome().as_str() == "denied";
                assert_eq!(refused, *status == 403, "{what}");
            }
            if role == "integration" {
                assert!(!answer.text_lossy().contains("Keller") && !answer.text_lossy().contains("8867-4"), "{what}");
            }
            asked += 1;
        }
    }
    println!("{asked} requests of {} roles to {} endpoints", ROLES.len(), ROUTES.len());
}

#[tokio::test]
async fn nobody_gets_anything_without_a_token() {
    let house = House::open().await;
    for (method, route, nobody, _) in AUTHORISATION.iter().filter(|row| row.2 == 401) {
        let answer = house.raw("", method, &request(method, route).0).send().await;
        assert_eq!(answer.status, *nobody, "{method} {route}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.code(), "login");
    }
}

#[tokio::test]
async fn a_patient_sees_his_own_record_and_others_look_absent() {
    let house = House::open().await;
    assert_eq!(house.get("patient", "/Patient").await.expect(200).names(), [format!("Patient/{ANNA}")]);
    assert_eq!(house.get("patient", "/Patient?name=keller").await.expect(200).json()["total"], 1);
    let own = house.get("patient", &format!("/Patient/{ANNA}")).await.expect(200).json();
    assert_eq!(own["birthDate"], "1971-05-09");
    assert_eq!(own["meta"].get("security"), None);

    let absent = "77777777-0000-4000-8000-000000000001";
    let foreign = "11111111-0000-4000-8000-000000000004";
    for (theirs, nobodys) in [
        (format!("/Patient/{BERTA}"), format!("/Patient/{absent}")),
        (format!("/Observation/{foreign}"), format!("/Observation/{absent}")),
        (format!("/Patient/{BERTA}/_history"), format!("/Patient/{absent}/_history")),
        (format!("/Patient/{BERTA}/_history/1"), format!("/Patient/{absent}/_history/1")),
        (format!("/Patient/{BERTA}/$everything"), format!("/Patient/{absent}/$everything")),
        (format!("/Patient/{BERTA}/Observation"), format!("/Patient/{absent}/Observation")),
        (format!("/Observation?patient={BERTA}"), format!("/Observation?patient={absent}")),
        (format!("/Patient?_id={BERTA}"), format!("/Patient?_id={absent}")),
        (format!("/Observation?_id={foreign}"), format!("/Observation?_id={absent}")),
    ] {
        let theirs = house.get("patient", &theirs).await;
        let nobodys = house.get("patient", &nobodys).await;
        assert_eq!(theirs.status, nobodys.status);
        let neutral = |text: String| text.replace(BERTA, "ID").replace(foreign, "ID").replace(absent, "ID");
        assert_eq!(neutral(theirs.text()), neutral(nobodys.text()));
        let names = |answer: &super::support::Answer| -> Vec<String> {
            answer.headers.keys().map(|name| name.as_str().to_owned()).collect()
        };
        assert_eq!(names(&theirs), names(&nobodys));
        for (name, value) in &theirs.headers {
            if !matches!(name.as_str(), "x-request-id" | "x-audit-receipt") {
                assert_eq!(Some(value), nobodys.headers.get(name), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn who_may_not_write_does_not_learn_what_is_there() {
    let house = House::open().await;
    let absent = "/Observation/77777777-0000-4000-8000-000000000001";
    let present = format!("/Observation/{PULSE}");
    for role in ["researcher", "billing", "auditor", "operator", "patient", "front-desk"] {
        let answers = [house.delete(role, absent).await, house.delete(role, &present).await];
        assert_eq!(answers[0].text(), answers[1].text(), "{role}");
        assert_eq!(answers[0].status, answers[1].status, "{role}");
        let body = observation(PULSE, ANNA, "8867-4", 1.0, "2024-01-01");
        let mut statuses = BTreeSet::new();
        for tag in ["W/\"1\"", "W/\"8\""] {
            statuses.insert(house.call(role, "PUT", &present).header("if-match", tag).json(&body).send().await.status);
            statuses.insert(house.call(role, "DELETE", &present).header("if-match", tag).send().await.status);
        }
        assert_eq!(statuses, BTreeSet::from([403]), "{role}");
    }
}

#[tokio::test]
async fn each_role_sees_its_classes_of_a_record() {
    let house = House::open().await;
    let patient = |role: &'static str| house.get(role, "/Patient/057aa36e-b892-4964-b5b9-ffb46b097e34");
    for (role, name, born, phone) in [
        ("physician", true, true, true),
        ("nurse", true, true, true),
        ("front-desk", true, true, true),
        ("billing", true, true, true),
        ("researcher", false, false, false),
        ("auditor", false, false, false),
    ] {
        let shown = patient(role).await.expect(200);
        let text = shown.text();
        let shown = shown.json();
        assert_eq!(text.contains("Keller"), name, "{role}");
        assert_eq!(text.contains("1971-05-09"), born, "{role}");
        assert_eq!(text.contains("555"), phone, "{role}");
        assert_eq!(shown["meta"]["security"][0]["code"] == "REDACTED", !name, "{role}");
        assert_eq!(text.contains("MRN-1"), name, "{role}");
    }
    let coverage = "/Coverage/33333333-0000-4000-8000-000000000001";
    for (role, sees) in [("physician", false), ("billing", true), ("researcher", false), ("patient", true)] {
        assert_eq!(house.get(role, coverage).await.expect(200).text().contains("4711.25"), sees, "{role}");
    }
    let value = |role: &'static str| house.get(role, "/Observation/11111111-0000-4000-8000-000000000002");
    for (role, sees) in
        [("physician", true), ("researcher", true), ("billing", false), ("front-desk", false), ("auditor", false)]
    {
        assert_eq!(value(role).await.expect(200).text().contains("88.5"), sees, "{role}");
    }
    // The same holds in searches, histories, $everything, includes.
    for path in [
        "/Patient".to_owned(),
        format!("/Patient/{ANNA}/_history"),
        format!("/Patient/{ANNA}/$everything"),
        format!("/Observation?patient={ANNA}&_include=Observation:subject"),
    ] {
        let text = house.get("researcher", &path).await.expect(200).text();
        for hidden in ["Keller", "1971-05-09", "MRN-1", "555"] {
            assert!(!text.contains(hidden), "{path} {hidden}");
        }
    }
}

#[tokio::test]
async fn what_a_role_may_not_see_it_may_not_search_or_sort_by() {
    let house = House::open().await;
    for (role, path, parameter) in [
        ("researcher", "/Patient?family=keller".to_owned(), "family"),
        ("researcher", "/Patient?birthdate=1971-05-09".to_owned(), "birthdate"),
        ("researcher", "/Patient?identifier=MRN-1".to_owned(), "identifier"),
        ("researcher", "/Patient?_sort=birthdate".to_owned(), "birthdate"),
        ("auditor", "/Patient?gender=female".to_owned(), "gender"),
        ("billing", format!("/Observation?patient={ANNA}&code=8867-4"), "code"),
        ("front-desk", format!("/Observation?patient={ANNA}&value-quantity=gt50"), "value-quantity"),
        ("billing", format!("/Observation?patient={ANNA}&_sort=-code"), "code"),
    ] {
        let before = house.log_size();
        let refused = house.get(role, &path).await.expect(403);
        assert!(refused.text().contains(parameter), "{path} {}", refused.text());
        assert!(refused.header("x-audit-receipt").is_some());
        let entries = house.log_since(before);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].entry.outcome().as_str(), "denied");
    }
}

#[tokio::test]
async fn a_purpose_must_be_known_and_the_roles_own() {
    let house = House::open().await;
    let path = format!("/Patient/{ANNA}");
    let with = |role: &'static str, purpose: &'static str| {
        house.call(role, "GET", &path).header("x-purpose-of-use", purpose).send()
    };
    let before = house.log_size();
    let unknown = with("physician", "CURIOSITY").await.expect(400);
    assert_eq!(unknown.issue().1, "http.X-Purpose-Of-Use");
    assert!(!unknown.text().contains("CURIOSITY"));
    assert!(unknown.header("x-audit-receipt").is_some());
    let entries = house.log_since(before);
    assert_eq!((entries.len(), entries[0].entry.outcome().as_str()), (1, "failed"));
    for (role, purpose, status) in [
        ("physician", "TREAT", 200),
        ("physician", "HOPERAT", 200),
        ("physician", "HRESCH", 403),
        ("researcher", "TREAT", 403),
        ("billing", "TREAT", 403),
        ("patient", "TREAT", 403),
        ("auditor", "HSYSADMIN", 403),
    ] {
        let answer = with(role, purpose).await.expect(status);
        assert!(answer.header("x-audit-receipt").is_some(), "{role} {purpose}");
        assert!(status == 200 || answer.issue().1 == "http.X-Purpose-Of-Use", "{role} {purpose}");
    }
    let narrow = with("physician", "HOPERAT").await.expect(200).text();
    assert!(narrow.contains("Keller"));
    let pulse = "/Observation/11111111-0000-4000-8000-000000000002";
    let narrow = house.call("physician", "GET", pulse).header("x-purpose-of-use", "HOPERAT").send().await.expect(200);
    assert!(!narrow.text().contains("88.5"), "a purpose narrows");
    let twice =
        house.call("physician", "GET", &path).header("x-purpose-of-use", "TREAT").header("x-purpose-of-use", "HOPERAT");
    twice.send().await.expect(400);
}

#[tokio::test]
async fn a_connected_system_writes_and_gets_nothing_back() {
    let house = House::open().await;
    let basic = format!("{FEED}:{}", house.feed_secret.reveal());
    let token = house
        .raw("", "POST", "/oauth2/token")
        .header("authorization", format!("Basic {}", data_encoding::BASE64.encode(basic.as_bytes())))
        .body("application/x-www-form-urlencoded", "grant_type=client_credentials")
        .send()
        .await
        .expect(200);
    let bearer = format!("Bearer {}", token.json()["access_token"].as_str().unwrap());
    let call = |method: &str, path: &str| house.call("", method, path).header("authorization", &bearer);
    let body = without_id(observation("x", ANNA, "8867-4", 77.0, "2024-05-05"));
    let made =
        call("POST", "/Observation").header("prefer", "return=representation").json(&body).send().await.expect(201);
    assert!(made.body.is_empty());
    let location = made.header("location").unwrap().strip_prefix(super::support::BASE).unwrap().to_owned();
    call("GET", &location).send().await.expect(403);
    assert_eq!(house.get("physician", &location).await.expect(200).json()["valueQuantity"]["value"], 77.0);
    call("GET", &format!("/Observation?patient={ANNA}")).send().await.expect(403);
}

#[tokio::test]
async fn the_directory_is_open_to_all_but_in_their_classes() {
    let house = House::open().await;
    for role in ["physician", "nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient"] {
        house.get(role, "/Organization/ward").await.expect(200);
        house.get(role, "/Organization?_count=5").await.expect(200);
    }
    house.get("integration", "/Organization/ward").await.expect(403);
    let ward = json!({ "resourceType": "Organization", "id": "ward-9", "name": "Nine" });
    house.put("operator", "/Organization/ward-9", &ward).await.expect(201);
    house.put("nurse", "/Organization/ward-9", &ward).await.expect(403);
    assert_eq!(records().len(), 10);
}
