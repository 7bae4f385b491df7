//! `POST /fhir/R4/{type}/$validate`, `GET` and `POST /fhir/R4/{type}/{id}/$validate`.

use super::parts::{InPath, check_accept, is_json, json_body, logical_id, pairs, resource_type, whole_body};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use aceso_base::Caller;
use aceso_repository::{Fault, ValidateCall};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;

pub(crate) async fn post(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(rtype): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let body = Some(json_body(&api, &headers, body).await?);
    answer(&api, &caller, (&rtype, None), &uri, &headers, body).await
}

pub(crate) async fn get_stored(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&api, &caller, (&rtype, Some(&id)), &uri, &headers, None).await
}

pub(crate) async fn post_stored(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let body = if headers.contains_key(header::CONTENT_TYPE) {
        Some(json_body(&api, &headers, body).await?)
    } else if whole_body(&api, body).await?.is_empty() {
        None
    } else {
        return Err(Fault::new(415, "not-supported", "the body must be application/fhir+json").into());
    };
    answer(&api, &caller, (&rtype, Some(&id)), &uri, &headers, body).await
}

async fn answer(
    api: &Api,
    caller: &Caller,
    (rtype, id): (&str, Option<&str>),
    uri: &Uri,
    headers: &HeaderMap,
    body: Option<Vec<u8>>,
) -> Result<Response, Refusal> {
    check_accept(headers)?;
    let mut pairs = pairs(uri)?;
    for (_, format) in pairs.extract_if(.., |(name, _)| name == "_format") {
        if !is_json(&format) {
            return Err(Fault::at(406, "not-supported", "http._format", "only json is served").into());
        }
    }
    pairs.retain(|(name, value)| (name.as_str(), value.as_str()) != ("_pretty", "false"));
    let call = ValidateCall { rtype: resource_type(rtype)?, id: id.map(logical_id).transpose()?, pairs, body };
    let answer = api.repository.validate(caller, call).await?;
    Ok(disclosed(StatusCode::OK, answer.json, Some(&answer.receipt)))
}
