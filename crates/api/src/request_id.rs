//! Every request has an id of the server's own making, in its answer, its log line and its audit entries.

use crate::format::{Wanted, as_asked};
use crate::refused::{Asker, completed};
use crate::reply::as_problem;
use crate::{Api, routes};
use aceso_base::RequestId;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

/// The id, and the note of who asks, as handlers find them.
#[derive(Clone)]
pub(crate) struct Stamped {
    pub(crate) id: RequestId,
    pub(crate) asker: Asker,
}

pub(crate) async fn stamp(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let stamped = Stamped { id: api.rng.token16(), asker: Asker::default() };
    let speaks_fhir = !request.uri().path().starts_with("/admin/");
    let (method, path) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let asked = Wanted::of(request.headers(), request.uri()).unwrap_or_default();
    let is_safe = request.method().is_safe() || request.uri().path().ends_with("/_search");
    request.extensions_mut().insert(stamped.clone());
    let response = next.run(request).await;
    let response = completed(&api, &stamped, || action(&method, path.as_ref()?.as_str()), response).await;
    let mut response = if speaks_fhir {
        as_asked(response, asked, is_safe, api.repository.settings().json_depth).await
    } else {
        as_problem(response)
    };
    if let Ok(value) = HeaderValue::from_str(&stamped.id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// What the log calls a request to this endpoint.
fn action(method: &Method, path: &str) -> Option<aceso_audit::Action> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    routes::ROUTES.iter().find(|route| route.method == method && route.path == path)?.action
}
