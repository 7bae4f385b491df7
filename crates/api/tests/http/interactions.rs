//! Interactions on one record (R4 http.html, section 3.1.0).

use super::support::{ANNA, BASE, BERTA, House, observation, patient, records, without_id};
use serde_json::{Value, json};

const PULSE: &str = "11111111-0000-4000-8000-000000000001";

fn pulse(value: f64) -> Value {
    observation(PULSE, ANNA, "8867-4", value, "2024-01-05")
}

#[tokio::test]
async fn a_read_has_the_headers_of_its_version_and_is_never_cached() {
    let house = House::open().await;
    let read = house.get("physician", &format!("/Patient/{ANNA}")).await.expect(200);
    assert_eq!(read.header("etag"), Some("W/\"1\""));
    assert_eq!(read.header("last-modified"), Some("Sun, 01 Mar 2026 12:00:00 GMT"));
    assert_eq!(read.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(read.header("cache-control"), Some("no-store"));
    assert!(read.header("x-request-id").is_some() && read.header("x-audit-receipt").is_some());
    let shown = read.json();
    assert_eq!(shown["meta"]["versionId"], "1");
    assert_eq!(shown["birthDate"], "1971-05-09");
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body_and_is_in_the_log() {
    let house = House::open().await;
    let before = house.log_size();
    let head = house.call("physician", "HEAD", &format!("/Patient/{ANNA}")).send().await.expect(200);
    assert!(head.body.is_empty());
    assert_eq!(head.header("etag"), Some("W/\"1\""));
    assert!(head.header("x-audit-receipt").is_some());
    assert_eq!(house.log_size(), before + 1);
    let absent = house.call("physician", "HEAD", "/Patient/00000000-0000-4000-8000-000000000000").send().await;
    assert!(absent.expect(404).body.is_empty());
}

#[tokio::test]
async fn every_version_can_be_read_and_a_history_pages_through_them_with_the_deletion() {
    let house = House::open().await;
    let path = format!("/Observation/{PULSE}");
    for value in [73.0, 74.0, 75.0] {
        house.clock.advance(60);
        house.put("physician", &path, &pulse(value)).await.expect(200);
    }
    house.delete("physician", &path).await.expect(204);
    house.clock.advance(60);
    house.put("physician", &path, &pulse(80.0)).await.expect(201);

    let second = house.get("physician", &format!("{path}/_history/2")).await.expect(200);
    assert_eq!(second.json()["valueQuantity"]["value"], 73.0);
    assert_eq!(second.header("etag"), Some("W/\"2\""));
    house.get("physician", &format!("{path}/_history/5")).await.expect(410);
    for absent in ["7", "0", "x", "99999999999"] {
        house.get("physician", &format!("{path}/_history/{absent}")).await.expect(404);
    }

    let first = house.get("physician", &format!("{path}/_history?_count=4")).await.expect(200);
    let bundle = first.json();
    assert_eq!(bundle["type"], "history");
    let methods = |bundle: &Value| -> Vec<String> {
        let entries = bundle["entry"].as_array().unwrap();
        entries.iter().map(|entry| entry["request"]["method"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(methods(&bundle), ["PUT", "DELETE", "PUT", "PUT"]);
    assert!(bundle["entry"][1].get("resource").is_none());
    assert_eq!(bundle["entry"][1]["response"]["etag"], "W/\"5\"");
    assert!(bundle["entry"][0]["response"]["lastModified"].is_string());
    let next = first.link("next").unwrap();
    assert!(next.contains("/_history?_cursor="), "{next}");
    let last = house.get("physician", &next).await.expect(200);
    assert_eq!(methods(&last.json()).len(), 2);
    assert_eq!(last.link("next"), None);
    // The link is the caller's and this history's.
    assert_eq!(house.get("nurse", &next).await.expect(400).issue().1, "http._cursor");
    let of_another = next.replace(PULSE, ANNA).replace("Observation", "Patient");
    assert_eq!(house.get("physician", &of_another).await.expect(400).issue().1, "http._cursor");
    house.get("physician", &format!("{next}&_count=1")).await.expect(400);
    house.get("physician", &next.replace("_cursor=", "_cursor=A")).await.expect(400);

    house.get("physician", &format!("{path}/_history?_count=0")).await.expect(400);
    let whole = house.get("physician", &format!("{path}/_history?_count=51")).await.expect(200);
    assert_eq!(methods(&whole.json()).len(), 6);
    assert!(whole.link("self").unwrap().ends_with("?_count=50"));
    house.get("physician", &format!("{path}/_history?_since=2024-01-01")).await.expect(400);
    house.get("physician", "/Observation/44444444-0000-4000-8000-000000000001/_history").await.expect(404);
}

#[tokio::test]
async fn a_create_gets_an_id_and_says_where_the_record_is() {
    let house = House::open().await;
    let body = without_id(pulse(60.0));
    let made = house.post("physician", "/Observation", &body).await.expect(201);
    assert!(made.body.is_empty());
    assert_eq!(made.header("etag"), Some("W/\"1\""));
    assert!(made.header("last-modified").is_some() && made.header("x-audit-receipt").is_some());
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let location = made.header("location").unwrap().strip_prefix(BASE).unwrap().to_owned();
    assert!(location.ends_with("/_history/1"));
    let shown = house.get("physician", &location).await.expect(200).json();
    // An id in the body of a create is not the client's to choose (3.1.0.8).
    let again = house.post("physician", "/Observation", &pulse(61.0)).await.expect(201);
    assert!(!again.header("location").unwrap().contains(PULSE));
    assert_eq!(shown["valueQuantity"]["value"], 60.0);
}

#[tokio::test]
async fn what_the_client_prefers_comes_back_as_a_read_of_its_own() {
    let house = House::open().await;
    let body = without_id(pulse(60.0));
    let prefer = |text: &str| house.call("physician", "POST", "/Observation").header("prefer", text).json(&body);
    assert!(prefer("return=minimal").send().await.expect(201).body.is_empty());
    let whole = prefer("return=representation").send().await.expect(201);
    assert_eq!(whole.json()["valueQuantity"]["value"], 60.0);
    assert_eq!(whole.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    let outcome = prefer("handling=lenient, return=OperationOutcome").send().await.expect(201);
    assert_eq!(outcome.json()["resourceType"], "OperationOutcome");

    let before = house.log_size();
    let refused = prefer("respond-async").send().await.expect(400);
    assert_eq!(refused.issue().1, "http.Prefer");
    assert_eq!(prefer("return=everything").send().await.expect(400).issue().1, "http.Prefer");
    let stored = house.log_since(before).iter().filter(|logged| logged.entry.action().as_str() == "create").count();
    let granted = house.log_since(before).iter().filter(|logged| logged.entry.outcome().as_str() == "granted").count();
    assert_eq!((stored, granted), (2, 0), "what is refused is not stored first");
}

#[tokio::test]
async fn an_update_makes_a_version_and_an_unknown_uuid_makes_a_record() {
    let house = House::open().await;
    let path = format!("/Observation/{PULSE}");
    let changed = house.put("physician", &path, &pulse(90.0)).await.expect(200);
    assert_eq!(changed.header("etag"), Some("W/\"2\""));
    assert!(changed.header("location").unwrap().ends_with("/_history/2"));
    let fresh = "44444444-0000-4000-8000-000000000001";
    let body = observation(fresh, ANNA, "8867-4", 1.5, "2024-02-02");
    house.put("physician", &format!("/Observation/{fresh}"), &body).await.expect(201);

    // Ids of patients' records are not sealed: only random ones may come from outside.
    let mut named = pulse(1.0);
    named["id"] = json!("anna-keller-pulse");
    let refused = house.put("physician", "/Observation/anna-keller-pulse", &named).await.expect(422);
    assert_eq!(refused.issue().1, "id");
    // Directory records may have any id.
    let ward = json!({ "resourceType": "Organization", "id": "ward-8", "name": "Ward eight" });
    house.put("physician", "/Organization/ward-8", &ward).await.expect(201);
}

#[tokio::test]
async fn the_id_in_the_body_must_be_that_of_the_url() {
    let house = House::open().await;
    let path = format!("/Observation/{PULSE}");
    let other = observation("44444444-0000-4000-8000-000000000001", ANNA, "8867-4", 1.0, "2024-01-01");
    assert_eq!(house.put("physician", &path, &other).await.expect(400).issue().1, "id");
    assert_eq!(house.put("physician", &path, &without_id(other)).await.expect(400).issue().1, "id");
    house.put("physician", &format!("/Patient/{ANNA}"), &pulse(1.0)).await.expect(422);
    assert_eq!(house.get("physician", &path).await.header("etag"), Some("W/\"1\""));
}

#[tokio::test]
async fn if_match_guards_updates_and_deletes() {
    let house = House::open().await;
    let path = format!("/Observation/{PULSE}");
    let put = |tag: &str| house.call("physician", "PUT", &path).header("if-match", tag).json(&pulse(91.0));
    assert_eq!(put("one").send().await.expect(400).issue().1, "http.If-Match");
    let stale = put("W/\"7\"").send().await.expect(412);
    assert!(stale.header("x-audit-receipt").is_some());
    put("W/\"1\"").send().await.expect(200);
    put("\"2\"").send().await.expect(200);
    for malformed in ["W/\"x\"", "", "*", "W/\"3\", W/\"4\"", "3\"\""] {
        put(malformed).send().await.expect(400);
    }
    let delete = |tag: &str| house.call("physician", "DELETE", &path).header("if-match", tag);
    delete("W/\"1\"").send().await.expect(412);
    delete("W/\"3\"").send().await.expect(204);
    put("W/\"4\"").send().await.expect(412);
    let absent = "/Observation/44444444-0000-4000-8000-000000000001";
    let body = observation(&absent[13..], ANNA, "8867-4", 1.0, "2024-01-01");
    house.call("physician", "PUT", absent).header("if-match", "W/\"1\"").json(&body).send().await.expect(412);
}

#[tokio::test]
async fn a_deleted_record_is_gone_and_deleting_it_again_changes_nothing() {
    let house = House::open().await;
    let path = format!("/Observation/{PULSE}");
    let deleted = house.delete("physician", &path).await.expect(204);
    assert!(deleted.body.is_empty());
    assert_eq!(deleted.header("etag"), Some("W/\"2\""));
    assert!(deleted.header("x-audit-receipt").is_some());
    let gone = house.get("physician", &path).await.expect(410);
    assert_eq!(gone.header("etag"), Some("W/\"2\""));
    assert_eq!(gone.issue().0, "deleted");
    let again = house.delete("physician", &path).await.expect(204);
    assert!(again.header("x-audit-receipt").is_some());
    assert_eq!(again.header("cache-control"), Some("no-store"));
    assert_eq!(house.get("physician", &path).await.expect(410).header("etag"), Some("W/\"2\""));
    let never = house.delete("physician", "/Observation/44444444-0000-4000-8000-000000000001").await.expect(404);
    assert!(never.header("x-audit-receipt").is_some());
    assert!(
        !house.get("physician", &format!("/Observation?patient={ANNA}")).await.names().contains(&path[1..].to_owned())
    );
    // It comes back as a new version.
    let back = house.put("physician", &path, &pulse(70.0)).await.expect(201);
    assert_eq!(back.header("etag"), Some("W/\"3\""));
}

#[tokio::test]
async fn a_conditional_create_makes_one_finds_one_or_refuses_many() {
    let house = House::open().await;
    let carla = without_id(patient("x", "Carl", "Carla", "1990-01-01", "MRN-3"));
    let condition = "identifier=http://clinic.example/mrn|MRN-3";
    let create =
        |condition: &str| house.call("physician", "POST", "/Patient").header("if-none-exist", condition).json(&carla);
    let made = create(condition).send().await.expect(201);
    let found = create(condition).send().await.expect(200);
    assert_eq!(found.header("location"), made.header("location"));
    assert_eq!(found.header("etag"), Some("W/\"1\""));
    assert!(found.header("x-audit-receipt").is_some());
    let several = create("identifier=http://clinic.example/mrn|MRN-1,http://clinic.example/mrn|MRN-2").send().await;
    assert_eq!(several.expect(412).issue().0, "multiple-matches");
    for malformed in ["", "_count=1", "colour=blue", "identifier=%zz", "_cursor=abc"] {
        let refused = create(malformed).send().await;
        assert!(matches!(refused.status, 400 | 412), "{malformed}: {}", refused.status);
        refused.issue();
    }
    assert_eq!(house.get("physician", "/Patient").await.json()["total"], 3);
}

#[tokio::test]
async fn a_conditional_update_makes_changes_or_refuses() {
    let house = House::open().await;
    let mut anna = without_id(patient(ANNA, "Keller", "Anna Maria", "1971-05-09", "MRN-1"));
    let path = "/Patient?identifier=http://clinic.example/mrn|MRN-1";
    let changed = house.put("physician", path, &anna).await.expect(200);
    assert!(changed.header("location").unwrap().ends_with(&format!("Patient/{ANNA}/_history/2")));
    anna["id"] = json!(BERTA);
    assert_eq!(house.put("physician", path, &anna).await.expect(400).issue().1, "id");
    anna["id"] = json!(ANNA);
    house.put("physician", path, &anna).await.expect(200);
    house.put("physician", "/Patient?family=keller", &without_id(anna.clone())).await.expect(412);
    let dora = without_id(patient("x", "Dorn", "Dora", "1990-01-01", "MRN-4"));
    house.put("physician", "/Patient?identifier=http://clinic.example/mrn|MRN-4", &dora).await.expect(201);
    house.put("physician", "/Patient?identifier=http://clinic.example/mrn|MRN-4", &dora).await.expect(200);
    // An id of the client's, that nobody has yet (3.1.0.4.3).
    let elsa = patient("55555555-0000-4000-8000-000000000001", "Ernst", "Elsa", "1990-01-01", "MRN-5");
    let made = house.put("physician", "/Patient?identifier=http://clinic.example/mrn|MRN-5", &elsa).await.expect(201);
    assert!(made.header("location").unwrap().contains("55555555-0000-4000-8000-000000000001"));
    house.put("physician", "/Patient", &elsa).await.expect(412);
    // An id of another record, which the condition does not describe, is no permission to overwrite that record.
    let mut wrong = elsa;
    wrong["id"] = json!(BERTA);
    house.put("physician", "/Patient?identifier=http://clinic.example/mrn|MRN-6", &wrong).await.expect(409);
    assert_eq!(house.get("physician", &format!("/Patient/{BERTA}")).await.header("etag"), Some("W/\"1\""));
}

#[tokio::test]
async fn a_conditional_delete_takes_one_record_or_none() {
    let house = House::open().await;
    let one = format!("/Observation?patient={ANNA}&code=8310-5");
    assert!(house.delete("physician", &one).await.expect(204).header("x-audit-receipt").is_some());
    assert!(house.delete("physician", &one).await.expect(204).header("x-audit-receipt").is_some());
    house.delete("physician", &format!("/Observation?patient={ANNA}")).await.expect(412);
    house.delete("physician", "/Observation").await.expect(412);
    assert_eq!(house.get("physician", &format!("/Observation?patient={ANNA}")).await.json()["total"], 2);
}

#[tokio::test]
async fn everything_of_a_patient_comes_page_by_page_and_nothing_of_another() {
    let house = House::open().await;
    let mut names = Vec::new();
    let mut next = Some(format!("/Patient/{ANNA}/$everything?_count=2"));
    let mut pages = 0;
    while let Some(path) = next {
        let page = house.get("physician", &path).await.expect(200);
        assert_eq!(page.json()["type"], "searchset");
        names.extend(page.names());
        next = page.link("next");
        pages += 1;
    }
    assert_eq!(pages, 3);
    names.sort();
    let mut expected: Vec<String> = records()
        .iter()
        .filter(|r| r.to_string().contains(ANNA))
        .map(|r| format!("{}/{}", r["resourceType"].as_str().unwrap(), r["id"].as_str().unwrap()))
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    let typed =
        house.get("physician", &format!("/Patient/{ANNA}/$everything?_type=Coverage,Condition")).await.expect(200);
    assert_eq!(typed.names().len(), 2);
    for (query, status) in [("_count=0", 400), ("_count=51", 200), ("_type=Nothing", 400), ("start=2020-01-01", 400)] {
        house.get("physician", &format!("/Patient/{ANNA}/$everything?{query}")).await.expect(status);
    }
    house.get("physician", "/Patient/44444444-0000-4000-8000-000000000001/$everything").await.expect(404);
    house.get("physician", "/Organization/ward/$everything").await.expect(404);
}

#[tokio::test]
async fn a_copy_that_the_client_has_is_not_sent_again() {
    let house = House::open().await;
    let path = format!("/Patient/{ANNA}");
    let read = |name: &str, value: &str| house.call("physician", "GET", &path).header(name, value).send();
    let before = house.log_size();
    for value in ["W/\"1\"", "\"1\"", "*", "W/\"9\", W/\"1\""] {
        let same = read("if-none-match", value).await.expect(304);
        assert!(same.body.is_empty());
        assert_eq!(same.header("etag"), Some("W/\"1\""));
        assert!(same.header("x-audit-receipt").is_some());
        assert_eq!(same.header("cache-control"), Some("no-store"));
    }
    assert_eq!(house.log_size(), before + 4, "each answer is in the log like a read");
    read("if-none-match", "W/\"2\"").await.expect(200);
    read("if-modified-since", "Sun, 01 Mar 2026 12:00:00 GMT").await.expect(304);
    read("if-modified-since", "Sun, 01 Mar 2026 11:59:59 GMT").await.expect(200);
    read("if-modified-since", "yesterday").await.expect(200);
    read("if-none-match", "nonsense").await.expect(400);
    // Only who may read it learns that it has not changed.
    let foreign =
        house.call("patient", "GET", &format!("/Patient/{BERTA}")).header("if-none-match", "W/\"1\"").send().await;
    foreign.expect(404);
}
