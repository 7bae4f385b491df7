//! The token endpoint, the configuration and the description.

use super::quirks::{CHART, DIRECTORY};
use super::{Inner, Reply};
use aceso_base::{Clock as _, SystemClock};
use axum::http::StatusCode;
use serde_json::{Value, json};

impl Inner {
    /// SMART App Launch 2.2, "Backend Services", "Obtain access token".
    pub(super) fn token(&self, body: &str) -> Reply {
        match self.judge(&form(body)) {
            Ok(scope) => {
                let mut state = self.state.lock().unwrap();
                let token = format!("token-{}-{}", state.used.len(), state.tokens.len());
                state.tokens.insert(token.clone());
                state.scopes = scope.split(' ').map(str::to_owned).collect();
                drop(state);
                let answer =
                    json!({ "access_token": token, "token_type": "bearer", "expires_in": 300, "scope": scope });
                (StatusCode::OK, Some(answer))
            }
            Err(error) => (StatusCode::BAD_REQUEST, Some(json!({ "error": error }))),
        }
    }

    fn judge(&self, fields: &[(String, String)]) -> Result<String, &'static str> {
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if field("grant_type") != Some("client_credentials") {
            return Err("unsupported_grant_type");
        }
        let scope = field("scope").filter(|scope| !scope.is_empty()).ok_or("invalid_scope")?;
        if self.quirks.forbidden_scope.is_some_and(|forbidden| scope.split(' ').any(|asked| asked == forbidden)) {
            return Err("invalid_scope");
        }
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        if field("client_assertion_type") != Some(kind) || field("client_secret").is_some() {
            return Err("invalid_client");
        }
        let jwt = field("client_assertion").ok_or("invalid_client")?;
        let (header, claims) = self.key.verify(jwt).ok_or("invalid_client")?;
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let good_header = header["typ"] == "JWT"
            && header["kid"] == super::keys::KEY_ID
            && algorithm == self.key.name()
            && self.quirks.algorithms.contains(&algorithm);
        let life = claims["exp"].as_i64().map(|exp| exp - SystemClock.now().as_seconds());
        let good_claims = claims["iss"] == "aceso"
            && claims["sub"] == "aceso"
            && claims["aud"] == self.token_endpoint()
            && life.is_some_and(|life| (1..=300).contains(&life));
        let id = claims["jti"].as_str().unwrap_or_default();
        let fresh = !id.is_empty() && self.state.lock().unwrap().used.insert(id.to_owned());
        if good_header && good_claims && fresh { Ok(scope.to_owned()) } else { Err("invalid_client") }
    }

    /// SMART App Launch 2.2, "Conformance".
    pub(super) fn configuration(&self) -> Value {
        json!({
            "token_endpoint": self.token_endpoint(),
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": self.quirks.algorithms,
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        })
    }

    /// The CapabilityStatement.
    pub(super) fn statement(&self) -> Value {
        let quirks = &self.quirks;
        let common = || {
            let mut names = vec!["_id", "_count"];
            names.extend(quirks.last_updated.then_some("_lastUpdated"));
            names.extend(quirks.practice.map(|(name, _)| name));
            names
        };
        let kind = |name: &str, more: &[&str], search: bool| {
            let names: Vec<&str> = common().into_iter().chain(more.iter().copied()).collect();
            let params: Vec<Value> = names.iter().map(|name| json!({ "name": name, "type": "token" })).collect();
            let mut can = vec![json!({ "code": "read" })];
            can.extend(search.then(|| json!({ "code": "search-type" })));
            json!({ "type": name, "interaction": can, "searchParam": params })
        };
        let mut all = vec![kind("Patient", &["name"], true), kind("Group", &[], false)];
        all.extend(DIRECTORY.iter().map(|name| kind(name, &["name"], !quirks.no_directory)));
        all.extend(CHART.iter().map(|name| kind(name, &["patient", "category"], true)));
        json!({
            "resourceType": "CapabilityStatement",
            "status": "active",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "software": { "name": quirks.name },
            "format": ["json"],
            "rest": [{ "mode": "server", "resource": all }]
        })
    }
}

/// Pairs of a form or a query.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                }
                other => bytes.push(other),
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value))).collect()
}
