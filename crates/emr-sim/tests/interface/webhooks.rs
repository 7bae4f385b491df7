//! Subscriptions and deliveries.

use crate::support::{Received, Receiver, Source, id, json, pages, token, until};
use aceso_emr_sim::{Credentials, Fault, FaultPlan, Kind, WebhookFault, WebhookPlan};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn subscribe(source: &Source, resource: &str, target: &str) -> Value {
    json(&source.api, "POST", "/app/subscriptions/", &json!({ "resource": resource, "target": target }))
        .expect(201)
        .json()
}

/// Saves patients at the source, one after the other.
fn save(source: &Source, patients: &[i64]) {
    for patient in patients {
        let saved = source.simulator.edit(Kind::Patients, *patient, |body| {
            body.insert("notes".into(), json!("saved"));
        });
        assert!(saved);
    }
}

fn objects(received: &[Received]) -> Vec<i64> {
    received.iter().map(|delivery| id(&delivery.json()["data"])).collect()
}

#[test]
fn a_subscription_has_a_key_of_its_own_and_cannot_be_made_twice() {
    let source = Source::plain();
    let first = subscribe(&source, "patients", "http://127.0.0.1:1/hook");
    let second = subscribe(&source, "reports", "http://127.0.0.1:1/hook");
    assert_ne!(first["signing_pub_key"], second["signing_pub_key"]);
    let key = data_encoding::BASE64.decode(first["signing_pub_key"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(key.len(), 32);
    let again = json!({ "resource": "patients", "target": "http://127.0.0.1:1/hook" });
    let _ = json(&source.api, "POST", "/subscriptions/", &again).expect(409);
    let other = json!({ "resource": "patients", "target": "http://127.0.0.1:1/other", "properties": { "a": 1 } });
    assert_eq!(json(&source.api, "POST", "/subscriptions/", &other).expect(201).json()["properties"]["a"], 1);

    let listed = source.api.get("/subscriptions/").expect(200).json();
    assert_eq!(listed["results"].as_array().unwrap().len(), 3);
    assert_eq!(source.api.get("/app/subscriptions/?offset=0&limit=1").expect(200).json()["count"], 3);
    let _ = source.api.delete(&format!("/app/subscriptions/{}/", id(&first))).expect(204);
    let _ = source.api.get(&format!("/subscriptions/{}/", id(&first))).expect(404);
    let _ = json(&source.api, "POST", "/subscriptions/", &again).expect(201);

    let bad = |body: Value| json(&source.api, "POST", "/subscriptions/", &body).expect(400).json();
    assert!(bad(json!({ "resource": "moons", "target": "http://127.0.0.1:1/" }))["resource"].is_array());
    assert!(bad(json!({ "resource": "prescription_fills", "target": "http://127.0.0.1:1/" }))["resource"].is_array());
    assert!(bad(json!({ "resource": "patients", "target": "nowhere" }))["target"].is_array());
    assert!(bad(json!({ "resource": "patients" }))["target"].is_array());
}

#[test]
fn a_save_and_a_deletion_are_delivered_signed_over_the_raw_body() {
    let source = Source::plain();
    let receiver = Receiver::start();
    let subscription = subscribe(&source, "patients", &receiver.url);
    let key = subscription["signing_pub_key"].as_str().unwrap();
    let patient = source.ids(Kind::Patients)[2];
    save(&source, &[patient]);
    let saved = receiver.wait_for(1)[0].clone();
    assert!(saved.verifies(key));
    let body = saved.json();
    assert_eq!((&body["action"], &body["resource"]), (&json!("saved"), &json!("patients")));
    assert_eq!(body["application_id"], "simulated-client");
    assert_eq!((&body["resource_url"], &body["data"]["notes"]), (&Value::Null, &json!("saved")));
    assert_eq!(body["data"], source.api.get(&format!("/patients/{patient}/")).expect(200).json());
    assert_eq!(body["event_uuid"].as_str().unwrap().as_bytes()[14], b'7');

    assert!(source.simulator.delete(Kind::Patients, patient));
    let deleted = receiver.wait_for(2)[1].json();
    assert_eq!((&deleted["action"], id(&deleted["data"])), (&json!("deleted"), patient));
    assert!(deleted["event_id"].as_i64() > body["event_id"].as_i64());
    // What nobody subscribed to is not delivered.
    assert!(source.simulator.delete(Kind::Problems, source.ids(Kind::Problems)[0]));
    until("the deliveries are settled", || source.simulator.deliveries().iter().all(|known| !known.open));
    assert_eq!(receiver.received().len(), 2);
}

#[test]
fn only_200_is_accepted_and_a_delivery_is_tried_for_72_hours() {
    let source = Source::plain();
    let receiver = Receiver::start();
    subscribe(&source, "patients", &receiver.url);
    receiver.answer_with(204);
    save(&source, &source.ids(Kind::Patients)[..1]);
    let attempts = || source.simulator.deliveries()[0].attempts;
    until("the first attempt", || attempts() == 1);
    assert_eq!(source.simulator.deliveries()[0].status, Some(204));
    // The clock stands still: there is no second attempt before the first minute is over.
    source.clock.advance(59);
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(attempts(), 1);
    source.clock.advance(1);
    until("the second attempt", || attempts() == 2);
    for made in 3..30 {
        source.clock.advance(4 * 3600);
        until("another attempt, or the end", || attempts() == made || !source.simulator.deliveries()[0].open);
    }
    let delivery = source.simulator.deliveries()[0].clone();
    assert!(!delivery.open, "given up after 72 hours");
    assert!((19..=21).contains(&delivery.attempts), "{}", delivery.attempts);
    let first = receiver.received()[0].clone();
    assert!(receiver.received().iter().all(|again| again.body == first.body && again.signature == first.signature));
}

#[test]
fn a_receiver_that_recovers_gets_what_it_missed() {
    let source = Source::plain();
    let receiver = Receiver::start();
    subscribe(&source, "patients", &receiver.url);
    receiver.answer_with(500);
    let patients = source.ids(Kind::Patients)[..3].to_vec();
    save(&source, &patients);
    until("all are settled", || source.simulator.deliveries().iter().all(|known| known.attempts == 1));
    receiver.answer_with(200);
    source.clock.advance(3600);
    until("all are accepted", || source.simulator.deliveries().iter().all(|known| known.status == Some(200)));
    let again: BTreeSet<i64> = objects(&receiver.received()[3..]).into_iter().collect();
    assert_eq!(again, patients.into_iter().collect());
}

#[test]
fn a_tampered_body_and_a_wrong_key_do_not_verify_and_the_retry_does() {
    for fault in [WebhookFault::Tamper, WebhookFault::WrongKey] {
        let source = Source::plain();
        let receiver = Receiver::start();
        let subscription = subscribe(&source, "patients", &receiver.url);
        let key = subscription["signing_pub_key"].as_str().unwrap();
        source.simulator.faults().script_webhooks([fault]);
        receiver.answer_with(401);
        save(&source, &source.ids(Kind::Patients)[..1]);
        assert!(!receiver.wait_for(1)[0].verifies(key), "{fault:?}");
        receiver.answer_with(200);
        until("it is settled", || source.simulator.deliveries()[0].attempts == 1);
        source.clock.advance(60);
        assert!(receiver.wait_for(2)[1].verifies(key), "{fault:?}");
    }
}

#[test]
fn deliveries_repeat_replay_overtake_and_get_lost() {
    let source = Source::plain();
    let receiver = Receiver::start();
    let subscription = subscribe(&source, "patients", &receiver.url);
    let key = subscription["signing_pub_key"].as_str().unwrap();
    let patients = source.ids(Kind::Patients);
    let settled = || until("settled", || source.simulator.deliveries().iter().all(|known| !known.open));

    source.simulator.faults().script_webhooks([WebhookFault::None, WebhookFault::Repeat]);
    save(&source, &patients[..2]);
    settled();
    assert_eq!(objects(&receiver.received()), [patients[0], patients[1], patients[1]]);

    source.simulator.faults().script_webhooks([WebhookFault::Replay]);
    save(&source, &patients[2..3]);
    settled();
    let all = receiver.received();
    assert_eq!(objects(&all[3..]), [patients[2], patients[0]], "the oldest comes again");
    assert!(all[4].verifies(key) && all[4].body == all[0].body && all[4].signature == all[0].signature);

    source.simulator.faults().script_webhooks([WebhookFault::Reorder]);
    save(&source, &patients[3..5]);
    settled();
    assert_eq!(objects(&receiver.received()[5..]), [patients[4], patients[3]]);

    source.simulator.faults().script_webhooks([WebhookFault::Drop]);
    save(&source, &patients[5..7]);
    settled();
    assert_eq!(objects(&receiver.received()[7..]), [patients[6]]);
    let lost = source.simulator.deliveries().into_iter().find(|known| known.object == patients[5]).unwrap();
    assert_eq!((lost.attempts, lost.status), (0, None));
}

#[test]
fn a_delivery_can_carry_an_address_instead_of_the_object() {
    let plan = FaultPlan { webhooks: WebhookPlan { by_url: 1.0, ..WebhookPlan::default() }, ..FaultPlan::default() };
    let source = Source::start(|options| options.faults = plan);
    let receiver = Receiver::start();
    subscribe(&source, "patients", &receiver.url);
    let patient = source.ids(Kind::Patients)[0];
    save(&source, &[patient]);
    let body = receiver.wait_for(1)[0].json();
    assert_eq!(body["data"], Value::Null);
    let fetched = source.api.get(body["resource_url"].as_str().unwrap()).expect(200).json();
    assert_eq!((id(&fetched), &fetched["notes"]), (patient, &json!("saved")));
}

#[test]
fn one_save_can_make_several_events() {
    let plan = FaultPlan { webhooks: WebhookPlan { burst: 1.0, ..WebhookPlan::default() }, ..FaultPlan::default() };
    let source = Source::start(|options| options.faults = plan);
    let receiver = Receiver::start();
    subscribe(&source, "patients", &receiver.url);
    save(&source, &source.ids(Kind::Patients)[..1]);
    let events = receiver.wait_for(2);
    let ids: BTreeSet<String> = events.iter().map(|event| event.json()["event_uuid"].to_string()).collect();
    assert_eq!(ids.len(), events.len());
    assert_eq!(objects(&events[..1]), objects(&events[1..2]));
}

#[test]
fn an_application_does_not_hear_of_its_own_writes_and_others_do() {
    let source = Source::start(|options| options.further = vec![Credentials::new("other", "other-secret")]);
    let other = token(&source.client(), "other", "other-secret", "");
    let other = source.client().bearer(other["access_token"].as_str().unwrap());
    let (mine, theirs) = (Receiver::start(), Receiver::start());
    subscribe(&source, "patients", &mine.url);
    let subscription = json!({ "resource": "patients", "target": theirs.url });
    let _ = json(&other, "POST", "/subscriptions/", &subscription).expect(201);
    let patient = source.ids(Kind::Patients)[0];
    let _ = json(&source.api, "PATCH", &format!("/patients/{patient}/"), &json!({ "notes": "mine" })).expect(200);
    let heard = theirs.wait_for(1)[0].json();
    assert_eq!((&heard["application_id"], &heard["data"]["notes"]), (&json!("other"), &json!("mine")));
    // A write of the other one comes to me, and it is the first that does.
    let _ = json(&other, "PATCH", &format!("/patients/{patient}/"), &json!({ "notes": "theirs" })).expect(200);
    assert_eq!(mine.wait_for(1)[0].json()["data"]["notes"], "theirs");
    assert_eq!(theirs.received().len(), 1);
    let published = source.api.get("/published_events/").expect(200).json();
    assert_eq!(published["results"].as_array().unwrap().len(), 1);
}

#[test]
fn published_events_know_what_was_lost_and_forget_it_after_thirty_days() {
    let source = Source::plain();
    let receiver = Receiver::start();
    subscribe(&source, "patients", &receiver.url);
    let patients = source.ids(Kind::Patients);
    source.simulator.faults().script_webhooks([WebhookFault::Drop]);
    save(&source, &patients[..5]);
    until("settled", || source.simulator.deliveries().iter().all(|known| !known.open));
    assert_eq!(receiver.received().len(), 4);
    let events = pages(&source.api, "/app/published_events/?limit=2").concat();
    let of: Vec<i64> = events.iter().map(|event| event["resource_id"].as_i64().unwrap()).collect();
    assert_eq!(of, patients[..5]);
    assert!(events.iter().all(|event| event["event_type"] == "saved" && event["resource"] == "patients"));
    assert_eq!((&events[0]["status_code"], &events[1]["status_code"]), (&Value::Null, &json!(200)));
    assert_eq!(source.api.get("/published_events/?offset=0").expect(200).json()["count"], 5);
    let alone = source.api.get(&format!("/published_events/{}/", id(&events[0]))).expect(200).json();
    assert_eq!(alone, events[0]);

    let token = |source: &Source| {
        let token = token(&source.client(), "simulated-client", "simulated-secret", "");
        source.client().bearer(token["access_token"].as_str().unwrap())
    };
    source.clock.advance(30 * 86_400 - 1);
    let kept = token(&source).get("/published_events/?offset=0").expect(200).json();
    assert_eq!(kept["count"], 5);
    source.clock.advance(1);
    assert_eq!(token(&source).get("/published_events/?offset=0").expect(200).json()["count"], 0);
}

#[test]
fn a_subscription_that_has_ended_gets_nothing_more() {
    let source = Source::plain();
    let (gone, stays) = (Receiver::start(), Receiver::start());
    let subscription = subscribe(&source, "patients", &gone.url);
    subscribe(&source, "patients", &stays.url);
    let _ = source.api.delete(&format!("/subscriptions/{}/", id(&subscription))).expect(204);
    save(&source, &source.ids(Kind::Patients)[..1]);
    stays.wait_for(1);
    assert!(gone.received().is_empty());
}

#[test]
fn nothing_is_delivered_while_the_simulator_is_down_and_everything_afterwards() {
    let source = Source::plain();
    let receiver = Receiver::start();
    subscribe(&source, "patients", &receiver.url);
    let patients = source.ids(Kind::Patients);
    source.simulator.take_down();
    save(&source, &patients[..2]);
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(receiver.received().is_empty());
    source.simulator.bring_back();
    assert_eq!(objects(&receiver.wait_for(2)), patients[..2]);
    source.simulator.faults().script("", [Fault::None]);
    let _ = source.api.get("/patients/").expect(200);
}
