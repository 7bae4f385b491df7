//! Small fakes of FHIR servers, made from published facts: they check the client's assertion, demand what the real ones demand, show pages,
//! expire, throttle and break.

pub(crate) mod keys;
mod people;
pub(crate) mod quirks;
mod search;
mod token;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Extract;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{Full, Limited};
use keys::Pair;
use quirks::Quirks;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A fake, as long as the test runs.
pub(crate) struct Fake {
    pub(crate) base: String,
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    origin: String,
    quirks: Quirks,
    key: &'static Pair,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) resources: BTreeMap<(String, String), Held>,
    /// Milliseconds of the fake's own clock: each change is a second later.
    now: i64,
    /// Ids of assertions that were used.
    used: BTreeSet<String>,
    tokens: BTreeSet<String>,
    /// Every request: when, and its path with query.
    pub(crate) requests: Vec<(Instant, String)>,
    pub(crate) scopes: Vec<String>,
    /// Every so many requests, this goes wrong.
    pub(crate) faults: Vec<(usize, Fault)>,
    /// Pages that are answered with an expired session before one is shown.
    pub(crate) expire_pages: usize,
    /// Patients that somebody has to break the glass for.
    pub(crate) protected: BTreeSet<String>,
    /// Types whose lists warn that there may be more.
    pub(crate) incomplete: BTreeSet<String>,
    /// Documents that may be asked for.
    pub(crate) documents_left: Option<usize>,
    /// An object that changes while a list is read, shown in three states on three pages.
    pub(crate) restless: Option<(String, String)>,
    /// The description and the configuration are gone.
    pub(crate) without_description: bool,
    pub(crate) without_configuration: bool,
}

/// A resource as it is held.
#[derive(Clone)]
pub(crate) struct Held {
    body: Value,
    version: u64,
    updated: i64,
    pub(crate) deleted: bool,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// 429 with this many seconds.
    TooMany(u64),
    /// 500 with a page of HTML.
    Broken,
    /// JSON that ends early.
    Truncated,
    /// The connection ends in the middle of the answer.
    Cut,
    /// The token is void from now on.
    Expired,
}

impl Fake {
    /// Starts a fake that knows the client by this key.
    pub(crate) async fn start(quirks: Quirks, key: &'static Pair) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let base = format!("{origin}{}", quirks.path);
        let state = State { now: 1_780_000_000_000, ..State::default() };
        let inner = Arc::new(Inner { origin, quirks, key, state: Mutex::new(state) });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, inner }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap()
    }

    /// Makes a resource, or changes it.
    pub(crate) fn put(&self, body: Value) {
        let mut state = self.state();
        state.now += 1000;
        let updated = state.now;
        let key = (text(&body, "resourceType"), text(&body, "id"));
        let version = state.resources.get(&key).map_or(1, |held| held.version + 1);
        state.resources.insert(key, Held { body, version, updated, deleted: false });
    }

    pub(crate) fn edit(&self, kind: &str, id: &str, change: impl Fn(&mut Value)) {
        let mut body = self.state().resources[&(kind.to_owned(), id.to_owned())].body.clone();
        change(&mut body);
        self.put(body);
    }

    pub(crate) fn delete(&self, kind: &str, id: &str) {
        self.state().resources.get_mut(&(kind.to_owned(), id.to_owned())).unwrap().deleted = true;
    }

    /// Everything that is there, as it would be read.
    pub(crate) fn truth(&self) -> Vec<Value> {
        let state = self.state();
        state.resources.values().filter(|held| !held.deleted).map(|held| self.inner.shown(held)).collect()
    }

    /// Requests since the last call whose path has this text.
    pub(crate) fn asked(&self, part: &str) -> Vec<String> {
        let state = self.state();
        state.requests.iter().map(|(_, path)| path.clone()).filter(|path| path.contains(part)).collect()
    }

    pub(crate) fn forget_requests(&self) {
        self.state().requests.clear();
    }
}

async fn answer(
    Extract(inner): Extract<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let (number, over) = {
        let mut state = inner.state.lock().unwrap();
        state.requests.push((Instant::now(), path.clone()));
        let lately = state.requests.iter().filter(|(at, _)| at.elapsed() < Duration::from_secs(60)).count();
        (state.requests.len(), inner.quirks.per_minute.is_some_and(|most| lately > most))
    };
    if over {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    let fault = {
        let state = inner.state.lock().unwrap();
        state.faults.iter().find(|(every, _)| number % every == 0).map(|(_, fault)| *fault)
    };
    match fault {
        Some(Fault::TooMany(seconds)) => {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response();
        }
        Some(Fault::Broken) => return (StatusCode::INTERNAL_SERVER_ERROR, "<html>sorry</html>").into_response(),
        // One byte is announced, and none comes.
        Some(Fault::Cut) => return Response::new(Body::new(Limited::new(Full::new(Bytes::from_static(b"{}")), 1))),
        Some(Fault::Expired) => inner.state.lock().unwrap().tokens.clear(),
        Some(Fault::Truncated) | None => {}
    }
    let (status, value) = inner.route(&method, &uri, &headers, &body);
    let mut text = value.map_or_else(String::new, |value| value.to_string());
    if matches!(fault, Some(Fault::Truncated)) {
        text.truncate(text.len() * 2 / 3);
    }
    (status, [("content-type", "application/fhir+json")], text).into_response()
}

pub(crate) type Reply = (StatusCode, Option<Value>);

impl Inner {
    fn token_endpoint(&self) -> String {
        format!("{}/oauth2/token", self.origin)
    }

    fn route(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Reply {
        let path = uri.path();
        if path == "/oauth2/token" && method == Method::POST {
            return self.token(std::str::from_utf8(body).unwrap());
        }
        let Some(below) = path.strip_prefix(self.quirks.path) else {
            return match self.quirks.tenants {
                Some(tenants) if path.starts_with(tenants) => outcome(StatusCode::FORBIDDEN, "security", None),
                _ => outcome(StatusCode::NOT_FOUND, "not-found", None),
            };
        };
        let state = self.state.lock().unwrap();
        let (description, configuration) = (!state.without_description, !state.without_configuration);
        drop(state);
        if below == "/.well-known/smart-configuration" && configuration {
            return (StatusCode::OK, Some(self.configuration()));
        }
        let accept = headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if self.quirks.strict_accept && !accept.contains("application/fhir+json") {
            return (StatusCode::NOT_ACCEPTABLE, None);
        }
        if below == "/metadata" && description {
            return (StatusCode::OK, Some(self.statement()));
        }
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if !token.is_some_and(|token| self.state.lock().unwrap().tokens.contains(token)) {
            return outcome(StatusCode::UNAUTHORIZED, "login", None);
        }
        let query: Vec<(String, String)> = uri.query().map(token::form).unwrap_or_default();
        match below.trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice() {
            [kind, id] => self.read(kind, id),
            [kind] if !kind.is_empty() && *kind != "metadata" => self.search(kind, &query),
            _ => outcome(StatusCode::NOT_FOUND, "not-found", None),
        }
    }

    fn read(&self, kind: &str, id: &str) -> Reply {
        if kind == "Group" && !self.quirks.groups {
            return outcome(StatusCode::FORBIDDEN, "forbidden", None);
        }
        let state = self.state.lock().unwrap();
        let Some(held) = state.resources.get(&(kind.to_owned(), id.to_owned())) else {
            return outcome(StatusCode::NOT_FOUND, "not-found", self.code("4102"));
        };
        let whose = search::patient_of(&held.body).unwrap_or_default();
        if state.protected.contains(&whose) {
            return outcome(StatusCode::FORBIDDEN, "suppressed", self.code("4131"));
        }
        match held.deleted {
            true if self.quirks.epic_codes => outcome(StatusCode::NOT_FOUND, "deleted", self.code("4103")),
            true => outcome(StatusCode::GONE, "deleted", None),
            false => (StatusCode::OK, Some(self.shown(held))),
        }
    }

    /// A resource as it goes out.
    fn shown(&self, held: &Held) -> Value {
        let mut body = held.body.clone();
        if self.quirks.last_updated {
            body["meta"]["versionId"] = json!(held.version.to_string());
            body["meta"]["lastUpdated"] = json!(search::time(held.updated));
        }
        body
    }

    /// A code of this EHR, if it has codes.
    fn code(&self, code: &'static str) -> Option<&'static str> {
        self.quirks.epic_codes.then_some(code)
    }
}

pub(crate) fn outcome(status: StatusCode, kind: &str, code: Option<&str>) -> Reply {
    (status, Some(issue("fatal", kind, code)))
}

pub(crate) fn issue(severity: &str, kind: &str, code: Option<&str>) -> Value {
    let coding: Vec<Value> = code
        .into_iter()
        .map(|code| json!({ "system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": code }))
        .collect();
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": severity, "code": kind, "details": { "coding": coding, "text": "words" } }]
    })
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}
