//! What the token, introspection and userinfo endpoints answer.

use crate::secret::Secret;
use serde::Serialize;

/// The answer of the token endpoint (RFC 6749 section 5.1). Send it with `Cache-Control: no-store`.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The bearer token.
    pub access_token: Secret,
    /// Its life in seconds.
    pub expires_in: i64,
    /// Works once. Services have none.
    pub refresh_token: Option<Secret>,
    /// What was granted.
    pub scope: String,
}

impl TokenResponse {
    /// The JSON that goes over the wire.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({
            "access_token": self.access_token.reveal(),
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
        });
        if let (Some(refresh), Some(members)) = (&self.refresh_token, json.as_object_mut()) {
            members.insert("refresh_token".to_owned(), refresh.reveal().into());
        }
        json
    }
}

/// The answer of the introspection endpoint (RFC 7662 section 2.2). What is not active tells nothing else.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
#[expect(missing_docs, reason = "the members are those of RFC 7662 section 2.2 and of the access token")]
pub struct Introspection {
    pub active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

/// The answer of the userinfo endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct UserInfo {
    /// The user id, or the client id of a service.
    pub sub: String,
    /// The user name; services have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// Whose data.
    pub tenant: String,
    /// The roles.
    pub roles: Vec<String>,
    /// For patients: the reference to the record that is his own.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
}
