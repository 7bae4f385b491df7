//! Both paging styles, and the filters.

use crate::support::{Source, id, pages};
use aceso_emr_sim::Kind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn pages_go_by_cursor_unless_an_offset_is_sent() {
    let source = Source::plain();
    let page = source.api.get("/patients/?limit=10").expect(200).json();
    assert!(page.get("count").is_none());
    assert!(page["next"].as_str().unwrap().starts_with(&format!("{}/patients/?", source.simulator.base_url())));
    assert!(page["next"].as_str().unwrap().contains("cursor="));
    assert_eq!(page["previous"], Value::Null);

    let page = source.api.get("/patients/?limit=10&offset=10").expect(200).json();
    assert_eq!(page["count"], 24);
    assert!(page["next"].as_str().unwrap().contains("offset=20"));
    assert!(page["previous"].as_str().unwrap().contains("offset=0"));

    let by_cursor = pages(&source.api, "/patients/?limit=7").concat();
    let by_offset = pages(&source.api, "/patients/?limit=7&offset=0").concat();
    assert_eq!(by_cursor, by_offset);
    assert_eq!(by_cursor.len(), 24);
    assert!(by_cursor.is_sorted_by_key(id));
}

#[test]
fn a_page_holds_a_hundred_at_most() {
    let source = Source::plain();
    for query in ["limit=5000", "limit=5000&offset=0"] {
        let page = source.api.get(&format!("/visit_notes/?{query}")).expect(200).json();
        assert_eq!(page["results"].as_array().unwrap().len(), 100, "{query}");
    }
}

#[test]
fn the_way_back_by_cursor_shows_the_same_pages() {
    let source = Source::plain();
    let mut forward = Vec::new();
    let mut page = source.api.get("/problems/?limit=20").expect(200).json();
    forward.push(page["results"].clone());
    while let Some(next) = page["next"].as_str() {
        page = source.api.get(next).expect(200).json();
        forward.push(page["results"].clone());
    }
    let last = forward.pop().unwrap();
    assert!(last.as_array().unwrap().len() <= 20);
    for expected in forward.iter().rev() {
        page = source.api.get(page["previous"].as_str().unwrap()).expect(200).json();
        assert_eq!(page["results"], *expected);
    }
    assert_eq!(page["previous"], Value::Null);
}

#[test]
fn a_cursor_that_is_none_is_refused() {
    let source = Source::plain();
    assert_eq!(source.api.get("/patients/?cursor=nonsense").expect(404).json()["detail"], "Invalid cursor");
}

#[test]
fn inserts_and_deletions_between_pages_neither_lose_nor_double_an_id() {
    let source = Source::plain();
    let before: BTreeSet<i64> = source.ids(Kind::Vitals).into_iter().collect();
    let (mut seen, mut deleted) = (Vec::new(), BTreeSet::new());
    let mut change = || {
        let changed = source.simulator.change(8).into_iter();
        deleted.extend(changed.filter(|changed| changed.deleted).map(|changed| changed.id));
    };
    let ids = |page: &Value| -> Vec<i64> { page["results"].as_array().unwrap().iter().map(id).collect() };
    let next_of = |page: &Value| page["next"].as_str().map(str::to_owned);
    let mut next = Some("/vitals/?limit=9".to_owned());
    let mut last_was_open = false;
    while let Some(url) = next {
        let page = source.api.get(&url).expect(200).json();
        let had = ids(&page);
        seen.extend(&had);
        next = next_of(&page);
        if next.is_some() {
            change();
        } else if !last_was_open {
            // What was the last page gets a successor: the same request again names it, and shows what else came.
            last_was_open = true;
            while next.is_none() {
                change();
                let again = source.api.get(&url).expect(200).json();
                next = next_of(&again);
                if next.is_some() {
                    seen.extend(ids(&again).into_iter().filter(|id| !had.contains(id)));
                }
            }
        }
    }
    let once: BTreeSet<i64> = seen.iter().copied().collect();
    assert_eq!(once.len(), seen.len(), "an id came twice");
    let truth = source.simulator.truth();
    let live: BTreeSet<i64> =
        truth.entries(Kind::Vitals).filter(|entry| !entry.deleted).map(|entry| entry.id).collect();
    // One that was deleted and came back behind the reader is not shown to him.
    assert!(live.difference(&once).all(|id| deleted.contains(id)), "an id was lost");
    assert!(live.difference(&before).count() > 0, "nothing was inserted");
    assert!(last_was_open);
}

#[test]
fn last_modified_takes_and_leaves_equal_timestamps_as_asked() {
    let source = Source::plain();
    let ids = source.ids(Kind::Patients);
    source.clock.advance(100);
    for patient in &ids[..3] {
        assert!(source.simulator.edit(Kind::Patients, *patient, |body| {
            body.insert("notes".into(), json!("moved"));
        }));
    }
    let at = source.api.get(&format!("/patients/{}/", ids[0])).expect(200).json()["last_modified"].clone();
    assert_eq!(at, "2026-03-01T12:01:40Z");
    let found = |filter: &str| -> Vec<i64> {
        let query = format!("/patients/?last_modified__{filter}=2026-03-01T12:01:40Z&limit=2");
        pages(&source.api, &query).concat().iter().map(id).collect()
    };
    assert_eq!(found("gte"), ids[..3]);
    assert_eq!(found("gt"), Vec::<i64>::new());
    assert_eq!(found("lt"), ids[3..]);
    assert_eq!(found("lte"), ids);
    let offset = source.api.get("/patients/?last_modified__gte=2026-03-01T12:01:40Z&offset=0").expect(200).json();
    assert_eq!(offset["count"], 3);
}

#[test]
fn only_patients_and_visit_notes_know_last_modified_and_others_ignore_it() {
    let source = Source::plain();
    let future = "last_modified__gte=2099-01-01";
    for kind in Kind::ALL {
        let all = source.ids(kind).len();
        let found = pages(&source.api, &format!("/{}/?limit=100&{future}", kind.path())).concat().len();
        let knows = matches!(kind, Kind::Patients | Kind::VisitNotes);
        assert_eq!(found, if knows { 0 } else { all }, "{kind:?}");
    }
    let refused = source.api.get("/patients/?last_modified__gt=lately").expect(400);
    assert!(refused.json()["last_modified__gt"].is_array());
}

#[test]
fn each_type_has_the_filters_of_its_own() {
    let source = Source::plain();
    let count = |query: &str| pages(&source.api, &format!("/{query}")).concat().len();
    let whole = |kind: Kind| source.ids(kind).len();

    let early = count("reports/?document_date__lt=2015-01-01&limit=100");
    let late = count("reports/?document_date__gte=2015-01-01&limit=100");
    assert!(early > 0 && late > 0 && early + late == whole(Kind::Reports));
    assert!(count("reports/?reported_date__lt=2015-01-01&limit=100") > 0);
    assert_eq!(count("reports/?report_type=Imaging&limit=100"), 4);

    let none = count("prescription_fills/?fill_date__isnull=true&limit=100");
    let some = count("prescription_fills/?fill_date__isnull=false&limit=100");
    assert!(none > 0 && some > 0 && none + some == whole(Kind::PrescriptionFills));
    assert!(count("prescription_fills/?fill_date__gte=2000-01-01&fill_date__lte=2030-01-01&limit=100") < some);

    let signed = count("lab_orders/?from_signed_date=1900-01-01&to_signed_date=2099-01-01&limit=100");
    assert!(signed > 0 && signed < whole(Kind::LabOrders), "unsigned orders have no date to go by");
    let to_come = count("appointments/?from_date=2026-03-01&limit=100");
    assert_eq!(to_come, 24 + 2, "one for each patient, and the blocks");
    assert_eq!(count("appointments/?time_slot_type=event&limit=100"), 2);
}

#[test]
fn patient_practice_and_thread_take_several_ids() {
    let source = Source::plain();
    let ids = source.ids(Kind::Patients);
    let of = |patients: &str| pages(&source.api, &format!("/visit_notes/?limit=100&patient={patients}")).concat();
    let (first, second) = (of(&ids[0].to_string()), of(&ids[5].to_string()));
    assert!(first.iter().all(|note| note["patient"] == ids[0]) && !first.is_empty());
    let both = of(&format!("{}%2C{}", ids[5], ids[0]));
    assert_eq!(both, [first, second].concat());
    let _ = source.api.get("/visit_notes/?patient=somebody").expect(400);

    let orders = source.crawl(Kind::Medications, 100);
    let thread = orders[0]["thread"]["id"].as_i64().unwrap();
    let in_thread = pages(&source.api, &format!("/medications/?thread={thread}")).concat();
    let expected: Vec<_> = orders.iter().filter(|order| order["thread"]["id"] == thread).cloned().collect();
    assert_eq!(in_thread, expected);
    assert!(in_thread.len() > 1);

    let practice = orders[0]["practice"].as_i64().unwrap();
    let in_practice = pages(&source.api, &format!("/medications/?limit=100&practice={practice}")).concat();
    assert!(in_practice.iter().all(|order| order["practice"] == practice) && !in_practice.is_empty());
}
