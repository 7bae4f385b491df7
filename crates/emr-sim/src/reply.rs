//! A request as the handlers see it, and an answer.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

/// A request whose body has been read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

impl Call {
    /// The bearer token, if one was sent.
    pub(crate) fn token(&self) -> Option<&str> {
        self.authorization.as_deref()?.strip_prefix("Bearer ")
    }

    /// Whether it asks for a page after the first.
    pub(crate) fn later_page(&self) -> bool {
        let query = crate::filters::query(&self.query);
        query.iter().any(|(name, value)| name == "cursor" && !value.is_empty() || name == "offset" && value != "0")
    }

    pub(crate) fn target(&self) -> String {
        format!("{}?{}", self.path, self.query)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: Bytes::from(serde_json::to_vec(body).unwrap_or_default()),
        }
    }

    /// The usual shape of an error (Django REST framework).
    pub(crate) fn detail(status: u16, text: &str) -> Self {
        Self::json(status, &json!({ "detail": text }))
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, content_type: "application/json", headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn with(mut self, header: &'static str, value: String) -> Self {
        self.headers.push((header, value));
        self
    }

    pub(crate) fn not_found(model: &str) -> Self {
        Self::detail(404, &format!("No {model} matches the given query."))
    }

    pub(crate) fn not_allowed(method: &Method) -> Self {
        Self::detail(405, &format!("Method \"{method}\" not allowed."))
    }

    pub(crate) fn throttled(retry_after: Option<u64>) -> Self {
        let reply = Self::detail(429, "Request was throttled.");
        match retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    }

    /// A failure of the server; those of a gateway before it are not JSON.
    pub(crate) fn server_error(status: u16) -> Self {
        match status {
            502 | 504 => Self {
                content_type: "text/html",
                body: Bytes::from(format!("<html><body><h1>{status}</h1></body></html>")),
                ..Self::empty(status)
            },
            _ => Self::detail(status, "A server error occurred."),
        }
    }
}
