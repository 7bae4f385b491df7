//! Runs of a connection: one now, none for a while, again by its schedule; and what became of one.

use super::members::Members;
use super::{admit, parameters, told};
use crate::Api;
use crate::auth::Asking;
use crate::fhir::parts::InPath;
use crate::reply::Refusal;
use aceso_base::Caller;
use aceso_connect::admin::By;
use aceso_connect::sync::Leg;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;

/// Starts a run: 202 and where it can be asked about. Without a body it reads changes.
pub(crate) async fn sync(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(name): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "connection-sync").await?;
    let [] = parameters(&uri, [])?;
    let mut members = Members::read_if_any(&api, &headers, body).await?;
    let leg = match members.text("reads").as_deref() {
        None | Some("changes") => Leg::Changes,
        Some("everything") => Leg::Everything,
        Some(_) => {
            members.fault("/reads", "changes or everything");
            Leg::Changes
        }
    };
    members.finish()?;
    let job = api.connections.start(&By::from(&caller), &name, leg).await?;
    let mut response = told(StatusCode::ACCEPTED, &job.to_json(), &receipt);
    if let Ok(place) = HeaderValue::from_str(&format!("{}/admin/v1/jobs/{}", api.public_url, job.id)) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

pub(crate) async fn job(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(id): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "job-status").await?;
    let [] = parameters(&uri, [])?;
    let job = api.connections.job(&By::from(&caller), &id)?;
    Ok(told(StatusCode::OK, &job.to_json(), &receipt))
}

pub(crate) async fn pause(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(name): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    paused(&api, &caller, &name, &uri, true).await
}

pub(crate) async fn resume(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(name): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    paused(&api, &caller, &name, &uri, false).await
}

async fn paused(api: &Api, caller: &Caller, name: &str, uri: &Uri, paused: bool) -> Result<Response, Refusal> {
    let what = if paused { "connection-pause" } else { "connection-resume" };
    let receipt = admit(api, caller, what).await?;
    let [] = parameters(uri, [])?;
    let status = api.connections.pause(&By::from(caller), name, paused).await?;
    Ok(told(StatusCode::OK, &status.to_json(), &receipt))
}
