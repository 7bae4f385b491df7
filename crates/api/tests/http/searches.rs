//! Searches (R4 search.html): the forms, what shapes the answer, and what comes along.

use super::support::{ANNA, BERTA, House, MAX_PAGE, observation, without_id};
use serde_json::Value;

fn ids(answer: &super::support::Answer) -> Vec<String> {
    answer.resources().iter().map(|r| r["id"].as_str().unwrap()[35..].to_owned()).collect()
}

#[tokio::test]
async fn get_post_and_compartment_give_the_same_answer() {
    let house = House::open().await;
    let by_get = house.get("physician", &format!("/Observation?patient={ANNA}&code=8867-4")).await.expect(200);
    assert_eq!(by_get.json()["type"], "searchset");
    let form = "application/x-www-form-urlencoded";
    let by_post =
        house.call("physician", "POST", "/Observation/_search").body(form, format!("patient={ANNA}&code=8867-4"));
    let by_post = by_post.send().await.expect(200);
    let mixed =
        house.call("physician", "POST", &format!("/Observation/_search?patient={ANNA}")).body(form, "code=8867-4");
    let mixed = mixed.send().await.expect(200);
    let inside = house.get("physician", &format!("/Patient/{ANNA}/Observation?code=8867-4")).await.expect(200);
    let posted = house.call("physician", "POST", &format!("/Patient/{ANNA}/Observation/_search"));
    let posted = posted.body(form, "code=8867-4").send().await.expect(200);
    assert_eq!(by_get.names().len(), 2);
    for other in [&by_post, &mixed, &inside, &posted] {
        assert_eq!(other.names(), by_get.names());
    }
    // What came in a body is not repeated in a link.
    assert!(!by_post.text().contains("code=8867-4") && !by_post.link("self").unwrap().contains('?'));
    assert!(by_get.link("self").unwrap().contains("code=8867-4"));
    for answer in [by_get, by_post, inside] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("x-audit-receipt").is_some());
    }
}

#[tokio::test]
async fn a_page_has_as_many_matches_as_asked_up_to_the_limit() {
    let house = House::open().await;
    for value in 0..5 {
        let body = without_id(observation("x", ANNA, "8867-4", f64::from(value), "2024-01-01"));
        house.post("physician", "/Observation", &body).await.expect(201);
    }
    let path = |query: &str| format!("/Observation?patient={ANNA}{query}");
    let page = house.get("physician", &path("")).await.expect(200);
    assert_eq!((page.names().len(), page.json()["total"].clone()), (5, Value::from(8)));
    let all = house.get("physician", &path(&format!("&_count={MAX_PAGE}"))).await.expect(200);
    assert_eq!((all.names().len(), all.link("next")), (8, None));
    let none = house.get("physician", &path("&_count=0")).await.expect(200);
    assert_eq!((none.names().len(), none.json()["total"].clone(), none.link("next")), (0, Value::from(8), None));
    let count = house.get("physician", &path("&_summary=count")).await.expect(200);
    assert_eq!((count.names().len(), count.json()["total"].clone()), (0, Value::from(8)));
    let more = house.get("physician", &path("&_count=900")).await.expect(200);
    assert!(more.link("self").unwrap().ends_with(&format!("&_count={MAX_PAGE}")), "{:?}", more.link("self"));
    assert_eq!(more.names(), all.names());
    for wrong in ["&_count=-1", "&_count=x", "&_count=", "&_count=1&_count=2", "&_count=99999999999"] {
        assert_eq!(house.get("physician", &path(wrong)).await.expect(400).issue().1, "http._count", "{wrong}");
    }
    for total in ["none", "estimate", "accurate"] {
        assert_eq!(house.get("physician", &path(&format!("&_total={total}"))).await.expect(200).json()["total"], 8);
    }
    house.get("physician", &path("&_total=all")).await.expect(400);
}

#[tokio::test]
async fn answers_are_sorted_by_what_was_asked_for() {
    let house = House::open().await;
    let sorted = |sort: &'static str| {
        let path = format!("/Observation?patient={ANNA}&_sort={sort}");
        let house = &house;
        async move { ids(&house.get("physician", &path).await.expect(200)) }
    };
    assert_eq!(sorted("date").await, ["1", "3", "2"]);
    assert_eq!(sorted("-date").await, ["2", "3", "1"]);
    assert_eq!(sorted("value-quantity").await, ["3", "1", "2"]);
    assert_eq!(sorted("code,-date").await, ["3", "2", "1"]);
    assert_eq!(sorted("-_id").await, ["3", "2", "1"]);
    let patients = house.get("physician", "/Patient?_sort=-birthdate").await.expect(200);
    assert_eq!(patients.names(), [format!("Patient/{BERTA}"), format!("Patient/{ANNA}")]);
    let wrong = house.get("physician", &format!("/Observation?patient={ANNA}&_sort=colour")).await.expect(400);
    assert_eq!(wrong.issue().1, "http._sort");
}

#[tokio::test]
async fn records_that_belong_together_come_along() {
    let house = House::open().await;
    let modes = |answer: &super::support::Answer| -> Vec<(String, String)> {
        let bundle = answer.json();
        let entries = bundle["entry"].as_array().unwrap();
        let pair = |entry: &Value| {
            (
                entry["resource"]["resourceType"].as_str().unwrap().to_owned(),
                entry["search"]["mode"].as_str().unwrap().to_owned(),
            )
        };
        entries.iter().map(pair).collect()
    };
    let path =
        format!("/Observation?patient={ANNA}&code=8310-5&_include=Observation:subject&_include=Observation:performer");
    let page = house.get("physician", &path).await.expect(200);
    let of = |rtype: &str, mode: &str| (rtype.to_owned(), mode.to_owned());
    assert_eq!(modes(&page), [of("Observation", "match"), of("Patient", "include"), of("Practitioner", "include")]);
    assert_eq!(page.json()["total"], 1, "what comes along is not counted");
    let path = format!("/Patient?_id={ANNA}&_revinclude=Observation:subject&_revinclude=Condition:patient");
    let page = house.get("physician", &path).await.expect(200);
    assert_eq!(modes(&page).iter().filter(|(_, mode)| mode == "include").count(), 4);
    let narrow = format!("/Observation?patient={ANNA}&_include=Observation:performer:Organization");
    assert_eq!(house.get("physician", &narrow).await.expect(200).names().len(), 3);
    for wrong in
        ["Observation:colour", "Patient:link", "Observation", "Observation:code", "Observation:subject:Claim", "*"]
    {
        let path = format!("/Observation?patient={ANNA}&_include={wrong}");
        assert_eq!(house.get("physician", &path).await.expect(400).issue().1, "http._include", "{wrong}");
    }
    let iterate = format!("/Observation?patient={ANNA}&_include:iterate=Patient:organization");
    assert_eq!(house.get("physician", &iterate).await.expect(400).issue().1, "http._include");
    // What comes along is shown as a read of it would be.
    for role in ["patient", "billing", "researcher", "auditor"] {
        let path = format!("/Patient?_id={ANNA}&_include=Patient:general-practitioner");
        let Some(doctor) =
            house.get(role, &path).await.resources().into_iter().find(|r| r["resourceType"] == "Practitioner")
        else {
            continue;
        };
        let read = house.get(role, "/Practitioner/dr-weiss").await.expect(200).json();
        assert_eq!(doctor["name"], read["name"], "{role}");
        assert_eq!(doctor["meta"]["security"], read["meta"]["security"], "{role}");
    }
}

#[tokio::test]
async fn only_the_wanted_elements_come_and_the_copy_says_so() {
    let house = House::open().await;
    let tagged = |record: &Value| record["meta"]["tag"][0]["code"] == "SUBSETTED";
    let keys = |record: &Value| -> Vec<String> {
        let mut keys: Vec<String> = record.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let path = |query: &str| format!("/Patient/{ANNA}?{query}");
    let narrow = house.get("physician", &path("_elements=gender,birthDate")).await.expect(200).json();
    assert_eq!(keys(&narrow), ["birthDate", "gender", "id", "meta", "resourceType"]);
    assert!(tagged(&narrow));
    let found = house.get("physician", "/Patient?family=kellermann&_elements=gender").await.expect(200);
    assert_eq!(keys(&found.resources()[0]), ["gender", "id", "meta", "resourceType"]);
    let pulse = format!("/Observation?patient={ANNA}&_elements=effective");
    let pulse = house.get("physician", &pulse).await.expect(200).resources()[0].clone();
    assert!(pulse.get("status").is_some() && pulse.get("code").is_some(), "mandatory elements stay");
    assert!(pulse.get("effectiveDateTime").is_some() && pulse.get("valueQuantity").is_none());

    let mut anna = house.get("physician", &format!("/Patient/{ANNA}")).await.json();
    anna["text"] =
        serde_json::json!({ "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Anna</div>" });
    anna["maritalStatus"] = serde_json::json!({ "text": "married" });
    house.put("physician", &format!("/Patient/{ANNA}"), &anna).await.expect(200);
    let of = |summary: &'static str| {
        let path = path(&format!("_summary={summary}"));
        let house = &house;
        async move { house.get("physician", &path).await.expect(200).json() }
    };
    let whole = of("false").await;
    assert!(whole.get("text").is_some() && whole.get("maritalStatus").is_some() && !tagged(&whole));
    let summary = of("true").await;
    assert!(summary.get("name").is_some() && summary.get("maritalStatus").is_none() && tagged(&summary));
    let text = of("text").await;
    assert_eq!(keys(&text), ["id", "meta", "resourceType", "text"]);
    let data = of("data").await;
    assert!(data.get("text").is_none() && data.get("maritalStatus").is_some());
    house.get("physician", &path("_summary=count")).await.expect(400);
    for wrong in ["_elements=colour", "_summary=all", "_elements=", "_include=Patient:organization", "name=x"] {
        house.get("physician", &path(wrong)).await.expect(400);
    }
    for summary in ["true", "text", "data", "false", "count"] {
        house.get("physician", &format!("/Patient?_summary={summary}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_record_of_another_patient_is_found_only_where_it_is_said_to_be_looked_for() {
    let house = House::open().await;
    // By a reference that does not say whose record it is, the compartment is not known.
    let refused = house.get("physician", &format!("/Observation?performer=Patient/{BERTA}")).await.expect(400);
    assert_eq!(refused.issue().1, "http.performer");
    let mut dora =
        super::support::patient("88888888-0000-4000-8000-000000000001", "Dorn", "Dora", "1990-01-01", "MRN-9");
    dora["link"] = serde_json::json!([{ "other": { "reference": format!("Patient/{BERTA}") }, "type": "seealso" }]);
    house.put("physician", "/Patient/88888888-0000-4000-8000-000000000001", &dora).await.expect(201);
    let linked = house.get("physician", &format!("/Patient?link=Patient/{BERTA}")).await.expect(200);
    assert_eq!(linked.names(), ["Patient/88888888-0000-4000-8000-000000000001"]);
    house.get("physician", &format!("/Patient/{ANNA}/Organization")).await.expect(404);
    assert_eq!(house.get("physician", &format!("/Patient/{ANNA}/Device")).await.expect(200).json()["total"], 0);
}

#[tokio::test]
async fn a_device_is_found_by_its_identifier_whether_it_is_a_patients_or_nobodys() {
    let house = House::open().await;
    let device = |serial: &str, patient: Option<&str>| {
        let mut device = serde_json::json!({ "resourceType": "Device", "identifier": [{ "system": "urn:serial", "value": serial }] });
        if let Some(patient) = patient {
            device["patient"] = serde_json::json!({ "reference": format!("Patient/{patient}") });
        }
        device
    };
    for (serial, patient) in [("S-1", Some(ANNA)), ("S-2", None)] {
        let condition = format!("identifier=urn:serial|{serial}");
        for expected in [201, 200] {
            let body = device(serial, patient);
            let create = house.call("physician", "POST", "/Device").header("if-none-exist", condition.as_str());
            create.json(&body).send().await.expect(expected);
        }
        let found = house.get("physician", &format!("/Device?identifier=urn:serial%7C{serial}")).await.expect(200);
        assert_eq!(found.json()["total"], 1, "{serial}");
        let id = found.names().remove(0).replace("Device/", "");
        assert_eq!(house.get("physician", &format!("/Device?_id={id}")).await.expect(200).json()["total"], 1);
    }
    let since = house.get("physician", "/Device?_lastUpdated=ge2000-01-01").await.expect(200);
    assert_eq!(since.json()["total"], 2);
}
