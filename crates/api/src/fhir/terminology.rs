//! `/fhir/R4/ValueSet/$expand`, `…/$validate-code`, `/fhir/R4/CodeSystem/$lookup`, `…/$validate-code`, `…/$subsumes`.

use super::parts::{check_accept, is_json, json_body, no_parameters, pairs};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use aceso_base::Caller;
use aceso_repository::{Fault, TerminologyInput, TerminologyOperation};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

/// The operation with its parameters in the query.
pub(crate) fn by_query(operation: TerminologyOperation) -> MethodRouter<Api> {
    get(move |State(api): State<Api>, Asking(caller): Asking, uri: Uri, headers: HeaderMap| async move {
        check_accept(&headers)?;
        let mut asked = pairs(&uri)?;
        for (_, format) in asked.extract_if(.., |(name, _)| name == "_format") {
            if !is_json(&format) {
                return Err(Fault::at(406, "not-supported", "http._format", "only json is served").into());
            }
        }
        asked.retain(|(name, value)| (name.as_str(), value.as_str()) != ("_pretty", "false"));
        answer(&api, &caller, operation, TerminologyInput::Query(asked)).await
    })
}

/// The operation with its parameters as a Parameters resource.
pub(crate) fn by_body(operation: TerminologyOperation) -> MethodRouter<Api> {
    post(move |State(api): State<Api>, Asking(caller): Asking, uri: Uri, headers: HeaderMap, body: Body| async move {
        check_accept(&headers)?;
        no_parameters(&uri)?;
        let body = json_body(&api, &headers, body).await?;
        answer(&api, &caller, operation, TerminologyInput::Body(body)).await
    })
}

async fn answer(
    api: &Api,
    caller: &Caller,
    operation: TerminologyOperation,
    input: TerminologyInput,
) -> Result<Response, Refusal> {
    let answer = api.repository.terminology(caller, operation, input).await?;
    Ok(disclosed(StatusCode::OK, answer.json, Some(&answer.receipt)))
}
