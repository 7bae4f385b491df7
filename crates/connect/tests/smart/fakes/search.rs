//! Searches: what they demand, their pages, and what happens while they are read.

use super::quirks::DIRECTORY;
use super::{Held, Inner, Reply, State, issue, outcome};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Objects of a page, whatever `_count` says: a server may always show fewer.
const PAGE: usize = 4;

impl Inner {
    pub(super) fn search(&self, kind: &str, query: &[(String, String)]) -> Reply {
        let all = |name: &str| {
            query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        let one = |name: &str| all(name).first().copied();
        let refuse = |code| outcome(StatusCode::BAD_REQUEST, "required", self.code(code));
        let quirks = &self.quirks;
        if let Some((name, value)) = quirks.practice
            && one(name) != Some(value)
        {
            return refuse("4111");
        }
        let is_directory = DIRECTORY.contains(&kind);
        let wants_patient = quirks.wants_patient && kind != "Patient" && !is_directory;
        let unqualified = (wants_patient && one("patient").is_none())
            || (quirks.no_patients && kind == "Patient")
            || (quirks.no_directory && is_directory);
        if unqualified && one("_id").is_none() {
            return refuse("59159");
        }
        if quirks.wants_category.contains(&kind) && one("category").is_none() {
            return refuse("59108");
        }
        let ranges = all("_lastUpdated");
        if !ranges.is_empty() && (!quirks.last_updated || (quirks.closed_ranges && ranges.len() != 2)) {
            return refuse("59102");
        }
        let mut state = self.state.lock().unwrap();
        if one("patient").is_some_and(|patient| state.protected.contains(patient)) {
            return outcome(StatusCode::FORBIDDEN, "suppressed", self.code("4134"));
        }
        if kind == "DocumentReference"
            && let Some(left) = &mut state.documents_left
        {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => return outcome(StatusCode::FORBIDDEN, "throttled", self.code("4135")),
            }
        }
        let offset: usize = one("page").map_or(0, |page| page.parse().unwrap());
        if offset > 0 && state.expire_pages > 0 {
            state.expire_pages -= 1;
            return outcome(StatusCode::BAD_REQUEST, "expired", self.code("4113"));
        }
        let fits = |held: &&Held| {
            let whose = patient_of(&held.body).unwrap_or_default();
            let category = held.body["category"][0]["coding"][0]["code"].as_str();
            !held.deleted
                && one("patient").is_none_or(|patient| patient == whose)
                && one("category").is_none_or(|wanted| category == Some(wanted))
                && ranges.iter().all(|range| within(held.updated, range))
        };
        let of_kind = state.resources.iter().filter(|((name, _), _)| name == kind).map(|(_, held)| held);
        let found: Vec<Value> = of_kind.filter(fits).map(|held| self.shown(held)).collect();
        let restless = self.restless(&mut state, kind, &found, offset);
        let incomplete = state.incomplete.contains(kind);
        drop(state);
        self.page(kind, query, offset, found, restless, incomplete)
    }

    /// While its list is read, an object changes: the last page shows its new state, and then an old one again.
    fn restless(&self, state: &mut State, kind: &str, found: &[Value], offset: usize) -> Vec<Value> {
        let Some(key) = state.restless.clone().filter(|(name, _)| name == kind) else { return Vec::new() };
        let is_last = offset + PAGE >= found.len();
        let is_here = found.iter().any(|value| value["id"] == json!(key.1));
        if !is_last || !is_here || found.len() <= PAGE {
            return Vec::new();
        }
        let old = self.shown(&state.resources[&key]);
        state.now += 1000;
        let now = state.now;
        let held = state.resources.get_mut(&key).unwrap();
        held.version += 1;
        held.updated = now;
        held.body["language"] = json!("en");
        let new = self.shown(held);
        state.restless = None;
        vec![new, old]
    }

    fn page(
        &self,
        kind: &str,
        query: &[(String, String)],
        offset: usize,
        found: Vec<Value>,
        more: Vec<Value>,
        incomplete: bool,
    ) -> Reply {
        let base = format!("{}{}", self.origin, self.quirks.path);
        let total = found.len();
        let here: Vec<Value> = found.into_iter().skip(offset).take(PAGE).chain(more).collect();
        let mut entries: Vec<Value> = here
            .into_iter()
            .map(|value| {
                let full = format!("{base}/{kind}/{}", value["id"].as_str().unwrap());
                json!({ "fullUrl": full, "resource": value, "search": { "mode": "match" } })
            })
            .collect();
        let mut warn = |code: &'static str| {
            let warning = issue("warning", "incomplete", self.code(code));
            entries.push(json!({ "resource": warning, "search": { "mode": "outcome" } }));
        };
        if total == 0 && self.quirks.epic_codes {
            warn("4101");
        }
        if incomplete {
            warn("4119");
        }
        let mut links = vec![json!({ "relation": "self", "url": format!("{base}/{kind}") })];
        if offset + PAGE < total {
            let kept: Vec<(&str, &str)> =
                query.iter().filter(|(name, _)| name != "page").map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let next = format!("{base}/{kind}?{}&page={}", aceso_connect::http::form_text(&kept), offset + PAGE);
            links.push(json!({ "relation": "next", "url": next }));
        }
        let bundle = json!({ "resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries });
        (StatusCode::OK, Some(bundle))
    }
}

/// The id of the patient whose record it is.
pub(super) fn patient_of(body: &Value) -> Option<String> {
    if body["resourceType"] == "Patient" {
        return body["id"].as_str().map(str::to_owned);
    }
    let named = ["subject", "patient"].iter().find_map(|name| body[*name]["reference"].as_str())?;
    named.rsplit('/').next().map(str::to_owned)
}

fn within(updated: i64, range: &str) -> bool {
    let (prefix, bound) = range.split_at(2);
    let bound = bound.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    match prefix {
        "ge" => updated >= bound,
        "lt" => updated < bound,
        _ => panic!("{prefix}"),
    }
}

pub(super) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).unwrap().to_string()
}
