//! What goes wrong on the way.

use crate::support::{Source, json, until};
use aceso_emr_sim::{Fault, FaultPlan, Kind, RateLimit, Script, WebhookFault};
use serde_json::{Value, json};

#[test]
fn a_storm_of_429_says_when_to_come_back_or_does_not() {
    let source = Source::plain();
    let told = Fault::TooMany { retry_after: Some(7) };
    let silent = Fault::TooMany { retry_after: None };
    source.simulator.faults().script("/patients/", [told, silent, silent]);
    let first = source.api.get("/patients/").expect(429);
    assert_eq!((first.header("retry-after"), &first.json()["detail"]), ("7", &json!("Request was throttled.")));
    assert_eq!(source.api.get("/patients/").expect(429).header("retry-after"), "");
    let _ = source.api.get("/patients/").expect(429);
    let _ = source.api.get("/patients/").expect(200);
    assert_eq!(source.simulator.answered(429), 3);
}

#[test]
fn the_limiter_lets_through_what_it_is_set_to() {
    for retry_after in [true, false] {
        let rate = RateLimit { per_second: 2.0, burst: 3, retry_after };
        let source = Source::start(|options| options.rate = Some(rate));
        for _ in 0..3 {
            let _ = source.api.get("/problems/").expect(200);
        }
        let refused = source.api.get("/problems/").expect(429);
        assert_eq!(refused.header("retry-after"), if retry_after { "1" } else { "" });
        source.clock.advance(1);
        let _ = source.api.get("/problems/").expect(200);
        let _ = source.api.get("/problems/").expect(200);
        let _ = source.api.get("/problems/").expect(429);
    }
}

#[test]
fn a_page_after_the_first_can_fail_and_the_same_request_works_again() {
    let plan = FaultPlan { page_error: 1.0, ..FaultPlan::default() };
    let source = Source::start(|options| options.faults = plan);
    let page = source.api.get("/patients/?limit=5").expect(200).json();
    let next = page["next"].as_str().unwrap();
    let failed = source.api.get(next);
    assert!((500..=504).contains(&failed.status), "{}", failed.status);
    source.simulator.faults().heal();
    assert_eq!(source.api.get(next).expect(200).json()["results"].as_array().unwrap().len(), 5);
}

#[test]
fn failures_of_a_gateway_are_not_json() {
    let source = Source::plain();
    source.simulator.faults().script("", [502, 503].map(|status| Fault::Error { status }));
    let gateway = source.api.get("/patients/").expect(502);
    assert!(gateway.header("content-type").starts_with("text/html") && gateway.text().starts_with('<'));
    assert!(source.api.get("/patients/").expect(503).json()["detail"].is_string());
}

#[test]
fn a_body_can_end_early_in_a_complete_answer_or_with_the_connection() {
    let source = Source::plain();
    source.simulator.faults().script("/patients/", [Fault::Truncate, Fault::Cut, Fault::DropBefore]);
    let truncated = source.api.get("/patients/").expect(200);
    assert!(!truncated.body.is_empty());
    assert!(serde_json::from_slice::<Value>(&truncated.body).is_err());
    assert!(source.api.try_send("GET", "/patients/", &[], Vec::new()).is_err());
    assert!(source.api.try_send("GET", "/patients/", &[], Vec::new()).is_err());
    let _ = source.api.get("/patients/").expect(200);
    assert_eq!(source.simulator.answered(0), 1, "dropped requests are counted");
}

#[test]
fn a_slow_answer_is_a_good_one() {
    let source = Source::plain();
    source.simulator.faults().script("/patients/", [Fault::Slow { millis: 150 }]);
    let start = std::time::Instant::now();
    let _ = source.api.get("/patients/").expect(200);
    assert!(start.elapsed() >= std::time::Duration::from_millis(150));
}

#[test]
fn it_dies_and_comes_back_on_its_port_with_all_it_knew() {
    let source = Source::plain();
    let before = source.crawl(Kind::Patients, 100);
    source.simulator.faults().script("/patients/", [Fault::Die { millis: 30 }]);
    assert!(source.api.try_send("GET", "/patients/", &[], Vec::new()).is_err());
    until("it is back", || source.api.try_send("GET", "/patients/", &[], Vec::new()).is_ok());
    assert_eq!(source.crawl(Kind::Patients, 100), before);

    source.simulator.take_down();
    until("the port refuses", || source.client().try_send("GET", "/patients/", &[], Vec::new()).is_err());
    assert!(source.api.try_send("GET", "/patients/", &[], Vec::new()).is_err());
    source.simulator.change(1);
    source.simulator.bring_back();
    until("it is back", || source.api.try_send("GET", "/patients/", &[], Vec::new()).is_ok());
    let _ = source.api.get("/patients/").expect(200);
}

#[test]
fn a_stopped_simulator_gives_its_port_back() {
    let source = Source::plain();
    let url = source.simulator.base_url();
    let port: u16 = url.split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap();
    let Source { runtime, simulator, .. } = source;
    runtime.block_on(simulator.stop());
    assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok());
}

#[test]
fn a_crawl_through_every_fault_ends_with_the_truth() {
    let plan = FaultPlan {
        expire_token: 0.05,
        too_many: 0.1,
        with_retry_after: 0.5,
        retry_after_seconds: 1,
        server_error: 0.05,
        page_error: 0.1,
        truncate: 0.05,
        cut: 0.05,
        drop: 0.05,
        slow: 0.05,
        slow_millis: 2,
        die: 0.02,
        dead_millis: 10,
        ..FaultPlan::default()
    };
    let source = Source::start(|options| options.faults = plan);
    let credentials = source.simulator.credentials().clone();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        credentials.client_id, credentials.client_secret
    );
    let mut api = source.client();
    let mut ids = Vec::new();
    let mut next = Some("/visit_notes/?limit=4".to_owned());
    let mut tries = 0;
    while let Some(url) = next.clone() {
        tries += 1;
        assert!(tries < 5000, "no end");
        let answer = api.try_send("GET", &url, &[], Vec::new());
        let Ok(answer) = answer else { continue };
        match (answer.status, serde_json::from_slice::<Value>(&answer.body)) {
            (200, Ok(page)) => {
                ids.extend(page["results"].as_array().unwrap().iter().map(crate::support::id));
                next = page["next"].as_str().map(str::to_owned);
            }
            (401, _) => {
                let headers = [("content-type", "application/x-www-form-urlencoded")];
                let token = source.client().try_send("POST", "/oauth2/token/", &headers, form.clone().into_bytes());
                let token = token.ok().filter(|token| token.status == 200);
                let token = token.and_then(|token| serde_json::from_slice::<Value>(&token.body).ok());
                if let Some(token) = token {
                    api = source.client().bearer(token["access_token"].as_str().unwrap());
                }
            }
            _ => {}
        }
    }
    let truth = source.simulator.truth();
    let expected: Vec<i64> = truth.entries(Kind::VisitNotes).map(|entry| entry.id).collect();
    assert_eq!(ids, expected);
    let seen = |status| source.simulator.answered(status) > 0;
    assert!([0, 200, 401, 429].into_iter().all(seen), "{:?}", source.simulator.counts());
}

#[test]
fn a_plan_is_read_from_toml_and_json_and_an_unknown_member_is_refused() {
    let text = r#"
        too_many = 0.1
        with_retry_after = 0.5
        [webhooks]
        repeat = 0.2
        script = ["tamper", "wrong_key"]
        [[scripts]]
        path = "/reports/"
        then = ["truncate", { too_many = { retry_after = 3 } }, { die = { millis = 5 } }, "drop_after"]
    "#;
    let plan: FaultPlan = toml::from_str(text).unwrap();
    assert_eq!(plan.too_many, 0.1);
    assert_eq!(plan.webhooks.script, [WebhookFault::Tamper, WebhookFault::WrongKey]);
    let then =
        vec![Fault::Truncate, Fault::TooMany { retry_after: Some(3) }, Fault::Die { millis: 5 }, Fault::DropAfter];
    assert_eq!(plan.scripts, [Script { path: "/reports/".into(), then }]);
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<FaultPlan>(&json).unwrap(), plan);
    assert!(toml::from_str::<FaultPlan>("to_many = 0.1").is_err());
}

#[test]
fn requests_are_counted_by_path_and_status() {
    let source = Source::plain();
    let patient = source.ids(Kind::Patients)[0];
    let _ = source.api.get(&format!("/patients/{patient}/")).expect(200);
    let _ = source.api.get(&format!("/patients/{}/", patient + 1)).expect(404);
    let _ = json(&source.api, "POST", "/patients/", &json!({})).expect(400);
    let counts = source.simulator.counts();
    let times = |method: &str, path: &str, status| {
        let found = counts
            .iter()
            .find(|count| (count.method.as_str(), count.path.as_str(), count.status) == (method, path, status));
        found.map_or(0, |count| count.times)
    };
    assert_eq!(times("GET", "/patients/{id}/", 200), 1);
    assert_eq!(times("GET", "/patients/{id}/", 404), 1);
    assert_eq!(times("POST", "/patients/", 400), 1);
    assert_eq!(times("POST", "/oauth2/token/", 200), 1);
}
