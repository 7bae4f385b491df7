//! `/admin/v1/connections`: which there are, how they are, a new one, one less.

use super::members::Members;
use super::{admit, parameters, silent, told};
use crate::Api;
use crate::auth::Asking;
use crate::fhir::parts::InPath;
use crate::reply::Refusal;
use aceso_base::Caller;
use aceso_connect::admin::{
    By, NewConnection, NewProof, OPTION_RULE, Status, USUAL_ALGORITHM, USUAL_CONCURRENCY, USUAL_SCHEDULE, USUAL_SWEEP,
    USUAL_TIME_ZONE, option,
};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use serde_json::json;

pub(crate) async fn list(State(api): State<Api>, Asking(caller): Asking, uri: Uri) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "connections-list").await?;
    let [] = parameters(&uri, [])?;
    let all: Vec<_> = api.connections.list(&By::from(&caller)).iter().map(Status::to_json).collect();
    Ok(told(StatusCode::OK, &json!({ "connections": all }), &receipt))
}

pub(crate) async fn status(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(name): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "connection-status").await?;
    let [] = parameters(&uri, [])?;
    let status = api.connections.status(&By::from(&caller), &name)?;
    Ok(told(StatusCode::OK, &status.to_json(), &receipt))
}

pub(crate) async fn add(
    State(api): State<Api>,
    Asking(caller): Asking,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "connection-add").await?;
    let [] = parameters(&uri, [])?;
    let new = read(&caller, Members::read(&api, &headers, body).await?)?;
    let status = api.connections.add(&By::from(&caller), new).await?;
    let mut response = told(StatusCode::CREATED, &status.to_json(), &receipt);
    if let Ok(place) = HeaderValue::from_str(&format!("{}/admin/v1/connections/{}", api.public_url, status.name)) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

pub(crate) async fn remove(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath(name): InPath<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "connection-remove").await?;
    let [] = parameters(&uri, [])?;
    api.connections.remove(&By::from(&caller), &name).await?;
    Ok(silent(&receipt))
}

/// The members of a new connection. Its tenant is the caller's.
fn read(caller: &Caller, mut members: Members) -> Result<NewConnection, Refusal> {
    let text = |members: &mut Members, name, usual: &str| members.text(name).unwrap_or_else(|| usual.to_owned());
    let secret = members.secret("secret");
    let key = members.secret("key");
    let (key_id, algorithm) = (members.text("key_id"), members.text("algorithm"));
    let proof = match (secret, key) {
        (Some(secret), None) => Some(NewProof::Secret(secret)),
        (None, Some(pem)) => {
            if key_id.is_none() {
                members.fault("/key_id", "is needed beside key");
            }
            let algorithm = algorithm.unwrap_or_else(|| USUAL_ALGORITHM.to_owned());
            Some(NewProof::Key { algorithm, key_id: key_id.unwrap_or_default(), pem })
        }
        _ => {
            members.fault("/secret", "give either secret or key");
            None
        }
    };
    let options: Option<Vec<_>> = members.texts("options").iter().map(|text| option(text)).collect();
    if options.is_none() {
        members.fault("/options", OPTION_RULE);
    }
    let new = NewConnection {
        name: members.needed("name"),
        vendor: members.needed("vendor"),
        tenant: caller.tenant.as_str().to_owned(),
        url: members.needed("url"),
        token_url: members.text("token_url"),
        client_id: members.needed("client_id"),
        scopes: members.texts("scopes"),
        schedule: text(&mut members, "schedule", USUAL_SCHEDULE),
        sweep: text(&mut members, "sweep", USUAL_SWEEP),
        time_zone: text(&mut members, "time_zone", USUAL_TIME_ZONE),
        concurrency: members.number("concurrency").unwrap_or(USUAL_CONCURRENCY),
        per_second: members.number("per_second").unwrap_or(0),
        hooks: members.text("hooks"),
        options: options.unwrap_or_default(),
        paused: members.flag("paused").unwrap_or(false),
        // Without one there is a fault, and nothing comes of it.
        proof: proof.unwrap_or_else(|| NewProof::Secret(Default::default())),
    };
    members.finish()?;
    Ok(new)
}
