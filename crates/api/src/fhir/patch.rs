//! `PATCH /fhir/R4/{type}/{id}` and `PATCH /fhir/R4/{type}?…`: patch and conditional patch.

use super::create::IF_NONE_EXIST;
use super::parts::{
    InPath, check_format, logical_id, media_type, no_parameters, refuse_header, resource_type, whole_body,
};
use super::update::if_match;
use super::written::{self, Preferred};
use crate::Api;
use crate::auth::Asking;
use crate::reply::Refusal;
use aceso_base::{Caller, LogicalId};
use aceso_repository::{Fault, PatchCall, PatchFormat};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;

pub(crate) async fn patch(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    no_parameters(&uri)?;
    answer(&api, &caller, &rtype, Some(logical_id(&id)?), None, &headers, body).await
}

pub(crate) async fn patch_conditional(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(rtype): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    answer(&api, &caller, &rtype, None, Some(uri.query().unwrap_or_default()), &headers, body).await
}

async fn answer(
    api: &Api,
    caller: &Caller,
    rtype: &str,
    id: Option<LogicalId>,
    condition: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    refuse_header(headers, &IF_NONE_EXIST)?;
    refuse_header(headers, &header::IF_NONE_MATCH)?;
    let preferred = Preferred::of(headers)?;
    let rtype = resource_type(rtype)?;
    let if_match = if_match(headers)?;
    let format = PatchFormat::of_media_type(&media_type(headers)?).ok_or_else(|| {
        let text = format!("the body must be one of {}", PatchFormat::MEDIA_TYPES.join(", "));
        Fault::new(415, "not-supported", text)
    })?;
    let body = whole_body(api, body).await?;
    let call = PatchCall { rtype, id, condition, if_match, format, body };
    let stored = api.repository.patch(caller, call).await?;
    Ok(written::answer(api, caller, preferred, stored).await)
}
