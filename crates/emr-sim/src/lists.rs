//! Pages of a list, in both styles (note, section 1.3): by cursor, and by offset when `offset` is sent.

use crate::filters::{Filters, Query, last};
use crate::kind::Kind;
use crate::reply::Reply;
use crate::store::Store;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

const LARGEST_PAGE: usize = 100;
const USUAL_PAGE: usize = 25;

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Start,
    /// Ids above this one.
    After(i64),
    /// The last ids below this one.
    Before(i64),
}

impl Cursor {
    fn parse(text: Option<&str>) -> Option<Self> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Some(Self::Start) };
        let decoded = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
        match decoded.strip_prefix("r=1&p=") {
            Some(id) => Some(Self::Before(id.parse().ok()?)),
            None => Some(Self::After(decoded.strip_prefix("p=")?.parse().ok()?)),
        }
    }

    fn text(self) -> String {
        let plain = match self {
            Self::Start => String::new(),
            Self::After(id) => format!("p={id}"),
            Self::Before(id) => format!("r=1&p={id}"),
        };
        BASE64URL_NOPAD.encode(plain.as_bytes())
    }
}

fn limit(query: &Query) -> usize {
    let asked = last(query, "limit").and_then(|text| text.parse().ok()).filter(|limit| *limit > 0);
    asked.unwrap_or(USUAL_PAGE).min(LARGEST_PAGE)
}

/// One page of objects of a type. `url` is the full address of the list without a query.
pub(crate) fn page(store: &Store, kind: Kind, url: &str, query: &Query) -> Reply {
    let filters = match Filters::of(kind, query) {
        Ok(filters) => filters,
        Err(refused) => return refused,
    };
    if last(query, "offset").is_some() {
        return by_offset(store, kind, url, query, &filters);
    }
    let Some(cursor) = Cursor::parse(last(query, "cursor")) else { return Reply::detail(404, "Invalid cursor") };
    by_cursor(store, kind, url, query, &filters, cursor)
}

fn by_cursor(store: &Store, kind: Kind, url: &str, query: &Query, filters: &Filters, cursor: Cursor) -> Reply {
    let limit = limit(query);
    let admitted = |ordinal: &u64| filters.admit(store, kind, *ordinal);
    let candidates = |range| store.candidates(kind, range, filters.patients.as_deref()).filter(admitted);
    let (mut found, more_before, more_after): (Vec<u64>, bool, bool) = match cursor {
        Cursor::Start | Cursor::After(_) => {
            let start = if let Cursor::After(id) = cursor { store.world.after(kind, id) } else { 0 };
            let found: Vec<u64> = candidates(start..u64::MAX).take(limit + 1).collect();
            let more = found.len() > limit;
            (found, cursor != Cursor::Start, more)
        }
        Cursor::Before(id) => {
            let end = store.world.after(kind, id - 1);
            let mut found: Vec<u64> = candidates(0..end).rev().take(limit + 1).collect();
            let more = found.len() > limit;
            found.truncate(limit);
            found.reverse();
            (found, more, true)
        }
    };
    found.truncate(limit);
    let id = |ordinal: Option<&u64>| ordinal.map(|ordinal| store.id(kind, *ordinal));
    let link = |there: bool, cursor: Option<Cursor>| {
        cursor.filter(|_| there).map(|cursor| with_parameter(url, query, "cursor", &cursor.text()))
    };
    let head = json!({
        "next": link(more_after, id(found.last()).map(Cursor::After)),
        "previous": link(more_before, id(found.first()).map(Cursor::Before)),
    });
    listing(&head, store, kind, &found)
}

fn by_offset(store: &Store, kind: Kind, url: &str, query: &Query, filters: &Filters) -> Reply {
    let limit = limit(query);
    let offset: usize = last(query, "offset").and_then(|text| text.parse().ok()).unwrap_or(0);
    let candidates = store.candidates(kind, 0..u64::MAX, filters.patients.as_deref());
    let admitted: Vec<u64> = candidates.filter(|ordinal| filters.admit(store, kind, *ordinal)).collect();
    let found: Vec<u64> = admitted.iter().skip(offset).take(limit).copied().collect();
    let next = (offset + limit < admitted.len()).then(|| (offset + limit).to_string());
    let previous = (offset > 0).then(|| offset.saturating_sub(limit).to_string());
    let link = |to: Option<String>| to.map(|to| with_parameter(url, query, "offset", &to));
    let head = json!({ "count": admitted.len(), "next": link(next), "previous": link(previous) });
    listing(&head, store, kind, &found)
}

/// The page as text: the objects are written one after the other, without a tree of the whole.
fn listing(head: &Value, store: &Store, kind: Kind, found: &[u64]) -> Reply {
    let mut reply = Reply::json(200, head);
    let mut text = reply.body.to_vec();
    if text.pop() == Some(b'}') {
        text.extend_from_slice(b",\"results\":[");
    }
    for (at, stored) in found.iter().filter_map(|ordinal| store.get(kind, *ordinal)).enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend(serde_json::to_vec(&stored.body).unwrap_or_default());
    }
    text.extend_from_slice(b"]}");
    reply.body = Bytes::from(text);
    reply
}

/// The address again with one parameter set and all others kept.
pub(crate) fn with_parameter(url: &str, query: &Query, name: &str, value: &str) -> String {
    let kept = query.iter().filter(|(known, _)| known != name).map(|(name, value)| (name.as_str(), value.as_str()));
    let pairs: Vec<String> =
        kept.chain([(name, value)]).map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    format!("{url}?{}", pairs.join("&"))
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A page of things that are not stored as objects (subscriptions, published events): given in full, with their ids.
pub(crate) fn page_of(all: &[(i64, Value)], url: &str, query: &Query) -> Reply {
    let limit = limit(query);
    if let Some(offset) = last(query, "offset") {
        let offset: usize = offset.parse().unwrap_or(0);
        let found: Vec<&Value> = all.iter().skip(offset).take(limit).map(|(_, body)| body).collect();
        let next =
            (offset + limit < all.len()).then(|| with_parameter(url, query, "offset", &(offset + limit).to_string()));
        let before = offset.saturating_sub(limit).to_string();
        let previous = (offset > 0).then(|| with_parameter(url, query, "offset", &before));
        return Reply::json(200, &json!({ "count": all.len(), "next": next, "previous": previous, "results": found }));
    }
    let Some(cursor) = Cursor::parse(last(query, "cursor")) else { return Reply::detail(404, "Invalid cursor") };
    let (from, to) = match cursor {
        Cursor::Start => (0, limit),
        Cursor::After(id) => {
            let from = all.partition_point(|(known, _)| *known <= id);
            (from, from + limit)
        }
        Cursor::Before(id) => {
            let to = all.partition_point(|(known, _)| *known < id);
            (to.saturating_sub(limit), to)
        }
    };
    let found = all.get(from..to.min(all.len())).unwrap_or_default();
    let link = |there: bool, cursor: Option<Cursor>| {
        cursor.filter(|_| there).map(|cursor| with_parameter(url, query, "cursor", &cursor.text()))
    };
    let results: Vec<&Value> = found.iter().map(|(_, body)| body).collect();
    Reply::json(
        200,
        &json!({
            "next": link(to < all.len(), found.last().map(|(id, _)| Cursor::After(*id))),
            "previous": link(from > 0, found.first().map(|(id, _)| Cursor::Before(*id))),
            "results": results,
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::query;

    #[test]
    fn cursors_come_back_as_they_went_and_others_are_refused() {
        for cursor in [Cursor::After(142_857_632_874_497), Cursor::Before(7)] {
            assert_eq!(Cursor::parse(Some(&cursor.text())), Some(cursor));
        }
        assert_eq!(Cursor::parse(Some("")), Some(Cursor::Start));
        assert_eq!(Cursor::parse(Some("bm90aGluZw")), None);
        assert_eq!(Cursor::parse(Some("!")), None);
    }

    #[test]
    fn a_link_keeps_the_other_parameters() {
        let kept = query("patient=1%2C2&offset=0&limit=5");
        assert_eq!(with_parameter("http://h/x/", &kept, "offset", "5"), "http://h/x/?patient=1%2C2&limit=5&offset=5");
    }
}
