//! `POST /fhir/R4`: batch and transaction.

use super::parts::{check_format, no_parameters, of_body, resource_body};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use aceso_audit::{Action, Entry, Outcome};
use aceso_repository::Fault;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

pub(crate) async fn post(
    State(api): State<Api>,
    Asking(caller): Asking,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    no_parameters(&uri)?;
    let (body, format) = resource_body(&api, &headers, body).await?;
    let answer = api.repository.bundle(&caller, body).await.map_err(|fault| of_body(fault, format))?;
    let receipt = match answer.receipt {
        Some(receipt) => receipt,
        // Every entry made no sense, or there was none: that somebody tried is evidence too.
        None => {
            let entry = Entry::by(&caller, Action::Update).with_outcome(Outcome::failed("nothing-done"));
            api.repository.door().record_refused(entry).await.map_err(Fault::from)?
        }
    };
    Ok(disclosed(StatusCode::OK, answer.json, Some(&receipt)))
}
