//! `POST /fhir/R4/{type}/$validate`, `GET` and `POST /fhir/R4/{type}/{id}/$validate`.

use super::parts::{InPath, check_format, logical_id, of_body, pairs, resource_body, resource_type, whole_body};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use aceso_base::Caller;
use aceso_fhir::Format;
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
    let body = Some(resource_body(&api, &headers, body).await?);
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
        Some(resource_body(&api, &headers, body).await?)
    } else if whole_body(&api, body).await?.is_empty() {
        None
    } else {
        return Err(
            Fault::new(415, "not-supported", "the body must be application/fhir+json or application/fhir+xml").into()
        );
    };
    answer(&api, &caller, (&rtype, Some(&id)), &uri, &headers, body).await
}

async fn answer(
    api: &Api,
    caller: &Caller,
    (rtype, id): (&str, Option<&str>),
    uri: &Uri,
    headers: &HeaderMap,
    body: Option<(Vec<u8>, Format)>,
) -> Result<Response, Refusal> {
    check_format(headers, uri)?;
    let mut pairs = pairs(uri)?;
    pairs.retain(|(name, value)| name != "_format" && (name.as_str(), value.as_str()) != ("_pretty", "false"));
    let (body, format) = body.unzip();
    let call = ValidateCall { rtype: resource_type(rtype)?, id: id.map(logical_id).transpose()?, pairs, body };
    let answer = api.repository.validate(caller, call).await;
    let answer = answer.map_err(|fault| of_body(fault, format.unwrap_or(Format::Json)))?;
    Ok(disclosed(StatusCode::OK, answer.json, Some(&answer.receipt)))
}
