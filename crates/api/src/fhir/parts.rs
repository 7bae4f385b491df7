//! What FHIR endpoints read from a request: type, id, query, body, negotiated format.

use crate::Api;
use crate::reply::Refusal;
use aceso_base::LogicalId;
use aceso_fhir::definitions::ResourceType;
use aceso_repository::{Fault, decode_pairs};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Path};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri};
use serde::de::DeserializeOwned;

pub(crate) fn resource_type(name: &str) -> Result<ResourceType, Refusal> {
    ResourceType::parse(name).ok_or_else(|| Fault::new(404, "not-supported", "not a resource type of FHIR R4").into())
}

/// An id from the path. What is no FHIR id is the id of no record.
pub(crate) fn logical_id(text: &str) -> Result<LogicalId, Refusal> {
    LogicalId::parse(text).map_err(|_| Fault::new(404, "not-found", "there is no such record").into())
}

pub(crate) fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Refusal> {
    Ok(decode_pairs(uri.query().unwrap_or_default())?)
}

/// The names in the path (axum's `Path`), with a refusal in our own words.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for InPath<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(names)) => Ok(Self(names)),
            Err(_) => Err(Fault::new(400, "value", "the path is not percent-encoded UTF-8").into()),
        }
    }
}

/// The text of a header that may come once at most.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let fail = |text: &'static str| Refusal(Fault::at(400, "value", format!("http.{}", shown(name)), text));
    let mut given = headers.get_all(name).iter();
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => only.to_str().map(Some).map_err(|_| fail("not readable text")),
        (Some(_), Some(_)) => Err(fail("the header may come once only")),
    }
}

/// Refuses a condition that has no meaning for this interaction: to ignore it would be to act against it.
pub(crate) fn refuse_header(headers: &HeaderMap, name: &HeaderName) -> Result<(), Refusal> {
    if !headers.contains_key(name) {
        return Ok(());
    }
    let place = format!("http.{}", shown(name));
    Err(Fault::at(400, "not-supported", place, "this header has no meaning for this interaction").into())
}

/// Header names as documents write them: `If-None-Exist`.
fn shown(name: &HeaderName) -> String {
    let capital = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => format!("{}{rest}", first.to_ascii_uppercase()),
        None => String::new(),
    };
    name.as_str().split('-').map(capital).collect::<Vec<_>>().join("-")
}

/// Refuses parameters where none has a meaning: ignored ones would look as if they had one.
pub(crate) fn no_parameters(uri: &Uri) -> Result<(), Refusal> {
    for (at, (name, value)) in pairs(uri)?.iter().enumerate() {
        match (name.as_str(), value.as_str()) {
            ("_pretty", "false") => {}
            ("_format", value) if is_json(value) => {}
            ("_format", _) => return Err(Fault::at(406, "not-supported", "http._format", "only json is served").into()),
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(Fault::at(400, "not-supported", place, "this interaction takes no parameters").into());
            }
        }
    }
    Ok(())
}

/// Whether `_format` asks for what is served. A `+` in a query arrives as a space.
pub(crate) fn is_json(format: &str) -> bool {
    matches!(format, "json" | "application/json" | "text/json" | "application/fhir+json" | "application/fhir json")
}

/// Refuses a request that wants another format than JSON: silence would look like support.
pub(crate) fn check_accept(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut given = headers.get_all(ACCEPT).iter().peekable();
    if given.peek().is_none() {
        return Ok(());
    }
    let fits = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let wanted = !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        let known = matches!(
            &*media,
            "*/*" | "application/*" | "application/fhir+json" | "application/json" | "text/json" | "json"
        );
        wanted && known
    };
    if given.any(|value| value.to_str().unwrap_or_default().split(',').any(fits)) {
        Ok(())
    } else {
        Err(Fault::new(406, "not-supported", "this server answers with application/fhir+json").into())
    }
}

/// The whole body, when it is declared as JSON and within the limit.
pub(crate) async fn json_body(api: &Api, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    if !matches!(&*media_type(headers)?, "application/fhir+json" | "application/json" | "text/json") {
        return Err(Fault::new(415, "not-supported", "the body must be application/fhir+json").into());
    }
    whole_body(api, body).await
}

/// The media type of the body in lower case, without its parameters; of those only `charset=utf-8` fits JSON and our forms.
pub(crate) fn media_type(headers: &HeaderMap) -> Result<String, Refusal> {
    let text = single(headers, &CONTENT_TYPE)?.unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_owned();
    for charset in parts.filter_map(|part| part.strip_prefix("charset=")) {
        if charset.trim_matches('"') != "utf-8" {
            return Err(Fault::new(415, "not-supported", "the body must be UTF-8").into());
        }
    }
    Ok(media)
}

pub(crate) async fn whole_body(api: &Api, body: Body) -> Result<Vec<u8>, Refusal> {
    let limit = api.repository.settings().body_bytes;
    match to_bytes(body, limit).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(Fault::new(413, "too-long", format!("the body was cut or is longer than {limit} bytes")).into()),
    }
}

/// The pairs of a form body (POST `_search`), after those of the URL.
pub(crate) async fn form_pairs(
    api: &Api,
    headers: &HeaderMap,
    uri: &Uri,
    body: Body,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut all = pairs(uri)?;
    let bytes = whole_body(api, body).await?;
    if bytes.is_empty() {
        return Ok(all);
    }
    if media_type(headers)? != "application/x-www-form-urlencoded" {
        return Err(Fault::new(415, "not-supported", "the body must be application/x-www-form-urlencoded").into());
    }
    let text = String::from_utf8(bytes).map_err(|_| Fault::new(400, "value", "the form is not UTF-8"))?;
    all.extend(decode_pairs(&text)?);
    Ok(all)
}
