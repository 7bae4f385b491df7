//! `GET /fhir/R4/{type}/{id}/_history`.

use super::parts::{InPath, check_format, logical_id, pairs, resource_type};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

pub(crate) async fn get(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    let (rtype, id) = (resource_type(&rtype)?, logical_id(&id)?);
    let page = api.repository.history(&caller, rtype, &id, &pairs(&uri)?).await?;
    Ok(disclosed(StatusCode::OK, page.json, Some(&page.receipt)))
}
