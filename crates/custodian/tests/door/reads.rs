//! Reading: redaction by role, and answers that do not tell what they hide.

use crate::common::*;
use aceso_base::{Purpose, Role, Version};
use aceso_custodian::{DoorError, HistoryItem, Shape};
use serde_json::{Value, json};

const SENSITIVE: &str = "d0000000-0000-4000-8000-000000000004";
const OTHER: &str = "e0000000-0000-4000-8000-000000000005";

fn somebody() -> Value {
    json!({
        "resourceType": "Patient", "id": SENSITIVE, "gender": "female", "birthDate": "1970-01-01",
        "name": [{"family": "Secretname", "given": ["Zoe"]}],
        "telecom": [{"system": "phone", "value": "555-0100"}],
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a told story</div>"},
        "extension": [{"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [
            {"url": "text", "valueString": "raceword"}]}]
    })
}

fn finding(name: &str, value: u32) -> Value {
    json!({"resourceType": "Observation", "id": name, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/{SENSITIVE}")}, "valueQuantity": {"value": value, "unit": "/min"},
        "note": [{"text": "noteword"}]})
}

const FINDING: &str = "f0000000-0000-4000-8000-000000000006";

async fn house() -> House {
    let house = House::new().await;
    house.put(&integration(), &somebody()).await.unwrap();
    house.put(&integration(), &json!({"resourceType": "Patient", "id": OTHER})).await.unwrap();
    house.put(&integration(), &finding(FINDING, 72)).await.unwrap();
    house
}

#[tokio::test]
async fn each_role_sees_its_classes_and_gaps_in_the_place_of_the_others() {
    let house = house().await;
    // Which of: name (identity), phone (contact), race (sensitive), story (narrative).
    let of_patient = [
        (physician(), [true, true, true, true]),
        (with_purpose(Role::Physician, Purpose::Operations), [true, true, false, false]),
        (caller(Role::Nurse), [true, true, false, true]),
        (caller(Role::FrontDesk), [true, true, false, false]),
        (caller(Role::Billing), [true, true, false, false]),
        (caller(Role::Researcher), [false, false, false, false]),
        (caller(Role::Auditor), [false, false, false, false]),
        (patient(SENSITIVE), [true, true, true, true]),
    ];
    for (who, shown) in of_patient {
        let view = house.read(&who, "Patient", SENSITIVE).await.unwrap();
        let text = String::from_utf8(view.json().to_vec()).unwrap();
        for (word, expected) in ["Secretname", "555-0100", "raceword", "a told story"].into_iter().zip(shown) {
            assert_eq!(text.contains(word), expected, "{word} for {:?}", who.roles);
        }
        assert_eq!(text.contains("1970-01-01"), shown[0]);
        let complete = shown.iter().all(|shown| *shown);
        assert_eq!(view.is_redacted(), !complete);
        assert_eq!(text.contains("REDACTED"), !complete, "{:?}", who.roles);
        let parsed: Value = serde_json::from_slice(view.json()).unwrap();
        assert_eq!(parsed["id"], SENSITIVE);
        assert_eq!(parsed["meta"]["versionId"], "1");
    }
    let of_finding = [
        (physician(), [true, true]),
        (caller(Role::Nurse), [true, true]),
        (caller(Role::FrontDesk), [false, false]),
        (caller(Role::Researcher), [true, false]),
        (caller(Role::Auditor), [false, false]),
        (patient(SENSITIVE), [true, true]),
    ];
    for (who, shown) in of_finding {
        let view = house.read(&who, "Observation", FINDING).await.unwrap();
        let text = String::from_utf8(view.json().to_vec()).unwrap();
        for (word, expected) in ["8867-4", "noteword"].into_iter().zip(shown) {
            assert_eq!(text.contains(word), expected, "{word} for {:?}", who.roles);
        }
    }
}

#[tokio::test]
async fn what_a_full_reader_gets_back_is_what_was_written() {
    let house = house().await;
    let mut shown = json(&house.read(&physician(), "Patient", SENSITIVE).await.unwrap());
    shown.as_object_mut().unwrap().remove("meta");
    assert_eq!(shown, somebody());
}

#[tokio::test]
async fn a_record_that_is_hidden_answers_like_one_that_is_not_there() {
    let house = house().await;
    let nobody = "00000000-0000-4000-8000-0000000000ff";
    let stranger = patient(OTHER);
    for (who, hidden) in [(&stranger, "absent"), (&caller(Role::Operator), "forbidden"), (&integration(), "forbidden")]
    {
        for kind in ["Patient", "Observation"] {
            let there = if kind == "Patient" { SENSITIVE } else { FINDING };
            assert_eq!(outcome(&house.read(who, kind, there).await), hidden);
            assert_eq!(outcome(&house.read(who, kind, nobody).await), hidden);
            assert_eq!(outcome(&house.vread(who, kind, there, 1).await), hidden);
            assert_eq!(outcome(&house.vread(who, kind, there, 9).await), hidden);
            assert_eq!(outcome(&house.vread(who, kind, nobody, 1).await), hidden);
            let history = |name| house.door.history(who, rtype(kind), id(name), None, 10);
            fn id(name: &str) -> &'static aceso_base::LogicalId {
                Box::leak(Box::new(crate::common::id(name)))
            }
            assert_eq!(outcome(&history(there).await), hidden);
            assert_eq!(outcome(&history(nobody).await), hidden);
        }
    }
    assert_eq!(outcome(&house.read(&physician(), "Patient", nobody).await), "absent");
    assert_eq!(outcome(&house.read(&stranger, "Patient", OTHER).await), "ok");
    // Texts of hidden and absent are the same too.
    let texts = [SENSITIVE, nobody].map(|name| (name, &stranger));
    let mut seen = Vec::new();
    for (name, who) in texts {
        seen.push(house.read(who, "Patient", name).await.unwrap_err().to_string());
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn another_tenants_reader_finds_nothing_and_another_regions_nobody() {
    let house = house().await;
    let other = aceso_base::TenantId::parse("other").unwrap();
    house.door.ensure_tenant(&other).await.unwrap();
    let foreign = aceso_base::Caller { tenant: other, ..physician() };
    assert_eq!(outcome(&house.read(&foreign, "Patient", SENSITIVE).await), "absent");
    let abroad = aceso_base::Caller { region: aceso_base::Region::parse("ksa").unwrap(), ..physician() };
    assert_eq!(outcome(&house.read(&abroad, "Patient", SENSITIVE).await), "absent");
}

#[tokio::test]
async fn versions_stay_readable_and_a_deletion_is_gone() {
    let house = house().await;
    house.clock.advance(5);
    house.put(&physician(), &finding(FINDING, 80)).await.unwrap();
    house.clock.advance(5);
    house.delete(&physician(), "Observation", FINDING).await.unwrap();
    let read = house.read(&physician(), "Observation", FINDING).await;
    assert!(matches!(read, Err(DoorError::Gone { version: Version(3), .. })));
    for (version, value) in [(1, 72), (2, 80)] {
        let view = house.vread(&physician(), "Observation", FINDING, version).await.unwrap();
        assert_eq!(json(&view)["valueQuantity"]["value"], value);
        assert_eq!(json(&view)["meta"]["versionId"], version.to_string());
    }
    assert_eq!(outcome(&house.vread(&physician(), "Observation", FINDING, 3).await), "gone");
    assert_eq!(outcome(&house.vread(&physician(), "Observation", FINDING, 4).await), "absent");
    let back = house.put(&physician(), &finding(FINDING, 90)).await.unwrap();
    assert_eq!((back.version, back.created), (Version(4), true));

    let (items, _) = house.door.history(&physician(), rtype("Observation"), &id(FINDING), None, 10).await.unwrap();
    let kinds: Vec<(u32, bool)> =
        items.iter().map(|item| (item.version().0, matches!(item, HistoryItem::Deleted { .. }))).collect();
    assert_eq!(kinds, [(4, false), (3, true), (2, false), (1, false)]);
    assert!(items.windows(2).all(|pair| pair[0].updated() >= pair[1].updated()));
    let (items, _) =
        house.door.history(&physician(), rtype("Observation"), &id(FINDING), Some(Version(4)), 2).await.unwrap();
    assert_eq!(items.iter().map(|item| item.version().0).collect::<Vec<_>>(), [3, 2]);
    // History is redacted like a read.
    let (items, _) =
        house.door.history(&caller(Role::Auditor), rtype("Observation"), &id(FINDING), None, 10).await.unwrap();
    for item in &items {
        if let HistoryItem::Version(view) = item {
            assert!(view.is_redacted() && !String::from_utf8_lossy(view.json()).contains("8867-4"));
        }
    }
}

#[tokio::test]
async fn a_shape_only_takes_away_and_says_so() {
    let house = house().await;
    let shape = Shape { elements: Some(vec!["name".into(), "extension".into()]), ..Shape::WHOLE };
    let read = |who| house.door.read(who, rtype("Patient"), Box::leak(Box::new(id(SENSITIVE))), None, &shape);
    let full = physician();
    let (view, _) = read(&full).await.unwrap();
    let keys: Vec<String> = json(&view).as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys.iter().filter(|key| !["id", "meta", "resourceType"].contains(&key.as_str())).count(),
        2,
        "{keys:?}"
    );
    assert!(json(&view)["meta"]["tag"].to_string().contains("SUBSETTED"));
    let auditor = caller(Role::Auditor);
    let (view, _) = read(&auditor).await.unwrap();
    let text = String::from_utf8_lossy(view.json()).into_owned();
    assert!(!text.contains("Secretname") && !text.contains("raceword") && text.contains("REDACTED"), "{text}");
}
