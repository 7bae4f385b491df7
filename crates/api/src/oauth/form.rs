//! Forms with client authentication: in the body or by HTTP Basic, never both (RFC 6749 section 2.3.1).

use crate::reply::json;
use aceso_identity::{OAuthError, Secret};
use aceso_repository::decode_pairs;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use data_encoding::BASE64;

const MAX_FORM: usize = 16 * 1024;

/// The fields of a form, each at most once.
pub(super) struct Form {
    fields: Vec<(String, Option<String>)>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Secret>,
}

/// A refusal as RFC 6749 section 5.2 wants it.
pub(crate) struct OAuthRefusal(Box<Response>);

impl axum::response::IntoResponse for OAuthRefusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<OAuthError> for OAuthRefusal {
    fn from(error: OAuthError) -> Self {
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let body = serde_json::json!({ "error": error.code.as_str(), "error_description": error.description });
        let mut response = json(status, &body);
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6749 section 5.2: the scheme by which the client may have tried.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"aceso\""));
        }
        if let Some(seconds) = error.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        Self(Box::new(response))
    }
}

pub(super) fn bad_request(text: &'static str) -> OAuthRefusal {
    let body = serde_json::json!({ "error": "invalid_request", "error_description": text });
    OAuthRefusal(Box::new(json(StatusCode::BAD_REQUEST, &body)))
}

impl Form {
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, OAuthRefusal> {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if media.split(';').next().unwrap_or_default().trim() != "application/x-www-form-urlencoded" {
            return Err(bad_request("the body must be application/x-www-form-urlencoded"));
        }
        let bytes = to_bytes(body, MAX_FORM).await.map_err(|_| bad_request("the body was cut or is too long"))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| bad_request("the form is not UTF-8"))?;
        let pairs = decode_pairs(text).map_err(|_| bad_request("the form is malformed"))?;
        let mut fields: Vec<(String, Option<String>)> = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(bad_request("a parameter is given twice"));
            }
            fields.push((name, Some(value)));
        }
        let mut form = Self { fields, client_id: None, client_secret: None };
        form.client_id = form.take("client_id");
        form.client_secret = form.take("client_secret").map(Secret::from);
        let mut given = headers.get_all(AUTHORIZATION).iter();
        match (given.next(), given.next()) {
            (Some(only), None) => form.basic(only)?,
            (Some(_), Some(_)) => return Err(bad_request("more than one Authorization header")),
            (None, _) => {}
        }
        Ok(form)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.fields.iter_mut().find(|(known, _)| known == name).and_then(|(_, value)| value.take())
    }

    fn basic(&mut self, header: &HeaderValue) -> Result<(), OAuthRefusal> {
        if self.client_secret.is_some() {
            return Err(bad_request("client authentication in the header and in the body"));
        }
        let malformed = || bad_request("the Authorization header is not HTTP Basic");
        let (scheme, encoded) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(malformed());
        }
        let decoded = BASE64.decode(encoded.trim().as_bytes()).map_err(|_| malformed())?;
        let text = String::from_utf8(decoded).map_err(|_| malformed())?;
        let (id, secret) = text.split_once(':').ok_or_else(malformed)?;
        // Both parts are form-encoded before they are joined (RFC 6749 section 2.3.1).
        let pairs = decode_pairs(&format!("id={id}&secret={secret}")).map_err(|_| malformed())?;
        for (name, value) in pairs {
            match name.as_str() {
                "id" if self.client_id.as_ref().is_none_or(|known| *known == value) => self.client_id = Some(value),
                "secret" => self.client_secret = Some(Secret::from(value)),
                _ => return Err(malformed()),
            }
        }
        Ok(())
    }
}
