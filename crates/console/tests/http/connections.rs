//! Connected systems on pages: for operators alone, live, and with what can be done to them.

use super::support::House;
use aceso_connect::admin::Doing;
use aceso_testhouse::{LETTER, NORTH};

const STILL: &str = "1c2d3e4f-5a6b-8c7d-9e0f-a1b2c3d4e5f6";

#[tokio::test]
async fn an_operator_sees_the_connections_of_his_tenant_and_what_was_set_aside() {
    let house = House::open().await;
    let browser = house.signed_in("operator").await;
    let list = browser.get("/console/connections").await.expect(200);
    list.shows(&["north", "written", "failing", "ehr.example", "75 s", "Sync now"], "the list");
    list.hides(&["elsewhere"], "the list");
    browser.get("/console/connections/elsewhere").await.expect(404);
    let one = browser.get(&format!("/console/connections/{NORTH}")).await.expect(200);
    one.shows(&["unknown-code", "insurances[0].rank", "140758", "Retry", "Discard", "*/5 * * * *"], "its page");
    browser.get("/console/connections/written").await.expect(200).shows(&["[connect.written]"], "a configured one");
    browser
        .get(&format!("/console/connections/{NORTH}?done=anything"))
        .await
        .expect(200)
        .hides(&["role=\"status\""], "a word");
    browser.get(&format!("/console/connections/{NORTH}?other=1")).await.expect(400);
}

#[tokio::test]
async fn what_an_operator_does_to_a_connection_is_done_in_his_name_and_told_on_its_page() {
    let house = House::open().await;
    let browser = house.signed_in("operator").await;
    let at = format!("/console/connections/{NORTH}");
    let before = house.log_size();
    for (what, form, done, told) in [
        ("sync", "reads=changes", "sync", "has been started"),
        ("sync", "reads=everything", "sync", "has been started"),
        ("pause", "", "paused", "Paused"),
        ("resume", "", "resumed", "Resumed"),
        (&format!("letters/{STILL}/retry"), "", "still", "still set aside"),
        (&format!("letters/{LETTER}/retry"), "", "retried", "taken"),
        (&format!("letters/{LETTER}/discard"), "", "discarded", "discarded"),
    ] {
        let answer = browser.submit(&format!("{at}/{what}"), form).await.expect(303);
        assert_eq!(answer.header("location"), format!("{at}?done={done}"), "{what}");
        browser.get(answer.header("location")).await.expect(200).shows(&["role=\"status\"", told], what);
    }
    let entries = house.log_since(before);
    let user = entries.last().unwrap().entry.user().unwrap().as_str().to_owned();
    let wanted = ["sync", "sync everything", "pause", "resume", "retry", "retry", "discard"];
    assert_eq!(house.connections.told(), wanted.map(|what| format!("{user} {what} {NORTH}")));
    for detail in ["connection-sync", "connection-pause", "connection-resume", "letter-retry", "letter-discard"] {
        let is = |logged: &&aceso_audit::LoggedEntry| logged.entry.detail().is_some_and(|code| code.as_str() == detail);
        let entry = &entries.iter().find(is).unwrap().entry;
        assert_eq!(entry.user().unwrap().as_str(), user, "{detail}");
    }
    browser.submit(&format!("{at}/sync"), "reads=nothing").await.expect(400);
    browser.submit(&format!("{at}/letters/nobody/retry"), "").await.expect(404);
    browser.post(&format!("{at}/pause"), "").await.expect(403);
    assert_eq!(house.connections.told().len(), wanted.len());
}

#[tokio::test]
async fn a_paused_connection_offers_to_resume() {
    let house = House::open().await;
    let browser = house.signed_in("operator").await;
    let page = format!("/console/connections/{NORTH}");
    browser.get(&page).await.expect(200).hides(&[">Resume"], "a running one");
    house.connections.set(NORTH, |status| status.doing = Doing::Paused);
    browser.get(&page).await.expect(200).shows(&[">Resume", "state past"], "a paused one");
}

#[tokio::test]
async fn token_states_are_on_the_panel_of_operators_and_the_stream_keeps_them_live() {
    let house = House::open().await;
    for (role, sees) in [("operator", true), ("physician", false), ("auditor", false), ("integration", false)] {
        let browser = house.signed_in(role).await;
        let panel = browser.get("/console/proof").await.expect(200);
        panel.shows(&["Tokens of connected systems"], role);
        assert_eq!(panel.text.contains("data-field=\"token_expires\""), sees, "{role}");
    }
    house.connections.set(NORTH, |status| status.token.failures = 2);
    let browser = house.signed_in("operator").await;
    let panel = browser.get("/console/proof").await.expect(200);
    panel.shows(&["state bad\" data-field=\"token\">failing"], "a failing token");
    let stream = browser.get("/console/live").await.expect(200);
    assert!(stream.text.starts_with("event: head"));
    house.stop.send_replace(true);
}
