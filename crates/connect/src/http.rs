//! Requests to other systems: bounded in time and size. Errors say what went wrong and name no address, header or body, because
//! identifiers and tokens stand in all three.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use zeroize::Zeroizing;

/// What every request is held to.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the first byte out to the last byte in.
    pub time: Duration,
    /// Largest body of an answer, in bytes.
    pub body: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { time: Duration::from_secs(30), body: 32 << 20 }
    }
}

/// A request, as yet without credentials.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute address.
    pub address: String,
    /// Headers besides those of the connection.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

impl Request {
    /// A `GET` that asks for JSON.
    #[must_use]
    pub fn get(address: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(::http::header::ACCEPT, HeaderValue::from_static("application/json"));
        Self { method: Method::GET, address: address.into(), headers, body: Bytes::new() }
    }

    /// A `POST` of a form (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(address: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let mut request = Self::get(address);
        request.method = Method::POST;
        request.body = Bytes::from(form_text(fields));
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.insert(::http::header::CONTENT_TYPE, kind);
        request
    }

    /// A `POST` of JSON.
    #[must_use]
    pub fn json(address: impl Into<String>, body: Vec<u8>) -> Self {
        let mut request = Self::get(address);
        request.method = Method::POST;
        request.body = Bytes::from(body);
        request.headers.insert(::http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// An answer, whatever its status.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body; wiped when dropped, for records stand in it.
    pub body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// `Retry-After` (RFC 9110 section 10.2.3) where it is a number of seconds.
    ///
    /// The other form, a date, needs the sender's clock to agree with ours; it is taken as "no hint".
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(::http::header::RETRY_AFTER)?.to_str().ok()?;
        text.trim().parse().ok().map(Duration::from_secs)
    }
}

/// No answer was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address is none.
    #[error("the address cannot be used")]
    Address,
    /// No connection, or it ended early.
    #[error("the other system cannot be reached, or ended the connection")]
    Unreachable,
    /// No whole answer in time.
    #[error("the other system did not answer in time")]
    TimedOut,
    /// The body is larger than allowed.
    #[error("the answer is larger than allowed")]
    TooLarge,
}

impl HttpError {
    /// A fixed word for logs, letters and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::TooLarge => "answer-too-large",
        }
    }
}

/// A client with kept-alive connections. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    bounds: Bounds,
}

impl Http {
    /// A client that trusts the certificates which this machine trusts.
    ///
    /// # Errors
    /// [`NoRoots`] when the machine has no root certificates that can be read.
    pub fn new(bounds: Bounds) -> Result<Self, NoRoots> {
        let connector = HttpsConnectorBuilder::new().with_native_roots().map_err(|_| NoRoots)?;
        let connector = connector.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), bounds })
    }

    /// Sends, and reads the whole answer. Redirects are answers: whoever follows them decides with which credentials.
    ///
    /// # Errors
    /// [`HttpError`]. A request that was sent may have been carried out also when there is no answer.
    pub async fn send(&self, request: Request) -> Result<Answer, HttpError> {
        let address: Uri = request.address.parse().map_err(|_| HttpError::Address)?;
        if address.scheme().is_none() || address.host().is_none() {
            return Err(HttpError::Address);
        }
        let mut outgoing = ::http::Request::builder().method(request.method).uri(address);
        if let Some(headers) = outgoing.headers_mut() {
            *headers = request.headers;
        }
        let outgoing = outgoing.body(Full::new(request.body)).map_err(|_| HttpError::Address)?;
        let exchange = async {
            let answer = self.client.request(outgoing).await.map_err(|_| HttpError::Unreachable)?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, self.bounds.body).collect().await.map_err(|error| {
                if error.is::<http_body_util::LengthLimitError>() {
                    HttpError::TooLarge
                } else {
                    HttpError::Unreachable
                }
            })?;
            let body = Zeroizing::new(body.to_bytes().to_vec());
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        tokio::time::timeout(self.bounds.time, exchange).await.map_err(|_| HttpError::TimedOut)?
    }
}

/// The machine has no root certificates.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this machine has no root certificates; install the package ca-certificates")]
pub struct NoRoots;

/// `application/x-www-form-urlencoded` (WHATWG URL, section 5.2): everything but unreserved characters is escaped.
#[must_use]
pub fn form_text(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            text.push('&');
        }
        escape_into(name, &mut text);
        text.push('=');
        escape_into(value, &mut text);
    }
    text
}

fn escape_into(value: &str, out: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => {
                let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase();
                out.push('%');
                out.push(digit(other >> 4));
                out.push(digit(other & 15));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_escapes_what_is_not_plain() {
        assert_eq!(form_text(&[("a b", "x&y=é"), ("c", "")]), "a+b=x%26y%3D%C3%A9&c=");
    }

    #[test]
    fn only_seconds_are_a_hint_when_to_come_again() {
        let mut answer = Answer { status: 429, headers: HeaderMap::new(), body: Zeroizing::default() };
        assert_eq!(answer.retry_after(), None);
        for (text, hint) in [("7", Some(7)), (" 0 ", Some(0)), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("-1", None)] {
            answer.headers.insert(::http::header::RETRY_AFTER, HeaderValue::from_static(text));
            assert_eq!(answer.retry_after(), hint.map(Duration::from_secs), "{text}");
        }
    }
}
