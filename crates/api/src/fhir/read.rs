//! `GET /fhir/R4/{type}/{id}` and `…/_history/{version}`: read and vread.

use super::parts::{check_accept, logical_id, pairs, resource_type};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed, etag, http_date};
use aceso_base::{Caller, Version};
use aceso_custodian::{Shape, Summary};
use aceso_fhir::definitions::{ResourceType, TypeRef};
use aceso_repository::{Fault, ReadCall};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;

pub(crate) async fn get(
    State(api): State<Api>,
    Asking(caller): Asking,
    Path((rtype, id)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&api, &caller, &rtype, &id, None, &uri, &headers).await
}

pub(crate) async fn get_version(
    State(api): State<Api>,
    Asking(caller): Asking,
    Path((rtype, id, version)): Path<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let version = version.parse().map_err(|_| Fault::new(404, "not-found", "there is no such record"))?;
    answer(&api, &caller, &rtype, &id, Some(Version(version)), &uri, &headers).await
}

async fn answer(
    api: &Api,
    caller: &Caller,
    rtype: &str,
    id: &str,
    version: Option<Version>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    check_accept(headers)?;
    let rtype = resource_type(rtype)?;
    let shape = shape(rtype, uri)?;
    let call = ReadCall { rtype, id: logical_id(id)?, version, shape };
    let instance = api.repository.read(caller, &call).await?;
    let mut response = disclosed(StatusCode::OK, instance.json, Some(&instance.receipt));
    if let Some(tag) = etag(instance.version.0) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    if let Some(date) = http_date(instance.updated) {
        response.headers_mut().insert(header::LAST_MODIFIED, date);
    }
    Ok(response)
}

/// `_elements` and `_summary` on a single record; anything else is refused by name or position.
fn shape(rtype: ResourceType, uri: &Uri) -> Result<Shape, Refusal> {
    if uri.query().is_none() {
        return Ok(Shape::WHOLE);
    }
    let mut shape = Shape::WHOLE;
    for (at, (name, value)) in pairs(uri)?.into_iter().enumerate() {
        let fail = |name: &str, text: &'static str| Refusal(Fault::at(400, "value", format!("http.{name}"), text));
        match (name.as_str(), value.as_str()) {
            ("_elements", list) => {
                let known = |name: &&str| TypeRef::of_resource(rtype).elements().iter().any(|el| el.name() == *name);
                if !list.split(',').all(|name| known(&name)) {
                    return Err(fail("_elements", "not all of these are elements of the resource type"));
                }
                shape.elements = Some(list.split(',').map(str::to_owned).collect());
            }
            ("_summary", "true") => shape.summary = Some(Summary::True),
            ("_summary", "text") => shape.summary = Some(Summary::Text),
            ("_summary", "data") => shape.summary = Some(Summary::Data),
            ("_summary", "false") | ("_pretty", "false") => {}
            ("_summary", _) => return Err(fail("_summary", "one of true, text, data, false")),
            ("_format", "json" | "application/json" | "application/fhir+json" | "application/fhir json") => {}
            ("_format", _) => return Err(Fault::at(406, "not-supported", "http._format", "only json is served").into()),
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(Fault::at(400, "not-supported", place, "not a parameter of a read").into());
            }
        }
    }
    Ok(shape)
}
