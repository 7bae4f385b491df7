//! What FHIR endpoints read from a request: type, id, query, body, negotiated format.

use crate::Api;
use crate::reply::Refusal;
use aceso_base::LogicalId;
use aceso_fhir::definitions::ResourceType;
use aceso_repository::{Fault, decode_pairs};
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};

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

/// Refuses a request that wants another format than JSON: silence would look like support.
pub(crate) fn check_accept(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(accept) = headers.get(ACCEPT) else { return Ok(()) };
    let wanted = accept.to_str().unwrap_or_default();
    let fits = wanted.split(',').any(|range| {
        let media = range.split(';').next().unwrap_or_default().trim();
        matches!(
            media,
            "" | "*/*" | "application/*" | "application/fhir+json" | "application/json" | "text/json" | "json"
        )
    });
    if fits {
        Ok(())
    } else {
        Err(Fault::new(406, "not-supported", "this server answers with application/fhir+json").into())
    }
}

/// The whole body, when it is declared as JSON and within the limit.
pub(crate) async fn json_body(api: &Api, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !matches!(media, "application/fhir+json" | "application/json" | "text/json") {
        return Err(Fault::new(415, "not-supported", "the body must be application/fhir+json").into());
    }
    whole_body(api, body).await
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
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut all = pairs(uri)?;
    let bytes = whole_body(api, body).await?;
    if bytes.is_empty() {
        return Ok(all);
    }
    if media.split(';').next().unwrap_or_default().trim() != "application/x-www-form-urlencoded" {
        return Err(Fault::new(415, "not-supported", "the body must be application/x-www-form-urlencoded").into());
    }
    let text = String::from_utf8(bytes).map_err(|_| Fault::new(400, "value", "the form is not UTF-8"))?;
    all.extend(decode_pairs(&text)?);
    Ok(all)
}
