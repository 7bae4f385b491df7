//! `GET /fhir/R4/{type}/{id}` and `…/_history/{version}`: read and vread.

use super::parts::{InPath, check_format, logical_id, pairs, resource_type, single};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed, etag, http_date, parse_http_date, unchanged};
use aceso_base::{Caller, Timestamp, Version};
use aceso_custodian::{Shape, Summary};
use aceso_fhir::Format;
use aceso_fhir::definitions::{ResourceType, TypeRef};
use aceso_repository::{Fault, Found, ReadCall, parse_etag, parse_version};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;

pub(crate) async fn get(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&api, &caller, &rtype, &id, None, &uri, &headers).await
}

pub(crate) async fn get_version(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id, version)): InPath<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let version = parse_version(&version).ok_or_else(|| Fault::new(404, "not-found", "there is no such record"))?;
    answer(&api, &caller, &rtype, &id, Some(version), &uri, &headers).await
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
    check_format(headers, uri)?;
    let rtype = resource_type(rtype)?;
    let shape = shape(rtype, uri)?;
    let call = ReadCall { rtype, id: logical_id(id)?, version, shape };
    let copy = ClientCopy::of(headers)?;
    let (mut response, version, updated) =
        match api.repository.read_unless(caller, &call, &|v, at| copy.is(v, at)).await? {
            Found::New(found) => {
                (disclosed(StatusCode::OK, found.json, Some(&found.receipt)), found.version, found.updated)
            }
            Found::Known { version, updated, receipt } => (unchanged(&receipt), version, updated),
        };
    if let Some(tag) = etag(version.0) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    if let Some(date) = http_date(updated) {
        response.headers_mut().insert(header::LAST_MODIFIED, date);
    }
    Ok(response)
}

/// What the client says that it has (RFC 9110 sections 13.1.2 and 13.1.3; R4 http.html, section 3.1.0.1.5).
struct ClientCopy {
    tags: Option<Vec<Version>>,
    any: bool,
    since: Option<Timestamp>,
}

impl ClientCopy {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let tags = single(headers, &header::IF_NONE_MATCH)?;
        let any = tags.is_some_and(|tags| tags.trim() == "*");
        let tags = tags
            .filter(|_| !any)
            .map(|tags| tags.split(',').map(|tag| parse_etag(tag, "http.If-None-Match")).collect())
            .transpose()?;
        // A date that is none is to be ignored (RFC 9110 section 13.1.3); with an entity tag beside it, it does not count.
        let since =
            single(headers, &header::IF_MODIFIED_SINCE)?.filter(|_| tags.is_none() && !any).and_then(parse_http_date);
        Ok(Self { tags, any, since })
    }

    fn is(&self, version: Version, updated: Timestamp) -> bool {
        let tagged = self.tags.as_ref().is_some_and(|tags| tags.contains(&version));
        // HTTP dates know no fractions of a second.
        let not_since = self.since.is_some_and(|since| updated.as_seconds() <= since.as_seconds());
        self.any || tagged || not_since
    }
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
            ("_format", format) if Format::of_parameter(format).is_some() => {}
            ("_format", _) => {
                return Err(Fault::at(406, "not-supported", "http._format", "json or xml is served").into());
            }
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(Fault::at(400, "not-supported", place, "not a parameter of a read").into());
            }
        }
    }
    Ok(shape)
}
