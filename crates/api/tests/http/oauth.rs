//! Tokens over HTTP (RFC 6749, 6750, 7009, 7662), and tokens that do not hold.

use super::support::{ANNA, Answer, BASE, CONSOLE, FEED, House, PASSWORD, URL};
use data_encoding::BASE64;
use serde_json::Value;
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";

async fn ask(house: &House, path: &str, form: &str) -> Answer {
    house.raw("", "POST", path).body(FORM, form).send().await
}

fn log_in(password: &str) -> String {
    format!("grant_type=password&username=physician&password={}&client_id={CONSOLE}", password.replace(' ', "+"))
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()))
}

fn checked(answer: Answer, status: u16) -> Value {
    let answer = answer.expect(status);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("x-request-id").is_some());
    answer.json()
}

#[tokio::test]
async fn a_password_gives_a_token_that_refreshes_once_and_reuse_ends_the_session() {
    let house = House::empty().await;
    let first = checked(ask(&house, "/oauth2/token", &log_in(PASSWORD)).await, 200);
    assert_eq!(first["token_type"], "Bearer");
    assert_eq!(first["expires_in"], 3600);
    let bearer = |token: &Value| format!("Bearer {}", token["access_token"].as_str().unwrap());
    let read = |bearer: String| {
        let call = house.raw("", "GET", "/fhir/R4/Patient").header("authorization", bearer);
        async move { call.send().await.status }
    };
    assert_eq!(read(bearer(&first)).await, 200);
    let refresh = |token: &Value| {
        format!(
            "grant_type=refresh_token&client_id={CONSOLE}&refresh_token={}",
            token["refresh_token"].as_str().unwrap()
        )
    };
    let second = checked(ask(&house, "/oauth2/token", &refresh(&first)).await, 200);
    assert_eq!(read(bearer(&second)).await, 200);
    let reused = checked(ask(&house, "/oauth2/token", &refresh(&first)).await, 400);
    assert_eq!(reused["error"], "invalid_grant");
    // Somebody has a copy: nobody keeps the session.
    assert_eq!(read(bearer(&second)).await, 401);
    assert_eq!(checked(ask(&house, "/oauth2/token", &refresh(&second)).await, 400)["error"], "invalid_grant");
}

#[tokio::test]
async fn a_service_authenticates_by_header_or_body_and_never_by_both() {
    let house = House::empty().await;
    let secret = house.feed_secret.reveal().to_owned();
    let grant = "grant_type=client_credentials";
    let by_header = house.raw("", "POST", "/oauth2/token").header("authorization", basic(FEED, &secret));
    let token = checked(by_header.body(FORM, grant).send().await, 200);
    assert!(token.get("refresh_token").is_none());
    checked(ask(&house, "/oauth2/token", &format!("{grant}&client_id={FEED}&client_secret={secret}")).await, 200);
    let both = house.raw("", "POST", "/oauth2/token").header("authorization", basic(FEED, &secret));
    let both = both.body(FORM, format!("{grant}&client_id={FEED}&client_secret={secret}")).send().await;
    assert_eq!(checked(both, 400)["error"], "invalid_request");
    let wrong = house.raw("", "POST", "/oauth2/token").header("authorization", basic(FEED, "canary-secret"));
    let wrong = wrong.body(FORM, grant).send().await;
    assert!(wrong.header("www-authenticate").unwrap().starts_with("Basic"));
    assert_eq!(checked(wrong, 401)["error"], "invalid_client");
}

#[tokio::test]
async fn what_is_revoked_does_not_work_on_the_next_request() {
    let house = House::empty().await;
    let token = checked(ask(&house, "/oauth2/token", &log_in(PASSWORD)).await, 200);
    let access = token["access_token"].as_str().unwrap();
    let info = || house.raw("", "GET", "/oauth2/userinfo").header("authorization", format!("Bearer {access}"));
    let seen = checked(info().send().await, 200);
    assert_eq!(seen["preferred_username"], "physician");
    ask(&house, "/oauth2/revoke", &format!("client_id={CONSOLE}&token={access}")).await.expect(200);
    let after = info().send().await.expect(401);
    assert_eq!(after.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    // Unknown tokens are no error (RFC 7009 section 2.2).
    ask(&house, "/oauth2/revoke", &format!("client_id={CONSOLE}&token=nonsense")).await.expect(200);
    assert_eq!(checked(ask(&house, "/oauth2/revoke", "token=nonsense").await, 400)["error"], "invalid_request");
    assert_eq!(
        checked(ask(&house, "/oauth2/revoke", "client_id=nobody&token=x").await, 401)["error"],
        "invalid_client"
    );
    let patient = house.raw("patient", "GET", "/oauth2/userinfo").send().await;
    assert_eq!(checked(patient, 200)["fhirUser"], format!("Patient/{ANNA}"));
}

#[tokio::test]
async fn services_may_ask_about_tokens() {
    let house = House::empty().await;
    let secret = house.feed_secret.reveal().to_owned();
    let ask_about = |token: &str| {
        let call = house.raw("", "POST", "/oauth2/introspect").header("authorization", basic(FEED, &secret));
        let call = call.body(FORM, format!("token={token}"));
        async move { checked(call.send().await, 200) }
    };
    let active = ask_about(house.token("nurse")).await;
    assert_eq!(
        (active["active"].as_bool(), active["iss"].as_str(), active["aud"].as_str()),
        (Some(true), Some(URL), Some(BASE))
    );
    assert_eq!(ask_about("nonsense").await, serde_json::json!({ "active": false }));
    let console = ask(&house, "/oauth2/introspect", &format!("client_id={CONSOLE}&token=x")).await;
    assert_eq!(checked(console, 400)["error"], "unauthorized_client");
    house.raw("", "GET", "/oauth2/introspect").send().await.expect(405);
}

#[tokio::test]
async fn keys_and_metadata_are_public() {
    let house = House::empty().await;
    let keys = house.raw("", "GET", "/oauth2/jwks").send().await.expect(200);
    assert_eq!(keys.header("content-type"), Some("application/jwk-set+json"));
    let key = keys.json()["keys"][0].clone();
    assert_eq!(
        (key["kty"].as_str(), key["alg"].as_str(), key["use"].as_str()),
        (Some("RSA"), Some("RS256"), Some("sig"))
    );
    assert!(key.get("d").is_none() && key["kid"].is_string());
    let metadata = house.raw("", "GET", "/.well-known/oauth-authorization-server").send().await.expect(200).json();
    assert_eq!(metadata["issuer"], URL);
    for name in ["token_endpoint", "revocation_endpoint", "introspection_endpoint", "userinfo_endpoint", "jwks_uri"] {
        assert!(metadata[name].as_str().unwrap().starts_with(URL), "{name}");
    }
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_repeat_nothing() {
    let house = House::empty().await;
    const CANARY: &str = "canary7f3a";
    for (form, status, error) in [
        (format!("grant_type={CANARY}&client_id={CONSOLE}"), 400, "unsupported_grant_type"),
        (format!("grant_type=password&username={CANARY}&password=x&client_id={CONSOLE}"), 400, "invalid_grant"),
        (log_in(CANARY), 400, "invalid_grant"),
        (format!("grant_type=password&username=nurse&password=x&client_id={CANARY}"), 401, "invalid_client"),
        (format!("grant_type=password&username=nurse&client_id={CONSOLE}&scope={CANARY}"), 400, "invalid_request"),
        (format!("grant_type=refresh_token&refresh_token={CANARY}&client_id={CONSOLE}"), 400, "invalid_grant"),
        (format!("{CANARY}=1&{CANARY}=2"), 400, "invalid_request"),
        (format!("client_id={CANARY}"), 400, "invalid_request"),
        (format!("grant_type={CANARY}%zz"), 400, "invalid_request"),
        (format!("grant_type={}", CANARY.repeat(4000)), 400, "invalid_request"),
        (String::new(), 400, "invalid_request"),
    ] {
        let answer = ask(&house, "/oauth2/token", &form).await;
        assert!(!answer.text().contains(CANARY), "{}", answer.text());
        assert_eq!(checked(answer, status)["error"], error);
    }
    let json =
        house.raw("", "POST", "/oauth2/token").body("application/json", format!("{{\"grant_type\":\"{CANARY}\"}}"));
    let json = json.send().await;
    assert!(!json.text().contains(CANARY));
    assert_eq!(checked(json, 400)["error"], "invalid_request");
    for header in [format!("Basic {CANARY}"), format!("Bearer {CANARY}"), basic(CANARY, "%zz"), "Basic".to_owned()] {
        let answer = house.raw("", "POST", "/oauth2/token").header("authorization", header);
        let answer = answer.body(FORM, "grant_type=client_credentials").send().await;
        assert!(matches!(answer.status, 400 | 401) && !answer.text().contains(CANARY));
    }
    let secret = house.feed_secret.reveal().to_owned();
    let twice = house.raw("", "POST", "/oauth2/token").header("authorization", basic(FEED, &secret));
    let twice = twice.header("authorization", basic(FEED, "x")).body(FORM, "grant_type=client_credentials");
    assert_eq!(checked(twice.send().await, 400)["error"], "invalid_request");
}

#[tokio::test]
async fn a_bad_token_is_in_the_log_and_a_flood_of_them_is_one_counted_entry() {
    let house = House::empty().await;
    let before = house.log_size();
    let bad = |value: &str| house.raw("", "GET", "/fhir/R4/Patient").header("authorization", value).send();
    let first = bad("Bearer canary7f3a").await.expect(401);
    assert!(first.header("x-audit-receipt").is_some());
    assert_eq!(first.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert!(!first.text().contains("canary7f3a"));
    for _ in 0..40 {
        bad("Bearer canary7f3a").await.expect(401);
    }
    bad("Basic abc").await.expect(401);
    let mut signed = house.token("physician").to_owned();
    signed.replace_range(signed.len() - 6.., "AAAAAA");
    bad(&format!("Bearer {signed}")).await.expect(401);
    house.clock.advance(7200);
    bad(&format!("Bearer {}", house.token("physician"))).await.expect(401);
    house.clock.advance(-7200);
    let two =
        house.raw("physician", "GET", "/fhir/R4/Patient").header("authorization", "Bearer x").send().await.expect(401);
    assert!(two.header("x-audit-receipt").is_some());
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let entries: Vec<(String, Option<u64>)> = house
        .log_since(before)
        .iter()
        .map(|logged| {
            assert_eq!(logged.entry.action().as_str(), "token-refused");
            (logged.entry.outcome().reason().unwrap().as_str().to_owned(), logged.entry.count())
        })
        .collect();
    let of = |reason: &str| -> Vec<Option<u64>> {
        entries.iter().filter(|(is, _)| is == reason).map(|(_, count)| *count).collect()
    };
    assert_eq!(of("token-malformed"), [None, Some(40)]);
    assert_eq!(of("not-a-bearer-token"), [None]);
    assert_eq!(of("token-signature"), [None]);
    assert_eq!(of("token-expired"), [None]);
    assert_eq!(of("several-credentials"), [None]);
    assert_eq!(entries.len(), 6);
    // Whoever presents nothing is nobody: no entry.
    let before = house.log_size();
    house.raw("", "GET", "/fhir/R4/Patient").send().await.expect(401);
    assert_eq!(house.log_size(), before);
}
