//! `DELETE /fhir/R4/{type}/{id}` and `DELETE /fhir/R4/{type}?…` (one match).

use super::create::IF_NONE_EXIST;
use super::parts::{InPath, logical_id, no_parameters, refuse_header, resource_type};
use super::update;
use super::written::{self, Preferred};
use crate::Api;
use crate::auth::Asking;
use crate::reply::Refusal;
use aceso_base::{Caller, LogicalId};
use aceso_repository::Deleted;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;

pub(crate) async fn delete(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    no_parameters(&uri)?;
    let id = logical_id(&id)?;
    answer(&api, &caller, &rtype, Some(id), None, &headers).await
}

pub(crate) async fn delete_conditional(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(rtype): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    answer(&api, &caller, &rtype, None, Some(uri.query().unwrap_or_default()), &headers).await
}

async fn answer(
    api: &Api,
    caller: &Caller,
    rtype: &str,
    id: Option<LogicalId>,
    condition: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    refuse_header(headers, &IF_NONE_EXIST)?;
    refuse_header(headers, &header::IF_NONE_MATCH)?;
    let preferred = Preferred::of(headers)?;
    let rtype = resource_type(rtype)?;
    match api.repository.delete(caller, rtype, id, condition, update::if_match(headers)?).await? {
        Deleted::Now(stored) => Ok(written::answer(api, caller, preferred, stored).await),
        Deleted::Before { receipt } | Deleted::NoMatch { receipt } => Ok(written::nothing(&receipt)),
    }
}
