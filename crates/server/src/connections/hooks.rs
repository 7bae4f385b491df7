//! `POST /hooks/{connection}`: where connected systems tell of changes. Who calls is known by the signature over the raw body alone.

use super::{Connections, note_refused_webhook};
use crate::app::App;
use aceso_connect::sync::Delivery;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

/// Largest delivery, in bytes.
const LARGEST: usize = 1 << 20;

/// The route.
pub fn router(app: &App, connections: &Connections) -> Router {
    Router::new()
        .route("/hooks/{connection}", post(take))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state((app.clone(), connections.clone()))
}

/// Success is said only for what is durable. A connection that is not there looks like a signature that is wrong.
async fn take(
    State((app, connections)): State<(App, Connections)>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Some(connection) = connections.get(&name) else {
        return refused(&app, "webhook-connection").await;
    };
    match connection.sync().deliver(&headers, &body).await {
        Ok(Delivery::Taken) => {
            connection.wake();
            StatusCode::OK
        }
        Ok(Delivery::Ignored) => StatusCode::OK,
        Ok(Delivery::Known) => match note_refused_webhook(&app, "webhook-repeated").await {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        },
        Ok(Delivery::Refused(error)) => refused(&app, error.code()).await,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn refused(app: &App, reason: &'static str) -> StatusCode {
    match note_refused_webhook(app, reason).await {
        Ok(()) => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
