//! Letters of a connection: objects that were set aside. They name an object of the source and a reason, and hold nothing of it.

use super::{admit, parameters, silent, told};
use crate::Api;
use crate::auth::Asking;
use crate::fhir::parts::InPath;
use crate::reply::Refusal;
use aceso_connect::admin::{By, NamedLetter};
use aceso_repository::Fault;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::json;

/// Letters in one answer, if nothing else is said, and at most.
const USUAL: usize = 100;
const MOST: usize = 1000;

pub(crate) async fn list(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(name): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "letters-list").await?;
    let [after, limit] = parameters(&uri, ["after", "limit"])?;
    let limit = match limit.map(|text| text.parse()) {
        None => USUAL,
        Some(Ok(limit @ 1..=MOST)) => limit,
        Some(_) => return Err(Fault::at(400, "value", "http.limit", "a number from 1 to 1000").into()),
    };
    // One more than is shown says whether there are more.
    let mut found = api.connections.letters(&By::from(&caller), &name, after.as_deref(), limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|letter| letter.name.clone());
    let letters: Vec<_> = found.iter().map(NamedLetter::to_json).collect();
    Ok(told(StatusCode::OK, &json!({ "letters": letters, "next": next }), &receipt))
}

pub(crate) async fn inspect(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((name, letter)): InPath<(String, String)>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "letter-read").await?;
    let [] = parameters(&uri, [])?;
    let found = api.connections.letter(&By::from(&caller), &name, &letter)?;
    Ok(told(StatusCode::OK, &found.to_json(), &receipt))
}

pub(crate) async fn retry(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((name, letter)): InPath<(String, String)>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "letter-retry").await?;
    let [] = parameters(&uri, [])?;
    api.connections.retry(&By::from(&caller), &name, &letter).await?;
    Ok(silent(&receipt))
}

pub(crate) async fn discard(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((name, letter)): InPath<(String, String)>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "letter-discard").await?;
    let [] = parameters(&uri, [])?;
    api.connections.discard(&By::from(&caller), &name, &letter).await?;
    Ok(silent(&receipt))
}
