//! What a hostile request, a stolen form or another site gets.

use super::support::{House, PASSWORD, PATIENT};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[tokio::test]
async fn every_answer_has_the_headers_of_defence_and_only_files_are_kept_by_browsers() {
    let house = House::open().await;
    let browser = house.signed_in("physician").await;
    let page = browser.get("/console/patients").await.expect(200);
    let style = page.text.split("href=\"").find(|part| part.starts_with("/console/assets/")).unwrap();
    let style = style.split('"').next().unwrap().to_owned();
    for path in
        ["/console/sign-in", "/console", "/console/me", "/console/system", "/console/nowhere", "/console/live", &style]
    {
        let answer = browser.get(path).await;
        assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        let kept = if path == style { "public, max-age=31536000, immutable" } else { "no-store" };
        if path != "/console/live" {
            assert_eq!(answer.header("cache-control"), kept, "{path}");
        }
    }
    let page = page.text;
    assert!(!page.contains(" style=") && !page.contains(" onclick=") && !page.contains("<style"), "nothing inline");
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing from elsewhere");
}

#[tokio::test]
async fn the_cookie_is_a_reference_for_this_host_alone() {
    for (url, name, secure) in
        [("https://aceso.example", "__Host-aceso-console", true), ("http://127.0.0.1:8080", "aceso-console", false)]
    {
        let house = House::at(url).await;
        let browser = house.browser();
        let token = browser.get("/console/sign-in").await.csrf();
        let form = format!("csrf={token}&username=nurse&password={}", PASSWORD.replace(' ', "+"));
        let answer = browser.post("/console/sign-in", &form).await.expect(303);
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with(&format!("{name}=")), "{cookie}");
        for part in ["Path=/", "HttpOnly", "SameSite=Strict"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert_eq!(cookie.contains("Secure"), secure);
        assert!(!cookie.contains("Domain"));
        let value = browser.cookie(name).unwrap();
        assert!(value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "256 random bits");
    }
}

#[tokio::test]
async fn a_form_without_the_sessions_token_or_from_another_site_changes_nothing() {
    let house = House::open().await;
    let nurse = house.signed_in("nurse").await;
    let other = house.signed_in("physician").await.get("/console/me").await.csrf();
    let own = nurse.get("/console/me").await.csrf();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for path in
        ["/console/sign-out", "/console/purpose", "/console/proof", "/console/patients", "/console/system/rotate"]
    {
        for token in ["", "csrf=", "csrf=abc", &format!("csrf={other}")] {
            nurse.post(path, token).await.expect(403);
        }
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            nurse.send("POST", path, &[form[0], foreign], &format!("csrf={own}")).await.expect(403);
        }
        nurse.send("POST", path, &[("content-type", "text/plain")], &format!("csrf={own}")).await.expect(400);
    }
    let before = house.log_size();
    nurse.post(&format!("/console/patients/{PATIENT}"), "class=identity").await.expect(403);
    let entries = house.log_since(before);
    assert_eq!((entries.len(), entries[0].entry.outcome().as_str()), (1, "denied"));
    // Still signed in, and from here the form is taken.
    let here = [form[0], ("origin", "https://aceso.example"), ("sec-fetch-site", "same-origin")];
    nurse.send("POST", "/console/purpose", &here, &format!("csrf={own}&purpose=TREAT")).await.expect(303);
}

#[tokio::test]
async fn signing_in_failing_to_and_signing_out_are_entries_and_a_session_that_ended_opens_nothing() {
    let house = House::open().await;
    let browser = house.browser();
    let token = browser.get("/console/sign-in").await.csrf();
    let before = house.log_size();
    let wrong =
        browser.post("/console/sign-in", &format!("csrf={token}&username=nurse&password=wrong")).await.expect(401);
    wrong.shows(&["User name or password is wrong"], "a wrong password");
    assert!(house.log_since(before).iter().any(|logged| logged.entry.action().as_str() == "login-failed"));
    let browser = house.signed_in("nurse").await;
    let reference = browser.cookie("__Host-aceso-console").unwrap();
    let token = browser.get("/console/me").await.expect(200).csrf();
    let before = house.log_size();
    browser.post("/console/sign-out", &format!("csrf={token}")).await.expect(303);
    assert!(house.log_since(before).iter().any(|logged| logged.entry.action().as_str() == "logged-out"));
    assert!(browser.cookie("__Host-aceso-console").is_none());
    let stolen = house.browser();
    let cookie = format!("__Host-aceso-console={reference}");
    let answer = stolen.send("GET", "/console/me", &[("cookie", &cookie)], "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/console/sign-in"));
}

#[tokio::test]
async fn a_session_is_renewed_while_it_is_used_and_over_when_it_is_not() {
    let house = House::open().await;
    let browser = house.signed_in("nurse").await;
    for _ in 0..3 {
        house.clock.advance(900);
        browser.get("/console/me").await.expect(200);
    }
    house.clock.advance(7300);
    browser.get("/console/me").await.expect(303);
}

#[tokio::test]
async fn a_purpose_that_is_not_the_roles_own_is_refused_and_logged() {
    let house = House::open().await;
    let browser = house.signed_in("billing").await;
    let before = house.log_size();
    browser.submit("/console/purpose", "purpose=TREAT").await.expect(403);
    browser.submit("/console/purpose", "purpose=CURIOSITY").await.expect(400);
    let denied = house.log_since(before);
    assert!(denied.iter().any(|logged| logged.entry.outcome().as_str() == "denied"));
    browser.get("/console/me").await.expect(200).shows(&["HPAYMT"], "the purpose");
    // An emergency needs a reason each time, so it is nobody's lasting purpose.
    house.signed_in("nurse").await.submit("/console/purpose", "purpose=ETREAT").await.expect(400);
    let physician = house.signed_in("physician").await;
    physician.submit("/console/purpose", "purpose=HOPERAT").await.expect(303);
    let narrowed = physician.submit(&format!("/console/patients/{PATIENT}"), "class=clinical").await.expect(200);
    narrowed.hides(&super::support::CLINICAL, "for operations");
}
