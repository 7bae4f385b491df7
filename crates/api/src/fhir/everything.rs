//! `GET /fhir/R4/Patient/{id}/$everything`.

use super::parts::{InPath, check_format, logical_id, pairs};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use aceso_repository::Fault;
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
    if rtype != "Patient" {
        return Err(Fault::new(404, "not-supported", "$everything is served for Patient only").into());
    }
    let page = api.repository.everything(&caller, &logical_id(&id)?, &pairs(&uri)?).await?;
    Ok(disclosed(StatusCode::OK, page.json, Some(&page.receipt)))
}
