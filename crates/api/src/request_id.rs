//! Every request has an id of the server's own making, in its answer, its log line and its audit entries.

use crate::Api;
use aceso_base::RequestId;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;

/// The id, as handlers find it.
#[derive(Clone, Copy)]
pub(crate) struct Stamped(pub(crate) RequestId);

pub(crate) async fn stamp(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let id = api.rng.token16();
    request.extensions_mut().insert(Stamped(id));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
