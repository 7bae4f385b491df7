//! The listener for whoever runs the system: health, readiness, metrics. Never on the public address.

use crate::telemetry::Metrics;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

/// One thing that must be well before requests are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyCheck {
    /// What is looked at.
    pub name: &'static str,
    /// Well, or what to do about it.
    pub state: Result<(), &'static str>,
}

/// Tells whether requests can be served. Asked at each `/readyz`, so it answers from what it knows, without long work.
pub trait Readiness: Send + Sync {
    /// The checks, always the same names in the same order.
    fn checks(&self) -> Vec<ReadyCheck>;
}

#[derive(Clone)]
struct Ops {
    metrics: Arc<Metrics>,
    readiness: Arc<dyn Readiness>,
}

/// `/healthz` (the process answers), `/readyz` (200 or 503 with every check), `/metrics` (Prometheus text).
pub fn router(metrics: Arc<Metrics>, readiness: Arc<dyn Readiness>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Ops { metrics, readiness })
}

async fn ready(State(ops): State<Ops>) -> Response {
    let checks = ops.readiness.checks();
    let well = checks.iter().all(|check| check.state.is_ok());
    let listed: Vec<_> = checks
        .iter()
        .map(|check| match check.state {
            Ok(()) => serde_json::json!({ "name": check.name, "ok": true }),
            Err(remedy) => serde_json::json!({ "name": check.name, "ok": false, "remedy": remedy }),
        })
        .collect();
    let body = serde_json::json!({ "ready": well, "checks": listed }).to_string();
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn metrics_text(State(ops): State<Ops>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], ops.metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use tower::ServiceExt as _;

    struct Store(bool);
    impl Readiness for Store {
        fn checks(&self) -> Vec<ReadyCheck> {
            let state = if self.0 { Ok(()) } else { Err("free some space") };
            vec![ReadyCheck { name: "disk", state }]
        }
    }

    async fn ask(path: &str, well: bool) -> (u16, String) {
        let router = router(Arc::new(Metrics::new()), Arc::new(Store(well)));
        let response = router.oneshot(Request::builder().uri(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_follows_the_checks_and_names_the_remedy() {
        assert_eq!(ask("/readyz", true).await.0, 200);
        let (status, body) = ask("/readyz", false).await;
        assert_eq!(status, 503);
        assert!(body.contains("\"remedy\":\"free some space\""), "{body}");
    }

    #[tokio::test]
    async fn health_does_not_depend_on_anything() {
        assert_eq!(ask("/healthz", false).await, (200, "ok\n".to_owned()));
    }

    #[tokio::test]
    async fn metrics_are_served_as_text() {
        let (status, body) = ask("/metrics", true).await;
        assert_eq!(status, 200);
        assert!(body.contains("# TYPE process_resident_memory_bytes gauge"));
    }
}
