//! Forms as browsers send them, and the token that shows that our own page sent them.

use crate::context::Context;
use crate::refusal::Refused;
use aceso_repository::{Fault, decode_pairs};
use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

const MAX_FORM: usize = 16 * 1024;
/// The field that holds the token.
pub(crate) const CSRF: &str = "csrf";

/// Names and values in order.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Refused> {
        let malformed = || Refused::from(Fault::new(400, "value", "the form is malformed"));
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if media.split(';').next().unwrap_or_default().trim() != "application/x-www-form-urlencoded" {
            return Err(malformed());
        }
        let bytes = to_bytes(body, MAX_FORM).await.map_err(|_| malformed())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
        Ok(Self(decode_pairs(text).map_err(|_| malformed())?))
    }

    /// A form of somebody who is signed in, which must hold the token of his session.
    pub(crate) async fn of(context: &Context, headers: &HeaderMap, body: Body) -> Result<Self, Refused> {
        let form = Self::read(headers, body).await?;
        form.check(&context.session.csrf)?;
        Ok(form)
    }

    /// Whether the form holds this token.
    pub(crate) fn check(&self, token: &str) -> Result<(), Refused> {
        let given = self.get(CSRF).unwrap_or_default();
        let differs = given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) != 0;
        if differs || given.len() != token.len() || token.is_empty() {
            return Err(Fault::new(403, "csrf", "the form did not come from a page of this console").into());
        }
        Ok(())
    }

    /// The first value of a field; empty ones count as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, value)| known == name && !value.trim().is_empty());
        found.map(|(_, value)| value.trim())
    }

    /// All values of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// A value as it was typed, for passwords.
    pub(crate) fn take_raw(&mut self, name: &str) -> Option<String> {
        self.0.iter_mut().find(|(known, _)| known == name).map(|(_, value)| std::mem::take(value))
    }
}
