//! Who may do what: every role at every endpoint, and each attempt in the log.

use super::support::{ANNA, BERTA, FEED, House, observation, records, without_id};
use aceso_api::routes::{Access, ROUTES};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PULSE: &str = "11111111-0000-4000-8000-000000000001";

/// In this order stand the expected statuses.
const ROLES: [&str; 9] =
    ["physician", "nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient", "integration"];

/// One request to an endpoint.
struct Row {
    method: &'static str,
    route: &'static str,
    path: String,
    body: Option<Value>,
    statuses: [u16; 9],
    /// Whether an entry of the log must come of it.
    audited: bool,
}

fn row(method: &'static str, route: &'static str, path: &str, body: Option<Value>, statuses: [u16; 9]) -> Row {
    Row { method, route, path: path.to_owned(), body, statuses, audited: true }
}

/// Every endpoint that takes an access token. A route without a row here makes the test below fail.
fn rows() -> Vec<Row> {
    let pulse = || observation(PULSE, ANNA, "8867-4", 72.0, "2024-01-05");
    let fresh = || Some(without_id(pulse()));
    let base = "/fhir/R4";
    let anna = format!("{base}/Patient/{ANNA}");
    let record = format!("{base}/Observation/{PULSE}");
    let batch = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "request": { "method": "POST", "url": "Observation" }, "resource": without_id(pulse()) }] });
    let (ok, made) = (200, 201);
    vec![
        row("POST", "/fhir/R4", base, Some(batch), [ok, 403, 403, 403, 403, 403, 403, 403, ok]),
        row("GET", "/fhir/R4/{type}", &format!("{base}/Patient"), None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("POST", "/fhir/R4/{type}", &format!("{base}/Observation"), fresh(), [made, made, 403, 403, 403, 403, 403, 403, made]),
        row("PUT", "/fhir/R4/{type}", &format!("{base}/Observation?patient={ANNA}&_id={PULSE}"), Some(pulse()), [ok, ok, 403, 403, 403, 403, 403, 403, ok]),
        row("DELETE", "/fhir/R4/{type}", &format!("{base}/Observation?patient={ANNA}&code=none"), None, [204, 403, 403, 403, 403, 403, 403, 403, 403]),
        row("POST", "/fhir/R4/{type}/_search", &format!("{base}/Patient/_search"), None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("GET", "/fhir/R4/{type}/{id}", &anna, None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("PUT", "/fhir/R4/{type}/{id}", &record, Some(pulse()), [ok, ok, 403, 403, 403, 403, 403, 403, ok]),
        row("GET", "/fhir/R4/{type}/{id}/_history", &format!("{anna}/_history"), None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("GET", "/fhir/R4/{type}/{id}/_history/{version}", &format!("{anna}/_history/1"), None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("GET", "/fhir/R4/{type}/{id}/$everything", &format!("{anna}/$everything"), None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("GET", "/fhir/R4/{type}/{id}/{other}", &format!("{anna}/Observation"), None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("POST", "/fhir/R4/{type}/{id}/{other}/_search", &format!("{anna}/Observation/_search"), None, [ok, ok, ok, ok, ok, ok, 403, ok, 403]),
        row("GET", "/audit/checkpoint", "/audit/checkpoint", None, [403, 403, 403, 403, 403, ok, 403, 403, 403]),
        row("GET", "/audit/tile/{*path}", "/audit/tile/entries/000.p/1", None, [403, 403, 403, 403, 403, ok, 403, 403, 403]),
        row("GET", "/audit/entries", "/audit/entries", None, [403, 403, 403, 403, 403, ok, 403, 403, 403]),
        row("DELETE", "/fhir/R4/{type}/{id}", &record, None, [204, 403, 403, 403, 403, 403, 403, 403, 403]),
        // Says nothing about any record: who one is oneself.
        Row { audited: false, ..row("GET", "/oauth2/userinfo", "/oauth2/userinfo", None, [ok; 9]) },
    ]
}

#[test]
fn every_endpoint_for_tokens_has_a_row() {
    let rows: BTreeSet<(&str, &str)> = rows().iter().map(|row| (row.method, row.route)).collect();
    let routes: BTreeSet<(&str, &str)> =
        ROUTES.iter().filter(|route| route.access == Access::Token).map(|route| (route.method, route.path)).collect();
    assert_eq!(rows, routes);
}

#[tokio::test]
async fn every_role_gets_what_the_table_says_and_every_attempt_is_in_the_log() {
    let house = House::open().await;
    let mut asked = 0;
    for row in rows() {
        for (role, status) in ROLES.into_iter().zip(row.statuses) {
            // The physician deletes last in the table; for the others the record must be there.
            let before = house.log_size();
            let mut call = house.raw(role, row.method, &row.path);
            if let Some(body) = &row.body {
                call = call.json(body);
            }
            let answer = call.send().await;
            let what = format!("{role} {} {}: {}", row.method, row.path, answer.text_lossy());
            assert_eq!(answer.status, status, "{what}");
            if status >= 400 {
                answer.issue();
            }
            let entries = house.log_since(before);
            if row.audited {
                assert!(!entries.is_empty(), "no entry: {what}");
                assert!(answer.header("x-audit-receipt").is_some(), "no receipt: {what}");
                for logged in &entries {
                    assert!(logged.entry.roles().iter().any(|is| is.as_str() == role), "{what}");
                    let refused = logged.entry.outcome().as_str() == "denied";
                    assert_eq!(refused, status == 403, "{what}");
                }
            }
            if role == "integration" {
                assert!(!answer.text_lossy().contains("Keller") && !answer.text_lossy().contains("8867-4"), "{what}");
            }
            asked += 1;
        }
    }
    println!("{asked} requests of {} roles to {} endpoints", ROLES.len(), rows().len());
}

#[tokio::test]
async fn nobody_gets_anything_without_a_token() {
    let house = House::open().await;
    for row in rows() {
        let answer = house.raw("", row.method, &row.path).send().await;
        assert_eq!(answer.status, 401, "{} {}", row.method, row.path);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.issue().0, "login");
    }
    for path in ["/fhir/R4/metadata", "/oauth2/jwks", "/.well-known/oauth-authorization-server"] {
        house.raw("", "GET", path).send().await.expect(200);
    }
    // A patient is the subject of what he may see by his id alone, with no role he sees nothing: see the identity crate.
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
        assert_eq!(house.get(role, coverage).await.expect(200).text().contains("POLICY-4711"), sees, "{role}");
    }
    let value = |role: &'static str| house.get(role, "/Observation/11111111-0000-4000-8000-000000000002");
    for (role, sees) in [("physician", true), ("researcher", true), ("billing", false), ("front-desk", false), ("auditor", false)] {
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
        assert!(with(role, purpose).await.expect(status).header("x-audit-receipt").is_some(), "{role} {purpose}");
    }
    let narrow = with("physician", "HOPERAT").await.expect(200).text();
    assert!(narrow.contains("Keller"));
    let pulse = "/Observation/11111111-0000-4000-8000-000000000002";
    let narrow = house.call("physician", "GET", pulse).header("x-purpose-of-use", "HOPERAT").send().await.expect(200);
    assert!(!narrow.text().contains("88.5"), "a purpose narrows");
    let twice = house.call("physician", "GET", &path).header("x-purpose-of-use", "TREAT").header("x-purpose-of-use", "HOPERAT");
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
    let made = call("POST", "/Observation").header("prefer", "return=representation").json(&body).send().await.expect(201);
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
