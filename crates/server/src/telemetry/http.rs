//! Measures every request by route template, never by path.

use super::{Gauge, Histogram, Metrics, names};
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// The router with a measurement around each of its routes. Requests that no route takes count under `http_route="none"`.
pub fn measured(router: Router, metrics: &Arc<Metrics>) -> Router {
    let watch = Arc::new(Watch {
        active: metrics.gauge(&names::HTTP_ACTIVE, &[]),
        metrics: Arc::clone(metrics),
        routes: RwLock::default(),
    });
    router.layer(from_fn_with_state(watch, measure))
}

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "_OTHER"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The histograms of one route: by method, then by status class.
type RouteSeries = [[OnceLock<Arc<Histogram>>; CLASSES.len()]; METHODS.len()];

struct Watch {
    metrics: Arc<Metrics>,
    active: Arc<Gauge>,
    routes: RwLock<HashMap<String, Arc<RouteSeries>>>,
}

async fn measure(State(watch): State<Arc<Watch>>, request: Request, next: Next) -> Response {
    let method = method_index(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let running = Running::start(&watch.active);
    let start = Instant::now();
    let response = next.run(request).await;
    drop(running);
    let class = class_index(response.status().as_u16());
    watch.observe(route.as_ref().map_or("none", MatchedPath::as_str), method, class, start.elapsed());
    response
}

/// Counts a request as running until it is answered or its connection is gone.
struct Running(Arc<Gauge>);

impl Running {
    fn start(active: &Arc<Gauge>) -> Self {
        active.add(1);
        Self(Arc::clone(active))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

impl Watch {
    fn observe(&self, route: &str, method: usize, class: usize, took: Duration) {
        let series = self.series(route);
        let slot = series.get(method).and_then(|classes| classes.get(class));
        let (Some(slot), Some(method), Some(class)) = (slot, METHODS.get(method), CLASSES.get(class)) else { return };
        let made = slot.get_or_init(|| {
            let labels = vec![
                ("http_request_method", Cow::Borrowed(*method)),
                ("http_response_status_class", Cow::Borrowed(*class)),
                ("http_route", Cow::Owned(route.to_owned())),
            ];
            self.metrics.histogram_labelled(&names::HTTP_DURATION, labels)
        });
        made.observe_duration(took);
    }

    /// No allocation once a route was seen; there are as many routes as the router has templates.
    fn series(&self, route: &str) -> Arc<RouteSeries> {
        if let Some(found) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route) {
            return Arc::clone(found);
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(route.to_owned()).or_default())
    }
}

/// Every method that is not known is `_OTHER`, as the semantic conventions ask: callers cannot make up labels.
fn method_index(method: &Method) -> usize {
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1)
}

fn class_index(status: u16) -> usize {
    usize::from(status / 100).clamp(1, CLASSES.len()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_request_is_counted_under_its_template_and_not_its_path() {
        let metrics = Arc::new(Metrics::default());
        let router = measured(Router::new().route("/patients/{id}", get(async || "x")), &metrics);
        for path in ["/patients/canary-1", "/patients/canary-2", "/nowhere/canary-3"] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap();
        }
        let text = metrics.render();
        assert!(!text.contains("canary"), "{text}");
        let count = "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_response_status_class=\"2xx\",\
                     http_route=\"/patients/{id}\"} 2";
        assert!(text.contains(count), "{text}");
        assert!(text.contains("http_route=\"none\"} 1"), "{text}");
        assert!(text.contains("http_server_active_requests 0"), "{text}");
    }
}
