//! `/fhir/R4/ValueSet/$expand`, `…/$validate-code`, `/fhir/R4/CodeSystem/$lookup`, `…/$validate-code`, `…/$subsumes`.

use super::parts::{check_format, no_parameters, of_body, pairs, resource_body};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use aceso_base::Caller;
use aceso_fhir::Format;
use aceso_repository::{TerminologyInput, TerminologyOperation};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

/// The operation with its parameters in the query.
pub(crate) fn by_query(operation: TerminologyOperation) -> MethodRouter<Api> {
    get(move |State(api): State<Api>, Asking(caller): Asking, uri: Uri, headers: HeaderMap| async move {
        check_format(&headers, &uri)?;
        let mut asked = pairs(&uri)?;
        asked.retain(|(name, value)| name != "_format" && (name.as_str(), value.as_str()) != ("_pretty", "false"));
        answer(&api, &caller, operation, TerminologyInput::Query(asked), Format::Json).await
    })
}

/// The operation with its parameters as a Parameters resource.
pub(crate) fn by_body(operation: TerminologyOperation) -> MethodRouter<Api> {
    post(move |State(api): State<Api>, Asking(caller): Asking, uri: Uri, headers: HeaderMap, body: Body| async move {
        check_format(&headers, &uri)?;
        no_parameters(&uri)?;
        let (body, format) = resource_body(&api, &headers, body).await?;
        answer(&api, &caller, operation, TerminologyInput::Body(body), format).await
    })
}

async fn answer(
    api: &Api,
    caller: &Caller,
    operation: TerminologyOperation,
    input: TerminologyInput,
    format: Format,
) -> Result<Response, Refusal> {
    let answer = api.repository.terminology(caller, operation, input).await.map_err(|fault| of_body(fault, format))?;
    Ok(disclosed(StatusCode::OK, answer.json, Some(&answer.receipt)))
}
