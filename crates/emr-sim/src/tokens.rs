//! Tokens and scopes (note, section 1.2).

use crate::facts::Seconds;
use crate::filters::{Query, last};
use crate::kind::Kind;
use crate::options::Credentials;
use crate::random::Stream;
use crate::reply::Reply;
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use std::collections::BTreeMap;

/// Who asks, and what he may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// `client_id`
    pub(crate) application: String,
    scopes: Vec<String>,
}

impl Bearer {
    /// Whether the scopes cover this resource.
    pub(crate) fn may(&self, resource: &str, write: bool) -> bool {
        let fine = format!("system/{resource}.{}", if write { "write" } else { "read" });
        self.scopes.iter().any(|scope| scope == "apiv2" || *scope == fine)
    }
}

/// The tokens that are valid.
#[derive(Debug)]
pub(crate) struct Tokens {
    applications: Vec<Credentials>,
    lifetime: u32,
    fine_scopes: bool,
    access: BTreeMap<String, (Bearer, Seconds)>,
    refresh: BTreeMap<String, Bearer>,
    stream: Stream,
}

impl Tokens {
    pub(crate) const fn new(applications: Vec<Credentials>, lifetime: u32, fine_scopes: bool, stream: Stream) -> Self {
        Self { applications, lifetime, fine_scopes, access: BTreeMap::new(), refresh: BTreeMap::new(), stream }
    }

    /// Whose token this is, if it is valid now.
    pub(crate) fn bearer(&self, token: &str, now: Seconds) -> Option<Bearer> {
        let (bearer, ends) = self.access.get(token)?;
        (now < *ends).then(|| bearer.clone())
    }

    /// The token ends now.
    pub(crate) fn expire(&mut self, token: &str) {
        self.access.remove(token);
    }

    /// The tokens that were issued and have not been withdrawn.
    pub(crate) fn access_tokens(&self) -> Vec<String> {
        self.access.keys().cloned().collect()
    }

    /// Every token ends now.
    pub(crate) fn expire_all(&mut self) {
        self.access.clear();
    }

    /// The token endpoint.
    pub(crate) fn issue(&mut self, form: &Query, now: Seconds) -> Reply {
        let field = |name| last(form, name).unwrap_or_default();
        let known = self
            .applications
            .iter()
            .any(|known| known.client_id == field("client_id") && known.client_secret == field("client_secret"));
        if !known {
            return error(401, "invalid_client");
        }
        let bearer = match field("grant_type") {
            "client_credentials" => match self.scopes(field("scope")) {
                Some(scopes) => Bearer { application: field("client_id").to_owned(), scopes },
                None => return error(400, "invalid_scope"),
            },
            "refresh_token" => match self.refresh.remove(field("refresh_token")) {
                Some(bearer) if bearer.application == field("client_id") => bearer,
                _ => return error(400, "invalid_grant"),
            },
            "" => return error(400, "invalid_request"),
            _ => return error(400, "unsupported_grant_type"),
        };
        self.grant(bearer, now)
    }

    fn grant(&mut self, bearer: Bearer, now: Seconds) -> Reply {
        self.access.retain(|_, (_, ends)| now < *ends);
        let access = BASE64URL_NOPAD.encode(&self.stream.bytes32());
        let refresh = BASE64URL_NOPAD.encode(&self.stream.bytes32());
        let body = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "refresh_token": refresh,
            "scope": bearer.scopes.join(" "),
        });
        self.access.insert(access, (bearer.clone(), now + i64::from(self.lifetime)));
        self.refresh.insert(refresh, bearer);
        Reply::json(200, &body).with("cache-control", "no-store".to_owned())
    }

    /// The scopes asked for; everything when none is.
    fn scopes(&self, asked: &str) -> Option<Vec<String>> {
        let asked: Vec<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
        if asked.is_empty() {
            return Some(vec!["apiv2".to_owned()]);
        }
        let known = asked.iter().all(|scope| *scope == "apiv2" || self.fine_scopes && is_fine(scope));
        known.then(|| asked.into_iter().map(str::to_owned).collect())
    }
}

fn is_fine(scope: &str) -> bool {
    let Some((resource, access)) = scope.strip_prefix("system/").and_then(|rest| rest.rsplit_once('.')) else {
        return false;
    };
    let known = Kind::from_path(resource).is_some() || matches!(resource, "subscriptions" | "published_events");
    known && matches!(access, "read" | "write")
}

fn error(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({ "error": code }))
}
