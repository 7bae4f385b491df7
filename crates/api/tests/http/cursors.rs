//! Page links: sealed, and good for the same caller and search only.

use super::support::{ANNA, BERTA, House};
use data_encoding::BASE64URL_NOPAD;

async fn first_page(house: &House) -> (String, String) {
    let page =
        house.get("physician", &format!("/Observation?patient={ANNA}&code=8867-4,8310-5&_count=1&_sort=-date")).await;
    let next = page.expect(200).link("next").unwrap();
    let cursor = next.split_once("_cursor=").unwrap().1.to_owned();
    (next, cursor)
}

#[tokio::test]
async fn pages_follow_each_other_in_the_order_that_was_asked_for() {
    let house = House::open().await;
    let (mut next, _) = first_page(&house).await;
    let mut days = Vec::new();
    loop {
        let page = house.get("physician", &next).await.expect(200);
        assert_eq!(page.json()["total"], 3);
        days.extend(page.resources().iter().map(|r| r["effectiveDateTime"].as_str().unwrap().to_owned()));
        match page.link("next") {
            Some(link) => next = link,
            None => break,
        }
    }
    assert_eq!(days, ["2024-02-05", "2024-01-05"]);
}

#[tokio::test]
async fn no_value_of_the_search_stands_in_a_cursor() {
    let house = House::open().await;
    let (next, cursor) = first_page(&house).await;
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap();
    for plain in ["8867", "8310", "code", "057aa36e", "Observation", "11111111"] {
        assert!(!next.split_once("_cursor").unwrap().1.contains(plain));
        assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain}");
    }
}

#[tokio::test]
async fn a_changed_cursor_is_refused_bit_by_bit() {
    let house = House::open().await;
    let (_, cursor) = first_page(&house).await;
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap();
    let try_one = |text: String| async move { text };
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let text = try_one(BASE64URL_NOPAD.encode(&changed)).await;
        let refused = house.get("physician", &format!("/Observation?_cursor={text}")).await;
        assert_eq!((refused.status, refused.issue().1.as_str()), (400, "http._cursor"), "byte {at}");
        assert!(refused.header("x-audit-receipt").is_some());
        assert!(!refused.text().contains(&text));
    }
    for text in ["", "x", "====", &cursor[..cursor.len() - 2], &format!("{cursor}AA"), &"A".repeat(9000)] {
        house.get("physician", &format!("/Observation?_cursor={text}")).await.expect(400);
    }
}

#[tokio::test]
async fn a_cursor_of_another_search_caller_or_purpose_is_refused() {
    let house = House::open().await;
    let (next, cursor) = first_page(&house).await;
    house.get("physician", &next).await.expect(200);
    for role in ["nurse", "researcher", "billing", "patient"] {
        house.get(role, &next).await.expect(400);
    }
    let purpose = house.call("physician", "GET", &next).header("x-purpose-of-use", "HOPERAT").send().await;
    purpose.expect(400);
    for path in [
        format!("/Condition?_cursor={cursor}"),
        format!("/Patient/{ANNA}/Observation?_cursor={cursor}"),
        format!("/Patient/{BERTA}/$everything?_cursor={cursor}"),
        // A cursor holds the whole question: what stands beside it would be ignored.
        format!("/Observation?_cursor={cursor}&_count=50"),
        format!("/Observation?patient={BERTA}&_cursor={cursor}"),
        format!("/Observation?_cursor={cursor}&_cursor={cursor}"),
    ] {
        let refused = house.get("physician", &path).await.expect(400);
        assert_eq!(refused.issue().1, "http._cursor", "{path}");
    }
}
