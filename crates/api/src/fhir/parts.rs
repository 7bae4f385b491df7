//! What FHIR endpoints read from a request: type, id, query, body, negotiated format.

use crate::Api;
use crate::format::Wanted;
use crate::reply::Refusal;
use aceso_base::LogicalId;
use aceso_fhir::Format;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Limits;
use aceso_fhir::xml;
use aceso_repository::{Fault, decode_pairs};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Path};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

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
            ("_format", value) if Format::of_parameter(value).is_some() => {}
            ("_format", _) => {
                return Err(Fault::at(406, "not-supported", "http._format", "json or xml is served").into());
            }
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(Fault::at(400, "not-supported", place, "this interaction takes no parameters").into());
            }
        }
    }
    Ok(())
}

/// Refuses a request that wants another notation than those served: silence would look like support.
pub(crate) fn check_format(headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
    Wanted::of(headers, uri).map(|_| ())
}

/// The whole body as JSON, when it is declared as FHIR JSON or XML and within the limits; and what it came as.
pub(crate) async fn resource_body(api: &Api, headers: &HeaderMap, body: Body) -> Result<(Vec<u8>, Format), Refusal> {
    let Some(format) = Format::of_media_type(&media_type(headers)?) else {
        let text = "the body must be application/fhir+json or application/fhir+xml";
        return Err(Fault::new(415, "not-supported", text).into());
    };
    let bytes = whole_body(api, body).await?;
    if format == Format::Json {
        return Ok((bytes, format));
    }
    let bytes = Zeroizing::new(bytes);
    let settings = api.repository.settings();
    let limits = Limits { max_bytes: settings.body_bytes, max_depth: settings.json_depth, ..Limits::default() };
    Ok((xml::to_json(&bytes, &limits).map_err(Fault::from)?, format))
}

/// A fault of a body that came in this notation. Behind [`resource_body`] bytes are counted in JSON.
pub(crate) fn of_body(fault: Fault, format: Format) -> Fault {
    if format == Format::Json { fault } else { fault.without_offsets() }
}

/// The media type of the body in lower case, without its parameters; of those only `charset=utf-8` fits JSON, XML
/// and our forms, and no other release of FHIR (R4 http.html, section 3.1.0.1.9).
pub(crate) fn media_type(headers: &HeaderMap) -> Result<String, Refusal> {
    let text = single(headers, &CONTENT_TYPE)?.unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_owned();
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let refused = match (name, value.trim_matches('"')) {
            ("charset", charset) if charset != "utf-8" => "the body must be UTF-8",
            ("fhirversion", version) if version != "4.0" => "the body must be of FHIR 4.0",
            _ => continue,
        };
        return Err(Fault::new(415, "not-supported", refused).into());
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
