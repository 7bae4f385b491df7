//! Who may do what: every role at every endpoint, and each attempt in the log.

use super::support::{CLINICAL, CONTACT, House, IDENTITY, NARRATIVE, PATIENT, SENSITIVE};
use aceso_console::routes::{Access, ROUTES};
use aceso_testhouse::{LETTER, NORTH};
use std::collections::BTreeSet;

/// In this order stand the expected statuses.
const ROLES: [&str; 9] =
    ["physician", "nurse", "front-desk", "billing", "researcher", "auditor", "operator", "patient", "integration"];

/// What each endpoint answers to nobody, and to each of [`ROLES`]. `cargo xtask check` and a test below hold it against the routes.
const AUTHORISATION: &[(&str, &str, u16, [u16; 9])] = &[
    ("GET", "/console/assets/{version}/{file}", 404, [404; 9]),
    ("GET", "/console/sign-in", 200, [200; 9]),
    // Without the cookie that its form came with.
    ("POST", "/console/sign-in", 403, [403; 9]),
    ("GET", "/console", 303, [303; 9]),
    ("GET", "/console/me", 303, [200; 9]),
    ("POST", "/console/purpose", 303, [303, 403, 303, 403, 403, 403, 403, 403, 303]),
    ("GET", "/console/claims", 303, [200; 9]),
    ("GET", "/console/patients", 303, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    // By name.
    ("POST", "/console/patients", 303, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("GET", "/console/patients/{id}", 303, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("POST", "/console/patients/{id}", 303, [200, 200, 200, 200, 200, 200, 403, 200, 403]),
    ("GET", "/console/proof", 303, [200; 9]),
    ("POST", "/console/proof", 303, [200; 9]),
    ("GET", "/console/live", 401, [200; 9]),
    ("GET", "/console/audit", 303, [403, 403, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/console/audit/checkpoint", 401, [403, 403, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/console/audit/tile/{*path}", 401, [403, 403, 403, 403, 403, 200, 403, 403, 403]),
    // Somebody else's entry.
    ("GET", "/console/audit/entry/{index}", 401, [404, 404, 404, 404, 404, 200, 404, 404, 404]),
    ("GET", "/console/audit/export.tar", 303, [403, 403, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/console/system", 303, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("POST", "/console/system/rotate", 303, [403, 403, 403, 403, 403, 403, 303, 403, 403]),
    ("GET", "/console/connections", 303, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("GET", "/console/connections/{name}", 303, [403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("POST", "/console/connections/{name}/sync", 303, [403, 403, 403, 403, 403, 403, 303, 403, 403]),
    ("POST", "/console/connections/{name}/pause", 303, [403, 403, 403, 403, 403, 403, 303, 403, 403]),
    ("POST", "/console/connections/{name}/resume", 303, [403, 403, 403, 403, 403, 403, 303, 403, 403]),
    ("POST", "/console/connections/{name}/letters/{letter}/retry", 303, [403, 403, 403, 403, 403, 403, 303, 403, 403]),
    (
        "POST",
        "/console/connections/{name}/letters/{letter}/discard",
        303,
        [403, 403, 403, 403, 403, 403, 303, 403, 403],
    ),
    ("POST", "/console/sign-out", 303, [303; 9]),
];

/// What a request leaves in the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// An entry of the caller's.
    Entry,
    /// Nothing: nobody's record, account or key is touched.
    Nothing,
}

/// What a request of somebody to each endpoint leaves in the log, where he is allowed to make it. A refusal leaves an entry everywhere.
const AUDIT: &[(&str, &str, Trace)] = &[
    ("GET", "/console/assets/{version}/{file}", Trace::Nothing),
    ("GET", "/console/sign-in", Trace::Nothing),
    // What a real one leaves is tested with the sessions.
    ("POST", "/console/sign-in", Trace::Nothing),
    ("GET", "/console", Trace::Nothing),
    ("GET", "/console/me", Trace::Entry),
    // Nothing happens yet: the purpose stands in every entry that follows.
    ("POST", "/console/purpose", Trace::Nothing),
    ("GET", "/console/claims", Trace::Nothing),
    ("GET", "/console/patients", Trace::Entry),
    ("POST", "/console/patients", Trace::Entry),
    ("GET", "/console/patients/{id}", Trace::Entry),
    ("POST", "/console/patients/{id}", Trace::Entry),
    ("GET", "/console/proof", Trace::Entry),
    ("POST", "/console/proof", Trace::Entry),
    // Only those who watch entries or keys; for others it tells how long the log is.
    ("GET", "/console/live", Trace::Nothing),
    ("GET", "/console/audit", Trace::Entry),
    ("GET", "/console/audit/checkpoint", Trace::Entry),
    ("GET", "/console/audit/tile/{*path}", Trace::Entry),
    ("GET", "/console/audit/entry/{index}", Trace::Entry),
    ("GET", "/console/audit/export.tar", Trace::Entry),
    ("GET", "/console/system", Trace::Entry),
    ("POST", "/console/system/rotate", Trace::Entry),
    ("GET", "/console/connections", Trace::Entry),
    ("GET", "/console/connections/{name}", Trace::Entry),
    ("POST", "/console/connections/{name}/sync", Trace::Entry),
    ("POST", "/console/connections/{name}/pause", Trace::Entry),
    ("POST", "/console/connections/{name}/resume", Trace::Entry),
    ("POST", "/console/connections/{name}/letters/{letter}/retry", Trace::Entry),
    ("POST", "/console/connections/{name}/letters/{letter}/discard", Trace::Entry),
    ("POST", "/console/sign-out", Trace::Entry),
];

/// A real request to an endpoint: its path, and the fields of its form.
fn request(route: &str) -> (String, &'static str) {
    let path = route.replace("{id}", PATIENT).replace("{*path}", "entries/000.p/1").replace("{index}", "0");
    let path = path.replace("{name}", NORTH).replace("{letter}", LETTER);
    let path = path.replace("{version}", "0").replace("{file}", "console.css");
    let form = match route {
        "/console/purpose" => "purpose=HOPERAT",
        "/console/patients" => "name=zyxel&open=identity",
        "/console/patients/{id}" => "class=identity&class=clinical",
        "/console/proof" => "patient=",
        _ => "",
    };
    (path, form)
}

#[test]
fn every_endpoint_has_a_row_in_both_tables() {
    let routes: BTreeSet<(&str, &str)> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    let authorisation: BTreeSet<(&str, &str)> = AUTHORISATION.iter().map(|row| (row.0, row.1)).collect();
    let audit: BTreeSet<(&str, &str)> = AUDIT.iter().map(|row| (row.0, row.1)).collect();
    assert_eq!(authorisation, routes);
    assert_eq!(audit, routes);
    for route in ROUTES.iter().filter(|route| route.access == Access::Session) {
        let row = AUTHORISATION.iter().find(|row| (row.0, row.1) == (route.method, route.path)).unwrap();
        assert!(matches!(row.2, 303 | 401), "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn every_role_gets_what_the_table_says_and_every_attempt_is_in_the_log() {
    let house = House::open().await;
    for (at, role) in ROLES.into_iter().enumerate() {
        let browser = house.signed_in(role).await;
        let token = browser.get("/console/me").await.expect(200).csrf();
        for (method, route, _, statuses) in AUTHORISATION {
            let (path, form) = request(route);
            let before = house.log_size();
            let answer = match *method {
                "GET" => browser.get(&path).await,
                _ => browser.post(&path, &format!("csrf={token}&{form}")).await,
            };
            let what = format!("{role} {method} {path}");
            assert_eq!(answer.status, statuses[at], "{what}: {}", answer.text);
            assert!(!answer.header("x-request-id").is_empty(), "{what}");
            let entries = house.log_since(before);
            let trace = AUDIT.iter().find(|row| (row.0, row.1) == (*method, *route)).unwrap().2;
            let open = ROUTES.iter().any(|r| (r.method, r.path) == (*method, *route) && r.access == Access::Open);
            if !open && matches!(answer.status, 403 | 404) {
                assert!(!answer.header("x-audit-receipt").is_empty(), "no receipt: {what}");
                assert!(entries.iter().any(|logged| logged.entry.outcome().as_str() != "granted"), "{what}");
            } else if trace == Trace::Entry {
                assert!(!entries.is_empty(), "no entry: {what}");
                assert!(entries.iter().all(|logged| logged.entry.user().is_some()), "{what}");
            } else if *route != "/console/live" {
                assert!(entries.is_empty(), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_gets_a_page_without_signing_in() {
    let house = House::open().await;
    for (method, route, nobody, _) in AUTHORISATION {
        let (path, form) = request(route);
        let browser = house.browser();
        let before = house.log_size();
        let answer = match *method {
            "GET" => browser.get(&path).await,
            _ => browser.post(&path, form).await,
        };
        assert_eq!(answer.status, *nobody, "{method} {path}");
        if *nobody == 303 {
            assert_eq!(answer.header("location"), "/console/sign-in", "{method} {path}");
        }
        answer.hides(&IDENTITY, "a page for nobody");
        assert_eq!(house.log_size(), before, "{method} {path}");
    }
}

#[tokio::test]
async fn operators_auditors_and_integrations_see_no_value_of_a_patient_on_any_page() {
    let house = House::open().await;
    let canaries: Vec<&str> = [&IDENTITY[..], &CONTACT[..], &CLINICAL[..], &SENSITIVE[..], &NARRATIVE[..]].concat();
    for role in ["operator", "auditor", "integration"] {
        let browser = house.signed_in(role).await;
        let token = browser.get("/console/me").await.expect(200).csrf();
        for (method, route, ..) in AUTHORISATION.iter().filter(|row| row.1 != "/console/sign-out") {
            let path = request(route).0;
            let form = "class=identity&class=contact&class=clinical&class=sensitive&class=financial&class=narrative";
            let answer = match *method {
                "GET" => browser.get(&path).await,
                _ => browser.post(&path, &format!("csrf={token}&patient={PATIENT}&{form}")).await,
            };
            answer.hides(&canaries, &format!("{role} {method} {path}"));
        }
    }
}
