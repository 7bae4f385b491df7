//! The source behind the interface: what it holds, who may ask, and the answer to every request.

use crate::changes::Changes;
use crate::facts::{Seconds, facts};
use crate::faults::FaultControl;
use crate::filters::query;
use crate::kind::Kind;
use crate::limiter::Limiter;
use crate::lists;
use crate::options::{Earlier, Options, RateLimit, StartError};
use crate::patients;
use crate::random::Stream;
use crate::reply::{Call, Reply};
use crate::store::{Store, Touched};
use crate::tokens::{Bearer, Tokens};
use crate::webhooks::{Hooks, Refused};
use crate::world::World;
use aceso_base::{Clock, Timestamp};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const ROOT: &str = "/api/2.0/";

/// Shared by the listener, the deliverer and the handle.
pub(crate) struct Core {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: FaultControl,
    /// `http://127.0.0.1:PORT`
    origin: String,
    rate: Option<RateLimit>,
    change_every: Option<i64>,
    began: Timestamp,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) tokens: Tokens,
    pub(crate) hooks: Hooks,
    changes: Changes,
    limiter: Limiter,
    counts: BTreeMap<(String, String, u16), u64>,
    next_change: i64,
    changes_made: u64,
}

/// How often a path answered with a status.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// The method.
    pub method: String,
    /// The path below `/api/2.0`, with `{id}` for ids.
    pub path: String,
    /// The status; 0 when the connection ended without an answer.
    pub status: u16,
    /// How often.
    pub times: u64,
}

impl Core {
    pub(crate) fn new(options: &Options, origin: String) -> Result<Self, StartError> {
        let patients = u64::try_from(options.patients).unwrap_or(u64::MAX);
        if patients == 0 {
            return Err(StartError::NoPatients);
        }
        let now = options.clock.now();
        let earlier = options.earlier.unwrap_or(Earlier { began: now.0, changes: 0 });
        let began = Timestamp(earlier.began);
        let world = Arc::new(World::new(facts()?, options.seed, (patients, options.strangers), began.as_seconds()));
        let applications = std::iter::once(options.credentials.clone()).chain(options.further.clone()).collect();
        let stream = |purpose| Stream::new(options.seed, purpose);
        let change_every =
            options.change_every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1));
        let mut state = State {
            store: Store::new(Arc::clone(&world)),
            tokens: Tokens::new(applications, options.token_seconds, options.fine_scopes, stream(0x70)),
            hooks: Hooks::new(world, options.retry, stream(0x71)),
            changes: Changes::new(stream(0x72)),
            limiter: Limiter::default(),
            counts: BTreeMap::new(),
            next_change: now.0.saturating_add(change_every.unwrap_or(i64::MAX)),
            changes_made: earlier.changes,
        };
        // Nobody has subscribed yet, so these need no events.
        let mut at = began;
        for _ in 0..earlier.changes {
            at = Timestamp(at.0.saturating_add(change_every.unwrap_or(0)).min(now.0));
            state.changes.make(&mut state.store, at.as_seconds());
        }
        Ok(Self {
            clock: Arc::clone(&options.clock),
            faults: FaultControl::new(options.faults.clone(), options.seed),
            origin,
            rate: options.rate,
            change_every,
            began,
            state: Mutex::new(state),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}{}", self.origin, ROOT.trim_end_matches('/'))
    }

    pub(crate) fn now(&self) -> Seconds {
        self.clock.now().as_seconds()
    }

    /// Makes changes now, with their events.
    pub(crate) fn change(&self, changes: usize) -> Vec<Touched> {
        let mut state = self.state();
        (0..changes).flat_map(|_| self.change_once(&mut state)).collect()
    }

    fn change_once(&self, state: &mut State) -> Vec<Touched> {
        let touched = state.changes.make(&mut state.store, self.now());
        for one in &touched {
            self.publish(state, *one, None);
        }
        touched
    }

    fn publish(&self, state: &mut State, touched: Touched, by: Option<&str>) {
        let shape = self.faults.for_save();
        state.hooks.publish(&state.store, touched, by, shape, &self.base_url(), self.clock.now().0);
    }

    /// The changes whose time has come.
    pub(crate) fn change_by_clock(&self) {
        let Some(every) = self.change_every else { return };
        let mut state = self.state();
        // A clock that jumps (a test, a laptop that slept) does not make a day's changes at once.
        for _ in 0..100 {
            if self.clock.now().0 < state.next_change {
                return;
            }
            state.next_change = state.next_change.saturating_add(every);
            state.changes_made += 1;
            self.change_once(&mut state);
        }
        state.next_change = self.clock.now().0.saturating_add(every);
    }

    /// How far it came by the clock.
    pub(crate) fn so_far(&self) -> Earlier {
        Earlier { began: self.began.0, changes: self.state().changes_made }
    }

    /// Saves or deletes one object at the source, with its events.
    pub(crate) fn edit(&self, kind: Kind, id: i64, edit: impl FnOnce(&mut serde_json::Map<String, Value>)) -> bool {
        let now = self.now();
        let mut state = self.state();
        let Some(ordinal) = state.store.ordinal(kind, id) else { return false };
        let touched = state.store.edit(kind, ordinal, now, |body| {
            edit(body);
            Some(())
        });
        touched.is_some_and(|touched| {
            self.publish(&mut state, touched, None);
            true
        })
    }

    pub(crate) fn delete(&self, kind: Kind, id: i64) -> bool {
        let now = self.now();
        let mut state = self.state();
        let Some(ordinal) = state.store.ordinal(kind, id) else { return false };
        let touched = state.store.delete(kind, ordinal, now);
        touched.is_some_and(|touched| {
            self.publish(&mut state, touched, None);
            true
        })
    }

    pub(crate) fn restore(&self, kind: Kind, id: i64) -> bool {
        let now = self.now();
        let mut state = self.state();
        let Some(ordinal) = state.store.ordinal(kind, id) else { return false };
        let touched = state.store.restore(kind, ordinal, now);
        touched.is_some_and(|touched| {
            for one in touched {
                self.publish(&mut state, one, None);
            }
            true
        })
    }

    /// Counts an answer; status 0 is none.
    pub(crate) fn count(&self, call: &Call, status: u16) {
        let below = call.path.strip_prefix(ROOT).unwrap_or(&call.path);
        let is_id = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let parts: Vec<&str> = below.split('/').map(|part| if is_id(&part) { "{id}" } else { part }).collect();
        let key = (call.method.to_string(), format!("/{}", parts.join("/")), status);
        *self.state().counts.entry(key).or_insert(0) += 1;
    }

    pub(crate) fn counts(&self) -> Vec<Count> {
        let count = |(key, times): (&(String, String, u16), &u64)| {
            let (method, path, status) = key.clone();
            Count { method, path, status, times: *times }
        };
        self.state().counts.iter().map(count).collect()
    }

    /// The answer to a request, apart from faults.
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let Some(below) = call.path.strip_prefix(ROOT) else { return Reply::detail(404, "Not found.") };
        if !call.path.ends_with('/') {
            // As Django does it: for every method, so that a POST that follows it loses its body.
            let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
            return Reply::empty(301).with("location", format!("{}{}/{query}", self.origin, call.path));
        }
        let parts: Vec<&str> = below.trim_end_matches('/').split('/').collect();
        let mut state = self.state();
        if parts == ["oauth2", "token"] {
            return self.token(&mut state, call);
        }
        let bearer = match call.token().map(|token| state.tokens.bearer(token, self.now())) {
            Some(Some(bearer)) => bearer,
            Some(None) => return unauthorized("Invalid token."),
            None => return unauthorized("Authentication credentials were not provided."),
        };
        if let Some(limit) = self.rate
            && let Err(seconds) = state.limiter.take(&bearer.application, limit, self.clock.now().0)
        {
            return Reply::throttled(limit.retry_after.then_some(seconds));
        }
        match parts.as_slice() {
            ["subscriptions", rest @ ..] | ["app", "subscriptions", rest @ ..] => {
                self.subscriptions(&mut state, call, &bearer, rest)
            }
            ["published_events", rest @ ..] | ["app", "published_events", rest @ ..] => {
                self.published(&state, call, &bearer, rest)
            }
            [path, rest @ ..] => match Kind::from_path(path) {
                Some(kind) => self.objects(&mut state, call, &bearer, kind, rest),
                None => Reply::detail(404, "Not found."),
            },
            [] => Reply::detail(404, "Not found."),
        }
    }

    fn token(&self, state: &mut State, call: &Call) -> Reply {
        if call.method != Method::POST {
            return Reply::not_allowed(&call.method);
        }
        let form = call.content_type.as_deref().unwrap_or_default();
        if !form.starts_with("application/x-www-form-urlencoded") {
            return Reply::json(400, &json!({ "error": "invalid_request" }));
        }
        state.tokens.issue(&query(&String::from_utf8_lossy(&call.body)), self.now())
    }

    fn url(&self, call: &Call) -> String {
        format!("{}{}", self.origin, call.path)
    }

    fn objects(&self, state: &mut State, call: &Call, bearer: &Bearer, kind: Kind, rest: &[&str]) -> Reply {
        let write = call.method != Method::GET;
        let writable = kind == Kind::Patients && matches!(call.method, Method::POST | Method::PUT | Method::PATCH);
        if write && (!writable || (call.method == Method::POST) != rest.is_empty()) {
            return Reply::not_allowed(&call.method);
        }
        if !bearer.may(kind.path(), write) {
            return forbidden();
        }
        if write && !call.content_type.as_deref().unwrap_or_default().starts_with("application/json") {
            return Reply::detail(415, "Unsupported media type in request.");
        }
        let now = self.now();
        let (reply, touched) = match rest {
            [] if write => patients::create(&mut state.store, &call.body, now),
            [] => return lists::page(&state.store, kind, &self.url(call), &query(&call.query)),
            [id] => {
                let found = id.parse().ok().and_then(|id| state.store.ordinal(kind, id));
                let Some(ordinal) = found else { return Reply::not_found(kind.model()) };
                if state.store.is_deleted(kind, ordinal) {
                    return Reply::detail(410, "This object has been deleted.");
                }
                if !write {
                    let stored = state.store.get(kind, ordinal);
                    return stored
                        .map_or_else(|| Reply::not_found(kind.model()), |stored| Reply::json(200, &stored.body));
                }
                patients::update(&mut state.store, ordinal, &call.body, call.method == Method::PUT, now)
            }
            _ => return Reply::detail(404, "Not found."),
        };
        if let Some(touched) = touched {
            self.publish(state, touched, Some(&bearer.application));
        }
        reply
    }

    fn subscriptions(&self, state: &mut State, call: &Call, bearer: &Bearer, rest: &[&str]) -> Reply {
        if !bearer.may("subscriptions", call.method != Method::GET) {
            return forbidden();
        }
        let own = state.hooks.subscriptions(&bearer.application);
        let id = rest.first().and_then(|id| id.parse::<i64>().ok());
        match (&call.method, rest) {
            (&Method::GET, []) => lists::page_of(&own, &self.url(call), &query(&call.query)),
            (&Method::POST, []) => self.subscribe(state, call, bearer),
            (&Method::GET, [_]) => match own.iter().find(|(known, _)| Some(*known) == id) {
                Some((_, body)) => Reply::json(200, body),
                None => Reply::not_found("Subscription"),
            },
            (&Method::DELETE, [_]) => match id.is_some_and(|id| state.hooks.unsubscribe(&bearer.application, id)) {
                true => Reply::empty(204),
                false => Reply::not_found("Subscription"),
            },
            (method, [] | [_]) => Reply::not_allowed(method),
            _ => Reply::detail(404, "Not found."),
        }
    }

    fn subscribe(&self, state: &mut State, call: &Call, bearer: &Bearer) -> Reply {
        let Ok(sent) = serde_json::from_slice::<Value>(&call.body) else {
            return Reply::detail(400, "JSON parse error");
        };
        let text = |name: &str| sent.get(name).and_then(Value::as_str);
        let missing = ["resource", "target"].into_iter().find(|name| text(name).is_none());
        if let Some(name) = missing {
            return Reply::json(400, &json!({ name: ["This field is required."] }));
        }
        let Some(kind) = text("resource").and_then(Kind::from_path).filter(|kind| kind.can_be_subscribed()) else {
            return Reply::json(400, &json!({ "resource": ["Not a valid choice."] }));
        };
        let target = text("target").unwrap_or_default();
        let authority = target.parse::<http::Uri>().ok().filter(|uri| uri.scheme_str() == Some("http"));
        if authority.is_none_or(|uri| uri.host().is_none()) {
            return Reply::json(400, &json!({ "target": ["Enter a valid URL."] }));
        }
        let properties = sent.get("properties").cloned().unwrap_or_default();
        match state.hooks.subscribe(&bearer.application, kind, target, properties, self.now()) {
            Ok(body) => Reply::json(201, &body),
            Err(Refused::Twice) => Reply::detail(409, "Subscription already exists."),
            Err(Refused::Key) => Reply::server_error(500),
        }
    }

    fn published(&self, state: &State, call: &Call, bearer: &Bearer, rest: &[&str]) -> Reply {
        if call.method != Method::GET {
            return Reply::not_allowed(&call.method);
        }
        if !bearer.may("published_events", false) {
            return forbidden();
        }
        let own = state.hooks.published(&bearer.application, self.now());
        match rest {
            [] => lists::page_of(&own, &self.url(call), &query(&call.query)),
            [id] => match own.iter().find(|(known, _)| Ok(*known) == id.parse()) {
                Some((_, body)) => Reply::json(200, body),
                None => Reply::not_found("PublishedEvent"),
            },
            _ => Reply::detail(404, "Not found."),
        }
    }
}

fn unauthorized(text: &str) -> Reply {
    Reply::detail(401, text).with("www-authenticate", "Bearer realm=\"api\"".to_owned())
}

fn forbidden() -> Reply {
    Reply::detail(403, "You do not have permission to perform this action.")
}
