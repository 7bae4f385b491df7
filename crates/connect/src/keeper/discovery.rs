//! Where the token endpoint is, asked of the source itself (SMART App Launch 2.2, section "Conformance").

use super::{Access, TokenError};
use crate::http::Request;
use ::http::Uri;
use serde::Deserialize;
use std::sync::PoisonError;

/// The end of the address of the document that names the token endpoint.
pub const DISCOVERY: &str = "/.well-known/smart-configuration";

/// What of the document is needed.
#[derive(Deserialize)]
struct Configuration {
    token_endpoint: String,
}

impl Access {
    /// The token endpoint: as configured, or as the source says. What it says holds until the process ends.
    pub(super) async fn endpoint(&self) -> Result<String, TokenError> {
        let configured = &self.slot.credentials.token_address;
        if !configured.ends_with(DISCOVERY) {
            return Ok(configured.clone());
        }
        let known = self.slot.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        self.spend().await;
        let answer = self.inner.http.send(Request::get(configured)).await?;
        if answer.status >= 500 || answer.status == 429 {
            return Err(TokenError::Failing);
        }
        let told: Option<Configuration> =
            if answer.status == 200 { serde_json::from_slice(&answer.body).ok() } else { None };
        let endpoint = told.map(|told| told.token_endpoint).filter(|told| is_as_safe(told, configured));
        let endpoint = endpoint.ok_or(TokenError::Discovery)?;
        *self.slot.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint.clone());
        Ok(endpoint)
    }
}

/// An absolute address of HTTP, and not a plain one where the source itself is asked over TLS.
fn is_as_safe(endpoint: &str, source: &str) -> bool {
    let Ok(uri) = endpoint.parse::<Uri>() else { return false };
    let is_tls = uri.scheme_str() == Some("https");
    let is_plain = uri.scheme_str() == Some("http");
    uri.host().is_some() && (is_tls || (is_plain && source.starts_with("http:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_never_less_safe_than_the_source() {
        let tls = "https://ehr.example/r4/.well-known/smart-configuration";
        let plain = "http://127.0.0.1/r4/.well-known/smart-configuration";
        assert!(is_as_safe("https://auth.example/token", tls) && is_as_safe("https://auth.example/token", plain));
        assert!(is_as_safe("http://127.0.0.1/token", plain));
        for bad in ["http://auth.example/token", "/token", "", "ftp://auth.example/token", "javascript:1"] {
            assert!(!is_as_safe(bad, tls), "{bad}");
        }
    }
}
