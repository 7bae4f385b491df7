//! Records on pages: redacted until opened, and opened by class, with the log to show for it.

use super::support::{CLINICAL, CONTACT, HOSTILE, House, IDENTITY, NARRATIVE, OTHER, PATIENT, SENSITIVE};
use aceso_labels::{ClassSet, DataClass};

fn everything() -> Vec<&'static str> {
    [&IDENTITY[..], &CONTACT[..], &CLINICAL[..], &SENSITIVE[..], &NARRATIVE[..]].concat()
}

#[tokio::test]
async fn a_visit_shows_the_structure_and_the_log_says_that_no_more_was_opened() {
    let house = House::open().await;
    for role in ["physician", "nurse", "front-desk", "billing", "researcher", "patient"] {
        let browser = house.signed_in(role).await;
        for path in
            ["/console/patients".to_owned(), format!("/console/patients/{PATIENT}"), "/console/proof".to_owned()]
        {
            let before = house.log_size();
            let page = browser.get(&path).await.expect(200);
            page.hides(&everything(), &format!("{role} {path}"));
            page.shows(&["class=\"mask"], &path);
            for logged in house.log_since(before) {
                assert!(logged.entry.classes().is_subset_of(ClassSet::STRUCTURE), "{role} {path} {:?}", logged.entry);
            }
        }
    }
}

#[tokio::test]
async fn what_is_opened_is_shown_and_the_rest_stays_sealed() {
    let house = House::open().await;
    let browser = house.signed_in("physician").await;
    let path = format!("/console/patients/{PATIENT}");
    for (form, shown, hidden) in [
        ("class=identity", &IDENTITY[..], [&CONTACT[..], &CLINICAL[..], &SENSITIVE[..]].concat()),
        ("class=contact", &CONTACT[..], [&IDENTITY[..], &CLINICAL[..], &SENSITIVE[..]].concat()),
        ("class=clinical", &CLINICAL[..1], [&IDENTITY[..], &CONTACT[..], &SENSITIVE[..]].concat()),
        ("class=sensitive", &SENSITIVE[..], [&IDENTITY[..], &CONTACT[..], &CLINICAL[..]].concat()),
    ] {
        let before = house.log_size();
        let page = browser.submit(&path, form).await.expect(200);
        page.shows(shown, form);
        page.hides(&hidden, form);
        let class = DataClass::parse(form.trim_start_matches("class=")).unwrap();
        let opened = house.log_since(before).into_iter().fold(ClassSet::NONE, |all, e| all.union(e.entry.classes()));
        assert_eq!(opened, ClassSet::STRUCTURE.with(class));
    }
    let plot = browser.submit(&path, "class=clinical").await.text;
    assert!(plot.contains("<polyline class=\"trend\""), "{plot}");
}

#[tokio::test]
async fn asking_for_more_than_the_rules_give_opens_what_they_give() {
    let house = House::open().await;
    let form = "class=identity&class=contact&class=clinical&class=sensitive&class=financial&class=narrative";
    let path = format!("/console/patients/{PATIENT}");
    for (role, shown, hidden) in [
        ("billing", [&IDENTITY[..], &CONTACT[..]].concat(), [&CLINICAL[..], &SENSITIVE[..]].concat()),
        ("researcher", CLINICAL[..1].to_vec(), [&IDENTITY[..], &CONTACT[..], &SENSITIVE[..]].concat()),
        ("nurse", [&IDENTITY[..], &CONTACT[..], &CLINICAL[..1]].concat(), SENSITIVE.to_vec()),
    ] {
        let page = house.signed_in(role).await.submit(&path, form).await.expect(200);
        page.shows(&shown, role);
        page.hides(&hidden, role);
    }
}

#[tokio::test]
async fn an_emergency_needs_a_reason_of_the_list_and_the_log_has_it() {
    let house = House::open().await;
    let browser = house.signed_in("physician").await;
    let path = format!("/console/patients/{PATIENT}");
    browser.submit(&path, "class=identity&purpose=ETREAT").await.expect(400).hides(&IDENTITY, "without a reason");
    browser.submit(&path, "class=identity&purpose=ETREAT&reason=because+I+like").await.expect(400);
    let before = house.log_size();
    let page = browser.submit(&path, "class=identity&purpose=ETREAT&reason=emergency-care").await.expect(200);
    page.shows(&IDENTITY[..1], "with a reason");
    let told = house.log_since(before).iter().any(|logged| {
        logged.entry.detail().is_some_and(|code| code.as_str() == "emergency-care")
            && logged.entry.purpose().is_some_and(|purpose| purpose.as_str() == "ETREAT")
    });
    assert!(told);
    // A reason is for emergencies; whoever may not act for one is refused.
    let refused = house.signed_in("billing").await;
    refused.submit(&path, "class=identity&purpose=ETREAT&reason=emergency-care").await.expect(403);
}

#[tokio::test]
async fn a_search_is_in_no_address_and_finds_by_what_the_role_may_see() {
    let house = House::open().await;
    let browser = house.signed_in("front-desk").await;
    let masked = browser.submit("/console/patients", "name=zyxelquist").await.expect(200);
    masked.shows(&["1 patient", PATIENT], "a search by name");
    // What was typed stands in its field; nothing else of him is opened.
    masked.hides(&["Zyxelquist", IDENTITY[1], IDENTITY[2]], "a search by name");
    let opened = browser.submit("/console/patients", "born=1931-02-03&open=identity").await.expect(200);
    opened.shows(&IDENTITY, "an opened search");
    browser.submit("/console/patients", "identifier=MRN-774411").await.expect(200).shows(&["1 patient"], "a number");
    browser.submit("/console/patients", "name=no,such$thing|%5c").await.expect(200).shows(&["Nobody matches"], "signs");
    let before = house.log_size();
    let refused = house.signed_in("researcher").await.submit("/console/patients", "name=zyxelquist").await.expect(200);
    refused.shows(&["Not searchable"], "a researcher");
    assert!(house.log_since(before).iter().any(|logged| logged.entry.outcome().as_str() == "denied"));
}

#[tokio::test]
async fn a_hostile_name_is_text() {
    let house = House::open().await;
    let browser = house.signed_in("physician").await;
    for page in [
        browser.submit(&format!("/console/patients/{OTHER}"), "class=identity").await.expect(200),
        browser.submit("/console/patients", "open=identity").await.expect(200),
        browser.submit("/console/patients", "name=%3Cscript%3Ealert(1)%3C/script%3E%22").await.expect(200),
        browser.submit("/console/proof", &format!("patient={OTHER}")).await.expect(200),
    ] {
        assert!(!page.text.contains("<script>alert") && !page.text.contains(HOSTILE));
    }
    let shown = browser.submit(&format!("/console/patients/{OTHER}"), "class=identity").await;
    shown.shows(&["&lt;/td&gt;&lt;script&gt;"], "the name as text");
}

#[tokio::test]
async fn a_patient_sees_himself_and_others_look_absent() {
    let house = House::open().await;
    let browser = house.signed_in("patient").await;
    browser.get("/console/patients").await.expect(200).shows(&["1 patient"], "his list");
    browser.get(&format!("/console/patients/{OTHER}")).await.expect(404);
    browser.get("/console/patients/77777777-0000-4000-8000-000000000001").await.expect(404);
    browser.get("/console/patients/not-an-id").await.expect(404);
    browser.submit(&format!("/console/patients/{OTHER}"), "class=identity").await.expect(404);
    browser.get(&format!("/console/proof?patient={OTHER}")).await.expect(404);
    let own = browser.submit(&format!("/console/patients/{PATIENT}"), "class=identity&class=narrative").await;
    own.expect(200).shows(&IDENTITY[..1], "his own");
}

#[tokio::test]
async fn the_panel_compares_roles_without_opening_as_any_of_them() {
    let house = House::open().await;
    let browser = house.signed_in("billing").await;
    let before = house.log_size();
    let page = browser.submit("/console/proof", &format!("patient={PATIENT}")).await.expect(200);
    page.shows(&["Physician", "Researcher", IDENTITY[0], "Ciphertext begins", "Rotate"][..4], "the panel");
    page.hides(&[&CLINICAL[..], &SENSITIVE[..]].concat(), "billing's panel");
    for logged in house.log_since(before) {
        let roles: Vec<&str> = logged.entry.roles().iter().map(|role| role.as_str()).collect();
        assert_eq!(roles, ["billing"]);
        assert!(!logged.entry.classes().contains(DataClass::Clinical));
    }
}

/// The value of the hidden field with the place of the next page.
fn next(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("name=\"after\" value=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

fn patients(page: &str) -> Vec<String> {
    page.split("<td><a class=\"id\" href=\"/console/patients/").skip(1).map(|rest| rest[..36].to_owned()).collect()
}

#[tokio::test]
async fn the_list_goes_on_page_by_page_for_the_same_person_and_question() {
    let house = House::open().await;
    for number in 0..53 {
        let id = format!("{number:08x}-0000-4000-8000-000000000000");
        house.put(&serde_json::json!({ "resourceType": "Patient", "id": id, "name": [{ "family": "Pagerly" }] })).await;
    }
    let browser = house.signed_in("physician").await;
    let first = browser.get("/console/patients").await.expect(200);
    first.shows(&["55 patients", "1 to 50", "Next page"], "the first page");
    let after = next(&first.text).unwrap();
    let second = browser.submit("/console/patients", &format!("after={after}")).await.expect(200);
    second.shows(&["51 to 55", "First page"], "the second page");
    assert_eq!(next(&second.text), None);
    let all: std::collections::BTreeSet<String> =
        patients(&first.text).into_iter().chain(patients(&second.text)).collect();
    assert_eq!((patients(&first.text).len(), all.len()), (50, 55));
    // Of a search, too, with what was typed; and not of another search, or for somebody else.
    let found = browser.submit("/console/patients", "name=pagerly&open=identity").await.expect(200);
    let after = next(&found.text).unwrap();
    let rest =
        browser.submit("/console/patients", &format!("name=pagerly&open=identity&after={after}")).await.expect(200);
    rest.shows(&["51 to 53", "Pagerly"], "the rest of a search");
    browser.submit("/console/patients", &format!("after={after}")).await.expect(400);
    house.signed_in("nurse").await.submit("/console/patients", &format!("after={after}")).await.expect(400);
    browser.submit("/console/patients", "after=AAAA").await.expect(400);
}
