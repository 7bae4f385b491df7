//! `DELETE /fhir/R4/{type}/{id}` and `DELETE /fhir/R4/{type}?…` (one match).

use super::parts::{logical_id, resource_type};
use super::{update, written};
use crate::Api;
use crate::auth::Asking;
use crate::reply::Refusal;
use aceso_base::{Caller, LogicalId};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

pub(crate) async fn delete(
    State(api): State<Api>,
    Asking(caller): Asking,
    Path((rtype, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = logical_id(&id)?;
    answer(&api, &caller, &rtype, Some(id), None, &headers).await
}

pub(crate) async fn delete_conditional(
    State(api): State<Api>,
    Asking(caller): Asking,
    Path(rtype): Path<String>,
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
    let rtype = resource_type(rtype)?;
    match api.repository.delete(caller, rtype, id, condition, update::if_match(headers)?).await? {
        Some(stored) => written::answer(api, caller, headers, stored).await,
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}
