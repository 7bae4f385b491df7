//! Token issue, expiry, refresh and scopes.

use crate::support::{Source, json, token};
use aceso_emr_sim::{Credentials, Fault};
use serde_json::json;

const ID: &str = "simulated-client";
const SECRET: &str = "simulated-secret";

#[test]
fn a_token_is_issued_with_its_lifetime_and_covers_everything_without_a_scope() {
    let source = Source::plain();
    let token = token(&source.client(), ID, SECRET, "");
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(36_000)));
    assert_eq!(token["scope"], "apiv2");
    assert!(token["refresh_token"].is_string());
    let _ = source.client().bearer(token["access_token"].as_str().unwrap()).get("/patients/").expect(200);
}

#[test]
fn a_token_ends_with_its_lifetime() {
    let source = Source::start(|options| options.token_seconds = 300);
    source.clock.advance(299);
    let _ = source.api.get("/patients/").expect(200);
    source.clock.advance(1);
    assert_eq!(source.api.get("/patients/").expect(401).json()["detail"], "Invalid token.");
    let _ = source.client().get("/patients/").expect(401);
}

#[test]
fn a_token_can_end_before_its_lifetime() {
    let source = Source::plain();
    source.simulator.faults().script("/reports/", [Fault::ExpireToken]);
    let _ = source.api.get("/patients/").expect(200);
    let _ = source.api.get("/reports/").expect(401);
    let _ = source.api.get("/patients/").expect(401);
}

#[test]
fn wrong_secrets_grants_and_forms_are_refused_as_oauth_has_it() {
    let source = Source::plain();
    let client = source.client();
    let refused = |form: &str, status| client.form("/oauth2/token/", form).expect(status).json()["error"].clone();
    assert_eq!(
        refused("grant_type=client_credentials&client_id=simulated-client&client_secret=x", 401),
        "invalid_client"
    );
    let with = |rest: &str| format!("client_id={ID}&client_secret={SECRET}&{rest}");
    assert_eq!(refused(&with("grant_type=implicit"), 400), "unsupported_grant_type");
    assert_eq!(refused(&with("scope=apiv2"), 400), "invalid_request");
    assert_eq!(refused(&with("grant_type=client_credentials&scope=system/moons.read"), 400), "invalid_scope");
    let _ = json(&client, "POST", "/oauth2/token/", &json!({ "grant_type": "client_credentials" })).expect(400);
}

#[test]
fn a_refresh_token_works_once() {
    let source = Source::plain();
    let client = source.client();
    let first = token(&client, ID, SECRET, "system/patients.read");
    let form = format!(
        "grant_type=refresh_token&client_id={ID}&client_secret={SECRET}&refresh_token={}",
        first["refresh_token"].as_str().unwrap()
    );
    let second = client.form("/oauth2/token/", &form).expect(200).json();
    assert_eq!(second["scope"], "system/patients.read");
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(client.form("/oauth2/token/", &form).expect(400).json()["error"], "invalid_grant");
}

#[test]
fn a_fine_scope_covers_its_resource_and_its_access_only() {
    let source = Source::plain();
    let token = token(&source.client(), ID, SECRET, "system/patients.read+system/reports.read");
    let api = source.client().bearer(token["access_token"].as_str().unwrap());
    let _ = api.get("/patients/").expect(200);
    let _ = api.get("/reports/").expect(200);
    let _ = api.get("/medications/").expect(403);
    let _ = api.get("/subscriptions/").expect(403);
    let _ = json(&api, "POST", "/patients/", &json!({})).expect(403);
}

#[test]
fn a_tenant_outside_of_the_beta_takes_no_fine_scope() {
    let source = Source::start(|options| options.fine_scopes = false);
    let form = format!("grant_type=client_credentials&client_id={ID}&client_secret={SECRET}&scope=");
    let refused = source.client().form("/oauth2/token/", &format!("{form}system/patients.read")).expect(400);
    assert_eq!(refused.json()["error"], "invalid_scope");
    let _ = source.client().form("/oauth2/token/", &format!("{form}apiv2")).expect(200);
}

#[test]
fn further_applications_have_credentials_of_their_own() {
    let source = Source::start(|options| options.further = vec![Credentials::new("other", "other-secret")]);
    let _ = token(&source.client(), "other", "other-secret", "");
}
